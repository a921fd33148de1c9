/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies for the toolstack: which leaves in which order, whatever a policy says of its own size; where a featureset's words come from. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "core/cpupolicy.h"

static xen_cpuid_leaf_t out[CPUPOLICY_LEAVES];
static unsigned n;

/* A policy that answers this everywhere. */
static struct cpuid_regs same(const void *of, uint32_t leaf, uint32_t sub)
{
    const uint32_t *all = of;

    (void)leaf;
    (void)sub;
    return (struct cpuid_regs){ *all, *all, *all, *all };
}

static bool has(uint32_t leaf, uint32_t sub)
{
    for (unsigned i = 0; i < n; i++)
        if (out[i].leaf == leaf && out[i].subleaf == sub)
            return true;
    return false;
}

static void check_order(void)
{
    for (unsigned i = 1; i < n; i++)
        assert_true(out[i].leaf > out[i - 1].leaf ||
                    (out[i].leaf == out[i - 1].leaf && out[i].subleaf > out[i - 1].subleaf));
}

static void test_biggest(void **state)
{
    uint32_t all = ~0u;

    (void)state;
    n = cpupolicy_leaves(same, &all, out);
    check_order();
    assert_true(has(0xd, 62));
    assert_false(has(0xd, 63));
    assert_false(has(0x80000000, XEN_CPUID_NO_SUBLEAF)); /* no such range: its "last" isn't of it */
    all = 0x8000ffff;
    n = cpupolicy_leaves(same, &all, out);
    check_order();
    assert_true(has(0x80000021, XEN_CPUID_NO_SUBLEAF));
    assert_false(has(0x80000022, XEN_CPUID_NO_SUBLEAF));
}

static void test_smallest(void **state)
{
    uint32_t all = 0;

    (void)state;
    n = cpupolicy_leaves(same, &all, out);
    assert_int_equal(n, 3);
    assert_true(has(0, XEN_CPUID_NO_SUBLEAF) && has(0x40000000, XEN_CPUID_NO_SUBLEAF) && has(0x40000100, XEN_CPUID_NO_SUBLEAF));
}

/* The most that could come: 118 leaves. */
static struct cpuid_regs biggest(const void *of, uint32_t leaf, uint32_t sub)
{
    (void)of;
    (void)sub;
    if (leaf == 0x80000000)
        return (struct cpuid_regs){ 0x80000021, 0, 0, 0 };
    return (struct cpuid_regs){ ~0u, ~0u, ~0u, ~0u };
}

static void test_fits(void **state)
{
    (void)state;
    n = cpupolicy_leaves(biggest, NULL, out);
    assert_in_range(n, 100, CPUPOLICY_LEAVES);
    check_order();
}

/* A machine of the year 2015. */
static struct cpuid_regs machine(const void *of, uint32_t leaf, uint32_t sub)
{
    struct cpuid_regs r = { leaf, sub, leaf ^ 0x1111, sub ^ 0x2222 };

    (void)of;
    if (leaf == 0)
        r.a = 0x16;
    if (leaf == 4)
        r.a = sub < 4 ? sub + 1 : 0;
    if (leaf == 7)
        r.a = sub ? 0x55 : 1;
    if (leaf == 0xb)
        r.c = sub ? 0 : 0x100;
    if (leaf == 0xd)
        r = sub ? (struct cpuid_regs){ 7, 0, 0x100, 0 } : (struct cpuid_regs){ 7, 0, 0, 0 };
    if (leaf == 0x80000000)
        r.a = 0x80000008;
    return r;
}

static void test_machine(void **state)
{
    (void)state;
    n = cpupolicy_leaves(machine, NULL, out);
    check_order();
    assert_true(has(4, 4) && !has(4, 5));
    assert_true(has(7, 1) && !has(7, 2));
    assert_true(has(0xb, 1) && !has(0xb, 2));
    assert_true(has(0xd, 2) && has(0xd, 8) && !has(0xd, 3));
    assert_true(!has(0xe, XEN_CPUID_NO_SUBLEAF));
    assert_true(has(0x80000008, XEN_CPUID_NO_SUBLEAF) && !has(0x80000009, XEN_CPUID_NO_SUBLEAF));
    assert_int_equal(n, 10 + 5 + 2 + 2 + 4 + 2 + 9);
    for (unsigned i = 0; i < n; i++)
        if (out[i].leaf == 3)
            assert_int_equal(out[i].c, 3 ^ 0x1111);
}

/* The words, by the ABI's own numbers of features. */
static struct cpuid_regs one_leaf(const void *of, uint32_t leaf, uint32_t sub)
{
    const uint32_t *which = of;

