/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl: the scheduler and its CPU pools.  There is one pool, number 0, with all CPUs and all domains; its scheduler goes
 * by the name of credit2, whose weights and caps it has.
 */
#include "ctl/bitmap.h"
#include "ctl/sysctl.h"
#include "kern/domain.h"
#include "kern/sched.h"
#include "x86/cpumask.h"

#define POOL 0

long sysctl_sched_id(struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
    return 0;
}

/* ---- Pools ---- */

static long pool_info(struct xen_sysctl_cpupool_op *p)
{
    if (p->cpupool_id != POOL)
        return -XEN_ENOENT;
    p->sched_id = XEN_SCHEDULER_CREDIT2;
    p->n_dom = 0;
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        p->n_dom++;
    return bitmap_to_guest(&p->cpumap, cpu_online.bits, MAX_CPUS);
}

static long pool_free_info(struct xen_sysctl_cpupool_op *p)
{
    static const cpumask_t none;

    return bitmap_to_guest(&p->cpumap, none.bits, MAX_CPUS);
}

static long pool_create(struct xen_sysctl_cpupool_op *p)
{
    if (p->sched_id != XEN_SCHEDULER_CREDIT2)
        return -XEN_ENOENT;
    return p->cpupool_id == POOL ? -XEN_EEXIST : -XEN_EOPNOTSUPP;
}

/* All CPUs are in the pool already. */
static long pool_add_cpu(struct xen_sysctl_cpupool_op *p)
{
    if (p->cpupool_id != POOL)
        return -XEN_ENOENT;
    return p->cpu < nr_cpus || p->cpu == XEN_SYSCTL_CPUPOOL_PAR_ANY ? -XEN_ENODEV : -XEN_EINVAL;
}

/* There is no other pool for it, and the last one must stay. */
static long pool_remove_cpu(struct xen_sysctl_cpupool_op *p)
{
    if (p->cpupool_id != POOL)
        return -XEN_ENOENT;
    if (p->cpu != XEN_SYSCTL_CPUPOOL_PAR_ANY && !sysctl_cpu_is_online(p->cpu))
        return -XEN_EINVAL;
    return cpumask_next(&cpu_online, 1) == nr_cpus ? -XEN_EBUSY : -XEN_EOPNOTSUPP;
}

/* dom0 stays where it is, whatever is asked. */
static long pool_move_domain(struct xen_sysctl_cpupool_op *p)
{
    struct domain *d = p->domid < DOMID_FIRST_RESERVED ? domain_get((domid_t)p->domid) : NULL;
    bool privileged;

    if (!d)
        return -XEN_ESRCH;
    privileged = d->is_privileged;
    domain_put(d);
    if (privileged)
        return -XEN_EPERM;
    return p->cpupool_id == POOL ? 0 : -XEN_ENOENT;
}

long sysctl_cpupool_op(struct xen_sysctl *op)
{
    struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;

    switch (p->op) {
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
        return pool_create(p);
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
        return p->cpupool_id == POOL ? -XEN_EBUSY : -XEN_ENOENT;
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        return pool_info(p);
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
        return pool_add_cpu(p);
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return pool_remove_cpu(p);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return pool_move_domain(p);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return pool_free_info(p);
    default:
        return -XEN_ENOSYS;
    }
}

/* ---- Parameters for all domains ---- */

long sysctl_scheduler_op(struct xen_sysctl *op)
{
    struct xen_sysctl_scheduler_op *s = &op->u.scheduler_op;

    if (s->cmd > XEN_SYSCTL_SCHEDOP_getinfo)
        return -XEN_EINVAL;
    if (s->cpupool_id != POOL)
        return -XEN_ESRCH;
    if (s->sched_id != XEN_SCHEDULER_CREDIT2)
        return -XEN_EINVAL;
    if (s->cmd == XEN_SYSCTL_SCHEDOP_putinfo)
        return sched_set_ratelimit_us(s->u.sched_credit2.ratelimit_us);
    s->u.sched_credit2.ratelimit_us = sched_ratelimit_us();
    return 0;
}
