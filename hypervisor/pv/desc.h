/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptor tables of para-virtual vCPUs. */
#pragma once

#include "core/types.h"

struct vcpu;

/* New GDT for v: `entries` (at most 7168) in the frames listed. v is current or doesn't run.  0, -XEN_EINVAL. */
int pv_gdt_set(struct vcpu *v, const uint64_t *frames, unsigned entries);
/* v is being made: no GDT yet. */
void pv_gdt_init(struct vcpu *v);
void pv_gdt_clear(struct vcpu *v);
/* MMUEXT_SET_LDT. */
int pv_ldt_set(struct vcpu *v, uint64_t base, unsigned entries);
/* Drop the LDT pages that are mapped. */
void pv_ldt_unmap(struct vcpu *v);
/* A fault at va in the descriptor area: a page of the LDT that is not mapped yet?  True: it is now; go on. */
bool pv_ldt_fault(struct vcpu *v, uint64_t va);
