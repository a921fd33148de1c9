/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables: hypercall 20, mapping and unmapping; beside it grant_copy.c, grant_cache.c, and grant_table.c for the
 * tables and their life.  The rules are core/grant.c's; here are locks, references to frames, page tables
 * (kern/grant_host.h), TLB flushes and the guest's arrays.
 *
 * A hypercall runs over its array in chunks; what is kept between elements is in one struct grant_batch, and
 * batch_end() settles it whatever happened: mappings removed so far wait in a list (through their map-track entries)
 * for ONE flush, and only then their references are dropped and the granters see their entries unused.
 *
 * Locks: struct grant_domain has two, both RANK_GRANT and never held together.  `lock` guards the table (as granter),
 * of one domain at a time; `maps_lock` the free list of map-track entries.  A busy map-track entry belongs to who made
 * it busy, without lock.  No lock is held over grant_host_*() (RANK_PT is below).
 *
 * References: each mapping (host and device count apart) holds an existence reference on the frame, a writable one too
 * unless it is read-only; a host mapping's belong to the page-table entry (kern/grant_host.h).  Each map-track entry
 * holds a reference to the granting domain.  A copy holds its own for as long as it lasts.
 */
#include "core/nospec.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/grant_host.h"
#include "kern/grant_parts.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "x86/alloc.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/tlb.h"
#include "x86/trace.h"

#define CHUNK  16           /* elements between two looks at preempt_needed() */
#define CHUNKS 16           /* in a batch: for so many a flush is put off */
#define ELEMENT_MAX 40      /* bytes */

/* ---- frames and entries ---- */

static bool frame_ref(mfn_t m, struct domain *owner, bool readonly)
{
    return readonly ? frame_get(m, owner) : frame_get_writable(m, owner);
}

void grant_frame_unref(mfn_t m, bool readonly, unsigned count)
{
    for (; count; count--) {
        if (readonly)
            frame_put(m);
        else
            frame_put_writable(m);
    }
}

inline int16_t grant_gfn_ref(struct domain *d, uint64_t gfn, bool readonly, mfn_t *m)
{
    if (gfn_to_mfn_get(d, GFN(gfn), !readonly, m))
        return GNTST_okay;
    if (readonly || !gfn_to_mfn_get(d, GFN(gfn), false, m))
        return GNTST_bad_page;
    frame_put(*m);
    return GNTST_general_error; /* it is there but in use as something that can't be written */
}

/* Take w->count references to the frame of an entry just pinned.  [d's grant lock] */
static int16_t entry_ref(struct domain *d, const struct grant_want *w, struct grant_active *a)
{
    mfn_t m = MFN(a->content.frame);
    unsigned have = 0;

    if (!a->content.translated) {
        int16_t rc = grant_gfn_ref(d, m.n, w->readonly, &m);

        if (rc != GNTST_okay)
            return rc;
        grant_pin_frame(a, m);
        have = 1;
    }
    for (; have < w->count; have++) {
        if (!frame_ref(m, d, w->readonly)) {
            grant_frame_unref(m, w->readonly, have);
            return GNTST_general_error;
        }
    }
    return GNTST_okay;
}

int16_t grant_entry_get(struct domain *d, const struct grant_want *w, struct grant_content *c)
{
    struct grant_domain *g = d->grant;
    struct grant_active *a;
    int16_t rc;

    lock(&g->lock);
    rc = grant_pin(&g->table, w, &a);
    if (rc == GNTST_okay && a->content.kind != GRANT_TRANSITIVE) {
        rc = entry_ref(d, w, a);
        if (rc != GNTST_okay)
            grant_unpin(&g->table, w->ref, w->readonly, w->count);
    }
    if (rc == GNTST_okay)
        *c = a->content;
    unlock(&g->lock);
    return rc;
}

void grant_entry_unpin(struct domain *d, grant_ref_t ref, bool readonly, unsigned count)
{
    lock(&d->grant->lock);
    grant_unpin(&d->grant->table, ref, readonly, count);
    unlock(&d->grant->lock);
}

/* ---- a batch ---- */

inline struct domain *grant_batch_peer(struct grant_batch *b, domid_t id)
{
    if (b->peer && b->peer->id == id)
        return b->peer;
    if (b->peer)
        domain_put(b->peer);
    b->peer = domain_get(id);
    if (b->peer && (b->peer->is_dying || !b->peer->grant)) {
        domain_put(b->peer);
        b->peer = NULL;
    }
    return b->peer;
}

static struct grant_map *list_pop(struct grant_maps *maps, grant_handle_t *list, grant_handle_t *h)
{
    struct grant_map *m = grant_map_of(maps, *list);

    *h = *list;
    *list = m->next;
    return m;
}

