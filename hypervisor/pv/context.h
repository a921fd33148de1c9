/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All registers of a para-virtual vCPU at once: struct vcpu_guest_context of the ABI. */
#pragma once

#include "core/types.h"

struct vcpu;
struct vcpu_guest_context;
struct xen_domctl_ext_vcpucontext;

/* v doesn't run and has not been initialised (or is being reset).  0, -XEN_EINVAL (a value it may not have),
 * -XEN_EAGAIN: preempted, nothing kept; call again. */
int pv_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c);
/* v doesn't run. */
void pv_vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c);
/* The first vCPU of a new domain: as a kernel starts (xen/xen.h, "start of day"), on its stack, with the start_info's address. */
void pv_vcpu_set_start(struct vcpu *v, uint64_t entry, uint64_t stack, uint64_t start_info);

/* What vcpu_guest_context has no room for; v doesn't run.  e->vcpu stays.  set: 0 or -XEN_EINVAL. */
void pv_vcpu_get_ext(const struct vcpu *v, struct xen_domctl_ext_vcpucontext *e);
int pv_vcpu_set_ext(struct vcpu *v, const struct xen_domctl_ext_vcpucontext *e);
