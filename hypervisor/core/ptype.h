/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of frames: what makes a para-virtual guest's page tables safe to be walked by the processor.
 *
 * Invariants (ptype_audit() checks P1-P3, P5-P9 from scratch):
 *   P1  type count > 0  =>  the type is fixed.
 *   P2  a frame in use as page table (L1-L4) or segment table has no writable mapping: WRITABLE is just
 *       another type, so this is P1.
 *   P3  each present entry of a validated table that maps RAM of a guest holds one existence reference on its target,
 *       and one type reference if the target is a table or the entry of an L1 is writable.  Nothing else does on its
 *       behalf.
 *   P4  when a frame's type changes, or the frame changes hands, no CPU holds a translation made under the old
 *       type: the count reaching 0 stamps the frame, and the change flushes the CPUs that have not flushed since.
 *       What is checked then is what the processor will walk: a frame that was mapped writable with another cacheability than
 *       write-back (REF_UNCACHED) is written back from the caches after that flush.  Entries that lead to tables are write-back.
 *   P5  PARTIAL: exactly the first `filled` entries hold references; the last of them may lead to a PARTIAL table.
 *       The processor never walks a table that isn't VALIDATED, and no entry of a VALIDATED table leads to one.
 *   P6  PARKED: a PARTIAL table whose one use is nobody's: an interrupted call that is to be issued again, or
 *       the rest of a table that is to be taken apart.  The next ptype_get() for that type takes it over, from where it
 *       stands, whichever way it went; ptype_unpark() gives it back.
 *   P7  PINNED: one use and one reference are the pin's.
 *   P8  linear entries: an entry of an L2, L3 or L4 may map a table of its own level, read-only, and the tables below
 *       then show as memory.  To the table itself it holds no reference.  To another it holds one reference and one
 *       use, and that one was VALIDATED already: a linear entry never makes a table.
 *   P9  the word of a table counts its linear entries to others, or those of others to it; a table never has both.
 *       So no chain of them is longer than one step, there is no ring of tables that keep each other alive, and taking
 *       apart goes at most two tables deep at each level.
 *
 * Locks: everything that makes, unmakes or writes a table (types L1-L4, SEG) runs under the table owner's pt_lock;
 * the leaf type WRITABLE needs no lock (compare-and-swap only), so that one domain can map another's memory.
 * Preemption: ptype_get() and ptype_put() may return -XEN_EAGAIN; the frame's own word keeps the progress.
 */
#pragma once

#include "core/frame.h"

/* Entries of page tables. */
#define PTE_P        0x001ul
#define PTE_RW       0x002ul
#define PTE_US       0x004ul
#define PTE_PWT      0x008ul
#define PTE_PCD      0x010ul
#define PTE_A        0x020ul
#define PTE_D        0x040ul
#define PTE_PS       0x080ul /* large page; PAT in an L1 entry */
#define PTE_G        0x100ul
#define PTE_AVAIL    0xe00ul
#define PTE_GNTTAB   (1ul << 62) /* the ABI keeps it from guests */
#define PTE_NX       (1ul << 63)
#define PTE_ADDR     0x000ffffffffff000ul
#define PTE_CACHE    (PTE_PWT | PTE_PCD | PTE_PS) /* of an L1 entry; 0: write-back */
#define PTE_ENTRIES  512u

static inline mfn_t pte_mfn(uint64_t e)
{
    return maddr_to_mfn(e & PTE_ADDR);
}

/*
 * Who asks.  A table belongs to domain `table_owner`; frames that its entries map belong to `frame_owner`
 * (normally the same; a privileged domain mapping a guest's memory names the guest).
 */
struct ptype_ctx {
    uint16_t table_owner;
    uint16_t frame_owner;
};

/* ---- Ports: provided by kern/ for the machine, by the test for the tests. ---- */
/* May the owner map this frame that isn't RAM (device memory)?  And writable?  */
bool ptype_port_iomem_ok(uint16_t domid, mfn_t m, bool writable);
/* Entries 256-271 of an L4 table are the hypervisor's: fill them in. */
void ptype_port_init_l4(uint16_t table_owner, uint64_t *table);
/* P4.  All CPUs that may hold translations of frames of `owner` (everywhere: of any domain) and have
 * not flushed since `stamp` flush now. */
