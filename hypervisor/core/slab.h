/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects of one size, cut from pages; a page in which none is used goes back.  Pure: the caller holds the slabs' lock.
 *
 * What is known of a page stands in its struct frame, which has no other use as long as the frame is ours: `type` has the fields
 * below, above the link; its owner is OWNER_NONE.  A free object holds the index of the next free one of its page.
 *
 * L1  `partial` lists those pages, and only those, in which some object is free and some is used.
 * L2  a page's word has the slab's shift, the number of its used objects, and the index of its first free one (none: SLAB_END).
 */
#pragma once

#include "core/frame.h"

/* Fields of the type word's upper half, all where a frame that is no table has a stamp. */
#define SLAB_USED     0x1ffu /* bits 0-8 */
#define SLAB_FREE_AT  9      /* bits 9-17 */
#define SLAB_SHIFT_AT 18     /* bits 18-23 */
#define SLAB_END      0x1ffu

struct slab {
    char *memory;     /* where frame 0 is, or would be; the other frames' memory follows [const] */
    unsigned shift;   /* log2 of the objects' size: 4 to 11 [const] */
    uint32_t partial; /* frame number, 0: none */
};

/* The shift of the slab to which the page belongs (or what slab_mark() said). */
static inline unsigned slab_shift(mfn_t page)
{
    return (frame_of(page)->type >> 32 >> SLAB_SHIFT_AT) & 0x3f;
}

static inline unsigned slab_used(mfn_t page)
{
    return (frame_of(page)->type >> 32) & SLAB_USED;
}

/* Index of its first free object, or SLAB_END. */
static inline unsigned slab_first(mfn_t page)
{
    return (frame_of(page)->type >> 32 >> SLAB_FREE_AT) & SLAB_END;
}

/* Memory that isn't from a slab, so that whoever frees it can tell: `mark` is above any shift. */
static inline void slab_mark(mfn_t page, unsigned mark)
{
    frame_of(page)->type = (uint64_t)mark << SLAB_SHIFT_AT << 32;
}

/* An object, not zeroed; NULL: give it a page. */
void *slab_take(struct slab *s);
/* A page of the caller's to cut objects from, and one of them. */
void *slab_take_from(struct slab *s, mfn_t page);
/* Object p of this page is free.  True: so is the page, and the caller's again. */
bool slab_give(struct slab *s, mfn_t page, void *p);
