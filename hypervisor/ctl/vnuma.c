/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See vnuma.h.  A topology is one piece of memory, never changed once it is a domain's: another takes its place, under the
 * domain's ctl_lock.  Readers copy it, for that lock can't be held over a guest's memory.
 */
#include "ctl/vnuma.h"
#include "core/port.h"
#include "core/string.h"
#include "ctl/domctl.h"
#include "ctl/memory.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "x86/numa.h"
#include <xen/memory.h>

#define ARRAY_BYTES_MAX PAGE_SIZE /* of each array */

/* The arrays follow one another in data[]: ranges, distances, nodes of vCPUs, the nodes' places in the machine. */
struct vnuma {
    uint32_t nodes, cpus, ranges;
    size_t bytes;
    _Alignas(8) char data[];
};

struct parts {
    xen_vmemrange_t *ranges;
    uint32_t *distances, *cpu_nodes, *places;
    size_t ranges_bytes, distances_bytes, cpu_nodes_bytes, places_bytes;
};

static struct parts parts_of(struct vnuma *n)
{
    struct parts p = {
        .ranges_bytes = n->ranges * sizeof(*p.ranges), .distances_bytes = (size_t)n->nodes * n->nodes * sizeof(*p.distances),
        .cpu_nodes_bytes = n->cpus * sizeof(*p.cpu_nodes), .places_bytes = n->nodes * sizeof(*p.places),
    };

    p.ranges = (xen_vmemrange_t *)(void *)n->data;
    p.distances = (uint32_t *)(void *)(n->data + p.ranges_bytes);
    p.cpu_nodes = p.distances + n->nodes * n->nodes;
    p.places = p.cpu_nodes + n->cpus;
    return p;
}

static size_t data_bytes(uint32_t nodes, uint32_t cpus, uint32_t ranges)
{
    return ranges * sizeof(xen_vmemrange_t) + ((size_t)nodes * nodes + cpus + nodes) * sizeof(uint32_t);
}

/* ---- The toolstack's side ---- */

static long sizes_check(const struct domain *d, const struct xen_domctl_vnuma *a)
{
    if (!a->nr_vnodes || a->nr_vcpus != d->max_vcpus || a->pad)
        return -XEN_EINVAL;
    if (a->nr_vnodes > ARRAY_BYTES_MAX || (uint64_t)a->nr_vnodes * a->nr_vnodes * sizeof(uint32_t) > ARRAY_BYTES_MAX ||
        a->nr_vmemranges > ARRAY_BYTES_MAX / sizeof(xen_vmemrange_t))
        return -XEN_EINVAL;
    return 0;
}

/* Every vCPU lies on a node, and every node somewhere; no flags of ranges are defined.  What else it says is between toolstack and domain. */
static long contents_check(struct vnuma *n)
{
    struct parts p = parts_of(n);

    for (uint32_t i = 0; i < n->cpus; i++)
        if (p.cpu_nodes[i] >= n->nodes)
            return -XEN_E2BIG;
    for (uint32_t i = 0; i < n->ranges; i++)
        if (p.ranges[i].flags)
            return -XEN_EINVAL;
    for (uint32_t i = 0; i < n->nodes; i++)
        if (p.places[i] >= NUMA_NODES)
            return -XEN_E2BIG;
    return 0;
}

static long contents_read(struct vnuma *n, const struct xen_domctl_vnuma *a)
{
    struct parts p = parts_of(n);

    if (copy_from_guest(p.ranges, guest_addr(a->vmemrange), p.ranges_bytes) ||
        copy_from_guest(p.distances, guest_addr(a->vdistance), p.distances_bytes) ||
        copy_from_guest(p.cpu_nodes, guest_addr(a->vcpu_to_vnode), p.cpu_nodes_bytes) ||
        copy_from_guest(p.places, guest_addr(a->vnode_to_pnode), p.places_bytes))
        return -XEN_EFAULT;
    return contents_check(n);
}

