/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables: hypercall 20 and a domain's grant life.  The rules are core/grant.c's; here are locks, references to
 * frames, page tables (kern/grant_host.h), TLB flushes and the guest's arrays.
 *
 * A hypercall runs over its array in chunks; what is kept between elements is in one struct batch, and batch_end()
 * settles it whatever happened: mappings removed so far wait in a list (through their map-track entries) for
 * ONE flush, and only then their references are dropped and the granters see their entries unused.
 *
 * Locks: struct grant_domain has two, both RANK_GRANT and never held together.  `lock` guards the table (as granter), of
 * one domain at a time; `maps_lock` the free list of map-track entries.  A busy map-track entry belongs to who made it busy,
 * without lock.  No lock is held over grant_host_*() (RANK_PT is below).
 *
 * References: each mapping (host and device count apart) holds an existence reference on the frame, a writable one too unless
 * it is read-only; a host mapping's belong to the page-table entry (kern/grant_host.h).  Each map-track entry holds
 * a reference to the granting domain.  A copy holds its own for as long as it lasts.
 */
#include "kern/grant.h"
#include "core/grant.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/grant_host.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "x86/alloc.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/lock.h"
#include "x86/smp.h"
#include <xen/memory.h>

#define CHUNK 16            /* elements between two looks at preempt_needed() */
#define ELEMENT_MAX 40      /* bytes */
#define DUMP_LINES 200
#define FRAMES_LIMIT 65536u /* no command line may ask for more frames of a table */
#define KILL_STRIDE 64u

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

struct batch {
    struct domain *d;        /* the caller */
    struct domain *peer;     /* last domain named, held */
    unsigned left;           /* elements left in this chunk */
    bool flush;              /* translations were removed that a TLB may hold */
    grant_handle_t zapped;   /* list: unmapped, to be released after the flush */
    grant_handle_t spare;    /* list: busy entries without mapping */
    struct copy_side src, dst;
};

unsigned grant_opt_max_frames = 64, grant_opt_max_maptrack = 1024, grant_opt_max_version = 2;

static void flush_domain(struct domain *d)
{
    tlb_flush_mask(&d->dirty_cpus);
}

/* ---- frames and entries ---- */

static bool frame_ref(mfn_t m, struct domain *owner, bool readonly)
{
    return readonly ? frame_get(m, owner) : frame_get_writable(m, owner);
}

static void frame_unref(mfn_t m, bool readonly, unsigned count)
{
    for (; count; count--) {
        if (readonly)
            frame_put(m);
        else
            frame_put_writable(m);
    }
}

static int16_t gfn_ref(struct domain *d, uint64_t gfn, bool readonly, mfn_t *m)
{
    if (gfn_to_mfn_get(d, GFN(gfn), !readonly, m))
        return GNTST_okay;
    if (readonly || !gfn_to_mfn_get(d, GFN(gfn), false, m))
        return GNTST_bad_page;
    frame_put(*m);
    return GNTST_general_error; /* it is there but in use as something that can't be written */
}

/* Take w->count references to the frame of an entry just pinned.  [d's grant lock] */
static int16_t entry_ref(struct domain *d, const struct grant_want *w, struct grant_content *c)
{
    mfn_t m = MFN(c->frame);
    unsigned have = 0;

    if (!c->translated) {
        int16_t rc = gfn_ref(d, c->frame, w->readonly, &m);

        if (rc != GNTST_okay)
            return rc;
        grant_pin_frame(&d->grant->table, w->ref, m);
        c->frame = m.n;
        have = 1;
    }
    for (; have < w->count; have++) {
        if (!frame_ref(m, d, w->readonly)) {
            frame_unref(m, w->readonly, have);
            return GNTST_general_error;
        }
    }
    return GNTST_okay;
}

/* Pin an entry of d's and take references to its frame (a transitive one has none).  GNTST_*, all or nothing. */
static int16_t entry_get(struct domain *d, const struct grant_want *w, struct grant_content *c)
{
    struct grant_domain *g = d->grant;
    int16_t rc;

    lock(&g->lock);
    rc = grant_pin(&g->table, w, c);
    if (rc == GNTST_okay && c->kind != GRANT_TRANSITIVE) {
        rc = entry_ref(d, w, c);
        if (rc != GNTST_okay)
            grant_unpin(&g->table, w->ref, w->readonly, w->count);
    }
    unlock(&g->lock);
    return rc;
}

static void entry_unpin(struct domain *d, grant_ref_t ref, bool readonly, unsigned count)
{
    lock(&d->grant->lock);
    grant_unpin(&d->grant->table, ref, readonly, count);
    unlock(&d->grant->lock);
}

/* ---- a batch ---- */

