/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op, except exchange (ctl/exchange.c) and memory maps (ctl/memmap.c).
 *
 * Extents are worked through one by one; where a call stops (an extent fails) is its result.  The extent to start with when a call is
 * issued again stands in the upper bits of its command, as the ABI has it, and above it how many of its frames are given back already.
 */
#include "ctl/memory.h"
#include "core/frame.h"
#include "core/nospec.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/grant.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "x86/alloc.h"
#include "x86/layout.h"
#include "x86/numa.h"
#include "x86/paging.h"
#include "x86/trace.h"

#define CMD_BITS    6
#define EXTENT_BITS 32
#define REMOVE_AT_ONCE 64 /* frames */

int memory_where(struct domain *d, uint32_t flags, struct frames_where *where)
{
    uint8_t bits = XENMEMF_get_address_bits(flags), node = XENMEMF_get_node(flags);

    *where = FRAMES_ANYWHERE;
    if (bits)
        where->below_bits = bits;
    if (flags & XENMEMF_vnode) {
        int place = vnuma_place(d, node);

        if (place < 0)
            return place;
        node = (uint8_t)place;
    } else if (node != NODE_ANY && !current->domain->is_privileged) {
        return flags & XENMEMF_exact_node_request ? -XEN_EINVAL : 0;
    }
    where->node = node;
    where->exact = node != NODE_ANY && flags & XENMEMF_exact_node_request;
    return node < NUMA_NODES || node == NODE_ANY ? 0 : -XEN_EINVAL;
}

/* ---- Reservations ---- */

struct reservation {
    struct xen_memory_reservation r;
    struct domain *d;
    struct frames_where where;
};

/* More frames for d, at frame numbers that the guest chose (populate) or will choose (increase). 0 or -XEN_E. */
static int extent_add(const struct reservation *x, uint64_t index, bool populate)
{
    uint64_t start = guest_addr(x->r.extent_start), gpfn = 0;
    mfn_t m;
    int rc;

    if (populate && copy_from_guest_at(&gpfn, start, index, sizeof(gpfn)))
        return -XEN_EFAULT;
    rc = domain_extent_alloc(x->d, x->r.extent_order, x->where, &m);
    if (rc)
        return rc;
    for (uint64_t i = 0; populate && i < 1ul << x->r.extent_order; i++)
        ((uint64_t *)M2P_START)[m.n + i] = gpfn + i;
    if (start && copy_to_guest_at(start, index, &m.n, sizeof(m.n)))
        return -XEN_EFAULT; /* the guest has the frames; it only doesn't know */
    return 0;
}

/* From frame *at on; -XEN_EAGAIN: up to there. */
static int extent_remove(const struct reservation *x, uint64_t index, uint64_t *at)
{
    uint64_t gmfn, n = 1ul << x->r.extent_order;
    int rc = 0;

    if (copy_from_guest_at(&gmfn, guest_addr(x->r.extent_start), index, sizeof(gmfn)))
        return -XEN_EFAULT;
    if (*at == 0)
        TRACE(TRC_MEM_DECREASE_RESERVATION, TRACE_64(gmfn), x->d->id | x->r.extent_order << 16, 0);
    while (*at < n && rc == 0) {
        rc = domain_frame_release(x->d, MFN(gmfn + *at));
        if (++*at % REMOVE_AT_ONCE == 0 && rc == 0 && *at < n && preempt_needed())
            return -XEN_EAGAIN;
    }
    *at = 0;
    return rc;
}

static long reservation_op(struct hcall *c, unsigned op, uint64_t start, uint64_t at)
{
    struct reservation x;
    uint64_t done;
    int rc;

    if (copy_from_guest(&x.r, c->arg[1], sizeof(x.r)))
        return (long)start;
    if (start >= x.r.nr_extents || x.r.nr_extents >> EXTENT_BITS || x.r.extent_order > EXTENT_ORDER_MAX)
        return (long)start;
    x.d = domain_target(x.r.domid, &rc);
    if (!x.d)
        return rc;
    rc = memory_where(x.d, x.r.mem_flags, &x.where);
    for (done = start; !rc && done < x.r.nr_extents; done += !rc)
        rc = done > start && preempt_needed() ? -XEN_EAGAIN
           : op == XENMEM_decrease_reservation ? extent_remove(&x, done, &at) : extent_add(&x, done, op == XENMEM_populate_physmap);
    domain_put(x.d);
    if (rc != -XEN_EAGAIN)
        return (long)done;
    c->arg[0] = op | done << CMD_BITS | at << (CMD_BITS + EXTENT_BITS);
    return hcall_again(c);
}

/* ---- What a domain has ---- */

static long count(struct memop *m)
{
    const struct shared_info *shared = READ_ONCE(m->d->shared);

    if (m->op == XENMEM_current_reservation)
        return (long)READ_ONCE(m->d->pages->count);
    if (m->op == XENMEM_maximum_reservation)
        return (long)MIN(READ_ONCE(m->d->pages->max), ~0ul >> 17);
    /* maximum_gpfn: the guest keeps its own, in the shared info; a new domain has not said */
    return shared ? (long)MAX(READ_ONCE(shared->arch.max_pfn), 1ul) - 1 : -XEN_ESRCH;
}

