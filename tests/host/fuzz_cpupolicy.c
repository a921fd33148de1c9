/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core/cpupolicy.c (and core/cpuid.c, by which the biggest policy is made): a machine whose CPUID answers what the input says,
 * and a toolstack that sets any leaves.  However many leaves there are, they fit, in order; a domain never has a feature that the biggest
 * policy has not, nor one that its own has not; what is refused changes nothing.
 */
/* fuzz-options: -max_len=500 -len_control=0 -runs=40000 */
#include <stdlib.h>
#include <string.h>
#include "fuzz_input.h"
#include "core/cpupolicy.h"

static struct cpuid_guest guest;

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* ---- The machine: some leaves are told, the others follow from a seed ---- */

#define TOLD 12

static struct { uint32_t leaf, sub; struct cpuid_regs r; } told[TOLD];
static uint32_t seed;

/* Leaves that mean something, mostly. */
static uint32_t take_leaf(uint32_t *sub)
{
    static const uint32_t some[] = { 0, 1, 4, 7, 0xb, 0xd, 0x80000000, 0x80000001, 0x80000007, 0x80000008, 0x80000021, 0x40000000, 2 };
    uint32_t how = take(1);

    *sub = take(1) % 68;
    if (*sub == 67)
        *sub = take(4);
    return how < 200 ? some[how % ARRAY_SIZE(some)] : how < 230 ? 0x80000000 | how % 40 : take(4);
}

static uint32_t mix(uint32_t a, uint32_t b, uint32_t c)
{
    uint64_t x = (a + 1ull) * 0x9e3779b97f4a7c15ull ^ (b + 7ull) * 0xc2b2ae3d27d4eb4full ^ c * 0x165667b19e3779f9ull;

    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9ull;
    return (uint32_t)(x >> 32);
}

static struct cpuid_regs machine(const void *of, uint32_t leaf, uint32_t sub)
{
    (void)of;
    for (unsigned i = 0; i < TOLD; i++)
        if (told[i].leaf == leaf && told[i].sub == sub)
            return told[i].r;
    if (!seed)
        return (struct cpuid_regs){ 0, 0, 0, 0 };
    return seed == 255 ? (struct cpuid_regs){ ~0u, ~0u, ~0u, ~0u }
                       : (struct cpuid_regs){ mix(leaf, sub, seed), mix(leaf, sub, seed + 1), mix(leaf, sub, seed + 2), mix(leaf, sub, seed + 3) };
}

/* What a domain may have at most, of that machine. */
static struct cpuid_regs filtered(const void *of, uint32_t leaf, uint32_t sub)
{
    struct cpuid_host host = { .leaf = machine(of, leaf, sub), .max_basic = machine(of, 0, 0).a, .leaf1_d = machine(of, 1, 0).d,
                               .xsave_size = 832 };

    return cpuid_for_guest(&guest, leaf, sub, &host);
}

static void begin(void)
{
    seed = take(1);
    guest = (struct cpuid_guest){ .xcr0_mask = take(1), .vendor = take(1) % 3, .has_arch_caps = seed & 1, .lfence_serialises = seed & 2 };
    for (unsigned i = 0; i < TOLD; i++) {
        told[i].leaf = take_leaf(&told[i].sub);
        told[i].r = (struct cpuid_regs){ take(4), take(2), take(2), take(2) };
    }
}

/* ---- What must hold ---- */

/* All leaves, in memory of just the size that the header promises. */
static struct cpu_policy *leaves(cpupolicy_fn *get)
{
    xen_cpuid_leaf_t *out = malloc(CPUPOLICY_LEAVES * sizeof(*out));
    struct cpu_policy *p = calloc(1, sizeof(*p));

    p->n = cpupolicy_leaves(get, NULL, out);
    must(p->n >= 2 && p->n <= CPUPOLICY_LEAVES);
    memcpy(p->leaf, out, p->n * sizeof(*out));
    for (unsigned i = 1; i < p->n; i++)
        must(out[i].leaf > out[i - 1].leaf || (out[i].leaf == out[i - 1].leaf && out[i].subleaf > out[i - 1].subleaf));
    free(out);
    return p;
}

static struct cpuid_regs by_policy(const void *of, uint32_t leaf, uint32_t sub)
{
    return cpupolicy_apply(of, leaf, sub, (struct cpuid_regs){ ~0u, ~0u, ~0u, ~0u });
}

