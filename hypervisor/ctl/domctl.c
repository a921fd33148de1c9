/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl: the toolstack's operations on domains.  Only for the control domain.  No lock is held over a call: two calls
 * on different domains never meet, two on one meet in the rooms they touch, and a few have the domain for themselves (ctl_busy).
 */
#include "ctl/domctl.h"
#include "core/nospec.h"
#include "kern/domain.h"
#include "kern/guest.h"

/* NULL: domctl_absent(). */
static domctl_fn *const table[] = {
    [XEN_DOMCTL_createdomain] = domctl_create,
    [XEN_DOMCTL_destroydomain] = domctl_destroy,
    [XEN_DOMCTL_pausedomain] = domctl_pause,
    [XEN_DOMCTL_unpausedomain] = domctl_unpause,
    [XEN_DOMCTL_getdomaininfo] = domctl_info,
    [XEN_DOMCTL_setvcpuaffinity] = domctl_set_affinity,
    [XEN_DOMCTL_getvcpuaffinity] = domctl_get_affinity,
    [XEN_DOMCTL_max_mem] = domctl_max_mem,
    [XEN_DOMCTL_setvcpucontext] = domctl_set_context,
    [XEN_DOMCTL_getvcpucontext] = domctl_get_context,
    [XEN_DOMCTL_getvcpuinfo] = domctl_vcpu_info,
    [XEN_DOMCTL_max_vcpus] = domctl_max_vcpus,
    [XEN_DOMCTL_scheduler_op] = domctl_scheduler,
    [XEN_DOMCTL_setdomainhandle] = domctl_set_handle,
    [XEN_DOMCTL_irq_permission] = domctl_irq_permission,
    [XEN_DOMCTL_iomem_permission] = domctl_iomem_permission,
    [XEN_DOMCTL_ioport_permission] = domctl_ioport_permission,
    [XEN_DOMCTL_hypercall_init] = domctl_hypercall_page,
    [XEN_DOMCTL_settimeoffset] = domctl_time_offset,
    [XEN_DOMCTL_resumedomain] = domctl_resume,
    [XEN_DOMCTL_sendtrigger] = domctl_trigger,
    [XEN_DOMCTL_subscribe] = domctl_subscribe,
    [XEN_DOMCTL_set_address_size] = domctl_set_address_size,
    [XEN_DOMCTL_get_address_size] = domctl_get_address_size,
    [XEN_DOMCTL_set_ext_vcpucontext] = domctl_set_ext_context,
    [XEN_DOMCTL_get_ext_vcpucontext] = domctl_get_ext_context,
    [XEN_DOMCTL_gettscinfo] = domctl_get_tsc_info,
    [XEN_DOMCTL_settscinfo] = domctl_set_tsc_info,
    [XEN_DOMCTL_getpageframeinfo3] = domctl_page_types,
    [XEN_DOMCTL_setvcpuextstate] = domctl_set_xstate,
    [XEN_DOMCTL_getvcpuextstate] = domctl_get_xstate,
    [XEN_DOMCTL_get_vcpu_msrs] = domctl_get_msrs,
    [XEN_DOMCTL_set_vcpu_msrs] = domctl_set_msrs,
    [XEN_DOMCTL_get_cpu_policy] = domctl_get_policy,
    [XEN_DOMCTL_set_cpu_policy] = domctl_set_policy,
    [XEN_DOMCTL_shadow_op] = domctl_shadow,
    [XEN_DOMCTL_memory_mapping] = domctl_memory_mapping,
    [XEN_DOMCTL_set_target] = domctl_set_target,
    [XEN_DOMCTL_vm_event_op] = domctl_vm_event,
    [XEN_DOMCTL_set_access_required] = domctl_access_required,
    [XEN_DOMCTL_monitor_op] = domctl_monitor,
    [XEN_DOMCTL_psr_alloc] = domctl_psr_alloc,
    [XEN_DOMCTL_setdebugging] = domctl_set_debugging,
    [XEN_DOMCTL_setvnumainfo] = domctl_set_vnuma,
    [XEN_DOMCTL_set_virq_handler] = domctl_set_virq_handler,
    [XEN_DOMCTL_setnodeaffinity] = domctl_set_node_affinity,
    [XEN_DOMCTL_getnodeaffinity] = domctl_get_node_affinity,
};