static long maximum_ram_page(struct memop *m)
{
    return (long)nr_frames - 1;
}

/* ---- The machine-to-phys table ---- */

/* A piece that describes no RAM has no memory behind it: the one before stands in. */
static long machphys_list(struct memop *m)
{
    struct xen_machphys_mfn_list *l = &m->u.list;
    uint64_t mfn = 0;
    unsigned n = 0;

    for (uint64_t va = M2P_START; n < l->max_extents && va < M2P_START + nr_frames * 8; va += M2P_CHUNK, n++) {
        uint64_t maddr = hv_translate(va);

        mfn = maddr == ~0ul ? mfn : maddr >> PAGE_SHIFT;
        if (copy_to_guest_at(guest_addr(l->extent_start), n, &mfn, sizeof(mfn)))
            return -XEN_EFAULT;
    }
    l->nr_extents = n;
    return 0;
}

static long machphys_mapping(struct memop *m)
{
    m->u.mapping = (struct xen_machphys_mapping){
        .v_start = M2P_RO_START, .v_end = M2P_RO_START + (1ul << 38), .max_mfn = nr_frames - 1,
    };
    return 0;
}

/* ---- Promised memory ---- */

static long claim_pages(struct memop *m)
{
    const struct xen_memory_reservation *r = &m->u.reservation;
    struct domain *d;
    uint64_t has;
    long rc;

    if (!current->domain->is_privileged)
        return -XEN_EPERM;
    if (guest_addr(r->extent_start) || r->extent_order || r->mem_flags)
        return -XEN_EINVAL;
    d = r->domid < DOMID_FIRST_RESERVED ? domain_get(r->domid) : NULL;
    if (!d)
        return -XEN_EINVAL;
    has = READ_ONCE(d->pages->count);
    if (!r->nr_extents)
        rc = frames_claim(&d->pages->heap, 0);
    else if (r->nr_extents <= has || r->nr_extents > READ_ONCE(d->pages->max))
        rc = -XEN_EINVAL;
    else
        rc = frames_claim(&d->pages->heap, r->nr_extents - has);
    domain_put(d);
    return rc;
}

/* No device wants memory of its own kept free: there is no IOMMU in use. */
static long reserved_device_memory(struct memop *m)
{
    if (m->u.rdm.flags & ~(uint32_t)XENMEM_RDM_ALL)
        return -XEN_EINVAL;
    m->u.rdm.nr_entries = 0;
    return 0;
}

/* ---- Others ---- */

static long resource_size(struct domain *d, struct xen_mem_acquire_resource *r, uint64_t arg)
{
    r->nr_frames = grant_resource_max(d, r->id);
    if (!r->nr_frames)
        return -XEN_EINVAL;
    return copy_to_guest(arg, r, sizeof(*r));
}

#define RESOURCE_CHUNK 32u

/* Frames r->frame and on, to the caller; what is done is taken off the request.  -XEN_EAGAIN: stopped in between. */
static long resource_frames(struct domain *d, struct xen_mem_acquire_resource *r)
{
    uint64_t list = guest_addr(r->frame_list);
    mfn_t mfns[RESOURCE_CHUNK];
    long rc = 0;

    while (r->nr_frames && rc == 0) {
        unsigned n = MIN(r->nr_frames, RESOURCE_CHUNK);

        rc = grant_resource_frames(d, r->id, r->frame, n, mfns);
        for (unsigned i = 0; rc == 0 && i < n; i++)
            if (copy_to_guest_at(list, i, &mfns[i].n, sizeof(mfns[i].n)))
                rc = -XEN_EFAULT;
        if (rc)
            break;
        r->frame += n;
        r->nr_frames -= n;
        list += n * sizeof(mfns[0].n);
        if (r->nr_frames && preempt_needed())
            rc = -XEN_EAGAIN;
    }
    set_xen_guest_handle_raw(r->frame_list, (xen_pfn_t __guest *)list);
    return rc;
}

/*
 * Frames of a resource of a domain: the toolstack's way to a guest's grant table.  A para-virtual caller gets machine
 * frame numbers (and maps them as the domain's).
 */
static long acquire_resource(struct memop *m)
{
    struct xen_mem_acquire_resource *r = &m->u.resource;
    long rc;

    if (r->pad)
        return -XEN_EINVAL;
    if (m->d == current->domain) /* another domain's are meant, always */
        return r->domid == DOMID_SELF ? -XEN_ESRCH : -XEN_EPERM;
    if (r->type != XENMEM_resource_grant_table) /* I/O requests and traces are of machines of their own */
        return r->type <= XENMEM_resource_vmtrace_buf ? -XEN_EINVAL : -XEN_EOPNOTSUPP;
    if (!guest_addr(r->frame_list))
        return r->nr_frames ? -XEN_EINVAL : resource_size(m->d, r, m->arg);
    rc = resource_frames(m->d, r);
    if (rc != -XEN_EAGAIN)
        return rc;
    return copy_to_guest(m->arg, r, sizeof(*r)) ? -XEN_EFAULT : hcall_again(m->c);
}