static void list_push(struct grant_map *m, grant_handle_t h, grant_handle_t *list)
{
    m->next = *list;
    *list = h;
}

/* A busy map-track entry: as many as the chunk may need are taken under one lock. */
static struct grant_map *batch_map_take(struct grant_batch *b, grant_handle_t *h)
{
    struct grant_domain *g = b->d->grant;

    if (b->spare == GRANT_NO_HANDLE) {
        lock(&g->maps_lock);
        b->spare = grant_maps_take(&g->maps, b->left);
        unlock(&g->maps_lock);
    }
    return b->spare == GRANT_NO_HANDLE ? NULL : list_pop(&g->maps, &b->spare, h);
}

/* Drop what a zapped mapping's uses held. */
static void zapped_release(struct grant_map *m)
{
    bool readonly = m->flags & GNTMAP_readonly;
    unsigned n = grant_map_uses(m->drop);

    grant_frame_unref(m->frame, readonly, n);
    grant_entry_unpin(m->granter, m->ref, readonly, n);
    m->flags &= (uint8_t)~m->drop;
    COUNT(grant_unmap);
    TRACE(TRC_MEM_PAGE_GRANT_UNMAP, m->dom);
}

/* What was unmapped is gone from every TLB, its references are dropped, and the granters see it.  Entries without mapping are
 * spare (and free at the batch's end), the others live on. */
static void batch_settle(struct grant_batch *b)
{
    if (b->flush)
        tlb_flush_mask(&b->d->dirty_cpus);
    b->flush = false;
    while (b->zapped != GRANT_NO_HANDLE) {
        grant_handle_t h;
        struct grant_map *m = list_pop(&b->d->grant->maps, &b->zapped, &h);

        zapped_release(m);
        if (grant_map_uses(m->flags)) {
            grant_map_publish(m);
            continue;
        }
        domain_put(m->granter);
        list_push(m, h, &b->spare);
    }
}

static void batch_end(struct grant_batch *b)
{
    struct grant_domain *g = b->d->grant;

    if (b->flush || b->zapped != GRANT_NO_HANDLE)
        batch_settle(b);
    if (b->spare != GRANT_NO_HANDLE) {
        lock(&g->maps_lock);
        grant_maps_give(&g->maps, b->spare);
        unlock(&g->maps_lock);
    }
    if (b->src.page)
        grant_side_release(&b->src);
    if (b->dst.page)
        grant_side_release(&b->dst);
    if (b->peer)
        domain_put(b->peer);
}

typedef void element_fn(struct grant_batch *b, void *element);

static ALWAYS_INLINE long batch_chunk(struct grant_batch *b, struct hcall *c, size_t size, element_fn *fn)
{
    unsigned n = (unsigned)MIN(c->arg[2], (uint64_t)CHUNK);
    uint64_t buf[CHUNK * ELEMENT_MAX / 8];

    if (copy_from_guest(buf, c->arg[1], n * size))
        return -XEN_EFAULT;
    for (unsigned i = 0; i < n; i++) {
        b->left = n - i;
        fn(b, (char *)buf + i * size);
    }
    if (copy_to_guest(c->arg[1], buf, n * size))
        return -XEN_EFAULT;
    c->arg[1] += n * size;
    c->arg[2] -= n;
    return 0;
}

/* Field by field: what is behind a side's `page` counts only while that is there. */
static void batch_begin(struct grant_batch *b)
{
    b->d = current->domain;
    b->peer = NULL;
    b->flush = false;
    b->zapped = b->spare = GRANT_NO_HANDLE;
    b->src.page = b->dst.page = NULL;
    b->src.writable = false;
    b->dst.writable = true;
}

/* Run fn on each element of the guest's array; it puts the element's status into it. */
static ALWAYS_INLINE long batch_run(struct hcall *c, size_t size, element_fn *fn)
{
    struct grant_batch b;
    long rc;

    if (!c->arg[2])
        return 0;
    batch_begin(&b);
    for (unsigned n = 1; !(rc = batch_chunk(&b, c, size, fn)) && c->arg[2]; n++) {
        if (preempt_needed()) {
            rc = hcall_again(c);
            break;
        }
        if (n % CHUNKS == 0) {
            batch_end(&b);
            batch_begin(&b);
        }
    }
    batch_end(&b); /* what waited for the flush is not preempted */
    return rc;
}

/* Out of line, for what is rare. */
static __attribute__((noinline)) long batch_rare(struct hcall *c, size_t size, element_fn *fn)
{
    return batch_run(c, size, fn);
}

/* ---- map and unmap ---- */

