/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two nodes' heaps with holes, and within each other, for core/buddy.c, and a naive model of them: one byte a frame. */
#ifndef BUDDY_WORLD_H
#define BUDDY_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sanitizer/asan_interface.h>
#include "port_host.h"
#include "core/buddy.h"

#define FRAMES 5000
#define HELD   400
#define NODES  2

#define MUST(cond) \
    ((cond) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort()))

struct frame *frames;
uint64_t nr_frames;
struct frame_range ram_ranges[RAM_RANGES_MAX];
unsigned nr_ram_ranges;

static const struct frame_range layout[] = { { 256, 4100 }, { 0, 160 }, { 4101, 4997 } };

static struct buddy heaps[NODES];
static enum { HOLE, FREE, TAKEN } is[FRAMES];
static uint64_t nr_free[NODES];
static uint64_t left[FRAMES], stamp; /* what a frame's use left in its type word is there when it is taken again */
static struct { uint64_t first; unsigned order; } held[HELD];
static unsigned nr_held;

/* Borders at an even and at an odd place, where buddies meet. */
static unsigned node_of(uint64_t mfn)
{
    return mfn >= 1024 && mfn != 3000 && mfn < 4400;
}

static unsigned width(uint64_t mfn)
{
    unsigned w = 0;

    for (; mfn; mfn >>= 1)
        w++;
    return w;
}

static void heap_start(void)
{
    host_reset();
    free(frames);
    frames = calloc(FRAMES, sizeof(*frames));
    memset(heaps, 0, sizeof(heaps));
    memset(left, 0, sizeof(left));
    stamp = 0;
    for (unsigned node = 0; node < NODES; node++)
        heaps[node].tag = (uint16_t)(OWNER_NONE - node);
    memset(nr_free, 0, sizeof(nr_free));
    memset(is, 0, sizeof(is));
    nr_frames = FRAMES;
    nr_ram_ranges = ARRAY_SIZE(layout);
    nr_held = 0;
    for (unsigned r = 0; r < nr_ram_ranges; r++)
        ram_ranges[r] = layout[r];
    for (uint64_t m = 0; m < FRAMES; m++)
        if (!frame_is_ram(MFN(m)))
            ASAN_POISON_MEMORY_REGION(&frames[m], sizeof(frames[m]));
    for (unsigned r = 0; r < nr_ram_ranges; r++)
        for (uint64_t m = layout[r].first, first = m; m < layout[r].end; m++) {
            if (m + 1 == layout[r].end || node_of(m + 1) != node_of(m)) {
                buddy_add(&heaps[node_of(m)], first, m + 1);
                first = m + 1;
            }
            is[m] = m ? FREE : HOLE;
            nr_free[node_of(m)] += m > 0;
        }
}

/* The widest frame number, of least to limit, at which 2^order free frames of the node begin; 0: nowhere. */
static unsigned model_best(unsigned node, unsigned order, unsigned least, unsigned limit)
{
    unsigned best = 0;

    if (order > BUDDY_MAX_ORDER)
        return 0;
    for (uint64_t m = 1ul << order; m + (1ul << order) <= FRAMES; m += 1ul << order) {
        uint64_t n = 0;

        while (n < 1ul << order && is[m + n] == FREE && node_of(m + n) == node)
            n++;
        if (n == 1ul << order && width(m) >= least && width(m) <= limit)
            best = width(m);
    }
    return best;
}

static unsigned width_of_bits(unsigned bits)
{
    return bits > PAGE_SHIFT ? bits - PAGE_SHIFT : 0;
}

static void heap_alloc(unsigned node, unsigned order, unsigned min_bits, unsigned max_bits)
{
    unsigned limit = width_of_bits(max_bits), best = model_best(node, order, width_of_bits(min_bits), limit);
    mfn_t m;

    if (nr_held == HELD)
        return;
    m = buddy_alloc(&heaps[node], order, min_bits, max_bits);
    if (!best) {
        MUST(mfn_eq(m, MFN_NONE));
        return;
    }
    MUST(!mfn_eq(m, MFN_NONE) && m.n % (1ul << order) == 0 && width(m.n) == best);
    for (uint64_t n = 0; n < 1ul << order; n++) {
        MUST(is[m.n + n] == FREE && width(m.n + n) <= limit && node_of(m.n + n) == node);
        is[m.n + n] = TAKEN;
        MUST(frames[m.n + n].ref == 0 && frames[m.n + n].type == left[m.n + n]);
        frames[m.n + n].ref = 1ul << 48 | REF_ALLOCATED | 1; /* somebody uses it */
    }
    nr_free[node] -= 1ul << order;
    held[nr_held].first = m.n;
    held[nr_held++].order = order;
}

/* This very frame, if it is free. */
static void heap_take(uint64_t mfn)
{
    bool was = mfn < FRAMES && is[mfn] == FREE;

    if (nr_held == HELD)
        return;
    MUST(!buddy_take(&heaps[!node_of(mfn)], MFN(mfn)));
    MUST(buddy_take(&heaps[node_of(mfn)], MFN(mfn)) == was);
    if (!was)
        return;
    MUST(frames[mfn].ref == 0 && frames[mfn].type == left[mfn]);
    is[mfn] = TAKEN;
    frames[mfn].ref = 1ul << 48 | REF_ALLOCATED | 1;
    nr_free[node_of(mfn)]--;
    held[nr_held].first = mfn;
    held[nr_held++].order = 0;
}

/* In one piece, or (half) in two. */
static void heap_free(unsigned which, bool in_halves)
{
    uint64_t first;
    unsigned order;
    struct buddy *heap;

    if (!nr_held)
        return;
    which %= nr_held;
    first = held[which].first;
    order = held[which].order;
    heap = &heaps[node_of(first)];
    held[which] = held[--nr_held];
    for (uint64_t n = 0; n < 1ul << order; n++) {
        is[first + n] = FREE;
        frames[first + n].ref = 0;
        frames[first + n].type = left[first + n] = (uint64_t)FT_WRITABLE << TYPE_SHIFT | ++stamp << TYPE_AUX_SHIFT;
    }
    nr_free[node_of(first)] += 1ul << order;
    if (in_halves && order) {
        buddy_free(heap, MFN(first + (1ul << (order - 1))), order - 1);
        buddy_free(heap, MFN(first), order - 1);
    } else {
        buddy_free(heap, MFN(first), order);
    }
}

static void heap_check(void)
{
    for (unsigned node = 0; node < NODES; node++) {
        MUST(buddy_free_between(&heaps[node], 0, 64) == nr_free[node]);
        MUST(buddy_audit(&heaps[node]) == 0);
    }
}

/* All given back: as at the start, and in as few pieces. */
static void heap_end(void)
{
    static struct buddy end[NODES];

    while (nr_held)
        heap_free(nr_held - 1, nr_held & 1);
    heap_check();
    memcpy(end, heaps, sizeof(end));
    heap_start();
    heap_check();
    for (unsigned node = 0; node < NODES; node++)
        for (unsigned z = 0; z < BUDDY_ZONES; z++)
            for (unsigned o = 0; o <= BUDDY_MAX_ORDER; o++)
                MUST(!end[node].heads[z][o] == !heaps[node].heads[z][o]);
}

#endif
