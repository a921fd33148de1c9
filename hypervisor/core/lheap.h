/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An intrusive priority queue: a leftist heap.  No memory of its own; insert, remove of any
 * node and take-the-first are O(log n) in the worst case, not only on average.
 *
 * Keys are compared by their signed difference, so they may wrap around: all keys in one heap
 * must lie within 2^63 of each other.  The caller serialises.
 */
#pragma once

#include "core/types.h"

struct lheap_node {
    struct lheap_node *left, *right, *up;
    uint64_t key;
    uint32_t dist; /* length of the right spine from here; 0: in no heap */
};

struct lheap {
    struct lheap_node *top; /* the smallest key, or NULL */
    unsigned count;
};

/* Is key a before key b? */
static inline bool lheap_before(uint64_t a, uint64_t b)
{
    return (int64_t)(a - b) < 0;
}

static inline bool lheap_in(const struct lheap_node *n)
{
    return n->dist != 0;
}

/* n must be in no heap; equal keys leave in no particular order. */
void lheap_insert(struct lheap *h, struct lheap_node *n, uint64_t key);
/* n must be in h. */
void lheap_remove(struct lheap *h, struct lheap_node *n);

/* The node after n in an order that visits parents before children (NULL: that was the last);
 * start with h->top.  With skip, n's children are left out. */
struct lheap_node *lheap_walk(const struct lheap_node *n, bool skip);