/* The references taken for a host mapping go to the page-table entry. */
static int16_t map_host(struct grant_batch *b, const gnttab_map_grant_ref_t *op, mfn_t frame)
{
    int rc;

    if (!(op->flags & GNTMAP_host_map))
        return GNTST_okay;
    rc = grant_host_map(b->d, op->host_addr, op->flags & GNTMAP_contains_pte, frame, op->flags & GNTMAP_readonly,
                        op->flags);
    if (rc < 0)
        return GNTST_general_error;
    b->flush |= rc > 0;
    return GNTST_okay;
}

static int16_t map_enter(struct grant_batch *b, const gnttab_map_grant_ref_t *op, struct domain *granter, mfn_t *frame)
{
    struct grant_want w = { .ref = op->ref, .who = b->d->id, .readonly = op->flags & GNTMAP_readonly,
                            .use = GRANT_FOR_MAP, .count = (uint8_t)grant_map_uses(op->flags) };
    struct grant_content c;
    int16_t rc = grant_entry_get(granter, &w, &c);

    if (rc != GNTST_okay)
        return rc;
    *frame = MFN(c.frame);
    rc = map_host(b, op, *frame);
    if (rc != GNTST_okay) {
        grant_frame_unref(*frame, w.readonly, w.count);
        grant_entry_unpin(granter, w.ref, w.readonly, w.count);
    }
    return rc;
}

static int16_t map_try(struct grant_batch *b, gnttab_map_grant_ref_t *op)
{
    struct domain *granter;
    struct grant_map *m;
    grant_handle_t h;
    mfn_t frame;
    int16_t rc;

    if (!grant_map_uses(op->flags))
        return GNTST_bad_gntref;
    granter = op->dom == DOMID_SELF ? NULL : grant_batch_peer(b, op->dom);
    if (!granter)
        return GNTST_bad_domain;
    m = batch_map_take(b, &h);
    if (!m)
        return GNTST_no_space;
    rc = map_enter(b, op, granter, &frame);
    if (rc != GNTST_okay) {
        list_push(m, h, &b->spare);
        return rc;
    }
    domain_hold(granter);
    m->frame = frame;
    m->granter = granter;
    m->ref = op->ref;
    m->dom = granter->id;
    m->flags = op->flags & (GNTMAP_host_map | GNTMAP_device_map | GNTMAP_readonly | GNTMAP_contains_pte);
    grant_map_publish(m);
    COUNT(grant_map);
    TRACE(TRC_MEM_PAGE_GRANT_MAP, m->dom);
    op->handle = h;
    op->dev_bus_addr = mfn_to_maddr(frame);
    return GNTST_okay;
}

static void element_map(struct grant_batch *b, void *element)
{
    gnttab_map_grant_ref_t *op = element;

    op->status = map_try(b, op);
}

/* unmap_grant_ref and unmap_and_replace. */
struct unmap {
    uint64_t host_addr, dev_addr, new_addr; /* 0: leave it, or none */
    grant_handle_t handle;
};

/* A live entry, made busy.  If it waits for a flush of this very batch, that comes first. */
static inline struct grant_map *batch_map_claim(struct grant_batch *b, grant_handle_t h)
{
    const struct grant_maps *maps = &b->d->grant->maps;
    grant_handle_t limit = grant_maps_limit(maps);
    struct grant_map *m;

    if (h >= limit)
        return NULL;
    m = grant_map_of(maps, (grant_handle_t)index_clamp(h, limit));
    if (!grant_map_claim(m)) {
        if (b->zapped == GRANT_NO_HANDLE)
            return NULL;
        batch_settle(b);
        if (!grant_map_claim(m))
            return NULL;
    }
    m->drop = 0;
    return m;
}

static ALWAYS_INLINE int unmap_host(struct grant_batch *b, const struct grant_map *m, const struct unmap *u)
{
    bool contains_pte = m->flags & GNTMAP_contains_pte, readonly = m->flags & GNTMAP_readonly;

    if (!u->new_addr)
        return grant_host_unmap(b->d, u->host_addr, contains_pte, m->frame, readonly);
    if (contains_pte)
        return -XEN_EOPNOTSUPP;
    return grant_host_replace(b->d, u->host_addr, m->frame, readonly, u->new_addr);
}

/* Remove the page-table entry; m->drop says what is to be released after the flush. */
static ALWAYS_INLINE int16_t unmap_zap(struct grant_batch *b, struct grant_map *m, const struct unmap *u)
{
    if (u->dev_addr && u->dev_addr != mfn_to_maddr(m->frame))
        return GNTST_general_error;
    if (u->host_addr && (m->flags & GNTMAP_host_map)) {
        if (unmap_host(b, m, u))
            return GNTST_general_error;
        m->drop |= GNTMAP_host_map;
        b->flush = true;
    }
    if (u->dev_addr && (m->flags & GNTMAP_device_map))
        m->drop |= GNTMAP_device_map;
    return GNTST_okay;
}

