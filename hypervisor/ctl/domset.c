/* SPDX-License-Identifier: GPL-2.0-or-later */
/* domctl: what a domain may do and gets, the types of its frames, and the page through which it calls. */
#include "ctl/bitmap.h"
#include "ctl/domctl.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/sched.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/ioaccess.h"
#include "kern/pages.h"
#include "kern/pirq.h"
#include "kern/sched.h"
#include "kern/tsc.h"
#include "kern/vtime.h"
#include "pv/dom0.h"

/* ---- Scheduling ---- */

/* Weight and cap, as the credit2 scheduler's: a weight of 0 leaves what is. */
long domctl_scheduler(struct domctl *x)
{
    struct xen_domctl_scheduler_op *s = &x->op->u.scheduler_op;
    struct sched_domain_params p;

    if (s->sched_id != XEN_SCHEDULER_CREDIT2)
        return -XEN_EINVAL;
    sched_domain_get_params(x->d, &p);
    switch (s->cmd) {
    case XEN_DOMCTL_SCHEDOP_getinfo:
        s->u.credit2.weight = (uint16_t)p.weight;
        s->u.credit2.cap = (uint16_t)p.cap;
        return 0;
    case XEN_DOMCTL_SCHEDOP_putinfo:
        if (s->u.credit2.cap > 100 * x->d->max_vcpus)
            return -XEN_EINVAL;
        if (s->u.credit2.weight)
            p.weight = s->u.credit2.weight;
        p.cap = s->u.credit2.cap;
        return sched_domain_set_params(x->d, &p);
    default: /* one weight for all vCPUs of a domain */
        return -XEN_EINVAL;
    }
}

long domctl_set_node_affinity(struct domctl *x)
{
    uint64_t nodes;
    int rc = bitmap_from_guest(&nodes, SCHED_NODES, &x->op->u.nodeaffinity.nodemap);

    return rc ? rc : sched_domain_set_nodes(x->d, nodes);
}

long domctl_get_node_affinity(struct domctl *x)
{
    uint64_t nodes = sched_domain_nodes(x->d);

    return bitmap_to_guest(&x->op->u.nodeaffinity.nodemap, &nodes, SCHED_NODES);
}

/* ---- The machine's parts ---- */

long domctl_irq_permission(struct domctl *x)
{
    const struct xen_domctl_irq_permission *p = &x->op->u.irq_permission;
    int irq;

    if (p->pirq >= pirq_count(current->domain))
        return -XEN_EINVAL;
    irq = pirq_to_irq(current->domain, p->pirq);
    if (irq < 0 || !io_irq_permitted(current->domain, (unsigned)irq))
        return -XEN_EPERM;
    return io_irq_set(x->d, (unsigned)irq, p->allow_access);
}

long domctl_iomem_permission(struct domctl *x)
{
    const struct xen_domctl_iomem_permission *p = &x->op->u.iomem_permission;
    uint64_t last = p->first_mfn + p->nr_mfns - 1;

    if (!p->nr_mfns || last < p->first_mfn)
        return -XEN_EINVAL;
    if (!io_mem_permitted(current->domain, p->first_mfn, last))
        return -XEN_EPERM;
    return io_mem_set(x->d, p->first_mfn, last, p->allow_access);
}

long domctl_ioport_permission(struct domctl *x)
{
    const struct xen_domctl_ioport_permission *p = &x->op->u.ioport_permission;

    if (p->first_port > 0xffff || !p->nr_ports || p->nr_ports > 0x10000 - p->first_port)
        return -XEN_EINVAL;
    if (!io_ports_permitted(current->domain, p->first_port, p->nr_ports))
        return -XEN_EPERM;
    return io_ports_set(x->d, p->first_port, p->first_port + p->nr_ports - 1, p->allow_access);
}

/* ---- Time ---- */

long domctl_time_offset(struct domctl *x)
{
    vtime_set_offset(x->d, x->op->u.settimeoffset.time_offset_seconds);
    return 0;
}

long domctl_get_tsc_info(struct domctl *x)
{
    struct tsc_info i;

    domain_tsc_get(x->d, &i);
    x->op->u.tsc_info = (struct xen_domctl_tsc_info){
        .tsc_mode = i.mode, .gtsc_khz = i.khz, .incarnation = i.incarnation, .elapsed_nsec = i.elapsed,
    };
    return 0;
}

long domctl_set_tsc_info(struct domctl *x)
{
    const struct xen_domctl_tsc_info *a = &x->op->u.tsc_info;
    const struct tsc_info i = { .mode = a->tsc_mode, .khz = a->gtsc_khz, .incarnation = a->incarnation, .elapsed = a->elapsed_nsec };

    return domain_tsc_set(x->d, &i);
}

/* ---- Kind of machine ---- */

long domctl_set_address_size(struct domctl *x)
{
    uint32_t bits = x->op->u.address_size.size;

    return bits == 64 ? 0 : bits == 32 ? -XEN_EOPNOTSUPP : -XEN_EINVAL; /* 32-bit kernels are not for us */
}

long domctl_get_address_size(struct domctl *x)
{
    x->op->u.address_size.size = 64;
    return 0;
}

/* ---- Frames ---- */

long domctl_hypercall_page(struct domctl *x)
{
    mfn_t m = MFN(x->op->u.hypercall_init.gmfn);
    void *p;

    if (!frame_get_writable(m, x->d))
        return -XEN_EINVAL;
    p = frame_map(m);
    hypercall_page_fill(p);
    frame_unmap(p);
    frame_put_writable(m);
    return 0;
}

static uint32_t page_type(struct domain *d, mfn_t m)
{
    static const uint32_t of_level[] = {
        XEN_DOMCTL_PFINFO_NOTAB, XEN_DOMCTL_PFINFO_L1TAB, XEN_DOMCTL_PFINFO_L2TAB, XEN_DOMCTL_PFINFO_L3TAB,
        XEN_DOMCTL_PFINFO_L4TAB,
    };
    uint32_t t;

    if (!frame_get(m, d))
        return XEN_DOMCTL_PFINFO_XTAB;
    if (frame_is_shared(m)) { /* ours: shared info, grant tables */
        frame_put(m);
        return XEN_DOMCTL_PFINFO_XTAB;
    }
    t = of_level[ptype_level(m)];
    t |= ptype_pinned(m) ? XEN_DOMCTL_PFINFO_LPINTAB : 0;
    frame_put(m);
    return t;
}

/* Each frame number of the array is overwritten by the frame's type.  The array is short. */
long domctl_page_types(struct domctl *x)
{
    struct xen_domctl_getpageframeinfo3 *a = &x->op->u.getpageframeinfo3;
    uint64_t gva = guest_addr(a->array), some[64];

    if (a->num > 1024)
        return -XEN_E2BIG;
    for (uint64_t done = 0, n; done < a->num; done += n) {
        n = MIN(a->num - done, ARRAY_SIZE(some));
        if (copy_from_guest(some, gva + done * sizeof(*some), n * sizeof(*some)))
            return -XEN_EFAULT;
        for (uint64_t i = 0; i < n; i++)
            some[i] = page_type(x->d, MFN(some[i]));
        if (copy_to_guest(gva + done * sizeof(*some), some, n * sizeof(*some)))
            return -XEN_EFAULT;
    }
    return 0;
}
