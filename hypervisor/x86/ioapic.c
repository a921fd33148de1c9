/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The I/O APICs.  Each input has a redirection entry: vector, CPU (physical destination), trigger mode, mask.
 *
 * Invariants: I1 an entry is written only for its line, under the line's lock; I2 an entry of a level line changes vector
 * only while it is masked and not waiting for an EOI (its "remote IRR" is clear), because the EOI goes by vector.
 * Locks: registers are reached by index and data, under the I/O APIC's own lock (RANK_REGS), inside a line's.
 * Manual: 82093AA; ACPI 5.2.12.
 */
#include "x86/ioapic.h"
#include "core/port.h"
#include "x86/irqline.h"
#include "x86/paging.h"
#include "x86/smp.h"

#define MAX_IOAPICS 128
#define MAX_PINS    240
#define MESSAGES_MAX 8192 /* lines for messages: only a pointer each until they are used */

#define IOAPIC_ID      0x00u
#define IOAPIC_VERSION 0x01u
#define IOAPIC_RTE     0x10u

#define RTE_DELIVERY   0x700u
#define RTE_ACTIVE_LOW 0x2000u
#define RTE_REMOTE_IRR 0x4000u
#define RTE_LEVEL      0x8000u
#define RTE_MASKED     0x10000u

struct ioapic {
    spinlock_t lock;
    volatile uint32_t *regs; /* [0]: index, [4]: data */
    uint64_t address;
    uint32_t gsi_base, nr_pins;
};

static struct ioapic ioapics[MAX_IOAPICS]; /* [const after boot] but for the lock */
static unsigned nr_ioapics;
static uint32_t isa_gsis[16];              /* [const after boot] */

static uint32_t reg_read(struct ioapic *a, uint32_t reg)
{
    uint64_t flags = lock_irqsave(&a->lock);
    uint32_t v;

    a->regs[0] = reg;
    v = a->regs[4];
    unlock_irqrestore(&a->lock, flags);
    return v;
}

static void reg_write(struct ioapic *a, uint32_t reg, uint32_t v)
{
    uint64_t flags = lock_irqsave(&a->lock);

    a->regs[0] = reg;
    a->regs[4] = v;
    unlock_irqrestore(&a->lock, flags);
}

static uint32_t rte_low(const struct irq_line *l)
{
    uint32_t v = RTE_MASKED;

    if (l->cpu != CPU_NONE)
        v = l->vector | (l->masked ? RTE_MASKED : 0);
    return v | (l->level ? RTE_LEVEL : 0) | (l->active_low ? RTE_ACTIVE_LOW : 0);
}

static void line_low_write(struct irq_line *l, uint32_t v)
{
    reg_write(&ioapics[l->ioapic], IOAPIC_RTE + 2u * l->pin, v);
}

static void line_mask(struct irq_line *l)
{
    line_low_write(l, rte_low(l) | RTE_MASKED);
}

static void line_unmask(struct irq_line *l)
{
    line_low_write(l, rte_low(l));
}

/* Masked between the two halves: a new destination with the old vector would be a stray. */
static void line_route(struct irq_line *l)
{
    struct ioapic *a = &ioapics[l->ioapic];
    uint32_t low = reg_read(a, IOAPIC_RTE + 2u * l->pin);

    reg_write(a, IOAPIC_RTE + 2u * l->pin, low | RTE_MASKED);
    reg_write(a, IOAPIC_RTE + 2u * l->pin + 1, l->cpu == CPU_NONE ? 0 : smp_apic_id(l->cpu) << 24);
    line_low_write(l, rte_low(l));
}

static bool line_may_move(struct irq_line *l, bool same_vector, bool in_irq)
{
    if (!l->level)
        return l->masked || in_irq;
    return l->masked && !(reg_read(&ioapics[l->ioapic], IOAPIC_RTE + 2u * l->pin) & RTE_REMOTE_IRR);
}

static const struct irq_chip ioapic_chip = {
    .name = "IO-APIC",
    .mask = line_mask,
    .unmask = line_unmask,
    .route = line_route,
    .may_move = line_may_move,
};

/* Mask an input; one that still waits for an EOI of former times is freed from it by a visit to edge mode. */
static void pin_reset(struct ioapic *a, unsigned pin)
{
    uint32_t low = reg_read(a, IOAPIC_RTE + 2 * pin);

    /* SMIs belong to the firmware. */
    if ((low & RTE_DELIVERY) == 0x200)
        return;
    reg_write(a, IOAPIC_RTE + 2 * pin, low | RTE_MASKED);
    reg_write(a, IOAPIC_RTE + 2 * pin, (low | RTE_MASKED) & ~RTE_LEVEL);
    reg_write(a, IOAPIC_RTE + 2 * pin, RTE_MASKED);
    reg_write(a, IOAPIC_RTE + 2 * pin + 1, 0);
}

