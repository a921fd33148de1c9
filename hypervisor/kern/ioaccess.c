/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * I/O permissions of domains.  Ports: one bit each (most domains have none, and no bitmap).  Frames and lines: ranges.
 * Locks: io->lock (RANK_IOACCESS) guards the ranges; the bitmap is made once and its bits are atomic.
 */
#include "kern/ioaccess.h"
#include "core/port.h"
#include "core/ranges.h"
#include "kern/domain.h"
#include "x86/cpu.h"
#include "x86/ioapic.h"
#include "x86/serial.h"

#define NR_PORTS 65536u

struct io_domain {
    spinlock_t lock;     /* RANK_IOACCESS */
    uint64_t *ports;     /* [set once] a 1 permits; NULL: none */
    struct ranges mem;   /* [lock] frames */
    struct ranges irqs;  /* [lock] */
};

int io_domain_create(struct domain *d)
{
    struct io_domain *io = mem_alloc(sizeof(*io));

    if (!io)
        return -XEN_ENOMEM;
    lock_init(&io->lock, RANK_IOACCESS);
    d->io = io;
    return 0;
}

void io_domain_free(struct domain *d)
{
    struct io_domain *io = d->io;

    if (!io)
        return;
    ranges_free(&io->mem);
    ranges_free(&io->irqs);
    mem_free(io->ports);
    mem_free(io);
    d->io = NULL;
}

/* Those of word w of a bitmap that are among first to last, which has some of them. */
static uint64_t ports_in(unsigned w, unsigned first, unsigned last)
{
    uint64_t from = w == first / 64 ? ~0ul << first % 64 : ~0ul;

    return w == last / 64 ? from & ~0ul >> (63 - last % 64) : from;
}

bool io_ports_permitted(const struct domain *d, unsigned port, unsigned bytes)
{
    const uint64_t *ports = d->io ? __atomic_load_n(&d->io->ports, __ATOMIC_ACQUIRE) : NULL;
    unsigned last = port + bytes - 1;

    if (!ports || port > last || last >= NR_PORTS)
        return false;
    for (unsigned w = port / 64; w <= last / 64; w++)
        if (ports_in(w, port, last) & ~READ_ONCE(ports[w]))
            return false;
    return true;
}

/* The domain's port bitmap, made if it has none yet. */
static uint64_t *ports_get(struct io_domain *io)
{
    uint64_t *none = NULL, *fresh;

    if (io->ports)
        return io->ports;
    fresh = mem_alloc(NR_PORTS / 8);
    if (!fresh)
        return NULL;
    if (__atomic_compare_exchange_n(&io->ports, &none, fresh, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return fresh;
    mem_free(fresh);
    return none;
}

int io_ports_set(struct domain *d, unsigned first, unsigned last, bool allow)
{
    uint64_t *ports;

    if (first > last || last >= NR_PORTS)
        return -XEN_EINVAL;
    if (!allow && !d->io->ports)
        return 0;
    ports = ports_get(d->io);
    if (!ports)
        return -XEN_ENOMEM;
    for (unsigned w = first / 64; w <= last / 64; w++) {
        if (allow)
            __atomic_or_fetch(&ports[w], ports_in(w, first, last), __ATOMIC_SEQ_CST);
        else
            __atomic_and_fetch(&ports[w], ~ports_in(w, first, last), __ATOMIC_SEQ_CST);
    }
    return 0;
}

static int ranges_set(struct io_domain *io, struct ranges *s, uint64_t first, uint64_t last, bool allow)
{
    int rc;

    if (first > last)
        return -XEN_EINVAL;
    lock(&io->lock);
    rc = allow ? ranges_add(s, first, last) : ranges_remove(s, first, last);
    unlock(&io->lock);
    return rc;
}

static bool ranges_ask(struct io_domain *io, const struct ranges *s, uint64_t first, uint64_t last)
{
    bool yes;

    if (!io || first > last)
        return false;
    lock(&io->lock);
    yes = ranges_contain(s, first, last);
    unlock(&io->lock);
    return yes;
}

bool io_mem_permitted(struct domain *d, uint64_t first_mfn, uint64_t last_mfn)
{
    return ranges_ask(d->io, &d->io->mem, first_mfn, last_mfn);
}

int io_mem_set(struct domain *d, uint64_t first_mfn, uint64_t last_mfn, bool allow)
{
    return ranges_set(d->io, &d->io->mem, first_mfn, last_mfn, allow);
}

bool io_irq_permitted(struct domain *d, unsigned irq)
{
    return ranges_ask(d->io, &d->io->irqs, irq, irq);
}

int io_irq_set(struct domain *d, unsigned irq, bool allow)
{
    return ranges_set(d->io, &d->io->irqs, irq, irq, allow);
}

/* Ports that stay ours: the interrupt controllers and the timer that we use.  CF8-CFF are emulated (x86/pci.h). */
static int dom0_ports(struct domain *d)
{
    static const uint16_t ours[][2] = {
        { 0x20, 0x21 }, { 0xa0, 0xa1 }, /* 8259 */
        { 0x22, 0x23 },                 /* IMCR */
        { 0x40, 0x43 },                 /* 8254 */
    };
    int rc = io_ports_set(d, 0, NR_PORTS - 1, true);

    for (unsigned i = 0; !rc && i < ARRAY_SIZE(ours); i++)
        rc = io_ports_set(d, ours[i][0], ours[i][1], false);
    for (unsigned com = 0; !rc && com < SERIAL_PORTS; com++)
        if (serial_started(com))
            rc = io_ports_set(d, serial_port(com), serial_port(com) + 7u, false);
    return rc;
}

static int dom0_mem(struct domain *d)
{
    unsigned bits = cpuid_count(0x80000000, 0).a >= 0x80000008 ? cpuid_count(0x80000008, 0).a & 0xff : 36;
    int rc = io_mem_set(d, 0, (1ul << (bits - PAGE_SHIFT)) - 1, true);

    /* Messages to the local APICs, and their registers. */
    if (!rc)
        rc = io_mem_set(d, 0xfee00, 0xfeeff, false);
    for (unsigned i = 0; !rc && ioapic_address(i); i++)
        rc = io_mem_set(d, ioapic_address(i) >> PAGE_SHIFT, ioapic_address(i) >> PAGE_SHIFT, false);
    return rc;
}

int io_domain_setup_dom0(struct domain *d)
{
    int rc = dom0_ports(d);

    if (!rc)
        rc = dom0_mem(d);
    if (!rc)
        rc = ranges_set(d->io, &d->io->irqs, 0, UINT32_MAX, true);
    return rc;
}
