/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl: a domain's vCPUs.  Registers are read and set while the domain is paused for it; a caller never asks for its own.
 */
#include "ctl/bitmap.h"
#include "ctl/domctl.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/sched.h"
#include "kern/schedpool.h"
#include "kern/vtime.h"
#include "pv/context.h"
#include "x86/cpumask.h"
#include "x86/fpu.h"
#include <xen/vcpu.h>

/* ---- Registers ---- */

static long context_set(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    long rc = pv_vcpu_set_context(v, ctx);

    if (rc)
        return rc;
    v->is_initialised = true;
    if (v->id == 0) {
        vm_assist_set(v->domain, ctx->vm_assist);
        time_update_wallclock(v->domain); /* whoever built the domain or restored it has written its shared page */
    }
    vcpu_set_up(v, ctx->flags & VGCF_online);
    return 0;
}

/* Back to a vCPU without registers, which doesn't run until it gets new ones. */
static long context_reset(struct vcpu *v)
{
    v->is_initialised = false;
    v->exit_work = 0;
    v->nmi_pending = v->mce_pending = false;
    vcpu_set_up(v, false);
    vcpu_wake(v);
    fpu_reset(v->fpu);
    return pv_vcpu_reset(v);
}

long domctl_set_context(struct domctl *x)
{
    const struct xen_domctl_vcpucontext *a = &x->op->u.vcpucontext;
    struct vcpu *v = domain_vcpu(x->d, a->vcpu);
    struct vcpu_guest_context *ctx;
    long rc;

    if (!v)
        return -XEN_EINVAL;
    if (!guest_addr(a->ctxt))
        return context_reset(v);
    ctx = mem_alloc(sizeof(*ctx));
    if (!ctx)
        return -XEN_ENOMEM;
    rc = copy_from_guest(ctx, guest_addr(a->ctxt), sizeof(*ctx));
    if (rc == 0)
        rc = context_set(v, ctx);
    mem_free(ctx);
    return rc;
}

long domctl_get_context(struct domctl *x)
{
    const struct xen_domctl_vcpucontext *a = &x->op->u.vcpucontext;
    struct vcpu *v = domain_vcpu(x->d, a->vcpu);
    struct vcpu_guest_context *ctx;
    long rc;

    if (!v || v == current)
        return -XEN_EINVAL;
    if (!READ_ONCE(v->is_initialised))
        return -XEN_ENODATA;
    ctx = mem_alloc(sizeof(*ctx));
    if (!ctx)
        return -XEN_ENOMEM;
    rc = vcpu_pause(v);
    if (rc == 0) {
        pv_vcpu_get_context(v, ctx);
        ctx->flags |= vcpu_is_up(v) ? VGCF_online : 0;
        vcpu_unpause(v);
        rc = copy_to_guest(guest_addr(a->ctxt), ctx, sizeof(*ctx));
    }
    mem_free(ctx);
    return rc;
}

long domctl_get_ext_context(struct domctl *x)
{
    struct xen_domctl_ext_vcpucontext *e = &x->op->u.ext_vcpucontext;

    if (vcpu_pause(x->v))
        return -XEN_EAGAIN;
    pv_vcpu_get_ext(x->v, e);
    vcpu_unpause(x->v);
    e->size = sizeof(*e);
    return 0;
}

long domctl_set_ext_context(struct domctl *x)
{
    const struct xen_domctl_ext_vcpucontext *e = &x->op->u.ext_vcpucontext;

    if (x->v == current || e->size < offsetof(struct xen_domctl_ext_vcpucontext, mcg_cap))
        return -XEN_EINVAL;
    return pv_vcpu_set_ext(x->v, e);
}

/* ---- Scheduling ---- */

long domctl_vcpu_info(struct domctl *x)
{
    struct xen_domctl_getvcpuinfo *i = &x->op->u.getvcpuinfo;
    struct vcpu *v = domain_vcpu(x->d, i->vcpu);
    struct vcpu_runstate_info r;

    if (i->vcpu >= x->d->max_vcpus)
        return -XEN_EINVAL;
    if (!v)
        return -XEN_ESRCH;
    vcpu_runstate(v, &r);
    i->online = vcpu_is_up(v);
    i->blocked = vcpu_is_blocked(v);
    i->running = r.state == RUNSTATE_running;
    i->cpu_time = r.time[RUNSTATE_running];
    i->cpu = READ_ONCE(v->cpu);
    return 0;
}

