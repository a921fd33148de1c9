/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VCPUOP_* (do_vcpu_op is declared in kern/sched.h), and what goes with it. */
#pragma once

#include "core/types.h"

struct vcpu;
struct vcpu_guest_context;

/* Give back the frame that VCPUOP_register_vcpu_info mapped; v->info is again what it was before.  v does not run; nobody
 * sends it events any more, or it doesn't matter where they go.  Before the domain's frames are given back. */
void vcpu_info_release(struct vcpu *v);

/* Provided by the guest kind (pv/context.c): check and take over all of *c as the state of v, which does not run.
 * -XEN_EAGAIN: call again with the same.  No lock held. */
int pv_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
