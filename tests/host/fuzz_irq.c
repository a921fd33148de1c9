/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupts of guests: the real kern/pirq.c, x86/irqline.c, x86/msi.c and x86/pci.c on a made-up machine.  Its I/O APIC inputs and PCI
 * functions do what the input says, dom0 and a guest call what they may call, CPUs come and go, allocations fail; any byte of a function's
 * configuration space may change under the hypervisor's feet.  After each step the invariants at the heads of those files (Q1-Q3,
 * L1-L3, M1-M3) are recomputed, and each vector that is taken must be a line's; at the end nothing is left.
 */
/* fuzz-options: -max_len=400 -len_control=0 -runs=15000 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fuzz_input.h"
#include "port_host.h"
#include "x86/counters.h"
#include "x86/cpu.h"

#define CPUS    3
#define GSIS    18u
#define LINES   64u
#define DOMAINS 2
#define FNS     4u       /* on bus 0: functions 0.0 to 0.3 */
#define ENDS_AT 0x24     /* vectors of a CPU: so many, that they run out */
#define TABLES  0x80000000ul

static unsigned here;    /* the CPU we are */
static uint32_t fake_in(uint16_t port, unsigned bytes);
static void fake_out(uint16_t port, unsigned bytes, uint32_t v);

#define cpu_id()   here
#undef COUNT
#define COUNT(name) ((void)0)
#define inb(port)     ((uint8_t)fake_in(port, 1))
#define inw(port)     ((uint16_t)fake_in(port, 2))
#define inl(port)     fake_in(port, 4)
#define outb(port, v) fake_out(port, 1, v)
#define outw(port, v) fake_out(port, 2, v)
#define outl(port, v) fake_out(port, 4, v)
#pragma clang diagnostic ignored "-Wshadow" /* they know nothing of each other */
#include "../../hypervisor/x86/pci.c"
#include "../../hypervisor/x86/msi.c"
#include "../../hypervisor/x86/irqline.c"
#include "../../hypervisor/kern/pirq.c"

#define MUST(cond) \
    ((cond) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort()))

unsigned nr_cpus = CPUS;
cpumask_t cpu_online;
uint32_t trace_events;
unsigned maddr_bits = 46;

static struct {
    struct domain d[DOMAINS];
    struct irq_line *vector[CPUS][256];
    bool asked[CPUS];            /* to vacate */
    bool masked[GSIS];           /* I/O APIC inputs */
    uint8_t config[FNS][256];
    uint32_t cf8;
    uint64_t now;
    unsigned locks, told[DOMAINS];
    bool waiting;                /* what apic_requested() says */
    uint64_t eoi[DOMAINS][PAGE_SIZE / 8];
    unsigned eoi_maps;
    uint32_t table[8192];        /* device memory at TABLES */
} W;

static unsigned take_below(unsigned n)
{
    return take(1) % n;
}

/* ---- The machine ---- */

void lock(spinlock_t *l)
{
    MUST(!l->next++);
    W.locks++;
}

void unlock(spinlock_t *l)
{
    MUST(l->next-- == 1);
    W.locks--;
}

uint64_t lock_irqsave(spinlock_t *l)
{
    lock(l);
    return 0;
}

void unlock_irqrestore(spinlock_t *l, uint64_t flags)
{
    (void)flags;
    unlock(l);
}

uint64_t time_now(void)
{
    return W.now;
}

void timer_init(struct timer *t, void (*fn)(void *data), void *of, unsigned cpu)
{
    *t = (struct timer){ .fn = fn, .data = of, .cpu = cpu };
}

void timer_set(struct timer *t, uint64_t deadline)
{
    t->running = 1; /* here: it is set */
    t->node.key = deadline;
}

void timer_stop(struct timer *t)
{
    t->running = 0;
}

int vector_alloc(unsigned cpu, struct irq_line *l, unsigned prefer)
{
    if (prefer && !W.vector[cpu][prefer]) {
        W.vector[cpu][prefer] = l;
        return (int)prefer;
    }
    for (unsigned v = VECTOR_DEV_FIRST; v < ENDS_AT; v++)
        if (vector_take(cpu, v, l))
            return (int)v;
    return -XEN_ENOSPC;
}

