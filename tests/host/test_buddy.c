/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The allocator of frames: random use of two nodes against a naive model, each frame taken and given back, limits, the audit's eyes. */
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
                heap_alloc(rnd(NODES), rnd(orders), rnd(3) ? 0 : rnd(28), rnd(3) ? 64 : rnd(28));
            heap_check();
        }
        heap_end();
    }
}

/* Every single frame can be had, once; frame 0 never. */
static void test_empty_it(void **state)
{
    static uint64_t got[FRAMES];
    uint64_t n = 0;

    (void)state;
    heap_start();
    assert_int_equal(nr_free[0] + nr_free[1], 160 - 1 + 4100 - 256 + 4997 - 4101);
    for (unsigned node = 0; node < NODES; node++) {
        uint64_t first = n;

        for (mfn_t m; !mfn_eq(m = buddy_alloc(&heaps[node], 0, 0, 64), MFN_NONE); got[n++] = m.n) {
            assert_int_not_equal(m.n, 0);
            assert_int_equal(is[m.n], FREE);
            assert_int_equal(node_of(m.n), node);
            assert_true(n == first || width(m.n) <= width(got[n - 1])); /* low memory goes last */
            is[m.n] = TAKEN;
        }
        assert_int_equal(n - first, nr_free[node]);
        assert_int_equal(buddy_free_between(&heaps[node], 0, 64), 0);
        assert_int_equal(buddy_audit(&heaps[node]), 0);
        for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
            assert_true(mfn_eq(buddy_alloc(&heaps[node], order, 0, 64), MFN_NONE));
    }
    seed = 99;
    while (n) {
        uint64_t which = rnd((unsigned)n);
        struct buddy *heap = &heaps[node_of(got[which])];

        buddy_free(heap, MFN(got[which]), 0);
        is[got[which]] = FREE;
        got[which] = got[--n];
        if (n % 64 == 0)
            assert_int_equal(buddy_audit(heap), 0);
    }
    heap_end();
}

static void test_limits(void **state)
{
    (void)state;
    heap_start();
    for (unsigned i = 0; i <= 70 * 71; i++)
        for (unsigned order = 0; order <= 12; order++) {
            unsigned bits = i % 71, least = i / 71;
            mfn_t m = buddy_alloc(&heaps[1], order, least, bits);

            if (mfn_eq(m, MFN_NONE)) {
                assert_int_equal(model_best(1, order, width_of_bits(least), width_of_bits(bits)), 0);
                continue;
            }
            assert_true(bits >= 64 || (m.n + (1ul << order)) << PAGE_SHIFT <= 1ul << bits);
            assert_true(least == 0 || m.n << PAGE_SHIFT >= 1ul << (least - 1));
            buddy_free(&heaps[1], m, order);
            assert_int_equal(buddy_audit(&heaps[1]), 0);
        }
    assert_true(mfn_eq(buddy_alloc(&heaps[1], BUDDY_MAX_ORDER + 1, 0, 64), MFN_NONE));
    assert_true(mfn_eq(buddy_alloc(&heaps[1], ~0u, 0, 64), MFN_NONE));
    heap_end();
}