static ALWAYS_INLINE int16_t unmap_try(struct grant_batch *b, const struct unmap *u)
{
    struct grant_map *m = batch_map_claim(b, u->handle);
    int16_t rc;

    if (!m)
        return GNTST_bad_handle;
    rc = unmap_zap(b, m, u);
    if (m->drop)
        list_push(m, u->handle, &b->zapped);
    else
        grant_map_publish(m);
    return rc;
}

static void element_unmap(struct grant_batch *b, void *element)
{
    gnttab_unmap_grant_ref_t *op = element;
    struct unmap u = { .host_addr = op->host_addr, .dev_addr = op->dev_bus_addr, .handle = op->handle };

    op->status = unmap_try(b, &u);
}

static void element_replace(struct grant_batch *b, void *element)
{
    gnttab_unmap_and_replace_t *op = element;
    struct unmap u = { .host_addr = op->host_addr, .new_addr = op->new_addr, .handle = op->handle };

    op->status = unmap_try(b, &u);
}

/* ---- transfer, swap ---- */

/* Give a frame that is nobody's to the domain that offered the entry for it. */
static int16_t transfer_give(struct grant_batch *b, const gnttab_transfer_t *op, mfn_t m)
{
    struct domain *to = op->domid == DOMID_SELF ? NULL : grant_batch_peer(b, op->domid);
    struct grant_table *t;
    gfn_t slot;
    int16_t rc;

    if (!to)
        return GNTST_bad_domain;
    t = &to->grant->table;
    lock(&to->grant->lock);
    rc = grant_transfer_begin(t, op->ref, b->d->id, m, &slot);
    if (rc == GNTST_okay) {
        if (frame_assign(to, m)) {
            grant_transfer_end(t, op->ref, MFN_NONE);
            rc = GNTST_general_error;
        } else {
            grant_host_frame_moved(to, m, slot);
            grant_transfer_end(t, op->ref, m);
        }
    }
    unlock(&to->grant->lock);
    return rc;
}

/* As the ABI says, the frame is the caller's no more once it was found good, whatever comes then. */
static int16_t transfer_try(struct grant_batch *b, const gnttab_transfer_t *op)
{
    mfn_t m = MFN(op->mfn);
    int16_t rc;

    if (frame_steal(b->d, m))
        return GNTST_bad_page;
    rc = transfer_give(b, op, m);
    TRACE(TRC_MEM_PAGE_GRANT_TRANSFER, op->domid);
    if (rc != GNTST_okay)
        frames_free(m, 0);
    return rc;
}

static void element_transfer(struct grant_batch *b, void *element)
{
    gnttab_transfer_t *op = element;

    op->status = transfer_try(b, op);
}

static void element_swap(struct grant_batch *b, void *element)
{
    gnttab_swap_grant_ref_t *op = element;
    struct grant_domain *g = b->d->grant;

    lock(&g->lock);
    op->status = grant_swap(&g->table, op->ref_a, op->ref_b);
    unlock(&g->lock);
}

/* ---- the hypercall ---- */

static void element_copy(struct grant_batch *b, void *element)
{
    gnttab_copy_t *op = element;

    op->status = grant_copy_one(b, op);
}

/* The loops that matter, each compiled for its element. */
static __attribute__((noinline)) long map_run(struct hcall *c)
{
    return batch_run(c, sizeof(gnttab_map_grant_ref_t), element_map);
}

static __attribute__((noinline)) long unmap_run(struct hcall *c)
{
    return batch_run(c, sizeof(gnttab_unmap_grant_ref_t), element_unmap);
}

static __attribute__((noinline)) long copy_run(struct hcall *c)
{
    return batch_run(c, sizeof(gnttab_copy_t), element_copy);
}

long do_grant_table_op(struct hcall *c)
{
    c->arg[2] = (uint32_t)c->arg[2];
    if ((int32_t)c->arg[2] < 0)
        return -XEN_EINVAL;
    if (!current->domain->grant)
        return -XEN_ENOSYS;
    switch ((uint32_t)c->arg[0]) {
    case GNTTABOP_map_grant_ref:     return map_run(c);
    case GNTTABOP_unmap_grant_ref:   return unmap_run(c);
    case GNTTABOP_unmap_and_replace: return batch_rare(c, sizeof(gnttab_unmap_and_replace_t), element_replace);
    case GNTTABOP_copy:              return copy_run(c);
    case GNTTABOP_transfer:          return batch_rare(c, sizeof(gnttab_transfer_t), element_transfer);
    case GNTTABOP_swap_grant_ref:    return batch_rare(c, sizeof(gnttab_swap_grant_ref_t), element_swap);
    }
    return ((uint32_t)c->arg[0] & GRANT_CMD_MASK) == GNTTABOP_cache_flush ? grant_cache_flush(c) : grant_table_control(c);
}
