/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/cpuid.c: nothing is shown that the processor hasn't or that the guest can't use; core/nospec.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "core/cpuid.h"
#include "core/nospec.h"

static const struct cpuid_regs all = { ~0u, ~0u, ~0u, ~0u };
static const struct cpuid_regs intel = { 0x16, 0x756e6547, 0x6c65746e, 0x49656e69 };
static const struct cpuid_regs amd = { 0x10, 0x68747541, 0x444d4163, 0x69746e65 };

static struct cpuid_regs ask(const struct cpuid_guest *g, uint32_t leaf, uint32_t sub, struct cpuid_regs host)
{
    struct cpuid_host h = { .leaf = host, .max_basic = 0x16, .leaf1_d = ~0u, .xsave_size = 832 };

    return cpuid_for_guest(g, leaf, sub, &h);
}

static void test_vendor(void **state)
{
    (void)state;
    assert_int_equal(cpuid_vendor(intel), VENDOR_INTEL);
    assert_int_equal(cpuid_vendor(amd), VENDOR_AMD);
    assert_int_equal(cpuid_vendor((struct cpuid_regs){ 1, 2, 3, 4 }), VENDOR_OTHER);
}

static void test_nothing_invented(void **state)
{
    static const uint32_t leaves[] = { 1, 2, 4, 5, 6, 7, 0xa, 0xb, 0xd, 0xf, 0x14, 0x80000001, 0x80000005, 0x80000007,
                                       0x80000008, 0x8000000a, 0x8000001d, 0x8000001f, 0x80000021 };
    struct cpuid_guest g = { .vendor = VENDOR_INTEL, .xcr0_mask = 7 };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(leaves); i++) {
        struct cpuid_regs r = ask(&g, leaves[i], 0, (struct cpuid_regs){ 0, 0, 0, 0 });

        assert_int_equal(r.b | r.d, 0);
        assert_int_equal(r.c & ~(1u << 31), leaves[i] == 0xd ? 832 : 0);
    }
}

static void test_hidden(void **state)
{
    struct cpuid_guest g = { .vendor = VENDOR_AMD };
    struct cpuid_regs r = ask(&g, 1, 0, all);

    (void)state;
    assert_int_equal(r.c & (1u << 3 | 1u << 5 | 1u << 6 | 1u << 17 | 1u << 26 | 1u << 27 | 1u << 28), 0);
    assert_int_equal(r.c >> 31, 1);
    assert_int_equal(r.d & (1u << 11 | 1u << 12), 0);
    r = ask(&g, 7, 0, all);
    assert_int_equal(r.b & (1u << 5 | 1u << 7 | 1u << 10 | 1u << 16 | 1u << 20), 0);
    assert_int_equal(r.d >> 29 & 1, 0);
    assert_int_equal(ask(&g, 0xd, 0, all).a, 0);
    assert_int_equal(ask(&g, 0x80000001, 0, all).c & 4, 0);
    assert_int_equal(ask(&g, 0x8000000a, 0, all).d, 0);
    assert_int_equal(ask(&g, 0x17, 0, all).a, 0); /* behind the last leaf */
}

static void test_states(void **state)
{
    struct cpuid_guest g = { .vendor = VENDOR_INTEL, .xcr0_mask = 3, .is_privileged = true, .osxsave = true };

    (void)state;
    assert_int_equal(ask(&g, 1, 0, all).c & (1u << 12 | 1u << 26 | 1u << 27 | 1u << 28), 1u << 26 | 1u << 27);
    assert_int_equal(ask(&g, 1, 0, all).d & (1u << 11 | 1u << 12), 1u << 11 | 1u << 12);
    g.xcr0_mask = 7;
    assert_int_equal(ask(&g, 1, 0, all).c >> 28 & 1, 1);
    assert_int_equal(ask(&g, 7, 0, all).b & (1u << 5 | 1u << 16), 1u << 5);
    assert_int_equal(ask(&g, 0xd, 5, all).a, 0);
    g.xcr0_mask = 0xe7;
    assert_int_equal(ask(&g, 7, 0, all).b >> 16 & 1, 1);
    assert_int_equal(ask(&g, 0xd, 0, all).a, 0xe7);
    assert_int_equal(ask(&g, 0xd, 5, all).a, ~0u);
}

static void test_own_leaves(void **state)
{
    struct cpuid_guest g = { .time.machine_khz = 1234, .maddr_bits = 40 };

    (void)state;
    assert_int_equal(ask(&g, 0x40000000, 0, all).a, CPUID_XEN_LAST);
    assert_int_equal(ask(&g, 0x40000001, 0, all).a, 0x40011);
    assert_int_equal(ask(&g, 0x40000003, 2, all).a, 1234);
    assert_int_equal(ask(&g, 0x40000003, 1, all).a, 0);
    assert_int_equal(ask(&g, 0x40000005, 0, all).b, 40);
    assert_int_equal(ask(&g, 0x40000006, 0, all).a, 0);
    assert_int_equal(ask(&g, 0x400000ff, 0, all).d, 0);
}

static void test_clamp(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 70; n++)
        for (uint64_t i = 0; i < 140; i++)
            assert_int_equal(index_clamp(i, n), i < n ? i : 0);
    for (uint64_t i = 0; i < 40; i++) /* a constant power of two */
        assert_true(index_clamp(i, 8) < 8 && (i >= 8 || index_clamp(i, 8) == i));
    assert_int_equal(index_clamp(~0ul >> 1, 5), 0);
    assert_int_equal(index_clamp(~0ul, 5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vendor), cmocka_unit_test(test_nothing_invented), cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_states), cmocka_unit_test(test_own_leaves), cmocka_unit_test(test_clamp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
