/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/trace.c: rings against the model of trace_world.h, the end of a ring, full rings, tools that write rubbish; masks; t_info. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#undef assert
#include "trace_world.h"

static const uint32_t some[TRACE_EXTRA_MAX] = { 0x11111111, 0x22222222, 3, 4, 5, 6, 0x77777777 };

static void test_first_record(void **state)
{
    struct world_record r;
    uint32_t cons = 0;

    (void)state;
    world_begin(1);
    world_put(TRC_SCHED_SWITCH, 4, some);
    assert_int_equal(buf->prod, 28);
    assert_int_equal(pages[0][2], 0x80000000u | 4u << 28 | TRC_SCHED_SWITCH);
    assert_true(tool_read(&cons, &r));
    assert_int_equal(r.event, TRC_SCHED_SWITCH);
    assert_int_equal(r.tsc, 2);
    assert_memory_equal(r.word, some, 16);
    world_end();
}

/* Every length that can be left before the ring's end, with each length of the next record. */
static void test_wrap(void **state)
{
    (void)state;
    for (uint32_t back = 1; back <= 12; back++)
        for (uint32_t words = 0; words <= TRACE_EXTRA_MAX; words++) {
            world_begin(2);
            for (uint32_t left = ring.size / 4 - back; left;) {
                uint32_t n = left >= 20 ? 10 : left > 10 ? left / 2 : left;

                world_put(TRC_MEM, n - 3, some);
                left -= n;
                tool_take(~0u);
            }
            assert_int_equal(buf->prod, ring.size - 4 * back);
            world_put(TRC_PV, words, some);
            assert_int_equal(buf->prod, back < 3 + words ? ring.size + 12 + 4 * words : ring.size - 4 * back + 12 + 4 * words);
            tool_take(~0u);
            world_end();
        }
}

/* Full: the rest is lost and counted, and told of before the next that has room. */
static void test_full(void **state)
{
    struct world_record r;
    uint32_t cons, n = 0;

    (void)state;
    world_begin(1);
    while (!lost) {
        world_put(TRC_GEN + 5, 1, some);
        n++;
    }
    assert_int_equal(n - 1, (PAGE_SIZE - 8) / 16);
    world_put(TRC_GEN + 6, 2, some);
    assert_int_equal(lost, 2);
    tool_take(1);
    world_put(TRC_GEN + 7, 0, some); /* with the word of the loss it has no room */
    assert_int_equal(lost, 3);
    tool_take(~0u);
    cons = buf->cons;
    world_put(TRC_GEN + 8, 0, some);
    while (!tool_read(&cons, &r))
        ;
    assert_int_equal(r.event, TRC_LOST_RECORDS);
    assert_int_equal(r.word[0], 3);
    assert_int_equal(r.word[1], (TRC_GEN + 8) % 5 | (TRC_GEN + 8) % 3 << 16);
    tool_take(~0u);
    world_end();
}

static void test_half(void **state)
{
    struct trace_record r = { .event = TRC_GEN, .words = 5, .word = some };
    unsigned told = 0, when = 0;

    (void)state;
    world_begin(1);
    for (unsigned i = 0; i < 200; i++)
        if (trace_ring_put(&ring, &r)) {
            told++;
            when = i;
        }
    assert_int_equal(told, 1);
    assert_int_equal(when, (ring.size / 2 - 1) / 32);
    buf->cons = buf->prod;
    while (!trace_ring_put(&ring, &r))
        assert_true((buf->prod + 2 * ring.size - buf->cons) % (2 * ring.size) < ring.size / 2);
    assert_true((buf->prod + 2 * ring.size - buf->cons) % (2 * ring.size) >= ring.size / 2);
    world_end();
}

static void test_rubbish(void **state)
{
    static const uint32_t bad[] = { 1, 2, 3, 6, 0x1fff, ~0u, ~3u, 0x80000000u };
    struct trace_record r = { .event = TRC_GEN, .words = 7, .word = some };

    (void)state;
    world_begin(2);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        uint32_t prod = buf->prod;

        buf->cons = bad[i];
        world_put(TRC_GEN, 7, some);
        assert_int_equal(buf->prod, prod);
    }
    buf->cons = 2 * ring.size; /* the first that is too big */
    assert_false(trace_ring_put(&ring, &r));
    assert_int_equal(buf->prod, 0);
    lost++;
    buf->cons = 0;
    buf->prod = 0x12345678; /* what the tool writes there is not looked at */
    world_put(TRC_GEN, 7, some);
    tool_take(~0u);
    world_end();
}

static void test_model(void **state)
{
    (void)state;
    srand(1);
    for (uint32_t n = 1; n <= WORLD_PAGES; n++) {
        world_begin(n);
        for (int step = 0; step < 200000; step++) {
            unsigned what = (unsigned)rand() % 64;

            if (what == 0)
                tool_take((unsigned)rand() % 600);
            else if (what == 1 && rand() % 8 == 0)
                tool_discard();
            else
                world_put((uint32_t)rand(), (uint32_t)rand() % (TRACE_EXTRA_MAX + 1), some);
        }
        tool_take(~0u);
        world_end();
    }
}

static void test_masks(void **state)
{
    (void)state;
    assert_true(trace_event_matches(~0u, TRC_SCHED_WAKE));
    assert_true(trace_event_matches(TRC_ALL, TRC_PV_TRAP | TRC_64_FLAG));
    assert_true(trace_event_matches(TRC_SCHED, TRC_SCHED_RUNSTATE_CHANGE));
    assert_true(trace_event_matches(TRC_SCHED_MIN, TRC_SCHED_RUNSTATE_CHANGE));
    assert_false(trace_event_matches(TRC_SCHED_MIN, TRC_SCHED_WAKE));
    assert_false(trace_event_matches(TRC_SCHED, TRC_PV_TRAP));
    assert_true(trace_event_matches(TRC_SCHED | TRC_PV_SUBCALL, TRC_PV_HYPERCALL_SUBCALL));
    assert_true(trace_event_matches(TRC_MEM, TRC_MEM_PAGE_GRANT_MAP));
    assert_false(trace_event_matches(0, TRC_GEN));
    assert_false(trace_event_matches(0xf000, TRC_GEN));
}

static void test_info(void **state)
{
    static const uint32_t cpus[] = { 1, 2, 3, 64, 1024 };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cpus); i++) {
        uint32_t n = cpus[i], most = trace_pages_max(n), size = trace_info_size(n, most);
        struct t_info *info = calloc(1, size);

        assert_true(most >= 63 && most <= 0xffff);
        trace_info_init(info, n, most);
        assert_int_equal(info->tbuf_size, most);
        for (uint32_t cpu = 0; cpu < n; cpu++) {
            assert_true(info->mfn_offset[cpu] * 4 >= 2 + 2 * n);
            assert_true((info->mfn_offset[cpu] + most) * 4 <= size);
            for (uint32_t page = 0; page < most; page++)
                trace_info_set(info, cpu, page, MFN(cpu << 16 | page));
        }
        for (uint32_t cpu = 0; cpu < n; cpu++)
            for (uint32_t page = 0; page < most; page++)
                assert_int_equal(((uint32_t *)(void *)info)[info->mfn_offset[cpu] + page], cpu << 16 | page);
        assert_int_equal(info->tbuf_size, most);
        free(info);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_record),
        cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_half),
        cmocka_unit_test(test_rubbish),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_info),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
