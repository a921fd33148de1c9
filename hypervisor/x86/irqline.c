/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt lines, and how their interrupts become events of guests.
 *
 * Edge (and messages): acknowledged at once; each interrupt is one event.  A device that floods (thousands within
 * milliseconds) is masked for THROTTLE_NS, then heard again.
 * Level: masked, acknowledged, told to each guest that shares it; unmasked when the last of them has said
 * PHYSDEVOP_eoi.  With several guests on it nobody waits longer than SHARED_EOI_NS for another's answer.
 *
 * Moves: a guest's wish to have a line on another CPU is done when nothing can be lost: level lines just before they
 * are unmasked, edge lines in their own handler, messages at once where the device can be masked meanwhile.  The
 * vector on the former CPU stays the line's, for what was on its way, until SETTLE_NS later that CPU itself finds
 * nothing waiting there (VECTOR_VACATE); the line doesn't move again before.
 *
 * Invariants: L1 nr_owing is the number of guests with owes_eoi; L2 a level line with nr_owing > 0 is masked;
 * L3 a line without guests and without handler is masked; L4 lines are recycled, never freed (x86/irq.c, V2).
 * Locks: each line's own (RANK_IRQ).  event_send_pirq() is called with it held: that keeps the domain alive, because
 * irq_line_unbind() takes it too.
 */
#include "x86/irqline.h"
#include "core/nospec.h"
#include "core/port.h"
#include "x86/apic.h"
#include "x86/counters.h"
#include "x86/irq.h"
#include "x86/log.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/trace.h"

#define FLOOD_COUNT    4096u
#define FLOOD_NS       4000000u  /* FLOOD_COUNT interrupts in this time are too many */
#define THROTTLE_NS    10000000u
#define SHARED_EOI_NS  10000000u
#define SETTLE_NS      10000000u
#define APICID_MAX     254u      /* I/O APICs and messages name a CPU with 8 bits */

static struct irq_line **lines; /* [const after boot]; entries are set once, atomically */
static unsigned nr_gsis, nr_lines;

unsigned irq_nr_gsis(void)
{
    return nr_gsis;
}

unsigned irq_nr_lines(void)
{
    return nr_lines;
}

struct irq_line *irq_line(unsigned irq)
{
    return irq < nr_lines ? __atomic_load_n(&lines[index_clamp(irq, nr_lines)], __ATOMIC_ACQUIRE) : NULL;
}

void irq_lines_init(unsigned gsis, unsigned nr)
{
    nr_gsis = gsis;
    nr_lines = MAX(nr, gsis);
    lines = mem_alloc(nr_lines * sizeof(*lines));
    if (!lines)
        panic("no memory for %u interrupt lines\n", nr_lines);
}

static bool cpu_takes_lines(unsigned cpu)
{
    return cpu < nr_cpus && cpumask_test(&cpu_online, cpu) && smp_apic_id(cpu) <= APICID_MAX;
}

/* Unmask unless somebody still has a reason against it. */
static void unmask_try(struct irq_line *l)
{
    if (!l->masked || l->throttled || l->nr_owing || (!l->nr_guests && !l->fn))
        return;
    l->masked = false;
    l->chip->unmask(l);
}

static void mask_now(struct irq_line *l)
{
    if (!l->masked)
        l->chip->mask(l);
    l->masked = true;
}

/* The vector from before the last move: given back?  If not, and it is time, ask the CPU that has it. */
static bool old_vector_gone(struct irq_line *l)
{
    if (l->old_cpu == CPU_NONE)
        return true;
    if (!l->old_asked && time_now() - l->moved_at >= SETTLE_NS) {
        TRACE(TRC_HW_IRQ_MOVE_FINISH, l->irq, l->old_vector, l->old_cpu);
        l->old_asked = true;
        smp_send_ipi(l->old_cpu, VECTOR_VACATE);
    }
    return false;
}

