/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A heap with holes for core/buddy.c, and a naive model of it: one byte a frame. */
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

#define MUST(cond) \
    ((cond) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort()))

struct frame *frames;
uint64_t nr_frames;
struct frame_range ram_ranges[RAM_RANGES_MAX];
unsigned nr_ram_ranges;

static const struct frame_range layout[] = { { 256, 4100 }, { 0, 160 }, { 4101, 4997 } };

static struct buddy heap;
static enum { HOLE, FREE, TAKEN } is[FRAMES];
static uint64_t nr_free;
static struct { uint64_t first; unsigned order; } held[HELD];
static unsigned nr_held;

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
    memset(&heap, 0, sizeof(heap));
    memset(is, 0, sizeof(is));
    nr_frames = FRAMES;
    nr_ram_ranges = ARRAY_SIZE(layout);
    nr_held = 0;
    nr_free = 0;
    for (unsigned r = 0; r < nr_ram_ranges; r++)
        ram_ranges[r] = layout[r];
    for (uint64_t m = 0; m < FRAMES; m++)
        if (!frame_is_ram(MFN(m)))
            ASAN_POISON_MEMORY_REGION(&frames[m], sizeof(frames[m]));
    for (unsigned r = 0; r < nr_ram_ranges; r++) {
        buddy_add(&heap, layout[r].first, layout[r].end);
        for (uint64_t m = MAX(layout[r].first, 1ul); m < layout[r].end; m++) {
            is[m] = FREE;
            nr_free++;
        }
    }
}

/* The widest frame number at which 2^order free frames begin; 0: nowhere. */
static unsigned model_best(unsigned order, unsigned limit)
{
    unsigned best = 0;

    if (order > BUDDY_MAX_ORDER)
        return 0;
    for (uint64_t m = 1ul << order; m + (1ul << order) <= FRAMES; m += 1ul << order) {
        uint64_t n = 0;

        while (n < 1ul << order && is[m + n] == FREE)
            n++;
        if (n == 1ul << order && width(m) <= limit)
            best = width(m);
    }
    return best;
}

static void heap_alloc(unsigned order, unsigned below_bits)
{
    unsigned limit = below_bits > PAGE_SHIFT ? below_bits - PAGE_SHIFT : 0, best = model_best(order, limit);
    mfn_t m;

    if (nr_held == HELD)
        return;
    m = buddy_alloc(&heap, order, below_bits);
    if (!best) {
        MUST(mfn_eq(m, MFN_NONE));
        return;
    }
    MUST(!mfn_eq(m, MFN_NONE) && m.n % (1ul << order) == 0 && width(m.n) == best);
    for (uint64_t n = 0; n < 1ul << order; n++) {
        MUST(is[m.n + n] == FREE && width(m.n + n) <= limit);
        is[m.n + n] = TAKEN;
        MUST(frames[m.n + n].ref == 0);
        frames[m.n + n].ref = 1ul << 48 | REF_ALLOCATED | 1; /* somebody uses it */
    }
    nr_free -= 1ul << order;
    held[nr_held].first = m.n;
    held[nr_held++].order = order;
}

/* This very frame, if it is free. */
static void heap_take(uint64_t mfn)
{
    bool was = mfn < FRAMES && is[mfn] == FREE;

    if (nr_held == HELD)
        return;
    MUST(buddy_take(&heap, MFN(mfn)) == was);
    if (!was)
        return;
    MUST(frames[mfn].ref == 0);
    is[mfn] = TAKEN;
    frames[mfn].ref = 1ul << 48 | REF_ALLOCATED | 1;
    nr_free--;
    held[nr_held].first = mfn;
    held[nr_held++].order = 0;
}

/* In one piece, or (half) in two. */
static void heap_free(unsigned which, bool in_halves)
{
    uint64_t first;
    unsigned order;

    if (!nr_held)
        return;
    which %= nr_held;
    first = held[which].first;
    order = held[which].order;
    held[which] = held[--nr_held];
    for (uint64_t n = 0; n < 1ul << order; n++) {
        is[first + n] = FREE;
        frames[first + n].ref = 0;
    }
    nr_free += 1ul << order;
    if (in_halves && order) {
        buddy_free(&heap, MFN(first + (1ul << (order - 1))), order - 1);
        buddy_free(&heap, MFN(first), order - 1);
    } else {
        buddy_free(&heap, MFN(first), order);
    }
}

static void heap_check(void)
{
    MUST(heap.free == nr_free);
    MUST(buddy_free_between(&heap, 0, 64) == nr_free);
    MUST(buddy_audit(&heap) == 0);
}

/* All given back: as at the start, and in as few pieces. */
static void heap_end(void)
{
    static struct buddy fresh;

    while (nr_held)
        heap_free(nr_held - 1, nr_held & 1);
    heap_check();
    fresh = heap;
    heap_start();
    MUST(fresh.free == heap.free);
    for (unsigned z = 0; z < BUDDY_ZONES; z++)
        for (unsigned o = 0; o <= BUDDY_MAX_ORDER; o++)
            MUST(!fresh.heads[z][o] == !heap.heads[z][o]);
}

#endif
