/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Message-signalled interrupts of PCI functions: MSI and MSI-X (PCI 3.0, 6.8). */
#pragma once

#include "core/types.h"
#include "x86/pci.h"

struct irq_line;

#define MSI_MAX_MESSAGES 32

struct msi_request {
    struct pci_addr fn;
    bool msix;
    unsigned count;       /* MSI: how many messages, 1 .. MSI_MAX_MESSAGES; MSI-X: 1 */
    unsigned index;       /* MSI-X: which table entry */
    uint64_t table_base;  /* MSI-X: where the BAR with the table is, for functions whose BARs read 0 (virtual ones) */
};

/*
 * Program a function's message(s) to lines of their own: masked (where the function can mask) until a guest binds them,
 * on a CPU near `cpu`.  Whether the function sends at all, its enable bit, stays dom0's business.
 * lines: r->count of them.  0, or -XEN_ENODEV (no such function or capability), -XEN_EINVAL, -XEN_EEXIST (that message
 * is set up), -XEN_EBUSY (the other kind is in use), -XEN_ENXIO (memory decoding is off), -XEN_ENFILE (the function has
 * fewer messages: *available), -XEN_ENOSPC (no vectors or lines), -XEN_ENOMEM.
 */
int msi_setup(const struct msi_request *r, unsigned cpu, struct irq_line **lines, unsigned *available);
/* Undo for one line, to which no guest is bound any more.  With the last of a function its enable bit is cleared. */
void msi_teardown(struct irq_line *l);
/* Is l one of several messages of one MSI block?  Gives the block's size, 1 if not; *index its place. */
unsigned msi_block(const struct irq_line *l, unsigned *index);

/* dom0 tells of functions; is_virtual: an SR-IOV one, whose vendor register reads ones.  0, -XEN_ENODEV, -XEN_ENOSPC,
 * -XEN_ENOMEM. */
int msi_device_add(struct pci_addr a, bool is_virtual);
int msi_device_remove(struct pci_addr a);
/* The function lost its registers (sleep, reset): write all again. 0 or -XEN_ENODEV. */
int msi_restore(struct pci_addr a);
/* Learn and protect (release: let go) the place of the MSI-X table.  0, -XEN_ENODEV, -XEN_ENXIO, -XEN_EBUSY, -XEN_ENOMEM. */
int msix_prepare(struct pci_addr a);
int msix_release(struct pci_addr a);

/* Is m part of an MSI-X table?  Guests, dom0 too, may map it read-only only (writes they attempt are to be dropped). */
bool msix_table_frame(mfn_t m);
