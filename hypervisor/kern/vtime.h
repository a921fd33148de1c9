/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time for guests: the clock in struct vcpu_info and struct shared_info, and each vCPU's
 * two timers, <xen/vcpu.h>: a periodic one, which ticks only while the vCPU runs, and a one-shot one.  Both
 * raise VIRQ_TIMER.
 */
#pragma once

#include "core/types.h"

struct vcpu;
struct domain;
struct shared_info;

/* Publish the present TSC scale and offset in v's vcpu_info (and secondary area).  On each switch to v,
 * when the CPU's calibration changes, and when v registers its area. */
void time_update_vcpu(struct vcpu *v);
/* Publish the wall clock in d's shared info. */
void time_update_wallclock(struct domain *d);
/* XENPF_settime: the wall clock was secs,nsecs (UTC) at system time `at`.  All domains see it before they run again, those that
 * run now before this returns.  As smp_call(). */
void wallclock_set(uint64_t secs, uint32_t nsecs, uint64_t at);

/* d->shared is going to be freed: nothing is written there from now on, and d->shared is NULL.  Gives what it was. */
struct shared_info *vtime_shared_gone(struct domain *d);

/* XEN_DOMCTL_settimeoffset. */
void vtime_set_offset(struct domain *d, int64_t seconds);

/* Timers are on v->cpu; a new vCPU of a PV domain ticks every 10 ms until told otherwise. */
int vtime_vcpu_create(struct vcpu *v);
/* Waits until no timer function runs.  No lock held. */
void vtime_vcpu_destroy(struct vcpu *v);

/* v has been given this CPU: v == current, its page tables are loaded, interrupts off. / v leaves it. */
void vtime_switch_to(struct vcpu *v);
void vtime_switch_from(struct vcpu *v);

/* VCPUOP_{set,stop}_{periodic,singleshot}_timer and _register_vcpu_time_memory_area; -XEN_ENOSYS: another. */
long vtime_vcpu_op(struct vcpu *v, uint64_t cmd, uint64_t arg_gva);
