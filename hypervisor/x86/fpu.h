/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FPU, SSE, AVX state of vCPUs.  Saved when a vCPU leaves a CPU, loaded when it comes to one where its state isn't
 * still in the registers: the hypervisor itself never uses them, and never leaves one guest's to another.
 */
#pragma once

#include "core/types.h"

struct fpu_vcpu; /* one vCPU's */

void fpu_init_cpu(void);
/* 0 or -XEN_ENOMEM. */
int fpu_vcpu_create(struct fpu_vcpu **out);
void fpu_vcpu_free(struct fpu_vcpu *f);
void fpu_switch_from(struct fpu_vcpu *f);
void fpu_switch_to(struct fpu_vcpu *f);
/* Foreign code (the firmware's) is to use the registers: f's state is saved; fpu_switch_to(f) afterwards. */
void fpu_lend(struct fpu_vcpu *f);

/* The guest's XCR0.  set: 0 or -XEN_EINVAL (bits that this machine or the architecture doesn't allow). f is current's. */
uint64_t fpu_xcr0(const struct fpu_vcpu *f);
int fpu_set_xcr0(struct fpu_vcpu *f, uint64_t xcr0);
/* Feature bits that a guest may have in XCR0; 0: no XSAVE. */
uint64_t fpu_xcr0_mask(void);
/* Bytes of an XSAVE area with all of them. */
uint32_t fpu_xsave_size(void);
/* As of a new vCPU.  It doesn't run. */
void fpu_reset(struct fpu_vcpu *f);
/* From a 512-byte FXSAVE image (vcpu_guest_context).  The vCPU doesn't run. */
void fpu_set_fxsave(struct fpu_vcpu *f, const void *image);
void fpu_get_fxsave(const struct fpu_vcpu *f, void *image);
/* The same as an XSAVE area, in the standard format, of fpu_xsave_size() bytes.  set: of `size` bytes, with the guest's XCR0 and all that it ever
 * had in that; 0, or -XEN_EINVAL (what this machine or the architecture doesn't have) and nothing is changed. */
void fpu_get_xsave(const struct fpu_vcpu *f, void *area);
int fpu_set_xsave(struct fpu_vcpu *f, uint64_t xcr0, uint64_t ever, const void *area, size_t size);