bool vector_take(unsigned cpu, unsigned vector, struct irq_line *l)
{
    MUST(cpu < CPUS && cpumask_test(&cpu_online, cpu) && vector >= VECTOR_DEV_FIRST && vector <= VECTOR_DEV_LAST);
    if (W.vector[cpu][vector] || vector >= ENDS_AT)
        return false;
    W.vector[cpu][vector] = l;
    return true;
}

void vector_free(unsigned cpu, unsigned vector)
{
    MUST(cpu < CPUS && vector < 256 && W.vector[cpu][vector]);
    W.vector[cpu][vector] = NULL;
}

uint32_t smp_apic_id(unsigned cpu)
{
    return cpu;
}

void smp_send_ipi(unsigned cpu, unsigned vector)
{
    MUST(vector == VECTOR_VACATE);
    W.asked[cpu] = true;
}

void apic_eoi(void)
{
}

bool apic_requested(unsigned vector)
{
    (void)vector;
    return W.waiting;
}

uint64_t apic_error_count(void)
{
    return 0;
}

uint64_t irq_unexpected_count(void)
{
    return 0;
}

void trace_put(uint32_t event, uint32_t n, const uint32_t *word)
{
    (void)event, (void)n, (void)word;
}

void log_always(const char *fmt, ...)
{
    (void)fmt;
}

bool io_irq_permitted(struct domain *d, unsigned irq)
{
    return d->is_privileged || irq % 2;
}

/* The guest's frame 0 is its page for EOIs; there is no other. */
void *guest_frame_map_shared(struct domain *d, gfn_t g)
{
    W.eoi_maps += g.n == 0;
    return g.n ? NULL : W.eoi[d->id];
}

void guest_frame_unmap_shared(struct domain *d, void *p)
{
    MUST(p == W.eoi[d->id] && W.eoi_maps--);
}

bool event_send_pirq(struct domain *d, unsigned pirq)
{
    MUST(d->pirq && pirq < d->pirq->count && d->pirq->table[pirq].is_bound);
    W.told[d->id]++;
    return true;
}

/* Device memory: only TABLES is there. */
void *ioremap(uint64_t maddr, size_t size)
{
    if (maddr < TABLES || maddr - TABLES >= sizeof(W.table) || size > sizeof(W.table) - (maddr - TABLES))
        return NULL;
    return (char *)W.table + (maddr - TABLES);
}

static uint8_t *config_at(uint16_t port)
{
    unsigned fn = W.cf8 >> 8 & 0xff, bus = W.cf8 >> 16 & 0xff;

    return bus == 0 && fn < FNS && W.cf8 >> 31 ? &W.config[fn][(W.cf8 & 0xfc) + (port & 3)] : NULL;
}

static uint32_t fake_in(uint16_t port, unsigned bytes)
{
    const uint8_t *p = config_at(port);
    uint32_t v = ~0u;

    MUST(port >= PORT_DATA && (port & 3) + bytes <= 4);
    if (p)
        memcpy(&v, p, bytes);
    return bytes == 4 ? v : v & ((1u << bytes * 8) - 1);
}

static void fake_out(uint16_t port, unsigned bytes, uint32_t v)
{
    uint8_t *p = config_at(port);

    if (port == PORT_ADDRESS) {
        W.cf8 = v;
        return;
    }
    MUST(port >= PORT_DATA && (port & 3) + bytes <= 4);
    if (p)
        memcpy(p, &v, bytes);
}

/* A function with MSI (some of them wide, some maskable) and MSI-X, whose tables are a few slots. */
static void fn_make(unsigned fn)
{
    uint8_t *c = W.config[fn];
    uint32_t bar = (uint32_t)TABLES + fn * 0x800; /* two in a page */

    memset(c, 0, 256);
    memcpy(c, "\x34\x12\x78\x56\x02\0\x10\0", 8);
    memcpy(c + PCI_BAR0, &bar, 4);
    c[PCI_CAPS] = 0x40;
    memcpy(c + 0x40, "\x09\x50\0\0", 4); /* some other */
    memcpy(c + 0x50, "\x05\x70", 2);
    c[0x52] = (uint8_t)(2 << 1 | (fn & 1 ? MSI_64BIT : 0)); /* four messages */
    c[0x53] = fn & 2 ? MSI_MASKABLE >> 8 : 0;
    memcpy(c + 0x70, "\x11\0\x05\0", 4); /* six slots */
    c[0x75] = 0x01; /* at 0x100 of BAR 0 */
}

/* ---- The I/O APIC ---- */

static void gsi_mask(struct irq_line *l)
{
    W.masked[l->irq] = true;
}

