/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine frames for the hypervisor itself and for domains: shell (lock, flush of stale translations) around
 * core/buddy.c. */
#pragma once

#include "core/types.h"

/* 2^order contiguous frames, aligned to their size, not owned by a domain; contents unknown.  MFN_NONE if none.
 * below_bits: the machine address must be below 2^below_bits (64: anywhere). */
mfn_t frames_alloc(unsigned order, unsigned below_bits);
/* The same where the owner may have a claim, which it then uses up first. */
mfn_t frames_alloc_for(uint64_t *claim, unsigned order, unsigned below_bits);
/* Promise n free frames (instead of what *claim, a domain's own, was): nobody else gets them.  0, or -XEN_ENOMEM and
 * nothing has changed. */
int frames_claim(uint64_t *claim, uint64_t n);
void frames_free(mfn_t m, unsigned order);
uint64_t frames_free_count(void);
/* Free frames whose machine addresses have min_bits to max_bits significant bits. */
uint64_t frames_free_between(unsigned min_bits, unsigned max_bits);
/*
 * Frames out of use.  A free one is taken away from the allocator, and one that a domain has goes when it is freed.
 * Take: FRAME_OFFLINE, FRAME_PENDING (and whose it is, if owner isn't NULL), or -XEN_EPERM (it is ours), -XEN_ENOMEM.  Bring: false,
 * it was in use.  m must be RAM.
 */
enum frame_use { FRAME_ONLINE, FRAME_PENDING, FRAME_OFFLINE };
int frame_take_offline(mfn_t m, domid_t *owner);
bool frame_bring_online(mfn_t m);
enum frame_use frame_use(mfn_t m);
/* Boot: all free frames by numa_count_free(). */
void heap_count_free(void);
/* Frames promised and not yet allocated. */
uint64_t frames_claimed(void);
/* Boot: these frames are free from now on. */
void heap_add(uint64_t first, uint64_t end);
/* Number of broken invariants, each logged. */
unsigned heap_audit(void);

/* Frames as hypervisor memory: a direct-map address, NULL if none.  Zeroed. */
void *pages_alloc(unsigned order);
void pages_free(void *p, unsigned order);
