/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Model-specific registers of the running guest. */
#pragma once

#include "core/types.h"

struct vcpu;

/* v == current, in its kernel.  False: the guest has no such register (or value): #GP. */
bool pv_msr_read(struct vcpu *v, uint32_t nr, uint64_t *val);
bool pv_msr_write(struct vcpu *v, uint32_t nr, uint64_t val);
/* v comes to this CPU: load what the guest wrote to registers that its processes read.  Interrupts off. */
void pv_msr_switch_to(struct vcpu *v);

/* MSRs whose values are a vCPU's own and go with it when it is saved; v doesn't run.  saved: false if there is no such MSR.
 * restore: false if there is no such, or it may not have that value. */
#define PV_SAVED_MSRS 2
extern const uint32_t pv_saved_msr[PV_SAVED_MSRS];
bool pv_msr_saved(const struct vcpu *v, unsigned i, uint64_t *val);
bool pv_msr_restore(struct vcpu *v, uint32_t nr, uint64_t val);
