/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame table: 16 bytes for each frame of RAM.  Two counters a frame:
 *
 *   ref   how many things need the frame to exist, and who owns it
 *   type  what the frame is now (page table of a level, segment table, writable memory) and how many uses
 *         need it to be just that
 *
 * Both words are changed by compare-and-swap only.  What the types mean: core/ptype.h.
 *
 * A frame that nobody owns can be on a list: of free chunks (core/buddy.c), of pages of objects (core/slab.c).  Its links, frame
 * numbers, lie where others have their counts, and its owner is no domain's number, so that nobody takes them for counts.
 */
#pragma once

#include "core/types.h"

struct frame {
    uint64_t ref;  /* [atomic] */
    uint64_t type; /* [atomic] */
};

/* ref word */
#define REF_COUNT_MASK  0x7ffffffful
#define REF_ALLOCATED   (1ul << 32) /* the owner's own reference is still held */
#define REF_SHARED      (1ul << 33) /* a frame of the hypervisor that the owner may map */
#define REF_FOREIGN     (1ul << 34) /* has been mapped by another domain than its owner: flush everywhere */
#define REF_FREE        (1ul << 35) /* on a free list of the allocator, first frame of a chunk */
#define REF_ORDER_SHIFT 36          /* 6 bits: the free chunk's order */
#define REF_UNCACHED    (1ul << 42) /* has been mapped writable past the caches: write them back before it is checked */
#define REF_OFFLINE     (1ul << 43) /* (alone) taken out of use by the toolstack: nobody's, and not free */
#define REF_OWNER_SHIFT 48          /* 16 bits: domid */
#define REF_OWNER_MASK  (0xfffful << REF_OWNER_SHIFT)
#define OWNER_NONE      0xfffful
#define OWNER_LAST      0x7ffful /* domain numbers up to here; nobody is above */

/* type word */
#define TYPE_COUNT_MASK     0xfffffffful
#define TYPE_AUX_SHIFT      32      /* 24 bits: flush stamp while count is 0; of a page table: */
#define TYPE_AUX_MASK       (0xfffffful << TYPE_AUX_SHIFT)
#define TYPE_FILLED_MASK    (0x3fful << 32)  /* while PARTIAL: how many entries, from the first, hold references */
#define TYPE_LINEAR_SHIFT   42               /* linear entries: its own to other tables, if SOURCE, or others' to it */
#define TYPE_LINEAR_MASK    (0x3ffful << TYPE_LINEAR_SHIFT)
#define TYPE_LINK_BITS      14               /* of an L1, at the same place: when an entry last ceased to lead to it */
#define TYPE_VALIDATED      (1ul << 56)
#define TYPE_PARTIAL        (1ul << 57)
#define TYPE_PINNED         (1ul << 58)
#define TYPE_PARKED         (1ul << 59)
#define TYPE_SOURCE         (1ul << 60) /* it has linear entries to other tables */
#define TYPE_SHIFT          61
#define TYPE_OF(word)       ((enum frame_type)((word) >> TYPE_SHIFT))
#define TYPE_AUX(word)      ((uint32_t)(((word) & TYPE_AUX_MASK) >> TYPE_AUX_SHIFT))
#define TYPE_FILLED(word)   ((unsigned)((word) >> 32 & 0x3ff))
#define TYPE_LINEAR(word)   ((unsigned)(((word) & TYPE_LINEAR_MASK) >> TYPE_LINEAR_SHIFT))

enum frame_type {
    FT_NONE,
    FT_L1, FT_L2, FT_L3, FT_L4, /* page tables */
    FT_SEG,                     /* segment descriptors: GDT or LDT */
    FT_WRITABLE,                /* mapped writable, or written for the guest by us */
    FT_READONLY,                /* a frame of ours that its owner may look at only */
};

extern struct frame *frames;    /* [const after boot] indexed by frame number; holes are unmapped */
extern uint64_t nr_frames;      /* [const after boot] one past the last frame of RAM */

/* RAM that has struct frames, the biggest range first: only these indexes of frames[] may be touched. */
struct frame_range {
    uint64_t first, end;
};
#define RAM_RANGES_MAX 64
extern struct frame_range ram_ranges[RAM_RANGES_MAX]; /* [const after boot] */
extern unsigned nr_ram_ranges;

static inline bool frame_range_has(const struct frame_range *r, mfn_t m)
{
    return m.n - r->first < r->end - r->first;
}

/* Is it in one of the others? */
bool frame_is_ram_too(mfn_t m);

static inline bool frame_is_ram(mfn_t m)
{
    return likely(frame_range_has(&ram_ranges[0], m)) || frame_is_ram_too(m);
}

/* Also where the processor mispredicts the check before it, this stays inside the table's own part of the address space. */
static inline struct frame *frame_of(mfn_t m)
{
    return &frames[(uint32_t)m.n];
}

static inline mfn_t frame_mfn(const struct frame *f)
{
    return MFN((uint64_t)(f - frames));
}

static inline uint64_t ref_owner(uint64_t ref)
{
    return ref >> REF_OWNER_SHIFT;
}

/* Is it in use by a domain, or by us for one? */
static inline bool ref_used(uint64_t ref)
{
    return (ref & REF_COUNT_MASK) && ref_owner(ref) <= OWNER_LAST;
}

/* ---- Lists of frames without an owner.  0: no frame.  [lock of the list] ---- */

#define LINK_MASK 0xfffffffful

static inline uint32_t frame_next(uint32_t m)
{
    return (uint32_t)READ_ONCE(frames[m].ref);
}

static inline uint32_t frame_prev(uint32_t m)
{
    return (uint32_t)READ_ONCE(frames[m].type);
}

static inline void frame_set_links(uint32_t m, uint32_t next, uint32_t prev)
{
    WRITE_ONCE(frames[m].ref, (frames[m].ref & ~LINK_MASK) | next);
    WRITE_ONCE(frames[m].type, (frames[m].type & ~LINK_MASK) | prev);
}

static inline void frame_list_add(uint32_t *head, uint32_t m)
{
    frame_set_links(m, *head, 0);
    if (*head)
        frame_set_links(*head, frame_next(*head), m);
    *head = m;
}

static inline void frame_list_remove(uint32_t *head, uint32_t m)
{
    uint32_t next = frame_next(m), prev = frame_prev(m);

    if (prev)
        frame_set_links(prev, next, frame_prev(prev));
    else
        *head = next;
    if (next)
        frame_set_links(next, frame_next(next), prev);
    frame_set_links(m, 0, 0);
}

/* ---- References ---- */

/* One more existence reference if the frame is in use and owned by `owner`. */
static inline bool frame_ref_get(mfn_t m, uint64_t owner)
{
    uint64_t *w, old, count;

    if (!frame_is_ram(m))
        return false;
    w = &frame_of(m)->ref;
    old = __atomic_load_n(w, __ATOMIC_ACQUIRE);
    do {
        count = (old & (REF_OWNER_MASK | REF_COUNT_MASK)) ^ owner << REF_OWNER_SHIFT; /* if it is his */
        if (count - 1 >= REF_COUNT_MASK - 1) /* none (or it isn't), or no room for one more */
            return false;
    } while (!__atomic_compare_exchange_n(w, &old, old + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE));
    return true;
}

/* Drop one.  True: it was the last; the caller frees the frame. */
bool frame_ref_put(mfn_t m);