    if (leaf != which[0] || sub != which[1])
        return (struct cpuid_regs){ 0, 0, 0, 0 };
    return (struct cpuid_regs){ which[2] == 0, which[2] == 1, which[2] == 2, which[2] == 3 };
}

static void test_words(void **state)
{
    static const struct { uint32_t at[3]; unsigned feature; } some[] = {
        { { 1, 0, 3 }, 0 * 32 }, { { 1, 0, 2 }, 1 * 32 }, { { 0x80000001, 0, 3 }, 2 * 32 }, { { 0x80000001, 0, 2 }, 3 * 32 },
        { { 0xd, 1, 0 }, 4 * 32 }, { { 7, 0, 1 }, 5 * 32 }, { { 7, 0, 2 }, 6 * 32 }, { { 0x80000007, 0, 3 }, 7 * 32 },
        { { 0x80000008, 0, 1 }, 8 * 32 }, { { 7, 0, 3 }, 9 * 32 }, { { 7, 1, 0 }, 10 * 32 }, { { 0x80000021, 0, 0 }, 11 * 32 },
        { { 7, 1, 1 }, 12 * 32 }, { { 7, 2, 3 }, 13 * 32 }, { { 7, 1, 2 }, 14 * 32 }, { { 7, 1, 3 }, 15 * 32 },
        { { 0x80000021, 0, 2 }, 18 * 32 },
    };
    uint32_t words[CPUPOLICY_FEATURES];

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(some); i++) {
        memset(words, 0x5a, sizeof(words));
        cpupolicy_features(one_leaf, some[i].at, 0x300000001, words);
        for (unsigned w = 0; w < CPUPOLICY_FEATURES; w++)
            assert_int_equal(words[w], w == 16 ? 1 : w == 17 ? 3 : w * 32 == some[i].feature);
    }
}

/* A policy with leaf 1 and 0x80000001, all features there. */
static void policy_fill(struct cpu_policy *p)
{
    p->n = 3;
    p->leaf[0] = (xen_cpuid_leaf_t){ 0, XEN_CPUID_NO_SUBLEAF, 13, 1, 2, 3 };
    p->leaf[1] = (xen_cpuid_leaf_t){ 1, XEN_CPUID_NO_SUBLEAF, 0x600f20, 7, 0xff, 0xff };
    p->leaf[2] = (xen_cpuid_leaf_t){ 0x80000001, XEN_CPUID_NO_SUBLEAF, 0, 0, 0xff, 0x10000000 };
}

static void test_own_policy(void **state)
{
    static struct cpu_policy most, p;
    const struct cpuid_regs all = { ~0u, ~0u, ~0u, ~0u };
    xen_cpuid_leaf_t l;
    struct cpuid_regs r;

    (void)state;
    policy_fill(&most);
    policy_fill(&p);
    l = most.leaf[1];
    l.c = 0x1ff;
    assert_int_equal(cpupolicy_set(&p, &most, &l), -XEN_EINVAL);   /* one too many */
    assert_int_equal(p.leaf[1].c, 0xff);
    l.c = 0x0f;
    l.a = 0x1234;
    assert_int_equal(cpupolicy_set(&p, &most, &l), 0);
    r = cpupolicy_apply(&p, 1, 0, all);
    assert_int_equal(r.a, 0x1234);
    assert_int_equal(r.b, ~0u);                                    /* APIC number and the like */
    assert_int_equal(r.c, 0x0f | 1u << 27);                        /* OSXSAVE is the guest's doing */
    assert_int_equal(r.d, 0xff);
    l = (xen_cpuid_leaf_t){ 2, XEN_CPUID_NO_SUBLEAF, 0, 0, 0, 0 };
    assert_int_equal(cpupolicy_set(&p, &most, &l), -XEN_ERANGE);
    l = (xen_cpuid_leaf_t){ 0x80000001, XEN_CPUID_NO_SUBLEAF, 0, 0, 0, 0x10000000 | CPUPOLICY_E1D_COPIES };
    assert_int_equal(cpupolicy_set(&p, &most, &l), 0);             /* copies of leaf 1 don't count */
    assert_int_equal(cpupolicy_apply(&p, 0x80000001, 0, all).d, 0x10000000 | CPUPOLICY_E1D_COPIES);
    assert_int_equal(cpupolicy_apply(&p, 0, 0, all).a, 13);
    assert_int_equal(cpupolicy_apply(&p, CPUID_XEN_BASE, 0, all).a, ~0u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_policy), cmocka_unit_test(test_biggest), cmocka_unit_test(test_smallest), cmocka_unit_test(test_fits),
        cmocka_unit_test(test_machine), cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