static void gsi_unmask(struct irq_line *l)
{
    W.masked[l->irq] = false;
}

static void gsi_route(struct irq_line *l)
{
    MUST(l->cpu < CPUS && W.vector[l->cpu][l->vector] == l);
}

static bool gsi_may_move(struct irq_line *l, bool same_vector, bool in_irq)
{
    (void)same_vector;
    return l->level || in_irq;
}

static const struct irq_chip gsi_chip = { "fake", gsi_mask, gsi_unmask, gsi_route, gsi_may_move };

/* ---- What must hold ---- */

static bool guest_has(const struct irq_line *l, const struct domain *d, unsigned pirq)
{
    for (unsigned i = 0; i < l->nr_guests; i++)
        if (l->guests[i].domain == d && l->guests[i].pirq == pirq)
            return true;
    return false;
}

/* Q1, Q3, and each line is in a domain's table once. */
static unsigned check_domain(const struct domain *d)
{
    const struct pirq_domain *pd = d->pirq;
    unsigned bound = 0;
    bool met[LINES] = { false };

    for (unsigned i = 0; pd && pd->table && i < pd->count; i++) {
        const struct pirq *p = &pd->table[i];

        if (p->line) {
            MUST(!met[p->line->irq] && p->line->chip && (p->line->irq < GSIS || (p->line->claimed && p->line->msi)));
            met[p->line->irq] = true;
        }
        if (p->is_bound && p->line) {
            MUST(guest_has(p->line, d, i));
            bound++;
            MUST(!pd->eoi_map || p->line->irq >= GSIS || pd->eoi_map[i / 64] >> (i % 64) & 1);
        } else {
            MUST(!p->line || !guest_has(p->line, d, i));
        }
    }
    return bound;
}

/* L1 to L3; its vectors are its own.  How many it has. */
static unsigned check_line(const struct irq_line *l)
{
    unsigned owing = 0;

    for (unsigned i = 0; i < l->nr_guests; i++)
        owing += l->guests[i].owes_eoi;
    MUST(owing == l->nr_owing);
    MUST(!(l->level && owing) || l->masked);
    MUST(l->nr_guests || l->fn || l->masked);
    MUST(l->irq >= GSIS || W.masked[l->irq] == l->masked);
    MUST(l->irq < GSIS || l->claimed || (!l->nr_guests && l->cpu == CPU_NONE));
    MUST(l->cpu == CPU_NONE || W.vector[l->cpu][l->vector] == l);
    MUST(l->old_cpu == CPU_NONE || W.vector[l->old_cpu][l->old_vector] == l);
    return (l->cpu != CPU_NONE) + (l->old_cpu != CPU_NONE);
}

/* M1 to M3.  How many entries it has. */
static unsigned check_fn(const struct pci_fn *f)
{
    unsigned n = 0, blocks = 0;

    for (const struct msi_entry *e = f->entries; e; e = e->next, n++) {
        uint64_t at = e->slot ? TABLES + (uint64_t)((const char *)(uintptr_t)e->slot - (const char *)W.table) : 0;

        MUST(e->line && e->line->msi == e && e->line->claimed && e->fn == f && !e->slot == !f->entries->slot);
        MUST(!e->slot || (e->count == 1 && e->index < f->nr_slots && at == f->table_maddr + e->index * SLOT_SIZE));
        MUST(!e->slot || msix_table_frame(MFN(at >> PAGE_SHIFT)));
        blocks += !e->slot && e->index == 0;
    }
    MUST(!n || f->entries->slot || (blocks == 1 && n == f->entries->count));
    return n;
}

static void check(void)
{
    unsigned vectors = 0, taken = 0, claimed = 0, entries = 0, bound = 0, guests = 0, nr = 0;

    MUST(!W.locks);
    for (unsigned irq = 0; irq < LINES; irq++) {
        const struct irq_line *l = irq_line(irq);

        if (!l)
            continue;
        vectors += check_line(l);
        guests += l->nr_guests;
        claimed += irq >= GSIS && l->claimed;
    }
    for (unsigned c = 0; c < CPUS; c++)
        for (unsigned v = VECTOR_DEV_FIRST; v < ENDS_AT; v++)
            taken += W.vector[c][v] != NULL;
    for (unsigned i = 0; i < DOMAINS; i++)
        bound += check_domain(&W.d[i]);
    for (unsigned b = 0; b < FN_BUCKETS; b++)
        for (const struct pci_fn *f = fns[b]; f; f = f->next, nr++)
            entries += check_fn(f);
    MUST(vectors == taken && claimed == entries && bound == guests && nr == nr_fns);
}

