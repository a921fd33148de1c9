/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core/ranges.c against a row of bits.  The number line is cut into cells: single numbers at both ends and around its middle, and what
 * lies between, so that the input's bytes name any two cells.  After each step the set is what the bits say, in the fewest ranges;
 * after a failure what it was.
 */
/* fuzz-options: -max_len=400 -len_control=0 */
#include <stdlib.h>
#include <string.h>
#include "core/ranges.h"
#include "port_host.h"

#define NEAR  20u                /* numbers at each place */
#define CELLS (3 * NEAR + 2)
#define MIDDLE (1ull << 63)

static struct ranges set;
static bool model[CELLS];

static void must(bool ok)
{
    if (!ok)
        abort();
}

/* The first number of a cell; cell CELLS would begin at 2^64. */
static uint64_t cell_first(unsigned c)
{
    if (c <= NEAR)
        return c; /* NEAR: from there to the middle */
    if (c <= 2 * NEAR + 1)
        return MIDDLE + (c - NEAR - 1); /* 2 * NEAR + 1: from there to the end */
    return UINT64_MAX - NEAR + 1 + (c - 2 * NEAR - 2);
}

static uint64_t cell_last(unsigned c)
{
    return cell_first(c + 1) - 1; /* wraps to the last number of all */
}

static void check(void)
{
    unsigned n = 0;

    for (unsigned c = 0, first; c < CELLS; c++) {
        if (!model[c])
            continue;
        first = c;
        while (c + 1 < CELLS && model[c + 1])
            c++;
        must(n < set.n && set.r[n].first == cell_first(first) && set.r[n].last == cell_last(c));
        n++;
    }
    must(n == set.n && set.n <= set.room);
}

static void ask(unsigned from, unsigned to)
{
    bool all = true, any = false;

    for (unsigned c = from; c <= to; c++) {
        all &= model[c];
        any |= model[c];
    }
    must(ranges_contain(&set, cell_first(from), cell_last(to)) == all);
    must(ranges_overlap(&set, cell_first(from), cell_last(to)) == any);
}

static void change(bool add, unsigned from, unsigned to)
{
    uint64_t first = cell_first(from), last = cell_last(to);
    int rc = add ? ranges_add(&set, first, last) : ranges_remove(&set, first, last);

    must(rc == 0 || rc == -XEN_ENOMEM);
    if (rc == 0)
        memset(model + from, add, to - from + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    host_reset();
    memset(model, 0, sizeof(model));
    for (size_t i = 0; i + 2 < size; i += 3) {
        unsigned a = data[i] % CELLS, b = data[i + 1] % CELLS;

        host_mem_fail_at(data[i + 2] >> 6 == 3); /* the next one, if any comes */
        if (data[i + 2] & 2)
            b = MIN(a + (b & 3), CELLS - 1); /* a small piece */
        change(data[i + 2] & 1, MIN(a, b), MAX(a, b));
        check();
        a = data[i + 2] % CELLS;
        ask(MIN(a, b), MAX(a, b));
    }
    ranges_free(&set);
    must(host_mem_live() == 0);
    return 0;
}
