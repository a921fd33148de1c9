/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels, 2-level ABI: the upcall counts and clears what is pending; helpers to make ports. */
#ifndef GUEST_EVENT_H
#define GUEST_EVENT_H

#include <xen/event_channel.h>
#include "types.h"

#define EVENTS_MAX 1024

/* How often each port was seen pending by the upcall, and on which vCPU last. */
extern volatile unsigned event_count[EVENTS_MAX];
extern volatile unsigned event_cpu[EVENTS_MAX];
/* Whose upcall may take it: EVENT_ANY, or a vCPU (ports share words, so another's scan sees them too). */
#define EVENT_ANY 0xff
extern volatile uint8_t event_owner[EVENTS_MAX];

void event_init(void);
/* Set the event and failsafe callbacks of this vCPU. */
long event_callbacks_set(void);
void event_upcall(void);

/* The upcall mask: events_off() gives the old mask; events_on() takes what is pending. */
uint8_t events_off(void);
void events_on(void);

void event_mask(unsigned port);
void event_unmask(unsigned port);       /* in memory only, no hypercall */
bool event_masked(unsigned port);
bool event_pending(unsigned port);
void event_clear(unsigned port);

/* These give the port or a negative error. */
long event_bind_virq(unsigned virq, unsigned vcpu);
long event_bind_ipi(unsigned vcpu);
long event_alloc_unbound(domid_t dom, domid_t remote);
long event_bind_interdomain(domid_t remote, unsigned port);
long event_send(unsigned port);
long event_close(unsigned port);
/* Wait up to ms milliseconds until the count of port is at least n. */
bool event_wait(unsigned port, unsigned n, unsigned ms);

#endif
