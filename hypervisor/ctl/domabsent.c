/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there isn't.  domctl: what serves machines of their own (HVM), passed-through devices, dirty tracking and listeners to a
 * guest's memory.  Each answers as Xen does where the feature is off, or for a para-virtual domain.
 */
#include "ctl/domctl.h"
#include "core/nospec.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include <xen/vm_event.h>

#define MAPPED_MAX (1ul << 26) /* pages in one question for a dirty bitmap: 8 MiB of it */

/* Whatever the arguments.  0: -XEN_ENOSYS. */
static const int8_t answer[] = {
    [XEN_DOMCTL_gethvmcontext] = XEN_EINVAL,
    [XEN_DOMCTL_sethvmcontext] = XEN_EINVAL,
    [XEN_DOMCTL_gethvmcontext_partial] = XEN_EINVAL,
    [XEN_DOMCTL_debug_op] = XEN_EINVAL,
    [XEN_DOMCTL_bind_pt_irq] = XEN_EINVAL,
    [XEN_DOMCTL_unbind_pt_irq] = XEN_EINVAL,
    [XEN_DOMCTL_ioport_mapping] = XEN_EOPNOTSUPP,
    [XEN_DOMCTL_assign_device] = XEN_EOPNOTSUPP,
    [XEN_DOMCTL_test_assign_device] = XEN_EOPNOTSUPP,
    [XEN_DOMCTL_deassign_device] = XEN_EOPNOTSUPP,
    [XEN_DOMCTL_get_device_group] = XEN_EOPNOTSUPP,
    [XEN_DOMCTL_set_broken_page_p2m] = XEN_EINVAL,
    [XEN_DOMCTL_psr_cmt_op] = XEN_ENODEV,
    [XEN_DOMCTL_vmtrace_op] = XEN_EINVAL,
    [XEN_DOMCTL_soft_reset] = XEN_EINVAL,
    [XEN_DOMCTL_get_paging_mempool_size] = XEN_EOPNOTSUPP,
    [XEN_DOMCTL_set_paging_mempool_size] = XEN_EOPNOTSUPP,
};

long domctl_absent(struct domctl *x)
{
    uint32_t cmd = x->op->cmd;
    int e = cmd < ARRAY_SIZE(answer) ? answer[index_clamp(cmd, ARRAY_SIZE(answer))] : 0;

    return e ? -e : -XEN_ENOSYS;
}

/* No page of a domain is followed: asked which are dirty, none is. */
static long shadow_bitmap(const struct xen_domctl_shadow_op *s)
{
    if (s->pages > MAPPED_MAX)
        return -XEN_E2BIG;
    return guest_addr(s->dirty_bitmap) && clear_guest(guest_addr(s->dirty_bitmap), DIV_UP(s->pages, 8)) ? -XEN_EFAULT : 0;
}

long domctl_shadow(struct domctl *x)
{
    struct xen_domctl_shadow_op *s = &x->op->u.shadow_op;

    switch (s->op) {
    case XEN_DOMCTL_SHADOW_OP_CLEAN:
    case XEN_DOMCTL_SHADOW_OP_PEEK:
        s->stats = (struct xen_domctl_shadow_op_stats){ 0 };
        return shadow_bitmap(s);
    case XEN_DOMCTL_SHADOW_OP_ENABLE:
        return s->mode == XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY ? -XEN_EOPNOTSUPP : -XEN_EINVAL;
    case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
        return -XEN_EOPNOTSUPP;
    default: /* nothing to turn off, no memory set aside */
        return -XEN_EINVAL;
    }
}

/* ---- Listeners ---- */

static long monitor_ring(uint32_t op)
{
    switch (op) {
    case XEN_VM_EVENT_ENABLE:
    case XEN_VM_EVENT_RESUME:
        return -XEN_ENODEV;
    case XEN_VM_EVENT_DISABLE:
        return -XEN_EINVAL;
    default:
        return -XEN_ENOSYS;
    }
}

long domctl_vm_event(struct domctl *x)
{
    struct xen_domctl_vm_event_op *v = &x->op->u.vm_event_op;

    if (v->op == XEN_VM_EVENT_GET_VERSION) {
        v->u.version = VM_EVENT_INTERFACE_VERSION;
        return 0;
    }
    if (x->d == current->domain)
        return -XEN_EINVAL;
    return v->mode == XEN_DOMCTL_VM_EVENT_OP_MONITOR ? monitor_ring(v->op) : -XEN_ENOSYS;
}

long domctl_monitor(struct domctl *x)
{
    struct xen_domctl_monitor_op *m = &x->op->u.monitor_op;

    if (x->d == current->domain)
        return -XEN_EPERM;
    if (m->op == XEN_DOMCTL_MONITOR_OP_EMULATE_EACH_REP)
        return -XEN_EINVAL;
    if (m->op != XEN_DOMCTL_MONITOR_OP_GET_CAPABILITIES)
        return -XEN_EOPNOTSUPP;
    m->event = 0;
    return 0;
}

/* May be demanded: there is no access that a listener would be told of. */
long domctl_access_required(struct domctl *x)
{
    return x->d == current->domain ? -XEN_EPERM : 0;
}

/* ---- Devices and others ---- */

/* Para-virtual domains map by the machine's frame numbers, with the permission that is XEN_DOMCTL_iomem_permission's. */
long domctl_memory_mapping(struct domctl *x)
{
    const struct xen_domctl_memory_mapping *m = &x->op->u.memory_mapping;
    uint64_t last = m->first_mfn + m->nr_mfns - 1;

    return !m->nr_mfns || last < m->first_mfn || m->first_gfn + m->nr_mfns - 1 < m->first_gfn ? -XEN_EINVAL : 0;
}

/* Device models' domains are for machines of their own. */
long domctl_set_target(struct domctl *x)
{
    domid_t id = x->op->u.set_target.target;
    struct domain *target = id < DOMID_FIRST_RESERVED ? domain_get(id) : NULL;
    long rc = !target ? -XEN_ESRCH : target == x->d ? -XEN_EINVAL : -XEN_EOPNOTSUPP;

    if (target)
        domain_put(target);
    return rc;
}

long domctl_psr_alloc(struct domctl *x)
{
    return x->op->u.psr_alloc.cmd <= XEN_DOMCTL_PSR_GET_MBA_THRTL ? -XEN_ENODEV : -XEN_EOPNOTSUPP;
}

/* No virtual performance counters: what Xen answers when they are off, as they are unless vpmu= says else. */
long do_xenpmu_op(struct hcall *c)
{
    return -XEN_EOPNOTSUPP;
}
