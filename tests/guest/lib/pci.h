/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI functions of bus 0 for tests of interrupts: configuration space by ports, device memory, and pirqs. */
#ifndef GUEST_PCI_H
#define GUEST_PCI_H

#include "types.h"

/* Ports work from here on (PHYSDEVOP_set_iopl). */
void pci_init(void);

static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" :: "a"(v), "Nd"(port));
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t v;

    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" :: "a"(v), "Nd"(port));
}

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" :: "a"(v), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

uint32_t pci_read(unsigned devfn, unsigned reg);        /* 32 bits, reg a multiple of 4 */
void pci_write(unsigned devfn, unsigned reg, uint32_t v);
void pci_write16(unsigned devfn, unsigned reg, uint16_t v); /* control words: the only width Xen lets through */
/* devfn of a device by vendor | device << 16 on bus 0, or -1. */
int pci_find(uint32_t id);
/* Offset of a capability, 0: none. */
unsigned pci_cap(unsigned devfn, uint8_t id);
/* Switch memory decoding and bus mastering on. */
void pci_enable(unsigned devfn);
/* Map `size` bytes of memory BAR number bar at va, from `offset` on.  Ends the test if it can't. */
volatile uint32_t *pci_map(unsigned devfn, unsigned bar, unsigned long va, unsigned long offset, unsigned long size);

/* A pirq for message `entry` (MSI-X) or the only message (table_base 0): PHYSDEVOP_map_pirq's answer, or the pirq. */
long pirq_map_msi(unsigned devfn, unsigned entry, uint64_t table_base);
long pirq_map_gsi(unsigned gsi);
long pirq_unmap(unsigned pirq);
/* A port for a pirq, unmasked; or the error. */
long pirq_bind(unsigned pirq, bool will_share);
long pirq_eoi(unsigned pirq);

#endif