void ptype_port_flush(uint16_t owner, bool everywhere, uint32_t stamp);
/* Memory and all caches agree on what frame m holds. */
void ptype_port_cache_flush(mfn_t m);
/* The present value of the flush clock (24 bits). */
uint32_t ptype_port_stamp(void);
/* The last reference to a frame is gone: free it. */
void ptype_port_frame_free(mfn_t m);

/* ---- Leaf type: lock-free. ---- */
/* A writable use.  Caller holds an existence reference.  0, -XEN_EINVAL (it is a table now), -XEN_EBUSY (counter
 * full). */
int ptype_get_writable(mfn_t m);
void ptype_put_writable(mfn_t m);

/* ---- Tables: under table_owner's pt_lock. ---- */
/*
 * Existence reference and use of m as `type` (FT_L1..FT_L4, FT_SEG).  m must be owned by ctx->table_owner.
 * 0; -XEN_EINVAL (bad contents or of another type now); -XEN_EBUSY; -XEN_EAGAIN: preempted, one use and reference are
 * held on the PARTIAL frame for the caller, who calls ptype_park() and later asks again; -XEN_ENOTEMPTY: bad contents,
 * as -XEN_EINVAL, but preempted on the way back: the same is held, the caller calls ptype_park() and later
 * ptype_unpark().
 */
int ptype_get(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type);
/* Leave the use that an -XEN_EAGAIN of ptype_get() gave for the next ptype_get() (P6); or what an -XEN_EAGAIN of
 * ptype_put() left, for ptype_unpark(). */
void ptype_park(mfn_t m);
/* Give back what ptype_park() left, if m is parked.  0 or -XEN_EAGAIN (still parked).  Caller knows that m is RAM. */
int ptype_unpark(const struct ptype_ctx *ctx, mfn_t m);
/* Give use and reference back.  -XEN_EAGAIN: the table is being taken apart; call again until 0. */
int ptype_put(const struct ptype_ctx *ctx, mfn_t m);

/*
 * The pin (P7), or a parked use.  pin: 0, -XEN_EINVAL, -XEN_EBUSY, -XEN_EAGAIN (issue again), or -XEN_ENOTEMPTY (as
 * -XEN_EINVAL, but m is parked: ptype_unpark() it).  unpin: 0, -XEN_EINVAL (not pinned), or -XEN_EAGAIN: it is done,
 * but m is parked half taken apart: ptype_unpark() it.
 */
int ptype_pin(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type);
int ptype_unpin(const struct ptype_ctx *ctx, mfn_t m);

/*
 * Change one entry of table m (VALIDATED, of a page-table type) to `val`, as the guest gave it.
 * preserve_ad: keep accessed and dirty bits of the old entry.
 * 0, -XEN_EINVAL, -XEN_EACCES (a frame of ours, not write-back), -XEN_EBUSY, -XEN_EAGAIN (nothing is changed yet; issue again).
 * *deferred: if not MFN_NONE afterwards, a table that is parked, half taken apart (its last use was in the old entry,
 * or the new entry led to it and it is bad): call ptype_unpark() until it gives 0.
 */
int ptype_set_entry(const struct ptype_ctx *ctx, mfn_t m, unsigned index, uint64_t val, bool preserve_ad,
                    mfn_t *deferred);
/* The same with an entry of an L1 table, if it still is `was`; else -XEN_EAGAIN (the processor has set accessed or dirty in it). */
int ptype_swap_leaf(const struct ptype_ctx *ctx, mfn_t m, unsigned index, uint64_t was, uint64_t val);

/* If m was mapped past the caches: make memory and caches agree, now that nobody can write to it any more. */
void frame_settle_caches(mfn_t m);

/* References of a leaf entry (L1), for those who edit L1 entries themselves (grant maps). */
int ptype_leaf_get(const struct ptype_ctx *ctx, uint64_t *entry);
void ptype_leaf_put(uint64_t entry);

/* The level (1-4) that the frame validly is now, or 0. */
static inline unsigned ptype_level(mfn_t m)
{
    uint64_t w = __atomic_load_n(&frame_of(m)->type, __ATOMIC_ACQUIRE);

    return (w & TYPE_COUNT_MASK) && (w & TYPE_VALIDATED) && TYPE_OF(w) <= FT_L4 ? TYPE_OF(w) : 0;
}
bool ptype_pinned(mfn_t m);

/* Recompute everything for the frames of one owner; reports each broken invariant by log_err.  Number of them.
 * Nobody may change page tables meanwhile. */
unsigned ptype_audit(uint16_t owner);
