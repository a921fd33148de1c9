/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables, the pure part: which entry may be used by whom, how often each is in use (pins), and the
 * table of what a domain has mapped (map tracking).  Layouts and rules: <xen/grant_table.h>.
 *
 * Frames are numbers here; references to them, page tables and TLBs are the caller's (kern/grant.c).  One use
 * of an entry goes: grant_pin() -> the caller takes its references (grant_pin_frame() tells the table the
 * translated frame) -> ... -> the caller drops its references -> grant_unpin().
 *
 * Invariants (check/grant_audit.h recomputes them):
 *   G1  an entry that is pinned keeps the content it was first pinned with, whatever the guest writes meanwhile;
 *   G2  the guest sees GTF_reading while an entry is pinned, GTF_writing while it is pinned for writing;
 *   G3  pins of an entry = uses by live map-track entries (between hypercalls: a copy's pins are gone by then);
 *   G4  `pinned` counts the entries with pins;
 *   G5  each map-track entry is free and on the free list, or it isn't.
 *
 * Locks: a struct grant_table and a struct grant_maps are each under one lock of the caller's; where a function needs
 * none, it says so.  The shared frames are written by the guest at any time: each value is read once.
 */
#pragma once

#include "core/types.h"
#include <xen/grant_table.h>

#define GRANT_V1_PER_FRAME     (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define GRANT_V2_PER_FRAME     (PAGE_SIZE / sizeof(union grant_entry_v2))
#define GRANT_STATUS_PER_FRAME (PAGE_SIZE / sizeof(grant_status_t))
#define GRANT_MAPS_PER_CHUNK   256u /* what max_maptrack_frames counts in */
#define GRANT_USES_MAX         0x40000000u

enum grant_kind { GRANT_FULL, GRANT_SUB_PAGE, GRANT_TRANSITIVE };

/* What an entry was when it was first pinned. */
struct grant_content {
    uint64_t frame;     /* the granter's frame number, the machine's once `translated`; transitive: the other table's reference */
    uint16_t start, length; /* bytes of the frame that may be used */
    domid_t via;        /* transitive: whose table */
    uint8_t kind;       /* enum grant_kind */
    bool translated;
};

struct grant_active {
    struct grant_content content;
    uint32_t readers, writers;
    domid_t who;        /* by whom it is pinned */
};

struct grant_table {
    unsigned version;     /* 1 or 2 */
    unsigned max_version; /* [const] */
    unsigned nr_frames, max_frames;
    unsigned nr_status, max_status;
    unsigned pinned;      /* entries with pins */
    bool retired;         /* the guest is dead, its shared frames are gone: only unpinning goes on */
    void **shared;        /* [max_frames] entries, shared with the guest */
    grant_status_t **status; /* [max_status] version 2's in-use bits, shared with the guest */
    struct grant_active **active; /* [max_frames] GRANT_V1_PER_FRAME each */
};

/* Versions and limits of a domain's table; it has no frame yet.  -XEN_EINVAL, -XEN_ENOMEM. */
int grant_table_init(struct grant_table *t, unsigned max_frames, unsigned max_version);
/* Frees our memory, not the shared frames. */
void grant_table_free(struct grant_table *t);
/* Status frames that a version-2 table of n frames needs. */
unsigned grant_status_needed(unsigned n);
/* Append a zeroed shared frame (with status frames for it first, if the version is 2). -XEN_ENOMEM, -XEN_E2BIG. */
int grant_table_add(struct grant_table *t, void *shared);
int grant_table_add_status(struct grant_table *t, grant_status_t *status);
/* The domain dies: from now on the shared frames aren't touched (the caller frees them) and no entry can be used anew. */
void grant_table_retire(struct grant_table *t);
/* How many references there are: valid ones are below it.  0 of a retired table. */
uint32_t grant_table_entries(const struct grant_table *t);

enum grant_use {
    GRANT_FOR_MAP,         /* whole pages only */
    GRANT_FOR_COPY,
    GRANT_FOR_COPY_DIRECT, /* at the end of a transitive grant: not transitive again */
};

struct grant_want {
    grant_ref_t ref;
    domid_t who;
    bool readonly;
    uint8_t use;    /* enum grant_use */
    uint8_t count;  /* pins to take */
};

/*
 * Pin an entry: it stays in use until grant_unpin() with the same numbers.  Gives GNTST_okay and the entry, to be read,
 * or another GNTST_* and nothing has changed.  If the content is not translated (and not transitive), the caller
 * translates it, and calls grant_pin_frame() or, if it can't, grant_unpin(), before the lock is dropped.
 */
int16_t grant_pin(struct grant_table *t, const struct grant_want *w, struct grant_active **out);
void grant_pin_frame(struct grant_active *a, mfn_t m);
/* Take `count` pins back; at the last one the guest sees the entry unused. */
void grant_unpin(struct grant_table *t, grant_ref_t ref, bool readonly, unsigned count);

/*
 * Transfer: commit entry `ref` to receive frame m from domain `from`; gives GNTST_okay and the slot that the guest wants
 * filled, or another GNTST_*.  The lock stays held up to grant_transfer_end(); m = MFN_NONE says that it failed after all.
 */
int16_t grant_transfer_begin(struct grant_table *t, grant_ref_t ref, domid_t from, mfn_t m, gfn_t *slot);
void grant_transfer_end(struct grant_table *t, grant_ref_t ref, mfn_t m);

/*
 * Change the layout.  Version 2 needs its status frames first.  Entries are cleared but for the reserved ones that
 * permit access to whole frames.  -XEN_EINVAL, -XEN_EBUSY: entries are pinned, -XEN_ENOMEM: no status frames,
 * -XEN_ERANGE: a reserved entry doesn't fit version 1.
 */
int grant_set_version(struct grant_table *t, unsigned version);
/* Exchange two entries. GNTST_*. */
int16_t grant_swap(struct grant_table *t, grant_ref_t a, grant_ref_t b);

/* One pinned entry from `ref` on (*ref says which), NULL if there is no more. */
const struct grant_active *grant_next_pinned(const struct grant_table *t, grant_ref_t *ref);

/* ---- what a domain has mapped ---- */

enum grant_map_state { GRANT_MAP_FREE, GRANT_MAP_BUSY, GRANT_MAP_LIVE };
#define GRANT_NO_HANDLE (~0u)

struct grant_map {
    mfn_t frame;        /* [const while live] */
    void *granter;      /* the caller's, for its domain [const while live] */
    grant_ref_t ref;    /* [const while live] */
    grant_handle_t next;/* free list; or, while busy, the holder's own list */
    domid_t dom;        /* the granter's id [const while live] */
    uint8_t flags;      /* GNTMAP_host_map, _device_map: what is mapped; _readonly, _contains_pte [who is busy with it] */
    uint8_t drop;       /* while busy: what is about to be unmapped */
    uint8_t state;      /* [atomic] enum grant_map_state */
};

struct grant_maps {
    unsigned nr_chunks; /* grows only [atomic] */
    unsigned max_chunks;/* [const] */
    unsigned used;      /* entries that aren't free */
    grant_handle_t free;/* first free one */
    struct grant_map **chunk; /* [max_chunks] */
};

/* How many references a mapping with these flags holds. */
static inline unsigned grant_map_uses(unsigned flags)
{
    return (flags & GNTMAP_host_map ? 1 : 0) + (flags & GNTMAP_device_map ? 1 : 0);
}

int grant_maps_init(struct grant_maps *s, unsigned max_chunks);
void grant_maps_free(struct grant_maps *s);
/* A list of up to n > 0 free entries, made busy; GRANT_NO_HANDLE at the limit or without memory. */
grant_handle_t grant_maps_take(struct grant_maps *s, unsigned n);
/* The busy entries of such a list, which isn't empty, become free. */
void grant_maps_give(struct grant_maps *s, grant_handle_t list);
/* Numbers of entries are below this.  Needs no lock. */
static inline grant_handle_t grant_maps_limit(const struct grant_maps *s)
{
    return __atomic_load_n(&s->nr_chunks, __ATOMIC_ACQUIRE) * GRANT_MAPS_PER_CHUNK;
}

/* The entry of a number that we gave. */
static inline struct grant_map *grant_map_of(const struct grant_maps *s, grant_handle_t h)
{
    return &s->chunk[h / GRANT_MAPS_PER_CHUNK][h % GRANT_MAPS_PER_CHUNK];
}

/* The entry, or NULL if there is none of that number.  Needs no lock. */
static inline struct grant_map *grant_map_at(const struct grant_maps *s, grant_handle_t h)
{
    return h < grant_maps_limit(s) ? grant_map_of(s, h) : NULL;
}

/* A live entry becomes busy: the caller's alone.  Needs no lock. */
static inline bool grant_map_claim(struct grant_map *m)
{
    uint8_t live = GRANT_MAP_LIVE;

    return __atomic_compare_exchange_n(&m->state, &live, GRANT_MAP_BUSY, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* A busy entry becomes live: anybody with its handle may claim it.  Needs no lock. */
static inline void grant_map_publish(struct grant_map *m)
{
    __atomic_store_n(&m->state, GRANT_MAP_LIVE, __ATOMIC_RELEASE);
}