/* add_to_physmap and its kin are for domains whose frame numbers we translate; para-virtual ones do that themselves. */
static long physmap_op(struct memop *m)
{
    return -XEN_EOPNOTSUPP;
}

/* Populate on demand, and access rights by frame number, are for translated guests. */
static long pod_op(struct memop *m)
{
    return -XEN_EINVAL;
}

static long access_op(struct memop *m)
{
    return m->d == current->domain ? -XEN_EPERM : -XEN_EOPNOTSUPP;
}

/* For 32-bit para-virtual guests, which there aren't. */
static long compat_op(struct memop *m)
{
    return -XEN_EOPNOTSUPP;
}

/* No page sharing: none shared, none saved. */
static long sharing_op(struct memop *m)
{
    return 0;
}

/* ---- The table ---- */

/* The number of a domain, domain_target()'s, stands at `at` in the argument; -1: none does. */
static const struct memop_entry {
    memop_fn *fn;
    uint16_t size; /* of the argument */
    int16_t domid_at;
    bool gives;    /* the argument goes back to the caller, whatever the result */
} table[] = {
    [XENMEM_maximum_ram_page] = { maximum_ram_page, 0, -1, false },
    [XENMEM_current_reservation] = { count, sizeof(domid_t), 0, false },
    [XENMEM_maximum_reservation] = { count, sizeof(domid_t), 0, false },
    [XENMEM_maximum_gpfn] = { count, sizeof(domid_t), 0, false },
    [XENMEM_machphys_mfn_list] = { machphys_list, sizeof(struct xen_machphys_mfn_list), -1, true },
    [XENMEM_machphys_compat_mfn_list] = { compat_op, 0, -1, false },
    [XENMEM_machphys_mapping] = { machphys_mapping, sizeof(struct xen_machphys_mapping), -1, true },
#define ABOUT(type) sizeof(struct type), offsetof(struct type, domid)
    [XENMEM_add_to_physmap] = { physmap_op, ABOUT(xen_add_to_physmap), false },
    [XENMEM_add_to_physmap_batch] = { physmap_op, ABOUT(xen_add_to_physmap_batch), false },
    [XENMEM_remove_from_physmap] = { physmap_op, ABOUT(xen_remove_from_physmap), false },
    [XENMEM_set_pod_target] = { pod_op, ABOUT(xen_pod_target), false },
    [XENMEM_get_pod_target] = { pod_op, ABOUT(xen_pod_target), false },
    [XENMEM_access_op] = { access_op, ABOUT(xen_mem_access_op), false },
    [XENMEM_acquire_resource] = { acquire_resource, ABOUT(xen_mem_acquire_resource), false },
    [XENMEM_get_vnumainfo] = { vnuma_get, ABOUT(xen_vnuma_topology_info), true },
    [XENMEM_set_memory_map] = { memmap_set, ABOUT(xen_foreign_memory_map), false },
#undef ABOUT
    [XENMEM_memory_map] = { memmap_get, sizeof(struct xen_memory_map), -1, true },
    [XENMEM_machine_memory_map] = { memmap_machine, sizeof(struct xen_memory_map), -1, true },
    [XENMEM_claim_pages] = { claim_pages, sizeof(struct xen_memory_reservation), -1, false },
    [XENMEM_reserved_device_memory_map] = { reserved_device_memory, sizeof(struct xen_reserved_device_memory_map), -1, true },
    [XENMEM_get_sharing_freed_pages] = { sharing_op, 0, -1, false },
    [XENMEM_get_sharing_shared_pages] = { sharing_op, 0, -1, false },
};

static long table_op(const struct memop_entry *e, struct memop *m)
{
    domid_t id;
    long rc;
    int no;

    assert(e->size <= sizeof(m->u));
    if (copy_from_guest(&m->u, m->arg, e->size))
        return -XEN_EFAULT;
    if (e->domid_at >= 0) {
        memcpy(&id, m->u.any + e->domid_at, sizeof(id));
        m->d = domain_target(id, &no);
        if (!m->d)
            return no;
    }
    rc = e->fn(m);
    if (m->d)
        domain_put(m->d);
    return e->gives && copy_to_guest(m->arg, &m->u, e->size) ? -XEN_EFAULT : rc;
}

long do_memory_op(struct hcall *c)
{
    struct memop m = { .c = c, .op = (unsigned)c->arg[0] & ((1u << CMD_BITS) - 1), .arg = c->arg[1] };
    const struct memop_entry *e;

    switch (m.op) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
        return reservation_op(c, m.op, (uint32_t)(c->arg[0] >> CMD_BITS), c->arg[0] >> (CMD_BITS + EXTENT_BITS));
    case XENMEM_exchange:
        return memory_exchange(c);
    default:
        if (m.op >= ARRAY_SIZE(table))
            return -XEN_ENOSYS;
        e = &table[index_clamp(m.op, ARRAY_SIZE(table))];
        return e->fn ? table_op(e, &m) : -XEN_ENOSYS;
    }
}
