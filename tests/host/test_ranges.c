/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/ranges.c against a plain bitmap, and at the ends of the number line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "core/ranges.h"

#define UNIVERSE 200u

static void same(const struct ranges *s, const bool *model)
{
    for (unsigned i = 0; i < UNIVERSE; i++)
        assert_int_equal(ranges_contain(s, i, i), model[i]);
    for (unsigned i = 1; i < s->n; i++)
        assert_true(s->r[i - 1].last + 1 < s->r[i].first);
}

static bool all_of(const bool *model, unsigned first, unsigned last, bool *any)
{
    bool all = true;

    *any = false;
    for (unsigned i = first; i <= last; i++) {
        all &= model[i];
        *any |= model[i];
    }
    return all;
}

static void test_model(void **state)
{
    struct ranges s = { .r = NULL };
    bool model[UNIVERSE] = { false };

    (void)state;
    srand(1);
    for (int step = 0; step < 20000; step++) {
        unsigned first = (unsigned)rand() % UNIVERSE, last = first + (unsigned)rand() % 12;
        bool add = rand() & 1, any, all;

        if (last >= UNIVERSE)
            last = UNIVERSE - 1;
        assert_int_equal(add ? ranges_add(&s, first, last) : ranges_remove(&s, first, last), 0);
        for (unsigned i = first; i <= last; i++)
            model[i] = add;
        same(&s, model);
        first = (unsigned)rand() % UNIVERSE;
        last = first + (unsigned)rand() % 30;
        last = MIN(last, UNIVERSE - 1);
        all = all_of(model, first, last, &any);
        assert_int_equal(ranges_contain(&s, first, last), all);
        assert_int_equal(ranges_overlap(&s, first, last), any);
    }
    ranges_free(&s);
}

static void test_ends(void **state)
{
    struct ranges s = { .r = NULL };

    (void)state;
    assert_int_equal(ranges_add(&s, UINT64_MAX, UINT64_MAX), 0);
    assert_int_equal(ranges_add(&s, 0, 0), 0);
    assert_int_equal(s.n, 2);
    assert_int_equal(ranges_add(&s, 1, UINT64_MAX - 1), 0);
    assert_int_equal(s.n, 1);
    assert_true(ranges_contain(&s, 0, UINT64_MAX));
    assert_int_equal(ranges_remove(&s, 5, 5), 0);
    assert_false(ranges_contain(&s, 0, 5));
    assert_true(ranges_contain(&s, 6, UINT64_MAX));
    assert_int_equal(ranges_remove(&s, 0, UINT64_MAX), 0);
    assert_int_equal(s.n, 0);
    assert_false(ranges_overlap(&s, 0, UINT64_MAX));
    ranges_free(&s);
}

static void test_full(void **state)
{
    struct ranges s = { .r = NULL };
    uint64_t i = 0;

    (void)state;
    while (i < 2 * RANGES_MAX && !ranges_add(&s, i * 2, i * 2))
        i++;
    assert_int_equal(i, RANGES_MAX);
    assert_int_equal(s.n, RANGES_MAX);
    assert_int_equal(ranges_add(&s, 1000000, 1000000), -XEN_ENOMEM);
    assert_int_equal(s.n, RANGES_MAX);
    assert_true(ranges_contain(&s, 2 * RANGES_MAX - 2, 2 * RANGES_MAX - 2));
    ranges_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