/* Chunks of the biggest order, and numbers near 2^32. */
static void test_big(void **state)
{
    const uint64_t first = (1ul << 32) - (3ul << 20), end = 1ul << 32;
    struct frame *block;
    struct buddy heap = { .tag = 0 };
    mfn_t m[3];

    (void)state;
    heap_start();
    free(frames);
    block = calloc(3ul << 20, sizeof(*frames));
    frames = (struct frame *)((uintptr_t)block - first * sizeof(*frames)); /* indexed by frame number */
    ram_ranges[0] = (struct frame_range){ first, end };
    nr_ram_ranges = 1;
    nr_frames = end;
    buddy_add(&heap, first, end);
    assert_int_equal(buddy_free_between(&heap, 0, 64), 3ul << 20);
    assert_int_equal(buddy_audit(&heap), 0);
    for (unsigned i = 0; i < 3; i++) {
        m[i] = buddy_alloc(&heap, BUDDY_MAX_ORDER, 0, 44);
        assert_false(mfn_eq(m[i], MFN_NONE));
        assert_int_equal(m[i].n % (1ul << 20), 0);
    }
    assert_true(mfn_eq(buddy_alloc(&heap, 0, 0, 64), MFN_NONE));
    for (unsigned i = 0; i < 3; i++)
        buddy_free(&heap, m[i], BUDDY_MAX_ORDER);
    assert_true(mfn_eq(buddy_alloc(&heap, 0, 0, 43), MFN_NONE)); /* all of it has 32 bits */
    m[0] = buddy_alloc(&heap, 0, 0, 64);
    assert_int_equal(buddy_audit(&heap), 0);
    buddy_free(&heap, m[0], 0);
    assert_int_equal(buddy_audit(&heap), 0);
    free(block);
    frames = NULL;
}

static void test_audit_sees(void **state)
{
    struct buddy *heap = &heaps[0];

    (void)state;
    heap_start();
    for (unsigned o = 0; o <= BUDDY_MAX_ORDER; o++)
        for (unsigned z = 0; z < BUDDY_ZONES; z++) {
            uint32_t m = heap->heads[z][o];
            uint64_t was;

            if (!m)
                continue;
            was = frames[m].ref;
            frames[m].ref ^= 1ul << REF_ORDER_SHIFT;
            assert_true(buddy_audit(heap) > 0);
            frames[m].ref = was ^ 1ul << REF_OWNER_SHIFT; /* the other node's */
            assert_true(buddy_audit(heap) > 0);
            frames[m].ref = REF_ALLOCATED | 1;
            assert_true(buddy_audit(heap) > 0);
            frames[m].ref = was;
            heap->heads[z][o] = 0;
            assert_true(buddy_audit(heap) > 0);
            heap->heads[z][o] = m;
            heap->zone_free[z]++;
            assert_true(buddy_audit(heap) > 0);
            heap->zone_free[z]--;
            assert_int_equal(buddy_audit(heap), 0);
        }
    heap_start(); /* two buddies that are not one chunk */
    heap_alloc(0, 3, 0, 64);
    memset(heap, 0, sizeof(*heap));
    heap->zone_free[width(held[0].first)] = 8;
    heap->heads[width(held[0].first)][2] = (uint32_t)held[0].first;
    for (unsigned i = 0; i < 8; i++)
        frames[held[0].first + i] = (struct frame){ 0 };
    frames[held[0].first].ref = frames[held[0].first + 4].ref = REF_FREE | 2ul << REF_ORDER_SHIFT;
    frames[held[0].first].ref |= held[0].first + 4;
    assert_true(buddy_audit(heap) > 0);
}

static uint64_t counted;

static void count(mfn_t m, unsigned order)
{
    assert_int_equal(is[m.n], FREE);
    assert_int_equal(node_of(m.n), 1);
    counted += 1ul << order;
}

/* Free frames by the width of their addresses, and piece by piece. */
static void test_counts(void **state)
{
    (void)state;
    heap_start();
    for (unsigned n = 0; n < 20; n++)
        heap_alloc(n / 4 % NODES, n % 4, 0, n % 2 ? 64 : 22);
    for (unsigned min = 10; min < 27; min++)
        for (unsigned max = min; max < 27; max++) {
            uint64_t n = 0;

            for (uint64_t m = 1; m < FRAMES; m++)
                n += is[m] == FREE && node_of(m) == 1 && width(m) + PAGE_SHIFT >= min && width(m) + PAGE_SHIFT <= max;
            assert_int_equal(buddy_free_between(&heaps[1], min, max), n);
        }
    assert_int_equal(buddy_free_between(&heaps[1], 20, 19), 0);
    counted = 0;
    buddy_each(&heaps[1], count);
    assert_int_equal(counted, nr_free[1]);
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
