/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl: what processors can do.  Three policies: raw (what CPUID says), host (what of that we use), and that of para-virtual
 * guests, in which "max" and "default" are the same.  Hardware-assisted guests: -XEN_EOPNOTSUPP.
 */
#include "core/cpuid.h"
#include "core/cpupolicy.h"
#include "core/nospec.h"
#include "core/port.h"
#include "core/string.h"
#include "ctl/bitmap.h"
#include "ctl/sysctl.h"
#include "kern/guest.h"
#include "pv/cpuid.h"
#include "x86/fpu.h"
#include "x86/spec.h"

#define F1D_SEP     (1u << 11)
#define F1C_XSAVE   (1u << 26 | 1u << 27)
#define FE21A_LFENCE (1u << 2)
#define MSR_PLATFORM_INFO 0xceu
#define MSR_ARCH_CAPS     0x10au
#define POLICY_MSRS 2u

enum policy { RAW, HOST, PV, HVM };

static enum cpu_vendor vendor(void)
{
    return cpuid_vendor(cpuid_machine(0, 0));
}

static struct cpuid_regs raw_leaf(const void *of, uint32_t leaf, uint32_t sub)
{
    return cpuid_machine(leaf, sub);
}

/* sysenter is of no use to a 64-bit kernel on AMD; power, performance counters and the numbering of CPUs are not features. */
static struct cpuid_regs host_leaf(const void *of, uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r = raw_leaf(of, leaf, sub);

    switch (leaf) {
    case 0x1:
        r.d &= vendor() == VENDOR_AMD ? ~F1D_SEP : ~0u;
        r.c &= fpu_xcr0_mask() ? ~0u : ~F1C_XSAVE;
        return r;
    case 0x5:
    case 0x6:
    case 0xa:
    case 0xb:
        return (struct cpuid_regs){ 0, 0, 0, 0 };
    case 0xd:
        if (sub == 0)
            r.a &= (uint32_t)fpu_xcr0_mask();
        return fpu_xcr0_mask() ? r : (struct cpuid_regs){ 0, 0, 0, 0 };
    case 0x80000000:
        r.a = spec_lfence_serialises() ? MAX(r.a, 0x80000021u) : r.a;
        return r;
    case 0x80000021:
        r.a |= spec_lfence_serialises() ? FE21A_LFENCE : 0;
        return r;
    default:
        return r;
    }
}

static cpupolicy_fn *const leaf_of[] = { [RAW] = raw_leaf, [HOST] = host_leaf, [PV] = pv_cpuid_policy };

static uint64_t arch_caps_of(enum policy p)
{
    if (!spec_has_arch_caps())
        return 0;
    return p == PV ? arch_caps_for_guest(spec_arch_caps()) : spec_arch_caps();
}

void sysctl_hw_cap(uint32_t *words, unsigned n)
{
    uint32_t all[CPUPOLICY_FEATURES];

    cpupolicy_features(host_leaf, NULL, arch_caps_of(HOST), all);
    all[2] &= vendor() == VENDOR_AMD ? ~CPUPOLICY_E1D_COPIES : ~0u;
    memcpy(words, all, MIN(n, (unsigned)CPUPOLICY_FEATURES) * sizeof(*words));
}

/* CPUID of guests' processes is neither masked nor trapped. */
long sysctl_levelling_caps(struct xen_sysctl *op)
{
    op->u.cpu_levelling_caps.caps = 0;
    return 0;
}

/* ---- Featuresets ---- */

static const uint8_t featureset_policy[] = {
    [XEN_SYSCTL_cpu_featureset_raw] = RAW, [XEN_SYSCTL_cpu_featureset_host] = HOST, [XEN_SYSCTL_cpu_featureset_pv] = PV,
    [XEN_SYSCTL_cpu_featureset_hvm] = HVM, [XEN_SYSCTL_cpu_featureset_pv_max] = PV, [XEN_SYSCTL_cpu_featureset_hvm_max] = HVM,
};

long sysctl_cpu_featureset(struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_featureset *f = &op->u.cpu_featureset;
    uint32_t words[CPUPOLICY_FEATURES];
    enum policy p;

    if (!guest_addr(f->features)) {
        f->nr_features = CPUPOLICY_FEATURES;
        return 0;
    }
    if (f->index >= ARRAY_SIZE(featureset_policy))
        return -XEN_EINVAL;
    p = (enum policy)featureset_policy[index_clamp(f->index, ARRAY_SIZE(featureset_policy))];
    if (p == HVM)
        return -XEN_EOPNOTSUPP;
    cpupolicy_features(leaf_of[p], NULL, arch_caps_of(p), words);
    return array_to_guest(guest_addr(f->features), &f->nr_features, words, CPUPOLICY_FEATURES, sizeof(*words));
}

/* ---- Policies ---- */

static const uint8_t policy_of[] = {
    [XEN_SYSCTL_cpu_policy_raw] = RAW, [XEN_SYSCTL_cpu_policy_host] = HOST, [XEN_SYSCTL_cpu_policy_pv_max] = PV,
    [XEN_SYSCTL_cpu_policy_hvm_max] = HVM, [XEN_SYSCTL_cpu_policy_pv_default] = PV, [XEN_SYSCTL_cpu_policy_hvm_default] = HVM,
};

static long leaves_give(struct xen_sysctl_cpu_policy *to, enum policy p)
{
    xen_cpuid_leaf_t *leaves;
    long rc;

    if (!guest_addr(to->leaves)) {
        to->nr_leaves = CPUPOLICY_LEAVES;
        return 0;
    }
    leaves = mem_alloc(CPUPOLICY_LEAVES * sizeof(*leaves));
    if (!leaves)
        return -XEN_ENOMEM;
    rc = array_to_guest(guest_addr(to->leaves), &to->nr_leaves, leaves, cpupolicy_leaves(leaf_of[p], NULL, leaves), sizeof(*leaves));
    mem_free(leaves);
    return rc;
}

static long msrs_give(struct xen_sysctl_cpu_policy *to, enum policy p)
{
    const xen_msr_entry_t msrs[POLICY_MSRS] = {
        { .idx = MSR_PLATFORM_INFO }, { .idx = MSR_ARCH_CAPS, .val = arch_caps_of(p) },
    };

    return array_to_guest(guest_addr(to->msrs), &to->nr_msrs, msrs, POLICY_MSRS, sizeof(*msrs));
}

long sysctl_cpu_policy(struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_policy *p = &op->u.cpu_policy;
    enum policy which;
    long rc;

    if (p->index >= ARRAY_SIZE(policy_of) || p->_rsvd)
        return -XEN_EINVAL;
    which = (enum policy)policy_of[index_clamp(p->index, ARRAY_SIZE(policy_of))];
    if (which == HVM)
        return -XEN_EOPNOTSUPP;
    rc = leaves_give(p, which);
    return rc ? rc : msrs_give(p, which);
}
