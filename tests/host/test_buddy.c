/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The allocator of frames: random use against a naive model, each frame taken and given back, limits, the audit's eyes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "buddy_world.h"

static uint64_t seed;

static unsigned rnd(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 20) % below;
}

static void test_random(void **state)
{
    (void)state;
    seed = 0x9e3779b97f4a7c15;
    for (unsigned run = 0; run < 100; run++) {
        unsigned orders = 1 + rnd(11);

        heap_start();
        for (unsigned n = 0; n < 400; n++) {
            if (rnd(5) < 2)
                heap_free(rnd(HELD), rnd(2));
            else if (rnd(4) == 0)
                heap_take(rnd(FRAMES));
            else
                heap_alloc(rnd(orders), rnd(3) ? 64 : rnd(28));
            heap_check();
        }
        heap_end();
    }
}

/* Every single frame can be had, once; frame 0 never. */
static void test_empty_it(void **state)
{
    static uint64_t got[FRAMES];
    uint64_t n = 0, all;

    (void)state;
    heap_start();
    all = heap.free;
    assert_int_equal(all, 160 - 1 + 4100 - 256 + 4997 - 4101);
    for (;;) {
        mfn_t m = buddy_alloc(&heap, 0, 64);

        if (mfn_eq(m, MFN_NONE))
            break;
        assert_int_not_equal(m.n, 0);
        assert_int_equal(is[m.n], FREE);
        assert_true(n == 0 || width(m.n) <= width(got[n - 1])); /* low memory goes last */
        is[m.n] = TAKEN;
        got[n++] = m.n;
    }
    assert_int_equal(n, all);
    assert_int_equal(heap.free, 0);
    assert_int_equal(buddy_audit(&heap), 0);
    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
        assert_true(mfn_eq(buddy_alloc(&heap, order, 64), MFN_NONE));
    seed = 99;
    while (n) {
        uint64_t which = rnd((unsigned)n);

        buddy_free(&heap, MFN(got[which]), 0);
        is[got[which]] = FREE;
        got[which] = got[--n];
        if (n % 64 == 0)
            assert_int_equal(buddy_audit(&heap), 0);
    }
    nr_free = heap.free;
    assert_int_equal(nr_free, all);
    heap_end();
}

static void test_limits(void **state)
{
    (void)state;
    heap_start();
    for (unsigned bits = 0; bits <= 70; bits++)
        for (unsigned order = 0; order <= 12; order++) {
            mfn_t m = buddy_alloc(&heap, order, bits);

            if (mfn_eq(m, MFN_NONE)) {
                assert_int_equal(model_best(order, bits > 12 ? bits - 12 : 0), 0);
                continue;
            }
            assert_true(bits >= 64 || (m.n + (1ul << order)) << PAGE_SHIFT <= 1ul << bits);
            buddy_free(&heap, m, order);
            assert_int_equal(buddy_audit(&heap), 0);
        }
    assert_true(mfn_eq(buddy_alloc(&heap, BUDDY_MAX_ORDER + 1, 64), MFN_NONE));
    assert_true(mfn_eq(buddy_alloc(&heap, ~0u, 64), MFN_NONE));
    heap_end();
}

/* Chunks of the biggest order, and numbers near 2^32. */
static void test_big(void **state)
{
    const uint64_t first = (1ul << 32) - (3ul << 20), end = 1ul << 32;
    struct frame *block;
    mfn_t m[3];

    (void)state;
    heap_start();
    free(frames);
    block = calloc(3ul << 20, sizeof(*frames));
    frames = (struct frame *)((uintptr_t)block - first * sizeof(*frames)); /* indexed by frame number */
    memset(&heap, 0, sizeof(heap));
    ram_ranges[0] = (struct frame_range){ first, end };
    nr_ram_ranges = 1;
    nr_frames = end;
    buddy_add(&heap, first, end);
    assert_int_equal(heap.free, 3ul << 20);
    assert_int_equal(buddy_audit(&heap), 0);
    for (unsigned i = 0; i < 3; i++) {
        m[i] = buddy_alloc(&heap, BUDDY_MAX_ORDER, 44);
        assert_false(mfn_eq(m[i], MFN_NONE));
        assert_int_equal(m[i].n % (1ul << 20), 0);
    }
    assert_true(mfn_eq(buddy_alloc(&heap, 0, 64), MFN_NONE));
    for (unsigned i = 0; i < 3; i++)
        buddy_free(&heap, m[i], BUDDY_MAX_ORDER);
    assert_true(mfn_eq(buddy_alloc(&heap, 0, 43), MFN_NONE)); /* all of it has 32 bits */
    m[0] = buddy_alloc(&heap, 0, 64);
    assert_int_equal(buddy_audit(&heap), 0);
    buddy_free(&heap, m[0], 0);
    assert_int_equal(buddy_audit(&heap), 0);
    free(block);
    frames = NULL;
}

static void test_audit_sees(void **state)
{
    (void)state;
    heap_start();
    heap.free++;
    assert_true(buddy_audit(&heap) > 0);
    heap.free--;
    for (unsigned o = 0; o <= BUDDY_MAX_ORDER; o++)
        for (unsigned z = 0; z < BUDDY_ZONES; z++) {
            uint32_t m = heap.heads[z][o];
            uint64_t was;

            if (!m)
                continue;
            was = frames[m].ref;
            frames[m].ref ^= 1ul << REF_ORDER_SHIFT;
            assert_true(buddy_audit(&heap) > 0);
            frames[m].ref = REF_ALLOCATED | 1;
            assert_true(buddy_audit(&heap) > 0);
            frames[m].ref = was;
            heap.heads[z][o] = 0;
            assert_true(buddy_audit(&heap) > 0);
            heap.heads[z][o] = m;
            assert_int_equal(buddy_audit(&heap), 0);
        }
    heap_start(); /* two buddies that are not one chunk */
    heap_alloc(3, 64);
    memset(&heap, 0, sizeof(heap));
    heap.free = 8;
    heap.heads[width(held[0].first)][2] = (uint32_t)held[0].first;
    for (unsigned i = 0; i < 8; i++)
        frames[held[0].first + i] = (struct frame){ 0 };
    frames[held[0].first].ref = frames[held[0].first + 4].ref = REF_FREE | 2ul << REF_ORDER_SHIFT;
    frames[held[0].first].next = (uint32_t)held[0].first + 4;
    assert_true(buddy_audit(&heap) > 0);
}

static uint64_t counted;

static void count(mfn_t m, unsigned order)
{
    assert_int_equal(is[m.n], FREE);
    counted += 1ul << order;
}

/* Free frames by the width of their addresses, and piece by piece. */
static void test_counts(void **state)
{
    (void)state;
    heap_start();
    for (unsigned n = 0; n < 20; n++)
        heap_alloc(n % 4, n % 2 ? 64 : 22);
    for (unsigned min = 10; min < 27; min++)
        for (unsigned max = min; max < 27; max++) {
            uint64_t n = 0;

            for (uint64_t m = 1; m < FRAMES; m++)
                n += is[m] == FREE && width(m) + PAGE_SHIFT >= min && width(m) + PAGE_SHIFT <= max;
            assert_int_equal(buddy_free_between(&heap, min, max), n);
        }
    assert_int_equal(buddy_free_between(&heap, 20, 19), 0);
    counted = 0;
    buddy_each(&heap, count);
    assert_int_equal(counted, heap.free);
    heap_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random), cmocka_unit_test(test_empty_it), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_big), cmocka_unit_test(test_counts), cmocka_unit_test(test_audit_sees),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);

    free(frames);
    return rc;
}
