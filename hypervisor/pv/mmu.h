/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page tables of para-virtual guests: the hypercalls, and direct writes that we carry out for the guest. */
#pragma once

#include "core/port.h"

struct domain;
struct vcpu;

static inline uint64_t pv_entry_read(mfn_t table, unsigned index)
{
    uint64_t *t = frame_map(table), e = READ_ONCE(t[index]);

    frame_unmap(t);
    return e;
}

/* The L1 entry that maps gva in v's present kernel tables, 0 if none does. Any context. */
uint64_t pv_read_l1e(struct vcpu *v, uint64_t gva);
/* Where that entry lies. */
bool pv_find_l1e(struct vcpu *v, uint64_t gva, mfn_t *table, unsigned *index);

/* The guest's kernel wrote to cr2, which is mapped read-only: if that is one of its page tables, do the write for
 * it. */
bool pv_emulate_pt_write(struct vcpu *v, uint64_t cr2);

/* v's kernel or user L4 is m (MFN_NONE: none), whose references the caller moves; loaded at once if current uses it.
 * [pt_lock] */
void pv_table_install(struct vcpu *v, mfn_t m, bool user);

/* Install new kernel or user tables for v (current or not running). References move; 0, -XEN_EINVAL, -XEN_EAGAIN. */
int pv_set_table(struct vcpu *v, mfn_t m, bool user);
/* A table of d whose taking apart was interrupted: go on with it.  0, or -XEN_EAGAIN: there still is one, and no page
 * table of d may be worked on.  [pt_lock] */
int pv_finish_deferred(struct domain *d);
