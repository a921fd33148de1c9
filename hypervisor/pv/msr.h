/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Model-specific registers of the running guest. */
#ifndef PV_MSR_H
#define PV_MSR_H

#include "core/types.h"

struct vcpu;

/* v == current, in its kernel.  False: the guest has no such register (or value): #GP. */
bool pv_msr_read(struct vcpu *v, uint32_t nr, uint64_t *val);
bool pv_msr_write(struct vcpu *v, uint32_t nr, uint64_t val);
/* v comes to this CPU: load what the guest wrote to registers that its processes read.  Interrupts off. */
void pv_msr_switch_to(struct vcpu *v);

#endif
