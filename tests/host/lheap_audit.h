/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The invariants H1-H3 of core/lheap.c. */
#pragma once

#include "core/lheap.h"

static inline uint32_t lheap_dist(const struct lheap_node *n)
{
    return n ? n->dist : 0;
}

/* Check order, links, distances and count; NULL or what is wrong.  O(n). */
static inline const char *lheap_audit(const struct lheap *h)
{
    unsigned seen = 0;

    if (h->top && h->top->up)
        return "H3: the top has a parent";
    for (const struct lheap_node *n = h->top; n; n = lheap_walk(n, false)) {
        if (seen++ > h->count)
            return "H3: more nodes than the count";
        if ((n->left && n->left->up != n) || (n->right && n->right->up != n))
            return "H3: a child does not know its parent";
        if (n->up && lheap_before(n->key, n->up->key))
            return "H1: a child is before its parent";
        if (lheap_dist(n->left) < lheap_dist(n->right) || n->dist != lheap_dist(n->right) + 1)
            return "H2: distances";
    }
    return seen == h->count ? NULL : "H3: count";
}
