/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl: a domain's CPUID and MSR policy.  The toolstack may take features away, never add any; a domain without a policy of
 * its own sees all that para-virtual guests may (core/cpuid.h).  Of MSRs none is a matter of policy: only what is there anyway is taken.
 */
#include "ctl/bitmap.h"
#include "ctl/domctl.h"
#include "core/cpuid.h"
#include "core/cpupolicy.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/sched.h"
#include "pv/cpuid.h"
#include "x86/spec.h"

#define MSR_PLATFORM_INFO 0xceu
#define MSR_ARCH_CAPS     0x10au
#define POLICY_MSRS       2u

static uint64_t msr_value(uint32_t nr)
{
    return nr == MSR_ARCH_CAPS && spec_has_arch_caps() ? arch_caps_for_guest(spec_arch_caps()) : 0;
}

static struct cpuid_regs most_leaf(const void *of, uint32_t leaf, uint32_t sub)
{
    return pv_cpuid_policy(of, leaf, sub);
}

/* Fresh memory with all that a domain may have; NULL: none. */
static struct cpu_policy *policy_most(void)
{
    struct cpu_policy *p = mem_alloc(sizeof(*p));

    if (p)
        p->n = cpupolicy_leaves(most_leaf, NULL, p->leaf);
    return p;
}

/* ---- Get ---- */

static long msrs_give(struct xen_domctl_cpu_policy *to)
{
    const xen_msr_entry_t msrs[POLICY_MSRS] = {
        { .idx = MSR_PLATFORM_INFO }, { .idx = MSR_ARCH_CAPS, .val = msr_value(MSR_ARCH_CAPS) },
    };

    return array_to_guest(guest_addr(to->msrs), &to->nr_msrs, msrs, POLICY_MSRS, sizeof(*msrs));
}

long domctl_get_policy(struct domctl *x)
{
    struct xen_domctl_cpu_policy *a = &x->op->u.cpu_policy;
    struct cpu_policy *p = policy_most();
    long rc;

    if (!p)
        return -XEN_ENOMEM;
    if (x->d->cpu_policy)
        memcpy(p, x->d->cpu_policy, sizeof(*p));
    rc = array_to_guest(guest_addr(a->leaves), &a->nr_leaves, p->leaf, p->n, sizeof(*p->leaf));
    if (rc == 0)
        rc = msrs_give(a);
    mem_free(p);
    return rc;
}

/* ---- Set ---- */

static long leaves_take(struct xen_domctl_cpu_policy *from, struct cpu_policy *p, const struct cpu_policy *most)
{
    long rc = 0;

    if (from->nr_leaves > CPUPOLICY_LEAVES)
        return -XEN_E2BIG;
    for (uint32_t i = 0; i < from->nr_leaves && rc == 0; i++) {
        xen_cpuid_leaf_t l;

        if (copy_from_guest_at(&l, guest_addr(from->leaves), i, sizeof(l)))
            return -XEN_EFAULT;
        rc = cpupolicy_set(p, most, &l);
        if (rc) {
            from->err_leaf = l.leaf;
            from->err_subleaf = l.subleaf;
        }
    }
    return rc;
}

static long msrs_check(struct xen_domctl_cpu_policy *from)
{
    if (from->nr_msrs > POLICY_MSRS)
        return -XEN_E2BIG;
    for (uint32_t i = 0; i < from->nr_msrs; i++) {
        xen_msr_entry_t m;

        if (copy_from_guest_at(&m, guest_addr(from->msrs), i, sizeof(m)))
            return -XEN_EFAULT;
        if ((m.idx == MSR_PLATFORM_INFO || m.idx == MSR_ARCH_CAPS) && !m.flags && m.val == msr_value(m.idx))
            continue;
        from->err_msr = m.idx;
        return m.idx == MSR_PLATFORM_INFO || m.idx == MSR_ARCH_CAPS ? -XEN_EINVAL : -XEN_ERANGE;
    }
    return 0;
}

long domctl_set_policy(struct domctl *x)
{
    struct xen_domctl_cpu_policy *a = &x->op->u.cpu_policy;
    struct cpu_policy *most = policy_most(), *p = policy_most();
    long rc = -XEN_ENOMEM;

    a->err_leaf = a->err_subleaf = a->err_msr = XEN_CPUID_INPUT_UNUSED;
    if (most && p) {
        if (x->d->cpu_policy)
            memcpy(p, x->d->cpu_policy, sizeof(*p));
        rc = leaves_take(a, p, most);
        if (rc == 0)
            rc = msrs_check(a);
        if (rc == 0)
            p = __atomic_exchange_n(&x->d->cpu_policy, p, __ATOMIC_SEQ_CST);
    }
    mem_free(most);
    mem_free(p);
    return rc;
}
