/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl, dom0 only: the table of operations, and those on the log and on the list of domains.  Each is short, or stops
 * early and says how far it got.
 */
#include "ctl/sysctl.h"
#include "core/port.h"
#include "ctl/domctl.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/keys.h"
#include "x86/cpumask.h"
#include "x86/log.h"

#define CONSOLE_READ_MAX 65536u /* bytes a call: a reader of more goes on with the index that it got */
#define DOMAINS_SURE     256u   /* a list of so many domains is never cut short */

/* ---- The log ---- */

static long op_readconsole(struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *r = &op->u.readconsole;
    uint32_t pos = r->incremental ? r->index : console_ring_start(), done = 0, room = MIN(r->count, CONSOLE_READ_MAX);
    char buf[256];
    size_t n;

    while (done < room && (n = console_ring_read(&pos, buf, MIN(sizeof(buf), room - done)))) {
        if (copy_to_guest(guest_addr(r->buffer) + done, buf, n))
            return -XEN_EFAULT;
        done += (uint32_t)n;
    }
    if (r->clear)
        console_ring_clear(pos);
    r->index = pos;
    r->count = done;
    return 0;
}

/* The keys are pressed when all could be read; those of slow answers run on the way back to the caller. */
static long op_debug_keys(struct xen_sysctl *op)
{
    const struct xen_sysctl_debug_keys *k = &op->u.debug_keys;
    char keys[KEYS_WAITING];

    if (k->nr_keys > sizeof(keys))
        return -XEN_E2BIG;
    if (copy_from_guest(keys, guest_addr(k->keys), k->nr_keys))
        return -XEN_EFAULT;
    for (uint32_t i = 0; i < k->nr_keys; i++)
        key_press(keys[i]);
    return 0;
}

/* ---- Domains ---- */

static long op_getdomaininfolist(struct xen_sysctl *op)
{
    struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
    struct xen_domctl_getdomaininfo info;
    struct domain *d = domain_from(l->first_domain);
    uint32_t n = 0;

    for (; d && n < l->max_domains && (n < DOMAINS_SURE || !preempt_needed()); d = domain_next(d)) {
        domain_info(d, &info);
        if (copy_to_guest_at(guest_addr(l->buffer), n, &info, sizeof(info))) {
            domain_put(d);
            return -XEN_EFAULT;
        }
        n++;
    }
    if (d)
        domain_put(d);
    l->num_domains = n;
    return 0;
}

/* ---- What there isn't ---- */

static long op_not_built_in(struct xen_sysctl *op)
{
    return -XEN_EOPNOTSUPP;
}

/* Cache monitoring and allocation: as on a processor without. */
static long op_psr_cmt(struct xen_sysctl *op)
{
    return -XEN_ENODEV;
}

static long op_psr_alloc(struct xen_sysctl *op)
{
    return op->u.psr_alloc.cmd <= XEN_SYSCTL_PSR_get_mba_info ? -XEN_ENODEV : -XEN_EOPNOTSUPP;
}

/* ---- The table ---- */

/* Not in it, and so -XEN_ENOSYS: lockprof_op (as on a release build of Xen), livepatch_op. */
static sysctl_fn *const table[] = {
    [XEN_SYSCTL_readconsole] = op_readconsole,
    [XEN_SYSCTL_tbuf_op] = sysctl_tbuf_op,
    [XEN_SYSCTL_physinfo] = sysctl_physinfo,
    [XEN_SYSCTL_sched_id] = sysctl_sched_id,
    [XEN_SYSCTL_perfc_op] = sysctl_perfc_op,
    [XEN_SYSCTL_getdomaininfolist] = op_getdomaininfolist,
    [XEN_SYSCTL_debug_keys] = op_debug_keys,
    [XEN_SYSCTL_getcpuinfo] = sysctl_getcpuinfo,
    [XEN_SYSCTL_availheap] = sysctl_availheap,
    [XEN_SYSCTL_get_pmstat] = sysctl_get_pmstat,
    [XEN_SYSCTL_cpu_hotplug] = sysctl_cpu_hotplug,
    [XEN_SYSCTL_pm_op] = sysctl_pm_op,
    [XEN_SYSCTL_page_offline_op] = sysctl_page_offline_op,
    [XEN_SYSCTL_cputopoinfo] = sysctl_cputopoinfo,
    [XEN_SYSCTL_numainfo] = sysctl_numainfo,
    [XEN_SYSCTL_cpupool_op] = sysctl_cpupool_op,
    [XEN_SYSCTL_scheduler_op] = sysctl_scheduler_op,
    [XEN_SYSCTL_coverage_op] = op_not_built_in,
    [XEN_SYSCTL_psr_cmt_op] = op_psr_cmt,
    [XEN_SYSCTL_pcitopoinfo] = sysctl_pcitopoinfo,
    [XEN_SYSCTL_psr_alloc] = op_psr_alloc,
    [XEN_SYSCTL_get_cpu_levelling_caps] = sysctl_levelling_caps,
    [XEN_SYSCTL_get_cpu_featureset] = sysctl_cpu_featureset,
    [XEN_SYSCTL_get_cpu_policy] = sysctl_cpu_policy,
};

long do_sysctl(struct hcall *c)
{
    struct xen_sysctl op;
    sysctl_fn *fn;
    long rc;

    if (!current->domain->is_privileged)
        return -XEN_EPERM;
    if (copy_from_guest(&op, c->arg[0], sizeof(op)))
        return -XEN_EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    fn = op.cmd < ARRAY_SIZE(table) ? table[index_clamp(op.cmd, ARRAY_SIZE(table))] : NULL;
    if (!fn)
        return -XEN_ENOSYS;
    rc = fn(&op);
    if (rc == -XEN_EAGAIN)
        return hcall_again(c);
    return rc >= 0 && copy_to_guest(c->arg[0], &op, sizeof(op)) ? -XEN_EFAULT : rc;
}
