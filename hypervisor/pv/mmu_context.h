/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom a page-table hypercall is about: the owner of the tables and the owner of the frames that they map. */
#pragma once

#include "core/ptype.h"
#include "x86/cpumask.h"

struct domain;
struct hcall;
struct vcpu;

struct mmu_context {
    struct domain *d;            /* owner of the tables; held */
    struct domain *frame_domain; /* another owner of the frames; held; NULL: none (or DOMID_IO, DOMID_XEN) */
    struct ptype_ctx ctx;
};

/* From the `foreigndom` word: frames' owner in the low half, tables' owner + 1 in the high half.  0, -XEN_EPERM,
 * -XEN_ESRCH. */
long mmu_context_get(struct mmu_context *x, uint32_t foreign);
void mmu_context_put(struct mmu_context *x);

/* mmu_update and mmuext_op: a list's length, and how much of it the call's earlier parts have done. 0 or -XEN_EFAULT. */
int mmu_list_begin(const struct hcall *c, uint32_t *count, uint32_t *before);
/* `done` more of them: what the caller is told.  -XEN_EAGAIN: of this call there is a rest. */
long mmu_list_end(struct hcall *c, uint32_t count, uint32_t before, uint32_t done, size_t size, long rc);

/* m, if not MFN_NONE, is parked (core/ptype.h) and to be taken apart. [pt_lock, nothing else is deferred] */
void pv_defer(struct domain *d, mfn_t m);
int mmu_vcpumask_read(struct domain *d, uint64_t gva, cpumask_t *mask);
