/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl (sysctl.h): featuresets, CPU policies and levelling: sizes, small buffers, refusals, and agreement with CPUID. */
#define __XEN_TOOLS__ 1
#include <xen/sysctl.h>
#include "check.h"
#include "cpu.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"

#define WORDS  19u
#define LEAVES 120u
#define MSRS   2u

static xen_cpuid_leaf_t leaves[LEAVES + 1];
static xen_msr_entry_t msrs[MSRS + 1];
static uint32_t raw[WORDS + 1], host[WORDS], pv[WORDS], pv_max[WORDS];

static long featureset(unsigned index, void *to, unsigned n)
{
    return SYSCTL(get_cpu_featureset, U.cpu_featureset.index = index; U.cpu_featureset.nr_features = n;
                  U.cpu_featureset.features.p = to);
}

static bool subset(const uint32_t *of, const uint32_t *all)
{
    for (unsigned i = 0; i < WORDS; i++)
        if (of[i] & ~all[i])
            return false;
    return true;
}

static void check_featuresets(void)
{
    EXPECT_OK(featureset(4711, NULL, 0));
    EXPECT_EQUAL(U.cpu_featureset.nr_features, WORDS);
    memset(raw, 0x5a, sizeof(raw));
    EXPECT_OK(featureset(XEN_SYSCTL_cpu_featureset_raw, raw, WORDS + 1));
    EXPECT_EQUAL(U.cpu_featureset.nr_features, WORDS);
    EXPECT_EQUAL(raw[WORDS], 0x5a5a5a5a);
    EXPECT_OK(featureset(XEN_SYSCTL_cpu_featureset_host, host, WORDS));
    EXPECT_OK(featureset(XEN_SYSCTL_cpu_featureset_pv, pv, WORDS));
    EXPECT_OK(featureset(XEN_SYSCTL_cpu_featureset_pv_max, pv_max, WORDS));
    EXPECT_TRUE(subset(pv, pv_max));
    EXPECT_EQUAL(raw[0] & 0x07808111, 0x07808111); /* FPU, TSC, CX8, CMOV, MMX, FXSR, SSE, SSE2 */
    EXPECT_EQUAL(host[0] & ~raw[0], 0);
    EXPECT_EQUAL(pv[0] & ~host[0], 0);
    EXPECT_EQUAL(pv[0] & (1u << 12), 0); /* no MTRRs */
    EXPECT_TRUE(pv[2] & 1u << 29);       /* long mode */
    EXPECT_TRUE(pv[1] & 1u << 31);       /* there is a hypervisor */
    EXPECT_ERR(featureset(6, raw, WORDS), EINVAL);
    EXPECT_ERR(featureset(~0u, raw, WORDS), EINVAL);
    EXPECT_ERR(featureset(XEN_SYSCTL_cpu_featureset_raw, raw, WORDS - 1), ENOBUFS);
    EXPECT_ERR(featureset(XEN_SYSCTL_cpu_featureset_raw, raw, 0), ENOBUFS);
    EXPECT_ERR(featureset(XEN_SYSCTL_cpu_featureset_raw, (void *)UNMAPPED, WORDS), EFAULT);
    EXPECT_ERR(featureset(XEN_SYSCTL_cpu_featureset_raw, (void *)HV_PRIVATE, WORDS), EFAULT);
    if (!test_on_xen()) { /* which has such guests */
        EXPECT_ERR(featureset(XEN_SYSCTL_cpu_featureset_hvm, raw, WORDS), EOPNOTSUPP);
        EXPECT_ERR(featureset(XEN_SYSCTL_cpu_featureset_hvm_max, raw, WORDS), EOPNOTSUPP);
    }
}

static long policy(unsigned index, void *l, unsigned nl, void *m, unsigned nm)
{
    return SYSCTL(get_cpu_policy, U.cpu_policy.index = index; U.cpu_policy.leaves.p = l; U.cpu_policy.nr_leaves = nl;
                  U.cpu_policy.msrs.p = m; U.cpu_policy.nr_msrs = nm);
}

static const xen_cpuid_leaf_t *leaf_find(uint32_t leaf, uint32_t sub)
{
    for (unsigned i = 0; i < U.cpu_policy.nr_leaves; i++)
        if (leaves[i].leaf == leaf && leaves[i].subleaf == sub)
            return &leaves[i];
    return NULL;
}