static void ioapic_probe(const struct ioapic_desc *desc)
{
    struct ioapic *a = &ioapics[nr_ioapics];
    char *page = ioremap(desc->address & PAGE_MASK, PAGE_SIZE);
    uint32_t version;

    if (!page)
        return;
    *a = (struct ioapic){ .lock = LOCK_INIT(RANK_REGS), .address = desc->address, .gsi_base = desc->gsi_base };
    a->regs = (volatile uint32_t *)(page + (desc->address & ~PAGE_MASK & ~15ul));
    version = reg_read(a, IOAPIC_VERSION);
    a->nr_pins = (version >> 16 & 0xff) + 1;
    if (version == 0xffffffff || a->nr_pins > MAX_PINS || a->gsi_base > 65535) {
        log_warn("I/O APIC at %#lx answers nonsense (%#x): ignored\n", desc->address, version);
        return;
    }
    for (unsigned pin = 0; pin < a->nr_pins; pin++)
        pin_reset(a, pin);
    log_info("I/O APIC %u at %#lx: GSI %u-%u\n", desc->id, a->address, a->gsi_base, a->gsi_base + a->nr_pins - 1);
    nr_ioapics++;
}

/* ISA lines are edge, active high, until an override says otherwise; all others are PCI's: level, active low. */
static void lines_create(unsigned index)
{
    const struct ioapic *a = &ioapics[index];

    for (unsigned pin = 0; pin < a->nr_pins; pin++) {
        struct irq_line *l = irq_line(a->gsi_base + pin);

        if (l) {
            log_warn("GSI %u is on two I/O APICs\n", a->gsi_base + pin);
            continue;
        }
        l = irq_line_create_gsi(a->gsi_base + pin, &ioapic_chip);
        if (!l)
            panic("no memory for the I/O APICs' lines\n");
        l->ioapic = (uint16_t)index;
        l->pin = (uint16_t)pin;
        l->level = l->active_low = l->irq >= 16;
    }
}

static void iso_apply(const struct iso_desc *iso)
{
    struct irq_line *l = irq_line(iso->gsi);

    if (iso->isa_irq >= 16 || iso->gsi >= irq_nr_gsis() || !l) {
        log_warn("override of ISA interrupt %u to GSI %u: no such input\n", iso->isa_irq, iso->gsi);
        return;
    }
    isa_gsis[iso->isa_irq] = iso->gsi;
    irq_line_set_trigger(l, (iso->flags >> 2 & 3) == 3, (iso->flags & 3) == 3);
}

static unsigned gsi_end(void)
{
    unsigned end = 0;

    for (unsigned i = 0; i < nr_ioapics; i++)
        end = MAX(end, ioapics[i].gsi_base + ioapics[i].nr_pins);
    return end;
}

void ioapic_init(const struct ioapic_desc *descs, unsigned nr_descs, const struct iso_desc *isos, unsigned nr_isos)
{
    unsigned end;

    for (unsigned i = 0; i < 16; i++)
        isa_gsis[i] = i;
    for (unsigned i = 0; i < nr_descs && nr_ioapics < MAX_IOAPICS; i++)
        ioapic_probe(&descs[i]);
    end = gsi_end();
    irq_lines_init(end, end + MESSAGES_MAX);
    for (unsigned i = 0; i < nr_ioapics; i++)
        lines_create(i);
    for (unsigned i = 0; i < nr_isos; i++)
        iso_apply(&isos[i]);
}

unsigned ioapic_isa_gsi(unsigned isa_irq)
{
    return isa_irq < 16 ? isa_gsis[isa_irq] : isa_irq;
}

uint64_t ioapic_address(unsigned i)
{
    return i < nr_ioapics ? ioapics[i].address : 0;
}

static struct ioapic *ioapic_find(uint64_t address)
{
    for (unsigned i = 0; i < nr_ioapics; i++)
        if (ioapics[i].address == address)
            return &ioapics[i];
    return NULL;
}

static bool reg_exists(const struct ioapic *a, uint32_t reg)
{
    return reg <= 3 || (reg >= IOAPIC_RTE && reg < IOAPIC_RTE + 2 * a->nr_pins);
}

int ioapic_guest_read(uint64_t address, uint32_t reg, uint32_t *value)
{
    struct ioapic *a = ioapic_find(address);

    if (!a || !reg_exists(a, reg))
        return -XEN_EINVAL;
    *value = reg_read(a, reg);
    return 0;
}

int ioapic_guest_write(uint64_t address, uint32_t reg, uint32_t value)
{
    struct ioapic *a = ioapic_find(address);
    struct irq_line *l;

    if (!a || !reg_exists(a, reg))
        return -XEN_EINVAL;
    if (reg < IOAPIC_RTE || reg & 1)
        return 0;
    l = irq_line(a->gsi_base + (reg - IOAPIC_RTE) / 2);
    if (l && !(value & RTE_MASKED))
        irq_line_set_trigger(l, value & RTE_LEVEL, value & RTE_ACTIVE_LOW);
    return 0;
}
