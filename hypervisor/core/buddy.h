/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buddy allocator of machine frames, on the frame table.  Pure: the caller holds the heap's lock.
 * There may be several with different tags, each with frames of its own: chunks of two never become one.
 *
 * B1  a free chunk of order o starts at a multiple of 2^o; its first frame's ref is REF_FREE | o | the tag | a link, the others' 0.
 * B2  a chunk is on the list of its zone (bit width of its first frame number) and order, and on no other.
 * B3  two free buddies of one order in one zone don't exist (they would be one chunk).
 */
#pragma once

#include "core/frame.h"

#define BUDDY_MAX_ORDER 20 /* 4 GiB */
#define BUDDY_ZONES     33 /* by the bit width of the frame number; frame numbers have 32 bits */

struct buddy {
    uint32_t heads[BUDDY_ZONES][BUDDY_MAX_ORDER + 1]; /* 0: empty (frame 0 is never given out) */
    uint64_t zone_free[BUDDY_ZONES];                  /* frames of each zone */
    uint16_t tag;                                     /* above OWNER_LAST [const once it has frames] */
};

/* Add the frames [first, end), which nobody uses.  Frame 0 is left out. */
void buddy_add(struct buddy *b, uint64_t first, uint64_t end);
/* 2^order frames whose addresses have min_bits to max_bits significant bits (both inclusive), highest zone first.
 * MFN_NONE if there are none. */
mfn_t buddy_alloc(struct buddy *b, unsigned order, unsigned min_bits, unsigned max_bits);
/* This one frame, if it is free here. */
bool buddy_take(struct buddy *b, mfn_t m);
void buddy_free(struct buddy *b, mfn_t m, unsigned order);
/* Free frames, of such addresses. */
uint64_t buddy_free_between(const struct buddy *b, unsigned min_bits, unsigned max_bits);
/* fn(first frame, order) of each free chunk.  As long as there are chunks: not for a running system. */
void buddy_each(const struct buddy *b, void (*fn)(mfn_t m, unsigned order));
/* Checks B1-B3 and the counts; number of faults, each reported by log_err. */
unsigned buddy_audit(const struct buddy *b);