/* In order, each once, the words of the featureset as in the featureset. */
static void check_leaves(const uint32_t *set)
{
    const xen_cpuid_leaf_t *first = leaf_find(0, XEN_CPUID_NO_SUBLEAF), *one = leaf_find(1, XEN_CPUID_NO_SUBLEAF),
                           *ext = leaf_find(0x80000001, XEN_CPUID_NO_SUBLEAF), *hv = leaf_find(0x40000000, XEN_CPUID_NO_SUBLEAF);

    REQUIRE(first && one && ext && hv);
    EXPECT_EQUAL(one->d, set[0]);
    EXPECT_EQUAL(one->c, set[1]);
    EXPECT_EQUAL(ext->d, set[2]);
    EXPECT_EQUAL(ext->c, set[3]);
    EXPECT_EQUAL(hv->a, 0);
    EXPECT_TRUE(first->a >= 1 && first->a <= 0xd);
    for (unsigned i = 1; i < U.cpu_policy.nr_leaves; i++)
        EXPECT_TRUE(leaves[i].leaf > leaves[i - 1].leaf ||
                    (leaves[i].leaf == leaves[i - 1].leaf && leaves[i].subleaf > leaves[i - 1].subleaf));
}

static void check_policy(unsigned index, const uint32_t *set)
{
    EXPECT_OK(policy(index, NULL, 0, NULL, 0));
    EXPECT_EQUAL(U.cpu_policy.nr_leaves, LEAVES);
    EXPECT_EQUAL(U.cpu_policy.nr_msrs, MSRS);
    EXPECT_OK(policy(index, leaves, LEAVES, msrs, MSRS));
    EXPECT_TRUE(U.cpu_policy.nr_leaves > 10 && U.cpu_policy.nr_leaves < LEAVES);
    EXPECT_EQUAL(U.cpu_policy.nr_msrs, MSRS);
    EXPECT_EQUAL(msrs[0].idx, 0xce);
    EXPECT_EQUAL(msrs[1].idx, 0x10a);
    EXPECT_EQUAL(msrs[0].flags | msrs[1].flags, 0);
    check_leaves(set);
}

static void check_policies(void)
{
    check_policy(XEN_SYSCTL_cpu_policy_raw, raw);
    check_policy(XEN_SYSCTL_cpu_policy_host, host);
    check_policy(XEN_SYSCTL_cpu_policy_pv_max, pv_max);
    check_policy(XEN_SYSCTL_cpu_policy_pv_default, pv);
    EXPECT_ERR(policy(6, NULL, 0, NULL, 0), EINVAL);
    EXPECT_ERR(policy(~0u, leaves, LEAVES, msrs, MSRS), EINVAL);
    EXPECT_ERR(SYSCTL(get_cpu_policy, U.cpu_policy._rsvd = 1), EINVAL);
    EXPECT_ERR(policy(XEN_SYSCTL_cpu_policy_raw, leaves, 5, NULL, 0), ENOBUFS);
    EXPECT_ERR(policy(XEN_SYSCTL_cpu_policy_raw, leaves, 0, NULL, 0), ENOBUFS);
    EXPECT_ERR(policy(XEN_SYSCTL_cpu_policy_raw, leaves, LEAVES, msrs, 1), ENOBUFS);
    EXPECT_ERR(policy(XEN_SYSCTL_cpu_policy_raw, NULL, 0, msrs, 0), ENOBUFS);
    EXPECT_ERR(policy(XEN_SYSCTL_cpu_policy_raw, (void *)UNMAPPED, LEAVES, NULL, 0), EFAULT);
    EXPECT_ERR(policy(XEN_SYSCTL_cpu_policy_raw, NULL, 0, (void *)UNMAPPED, MSRS), EFAULT);
    if (!test_on_xen()) { /* which has such guests */
        EXPECT_ERR(policy(XEN_SYSCTL_cpu_policy_hvm_max, NULL, 0, NULL, 0), EOPNOTSUPP);
        EXPECT_ERR(policy(XEN_SYSCTL_cpu_policy_hvm_default, NULL, 0, NULL, 0), EOPNOTSUPP);
    }
}

void test_main(void)
{
    check_featuresets();
    check_policies();
    EXPECT_OK(SYSCTL(get_cpu_levelling_caps));
    EXPECT_EQUAL(U.cpu_levelling_caps.caps & ~0x1fful, 0);
}