/* The domain that an element names; held until the batch names another or ends.  NULL: none, or it dies. */
static struct domain *batch_peer(struct batch *b, domid_t id)
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
    struct grant_map *m = grant_map_at(maps, *list);

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
static struct grant_map *batch_map_take(struct batch *b, grant_handle_t *h)
{
    struct grant_domain *g = b->d->grant;

    if (b->spare == GRANT_NO_HANDLE) {
        lock(&g->maps_lock);
        for (unsigned i = 0; i < b->left; i++) {
            grant_handle_t n = grant_map_take(&g->maps);

            if (n == GRANT_NO_HANDLE)
                break;
            list_push(grant_map_at(&g->maps, n), n, &b->spare);
        }
        unlock(&g->maps_lock);
    }
    return b->spare == GRANT_NO_HANDLE ? NULL : list_pop(&g->maps, &b->spare, h);
}

static void batch_spare_return(struct batch *b)
{
    struct grant_domain *g = b->d->grant;

    if (b->spare == GRANT_NO_HANDLE)
        return;
    lock(&g->maps_lock);
    while (b->spare != GRANT_NO_HANDLE) {
        grant_handle_t h;

        list_pop(&g->maps, &b->spare, &h);
        grant_map_give(&g->maps, h);
    }
    unlock(&g->maps_lock);
}

static unsigned map_uses(unsigned flags)
{
    return (flags & GNTMAP_host_map ? 1 : 0) + (flags & GNTMAP_device_map ? 1 : 0);
}

/* Take back the pins of all zapped mappings; a granter's lock is kept for those that follow each other. */
static void zapped_unpin(struct batch *b)
{
    struct grant_maps *maps = &b->d->grant->maps;
    struct grant_domain *held = NULL;
    unsigned run = 0;

    for (grant_handle_t h = b->zapped; h != GRANT_NO_HANDLE; h = grant_map_at(maps, h)->next) {
        struct grant_map *m = grant_map_at(maps, h);
        struct grant_domain *g = ((struct domain *)m->granter)->grant;

        if (held && (held != g || ++run == CHUNK)) {
            unlock(&held->lock);
            held = NULL;
        }
        if (!held) {
            lock(&g->lock);
            held = g;
            run = 0;
        }
        grant_unpin(&g->table, m->ref, m->flags & GNTMAP_readonly, map_uses(m->drop));
    }
    if (held)
        unlock(&held->lock);
}

/* Entries without mapping are spare (and free at the batch's end), the others live on. */
static void zapped_settle(struct batch *b)
{
    while (b->zapped != GRANT_NO_HANDLE) {
        grant_handle_t h;
        struct grant_map *m = list_pop(&b->d->grant->maps, &b->zapped, &h);

        m->flags &= (uint8_t)~m->drop;
        m->drop = 0;
        COUNT(grant_unmap);
        if (map_uses(m->flags)) {
            grant_map_publish(m);
            continue;
        }
        domain_put(m->granter);
        list_push(m, h, &b->spare);
    }
}

/* What was unmapped is gone from every TLB, its references are dropped, and the granters see it. */
static void batch_settle(struct batch *b)
{
    struct grant_maps *maps = &b->d->grant->maps;

    if (b->flush)
        flush_domain(b->d);
    b->flush = false;
    for (grant_handle_t h = b->zapped; h != GRANT_NO_HANDLE; h = grant_map_at(maps, h)->next) {
        const struct grant_map *m = grant_map_at(maps, h);

        frame_unref(m->frame, m->flags & GNTMAP_readonly, map_uses(m->drop));
    }
    zapped_unpin(b);
    zapped_settle(b);
}

static void side_release(struct copy_side *s);

static void batch_end(struct batch *b)
{
    batch_settle(b);
    batch_spare_return(b);
    side_release(&b->src);
    side_release(&b->dst);
    if (b->peer)
        domain_put(b->peer);
}

typedef void element_fn(struct batch *b, void *element);

static long batch_chunk(struct batch *b, struct hcall *c, size_t size, element_fn *fn)
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

/* Run fn on each element of the guest's array; it puts the element's status into it. */
static long batch_run(struct hcall *c, size_t size, element_fn *fn)
{
    struct batch b = { .d = current->domain, .zapped = GRANT_NO_HANDLE, .spare = GRANT_NO_HANDLE,
                       .dst.writable = true };
    long rc = 0;

    while (c->arg[2] && !rc && !c->again) {
        rc = batch_chunk(&b, c, size, fn);
        if (!rc && c->arg[2] && preempt_needed())
            rc = hcall_again(c);
    }
    batch_end(&b);
    return rc;
}

/* ---- map and unmap ---- */

/* The references taken for a host mapping go to the page-table entry. */
static int16_t map_host(struct batch *b, const gnttab_map_grant_ref_t *op, mfn_t frame)
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