/* The debugger's have numbers far from the others'. */
#define DEBUG_FIRST XEN_DOMCTL_gdbsx_guestmemio
static domctl_fn *const debug_table[] = {
    [XEN_DOMCTL_gdbsx_guestmemio - DEBUG_FIRST] = domctl_debug_memory,
    [XEN_DOMCTL_gdbsx_pausevcpu - DEBUG_FIRST] = domctl_debug_pause,
    [XEN_DOMCTL_gdbsx_unpausevcpu - DEBUG_FIRST] = domctl_debug_unpause,
    [XEN_DOMCTL_gdbsx_domstatus - DEBUG_FIRST] = domctl_debug_status,
};

static domctl_fn *handler_of(uint32_t cmd)
{
    uint32_t debug = cmd - DEBUG_FIRST;

    if (cmd < ARRAY_SIZE(table))
        return table[index_clamp(cmd, ARRAY_SIZE(table))];
    return debug < ARRAY_SIZE(debug_table) ? debug_table[index_clamp(debug, ARRAY_SIZE(debug_table))] : NULL;
}

struct vcpu *domctl_vcpu(const struct domctl *x, uint32_t id)
{
    return id < x->d->max_vcpus ? x->d->vcpu[index_clamp(id, x->d->max_vcpus)] : NULL;
}

/* These find the domain by themselves: it needn't exist. */
static bool finds_domain(uint32_t cmd)
{
    return cmd == XEN_DOMCTL_createdomain || cmd == XEN_DOMCTL_getdomaininfo;
}

/* These change what others of them rely on: one at a time, and none but the first on a dying domain. */
static bool wants_all(uint32_t cmd)
{
    switch (cmd) {
    case XEN_DOMCTL_destroydomain:
    case XEN_DOMCTL_max_vcpus:
    case XEN_DOMCTL_setvcpucontext:
    case XEN_DOMCTL_set_ext_vcpucontext:
    case XEN_DOMCTL_setvcpuextstate:
    case XEN_DOMCTL_set_vcpu_msrs:
    case XEN_DOMCTL_set_cpu_policy:
    case XEN_DOMCTL_gettscinfo:
    case XEN_DOMCTL_settscinfo:
    case XEN_DOMCTL_resumedomain:
        return true;
    default:
        return false;
    }
}

static long run_alone(domctl_fn *fn, struct domctl *x)
{
    long rc;

    if (__atomic_exchange_n(&x->d->ctl_busy, true, __ATOMIC_ACQUIRE))
        return domctl_again(x); /* another CPU is at it */
    rc = x->op->cmd != XEN_DOMCTL_destroydomain && READ_ONCE(x->d->is_dying) ? -XEN_EINVAL : fn(x);
    __atomic_store_n(&x->d->ctl_busy, false, __ATOMIC_RELEASE);
    return rc;
}

/* The control domain may all; where xenstored has a domain of its own, that one looks at others. */
static bool may_call(const struct domain *d, uint32_t cmd)
{
    return d->is_privileged || (d->is_xenstore && cmd == XEN_DOMCTL_getdomaininfo);
}

long do_domctl(struct hcall *c)
{
    struct xen_domctl op;
    struct domctl x = { .c = c, .op = &op };
    domctl_fn *fn;
    long rc;

    if (copy_from_guest(&op, c->arg[0], sizeof(op)))
        return -XEN_EFAULT;
    if (!may_call(current->domain, op.cmd))
        return -XEN_EPERM;
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    fn = handler_of(op.cmd);
    if (!finds_domain(op.cmd)) {
        x.d = op.domain < DOMID_FIRST_RESERVED ? domain_get(op.domain) : NULL;
        if (!x.d)
            return -XEN_ESRCH;
    }
    rc = !fn ? domctl_absent(&x) : wants_all(op.cmd) ? run_alone(fn, &x) : fn(&x);
    if (x.d)
        domain_put(x.d);
    if (x.answers && copy_to_guest(c->arg[0], &op, sizeof(op))) {
        c->again = false; /* progress that is not kept would never end */
        rc = -XEN_EFAULT;
    }
    return rc;
}
