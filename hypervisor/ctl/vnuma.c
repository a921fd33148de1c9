/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual NUMA nodes.  A topology is one piece of memory, never changed once it is a domain's: another takes its place, under
 * the domain's ctl_lock.  Readers copy it, for that lock can't be held over a guest's memory.
 */
#include "core/nospec.h"
#include "core/port.h"
#include "core/string.h"
#include "ctl/domctl.h"
#include "ctl/memory.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "x86/numa.h"

#define NODES_MAX  32
#define RANGES_MAX (PAGE_SIZE / sizeof(xen_vmemrange_t))

struct vnuma {
    uint32_t nodes, cpus, ranges;
    xen_vmemrange_t range[RANGES_MAX];
    uint32_t distance[NODES_MAX * NODES_MAX];
    uint32_t cpu_node[MAX_VCPUS], place[NODES_MAX]; /* node of each vCPU; each node's in the machine */
};

/* ---- The toolstack's side ---- */

static bool sizes_ok(const struct domain *d, const struct xen_domctl_vnuma *a)
{
    return a->nr_vnodes && a->nr_vnodes <= NODES_MAX && a->nr_vcpus == d->max_vcpus && a->nr_vmemranges <= RANGES_MAX && !a->pad;
}

/* Every vCPU lies on a node, and every node somewhere; no flags of ranges are defined.  What else it says is between toolstack and domain. */
static long contents_check(const struct vnuma *n)
{
    for (uint32_t i = 0; i < n->cpus; i++)
        if (n->cpu_node[i] >= n->nodes)
            return -XEN_E2BIG;
    for (uint32_t i = 0; i < n->ranges; i++)
        if (n->range[i].flags)
            return -XEN_EINVAL;
    for (uint32_t i = 0; i < n->nodes; i++)
        if (n->place[i] >= NUMA_NODES)
            return -XEN_E2BIG;
    return 0;
}

static long contents_read(struct vnuma *n, const struct xen_domctl_vnuma *a)
{
    n->nodes = a->nr_vnodes;
    n->cpus = a->nr_vcpus;
    n->ranges = a->nr_vmemranges;
    if (copy_from_guest(n->range, guest_addr(a->vmemrange), n->ranges * sizeof(*n->range)) ||
        copy_from_guest(n->distance, guest_addr(a->vdistance), n->nodes * n->nodes * sizeof(*n->distance)) ||
        copy_from_guest(n->cpu_node, guest_addr(a->vcpu_to_vnode), n->cpus * sizeof(*n->cpu_node)) ||
        copy_from_guest(n->place, guest_addr(a->vnode_to_pnode), n->nodes * sizeof(*n->place)))
        return -XEN_EFAULT;
    return contents_check(n);
}

long domctl_set_vnuma(struct domctl *x)
{
    const struct xen_domctl_vnuma *a = &x->op->u.vnuma;
    struct vnuma *n, *old;
    long rc;

    if (!sizes_ok(x->d, a))
        return -XEN_EINVAL;
    n = mem_alloc(sizeof(*n));
    if (!n)
        return -XEN_ENOMEM;
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

/* Fill *n with d's. */
static long topology_copy(struct domain *d, struct vnuma *n)
{
    bool has;

    lock(&d->ctl_lock);
    has = d->vnuma;
    if (has)
        *n = *d->vnuma;
    unlock(&d->ctl_lock);
    return has ? 0 : -XEN_EOPNOTSUPP;
}

static long topology_give(const struct vnuma *n, struct xen_vnuma_topology_info *t)
{
    bool fits = t->nr_vnodes >= n->nodes && t->nr_vcpus >= n->cpus && t->nr_vmemranges >= n->ranges;

    t->nr_vnodes = n->nodes;
    t->nr_vcpus = n->cpus;
    t->nr_vmemranges = n->ranges;
    if (!fits)
        return -XEN_ENOBUFS;
    if (copy_to_guest(guest_addr(t->vmemrange.h), n->range, n->ranges * sizeof(*n->range)) ||
        copy_to_guest(guest_addr(t->vdistance.h), n->distance, n->nodes * n->nodes * sizeof(*n->distance)) ||
        copy_to_guest(guest_addr(t->vcpu_to_vnode.h), n->cpu_node, n->cpus * sizeof(*n->cpu_node)))
        return -XEN_EFAULT;
    return 0;
}

int vnuma_place(struct domain *d, unsigned node)
{
    int place = NODE_ANY;

    lock(&d->ctl_lock);
    if (d->vnuma)
        place = node < d->vnuma->nodes ? (int)d->vnuma->place[index_clamp(node, d->vnuma->nodes)] : -XEN_EINVAL;
    unlock(&d->ctl_lock);
    return place;
}

long vnuma_get(struct memop *m)
{
    struct vnuma *n;
    long rc;

    if (m->u.vnuma.pad)
        return -XEN_EINVAL;
    n = mem_alloc(sizeof(*n));
    rc = n ? topology_copy(m->d, n) : -XEN_ENOMEM;
    if (rc == 0)
        rc = topology_give(n, &m->u.vnuma);
    mem_free(n);
    return rc;
}