/* ---- Steps ---- */

static struct domain *take_domain(void)
{
    struct domain *d = &W.d[take_below(8) == 0];

    return d->pirq ? d : NULL;
}

/* One that is mapped, mostly. */
static unsigned take_pirq(const struct domain *d)
{
    unsigned at = take(1), pirq = at;

    for (unsigned i = 0; at < 200 && d->pirq->table && i < d->pirq->count; i++) {
        pirq = (at * 7 + i) % d->pirq->count;
        if (d->pirq->table[pirq].line)
            break;
    }
    return pirq;
}

static struct pci_addr take_fn(void)
{
    unsigned n = take_below(16);

    return (struct pci_addr){ .devfn = (uint8_t)(n % (FNS + 1)), .bus = n == 15 };
}

/* An interrupt where a line points, or pointed before it moved. */
static void step_interrupt(void)
{
    struct irq_line *l = irq_line(take_below(LINES));
    unsigned how = take(1), before = W.told[0] + W.told[1], want;
    bool old = l && how & 1 && l->old_cpu != CPU_NONE, ours;

    if (!l || l->cpu == CPU_NONE || (l->masked && !old))
        return;
    here = old ? l->old_cpu : l->cpu;
    if (how >= 250)
        l->count |= FLOOD_COUNT - 1; /* many came before */
    want = l->nr_guests;
    ours = irq_line_interrupt(l, old ? l->old_vector : l->vector);
    MUST(ours && W.told[0] + W.told[1] - before == want);
    here = 0;
}

static void step_time(void)
{
    W.now += take(1) * 100000u;
    for (unsigned irq = 0; irq < LINES; irq++) {
        struct irq_line *l = irq_line(irq);

        if (l && l->timer.running && W.now >= l->timer.node.key) {
            l->timer.running = 0;
            l->timer.fn(l->timer.data);
        }
    }
}

static void step_vacate(void)
{
    here = take_below(CPUS);
    W.waiting = take_below(4) == 0;
    for (unsigned v = VECTOR_DEV_FIRST; W.asked[here] && v < ENDS_AT; v++)
        if (W.vector[here][v])
            irq_line_vacate(W.vector[here][v], v);
    W.asked[here] = false;
    here = 0;
}

static void step_msi(struct domain *d)
{
    struct msi_request r = { .fn = take_fn() };
    unsigned available = 0, how = take(1);
    int pirq = how & 1 ? -1 : (int)take(1);

    r.msix = how & 2;
    r.count = how & 4 ? 1 : take_below(r.msix ? 2 : 6);
    r.index = take_below(8);
    r.table_base = how & 8 ? TABLES + take(1) * 0x80 : 0;
    (void)pirq_map_msi(d, &pirq, &r, &available);
}

static void step_gsi(struct domain *d)
{
    int pirq = take(1) & 1 ? -1 : (int)take(1);
    unsigned gsi = take_below(GSIS + 2);
    int rc = pirq_map_gsi(d, &pirq, gsi);

    MUST(rc || (pirq >= 0 && pirq_to_irq(d, (unsigned)pirq) == (int)gsi));
}

static void step_device(void)
{
    struct pci_addr a = take_fn();

    switch (take_below(6)) {
    case 0: (void)msi_device_add(a, take_below(4) == 0); break;
    case 1: (void)msi_device_remove(a); break;
    case 2: (void)msi_restore(a); break;
    case 3: (void)msix_prepare(a); break;
    case 4: (void)msix_release(a); break;
    default: pci_guest_write(take(4), take_below(5), take_below(5), take(4)); break;
    }
}

static void step_cpu(void)
{
    unsigned cpu = 1 + take_below(CPUS - 1);

    if (!cpumask_test(&cpu_online, cpu)) {
        cpumask_set(&cpu_online, cpu);
        return;
    }
    cpumask_clear(&cpu_online, cpu);
    irq_lines_leave(cpu);
}

