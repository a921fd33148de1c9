/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: the shell around core/evtchn.c (locks, hypercall, wake-ups).
 *
 * Raising (virq_raise_*, event_send_*) takes no ranked lock and works in any context, interrupt handlers
 * included; it ends in vcpu_kick() or vcpu_wake() with interrupts off.  Everything else is for hypercall
 * context: interrupts on, no lock of rank RANK_EVTCHN or above held.
 */
#pragma once

#include "core/types.h"
#include <xen/event_channel.h>

struct vcpu;
struct domain;

/* Needs d->shared and d->max_vcpus.  No port is open, the 2-level ABI is in force.  -XEN_ENOMEM. */
int event_domain_create(struct domain *d);
/* XEN_DOMCTL_createdomain: the highest port number that d may use (default: what the ABI allows). */
void event_set_max_port(struct domain *d, uint32_t max_port);
/* Close all ports, for good.  d->is_dying is set, its vCPUs run no more.  Afterwards no CPU is still sending to d.
 * Preemptible: -XEN_EAGAIN = call again. */
int event_domain_kill(struct domain *d);
/* After event_domain_kill() and all event_vcpu_free(). */
void event_domain_free(struct domain *d);
/* Needs v->info, after event_domain_create(). */
int event_vcpu_create(struct vcpu *v);
void event_vcpu_free(struct vcpu *v);

/* Raise a per-vCPU VIRQ / a global one of this domain / a global one of the machine (VIRQ_DOM_EXC, VIRQ_CONSOLE, ...:
 * to the domain that virq_set_handler() named, else dom0).  Nothing happens if it isn't bound.  Any context. */
void virq_raise_vcpu(struct vcpu *v, unsigned virq);
void virq_raise_global(unsigned virq);
/* XEN_DOMCTL_set_virq_handler: d gets the machine's global VIRQ from now on.  -XEN_EINVAL: no such, or not global. */
int virq_set_handler(struct domain *d, unsigned virq);

/* Unmask the port that is bound to a pirq, if there is one.  Any context. */
void event_unmask_pirq(struct domain *d, unsigned pirq);
/* As if d had done EVTCHNOP_send on its port.  0 or -XEN_EINVAL.  Any context. */
int event_send(struct domain *d, evtchn_port_t port);

/* Is an upcall due: pending and not masked? */
bool event_pending(const struct vcpu *v);
/* VCPUOP_register_vcpu_info moved v->info (its contents are already copied): mark everything pending, as the ABI says,
 * so that nothing sent meanwhile is lost. */
void event_info_moved(struct vcpu *v);

/*
 * SCHEDOP_poll.  From event_poll_begin() to event_poll_end(), v gets vcpu_wake() when one of the ports becomes pending,
 * masked or not (with more than one port: when any port of the domain does).  Gives 1 if one is pending already,
 * 0 if not, -XEN_EINVAL for an impossible port number.  The caller marks v as blocked first, and takes that back unless
 * the result is 0: so no wake-up is lost.  event_poll_end() is due whatever the result; it may be called
 * in any context, at any time, also if v doesn't poll.
 */
int event_poll_begin(struct vcpu *v, const evtchn_port_t *ports, unsigned n);
void event_poll_end(struct vcpu *v);

/* Debug key 'e': log d's open ports. */
void event_dump(struct domain *d);