/* Our vector has priority over a device's: one that waits here is still seen to wait. */
void irq_line_vacate(struct irq_line *l, unsigned vector)
{
    lock(&l->lock);
    if (l->old_cpu == cpu_id() && l->old_vector == vector && l->old_asked) {
        l->old_asked = false;
        if (apic_requested(vector)) {
            TRACE(TRC_HW_IRQ_MOVE_CLEANUP_DELAY, l->irq, vector, cpu_id());
        } else {
            TRACE(TRC_HW_IRQ_MOVE_CLEANUP, l->irq, vector, cpu_id());
            vector_free(l->old_cpu, l->old_vector);
            l->old_cpu = CPU_NONE;
        }
    }
    unlock(&l->lock);
}

/* A vector of a CPU becomes the line's, or is given back: line, vector, set of CPUs (of 128). */
static void __attribute__((cold)) trace_vector(uint32_t event, const struct irq_line *l)
{
    uint32_t word[6] = { l->irq, l->vector };

    if (l->cpu < 128)
        word[2 + l->cpu / 32] = 1u << (l->cpu % 32);
    trace_put(event, ARRAY_SIZE(word), word);
}

static void move_commit(struct irq_line *l, unsigned cpu, unsigned vector)
{
    l->old_cpu = l->cpu;
    l->old_vector = l->vector;
    l->old_asked = false;
    l->moved_at = time_now();
    l->cpu = (uint16_t)cpu;
    l->vector = (uint16_t)vector;
    l->wanted_cpu = CPU_NONE;
    if (TRACE_WANTED(TRC_HW_IRQ_ASSIGN_VECTOR))
        trace_vector(TRC_HW_IRQ_ASSIGN_VECTOR, l);
    l->chip->route(l);
}

static void move_try(struct irq_line *l, bool in_irq)
{
    unsigned to = l->wanted_cpu;
    int vector;

    if (to == CPU_NONE || !old_vector_gone(l))
        return;
    vector = to == l->cpu || !cpu_takes_lines(to) ? -XEN_ENOSPC : vector_alloc(to, l, l->vector);
    if (vector < 0) {
        l->wanted_cpu = CPU_NONE;
    } else if (l->chip->may_move(l, (unsigned)vector == l->vector, in_irq)) {
        move_commit(l, to, (unsigned)vector);
    } else {
        vector_free(to, (unsigned)vector);
        if (l->msi)
            l->wanted_cpu = CPU_NONE; /* waiting would not help */
    }
}

/* The end of a throttle, or of our patience with guests that share the line. */
static void line_timer(void *data)
{
    struct irq_line *l = data;
    uint64_t flags = lock_irqsave(&l->lock);

    l->throttled = false;
    for (unsigned i = 0; i < l->nr_guests; i++)
        l->guests[i].owes_eoi = false;
    l->nr_owing = 0;
    unmask_try(l);
    unlock_irqrestore(&l->lock, flags);
}

static struct irq_line *line_new(unsigned irq)
{
    struct irq_line *l = mem_alloc(sizeof(*l)), *none = NULL;

