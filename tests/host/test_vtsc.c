/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/vtsc.c: a made-up TSC against exact arithmetic, and the clock that guests compute from it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "core/vtsc.h"

#define NS 1000000000ul
#define DAY (86400ul * NS)
typedef unsigned __int128 u128;

static const uint32_t khz[] = { 1, 2, 999, 1000, 32768, 500000, 999999, 1000000, 1000001, 2394000, 3000000, 5700000, 0xffffffff };

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

/* A guest's clock, as the ABI describes it. */
static uint64_t guest_time(const struct vtsc *t, uint64_t tsc)
{
    return t->ns + clock_scale_apply(t->scale, tsc - t->tsc);
}

static void test_frequency(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(khz); i++) {
        struct vtsc t;
        uint64_t ticks;

        vtsc_init(&t, khz[i], 7 * NS, 0);
        assert_true(vtsc_read(&t, 7 * NS) == 0);
        ticks = vtsc_read(&t, 7 * NS + DAY);
        assert_true(distance(ticks, khz[i] * 86400000ul) <= 2 + (khz[i] * 86400000ul >> 30));
    }
}

/* After years, too, a guest's time is ours, to one tick and what the ABI's shift throws away. */
static void test_no_drift(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(khz); i++) {
        uint64_t tick = 1000000 / khz[i], step = 2 + tick + tick / 100,
                 span = MIN(1000 * DAY, (1ul << 63) / (khz[i] / 1000000 + 1)); /* until it wraps */
        struct vtsc t;

        vtsc_init(&t, khz[i], rnd() % DAY, rnd() % DAY);
        for (unsigned n = 0; n < 10000; n++) {
            uint64_t ns = t.ns + rnd() % span, seen = guest_time(&t, vtsc_read(&t, ns));

            assert_true(seen <= ns && ns - seen <= step);
        }
    }
}

static void test_monotone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(khz); i++) {
        struct vtsc t;
        uint64_t ns = 5 * NS, last;

        vtsc_init(&t, khz[i], ns, 3 * NS);
        last = vtsc_read(&t, 0);
        assert_true(last == t.tsc); /* not yet begun */
        for (unsigned n = 0; n < 100000; n++) {
            uint64_t now;

            ns += rnd() % 1000;
            now = vtsc_read(&t, ns);
            assert_true(now >= last);
            last = now;
        }
    }
}

/* Saved and restored at any moment, it goes on where it was. */
static void test_goes_on(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        uint32_t f = khz[i % ARRAY_SIZE(khz)];
        uint64_t saved = rnd() % (100 * DAY), restored = rnd() % (100 * DAY), end;
        struct vtsc a, b;

        vtsc_init(&a, f, rnd() % DAY, rnd() % DAY);
        saved += a.ns;
        end = vtsc_read(&a, saved);
        vtsc_init(&b, f, restored, vtsc_elapsed(&a, saved));
        assert_true(distance(vtsc_read(&b, restored), end) <= 1);
        assert_true(vtsc_elapsed(&b, restored + 5) == vtsc_elapsed(&a, saved) + 5);
    }
}

static void test_same(void **state)
{
    (void)state;
    assert_true(vtsc_same_khz(1000000, 1000000) && vtsc_same_khz(1000000, 1000100) && vtsc_same_khz(999900, 1000000) == 0);
    assert_true(!vtsc_same_khz(1000000, 1000101) && !vtsc_same_khz(0, 1) && vtsc_same_khz(0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frequency), cmocka_unit_test(test_no_drift), cmocka_unit_test(test_monotone),
        cmocka_unit_test(test_goes_on),   cmocka_unit_test(test_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