/* Any byte, or one of those that say where capabilities and tables are. */
static void step_poke(uint8_t *config)
{
    static const uint8_t at[] = { PCI_COMMAND, PCI_STATUS, PCI_BAR0, PCI_BAR0 + 1, PCI_CAPS, 0x41, 0x50, 0x51, 0x52, 0x70, 0x71, 0x72, 0x75 };
    static const uint8_t to[] = { 0, 0x02, 0x10, 0x40, 0x50, 0x70, PCI_CAP_MSI, PCI_CAP_MSIX, 0xff };
    unsigned i = take(1), v = take(1);

    if (i & 1)
        config[at[i / 2 % ARRAY_SIZE(at)]] = to[v % ARRAY_SIZE(to)];
    else
        config[i] = (uint8_t)v;
}

static void domain_begin(unsigned i)
{
    W.d[i] = (struct domain){ .id = (domid_t)i, .is_privileged = i == 0 };
    memset(W.eoi[i], 0, PAGE_SIZE);
    (void)pirq_domain_create(&W.d[i]);
}

static void domain_end(unsigned i)
{
    pirq_domain_kill(&W.d[i]);
    check();
    pirq_domain_free(&W.d[i]);
}

static void step_domain(struct domain *d, unsigned what)
{
    unsigned n = take_pirq(d);

    switch (what) {
    case 0: case 1: case 2: (void)pirq_bind(d, n, take_below(2)); break;
    case 3: pirq_unbind(d, n); break;
    case 4: (void)pirq_unmap(d, n); break;
    case 5: case 6: (void)pirq_eoi(d, n); break;
    case 7: pirq_move(d, n, take_below(CPUS + 1)); break;
    case 8: step_gsi(d); break;
    case 9: case 10: case 11: step_msi(d); break;
    case 12: (void)pirq_eoi_map_set(d, take_below(2), false); break;
    default: (void)pirq_reserve(d, n & 1); (void)pirq_status(d, n); break;
    }
}

static void step(void)
{
    unsigned what = take_below(28), i;
    struct domain *d = take_domain();

    host_mem_fail_at(take_below(32) == 1);
    if (what < 14 && d) {
        step_domain(d, what);
        return;
    }
    switch (what) {
    case 14: case 15: case 16: case 17: step_interrupt(); break;
    case 18: step_time(); break;
    case 19: step_vacate(); break;
    case 20: step_cpu(); break;
    case 21: case 22: step_device(); break;
    case 23: if (irq_line(i = take_below(GSIS + 1))) (void)irq_line_set_trigger(irq_line(i), take(1) & 1, false); break;
    case 24: step_poke(W.config[take_below(FNS)]); break;
    case 25: fn_make(take_below(FNS)); break;
    case 26:
        i = take_below(DOMAINS);
        domain_end(i);
        domain_begin(i);
        break;
    }
}

static void begin(void)
{
    host_reset();
    memset(&W, 0, sizeof(W));
    W.now = 1000000000;
    memset(&cpu_online, 0, sizeof(cpu_online));
    cpu_online.bits[0] = (1u << CPUS) - 1;
    memset(W.masked, true, sizeof(W.masked));
    irq_lines_init(GSIS, LINES);
    for (unsigned i = 0; i < GSIS; i++) {
        struct irq_line *l = irq_line_create_gsi(i, &gsi_chip);

        l->level = i % 2;
    }
    for (unsigned i = 0; i < FNS; i++)
        fn_make(i);
    for (unsigned i = 0; i < DOMAINS; i++)
        domain_begin(i);
}

static void end(void)
{
    host_mem_fail_at(0);
    for (unsigned i = 0; i < DOMAINS; i++)
        domain_end(i);
    MUST(!W.eoi_maps);
    for (unsigned b = 0; b < FN_BUCKETS; b++)
        while (fns[b]) {
            MUST(fns[b]->announced && !fns[b]->entries);
            MUST(!msi_device_remove(fns[b]->addr));
        }
    for (unsigned irq = 0; irq < LINES; irq++) {
        MUST(!lines[irq] || irq < GSIS || !lines[irq]->claimed);
        mem_free(lines[irq]);
    }
    mem_free(lines);
    MUST(!nr_fns && !table_frames.n);
    ranges_free(&table_frames);
    for (unsigned b = 0; b < TABLE_BUCKETS; b++)
        while (table_maps[b]) {
            struct table_map *m = table_maps[b];

            table_maps[b] = m->next;
            mem_free(m);
        }
    MUST(!host_mem_live());
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    data = bytes;
    left = size;
    begin();
    while (left) {
        step();
        check();
    }
    end();
    return 0;
}