long domctl_set_vnuma(struct domctl *x)
{
    const struct xen_domctl_vnuma *a = &x->op->u.vnuma;
    struct vnuma *n, *old;
    size_t bytes;
    long rc = sizes_check(x->d, a);

    if (rc)
        return rc;
    bytes = data_bytes(a->nr_vnodes, a->nr_vcpus, a->nr_vmemranges);
    n = mem_alloc(sizeof(*n) + bytes);
    if (!n)
        return -XEN_ENOMEM;
    n->nodes = a->nr_vnodes;
    n->cpus = a->nr_vcpus;
    n->ranges = a->nr_vmemranges;
    n->bytes = bytes;
    rc = contents_read(n, a);
    if (rc == 0) {
        lock(&x->d->ctl_lock);
        old = x->d->vnuma;
        x->d->vnuma = n;
        unlock(&x->d->ctl_lock);
        n = old;
    }
    mem_free(n);
    return rc;
}

/* ---- The domain's side ---- */

/* A copy of d's; NULL: *rc says why. */
static struct vnuma *topology_copy(struct domain *d, long *rc)
{
    struct vnuma *copy = NULL;
    size_t size = 0;

    do { /* it may be set anew, and bigger, between the look and the copy */
        mem_free(copy);
        lock(&d->ctl_lock);
        size = d->vnuma ? sizeof(*copy) + d->vnuma->bytes : 0;
        unlock(&d->ctl_lock);
        copy = size ? mem_alloc(size) : NULL;
        *rc = size ? -XEN_ENOMEM : -XEN_EOPNOTSUPP;
        if (!copy)
            return NULL;
        lock(&d->ctl_lock);
        if (d->vnuma && sizeof(*copy) + d->vnuma->bytes <= size) {
            memcpy(copy, d->vnuma, sizeof(*copy) + d->vnuma->bytes);
            size = 0;
        }
        unlock(&d->ctl_lock);
    } while (size);
    *rc = 0;
    return copy;
}

static long topology_give(struct vnuma *n, struct xen_vnuma_topology_info *t)
{
    bool fits = t->nr_vnodes >= n->nodes && t->nr_vcpus >= n->cpus && t->nr_vmemranges >= n->ranges;
    struct parts p = parts_of(n);

    t->nr_vnodes = n->nodes;
    t->nr_vcpus = n->cpus;
    t->nr_vmemranges = n->ranges;
    if (!fits)
        return -XEN_ENOBUFS;
    if (copy_to_guest(guest_addr(t->vmemrange.h), p.ranges, p.ranges_bytes) ||
        copy_to_guest(guest_addr(t->vdistance.h), p.distances, p.distances_bytes) ||
        copy_to_guest(guest_addr(t->vcpu_to_vnode.h), p.cpu_nodes, p.cpu_nodes_bytes))
        return -XEN_EFAULT;
    return 0;
}

int vnuma_place(struct domain *d, unsigned node)
{
    int place = NODE_ANY;

    lock(&d->ctl_lock);
    if (d->vnuma)
        place = node < d->vnuma->nodes ? (int)parts_of(d->vnuma).places[node] : -XEN_EINVAL;
    unlock(&d->ctl_lock);
    return place;
}

long vnuma_get(uint64_t arg)
{
    struct xen_vnuma_topology_info t;
    struct domain *d;
    struct vnuma *n;
    long rc;

    if (copy_from_guest(&t, arg, sizeof(t)))
        return -XEN_EFAULT;
    if (t.pad)
        return -XEN_EINVAL;
    rc = memory_target(t.domid, &d);
    if (rc)
        return rc;
    n = topology_copy(d, &rc);
    domain_put(d);
    if (!n)
        return rc;
    rc = topology_give(n, &t);
    mem_free(n);
    if (rc != -XEN_EFAULT && copy_to_guest(arg, &t, sizeof(t)))
        rc = -XEN_EFAULT;
    return rc;
}
