/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The state machine of frame types; purpose, invariants and locks are in core/ptype.h.
 *
 * One machine for all levels: `levels` says what differs.  A table is filled (its entries' references taken,
 * upwards) and emptied (given back, downwards) by the same counter, `filled` in the frame's word, so that either
 * walk can stop anywhere and go on, or turn round, later.
 */
#include "core/ptype.h"
#include "core/port.h"
#include "core/segdesc.h"

struct level {
    uint64_t bad;              /* bits that a guest may not set in a present entry */
    unsigned hv_first, hv_end; /* entries that are the hypervisor's own; none: both beyond the last */
};

#define PTE_RESERVED 0ul /* above the machine's address width: not RAM, and iomem_ok() refuses */

static const struct level levels[FT_L4 + 1] = {
    [FT_L1] = { PTE_GNTTAB | PTE_RESERVED, PTE_ENTRIES + 1, PTE_ENTRIES + 1 },
    [FT_L2] = { PTE_PS | PTE_G | PTE_PWT | PTE_PCD, PTE_ENTRIES + 1, PTE_ENTRIES + 1 },
    [FT_L3] = { PTE_PS | PTE_G | PTE_PWT | PTE_PCD, PTE_ENTRIES + 1, PTE_ENTRIES + 1 },
    [FT_L4] = { PTE_PS | PTE_G | PTE_PWT | PTE_PCD, 256, 272 },
};

static int table_advance(const struct ptype_ctx *ctx, mfn_t m);

/* After a get that gave rc: are use and reference held?  (The table may be PARTIAL.) */
static inline bool get_holds(int rc)
{
    return rc == 0 || rc == -XEN_EAGAIN || rc == -XEN_ENOTEMPTY;
}

static inline uint64_t load(uint64_t *w)
{
    return __atomic_load_n(w, __ATOMIC_ACQUIRE);
}

