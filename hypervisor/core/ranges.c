/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of numbers as a sorted array of ranges.
 * Invariant: r[0..n-1] ascend, don't overlap, and don't touch (neighbours are merged).
 * The caller has the lock.
 */
#include "core/ranges.h"
#include "core/port.h"
#include "core/string.h"

void ranges_free(struct ranges *s)
{
    mem_free(s->r);
    *s = (struct ranges){ .r = NULL };
}

/* The first range that ends at or behind x. */
static unsigned range_find(const struct ranges *s, uint64_t x)
{
    unsigned lo = 0, hi = s->n;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;

        if (s->r[mid].last < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Make room for one more range. */
static int room_make(struct ranges *s)
{
    unsigned room = s->room ? s->room * 2 : 8;
    struct range *r;

    if (s->n < s->room)
        return 0;
    if (s->n >= RANGES_MAX)
        return -XEN_ENOMEM;
    r = mem_alloc(room * sizeof(*r));
    if (!r)
        return -XEN_ENOMEM;
    if (s->n)
        memcpy(r, s->r, s->n * sizeof(*r));
    mem_free(s->r);
    s->r = r;
    s->room = room;
    return 0;
}

/* Replace the ranges from..to-1 by the `count` in `with` (at most one more than they were; there is room). */
static void splice(struct ranges *s, unsigned from, unsigned to, const struct range *with, unsigned count)
{
    memmove(s->r + from + count, s->r + to, (s->n - to) * sizeof(*s->r));
    memcpy(s->r + from, with, count * sizeof(*with));
    s->n = s->n - (to - from) + count;
}

int ranges_add(struct ranges *s, uint64_t first, uint64_t last)
{
    struct range all = { first, last };
    unsigned from = range_find(s, first ? first - 1 : 0), to = from;
    int rc = room_make(s);

    if (rc)
        return rc;
    while (to < s->n && (last == UINT64_MAX || s->r[to].first <= last + 1))
        to++;
    if (to > from) {
        all.first = MIN(first, s->r[from].first);
        all.last = MAX(last, s->r[to - 1].last);
    }
    splice(s, from, to, &all, 1);
    return 0;
}

int ranges_remove(struct ranges *s, uint64_t first, uint64_t last)
{
    struct range rest[2];
    unsigned from = range_find(s, first), to = from, count = 0;
    int rc = room_make(s);

    if (rc)
        return rc;
    while (to < s->n && s->r[to].first <= last)
        to++;
    if (to == from)
        return 0;
    if (s->r[from].first < first)
        rest[count++] = (struct range){ s->r[from].first, first - 1 };
    if (s->r[to - 1].last > last)
        rest[count++] = (struct range){ last + 1, s->r[to - 1].last };
    splice(s, from, to, rest, count);
    return 0;
}

bool ranges_contain(const struct ranges *s, uint64_t first, uint64_t last)
{
    unsigned i = range_find(s, first);

    return i < s->n && s->r[i].first <= first && s->r[i].last >= last;
}

bool ranges_overlap(const struct ranges *s, uint64_t first, uint64_t last)
{
    unsigned i = range_find(s, first);

    return i < s->n && s->r[i].first <= last;
}
