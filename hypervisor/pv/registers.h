/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hypercalls on single registers of a para-virtual vCPU. */
#pragma once

#include "core/types.h"

struct pv_vcpu;
struct vcpu;

/* A debug register of v (current or not running) as the guest sees it.  0 or -XEN_EINVAL, -XEN_EPERM. */
int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t value);
/* Breakpoints into the processor. */
void pv_load_debugregs(const struct pv_vcpu *pv);

/* Which of v's breakpoints (bits of DR6) an access to these ports meets. */
unsigned pv_port_breakpoints(const struct vcpu *v, unsigned port, unsigned bytes);

/* Do v's floating-point instructions trap?  v == current. */
void pv_set_ts(struct vcpu *v, bool ts);

/* Segment base by SEGBASE_*; v == current. */
long pv_set_segment_base(struct vcpu *v, unsigned which, uint64_t base);
