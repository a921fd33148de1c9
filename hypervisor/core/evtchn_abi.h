/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How core/evtchn.c puts events into guest memory.  Invariants and locks: core/evtchn.h. */
#pragma once

#include "core/evtchn.h"

/* The port's structure, if there is memory behind that number; NULL for port 0. */
struct evtchn *evtchn_find(const struct evtchn_domain *t, uint32_t port);

/* Set p (number `port`) pending and queue it or select its word unless it is masked.  p's lock is held. */
void evtchn_pend(struct evtchn *p, uint32_t port, struct evtchn_hit *hit);
/* The guest wants no more of p's past events.  p's lock is held. */
void evtchn_forget(struct evtchn *p, uint32_t port);
/* Clear p's mask, and notify if it is pending.  p's lock is held. */
void evtchn_unmask_locked(struct evtchn *p, uint32_t port, struct evtchn_hit *hit);
/* Is the port's event word in a queue of the guest? */
bool evtchn_is_linked(const struct evtchn_domain *t, uint32_t port);
