/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core/slab.c: objects of two sizes taken and given back as the input's bytes say.  After each step L1, and L2 of the pages that it
 * touched, are recomputed from what is held: which pages are listed, how many objects of each are used, and that its free ones are
 * just the others.
 */
/* fuzz-options: -max_len=300 -len_control=0 -runs=12000 */
#include <stdlib.h>
#include <string.h>
#include "core/slab.h"

#define PAGES 9 /* frame 0 is none of ours */
#define SLABS 2
#define HELD  400

struct frame *frames;
uint64_t nr_frames;
struct frame_range ram_ranges[RAM_RANGES_MAX];
unsigned nr_ram_ranges;

static char *memory;
static struct slab slabs[SLABS];
static struct slab *owner[PAGES]; /* whose page it is; NULL: free */
static bool touched[PAGES];
static struct { unsigned char *p; unsigned char tag; } held[HELD];
static unsigned nr_held;

static void must(bool ok)
{
    if (!ok)
        abort();
}

static unsigned page_of(const void *p)
{
    return (unsigned)((size_t)((const char *)p - memory) / PAGE_SIZE);
}

static size_t size_of(const struct slab *s)
{
    return 1ul << s->shift;
}

static void take(struct slab *s, unsigned char tag)
{
    unsigned char *p;

    if (nr_held == HELD)
        return;
    p = slab_take(s);
    for (unsigned n = 1; !p && n < PAGES; n++)
        if (!owner[n]) {
            owner[n] = s;
            p = slab_take_from(s, MFN(n));
        }
    if (!p)
        return;
    must(owner[page_of(p)] == s);
    touched[page_of(p)] = true;
    memset(p, tag, size_of(s));
    held[nr_held].p = p;
    held[nr_held++].tag = tag;
}

static void give(unsigned which)
{
    unsigned char *p = held[which].p;
    unsigned n = page_of(p);
    struct slab *s = owner[n];
    unsigned char want[2048];
    bool last = true;

    memset(want, held[which].tag, sizeof(want));
    must(!memcmp(p, want, size_of(s))); /* nobody else wrote there */
    touched[n] = true;
    held[which] = held[--nr_held];
    for (unsigned i = 0; i < nr_held; i++)
        last &= page_of(held[i].p) != n;
    must(slab_give(s, MFN(n), p) == last);
    if (last)
        owner[n] = NULL;
}

static void check_page(unsigned n)
{
    const struct slab *s = owner[n];
    unsigned count = (unsigned)(PAGE_SIZE / size_of(s)), used = 0, index, left;
    bool taken[PAGE_SIZE / 16] = { false };

    for (unsigned i = 0; i < nr_held; i++)
        if (page_of(held[i].p) == n) {
            index = (unsigned)(((size_t)((char *)held[i].p - memory) % PAGE_SIZE) >> s->shift);
            must(!taken[index]);
            taken[index] = true;
            used++;
        }
    must(used > 0 && slab_used(MFN(n)) == used && slab_shift(MFN(n)) == s->shift && !ref_used(frames[n].ref));
    index = slab_first(MFN(n));
    for (left = count - used; left && index != SLAB_END; left--) {
        must(index < count && !taken[index]);
        taken[index] = true;
        memcpy(&index, memory + n * PAGE_SIZE + index * size_of(s), 2);
        index &= 0xffff;
    }
    must(!left && index == SLAB_END);
}

/* The slab's list has each of its pages with a free object, once, and no other. */
static void check_list(const struct slab *s)
{
    bool listed[PAGES] = { false };

    for (uint32_t at = s->partial, before = 0; at; before = at, at = frame_next(at)) {
        must(at < PAGES && !listed[at] && frame_prev(at) == before && owner[at] == s);
        listed[at] = true;
    }
    for (unsigned n = 1; n < PAGES; n++)
        must(owner[n] != s || listed[n] == (slab_used(MFN(n)) < PAGE_SIZE / size_of(s)));
}

static void check(void)
{
    for (unsigned n = 1; n < PAGES; n++) {
        if (touched[n] && owner[n])
            check_page(n);
        touched[n] = false;
    }
    for (unsigned i = 0; i < SLABS; i++)
        check_list(&slabs[i]);
}

static void begin(unsigned shifts)
{
    if (!frames)
        frames = calloc(PAGES, sizeof(*frames));
    if (!memory)
        memory = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    must(frames && memory);
    memset(frames, 0xa5, PAGES * sizeof(*frames)); /* nothing is told of a page before it comes */
    memset(owner, 0, sizeof(owner));
    memset(touched, 0, sizeof(touched));
    nr_held = 0;
    for (unsigned i = 0; i < SLABS; i++, shifts /= 8)
        slabs[i] = (struct slab){ .memory = memory, .shift = 4 + shifts % 8 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin(size ? data[0] : 0);
    for (size_t i = 1; i < size; i++) {
        struct slab *s = &slabs[data[i] & 1];

        if (data[i] & 2 && nr_held)
            give((data[i] >> 2) * 7u % nr_held);
        else
            for (unsigned n = data[i] >> 5; n < 8; n++) /* 1 to 8 */
                take(s, data[i]);
        check();
    }
    while (nr_held)
        give(nr_held - 1);
    check();
    must(!slabs[0].partial && !slabs[1].partial);
    return 0;
}
