/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System time: ns since boot, monotonic, the same on all CPUs; and the wall clock.
 * The machine's part (which counter, how fast) is x86/time.c.
 */
#ifndef KERN_TIME_H
#define KERN_TIME_H

#include "core/types.h"

struct vcpu;
struct domain;

/* ns since boot.  Any context. */
uint64_t time_now(void);

/* Publish the present TSC scale and offset in v's vcpu_info (and secondary area).  On each switch to v,
 * when the CPU's calibration changes, and when v registers its area. */
void time_update_vcpu(struct vcpu *v);
/* Publish the wall clock in d's shared info. */
void time_update_wallclock(struct domain *d);
/* XENPF_settime: the wall clock was secs,nsecs (UTC) at system time `at`; tells all domains. */
void wallclock_set(uint64_t secs, uint32_t nsecs, uint64_t at);

#endif
