/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A debugger in the control domain (XEN_DOMCTL_setdebugging, gdbsx_*): while one is attached, breakpoints and single steps
 * of the guest's kernel stop the domain, as XEN_DOMCTL_pausedomain does, instead of being told to the guest.
 */
#pragma once

#include "core/types.h"

struct domain;
struct vcpu;

/* v == current took a breakpoint or step in its kernel.  True: it is the debugger's, and v's domain is about to stop.
 * Told: the debugger asks for it (debugger_event()); else VIRQ_DEBUGGER tells of it.  No lock held. */
bool debugger_stop(struct vcpu *v, uint8_t vector, bool told);
/* The first vCPU of d with an event not yet asked for, and the event's vector; -1: none. */
int debugger_event(struct domain *d, uint8_t *vector);

/* One vCPU more or less for the debugger.  0, -XEN_EAGAIN (vcpu_pause()'s) / 0, -XEN_EINVAL: it was not paused so. */
int debugger_pause(struct vcpu *v);
int debugger_unpause(struct vcpu *v);