static inline bool swap(uint64_t *w, uint64_t *from, uint64_t to)
{
    return __atomic_compare_exchange_n(w, from, to, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}

/* ---- Existence references ---- */

inline bool frame_ref_put(mfn_t m)
{
    uint64_t now = __atomic_sub_fetch(&frame_of(m)->ref, 1, __ATOMIC_SEQ_CST);

    assert((now & REF_COUNT_MASK) != REF_COUNT_MASK);
    return (now & REF_COUNT_MASK) == 0;
}

static inline void ref_drop(mfn_t m)
{
    if (frame_ref_put(m))
        ptype_port_frame_free(m);
}

/* ---- The type word ---- */

static inline uint64_t type_word(enum frame_type type, uint64_t flags, uint32_t aux, uint64_t count)
{
    return (uint64_t)type << TYPE_SHIFT | flags | (uint64_t)aux << TYPE_AUX_SHIFT | count;
}

/* Nothing uses the frame any more: remember the type, and since when no way led to it (P4). */
static inline uint64_t type_word_unused(enum frame_type type, uint32_t stamp)
{
    return type_word(type, 0, stamp & 0xffffff, 0);
}

/* No CPU sees the frame any more as it was used until `stamp`. */
static void flush_uses(mfn_t m, uint32_t stamp)
{
    uint64_t ref = load(&frame_of(m)->ref);

    ptype_port_flush((uint16_t)ref_owner(ref), ref & REF_FOREIGN, stamp);
}

/*
 * Several may come at once, and the first of them still flushes for P4 while the second comes.  Until VALIDATED is set
 * the word keeps what the flush needs (the old stamp), and everybody who comes flushes for himself before he goes on.
 */
inline int ptype_get_writable(mfn_t m)
{
    uint64_t *w = &frame_of(m)->type, old = load(w), next;

    do {
        uint64_t count = old & TYPE_COUNT_MASK;

        if (count && TYPE_OF(old) != FT_WRITABLE)
            return -XEN_EINVAL;
        if (count == TYPE_COUNT_MASK)
            return -XEN_EBUSY;
        next = count ? old + 1
             : TYPE_OF(old) == FT_NONE || TYPE_OF(old) == FT_WRITABLE ? type_word(FT_WRITABLE, TYPE_VALIDATED, 0, 1)
             : type_word(FT_WRITABLE, 0, TYPE_AUX(old), 1);
    } while (!swap(w, &old, next));
    if (!(next & TYPE_VALIDATED)) {
        flush_uses(m, TYPE_AUX(next));
        __atomic_or_fetch(w, TYPE_VALIDATED, __ATOMIC_SEQ_CST);
    }
    return 0;
}

inline void ptype_put_writable(mfn_t m)
{
    uint64_t *w = &frame_of(m)->type, old = load(w), next;

    do {
        assert(TYPE_OF(old) == FT_WRITABLE && (old & TYPE_COUNT_MASK));
        next = (old & TYPE_COUNT_MASK) > 1 ? old - 1 : type_word_unused(FT_WRITABLE, ptype_port_stamp());
    } while (!swap(w, &old, next));
}

/* The table's owner holds pt_lock and the count isn't 0: only we change this word (others look at it). */
static void type_set(mfn_t m, uint64_t word)
{
    __atomic_store_n(&frame_of(m)->type, word, __ATOMIC_RELEASE);
}

static void type_set_flags(mfn_t m, uint64_t set, uint64_t clear)
{
    type_set(m, (load(&frame_of(m)->type) & ~clear) | set);
}

static void type_set_filled(mfn_t m, unsigned n)
{
    type_set_flags(m, (uint64_t)n << TYPE_AUX_SHIFT, TYPE_FILLED_MASK);
}

/*
 * A pin keeps a table, but is no way for the processor to it.  Kernels pin their L1 tables one by one; so an L1 notes
 * when an entry last ceased to lead to it, and if the pin goes last, that is the frame's stamp: many tables of a
 * process that has ended become memory again by one flush, not by one each.
 */
static uint64_t link_stamped(uint64_t w)
{
    if (TYPE_OF(w) != FT_L1)
        return w;
    return (w & ~TYPE_LINEAR_MASK) | ((uint64_t)ptype_port_stamp() << TYPE_LINEAR_SHIFT & TYPE_LINEAR_MASK);
}

/* The latest time that the note can mean. */
static uint32_t link_stamp(uint64_t w)
{
    uint32_t now = ptype_port_stamp(), wrap = 1u << TYPE_LINK_BITS;
    uint32_t when = (now & ~(wrap - 1)) | TYPE_LINEAR(w);

    return when > now ? when - wrap : when;
}

/* One use of a table that isn't (or no more) filled goes; `link`: an entry or a CR3 led to it, or it isn't known. */
static void type_drop_use(mfn_t m, bool link)
{
    uint64_t old = load(&frame_of(m)->type);
    enum frame_type type = TYPE_OF(old);

    assert(old & TYPE_COUNT_MASK);
    if ((old & TYPE_COUNT_MASK) > 1)
        type_set(m, (link ? link_stamped(old) : old) - 1);
    else
        type_set(m, type_word_unused(type, link || type != FT_L1 ? ptype_port_stamp() : link_stamp(old)));
}

/* ---- Entries ---- */

/* The entry of an L1 maps RAM, whose reference is held, with the cacheability that the guest wants: 0 or -XEN_EACCES. */
static int leaf_cache_check(uint64_t e)
{
    uint64_t *ref = &frame_of(pte_mfn(e))->ref;

    if (likely(!(e & PTE_CACHE)))
        return 0;
    if (load(ref) & REF_SHARED)
        return -XEN_EACCES;
    if (e & PTE_RW)
        __atomic_or_fetch(ref, REF_UNCACHED, __ATOMIC_SEQ_CST);
    return 0;
}

void frame_settle_caches(mfn_t m)
{
    uint64_t *ref = &frame_of(m)->ref;

    if (likely(!(load(ref) & REF_UNCACHED)))
        return;
    ptype_port_cache_flush(m);
    __atomic_and_fetch(ref, ~REF_UNCACHED, __ATOMIC_SEQ_CST);
}

/* The entry maps what isn't RAM: may it?  May clear PTE_RW. */
static int leaf_device_check(const struct ptype_ctx *ctx, uint64_t *e)
{
    uint16_t domid = ctx->frame_owner == DOMID_IO ? ctx->table_owner : ctx->frame_owner;

    if (ptype_port_iomem_ok(domid, pte_mfn(*e), *e & PTE_RW))
        return 0;
    /* Some device memory (MSI-X tables) may be looked at only: then that is what the guest gets. */
    if (!(*e & PTE_RW) || !ptype_port_iomem_ok(domid, pte_mfn(*e), false))
        return -XEN_EINVAL;
    *e &= ~PTE_RW;
    return 0;
}

/* The entry maps RAM: take its references. */
static inline int leaf_ram_get(const struct ptype_ctx *ctx, uint64_t e)
{
    mfn_t m = pte_mfn(e);
    int rc;

    if (!frame_ref_get(m, ctx->frame_owner))
        return -XEN_EINVAL;
    rc = leaf_cache_check(e);
    if (rc == 0 && (e & PTE_RW))
        rc = ptype_get_writable(m);
    if (unlikely(rc)) {
        ref_drop(m);
        return rc;
    }
    if (unlikely(ctx->frame_owner != ctx->table_owner))
        __atomic_or_fetch(&frame_of(m)->ref, REF_FOREIGN, __ATOMIC_SEQ_CST);
    return 0;
}

inline int ptype_leaf_get(const struct ptype_ctx *ctx, uint64_t *entry)
{
    int rc;

    if (!(*entry & PTE_P))
        return 0;
    if (*entry & levels[FT_L1].bad)
        return -XEN_EINVAL;
    rc = likely(frame_is_ram(pte_mfn(*entry))) ? leaf_ram_get(ctx, *entry) : leaf_device_check(ctx, entry);
    if (rc == 0)
        *entry = (*entry | PTE_US) & ~PTE_G;
    return rc;
}

inline void ptype_leaf_put(uint64_t e)
{
    mfn_t m = pte_mfn(e);

    if (!(e & PTE_P) || !frame_is_ram(m))
        return;
    if (e & PTE_RW)
        ptype_put_writable(m);
    ref_drop(m);
}

/* ---- Linear entries (P8, P9) ---- */

/* Does entry e of a table of `type` lead to a table of the same level? */
static bool entry_is_linear(enum frame_type type, uint64_t e)
{
    uint64_t w;

    if (type == FT_L1 || !frame_is_ram(pte_mfn(e)))
        return false;
    w = load(&frame_of(pte_mfn(e))->type);
    return (w & TYPE_COUNT_MASK) && TYPE_OF(w) == type;
}

static void linear_add(mfn_t m, uint64_t source)
{
    type_set(m, (load(&frame_of(m)->type) | source) + (1ul << TYPE_LINEAR_SHIFT));
}

static void linear_sub(mfn_t m)
{
    uint64_t w = load(&frame_of(m)->type);

    assert(TYPE_LINEAR(w));
    w -= 1ul << TYPE_LINEAR_SHIFT;
    type_set(m, TYPE_LINEAR(w) ? w : w & ~TYPE_SOURCE);
}

/* Table m of `type` is to have a linear entry e: 0, -XEN_EINVAL, -XEN_EBUSY. */
static int linear_get(const struct ptype_ctx *ctx, mfn_t m, uint64_t e)
{
    uint64_t from = load(&frame_of(m)->type), to;
    mfn_t other = pte_mfn(e);

    if (e & PTE_RW)
        return -XEN_EINVAL;
    if (mfn_eq(m, other))
        return 0;
    to = load(&frame_of(other)->type);
    if (!(to & TYPE_VALIDATED) || (to & TYPE_SOURCE) || (TYPE_LINEAR(from) && !(from & TYPE_SOURCE)))
        return -XEN_EINVAL;
    if ((to & TYPE_COUNT_MASK) == TYPE_COUNT_MASK || (to & TYPE_LINEAR_MASK) == TYPE_LINEAR_MASK)
        return -XEN_EBUSY;
    if (!frame_ref_get(other, ctx->table_owner))
        return -XEN_EINVAL;
    type_set(other, to + 1);
    linear_add(other, 0);
    linear_add(m, TYPE_SOURCE);
    return 0;
}

static void linear_uncount(mfn_t m, mfn_t other)
{
    linear_sub(other);
    linear_sub(m);
}

/* If the use was the other's last: -XEN_EAGAIN until that is taken apart; the entry is counted for as long. */
static int linear_put(const struct ptype_ctx *ctx, mfn_t m, uint64_t e)
{
    mfn_t other = pte_mfn(e);
    int rc;

    if (mfn_eq(m, other))
        return 0;
    if ((load(&frame_of(other)->type) & TYPE_COUNT_MASK) > 1) {
        linear_uncount(m, other);
        return ptype_put(ctx, other);
    }
    rc = ptype_put(ctx, other);
    if (rc == 0)
        linear_sub(m); /* the other's own count went with its last use */
    return rc;
}

/* Take the references of an entry of a table of `type`; may set bits in *e.  -XEN_EAGAIN, -XEN_ENOTEMPTY: taken, but
 * the lower table is PARTIAL (P5). */
static int entry_get(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type, uint64_t *e)
{
    int rc;

    if (!(*e & PTE_P))
        return 0;
    if (type == FT_L1)
        return ptype_leaf_get(ctx, e);
    if (*e & levels[type].bad)
        return -XEN_EINVAL;
    if (entry_is_linear(type, *e))
        rc = linear_get(ctx, m, *e);
    else
        rc = ptype_get(ctx, pte_mfn(*e), (enum frame_type)(type - 1));
    if (get_holds(rc))
        *e |= PTE_US;
    return rc;
}

static int entry_put(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type, uint64_t e)
{
    if (!(e & PTE_P))
        return 0;
    if (type == FT_L1) {
        ptype_leaf_put(e);
        return 0;
    }
    return entry_is_linear(type, e) ? linear_put(ctx, m, e) : ptype_put(ctx, pte_mfn(e));
}

/* ---- Tables: filling and emptying ---- */

/* After the n-th entry that held something: stop here?  Often enough for a stated bound, not at each leaf. */
static bool walk_pauses(enum frame_type type, unsigned n)
{
    return (type != FT_L1 || n % 128 == 0) && preempt_needed();
}

/*
 * The table that the last counted entry leads to may still be PARTIAL (P5): bring it up first.  If it is another of the
 * same level, it was on its way down, and goes on: a linear entry makes no table.
 */
static int fill_last(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type, uint64_t e)
{
    mfn_t child = pte_mfn(e);
    unsigned n = TYPE_FILLED(load(&frame_of(m)->type));
    int rc;

    if (type == FT_L1 || !(e & PTE_P) || mfn_eq(m, child) || !(load(&frame_of(child)->type) & TYPE_PARTIAL))
        return 0;
    if (entry_is_linear(type, e)) {
        rc = linear_put(ctx, m, e);
        if (rc == 0)
            type_set_filled(m, n - 1);
        return rc;
    }
    rc = table_advance(ctx, child);
    if (!get_holds(rc)) {
        ref_drop(child);
        type_set_filled(m, n - 1);
    }
    return rc;
}

/* Take what the entries from `filled` on hold.  It says at each way out how many hold something. */
static int table_fill(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type, uint64_t *t)
{
    const struct level *l = &levels[type];
    unsigned n = TYPE_FILLED(load(&frame_of(m)->type)), held = 0;
    int rc = n > 0 && n != l->hv_end ? fill_last(ctx, m, type, t[n - 1]) : 0;

    if (rc)
        return rc;
    for (n = TYPE_FILLED(load(&frame_of(m)->type)); n < PTE_ENTRIES; n++) {
        uint64_t e;

        if (n == l->hv_first)
            n = l->hv_end;
        e = t[n];
        if (!(e & PTE_P))
            continue;
        rc = entry_get(ctx, m, type, &e);
        if (e != t[n])
            t[n] = e;
        if (rc == 0 && (n + 1 == PTE_ENTRIES || !walk_pauses(type, ++held)))
            continue;
        type_set_filled(m, n + get_holds(rc));
        return rc ? rc : -XEN_EAGAIN;
    }
    return 0;
}

/* Give back what the first `filled` entries hold, from above. */
static int table_empty(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type, uint64_t *t)
{
    const struct level *l = &levels[type];
    unsigned n = TYPE_FILLED(load(&frame_of(m)->type)), held = 0;

    while (n > 0) {
        if (n == l->hv_end)
            n = l->hv_first;
        n--;
        if (!(t[n] & PTE_P))
            continue;
        if (entry_put(ctx, m, type, t[n]) == -XEN_EAGAIN) {
            type_set_filled(m, n + 1);
            return -XEN_EAGAIN;
        }
        if (n > 0 && walk_pauses(type, ++held)) {
            type_set_filled(m, n);
            return -XEN_EAGAIN;
        }
    }
    type_set_filled(m, 0);
    for (unsigned i = l->hv_first; i < l->hv_end; i++)
        t[i] = 0;
    return 0;
}

/* Bring a PARTIAL page table (one use is ours) up; or, if its contents are bad, give back what was counted, then our
 * use. */
static int table_validate(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type)
{
    uint64_t *t = frame_map(m);
    int rc = table_fill(ctx, m, type, t);

    if (rc && rc != -XEN_EAGAIN) {
        rc = table_empty(ctx, m, type, t) ? -XEN_ENOTEMPTY : -XEN_EINVAL;
        if (rc == -XEN_EINVAL)
            type_drop_use(m, true);
    } else if (rc == 0 && type == FT_L4) {
        ptype_port_init_l4(ctx->table_owner, t);
    }
    frame_unmap(t);
    return rc;
}

static int segments_validate(mfn_t m)
{
    uint64_t *t = frame_map(m);
    int rc = segdesc_page_check(t) ? 0 : -XEN_EINVAL;

    frame_unmap(t);
    if (rc)
        type_drop_use(m, true);
    return rc;
}

/* A PARTIAL table, one use is ours: 0, it is VALIDATED; -XEN_EAGAIN, -XEN_ENOTEMPTY; or our use is gone. */
static int table_advance(const struct ptype_ctx *ctx, mfn_t m)
{
    enum frame_type type = TYPE_OF(load(&frame_of(m)->type));
    int rc = type == FT_SEG ? segments_validate(m) : table_validate(ctx, m, type);

    if (rc == 0) {
        type_set_flags(m, TYPE_VALIDATED, TYPE_PARTIAL | TYPE_FILLED_MASK);
        type_set(m, link_stamped(load(&frame_of(m)->type)));
    }
    return rc;
}

/* A use of m, existence reference held: see ptype_get(). */
static int type_get(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type)
{
    uint64_t *w = &frame_of(m)->type, old = load(w);

    while ((old & TYPE_COUNT_MASK) == 0) {
        if (!swap(w, &old, type_word(type, TYPE_PARTIAL, 0, 1)))
            continue;
        if (TYPE_OF(old) != FT_NONE && TYPE_OF(old) != type)
            flush_uses(m, TYPE_AUX(old));
        frame_settle_caches(m);
        return table_advance(ctx, m);
    }
    if (TYPE_OF(old) != type)
        return -XEN_EINVAL;
    if ((old & TYPE_COUNT_MASK) == TYPE_COUNT_MASK)
        return -XEN_EBUSY;
    if (old & TYPE_PARKED) {
        type_set_flags(m, 0, TYPE_PARKED);
        ref_drop(m); /* the parked use's own reference: the caller brings another */
    } else {
        type_set(m, old + 1);
    }
    return old & TYPE_VALIDATED ? 0 : table_advance(ctx, m);
}

int ptype_get(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type)
{
    int rc;

    if (!frame_ref_get(m, ctx->table_owner))
        return -XEN_EINVAL;
    rc = type_get(ctx, m, type);
    if (!get_holds(rc))
        ref_drop(m);
    return rc;
}

void ptype_park(mfn_t m)
{
    uint64_t w = load(&frame_of(m)->type);

    assert(w & TYPE_PARTIAL);
    if ((w & TYPE_COUNT_MASK) == 1) {
        type_set_flags(m, TYPE_PARKED, 0);
    } else { /* somebody else's walk will finish it: give ours back */
        type_drop_use(m, true);
        ref_drop(m);
    }
}

int ptype_unpark(const struct ptype_ctx *ctx, mfn_t m)
{
    /* Since it was parked it may have been taken over, finished, and given to somebody else. */
    if (ref_owner(load(&frame_of(m)->ref)) != ctx->table_owner || !(load(&frame_of(m)->type) & TYPE_PARKED))
        return 0;
    return ptype_put(ctx, m);
}

static int table_put(const struct ptype_ctx *ctx, mfn_t m, bool link)
{
    uint64_t w = load(&frame_of(m)->type);
    enum frame_type type = TYPE_OF(w);
    int rc = 0;

    assert(w & TYPE_COUNT_MASK);
    if ((w & TYPE_COUNT_MASK) == 1 && type != FT_SEG) {
        uint64_t *t;

        if (w & TYPE_VALIDATED) {
            type_set_flags(m, TYPE_PARTIAL, TYPE_VALIDATED);
            type_set_filled(m, PTE_ENTRIES);
        }
        t = frame_map(m);
        rc = table_empty(ctx, m, type, t);
        frame_unmap(t);
        if (rc)
            return rc;
    }
    type_drop_use(m, link);
    ref_drop(m);
    return 0;
}

int ptype_put(const struct ptype_ctx *ctx, mfn_t m)
{
    return table_put(ctx, m, true);
}

/* ---- Pins ---- */

int ptype_pin(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type)
{
    int rc;

    if (frame_is_ram(m) && (load(&frame_of(m)->type) & TYPE_PINNED) &&
        (load(&frame_of(m)->type) & TYPE_COUNT_MASK) && ref_owner(frame_of(m)->ref) == ctx->table_owner)
        return -XEN_EINVAL;
    rc = ptype_get(ctx, m, type);
    if (rc == -XEN_EAGAIN || rc == -XEN_ENOTEMPTY)
        ptype_park(m);
    else if (rc == 0)
        type_set_flags(m, TYPE_PINNED, 0);
    return rc;
}

int ptype_unpin(const struct ptype_ctx *ctx, mfn_t m)
{
    uint64_t w;
    int rc;

    if (!frame_is_ram(m) || ref_owner(load(&frame_of(m)->ref)) != ctx->table_owner)
        return -XEN_EINVAL;
    w = load(&frame_of(m)->type);
    if ((w & TYPE_COUNT_MASK) == 0 || !(w & (TYPE_PINNED | TYPE_PARKED)))
        return -XEN_EINVAL;
    type_set_flags(m, 0, TYPE_PINNED);
    rc = table_put(ctx, m, w & TYPE_PARKED);
    if (rc == -XEN_EAGAIN)
        type_set_flags(m, TYPE_PARKED, 0);
    return rc;
}

/* ---- One entry ---- */

/* Both present, and alike in these fields? */
static inline bool entry_alike(uint64_t old, uint64_t e, uint64_t fields)
{
    return (e & PTE_P) && ((old ^ e) & (fields | PTE_P)) == 0;
}

/* The processor sets accessed and dirty bits at any time: they are given to who replaces the entry, or stay, or the write waits. */
enum how { EXCHANGE, KEEP_AD, IF_SAME };

/* Write it.  *old: what was there (IF_SAME: what must be there; false: it isn't, and nothing is written). */
static inline bool entry_write(uint64_t *slot, uint64_t e, enum how how, uint64_t *old)
{
    if (how == IF_SAME)
        return swap(slot, old, e);
    if (likely(how == EXCHANGE)) {
        *old = __atomic_exchange_n(slot, e, __ATOMIC_SEQ_CST);
        return true;
    }
    *old = load(slot);
    while (!swap(slot, old, e | (*old & (PTE_A | PTE_D))))
        ;
    return true;
}

static inline int leaf_replace(const struct ptype_ctx *ctx, uint64_t *slot, uint64_t e, enum how how, uint64_t old)
{
    int rc;

    /* The same frame, used in the same way: the references stay. */
    if (entry_alike(load(slot), e, PTE_ADDR | PTE_RW | PTE_GNTTAB) && !(e & levels[FT_L1].bad)) {
        rc = frame_is_ram(pte_mfn(e)) ? leaf_cache_check(e) : 0;
        if (rc == 0 && !entry_write(slot, (e | PTE_US) & ~PTE_G, how, &old))
            rc = -XEN_EAGAIN;
        return rc;
    }
    rc = ptype_leaf_get(ctx, &e);
    if (rc == 0) {
        bool done = entry_write(slot, e, how, &old);

        ptype_leaf_put(done ? old : e);
        rc = done ? 0 : -XEN_EAGAIN;
    }
    return rc;
}

static int entry_replace(const struct ptype_ctx *ctx, mfn_t m, enum frame_type type, uint64_t *slot, uint64_t e,
                         enum how how, mfn_t *deferred)
{
    uint64_t old;
    int rc;

    if (entry_alike(load(slot), e, PTE_ADDR) && !entry_is_linear(type, e)) {
        if (e & levels[type].bad)
            return -XEN_EINVAL;
        entry_write(slot, e | PTE_US, how, &old);
        return 0;
    }
    rc = entry_get(ctx, m, type, &e);
    if (rc == -XEN_EAGAIN || rc == -XEN_ENOTEMPTY)
        ptype_park(pte_mfn(e));
    if (rc == -XEN_ENOTEMPTY) {
        *deferred = pte_mfn(e);
        return -XEN_EINVAL;
    }
    if (rc)
        return rc;
    entry_write(slot, e, how, &old);
    if (entry_put(ctx, m, type, old) == -XEN_EAGAIN) {
        *deferred = pte_mfn(old);
        if (entry_is_linear(type, old))
            linear_uncount(m, *deferred);
        ptype_park(*deferred);
    }
    return 0;
}

int ptype_set_entry(const struct ptype_ctx *ctx, mfn_t m, unsigned index, uint64_t val, bool preserve_ad,
                    mfn_t *deferred)
{
    enum frame_type type = (enum frame_type)ptype_level(m);
    enum how how = preserve_ad ? KEEP_AD : EXCHANGE;
    uint64_t *t;
    int rc;

    *deferred = MFN_NONE;
    if (type == FT_NONE || (index >= levels[type].hv_first && index < levels[type].hv_end))
        return -XEN_EINVAL;
    t = frame_map(m);
    rc = type == FT_L1 ? leaf_replace(ctx, &t[index], val, how, 0) : entry_replace(ctx, m, type, &t[index], val, how, deferred);
    frame_unmap(t);
    return rc;
}

int ptype_swap_leaf(const struct ptype_ctx *ctx, mfn_t m, unsigned index, uint64_t was, uint64_t val)
{
    uint64_t *t = frame_map(m);
    int rc = leaf_replace(ctx, &t[index], val, IF_SAME, was);

    frame_unmap(t);
    return rc;
}

bool ptype_pinned(mfn_t m)
{
    return load(&frame_of(m)->type) & TYPE_PINNED;
}

/* ---- Audit ---- */

struct audit {
    const uint16_t owner;
    unsigned faults;
    uint32_t *refs, *uses; /* of each frame: what entries of validated tables hold */
    uint32_t *linear;      /* of each table: its linear entries to others, and << 16: others' to it */
};

static void audit_fault(struct audit *a, mfn_t m, const char *what)
{
    log_err("ptype: %s: frame %lx ref %016lx type %016lx\n", what, m.n, frame_of(m)->ref, frame_of(m)->type);
    a->faults++;
}

/* Counted at the frame it leads to; which may be another domain's, or by mistake nobody's. */
static void audit_ref(struct audit *a, mfn_t to)
{
    if (!ref_used(load(&frame_of(to)->ref)))
        audit_fault(a, to, "P3: a table leads to it, but it is free");
    a->refs[to.n]++;
}

static void audit_leaf(struct audit *a, uint64_t e)
{
    mfn_t to = pte_mfn(e);

    audit_ref(a, to);
    if (!(e & PTE_RW))
        return;
    a->uses[to.n]++;
    if (TYPE_OF(load(&frame_of(to)->type)) != FT_WRITABLE)
        audit_fault(a, to, "P2: mapped writable, but of another type");
}

static void audit_linear(struct audit *a, mfn_t m, uint64_t e, bool may_be_partial)
{
    mfn_t to = pte_mfn(e);
    uint64_t w = load(&frame_of(to)->type);

    if (e & PTE_RW)
        audit_fault(a, m, "P8: maps a table of its own level writable");
    if (mfn_eq(m, to))
        return;
    audit_ref(a, to);
    a->uses[to.n]++;
    a->linear[m.n]++;
    a->linear[to.n] += 1u << 16;
    if (!(w & TYPE_VALIDATED) && !may_be_partial)
        audit_fault(a, to, "P8: a linear entry leads to it, but it is not validated");
}

static void audit_lower(struct audit *a, mfn_t m, enum frame_type type, uint64_t e, bool may_be_partial)
{
    mfn_t to = pte_mfn(e);
    uint64_t w = load(&frame_of(to)->type);

    if (entry_is_linear(type, e)) {
        audit_linear(a, m, e, may_be_partial);
        return;
    }
    audit_ref(a, to);
    a->uses[to.n]++;
    if (TYPE_OF(w) != (enum frame_type)(type - 1))
        audit_fault(a, to, "P1: in use as a table of another level");
    if (!(w & TYPE_VALIDATED) && !may_be_partial)
        audit_fault(a, to, "P5: a table leads to it, but it is not validated");
}

static void audit_table(struct audit *a, mfn_t m, uint64_t w)
{
    enum frame_type type = TYPE_OF(w);
    unsigned end = w & TYPE_PARTIAL ? MIN(TYPE_FILLED(w), PTE_ENTRIES) : PTE_ENTRIES;
    uint64_t *t = frame_map(m);

    for (unsigned n = 0; n < end; n++) {
        uint64_t e = READ_ONCE(t[n]);

        if ((n >= levels[type].hv_first && n < levels[type].hv_end) || !(e & PTE_P) || !frame_is_ram(pte_mfn(e)))
            continue;
        if (type == FT_L1)
            audit_leaf(a, e);
        else
            audit_lower(a, m, type, e, (w & TYPE_PARTIAL) && n + 1 == end);
    }
    frame_unmap(t);
}

static bool is_table(uint64_t w)
{
    return (w & TYPE_COUNT_MASK) && TYPE_OF(w) >= FT_L1 && TYPE_OF(w) <= FT_L4;
}

static void audit_frame(struct audit *a, mfn_t m)
{
    uint64_t w = load(&frame_of(m)->type), ref = load(&frame_of(m)->ref);

    if ((ref & REF_COUNT_MASK) < a->refs[m.n])
        audit_fault(a, m, "P3: fewer references than entries");
    if ((w & TYPE_COUNT_MASK) < a->uses[m.n])
        audit_fault(a, m, "P3: fewer uses than entries");
    if (is_table(w) && !(w & TYPE_VALIDATED) == !(w & TYPE_PARTIAL))
        audit_fault(a, m, "P5: neither or both of validated and partial");
    if ((w & TYPE_PARTIAL) && TYPE_FILLED(w) > PTE_ENTRIES)
        audit_fault(a, m, "P5: more entries counted than there are");
    if ((w & TYPE_PARKED) && (!(w & TYPE_PARTIAL) || (w & TYPE_COUNT_MASK) != 1))
        audit_fault(a, m, "P6: parked, but not partial, or somebody's");
    if ((w & TYPE_PINNED) && (w & TYPE_COUNT_MASK) <= a->uses[m.n])
        audit_fault(a, m, "P7: pinned without a use");
    if (is_table(w) && TYPE_OF(w) != FT_L1 &&
        a->linear[m.n] != (w & TYPE_SOURCE ? TYPE_LINEAR(w) : TYPE_LINEAR(w) << 16))
        audit_fault(a, m, "P9: linear entries miscounted, or both ways");
}

static void audit_each(struct audit *a, void (*fn)(struct audit *, mfn_t))
{
    for (unsigned r = 0; r < nr_ram_ranges; r++)
        for (uint64_t n = ram_ranges[r].first; n < ram_ranges[r].end; n++)
            if ((load(&frames[n].ref) & REF_COUNT_MASK) && ref_owner(load(&frames[n].ref)) == a->owner)
                fn(a, MFN(n));
}

static void audit_collect(struct audit *a, mfn_t m)
{
    uint64_t w = load(&frame_of(m)->type);

    if (is_table(w))
        audit_table(a, m, w);
}

unsigned ptype_audit(uint16_t owner)
{
    struct audit a = { .owner = owner };

    a.refs = mem_alloc(nr_frames * sizeof(*a.refs));
    a.uses = mem_alloc(nr_frames * sizeof(*a.uses));
    a.linear = mem_alloc(nr_frames * sizeof(*a.linear));
    if (a.refs && a.uses && a.linear) {
        audit_each(&a, audit_collect);
        audit_each(&a, audit_frame);
    } else {
        log_err("ptype: no memory for the audit\n");
        a.faults = 1;
    }
    mem_free(a.refs);
    mem_free(a.uses);
    mem_free(a.linear);
    return a.faults;
}
