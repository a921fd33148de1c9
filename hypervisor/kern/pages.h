/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of domains: who owns a frame, references to it, and the shapes in which other rooms use guests'
 * memory.  The counters and their invariants are core/ptype.h's.
 */
#pragma once

#include "core/types.h"
#include "x86/alloc.h"
#include "x86/lock.h"

struct domain;

/* An extent that was allocated for a domain, and counted, but is not all cleared yet. */
struct raw_extent {
    bool busy; /* a CPU is at it [atomic]; the rest is that CPU's */
    mfn_t m;   /* 0: there is none */
    unsigned order;
    uint64_t cleared;
    struct frames_where where;
};

/* Of one domain. */
struct domain_pages {
    spinlock_t lock;      /* RANK_PAGES */
    uint64_t count;       /* ordinary frames it has, also those that others' references keep [atomic; lock to raise] */
    uint64_t max;         /* it may have [lock] */
    uint64_t shared_count;/* hypervisor frames shared with it [atomic] */
    struct heap_share heap;
    struct raw_extent raw[2]; /* asked for by others, by itself: these don't take each other's away */
    uint64_t kill_at;     /* pages_domain_kill() has come to this frame */
    uint64_t regions[];   /* a bit for each 512 frames of the machine: it has had ordinary frames there [lock to set] */
};

int pages_domain_create(struct domain *d, uint64_t max);
/* Give back every frame of a dying domain.  Preemptible: -XEN_EAGAIN = call again.  One caller at a time. */
int pages_domain_kill(struct domain *d);
void pages_domain_free(struct domain *d);

/* Is m, to which the caller holds a reference, one of our frames that its owner may map (shared_frame_alloc())? */
bool frame_is_shared(mfn_t m);
/* The domain that owns a frame of RAM, or NULL (free, ours, or not RAM).  Stable only while a reference is held. */
struct domain *frame_owner(mfn_t m);

/* Existence reference, if m is RAM that `owner` owns. */
bool frame_get(mfn_t m, struct domain *owner);
void frame_put(mfn_t m);
/* Existence and writable-type reference: nobody can make it a page table meanwhile. */
bool frame_get_writable(mfn_t m, struct domain *owner);
void frame_put_writable(mfn_t m);
/* Translate a guest's frame number (para-virtual: the machine's own) and take the reference(s) above. */
bool gfn_to_mfn_get(struct domain *d, gfn_t g, bool writable, mfn_t *out);

/* Map a guest's frame for as long as wanted (writable reference held); NULL if it isn't d's writable RAM. */
void *guest_frame_map_shared(struct domain *d, gfn_t g);
void guest_frame_unmap_shared(struct domain *d, void *p);

/* A zeroed frame of ours that d may map too (writable or read-only); frame_map() pointers to it may be kept.
 * free: the guest's mappings may outlive it; the frame returns to the heap with the last one. */
mfn_t shared_frame_alloc(struct domain *d, bool writable);
void shared_frame_free(struct domain *d, mfn_t m);
/* m, one of ours, may from now on, and for good, be mapped by dom0 as a frame of DOMID_XEN. */
void frame_share_system(mfn_t m, bool writable);

/* Ordinary frames that d has on a node.  Goes through all of the node's: for debugging. */
uint64_t pages_on_node(const struct domain *d, unsigned node);

/* 2^order frames for d, aligned, zeroed (or, only while there is no secret in the heap yet, not); MFN_NONE if there
 * are none or d is at its maximum. */
mfn_t domain_frames_alloc(struct domain *d, unsigned order, struct frames_where where, bool zero);
/* The same, zeroed.  0, -XEN_ENOMEM; preemptible: -XEN_EAGAIN = call again. */
int domain_extent_alloc(struct domain *d, unsigned order, struct frames_where where, mfn_t *m);
/* Drop d's own (allocation) reference: the frame goes with the last reference. -XEN_EINVAL if it isn't d's or is
 * already dropped. */
int domain_frame_release(struct domain *d, mfn_t m);

/* Take an untyped, otherwise unreferenced frame from its owner: it then belongs to nobody, and translations of it
 * may be left ... */
int frame_steal(struct domain *from, mfn_t m);
/* ... and give such a frame to a domain, when no CPU can hold one any more.  -XEN_E2BIG at its maximum, -XEN_ESRCH if
 * dying: it is still nobody's. */
int frame_assign(struct domain *to, mfn_t m);
