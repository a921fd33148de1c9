/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/slab.c: no object is given twice, none lies over another, and a page goes back with its last one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "port_host.h"
#include "core/slab.h"

#define PAGES 64
#define HELD  2000

struct frame *frames;
uint64_t nr_frames;
struct frame_range ram_ranges[RAM_RANGES_MAX];
unsigned nr_ram_ranges;

static char *memory;           /* page n is at memory + n pages */
static bool with_slab[PAGES];
static struct { unsigned char *p, tag; } held[HELD];
static unsigned nr_held, pages_out;
static uint64_t seed = 0x9e3779b97f4a7c15;

static unsigned rnd(unsigned below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 20) % below;
}

static mfn_t page_new(void)
{
    for (unsigned n = 1; n < PAGES; n++)
        if (!with_slab[n]) {
            with_slab[n] = true;
            pages_out++;
            return MFN(n);
        }
    return MFN_NONE;
}

static void take(struct slab *s)
{
    unsigned char *p = slab_take(s);
    mfn_t page;

    if (!p) {
        page = page_new();
        if (mfn_eq(page, MFN_NONE))
            return;
        p = slab_take_from(s, page);
    }
    assert_non_null(p);
    assert_true(with_slab[((char *)p - memory) / PAGE_SIZE]);
    assert_int_equal((uint64_t)p & ((1ul << s->shift) - 1), 0);
    held[nr_held].p = p;
    held[nr_held].tag = (unsigned char)rnd(256);
    memset(p, held[nr_held++].tag, 1ul << s->shift);
}

static void give(struct slab *s)
{
    unsigned i = rnd(nr_held);
    unsigned char *p = held[i].p;
    uint64_t n = (uint64_t)((char *)p - memory) / PAGE_SIZE;
    bool last = true;

    for (size_t k = 0; k < 1ul << s->shift; k++)
        assert_int_equal(p[k], held[i].tag); /* nobody else wrote there */
    held[i] = held[--nr_held];
    for (unsigned k = 0; k < nr_held; k++)
        last &= (uint64_t)((char *)held[k].p - memory) / PAGE_SIZE != n;
    assert_int_equal(slab_shift(MFN(n)), s->shift);
    assert_int_equal(slab_give(s, MFN(n), p), last);
    if (last) {
        with_slab[n] = false;
        pages_out--;
    }
}

static void test_slab(void **state)
{
    (void)state;
    for (unsigned shift = 4; shift <= 11; shift++) {
        struct slab s = { .memory = memory, .shift = shift };

        for (unsigned n = 0; n < 20000; n++)
            if (nr_held < HELD && rnd(100) < (n / 2000 % 2 ? 40u : 60u))
                take(&s);
            else if (nr_held)
                give(&s);
        while (nr_held)
            give(&s);
        assert_int_equal(pages_out, 0);
        assert_int_equal(s.partial, 0);
    }
}

/* A page full of objects, and no more. */
static void test_full_page(void **state)
{
    struct slab s = { .memory = memory, .shift = 11 };
    void *a, *b;

    (void)state;
    a = slab_take_from(&s, MFN(3));
    b = slab_take(&s);
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    assert_null(slab_take(&s));
    assert_false(slab_give(&s, MFN(3), a));
    assert_ptr_equal(slab_take(&s), a);
    assert_false(slab_give(&s, MFN(3), b));
    assert_true(slab_give(&s, MFN(3), a));
}

static int start(void **state)
{
    (void)state;
    host_reset();
    frames = calloc(PAGES, sizeof(*frames));
    nr_frames = PAGES;
    memory = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    return !frames || !memory;
}

static int stop(void **state)
{
    (void)state;
    free(frames);
    free(memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_slab), cmocka_unit_test(test_full_page) };

    return cmocka_run_group_tests_name("test_slab", tests, start, stop);
}
