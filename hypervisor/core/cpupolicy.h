/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPUID policy (what a processor or a guest's CPUID says) in the forms that the toolstack reads: all of its leaves in a
 * row (xen_cpuid_leaf_t <xen/arch-x86/xen.h>), and the words of a featureset <xen/arch-x86/cpufeatureset.h>.  Pure.
 */
#pragma once

#include "core/cpuid.h"

#define CPUPOLICY_LEAVES   120 /* at most */
#define CPUPOLICY_FEATURES 19  /* words of a featureset */

/* The policy's answer; `of` names the policy. */
typedef struct cpuid_regs cpupolicy_fn(const void *of, uint32_t leaf, uint32_t sub);

/* A policy as the toolstack gave it to a domain: the leaves of the biggest that domains may have, some with less in them. */
struct cpu_policy {
    unsigned n;
    xen_cpuid_leaf_t leaf[CPUPOLICY_LEAVES];
};

/* One leaf of p is to be *l.  0, -XEN_ERANGE (no such leaf), -XEN_EINVAL (features that `most` hasn't); then p is as it was. */
int cpupolicy_set(struct cpu_policy *p, const struct cpu_policy *most, const xen_cpuid_leaf_t *l);
/* What a domain with that policy sees where it would see r without one. */
struct cpuid_regs cpupolicy_apply(const struct cpu_policy *p, uint32_t leaf, uint32_t sub, struct cpuid_regs r);

/* All leaves to out[CPUPOLICY_LEAVES]; their number. */
unsigned cpupolicy_leaves(cpupolicy_fn *get, const void *of, xen_cpuid_leaf_t *out);
/* words[CPUPOLICY_FEATURES]; arch_caps is what the policy has in the MSR of that name. */
void cpupolicy_features(cpupolicy_fn *get, const void *of, uint64_t arch_caps, uint32_t *words);
/* Bits of the word of leaf 0x80000001's EDX that only repeat those of leaf 1 (on AMD). */
#define CPUPOLICY_E1D_COPIES 0x0183f3ffu
