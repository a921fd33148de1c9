/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI and pirqs for tests: see pci.h. */
#include <xen/event_channel.h>
#include <xen/physdev.h>
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "pci.h"

void pci_init(void)
{
    struct physdev_set_iopl iopl = { .iopl = 1 };

    REQUIRE(hypercall(physdev_op, PHYSDEVOP_set_iopl, &iopl) == 0);
}

uint32_t pci_read(unsigned devfn, unsigned reg)
{
    outl(0xcf8, 0x80000000u | devfn << 8 | reg);
    return inl(0xcfc);
}

void pci_write(unsigned devfn, unsigned reg, uint32_t v)
{
    outl(0xcf8, 0x80000000u | devfn << 8 | reg);
    outl(0xcfc, v);
}

void pci_write16(unsigned devfn, unsigned reg, uint16_t v)
{
    outl(0xcf8, 0x80000000u | devfn << 8 | (reg & ~3u));
    outw((uint16_t)(0xcfc + (reg & 2)), v);
}

int pci_find(uint32_t id)
{
    for (unsigned devfn = 0; devfn < 256; devfn += 8)
        if (pci_read(devfn, 0) == id)
            return (int)devfn;
    return -1;
}

unsigned pci_cap(unsigned devfn, uint8_t id)
{
    unsigned pos = pci_read(devfn, 0x34) & 0xfc;

    for (int i = 0; i < 48 && pos; i++) {
        uint32_t v = pci_read(devfn, pos);

        if ((v & 0xff) == id)
            return pos;
        pos = v >> 8 & 0xfc;
    }
    return 0;
}

void pci_enable(unsigned devfn)
{
    pci_write(devfn, 4, (pci_read(devfn, 4) & 0xffff) | 6);
}

volatile uint32_t *pci_map(unsigned devfn, unsigned bar, unsigned long va, unsigned long offset, unsigned long size)
{
    unsigned long maddr = pci_read(devfn, 0x10 + 4 * bar) & ~15u;

    REQUIRE(maddr != 0);
    for (unsigned long i = 0; i < size; i += PAGE_SIZE)
        REQUIRE(map_page(NULL, va + i, (maddr + offset + i) >> PAGE_SHIFT, PTE_RW | 0x18) == 0);
    return (volatile uint32_t *)va;
}

static long map_pirq(struct physdev_map_pirq *m)
{
    long rc = hypercall(physdev_op, PHYSDEVOP_map_pirq, m);

    return rc ? rc : m->pirq;
}

long pirq_map_msi(unsigned devfn, unsigned entry, uint64_t table_base)
{
    struct physdev_map_pirq m = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_MSI_SEG, .index = -1, .pirq = -1,
                                  .devfn = (int)devfn, .entry_nr = (int)entry, .table_base = table_base };

    return map_pirq(&m);
}

long pirq_map_gsi(unsigned gsi)
{
    struct physdev_map_pirq m = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = (int)gsi, .pirq = (int)gsi };

    return map_pirq(&m);
}

long pirq_unmap(unsigned pirq)
{
    struct physdev_unmap_pirq u = { .domid = DOMID_SELF, .pirq = (int)pirq };

    return hypercall(physdev_op, PHYSDEVOP_unmap_pirq, &u);
}

long pirq_bind(unsigned pirq, bool will_share)
{
    struct evtchn_bind_pirq b = { .pirq = pirq, .flags = will_share ? BIND_PIRQ__WILL_SHARE : 0 };
    long rc = hypercall(event_channel_op, EVTCHNOP_bind_pirq, &b);

    if (rc)
        return rc;
    event_unmask(b.port);
    return b.port;
}

long pirq_eoi(unsigned pirq)
{
    struct physdev_eoi e = { .irq = pirq };

    return hypercall(physdev_op, PHYSDEVOP_eoi, &e);
}
