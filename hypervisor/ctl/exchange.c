/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENMEM_exchange: frames for others with a property (contiguous, below an address).  Worked through in chunks of the
 * bigger extent size; each chunk is taken, replaced and reported as a whole, or not at all.  Progress is the
 * ABI's nr_exchanged, in units of input extents.
 */
#include "ctl/memory.h"
#include "core/frame.h"
#include "core/port.h"
#include "ctl/memory.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "x86/alloc.h"
#include "x86/layout.h"

struct chunk {
    struct domain *d;
    const struct xen_memory_exchange *e;
    struct frames_where where;
    unsigned in_count, out_count;  /* extents in a chunk */
    uint64_t in_first, out_first;  /* the chunk's first extents */
    uint64_t *taken;               /* mfns that left the domain, 1 << order of the chunk */
    unsigned nr_taken;
};

static void taken_return(struct chunk *k)
{
    for (unsigned i = 0; i < k->nr_taken; i++)
        if (frame_assign(k->d, MFN(k->taken[i])))
            frames_free(MFN(k->taken[i]), 0); /* it is dying: nobody wants them */
    k->nr_taken = 0;
}

static int chunk_take(struct chunk *k)
{
    unsigned frames_each = 1u << k->e->in.extent_order;

    for (unsigned i = 0; i < k->in_count; i++) {
        uint64_t gmfn;

        if (copy_from_guest_at(&gmfn, guest_addr(k->e->in.extent_start), k->in_first + i, sizeof(gmfn)))
            return -XEN_EFAULT;
        for (unsigned n = 0; n < frames_each; n++) {
            int rc = frame_steal(k->d, MFN(gmfn + n));

            if (rc)
                return rc;
            k->taken[k->nr_taken++] = gmfn + n;
        }
    }
    return 0;
}

/* New frames for the chunk, all of them or none. */
static int chunk_allocate(struct chunk *k, mfn_t *got)
{
    for (unsigned i = 0; i < k->out_count; i++) {
        got[i] = domain_frames_alloc(k->d, k->e->out.extent_order, k->where, true);
        if (!mfn_eq(got[i], MFN_NONE))
            continue;
        while (i-- > 0)
            for (unsigned n = 0; n < 1u << k->e->out.extent_order; n++)
                domain_frame_release(k->d, MFN(got[i].n + n));
        return -XEN_ENOMEM;
    }
    return 0;
}

static int chunk_report(const struct chunk *k, const mfn_t *got)
{
    int rc = 0;

    for (unsigned i = 0; i < k->out_count; i++) {
        uint64_t gpfn;

        if (copy_from_guest_at(&gpfn, guest_addr(k->e->out.extent_start), k->out_first + i, sizeof(gpfn))) {
            rc = -XEN_EFAULT;
            continue;
        }
        for (unsigned n = 0; n < 1u << k->e->out.extent_order; n++)
            ((uint64_t *)M2P_START)[got[i].n + n] = gpfn + n;
        if (copy_to_guest_at(guest_addr(k->e->out.extent_start), k->out_first + i, &got[i].n, sizeof(got[i].n)))
            rc = -XEN_EFAULT;
    }
    return rc;
}

static int chunk_exchange(struct chunk *k, mfn_t *got)
{
    int rc = chunk_take(k);

    if (rc == 0)
        rc = chunk_allocate(k, got);
    if (rc) {
        taken_return(k);
        return rc;
    }
    for (unsigned i = 0; i < k->nr_taken; i++) {
        ((uint64_t *)M2P_START)[k->taken[i]] = ~0ul;
        frames_free(MFN(k->taken[i]), 0);
    }
    k->nr_taken = 0;
    return chunk_report(k, got);
}

static int request_check(const struct xen_memory_exchange *e)
{
    uint64_t in, out;

    if (e->in.extent_order > EXTENT_ORDER_MAX || e->out.extent_order > EXTENT_ORDER_MAX)
        return -XEN_EPERM;
    if (e->in.domid != e->out.domid || e->nr_exchanged > e->in.nr_extents)
        return -XEN_EINVAL;
    if (__builtin_mul_overflow(e->in.nr_extents, 1ul << e->in.extent_order, &in) ||
        __builtin_mul_overflow(e->out.nr_extents, 1ul << e->out.extent_order, &out) || in != out)
        return -XEN_EINVAL;
    if (e->in.domid != DOMID_SELF && e->in.domid != current->domain->id)
        return -XEN_EPERM;
    return 0;
}

/* From e->nr_exchanged on.  -XEN_EAGAIN: preempted. */
static int exchange_all(struct xen_memory_exchange *e, struct chunk *k, mfn_t *got)
{
    while (e->nr_exchanged < e->in.nr_extents) {
        int rc;

        k->in_first = e->nr_exchanged;
        k->out_first = (e->nr_exchanged << e->in.extent_order) >> e->out.extent_order;
        rc = chunk_exchange(k, got);
        if (rc == 0)
            e->nr_exchanged += k->in_count;
        if (rc)
            return rc;
        if (e->nr_exchanged < e->in.nr_extents && preempt_needed())
            return -XEN_EAGAIN;
    }
    return 0;
}

long memory_exchange(struct hcall *c)
{
    struct xen_memory_exchange e;
    struct chunk k = { .d = current->domain, .e = &e };
    unsigned order;
    mfn_t *got;
    int rc;

    if (copy_from_guest(&e, c->arg[1], sizeof(e)))
        return -XEN_EFAULT;
    rc = request_check(&e);
    if (rc == 0)
        rc = memory_where(k.d, e.out.mem_flags, &k.where);
    if (rc)
        return rc;
    order = MAX(e.in.extent_order, e.out.extent_order);
    k.in_count = 1u << (order - e.in.extent_order);
    k.out_count = 1u << (order - e.out.extent_order);
    k.taken = mem_alloc(sizeof(*k.taken) << order);
    got = mem_alloc(sizeof(*got) * k.out_count);
    rc = k.taken && got ? exchange_all(&e, &k, got) : -XEN_ENOMEM;
    mem_free(k.taken);
    mem_free(got);
    if (copy_to_guest(c->arg[1], &e, sizeof(e)) && rc == 0)
        rc = -XEN_EFAULT;
    return rc == -XEN_EAGAIN ? hcall_again(c) : rc;
}
