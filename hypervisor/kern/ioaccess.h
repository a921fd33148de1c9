/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of the machine a domain may touch itself: I/O ports, frames that are not RAM, interrupt lines. */
#pragma once

#include "core/types.h"

struct domain;

/* Nothing is permitted at first.  0 or -XEN_ENOMEM. */
int io_domain_create(struct domain *d);
void io_domain_free(struct domain *d);
/* dom0: everything but what the hypervisor itself uses or what could harm it (8259s, PIT, PM timer's control excluded;
 * APICs; the MSI window).  After ioapic_init(). 0 or -XEN_ENOMEM. */
int io_domain_setup_dom0(struct domain *d);

/* May d use all of the ports port .. port+bytes-1?  Lock-free: for the emulation of each IN and OUT. */
bool io_ports_permitted(const struct domain *d, unsigned port, unsigned bytes);
/* May d map all of the frames first .. last, as far as they are not RAM? */
bool io_mem_permitted(struct domain *d, uint64_t first_mfn, uint64_t last_mfn);
bool io_irq_permitted(struct domain *d, unsigned irq);

/* Change it: inclusive ranges.  Mappings that exist stay.  0, -XEN_EINVAL (no range), -XEN_ENOMEM. */
int io_ports_set(struct domain *d, unsigned first, unsigned last, bool allow);
int io_mem_set(struct domain *d, uint64_t first_mfn, uint64_t last_mfn, bool allow);
int io_irq_set(struct domain *d, unsigned irq, bool allow);
