/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl: the toolstack's operations on domains.  Only for the control domain.  No lock is held over a call: two calls
 * on different domains never meet, two on one meet in the rooms they touch, and a few have the domain for themselves (ctl_busy).
 */
#include "ctl/domctl.h"
#include "core/nospec.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/sched.h"

/* What is seen to here. */
enum {
    FINDS = 1,   /* the handler finds the domain by itself: it needn't exist */
    OTHERS = 2,  /* -XEN_EINVAL for the caller's own domain */
    ALONE = 4,   /* changes what others of these rely on: one at a time, and none but destroydomain on a dying domain */
    PAUSED = 8,  /* the domain is paused meanwhile */
    VCPU = 16,   /* the argument begins with a vCPU's number: x->v, -XEN_ESRCH if there is none */
    STILL = 32,  /* that vCPU is another than the caller and paused meanwhile */
    GIVES = 64,  /* the argument goes back to the caller, whatever the result */
};

struct entry {
    domctl_fn *fn; /* NULL: domctl_absent() */
    uint8_t flags;
};

static const struct entry table[] = {
    [XEN_DOMCTL_createdomain] = { domctl_create, FINDS | GIVES },
    [XEN_DOMCTL_destroydomain] = { domctl_destroy, ALONE | OTHERS },
    [XEN_DOMCTL_pausedomain] = { domctl_pause, OTHERS },
    [XEN_DOMCTL_unpausedomain] = { domctl_unpause, OTHERS },
    [XEN_DOMCTL_getdomaininfo] = { domctl_info, FINDS | GIVES },
    [XEN_DOMCTL_setvcpuaffinity] = { domctl_set_affinity, 0 },
    [XEN_DOMCTL_getvcpuaffinity] = { domctl_get_affinity, 0 },
    [XEN_DOMCTL_max_mem] = { domctl_max_mem, 0 },
    [XEN_DOMCTL_setvcpucontext] = { domctl_set_context, ALONE | OTHERS | PAUSED },
    [XEN_DOMCTL_getvcpucontext] = { domctl_get_context, 0 },
    [XEN_DOMCTL_getvcpuinfo] = { domctl_vcpu_info, GIVES },
    [XEN_DOMCTL_max_vcpus] = { domctl_max_vcpus, ALONE },
    [XEN_DOMCTL_scheduler_op] = { domctl_scheduler, GIVES },
    [XEN_DOMCTL_setdomainhandle] = { domctl_set_handle, 0 },
    [XEN_DOMCTL_irq_permission] = { domctl_irq_permission, 0 },
    [XEN_DOMCTL_iomem_permission] = { domctl_iomem_permission, 0 },
    [XEN_DOMCTL_ioport_permission] = { domctl_ioport_permission, 0 },
    [XEN_DOMCTL_hypercall_init] = { domctl_hypercall_page, 0 },
    [XEN_DOMCTL_settimeoffset] = { domctl_time_offset, 0 },
    [XEN_DOMCTL_resumedomain] = { domctl_resume, ALONE | OTHERS },
    [XEN_DOMCTL_sendtrigger] = { domctl_trigger, 0 },
    [XEN_DOMCTL_subscribe] = { domctl_subscribe, 0 },
    [XEN_DOMCTL_set_address_size] = { domctl_set_address_size, 0 },
    [XEN_DOMCTL_get_address_size] = { domctl_get_address_size, GIVES },
    [XEN_DOMCTL_set_ext_vcpucontext] = { domctl_set_ext_context, ALONE | VCPU | PAUSED },
    [XEN_DOMCTL_get_ext_vcpucontext] = { domctl_get_ext_context, VCPU | GIVES },
    [XEN_DOMCTL_gettscinfo] = { domctl_get_tsc_info, ALONE | OTHERS | GIVES },
    [XEN_DOMCTL_settscinfo] = { domctl_set_tsc_info, ALONE | OTHERS | PAUSED },
    [XEN_DOMCTL_getpageframeinfo3] = { domctl_page_types, 0 },
    [XEN_DOMCTL_setvcpuextstate] = { domctl_set_xstate, ALONE | VCPU | STILL },
    [XEN_DOMCTL_getvcpuextstate] = { domctl_get_xstate, VCPU | STILL | GIVES },
    [XEN_DOMCTL_get_vcpu_msrs] = { domctl_get_msrs, VCPU | STILL | GIVES },
    [XEN_DOMCTL_set_vcpu_msrs] = { domctl_set_msrs, ALONE | VCPU | STILL | GIVES },
    [XEN_DOMCTL_get_cpu_policy] = { domctl_get_policy, GIVES },
    [XEN_DOMCTL_set_cpu_policy] = { domctl_set_policy, ALONE | OTHERS | PAUSED | GIVES },
    [XEN_DOMCTL_shadow_op] = { domctl_shadow, OTHERS | GIVES },
    [XEN_DOMCTL_memory_mapping] = { domctl_memory_mapping, 0 },
    [XEN_DOMCTL_set_target] = { domctl_set_target, 0 },
    [XEN_DOMCTL_vm_event_op] = { domctl_vm_event, GIVES },
    [XEN_DOMCTL_set_access_required] = { domctl_access_required, 0 },
    [XEN_DOMCTL_monitor_op] = { domctl_monitor, GIVES },
    [XEN_DOMCTL_psr_alloc] = { domctl_psr_alloc, 0 },
    [XEN_DOMCTL_setdebugging] = { domctl_set_debugging, OTHERS | PAUSED },
    [XEN_DOMCTL_setvnumainfo] = { domctl_set_vnuma, 0 },
    [XEN_DOMCTL_set_virq_handler] = { domctl_set_virq_handler, 0 },
    [XEN_DOMCTL_setnodeaffinity] = { domctl_set_node_affinity, 0 },
    [XEN_DOMCTL_getnodeaffinity] = { domctl_get_node_affinity, 0 },
};

