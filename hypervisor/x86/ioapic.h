/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The I/O APICs: the inputs by which devices with a wire interrupt us. */
#pragma once

#include "core/types.h"

/* As the MADT lists them. */
struct ioapic_desc {
    uint8_t id;
    uint64_t address;
    uint32_t gsi_base;
};

/* Interrupt source override: where an ISA interrupt really arrives.  flags: ACPI 5.2.12.5, MPS INTI. */
struct iso_desc {
    uint8_t isa_irq;
    uint32_t gsi;
    uint16_t flags;
};

/* Boot, after ioremap(): mask every input, create the lines (x86/irqline.h).  Works with no I/O APIC at all
 * (then there are no inputs). */
void ioapic_init(const struct ioapic_desc *ioapics, unsigned nr_ioapics, const struct iso_desc *isos, unsigned nr_isos);

/* The GSI where ISA interrupt 0..15 arrives. */
unsigned ioapic_isa_gsi(unsigned isa_irq);

/* Where I/O APIC number i = 0, 1, ... has its registers (guests must not map them); 0: there is no such one. */
uint64_t ioapic_address(unsigned i);

/*
 * dom0's PHYSDEVOP_apic_read/write.  Reads give the register.  A write to a redirection entry sets the trigger mode of
 * an input that nobody uses yet; vector, destination and mask are ours, the guest's are ignored.  Other registers keep
 * their values.  0, or -XEN_EINVAL: no I/O APIC there, no such register.
 */
int ioapic_guest_read(uint64_t address, uint32_t reg, uint32_t *value);
int ioapic_guest_write(uint64_t address, uint32_t reg, uint32_t value);
