/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom a page-table hypercall is about: the owner of the tables and the owner of the frames that they map. */
#pragma once

#include "core/ptype.h"
#include "x86/cpumask.h"

struct domain;
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

/* m, if not MFN_NONE, is parked (core/ptype.h) and to be taken apart. [pt_lock, nothing else is deferred] */
void pv_defer(struct domain *d, mfn_t m);
int mmu_vcpumask_read(struct domain *d, uint64_t gva, cpumask_t *mask);
