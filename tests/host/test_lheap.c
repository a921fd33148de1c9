/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/lheap.c against a plain array. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include "lheap_audit.h"

#define N 2000

static struct lheap_node nodes[N];
static struct lheap heap;

static uint64_t least(uint64_t base)
{
    uint64_t best = UINT64_MAX;

    for (unsigned i = 0; i < N; i++)
        if (lheap_in(&nodes[i]) && nodes[i].key - base < best)
            best = nodes[i].key - base;
    return best;
}

/* Random inserts and removals; keys lie in a window that starts at base (and may wrap around). */
static void churn(uint64_t base, uint64_t window, unsigned steps)
{
    unsigned in = 0;

    heap = (struct lheap){ 0 };
    for (unsigned i = 0; i < N; i++)
        nodes[i] = (struct lheap_node){ 0 };
    srandom(7);
    for (unsigned i = 0; i < steps; i++) {
        struct lheap_node *n = &nodes[(unsigned long)random() % (i % 1000 < 500 ? N : N / 20)];

        if (lheap_in(n)) {
            lheap_remove(&heap, n);
            in--;
        } else {
            lheap_insert(&heap, n, base + (uint64_t)random() % window);
            in++;
        }
        assert_int_equal(heap.count, in);
        if (i % 16 == 0)
            assert_null(lheap_audit(&heap));
        if (in)
            assert_int_equal(heap.top->key - base, least(base));
    }
    for (uint64_t last = 0; heap.top; lheap_remove(&heap, heap.top)) {
        assert_true(heap.top->key - base >= last);
        last = heap.top->key - base;
    }
    assert_int_equal(heap.count, 0);
}

static void test_model(void **state)
{
    (void)state;
    churn(0, 1000000, 20000);
    churn(0, 3, 20000);
}

static void test_wrap(void **state)
{
    (void)state;
    churn(UINT64_MAX - 500, 1000, 20000);
    churn(INT64_MAX - 500, 1000, 20000);
}

/* The right spine, and so the depth of every merge, stays logarithmic whatever the order of insertion. */
static void test_depth(void **state)
{
    (void)state;
    for (int order = -1; order <= 1; order++) {
        unsigned spine = 0;

        heap = (struct lheap){ 0 };
        for (unsigned i = 0; i < N; i++) {
            nodes[i] = (struct lheap_node){ 0 };
            lheap_insert(&heap, &nodes[i], 1000000 + (uint64_t)(order * (int)i));
        }
        for (struct lheap_node *n = heap.top; n; n = n->right)
            spine++;
        assert_true(spine <= 11);
        assert_null(lheap_audit(&heap));
    }
}

/* The walk sees each node once, and none below a node that is skipped. */
static void test_walk(void **state)
{
    unsigned seen = 0, cut = 0;

    (void)state;
    heap = (struct lheap){ 0 };
    for (unsigned i = 0; i < N; i++) {
        nodes[i] = (struct lheap_node){ 0 };
        lheap_insert(&heap, &nodes[i], i * 7919 % N);
    }
    for (struct lheap_node *n = heap.top; n; n = lheap_walk(n, false))
        seen++;
    for (struct lheap_node *n = heap.top; n; n = lheap_walk(n, n->key >= 100)) {
        assert_true(!n->up || n->up->key < 100);
        cut++;
    }
    assert_int_equal(seen, N);
    assert_true(cut >= 100 && cut <= 201);
}

/* The audit is worth nothing if it cannot fail. */
static void test_audit_sees(void **state)
{
    (void)state;
    churn(0, 1000, 1000);
    for (unsigned i = 0; i < 10; i++)
        lheap_insert(&heap, &nodes[i], i);
    assert_null(lheap_audit(&heap));
    heap.top->key = 100;
    assert_non_null(lheap_audit(&heap));
    heap.top->key = 0;
    heap.top->dist++;
    assert_non_null(lheap_audit(&heap));
    heap.top->dist--;
    heap.count++;
    assert_non_null(lheap_audit(&heap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),      cmocka_unit_test(test_wrap), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_walk),       cmocka_unit_test(test_audit_sees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
