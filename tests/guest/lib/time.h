/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System time from vcpu_info (xen.h, struct vcpu_time_info), nanoseconds. */
#ifndef GUEST_TIME_H
#define GUEST_TIME_H

#include "types.h"

uint64_t tsc_read(void);
uint64_t time_now(void);
/* The same from a given copy of the structure. */
uint64_t time_from(const struct vcpu_time_info *t);
void time_spin(uint64_t ns);

#endif
