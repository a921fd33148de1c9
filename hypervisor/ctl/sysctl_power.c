/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl: power states of CPUs.  There is no frequency control, and one idle state, C1 (HLT); the answers are those of a Xen that
 * knows of no others.
 */
#include "ctl/sysctl.h"
#include "kern/guest.h"
#include "kern/sched.h"
#include "x86/counters.h"
#include "x86/time.h"

#define CX_STATES 2u /* C0, C1 */

static uint32_t max_cstate = 1;                           /* [atomic] */
static uint32_t max_substate = XEN_SYSCTL_CX_UNLIMITED;   /* [atomic] */

/* ---- Statistics ---- */

static long cx_stat(struct pm_cx_stat *s, uint32_t cpu)
{
    uint64_t idle = cpu_idle_time(cpu), now = time_now(), entered = READ_ONCE(per_cpu(counters, cpu).idle);
    uint64_t triggers[CX_STATES] = { entered, entered }, residencies[CX_STATES] = { now - MIN(idle, now), idle };
    uint32_t n = MIN(s->nr, CX_STATES);

    s->nr = CX_STATES;
    s->last = 0;
    s->idle_time = idle;
    s->nr_pc = s->nr_cc = 0;
    if (copy_to_guest(guest_addr(s->triggers), triggers, n * sizeof(*triggers)))
        return -XEN_EFAULT;
    return copy_to_guest(guest_addr(s->residencies), residencies, n * sizeof(*residencies));
}

long sysctl_get_pmstat(struct xen_sysctl *op)
{
    struct xen_sysctl_get_pmstat *p = &op->u.get_pmstat;

    if (!cpu_is_online(p->cpuid))
        return -XEN_EINVAL;
    if ((p->type & PMSTAT_CATEGORY_MASK) != PMSTAT_CX)
        return -XEN_ENODEV;
    switch (p->type) {
    case PMSTAT_get_max_cx:
        p->u.getcx.nr = CX_STATES;
        return 0;
    case PMSTAT_get_cxstat:
        return cx_stat(&p->u.getcx, p->cpuid);
    case PMSTAT_reset_cxstat: /* idle time is not only for statistics: it goes on */
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}

/* ---- Control ---- */

static uint32_t *cstate_limit(uint32_t which)
{
    return which == 0 ? &max_cstate : which == 1 ? &max_substate : NULL;
}

/* CPUs do sleep when they are idle: a limit below C1 would not be kept. */
static long cstate_op(struct xen_sysctl_pm_op *p)
{
    uint32_t *limit = cstate_limit(p->cpuid);

    if (!limit)
        return -XEN_EINVAL;
    if (p->cmd == XEN_SYSCTL_pm_op_get_max_cstate) {
        p->u.get_max_cstate = READ_ONCE(*limit);
        return 0;
    }
    if (limit == &max_cstate && !p->u.set_max_cstate)
        return -XEN_EOPNOTSUPP;
    WRITE_ONCE(*limit, p->u.set_max_cstate);
    return 0;
}

/* Threads are always chosen by load, not to save power: that is 0, and turning it on is refused. */
static long smt_op(struct xen_sysctl_pm_op *p)
{
    if (p->cpuid)
        return -XEN_EINVAL;
    if (p->u.set_sched_opt_smt)
        return -XEN_EOPNOTSUPP;
    p->u.set_sched_opt_smt = 0;
    return 0;
}

long sysctl_pm_op(struct xen_sysctl *op)
{
    struct xen_sysctl_pm_op *p = &op->u.pm_op;

    if ((p->cmd & PM_PARA_CATEGORY_MASK) == CPUFREQ_PARA)
        return -XEN_EINVAL; /* no driver */
    switch (p->cmd) {
    case XEN_SYSCTL_pm_op_get_max_cstate:
    case XEN_SYSCTL_pm_op_set_max_cstate:
        return cstate_op(p);
    case XEN_SYSCTL_pm_op_set_sched_opt_smt:
        return smt_op(p);
    case XEN_SYSCTL_pm_op_enable_turbo:
    case XEN_SYSCTL_pm_op_disable_turbo:
        return cpu_is_online(p->cpuid) ? -XEN_EACCES : -XEN_EINVAL;
    default:
        return cpu_is_online(p->cpuid) ? -XEN_ENOSYS : -XEN_EINVAL;
    }
}