/* The debugger's have numbers far from the others'. */
#define DEBUG_FIRST XEN_DOMCTL_gdbsx_guestmemio
static const struct entry debug_table[] = {
    [XEN_DOMCTL_gdbsx_guestmemio - DEBUG_FIRST] = { domctl_debug_memory, GIVES },
    [XEN_DOMCTL_gdbsx_pausevcpu - DEBUG_FIRST] = { domctl_debug_pause, 0 },
    [XEN_DOMCTL_gdbsx_unpausevcpu - DEBUG_FIRST] = { domctl_debug_unpause, 0 },
    [XEN_DOMCTL_gdbsx_domstatus - DEBUG_FIRST] = { domctl_debug_status, GIVES },
};

static struct entry entry_of(uint32_t cmd)
{
    uint32_t debug = cmd - DEBUG_FIRST;
    struct entry e = { 0 };

    if (cmd < ARRAY_SIZE(table))
        e = table[index_clamp(cmd, ARRAY_SIZE(table))];
    else if (debug < ARRAY_SIZE(debug_table))
        e = debug_table[index_clamp(debug, ARRAY_SIZE(debug_table))];
    return e;
}

static long run_paused(struct entry e, struct domctl *x)
{
    long rc;

    if (e.flags & PAUSED && domain_pause(x->d))
        return -XEN_EAGAIN;
    if (e.flags & STILL && vcpu_pause(x->v))
        return -XEN_EAGAIN;
    rc = e.fn ? e.fn(x) : domctl_absent(x);
    if (e.flags & PAUSED)
        domain_unpause(x->d);
    if (e.flags & STILL)
        vcpu_unpause(x->v);
    return rc;
}

static long run_alone(struct entry e, struct domctl *x)
{
    long rc;

    if (__atomic_exchange_n(&x->d->ctl_busy, true, __ATOMIC_ACQUIRE))
        return -XEN_EAGAIN; /* another CPU is at it */
    rc = x->op->cmd != XEN_DOMCTL_destroydomain && READ_ONCE(x->d->is_dying) ? -XEN_EINVAL : run_paused(e, x);
    __atomic_store_n(&x->d->ctl_busy, false, __ATOMIC_RELEASE);
    return rc;
}

static long run(struct entry e, struct domctl *x)
{
    if (e.flags & OTHERS && x->d == current->domain)
        return -XEN_EINVAL;
    if (e.flags & VCPU) {
        x->v = domain_vcpu(x->d, x->op->u.getvcpuinfo.vcpu);
        if (!x->v)
            return -XEN_ESRCH;
        if (e.flags & STILL && x->v == current)
            return -XEN_EINVAL;
    }
    return e.flags & ALONE ? run_alone(e, x) : run_paused(e, x);
}

/* The control domain may all; where xenstored has a domain of its own, that one looks at others. */
static bool may_call(const struct domain *d, uint32_t cmd)
{
    return d->is_privileged || (d->is_xenstore && cmd == XEN_DOMCTL_getdomaininfo);
}

long do_domctl(struct hcall *c)
{
    struct xen_domctl op;
    struct domctl x = { .op = &op };
    struct entry e;
    long rc;

    if (copy_from_guest(&op, c->arg[0], sizeof(op)))
        return -XEN_EFAULT;
    if (!may_call(current->domain, op.cmd))
        return -XEN_EPERM;
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    e = entry_of(op.cmd);
    if (!(e.flags & FINDS)) {
        x.d = op.domain < DOMID_FIRST_RESERVED ? domain_get(op.domain) : NULL;
        if (!x.d)
            return -XEN_ESRCH;
    }
    rc = run(e, &x);
    if (x.d)
        domain_put(x.d);
    if (e.flags & GIVES && copy_to_guest(c->arg[0], &op, sizeof(op)))
        rc = -XEN_EFAULT;
    return rc == -XEN_EAGAIN ? hcall_again(c) : rc;
}
