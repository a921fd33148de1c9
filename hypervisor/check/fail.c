/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocations that fail by order: the n-th that the vCPU which gave the order causes, once.  What counts is each call of the allocator
 * from another file: objects, pages, frames for domains.
 */
#include "check/held.h"
#include "check/heap.h"
#include "x86/alloc.h"
#include "x86/percpu.h"

static const struct vcpu *armed; /* these are touched by its own CPU only */
static uint64_t left;
static const void *fired; /* where */

mfn_t __real_frames_alloc(unsigned order, unsigned below_bits);
mfn_t __real_frames_alloc_for(struct heap_share *owner, uint64_t nodes, unsigned order, struct frames_where where);
void *__real_pages_alloc(unsigned order);
mfn_t __wrap_frames_alloc(unsigned order, unsigned below_bits);
mfn_t __wrap_frames_alloc_for(struct heap_share *owner, uint64_t nodes, unsigned order, struct frames_where where);
void *__wrap_pages_alloc(unsigned order);

const void *fail_set(uint64_t n)
{
    const void *was = fired;

    fired = NULL;
    left = n;
    armed = n ? current : NULL;
    return was;
}

bool fail_now(const void *where)
{
    if (!armed || armed != current || held_in_irq() || --left)
        return false;
    fired = where;
    armed = NULL;
    return true;
}

mfn_t __wrap_frames_alloc(unsigned order, unsigned below_bits)
{
    return fail_now(__builtin_return_address(0)) ? MFN_NONE : __real_frames_alloc(order, below_bits);
}

mfn_t __wrap_frames_alloc_for(struct heap_share *owner, uint64_t nodes, unsigned order, struct frames_where where)
{
    return fail_now(__builtin_return_address(0)) ? MFN_NONE : __real_frames_alloc_for(owner, nodes, order, where);
}

void *__wrap_pages_alloc(unsigned order)
{
    return fail_now(__builtin_return_address(0)) ? NULL : __real_pages_alloc(order);
}
