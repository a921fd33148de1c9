/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/pvclock.c against exact arithmetic, and the correction of drifting clocks. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>
#include "core/pvclock.h"

#define NS 1000000000ul
typedef unsigned __int128 u128;

static uint64_t seed = 1;

static uint64_t rnd(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static void test_division(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t d = (rnd() >> (rnd() & 63)) | 1, hi = rnd() % d, lo = rnd();

        assert_true(div_128_64(hi, lo, d) == (uint64_t)(((u128)hi << 64 | lo) / d));
    }
}

/* Known frequencies: one second of ticks is one second, to 1 in 2^30. */
static void test_frequencies(void **state)
{
    static const uint64_t hz[] = { 1, 1193182, 3579545, 10000000, 14318180, 24000000, 100000000, 999999999, NS, NS + 1,
                                   1500000000, 2000000000, 2000000001, 2600000000, 2999999999, 3200000000, 5700000000,
                                   64000000000 };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(hz); i++) {
        struct clock_scale s = clock_scale_make(hz[i], NS), inv = clock_scale_invert(s);

        assert_true(distance(clock_scale_apply(s, hz[i]), NS) <= 1 + (s.shift < 0 ? 1u << -s.shift : 0));
        assert_true(distance(clock_scale_hz(s), hz[i]) <= hz[i] / (1u << 30) + 1 + (s.shift < 0 ? 1u << -s.shift : 0));
        assert_true(s.mul >= (1u << 31) - 64);
        assert_true(distance(clock_scale_apply(inv, 1000 * NS), 1000 * hz[i]) <= 1000 * hz[i] / (1ul << 30) + 64);
    }
}

/* Any ratio: right to 1 in 2^30 over long times, against 128-bit arithmetic; and it never goes back. */
static void test_random_ratio(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t ticks = (rnd() >> 2 >> (rnd() % 30)) | 1 << 12, k = rnd() % 24;
        uint64_t ns = rnd() & 1 ? ticks >> k : ticks, t, want, got;
        struct clock_scale s;

        ns = MAX(ns - ns / (rnd() % 1000 + 3), 1ul);
        s = clock_scale_make(ticks, ns);
        t = rnd() >> (20 + (s.shift > 0 ? s.shift : 0));
        want = (uint64_t)((u128)t * ns / ticks);
        got = clock_scale_apply(s, t);
        assert_true(distance(got, want) <= want / (1u << 29) + 2);
        assert_true(clock_scale_apply(s, t + 1) >= got);
    }
}

static void test_still(void **state)
{
    struct clock_scale none = { 0, 0 };
    struct clock_line l = { 1000, 77, { 1u << 31, 1 } };

    (void)state;
    assert_int_equal(clock_scale_apply(none, UINT64_MAX), 0);
    assert_int_equal(clock_scale_hz(none), 0);
    assert_int_equal(clock_line_read(&l, 1000), 77);
    assert_int_equal(clock_line_read(&l, 999), 77);
    assert_int_equal(clock_line_read(&l, 1010), 87);
}

static void test_unwrap(void **state)
{
    (void)state;
    assert_int_equal(counter_unwrap(5, 0xffff, 0), 5);
    assert_int_equal(counter_unwrap(5, 0xffff, 0x10000), 0x10005);
    assert_int_equal(counter_unwrap(0xfff0, 0xffff, 0x10003), 0xfff0);
    assert_int_equal(counter_unwrap(0xfff0, 0xffff, 3), 0xfff0);
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t mask = (1ul << (16 + rnd() % 48)) - 1, real = rnd() >> 2, error = rnd() & (mask / 2 - 1);
        uint64_t guess = rnd() & 1 ? real + error : real - MIN(error, real);

        assert_true(counter_unwrap(real & mask, mask, guess) == real);
    }
    assert_true(counter_unwrap(7, UINT64_MAX, 9) == 7);
}

/* A counter whose real rate wanders by 300 ppm from what was measured, corrected each second. */
static void test_steer(void **state)
{
    struct clock_line l = { 0, 0, clock_scale_make(2000000000, NS) };
    uint64_t tsc = 0, ns = 0, last = 0, tsc0 = 0, ns0 = 0;
    double rate = 2.0006;

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t dn = NS / 10;

        rate += (double)((int64_t)(rnd() % 2001) - 1000) * 1e-8;
        tsc += (uint64_t)((double)dn * rate);
        ns += dn;
        assert_true(clock_line_read(&l, tsc) >= last);
        last = clock_line_read(&l, tsc);
        if (i > 50)
            assert_true(distance(last, ns) < 100000);
        if (i % 10 == 9) {
            clock_line_steer(&l, tsc0, ns0, tsc, ns, NS);
            assert_true(clock_line_read(&l, tsc) >= last);
            last = clock_line_read(&l, tsc);
            tsc0 = tsc;
            ns0 = ns;
        }
    }
    assert_true(distance(last, ns) < 50000);
}

/* Far ahead: no step back, half speed until it fits.  Far behind: a step. */
static void test_steer_far(void **state)
{
    struct clock_line l = { 0, 5 * NS, clock_scale_make(NS, NS) };

    (void)state;
    for (uint64_t t = NS; t < 20 * NS; t += NS) {
        uint64_t before = clock_line_read(&l, t);

        clock_line_steer(&l, t - NS, t - NS, t, t, NS);
        assert_true(clock_line_read(&l, t) >= before);
    }
    assert_true(distance(clock_line_read(&l, 20 * NS), 20 * NS) < 1000);
    clock_line_steer(&l, 20 * NS, 20 * NS, 21 * NS, 31 * NS, NS);
    assert_int_equal(clock_line_read(&l, 21 * NS), 31 * NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_division),
        cmocka_unit_test(test_frequencies),
        cmocka_unit_test(test_random_ratio),
        cmocka_unit_test(test_still),
        cmocka_unit_test(test_unwrap),
        cmocka_unit_test(test_steer),
        cmocka_unit_test(test_steer_far),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
