/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FPU, SSE, AVX state of vCPUs.  Saved when a vCPU leaves a CPU, loaded when it comes to one where its state isn't
 * still in the registers: the hypervisor itself never uses them, and never leaves one guest's to another.
 */
#ifndef X86_FPU_H
#define X86_FPU_H

#include "core/types.h"

struct vcpu;

void fpu_init_cpu(void);
int fpu_vcpu_create(struct vcpu *v);
void fpu_vcpu_free(struct vcpu *v);
void fpu_switch_from(struct vcpu *v);
void fpu_switch_to(struct vcpu *v);

/* The guest's XCR0.  set: 0 or -XEN_EINVAL (bits that this machine or the architecture doesn't allow). v == current. */
uint64_t fpu_xcr0(const struct vcpu *v);
int fpu_set_xcr0(struct vcpu *v, uint64_t xcr0);
/* Feature bits that a guest may have in XCR0; 0: no XSAVE. */
uint64_t fpu_xcr0_mask(void);
/* Bytes of an XSAVE area with all of them. */
uint32_t fpu_xsave_size(void);
/* From a 512-byte FXSAVE image (vcpu_guest_context).  v doesn't run. */
void fpu_set_fxsave(struct vcpu *v, const void *image);
void fpu_get_fxsave(const struct vcpu *v, void *image);

#endif