#define AFFINITY_BOTH (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)

/* To the caller: `mask` as far as it lies in `within`. */
static int affinity_answer(const struct xenctl_bitmap *to, const cpumask_t *mask, const cpumask_t *within)
{
    cpumask_t m;

    for (unsigned i = 0; i < ARRAY_SIZE(m.bits); i++)
        m.bits[i] = mask->bits[i] & within->bits[i];
    return bitmap_to_guest(to, m.bits, nr_cpus);
}

long domctl_set_affinity(struct domctl *x)
{
    const struct xen_domctl_vcpuaffinity *a = &x->op->u.vcpuaffinity;
    bool want_hard = a->flags & XEN_VCPUAFFINITY_HARD, want_soft = a->flags & XEN_VCPUAFFINITY_SOFT;
    struct vcpu *v = domain_vcpu(x->d, a->vcpu);
    cpumask_t hard, soft, there;
    long rc = 0;

    if (!(a->flags & AFFINITY_BOTH) || (a->flags & ~(AFFINITY_BOTH | XEN_VCPUAFFINITY_FORCE)))
        return -XEN_EINVAL;
    if (!v)
        return a->vcpu >= x->d->max_vcpus ? -XEN_EINVAL : -XEN_ESRCH;
    if (want_hard)
        rc = bitmap_from_guest(hard.bits, MAX_CPUS, &a->cpumap_hard);
    if (rc == 0 && want_soft)
        rc = bitmap_from_guest(soft.bits, MAX_CPUS, &a->cpumap_soft);
    if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_FORCE))
        vcpu_pin_override_end(v);
    if (rc == 0)
        rc = sched_vcpu_set_affinity(v, want_hard ? &hard : NULL, want_soft ? &soft : NULL);
    if (rc)
        return rc;
    sched_vcpu_get_affinity(v, &hard, &soft);
    pool_cpus_of_domain(x->d, &there);
    if (want_hard)
        rc = affinity_answer(&a->cpumap_hard, &hard, &there);
    if (rc == 0 && want_soft) {
        for (unsigned i = 0; i < ARRAY_SIZE(hard.bits); i++)
            hard.bits[i] &= there.bits[i];
        rc = affinity_answer(&a->cpumap_soft, &soft, &hard);
    }
    return rc;
}

long domctl_get_affinity(struct domctl *x)
{
    const struct xen_domctl_vcpuaffinity *a = &x->op->u.vcpuaffinity;
    struct vcpu *v = domain_vcpu(x->d, a->vcpu);
    cpumask_t hard, soft;
    long rc = 0;

    if (!(a->flags & AFFINITY_BOTH) || (a->flags & ~AFFINITY_BOTH))
        return -XEN_EINVAL;
    if (!v)
        return a->vcpu >= x->d->max_vcpus ? -XEN_EINVAL : -XEN_ESRCH;
    sched_vcpu_get_affinity(v, &hard, &soft);
    if (a->flags & XEN_VCPUAFFINITY_HARD)
        rc = bitmap_to_guest(&a->cpumap_hard, hard.bits, nr_cpus);
    if (rc == 0 && (a->flags & XEN_VCPUAFFINITY_SOFT))
        rc = bitmap_to_guest(&a->cpumap_soft, soft.bits, nr_cpus);
    return rc;
}

long domctl_trigger(struct domctl *x)
{
    const struct xen_domctl_sendtrigger *t = &x->op->u.sendtrigger;
    struct vcpu *v = domain_vcpu(x->d, t->vcpu);

    if (!v)
        return -XEN_ESRCH;
    switch (t->trigger) {
    case XEN_DOMCTL_SENDTRIGGER_NMI:
        if (!READ_ONCE(v->nmi_pending))
            vcpu_nmi(v);
        return 0;
    case XEN_DOMCTL_SENDTRIGGER_POWER: /* buttons of a machine with an ACPI of its own */
    case XEN_DOMCTL_SENDTRIGGER_SLEEP:
        return -XEN_EINVAL;
    default:
        return -XEN_ENOSYS;
    }
}