    if (!l)
        return NULL;
    lock_init(&l->lock, RANK_IRQ);
    l->irq = irq;
    l->masked = true;
    l->cpu = l->wanted_cpu = l->old_cpu = CPU_NONE;
    timer_init(&l->timer, line_timer, l, 0);
    if (__atomic_compare_exchange_n(&lines[irq], &none, l, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return l;
    mem_free(l);
    return none;
}

struct irq_line *irq_line_create_gsi(unsigned gsi, const struct irq_chip *chip)
{
    struct irq_line *l = gsi < nr_gsis ? line_new(gsi) : NULL;

    if (l) {
        l->claimed = 1;
        l->chip = chip;
    }
    return l;
}

struct irq_line *irq_line_claim(const struct irq_chip *chip, struct msi_entry *msi)
{
    for (unsigned irq = nr_gsis; irq < nr_lines; irq++) {
        struct irq_line *l = irq_line(irq);

        if (!l)
            l = line_new(irq);
        if (!l)
            return NULL;
        if (READ_ONCE(l->claimed) || __atomic_exchange_n(&l->claimed, 1, __ATOMIC_ACQ_REL))
            continue;
        l->chip = chip;
        l->msi = msi;
        return l;
    }
    return NULL;
}

void irq_line_release(struct irq_line *l)
{
    uint64_t flags = lock_irqsave(&l->lock);

    assert(!l->nr_guests && !l->fn);
    mask_now(l);
    if (TRACE_WANTED(TRC_HW_IRQ_CLEAR_VECTOR) && l->cpu != CPU_NONE)
        trace_vector(TRC_HW_IRQ_CLEAR_VECTOR, l);
    if (l->cpu != CPU_NONE)
        vector_free(l->cpu, l->vector);
    if (l->old_cpu != CPU_NONE)
        vector_free(l->old_cpu, l->old_vector);
    l->cpu = l->wanted_cpu = l->old_cpu = CPU_NONE;
    l->throttled = false;
    l->msi = NULL;
    timer_stop(&l->timer);
    unlock_irqrestore(&l->lock, flags);
    __atomic_store_n(&l->claimed, 0, __ATOMIC_RELEASE);
}

static void place_at(struct irq_line *l, unsigned cpu, unsigned vector)
{
    l->cpu = (uint16_t)cpu;
    l->vector = (uint16_t)vector;
    if (TRACE_WANTED(TRC_HW_IRQ_ASSIGN_VECTOR))
        trace_vector(TRC_HW_IRQ_ASSIGN_VECTOR, l);
    l->chip->route(l);
}

/* [l->lock] */
static int line_activate(struct irq_line *l, unsigned cpu)
{
    int vector;

    if (l->cpu != CPU_NONE)
        return 0;
    if (!cpu_takes_lines(cpu))
        cpu = 0;
    vector = vector_alloc(cpu, l, 0);
    for (unsigned c = 0; vector < 0 && c < nr_cpus; c++)
        if (cpu_takes_lines(c)) {
            cpu = c;
            vector = vector_alloc(c, l, 0);
        }
    if (vector < 0)
        return vector;
    place_at(l, cpu, (unsigned)vector);
    return 0;
}

int irq_line_activate(struct irq_line *l, unsigned cpu)
{
    uint64_t flags = lock_irqsave(&l->lock);
    int rc = line_activate(l, cpu);

    unlock_irqrestore(&l->lock, flags);
    return rc;
}

/* All of the vectors first .. first+n-1 on this CPU, or none. */
static bool block_take(struct irq_line **l, unsigned n, unsigned cpu, unsigned first)
{
    for (unsigned i = 0; i < n; i++)
        if (!vector_take(cpu, first + i, l[i])) {
            while (i--)
                vector_free(cpu, first + i);
            return false;
        }
    return true;
}

static int block_place(struct irq_line **l, unsigned n, unsigned cpu)
{
    unsigned align = 1, first;

    while (align < n)
        align *= 2;
    for (first = ROUND_UP(VECTOR_DEV_FIRST, align); first + n - 1 <= VECTOR_DEV_LAST; first += align) {
        if (!block_take(l, n, cpu, first))
            continue;
        for (unsigned i = 0; i < n; i++) {
            uint64_t flags = lock_irqsave(&l[i]->lock);

            place_at(l[i], cpu, first + i);
            unlock_irqrestore(&l[i]->lock, flags);
        }
        return 0;
    }
    return -XEN_ENOSPC;
}

int irq_lines_activate_block(struct irq_line **l, unsigned n, unsigned cpu)
{
    int rc = cpu_takes_lines(cpu) ? block_place(l, n, cpu) : -XEN_ENOSPC;

    for (unsigned c = 0; rc && c < nr_cpus; c++)
        if (cpu_takes_lines(c))
            rc = block_place(l, n, c);
    return rc;
}

/* [l->lock] Masks a device that sends more than a guest could ever want. */
static void flood_check(struct irq_line *l)
{
    uint64_t now;

    if (l->count % FLOOD_COUNT)
        return;
    now = time_now();
    if (now - l->window_start < FLOOD_NS) {
        mask_now(l);
        l->throttled = true;
        timer_set(&l->timer, now + THROTTLE_NS);
    }
    l->window_start = now;
}

/* [l->lock] */
static void guests_tell(struct irq_line *l)
{
    for (unsigned i = 0; i < l->nr_guests; i++) {
        struct irq_guest *g = &l->guests[i];

        if (l->level && !g->owes_eoi) {
            g->owes_eoi = true;
            l->nr_owing++;
        }
        event_send_pirq(g->domain, g->pirq);
    }
    if (l->level && l->nr_guests > 1)
        timer_set(&l->timer, time_now() + SHARED_EOI_NS);
}

/* [l->lock] */
static void guest_interrupt(struct irq_line *l)
{
    if (l->level || !l->nr_guests)
        mask_now(l);
    apic_eoi();
    guests_tell(l);
    if (!l->level) {
        flood_check(l);
        move_try(l, true);
    }
}

static void host_interrupt(const struct irq_line *l)
{
    if (!l->level)
        apic_eoi();
    l->fn(l->data);
    if (l->level)
        apic_eoi();
}

/* [l->lock] Is this vector on this CPU ours, now or until a moment ago? */
static bool vector_is_ours(struct irq_line *l, unsigned vector)
{
    unsigned cpu = cpu_id();

    if (l->cpu == cpu && l->vector == vector) {
        if (unlikely(l->old_cpu != CPU_NONE))
            old_vector_gone(l);
        return true;
    }
    return l->old_cpu == cpu && l->old_vector == vector;
}

bool irq_line_interrupt(struct irq_line *l, unsigned vector)
{
    bool ours, host;

    lock(&l->lock);
    ours = vector_is_ours(l, vector);
    host = l->fn;
    if (ours) {
        l->count++;
        COUNT(device_irq);
    }
    if (ours && !host)
        guest_interrupt(l);
    unlock(&l->lock);
    if (ours && host)
        host_interrupt(l);
    return ours;
}

/* [l->lock] */
static struct irq_guest *guest_find(struct irq_line *l, const struct domain *d)
{
    for (unsigned i = 0; i < l->nr_guests; i++)
        if (l->guests[i].domain == d)
            return &l->guests[i];
    return NULL;
}

/* [l->lock] */
static int bind_check(struct irq_line *l, const struct domain *d, bool will_share)
{
    if (!l->chip)
        return -XEN_EINVAL;
    if (l->fn || guest_find(l, d))
        return -XEN_EBUSY;
    if (l->nr_guests && !(l->can_share && will_share))
        return -XEN_EBUSY;
    return l->nr_guests == IRQ_MAX_GUESTS ? -XEN_ENOSPC : 0;
}

int irq_line_bind(struct irq_line *l, const struct irq_guest *who, unsigned cpu, bool will_share)
{
    uint64_t flags = lock_irqsave(&l->lock);
    int rc = bind_check(l, who->domain, will_share);

    if (!rc)
        rc = line_activate(l, cpu);
    if (!rc) {
        l->can_share = will_share;
        l->guests[l->nr_guests++] = *who;
        unmask_try(l);
    }
    unlock_irqrestore(&l->lock, flags);
    return rc;
}

/* [l->lock] */
static void owes_clear(struct irq_line *l, struct irq_guest *g)
{
    if (!g->owes_eoi)
        return;
    g->owes_eoi = false;
    if (--l->nr_owing)
        return;
    move_try(l, false);
    unmask_try(l);
}

void irq_line_unbind(struct irq_line *l, struct domain *d)
{
    uint64_t flags = lock_irqsave(&l->lock);
    struct irq_guest *g = guest_find(l, d);

    if (g) {
        if (l->nr_guests == 1)
            mask_now(l);
        if (g->owes_eoi)
            l->nr_owing--;
        *g = l->guests[--l->nr_guests];
        unmask_try(l);
    }
    unlock_irqrestore(&l->lock, flags);
}

void irq_line_eoi(struct irq_line *l, struct domain *d)
{
    uint64_t flags = lock_irqsave(&l->lock);
    struct irq_guest *g = guest_find(l, d);

    if (g)
        owes_clear(l, g);
    unlock_irqrestore(&l->lock, flags);
}

void irq_line_move(struct irq_line *l, unsigned cpu)
{
    uint64_t flags;

    if (!cpu_takes_lines(cpu))
        return;
    flags = lock_irqsave(&l->lock);
    if (l->cpu != CPU_NONE && l->cpu != cpu) {
        l->wanted_cpu = (uint16_t)cpu;
        move_try(l, false);
    } else {
        l->wanted_cpu = CPU_NONE;
    }
    unlock_irqrestore(&l->lock, flags);
}

void irq_lines_leave(unsigned cpu)
{
    unsigned to = 0;

    for (unsigned irq = 0; irq < nr_lines; irq++) {
        struct irq_line *l = irq_line(irq);

        if (!l || READ_ONCE(l->cpu) != cpu)
            continue;
        irq_line_move(l, to);
        to = cpumask_next(&cpu_online, to + 1) % nr_cpus;
    }
}

int irq_line_set_trigger(struct irq_line *l, bool level, bool active_low)
{
    uint64_t flags = lock_irqsave(&l->lock);
    bool same = l->level == level && l->active_low == active_low;
    int rc = 0;

    if (!same && (l->nr_guests || l->fn)) {
        rc = -XEN_EEXIST;
    } else {
        l->is_configured = true;
        l->level = level;
        l->active_low = active_low;
        if (!same && l->cpu != CPU_NONE)
            l->chip->route(l);
    }
    unlock_irqrestore(&l->lock, flags);
    return rc;
}

bool irq_line_is_shared(struct irq_line *l)
{
    uint64_t flags = lock_irqsave(&l->lock);
    bool shared = l->nr_guests > 1;

    unlock_irqrestore(&l->lock, flags);
    return shared;
}

int irq_request_gsi(unsigned gsi, void (*fn)(void *), void *data)
{
    struct irq_line *l = gsi < nr_gsis ? irq_line(gsi) : NULL;
    uint64_t flags;
    int rc;

    if (!l)
        return -XEN_ENODEV;
    flags = lock_irqsave(&l->lock);
    rc = l->fn || l->nr_guests ? -XEN_EBUSY : line_activate(l, 0);
    if (!rc) {
        l->data = data;
        l->fn = fn;
        unmask_try(l);
    }
    unlock_irqrestore(&l->lock, flags);
    return rc;
}

static void line_dump(const struct irq_line *l)
{
    log_always("  irq %4u %-8s cpu %4d vec %02x %s%s%s%s count %lu owing %u:", l->irq, l->chip->name,
             l->cpu == CPU_NONE ? -1 : (int)l->cpu, l->vector, l->level ? "level" : "edge", l->active_low ? " low" : "",
             l->masked ? " masked" : "", l->throttled ? " throttled" : "", l->count, l->nr_owing);
    if (l->fn)
        log_always(" hypervisor");
    for (unsigned i = 0; i < MIN(l->nr_guests, (unsigned)IRQ_MAX_GUESTS); i++)
        log_always(" d%u:%u%s", l->guests[i].domid, l->guests[i].pirq, l->guests[i].owes_eoi ? "(eoi)" : "");
    log_always("\n");
}

void irq_lines_dump(void)
{
    log_always("interrupt lines (%u inputs, %u in all); unexpected interrupts: %lu, APIC errors: %lu\n", nr_gsis, nr_lines,
             irq_unexpected_count(), apic_error_count());
    for (unsigned irq = 0; irq < nr_lines; irq++) {
        struct irq_line *l = irq_line(irq);
        uint64_t flags;

        if (!l || !READ_ONCE(l->claimed) || l->cpu == CPU_NONE)
            continue;
        flags = lock_irqsave(&l->lock);
        line_dump(l);
        unlock_irqrestore(&l->lock, flags);
    }
}
