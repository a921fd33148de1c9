/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl: the scheduler and its CPU pools (kern/schedpool.c).  Each pool's scheduler goes by the name of credit2, whose weights
 * and caps it has.
 */
#include "ctl/bitmap.h"
#include "ctl/sysctl.h"
#include "kern/domain.h"
#include "kern/schedpool.h"
#include "x86/cpumask.h"

_Static_assert(POOL_ANY == XEN_SYSCTL_CPUPOOL_PAR_ANY, "one number for both");

long sysctl_sched_id(struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
    return 0;
}

/* ---- Pools ---- */

static long op_info(struct xen_sysctl_cpupool_op *p)
{
    struct pool_info info;
    int rc = pool_info(p->cpupool_id, &info);

    if (rc)
        return rc;
    p->cpupool_id = info.id;
    p->sched_id = XEN_SCHEDULER_CREDIT2;
    p->n_dom = info.nr_domains;
    return bitmap_to_guest(&p->cpumap, info.cpus.bits, MAX_CPUS);
}

static long op_free_info(struct xen_sysctl_cpupool_op *p)
{
    cpumask_t cpus;

    pool_free_cpus(&cpus);
    return bitmap_to_guest(&p->cpumap, cpus.bits, MAX_CPUS);
}

/* The caller's own domain stays where it is, whatever is asked. */
static long op_move_domain(struct xen_sysctl_cpupool_op *p)
{
    struct domain *d = p->domid < DOMID_FIRST_RESERVED ? domain_get((domid_t)p->domid) : NULL;
    long rc;

    if (!d)
        return -XEN_ESRCH;
    rc = d == current->domain ? -XEN_EPERM : pool_move_domain(d, p->cpupool_id);
    domain_put(d);
    return rc;
}

long sysctl_cpupool_op(struct xen_sysctl *op)
{
    struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;

    switch (p->op) {
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
        return p->sched_id == XEN_SCHEDULER_CREDIT2 ? pool_create(&p->cpupool_id) : -XEN_ENOENT;
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
        return pool_destroy(p->cpupool_id);
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        return op_info(p);
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
        return pool_cpu_add(p->cpupool_id, p->cpu);
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return pool_cpu_remove(p->cpupool_id, p->cpu);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return op_move_domain(p);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return op_free_info(p);
    default:
        return -XEN_ENOSYS;
    }
}

/* ---- Parameters for all domains ---- */

long sysctl_scheduler_op(struct xen_sysctl *op)
{
    struct xen_sysctl_scheduler_op *s = &op->u.scheduler_op;
    uint32_t us;
    long rc;

    if (s->cmd > XEN_SYSCTL_SCHEDOP_getinfo)
        return -XEN_EINVAL;
    rc = pool_get_ratelimit_us(s->cpupool_id, &us);
    if (rc)
        return rc;
    if (s->sched_id != XEN_SCHEDULER_CREDIT2)
        return -XEN_EINVAL;
    if (s->cmd == XEN_SYSCTL_SCHEDOP_putinfo)
        return pool_set_ratelimit_us(s->cpupool_id, s->u.sched_credit2.ratelimit_us);
    s->u.sched_credit2.ratelimit_us = us;
    return 0;
}
