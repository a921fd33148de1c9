/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's own numbers for interrupt lines ("pirqs"): dom0's first ones are the GSIs, then come messages. */
#pragma once

#include "core/types.h"

struct domain;
struct msi_request;

int pirq_domain_create(struct domain *d); /* after ioapic_init(); 0 or -XEN_ENOMEM */
/* Unbind and unmap all.  The domain is dying: its event channels are closed or will find nothing. */
void pirq_domain_kill(struct domain *d);
void pirq_domain_free(struct domain *d);
unsigned pirq_count(const struct domain *d); /* pirqs are 0 .. count-1 */

/*
 * For the event channel code (holding at most RANK_EVTCHN).  From now on interrupts call event_send_pirq(d, pirq), perhaps
 * before this returns: the port must be findable already.  dom0 need not have mapped a GSI.
 * 0, -XEN_EINVAL (no such pirq, or nothing is mapped there), -XEN_EBUSY (bound, or not shareable), -XEN_ENOSPC.
 */
int pirq_bind(struct domain *d, unsigned pirq, bool will_share);
/* After this event_send_pirq(d, pirq) is not called any more. */
void pirq_unbind(struct domain *d, unsigned pirq);
/* The port moved to a vCPU that runs on that CPU: a hint. */
void pirq_move(struct domain *d, unsigned pirq, unsigned cpu);

/* PHYSDEVOP_eoi.  0 or -XEN_EINVAL. */
int pirq_eoi(struct domain *d, unsigned pirq);
/* PHYSDEVOP_irq_status_query: XENIRQSTAT_* or -XEN_EINVAL. */
int pirq_status(struct domain *d, unsigned pirq);
/* PHYSDEVOP_pirq_eoi_gmfn_v1 (auto_unmask) and v2.  0, -XEN_EINVAL (not d's writable page), -XEN_EBUSY (has one). */
int pirq_eoi_map_set(struct domain *d, uint64_t gmfn, bool auto_unmask);
bool pirq_auto_unmask(const struct domain *d);

/* *pirq < 0: choose one.  0 (also if it is mapped so already), -XEN_EINVAL, -XEN_EEXIST (mapped otherwise), -XEN_ENOSPC,
 * -XEN_ENOMEM. */
int pirq_map_gsi(struct domain *d, int *pirq, unsigned gsi);
/* As above, r->count pirqs in a row; and what msi_setup() gives. */
int pirq_map_msi(struct domain *d, int *pirq, const struct msi_request *r, unsigned *available);
/* Unbinds first if need be.  0 or -XEN_EINVAL (nothing there, or amidst a block of messages). */
int pirq_unmap(struct domain *d, unsigned pirq);
/* A free pirq, for a GSI (16 and up) or a message, set aside until it is mapped by that number.  It or -XEN_ENOSPC. */
int pirq_reserve(struct domain *d, bool msi);
/* The irq (x86/irqline.h) that is mapped there, or -XEN_EINVAL. */
int pirq_to_irq(struct domain *d, unsigned pirq);