static int16_t map_enter(struct batch *b, const gnttab_map_grant_ref_t *op, struct domain *granter, mfn_t *frame)
{
    struct grant_want w = { .ref = op->ref, .who = b->d->id, .readonly = op->flags & GNTMAP_readonly,
                            .use = GRANT_FOR_MAP, .count = (uint8_t)map_uses(op->flags) };
    struct grant_content c;
    int16_t rc = entry_get(granter, &w, &c);

    if (rc != GNTST_okay)
        return rc;
    *frame = MFN(c.frame);
    rc = map_host(b, op, *frame);
    if (rc != GNTST_okay) {
        frame_unref(*frame, w.readonly, w.count);
        entry_unpin(granter, w.ref, w.readonly, w.count);
    }
    return rc;
}

static int16_t map_try(struct batch *b, gnttab_map_grant_ref_t *op)
{
    struct domain *granter;
    struct grant_map *m;
    grant_handle_t h;
    mfn_t frame;
    int16_t rc;

    if (!map_uses(op->flags))
        return GNTST_bad_gntref;
    granter = op->dom == DOMID_SELF ? NULL : batch_peer(b, op->dom);
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
    m->drop = 0;
    grant_map_publish(m);
    COUNT(grant_map);
    op->handle = h;
    op->dev_bus_addr = mfn_to_maddr(frame);
    return GNTST_okay;
}

static void element_map(struct batch *b, void *element)
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
static struct grant_map *batch_map_claim(struct batch *b, grant_handle_t h)
{
    struct grant_map *m = grant_map_at(&b->d->grant->maps, h);

