/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the grant-table hypercall share; for kern/grant*.c only.  Locks and references: kern/grant.c.
 */
#pragma once

#include "core/grant.h"
#include "x86/lock.h"

struct domain;
struct hcall;

/* The low 32 bits of c->arg[0]: the operation, and above it, for cache_flush, the chunk of map-track entries where a
 * search stopped. */
#define GRANT_CMD_BITS 12
#define GRANT_CMD_MASK ((1u << GRANT_CMD_BITS) - 1)

struct grant_domain {
    spinlock_t lock;         /* RANK_GRANT: table, frame lists */
    spinlock_t maps_lock;    /* RANK_GRANT: free list of maps */
    struct grant_table table;
    struct grant_maps maps;
    mfn_t *shared;           /* [max_frames] entries below table.nr_frames never change [lock to grow] */
    mfn_t *status;           /* [max_status] */
    grant_handle_t kill_pos; /* grant_domain_kill(): mappings released, ... */
    unsigned kill_frame;     /* ... and of the table, its frames and then the status frames */
};

/* One side of a copy: a frame in use, kept for the next element if that names it too. */
struct copy_side {
    bool writable;           /* [const] destination */
    bool is_ref;             /* what the guest called it ... */
    domid_t dom;
    uint64_t id;
    struct domain *granter;  /* ... its granter, held; NULL for an own frame */
    struct domain *via;      /* the intermediate granter of a transitive grant, held */
    grant_ref_t ref, via_ref;
    mfn_t frame;
    uint32_t start, end;     /* what may be used of it */
    char *page;              /* mapped; NULL: nothing in use */
};

struct grant_batch {
    struct domain *d;        /* the caller */
    struct domain *peer;     /* last domain named, held */
    unsigned left;           /* elements left in this chunk */
    bool flush;              /* translations were removed that a TLB may hold */
    grant_handle_t zapped;   /* list: unmapped, to be released after the flush */
    grant_handle_t spare;    /* list: busy entries without mapping */
    struct copy_side src, dst;
};

/* Pin an entry of d's and take references to its frame (a transitive one has none).  GNTST_*, all or nothing. */
int16_t grant_entry_get(struct domain *d, const struct grant_want *w, struct grant_content *c);
void grant_entry_unpin(struct domain *d, grant_ref_t ref, bool readonly, unsigned count);
/* A reference to d's own frame, and a writable use.  GNTST_* */
int16_t grant_gfn_ref(struct domain *d, uint64_t gfn, bool readonly, mfn_t *m);
/* Give `count` of them back. */
void grant_frame_unref(mfn_t m, bool readonly, unsigned count);

/* The domain that an element names; held until the batch names another or ends.  NULL: none, or it dies. */
struct domain *grant_batch_peer(struct grant_batch *b, domid_t id);

/* GNTTABOP_copy: one element (GNTST_*); and give back what a side in use holds. */
int16_t grant_copy_one(struct grant_batch *b, const gnttab_copy_t *op);
void grant_side_release(struct copy_side *s);

/* The operations that are not batches: on a table (kern/grant_table.c), and cache_flush (kern/grant_cache.c). */
long grant_table_control(struct hcall *c);
long grant_cache_flush(struct hcall *c);
