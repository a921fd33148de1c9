/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCI configuration space: by ports CF8/CFC, and by memory (ECAM) where ACPI's MCFG or dom0 told us. */
#pragma once

#include "core/types.h"

struct pci_addr {
    uint16_t seg;
    uint8_t bus, devfn;
};

#define PCI_VENDOR      0x00
#define PCI_COMMAND     0x04
#define  PCI_CMD_MEMORY 0x2u
#define PCI_STATUS      0x06
#define  PCI_STATUS_CAPS 0x10u
#define PCI_HEADER_TYPE 0x0e
#define PCI_BAR0        0x10
#define PCI_CAPS        0x34
#define PCI_CAP_MSI     0x05
#define PCI_CAP_MSIX    0x11

/* Registers of a function: reg < 4096, aligned to bytes (1, 2, 4).  What isn't there reads as ones.
 * Any context, except the first access to a bus by ECAM (segment > 0 or reg >= 256): no lock above RANK_IOACCESS. */
uint32_t pci_read(struct pci_addr a, unsigned reg, unsigned bytes);
void pci_write(struct pci_addr a, unsigned reg, unsigned bytes, uint32_t value);
/* A 32-bit register: clear some bits, set others, atomically among us. */
void pci_modify(struct pci_addr a, unsigned reg, uint32_t clear, uint32_t set);

bool pci_exists(struct pci_addr a);
/* Offset of a capability in the function's list (PCI 6.7), 0: none.  Bounded on a list that loops. */
unsigned pci_find_cap(struct pci_addr a, uint8_t id);

/* Buses start..end of a segment have their configuration space at `address` (of bus 0).  0, -XEN_EINVAL, -XEN_EEXIST or
 * -XEN_ENOSPC. */
int pci_mcfg_add(uint64_t address, uint16_t seg, uint8_t start_bus, uint8_t end_bus);
/* Not any more (dom0 found it unreserved). 0 or -XEN_ENODEV. */
int pci_mcfg_remove(uint64_t address, uint16_t seg, uint8_t start_bus, uint8_t end_bus);

/*
 * A guest's data-port access (port 0xcfc + offset, offset + bytes <= 4) after it wrote cf8 to port 0xcf8; the caller
 * keeps cf8 for each domain (a 32-bit write of 0xcf8 is remembered, a read gives it back; neither reaches the machine).
 * What makes no sense reads as ones and writes nothing.  Only for dom0: the caller knows.
 */
uint32_t pci_guest_read(uint32_t cf8, unsigned offset, unsigned bytes);
void pci_guest_write(uint32_t cf8, unsigned offset, unsigned bytes, uint32_t value);