    if (!m)
        return NULL;
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

static int unmap_host(struct batch *b, const struct grant_map *m, const struct unmap *u)
{
    bool contains_pte = m->flags & GNTMAP_contains_pte, readonly = m->flags & GNTMAP_readonly;

    if (!u->new_addr)
        return grant_host_unmap(b->d, u->host_addr, contains_pte, m->frame, readonly);
    if (contains_pte)
        return -XEN_EOPNOTSUPP;
    return grant_host_replace(b->d, u->host_addr, m->frame, readonly, u->new_addr);
}

/* Remove the page-table entry; m->drop says what is to be released after the flush. */
static int16_t unmap_zap(struct batch *b, struct grant_map *m, const struct unmap *u)
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

static int16_t unmap_try(struct batch *b, const struct unmap *u)
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

static void element_unmap(struct batch *b, void *element)
{
    gnttab_unmap_grant_ref_t *op = element;
    struct unmap u = { .host_addr = op->host_addr, .dev_addr = op->dev_bus_addr, .handle = op->handle };

    op->status = unmap_try(b, &u);
}

static void element_replace(struct batch *b, void *element)
{
    gnttab_unmap_and_replace_t *op = element;
    struct unmap u = { .host_addr = op->host_addr, .new_addr = op->new_addr, .handle = op->handle };

    op->status = unmap_try(b, &u);
}

/* ---- copy ---- */

static void side_release(struct copy_side *s)
{
    if (!s->page)
        return;
    frame_unmap(s->page);
    s->page = NULL;
    frame_unref(s->frame, !s->writable, 1);
    if (s->granter) {
        entry_unpin(s->granter, s->ref, !s->writable, 1);
        domain_put(s->granter);
    }
    if (s->via) {
        entry_unpin(s->via, s->via_ref, !s->writable, 1);
        domain_put(s->via);
    }
}

static void side_take(struct copy_side *s, struct domain *granter, grant_ref_t ref, const struct grant_content *c)
{
    s->granter = granter;
    s->ref = ref;
    s->frame = MFN(c->frame);
    s->start = c->start;
    s->end = (uint32_t)c->start + c->length;
}

/* `via` granted to the caller what it was granted itself: use the entry at the end, one step away and no further. */
static int16_t side_follow(struct copy_side *s, struct domain *via, struct grant_content *c)
{
    struct grant_want w = { .ref = (grant_ref_t)c->frame, .who = via->id, .readonly = !s->writable,
                            .use = GRANT_FOR_COPY_DIRECT, .count = 1 };
    struct domain *granter = c->via == DOMID_SELF || c->via == via->id ? NULL : domain_get(c->via);
    int16_t rc = GNTST_general_error;

    if (!granter)
        return rc;
    if (!granter->is_dying && granter->grant)
        rc = entry_get(granter, &w, c);
    if (rc == GNTST_okay)
        side_take(s, granter, w.ref, c);
    else
        domain_put(granter);
    return rc;
}

static int16_t side_ref(struct batch *b, struct copy_side *s)
{
    struct grant_want w = { .ref = (grant_ref_t)s->id, .who = b->d->id, .readonly = !s->writable,
                            .use = GRANT_FOR_COPY, .count = 1 };
    struct domain *d = batch_peer(b, s->dom == DOMID_SELF ? b->d->id : s->dom);
    struct grant_content c;
    int16_t rc = d ? entry_get(d, &w, &c) : GNTST_bad_domain;

    if (rc != GNTST_okay)
        return rc;
    if (c.kind != GRANT_TRANSITIVE) {
        side_take(s, d, w.ref, &c);
        domain_hold(d);
        return GNTST_okay;
    }
    rc = side_follow(s, d, &c);
    if (rc != GNTST_okay) {
        entry_unpin(d, w.ref, w.readonly, 1);
        return rc;
    }
    s->via = d;
    s->via_ref = w.ref;
    domain_hold(d);
    return GNTST_okay;
}

/* Make s the frame that the element names: often it is already. */
static int16_t side_set(struct batch *b, struct copy_side *s, const struct gnttab_copy_ptr *p, bool is_ref)
{
    uint64_t id = is_ref ? p->u.ref : p->u.gmfn;
    int16_t rc;

    if (s->page && s->is_ref == is_ref && s->id == id && s->dom == p->domid)
        return GNTST_okay;
    side_release(s);
    *s = (struct copy_side){ .writable = s->writable, .is_ref = is_ref, .dom = p->domid, .id = id, .end = PAGE_SIZE };
    if (!is_ref && p->domid != DOMID_SELF)
        return GNTST_permission_denied;
    rc = is_ref ? side_ref(b, s) : gfn_ref(b->d, id, !s->writable, &s->frame);
    if (rc == GNTST_okay)
        s->page = frame_map(s->frame);
    return rc;
}

static bool side_covers(const struct copy_side *s, uint32_t offset, uint32_t len)
{
    return offset >= s->start && offset + len <= s->end;
}

static int16_t copy_try(struct batch *b, const gnttab_copy_t *op)
{
    int16_t rc;

    if ((uint32_t)op->source.offset + op->len > PAGE_SIZE || (uint32_t)op->dest.offset + op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    rc = side_set(b, &b->src, &op->source, op->flags & GNTCOPY_source_gref);
    if (rc == GNTST_okay)
        rc = side_set(b, &b->dst, &op->dest, op->flags & GNTCOPY_dest_gref);
    if (rc != GNTST_okay)
        return rc;
    if (!side_covers(&b->src, op->source.offset, op->len) || !side_covers(&b->dst, op->dest.offset, op->len))
        return GNTST_general_error;
    if (mfn_eq(b->src.frame, b->dst.frame))
        memmove(b->dst.page + op->dest.offset, b->src.page + op->source.offset, op->len);
    else
        memcpy(b->dst.page + op->dest.offset, b->src.page + op->source.offset, op->len);
    COUNT(grant_copy);
    return GNTST_okay;
}

static void element_copy(struct batch *b, void *element)
{
    gnttab_copy_t *op = element;

    op->status = copy_try(b, op);
}

/* ---- transfer, swap ---- */

/* Give a frame that is nobody's to the domain that offered the entry for it. */
static int16_t transfer_give(struct batch *b, const gnttab_transfer_t *op, mfn_t m)
{
    struct domain *to = op->domid == DOMID_SELF ? NULL : batch_peer(b, op->domid);
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
static int16_t transfer_try(struct batch *b, const gnttab_transfer_t *op)
{
    mfn_t m = MFN(op->mfn);
    int16_t rc;

    if (frame_steal(b->d, m))
        return GNTST_bad_page;
    rc = transfer_give(b, op, m);
    if (rc != GNTST_okay)
        frames_free(m, 0);
    return rc;
}

static void element_transfer(struct batch *b, void *element)
{
    gnttab_transfer_t *op = element;

    op->status = transfer_try(b, op);
}

static void element_swap(struct batch *b, void *element)
{
    gnttab_swap_grant_ref_t *op = element;
    struct grant_domain *g = b->d->grant;

    lock(&g->lock);
    op->status = grant_swap(&g->table, op->ref_a, op->ref_b);
    unlock(&g->lock);
}

/* ---- the table's frames ---- */

/* Status frames for n frames of a version-2 table. [g->lock] */
static int status_grow(struct domain *d, unsigned n)
{
    struct grant_domain *g = d->grant;

    while (g->table.nr_status < grant_status_needed(n)) {
        mfn_t m = shared_frame_alloc(d, true);

        if (mfn_eq(m, MFN_NONE))
            return -XEN_ENOMEM;
        g->status[g->table.nr_status] = m;
        grant_table_add_status(&g->table, frame_map(m));
    }
    return 0;
}

/* One frame more. [g->lock] */
static int table_grow_one(struct domain *d)
{
    struct grant_domain *g = d->grant;
    int rc = g->table.version == 2 ? status_grow(d, g->table.nr_frames + 1) : 0;
    void *page;
    mfn_t m;

    if (rc)
        return rc;
    m = shared_frame_alloc(d, true);
    if (mfn_eq(m, MFN_NONE))
        return -XEN_ENOMEM;
    page = frame_map(m);
    g->shared[g->table.nr_frames] = m;
    rc = grant_table_add(&g->table, page);
    if (rc) {
        frame_unmap(page);
        shared_frame_free(d, m);
    }
    return rc;
}

/* At least n frames.  -XEN_EINVAL above the limit, -XEN_ENOMEM; preemptible: -XEN_EAGAIN = call again. */
static int table_grow(struct domain *d, uint64_t n)
{
    struct grant_domain *g = d->grant;

    if (n > g->table.max_frames)
        return -XEN_EINVAL;
    for (;;) {
        int rc = 0;

        lock(&g->lock);
        if (g->table.retired)
            rc = -XEN_EINVAL;
        else
            rc = g->table.nr_frames < n ? table_grow_one(d) : 1;
        unlock(&g->lock);
        if (rc)
            return MIN(rc, 0);
        if (preempt_needed())
            return -XEN_EAGAIN;
    }
}

/* The same to the end, for callers that are not preempted (the limit bounds it). */
static int table_grow_all(struct domain *d, uint64_t n)
{
    int rc;

    do {
        rc = table_grow(d, n);
    } while (rc == -XEN_EAGAIN);
    return rc;
}

/* Enough frames that there are n status frames. */
static int status_ensure(struct domain *d, uint64_t n)
{
    const struct grant_table *t = &d->grant->table;

    if (READ_ONCE(t->version) != 2 || n > t->max_status)
        return -XEN_EINVAL;
    if (n <= READ_ONCE(t->nr_status))
        return 0;
    return table_grow_all(d, MIN((n - 1) * (GRANT_STATUS_PER_FRAME / GRANT_V2_PER_FRAME) + 1, (uint64_t)t->max_frames));
}

int grant_resource_frames(struct domain *d, unsigned id, uint64_t first, unsigned n, mfn_t *out)
{
    bool status = id == XENMEM_resource_grant_table_id_status;
    int rc;

    if (!d->grant || id > XENMEM_resource_grant_table_id_status || first + n < first)
        return -XEN_EINVAL;
    rc = status ? status_ensure(d, first + n) : table_grow_all(d, first + n);
    if (!rc)
        memcpy(out, (status ? d->grant->status : d->grant->shared) + first, n * sizeof(*out));
    return rc;
}

unsigned grant_resource_max(const struct domain *d, unsigned id)
{
    if (!d->grant || id > XENMEM_resource_grant_table_id_status)
        return 0;
    return id == XENMEM_resource_grant_table_id_status ? d->grant->table.max_status : d->grant->table.max_frames;
}

int grant_table_frame(struct domain *d, uint64_t idx, mfn_t *out)
{
    unsigned id = idx & XENMAPIDX_grant_table_status ? XENMEM_resource_grant_table_id_status
                                                     : XENMEM_resource_grant_table_id_shared;

    return grant_resource_frames(d, id, idx & ~(uint64_t)XENMAPIDX_grant_table_status, 1, out);
}

/* ---- operations on a table ---- */

/* A table that an operation names, its own or (privileged) another's; held.  GNTST_* */
static int16_t target_get(domid_t id, struct domain **d)
{
    struct domain *me = current->domain;

    *d = NULL;
    if (id != DOMID_SELF && id != me->id && !me->is_privileged)
        return GNTST_permission_denied;
    *d = domain_get(id == DOMID_SELF ? me->id : id);
    if (*d && (*d)->grant)
        return GNTST_okay;
    if (*d)
        domain_put(*d);
    *d = NULL;
    return GNTST_bad_domain;
}

/* An error beyond the per-element status gives *rc. */
static int16_t setup_table(struct hcall *c, const gnttab_setup_table_t *op, struct domain *d, long *rc)
{
    int grown = table_grow(d, op->nr_frames);

    if (grown == -XEN_EAGAIN)
        *rc = hcall_again(c);
    if (grown)
        return GNTST_general_error;
    if (copy_to_guest(guest_addr(op->frame_list), d->grant->shared, op->nr_frames * sizeof(mfn_t)))
        *rc = -XEN_EFAULT;
    return GNTST_okay;
}

static long op_setup_table(struct hcall *c)
{
    gnttab_setup_table_t op;
    struct domain *d;
    long rc = 0;

    if (c->arg[2] != 1)
        return -XEN_EINVAL;
    if (copy_from_guest(&op, c->arg[1], sizeof(op)))
        return -XEN_EFAULT;
    op.status = target_get(op.dom, &d);
    if (d) {
        op.status = setup_table(c, &op, d, &rc);
        domain_put(d);
    }
    if (!c->again && !rc && copy_to_guest(c->arg[1], &op, sizeof(op)))
        rc = -XEN_EFAULT;
    return rc;
}

static long op_query_size(struct hcall *c)
{
    gnttab_query_size_t op;
    struct domain *d;

    if (c->arg[2] != 1)
        return -XEN_EINVAL;
    if (copy_from_guest(&op, c->arg[1], sizeof(op)))
        return -XEN_EFAULT;
    op.status = target_get(op.dom, &d);
    if (d) {
        op.nr_frames = READ_ONCE(d->grant->table.nr_frames);
        op.max_nr_frames = d->grant->table.max_frames;
        domain_put(d);
    }
    return copy_to_guest(c->arg[1], &op, sizeof(op));
}

static int16_t status_frames(const gnttab_get_status_frames_t *op, struct domain *d, long *rc)
{
    const struct grant_table *t = &d->grant->table;

    if (READ_ONCE(t->version) != 2 || op->nr_frames > READ_ONCE(t->nr_status))
        return GNTST_general_error;
    if (copy_to_guest(guest_addr(op->frame_list), d->grant->status, op->nr_frames * sizeof(mfn_t)))
        *rc = -XEN_EFAULT;
    return GNTST_okay;
}

static long op_get_status_frames(struct hcall *c)
{
    gnttab_get_status_frames_t op;
    struct domain *d;
    long rc = 0;

    if (c->arg[2] != 1)
        return -XEN_EINVAL;
    if (copy_from_guest(&op, c->arg[1], sizeof(op)))
        return -XEN_EFAULT;
    op.status = target_get(op.dom, &d);
    if (d) {
        op.status = status_frames(&op, d, &rc);
        domain_put(d);
    }
    if (!rc && copy_to_guest(c->arg[1], &op, sizeof(op)))
        rc = -XEN_EFAULT;
    return rc;
}

static long op_dump_table(struct hcall *c)
{
    gnttab_dump_table_t op;
    struct domain *d = NULL;

    if (c->arg[2] != 1)
        return -XEN_EINVAL;
    if (copy_from_guest(&op, c->arg[1], sizeof(op)))
        return -XEN_EFAULT;
    /* The log is shared by all: only the control domain may fill it. */
    op.status = current->domain->is_privileged ? target_get(op.dom, &d) : GNTST_permission_denied;
    if (d) {
        grant_dump(d);
        domain_put(d);
    }
    return copy_to_guest(c->arg[1], &op, sizeof(op));
}

static long op_set_version(struct hcall *c)
{
    struct domain *d = current->domain;
    struct grant_domain *g = d->grant;
    gnttab_set_version_t op;
    int rc = 0;

    if (copy_from_guest(&op, c->arg[1], sizeof(op)))
        return -XEN_EFAULT;
    lock(&g->lock);
    if (op.version == 2 && g->table.max_version == 2)
        rc = status_grow(d, g->table.nr_frames);
    if (!rc)
        rc = grant_set_version(&g->table, op.version);
    op.version = g->table.version;
    unlock(&g->lock);
    return copy_to_guest(c->arg[1], &op, sizeof(op)) ? -XEN_EFAULT : rc;
}

static long op_get_version(struct hcall *c)
{
    gnttab_get_version_t op;
    struct domain *d;
    int16_t status;

    if (copy_from_guest(&op, c->arg[1], sizeof(op)))
        return -XEN_EFAULT;
    status = target_get(op.dom, &d);
    if (!d)
        return status == GNTST_permission_denied ? -XEN_EPERM : -XEN_ESRCH;
    op.version = READ_ONCE(d->grant->table.version);
    domain_put(d);
    return copy_to_guest(c->arg[1], &op, sizeof(op));
}

/* ---- cache_flush ---- */

/* The low 32 bits of c->arg[0]: the operation, and above it the chunk of map-track entries where a search stopped. */
#define CMD_BITS 12
#define CMD_MASK ((1u << CMD_BITS) - 1)

/* Has d a granted frame mapped?  1, 0, or -XEN_EAGAIN with *pos where to go on. */
static int maps_find(const struct domain *d, mfn_t m, uint64_t *pos)
{
    const struct grant_maps *maps = &d->grant->maps;
    uint64_t start = *pos;

    for (; *pos < grant_maps_limit(maps); ++*pos) {
        const struct grant_map *map = grant_map_at(maps, (grant_handle_t)*pos);

        if (__atomic_load_n(&map->state, __ATOMIC_ACQUIRE) == GRANT_MAP_LIVE && READ_ONCE(map->frame.n) == m.n)
            return 1;
        if (*pos > start && *pos % GRANT_MAPS_PER_CHUNK == 0 && preempt_needed())
            return -XEN_EAGAIN;
    }
    return 0;
}

static void cache_write_back(mfn_t m, unsigned offset, unsigned length)
{
    const char *page = frame_map(m);

    for (unsigned at = offset & ~63u; at < offset + length; at += 64)
        clflush(page + at);
    mb();
    frame_unmap(page);
}

static int cache_check(const gnttab_cache_flush_t *op)
{
    if (op->offset >= PAGE_SIZE || (uint32_t)op->offset + op->length > PAGE_SIZE)
        return -XEN_EINVAL;
    if (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL))
        return -XEN_EOPNOTSUPP;
    if (op->op == GNTTAB_CACHE_INVAL && op->length) /* x86 cannot throw dirty lines away */
        return -XEN_EOPNOTSUPP;
    return 0;
}

static int cache_flush_one(struct domain *d, const gnttab_cache_flush_t *op, uint64_t *pos)
{
    mfn_t m = maddr_to_mfn(op->a.dev_bus_addr);
    struct domain *owner;
    int rc = cache_check(op);

    if (rc || !op->length || !op->op)
        return rc;
    owner = frame_owner(m); /* only compared, not followed */
    if (!owner)
        return -XEN_EPERM;
    if (owner == d) {
        if (!frame_get(m, d))
            return -XEN_EPERM;
        cache_write_back(m, op->offset, op->length);
        frame_put(m);
        return 0;
    }
    rc = maps_find(d, m, pos);
    if (rc == 1)
        cache_write_back(m, op->offset, op->length); /* harmless even if it is unmapped this moment */
    return rc == 1 ? 0 : rc ? rc : -XEN_EPERM;
}

static long op_cache_flush(struct hcall *c)
{
    uint64_t pos = (uint64_t)((uint32_t)c->arg[0] >> CMD_BITS) * GRANT_MAPS_PER_CHUNK;

    while (c->arg[2]) {
        gnttab_cache_flush_t op;
        int rc;

        if (copy_from_guest(&op, c->arg[1], sizeof(op)))
            return -XEN_EFAULT;
        rc = cache_flush_one(current->domain, &op, &pos);
        if (rc == -XEN_EAGAIN) {
            c->arg[0] = (uint32_t)(GNTTABOP_cache_flush | pos / GRANT_MAPS_PER_CHUNK << CMD_BITS);
            return hcall_again(c);
        }
        if (rc)
            return rc;
        pos = 0;
        c->arg[0] = GNTTABOP_cache_flush;
        c->arg[1] += sizeof(op);
        if (--c->arg[2] && preempt_needed())
            return hcall_again(c);
    }
    return 0;
}

long do_grant_table_op(struct hcall *c)
{
    uint32_t cmd = (uint32_t)c->arg[0];

    c->arg[2] = (uint32_t)c->arg[2];
    if ((int32_t)c->arg[2] < 0)
        return -XEN_EINVAL;
    if (!current->domain->grant)
        return -XEN_ENOSYS;
    if ((cmd & CMD_MASK) == GNTTABOP_cache_flush)
        return op_cache_flush(c);
    switch (cmd) {
    case GNTTABOP_map_grant_ref:     return batch_run(c, sizeof(gnttab_map_grant_ref_t), element_map);
    case GNTTABOP_unmap_grant_ref:   return batch_run(c, sizeof(gnttab_unmap_grant_ref_t), element_unmap);
    case GNTTABOP_unmap_and_replace: return batch_run(c, sizeof(gnttab_unmap_and_replace_t), element_replace);
    case GNTTABOP_copy:              return batch_run(c, sizeof(gnttab_copy_t), element_copy);
    case GNTTABOP_transfer:          return batch_run(c, sizeof(gnttab_transfer_t), element_transfer);
    case GNTTABOP_swap_grant_ref:    return batch_run(c, sizeof(gnttab_swap_grant_ref_t), element_swap);
    case GNTTABOP_setup_table:       return op_setup_table(c);
    case GNTTABOP_dump_table:        return op_dump_table(c);
    case GNTTABOP_query_size:        return op_query_size(c);
    case GNTTABOP_set_version:       return op_set_version(c);
    case GNTTABOP_get_status_frames: return op_get_status_frames(c);
    case GNTTABOP_get_version:       return op_get_version(c);
    default:                         return -XEN_ENOSYS;
    }
}

/* ---- a domain's life ---- */

static int domain_state_init(struct domain *d, unsigned frames, unsigned maptrack, unsigned version)
{
    struct grant_domain *g = d->grant;
    int rc = grant_table_init(&g->table, frames, version);

    if (!rc)
        rc = grant_maps_init(&g->maps, maptrack);
    if (rc)
        return rc;
    g->shared = mem_alloc(frames * sizeof(mfn_t));
    g->status = mem_alloc(g->table.max_status * sizeof(mfn_t));
    if (!g->shared || !g->status)
        return -XEN_ENOMEM;
    return table_grow_all(d, 1);
}

/* A dying domain's mapping: the references of a host mapping go with the page tables. */
static void map_release(struct grant_domain *g, struct grant_map *m, grant_handle_t h)
{
    bool readonly = m->flags & GNTMAP_readonly;
    struct domain *granter = m->granter;

    if (m->flags & GNTMAP_device_map)
        frame_unref(m->frame, readonly, 1);
    entry_unpin(granter, m->ref, readonly, map_uses(m->flags));
    lock(&g->maps_lock);
    grant_map_give(&g->maps, h);
    unlock(&g->maps_lock);
    domain_put(granter);
}

static int maps_kill(struct grant_domain *g)
{
    while (g->kill_pos < grant_maps_limit(&g->maps)) {
        grant_handle_t h = g->kill_pos++;
        struct grant_map *m = grant_map_at(&g->maps, h);

        if (grant_map_claim(m))
            map_release(g, m, h);
        if (g->kill_pos % KILL_STRIDE == 0 && preempt_needed())
            return -XEN_EAGAIN;
    }
    return 0;
}

/* The shared frames go (each holds a reference to d); pins of others' mappings may outlive them. */
static int frames_kill(struct domain *d)
{
    struct grant_domain *g = d->grant;
    struct grant_table *t = &g->table;

    lock(&g->lock);
    grant_table_retire(t);
    unlock(&g->lock);
    while (g->kill_frame < t->nr_frames + t->nr_status) {
        unsigned i = g->kill_frame++, s = i - t->nr_frames;
        bool shared = i < t->nr_frames;

        frame_unmap(shared ? t->shared[i] : (void *)t->status[s]);
        shared_frame_free(d, shared ? g->shared[i] : g->status[s]);
        if (g->kill_frame % KILL_STRIDE == 0 && preempt_needed())
            return -XEN_EAGAIN;
    }
    return 0;
}

int grant_domain_kill(struct domain *d)
{
    int rc = d->grant ? maps_kill(d->grant) : 0;

    return rc || !d->grant ? rc : frames_kill(d);
}

void grant_domain_free(struct domain *d)
{
    struct grant_domain *g = d->grant;

    if (!g)
        return;
    assert(!g->table.pinned && !g->maps.used && g->kill_frame == g->table.nr_frames + g->table.nr_status);
    mem_free(g->shared);
    mem_free(g->status);
    grant_table_free(&g->table);
    grant_maps_free(&g->maps);
    mem_free(g);
    d->grant = NULL;
}

int grant_domain_create(struct domain *d, int max_frames, int max_maptrack, unsigned max_version)
{
    unsigned frames = max_frames < 0 ? grant_opt_max_frames : (unsigned)max_frames;
    unsigned maptrack = max_maptrack < 0 ? grant_opt_max_maptrack : (unsigned)max_maptrack;
    int rc;

    if (frames > MIN(grant_opt_max_frames, FRAMES_LIMIT) || maptrack > grant_opt_max_maptrack ||
        max_version > grant_opt_max_version)
        return -XEN_EINVAL;
    d->grant = mem_alloc(sizeof(*d->grant));
    if (!d->grant)
        return -XEN_ENOMEM;
    lock_init(&d->grant->lock, RANK_GRANT);
    lock_init(&d->grant->maps_lock, RANK_GRANT);
    rc = domain_state_init(d, frames, maptrack, max_version);
    if (rc) {
        while (frames_kill(d))
            ;
        grant_domain_free(d);
    }
    return rc;
}

/* ---- debugging ---- */

/* A copy of the next pinned entry from *ref on. */
static bool dump_next(struct grant_domain *g, grant_ref_t *ref, struct grant_active *out)
{
    const struct grant_active *a;

    lock(&g->lock);
    a = grant_next_pinned(&g->table, ref);
    if (a)
        *out = *a;
    unlock(&g->lock);
    return a;
}

void grant_dump(struct domain *d)
{
    struct grant_domain *g = d->grant;
    struct grant_active a;
    unsigned lines = 0;

    if (!g)
        return;
    log_info("d%u grants: version %u, %u of %u frames, %u entries in use, %u mappings of others\n", d->id,
             g->table.version, g->table.nr_frames, g->table.max_frames, g->table.pinned, g->maps.used);
    for (grant_ref_t ref = 0; lines < DUMP_LINES && dump_next(g, &ref, &a); ref++, lines++)
        log_info("  ref %u: by d%u, frame %#lx kind %u, %u readers %u writers\n", ref, a.who, a.content.frame,
                 a.content.kind, a.readers, a.writers);
    if (lines == DUMP_LINES)
        log_info("  ... and more\n");
}