static struct cpuid_regs as_it_is(const void *of, uint32_t leaf, uint32_t sub)
{
    const struct cpu_policy *p = of;

    for (unsigned i = 0; i < p->n; i++)
        if (p->leaf[i].leaf == leaf && (p->leaf[i].subleaf == sub || p->leaf[i].subleaf == XEN_CPUID_NO_SUBLEAF))
            return (struct cpuid_regs){ p->leaf[i].a, p->leaf[i].b, p->leaf[i].c, p->leaf[i].d };
    return (struct cpuid_regs){ ~0u, ~0u, ~0u, ~0u };
}

/* Bits that are no feature of their own: OSXSAVE, and what AMD repeats. */
static uint32_t undecided(unsigned word)
{
    return word == 1 ? 1u << 27 : word == 2 ? CPUPOLICY_E1D_COPIES : 0;
}

static void check(const struct cpu_policy *p, const struct cpu_policy *most)
{
    uint32_t has[CPUPOLICY_FEATURES], sees[CPUPOLICY_FEATURES], may[CPUPOLICY_FEATURES];

    cpupolicy_features(as_it_is, p, 0, has);
    cpupolicy_features(as_it_is, most, 0, may);
    cpupolicy_features(by_policy, p, 0, sees);
    must(p->n == most->n);
    for (unsigned i = 0; i < p->n; i++)
        must(p->leaf[i].leaf == most->leaf[i].leaf && p->leaf[i].subleaf == most->leaf[i].subleaf);
    for (unsigned w = 0; w < CPUPOLICY_FEATURES; w++) {
        must(!(has[w] & ~may[w] & ~undecided(w)));
        must(sees[w] == (has[w] | undecided(w)));
    }
}

/* Where the domain would see r, it sees no bit more, but in what names the processor. */
static void check_apply(const struct cpu_policy *p, uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r = { take(4), take(2) * 0x10001, take(2) * 0x10001, take(2) * 0x10001 }, s = cpupolicy_apply(p, leaf, sub, r);
    bool names = leaf >= 0x80000002 && leaf <= 0x80000004, size = leaf == 0 || leaf == 0x80000000;

    if (leaf >> 16 == CPUID_XEN_BASE >> 16) {
        must(!memcmp(&r, &s, sizeof(r)));
        return;
    }
    must(names || leaf == 1 || size || !(s.a & ~r.a));
    must(!size || s.a <= r.a);
    must(names || (!(s.b & ~r.b) && !(s.c & ~r.c) && !(s.d & ~r.d)));
}

/* One that is there, or any. */
static xen_cpuid_leaf_t take_new_leaf(const struct cpu_policy *p)
{
    xen_cpuid_leaf_t l;
    uint32_t how = take(1);

    if (how < 200) {
        l = p->leaf[how % p->n];
        how = take(1);
        l.a ^= how & 1 ? take(4) : 0;
        l.b ^= how & 2 ? take(4) : 0;
        l.c ^= how & 4 ? take(4) : 0;
        l.d ^= how & 8 ? take(4) : 0;
        l.b &= how & 16 ? take(4) : ~0u;
        l.c &= how & 32 ? take(4) : ~0u;
        l.d &= how & 64 ? take(4) : ~0u;
        return l;
    }
    l.leaf = take_leaf(&l.subleaf);
    l.subleaf = how & 1 ? XEN_CPUID_NO_SUBLEAF : l.subleaf;
    l.a = l.b = l.c = l.d = take(2);
    return l;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cpu_policy *most, *p, *before = malloc(sizeof(*before));

    data = bytes;
    left = size;
    begin();
    free(leaves(machine));
    most = leaves(filtered);
    p = leaves(filtered);
    while (left) {
        xen_cpuid_leaf_t l = take_new_leaf(p);
        int rc;

        memcpy(before, p, sizeof(*p));
        rc = cpupolicy_set(p, most, &l);
        must(rc == 0 || rc == -XEN_ERANGE || rc == -XEN_EINVAL);
        must(rc == 0 || !memcmp(before, p, sizeof(*p)));
        check(p, most);
        check_apply(p, l.leaf, l.subleaf == XEN_CPUID_NO_SUBLEAF ? 0 : l.subleaf);
    }
    free(most);
    free(p);
    free(before);
    return 0;
}
