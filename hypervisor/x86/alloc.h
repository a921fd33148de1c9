/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine frames for the hypervisor itself and for domains: shell (lock, flush of stale translations) around
 * core/buddy.c. */
#pragma once

#include "core/types.h"

#define NODE_ANY 0xff

/* Where frames are to lie. */
struct frames_where {
    uint8_t below_bits; /* machine addresses below 2^below_bits; 64: anywhere */
    uint8_t node;       /* there if it can be; NODE_ANY: on the owner's nodes if it can be */
    bool exact;         /* or else nowhere */
};
#define FRAMES_ANYWHERE ((struct frames_where){ .below_bits = 64, .node = NODE_ANY })

/* What the heap knows of an owner; 0 at first. */
struct heap_share {
    uint64_t claim; /* frames promised to it [heap's lock, read anywhere] */
    unsigned turn;  /* the node where to look first [heap's lock] */
};

/* 2^order contiguous frames, aligned to their size, not owned by a domain; contents unknown.  MFN_NONE if none.
 * The machine address is below 2^below_bits (64: anywhere); if it can be, it is on this CPU's node. */
mfn_t frames_alloc(unsigned order, unsigned below_bits);
/* The same for an owner whose memory is to be on these nodes (a mask), on each in turn.  What it has claimed is used up first. */
mfn_t frames_alloc_for(struct heap_share *owner, uint64_t nodes, unsigned order, struct frames_where where);
/* Promise n free frames (instead of what an owner's claim was): nobody else gets them.  0, or -XEN_ENOMEM and
 * nothing has changed. */
int frames_claim(struct heap_share *owner, uint64_t n);
void frames_free(mfn_t m, unsigned order);
uint64_t frames_free_count(void);
/* Free frames of a node (of all: NODE_ANY) whose machine addresses have min_bits to max_bits significant bits. */
uint64_t frames_free_between(unsigned node, unsigned min_bits, unsigned max_bits);
/*
 * Frames out of use.  A free one is taken away from the allocator, and one that a domain has goes when it is freed.
 * Take: FRAME_OFFLINE, FRAME_PENDING (and whose it is, if owner isn't NULL), or -XEN_EPERM (it is ours), -XEN_ENOMEM.  Bring: false,
 * it was in use.  m must be RAM.
 */
enum frame_use { FRAME_ONLINE, FRAME_PENDING, FRAME_OFFLINE };
int frame_take_offline(mfn_t m, domid_t *owner);
bool frame_bring_online(mfn_t m);
enum frame_use frame_use(mfn_t m);
/* Frames promised and not yet allocated. */
uint64_t frames_claimed(void);
/* Boot: these frames are free from now on. */
void heap_add(uint64_t first, uint64_t end);
/* Boot, when the nodes are known: from now on each has its own free frames. */
void heap_divide(void);
/* Number of broken invariants, each logged. */
unsigned heap_audit(void);

/* Frames as hypervisor memory: a direct-map address, NULL if none.  Zeroed. */
void *pages_alloc(unsigned order);
void pages_free(void *p, unsigned order);
/* The least order whose 2^order frames have room for so many bytes. */
unsigned pages_order(size_t bytes);
