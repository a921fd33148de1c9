/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leftist heap.  Invariants, checked by tests/host/lheap_audit.h:
 *   H1  a node's key is not before its parent's;
 *   H2  dist(left) >= dist(right), and dist = dist(right) + 1 (an absent child has 0): the right spine of a
 *       heap of n nodes has at most log2(n + 1) nodes, and merging walks right spines only;
 *   H3  a child's up is its parent, the top's is NULL; count nodes hang below top.
 */
#include "core/lheap.h"
#include "core/port.h"

static uint32_t dist(const struct lheap_node *n)
{
    return n ? n->dist : 0;
}

/* Restore H2 at n, whose children are right.  True if n's own distance changed. */
static bool settle(struct lheap_node *n)
{
    uint32_t old = n->dist;

    if (dist(n->left) < dist(n->right)) {
        struct lheap_node *l = n->left;

        n->left = n->right;
        n->right = l;
    }
    n->dist = dist(n->right) + 1;
    return n->dist != old;
}

/* Depth of recursion: both right spines, so at most 2 log2(n + 1). */
static struct lheap_node *merge(struct lheap_node *a, struct lheap_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (lheap_before(b->key, a->key)) {
        struct lheap_node *t = a;

        a = b;
        b = t;
    }
    a->right = merge(a->right, b);
    a->right->up = a;
    settle(a);
    return a;
}

void lheap_insert(struct lheap *h, struct lheap_node *n, uint64_t key)
{
    assert(!lheap_in(n));
    *n = (struct lheap_node){ .key = key, .dist = 1 };
    h->top = merge(h->top, n);
    h->top->up = NULL;
    h->count++;
}

void lheap_remove(struct lheap *h, struct lheap_node *n)
{
    struct lheap_node *up = n->up, *rest;

    assert(lheap_in(n));
    rest = merge(n->left, n->right);
    if (rest)
        rest->up = up;
    if (!up)
        h->top = rest;
    else if (up->left == n)
        up->left = rest;
    else
        up->right = rest;
    while (up && settle(up))
        up = up->up;
    h->count--;
    n->dist = 0;
}

struct lheap_node *lheap_walk(const struct lheap_node *n, bool skip)
{
    if (!skip && n->left)
        return n->left; /* H2: without a left child there is no right one */
    for (; n->up; n = n->up)
        if (n->up->left == n && n->up->right)
            return n->up->right;
    return NULL;
}
