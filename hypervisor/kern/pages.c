/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of domains: see pages.h.  A frame of a domain is counted, and holds its domain, until the last reference frees it:
 * also when the domain has dropped its own (REF_ALLOCATED), for it may still be pinned.  There is no list of them: a domain knows
 * in which regions of 2 MiB it ever had any.  Taking a dying domain apart goes through these once.
 *
 * P4 (core/ptype.h) at this place: a frame that leaves its domain is stamped, whatever it was used as, and who gets it
 * next flushes the CPUs that have not flushed since: frame_assign() here, frames_alloc() for those that went to the
 * heap.
 */
#include "kern/pages.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/sched.h"
#include "x86/layout.h"
#include "x86/numa.h"
#include "x86/tlb.h"

/* ---- Where a domain has frames ---- */

#define REGION 512ul /* frames */

/* The bits of m's region and those above it in its word. */
static uint64_t regions_from(const struct domain_pages *p, uint64_t m)
{
    return p->regions[m / REGION / 64] >> (m / REGION % 64);
}

/* [p->lock] */
static void region_set(struct domain_pages *p, uint64_t m)
{
    p->regions[m / REGION / 64] |= 1ul << (m / REGION % 64);
}

/* Is m, which is RAM, an ordinary frame of d's, though it may have dropped its own reference? */
static bool frame_is_of(const struct domain *d, uint64_t m)
{
    uint64_t ref = READ_ONCE(frames[m].ref);

    return (ref & REF_COUNT_MASK) && !(ref & REF_SHARED) && ref_owner(ref) == d->id;
}

int pages_domain_create(struct domain *d, uint64_t max)
{
    d->pages = mem_alloc(sizeof(*d->pages) + DIV_UP(nr_frames, REGION * 64) * sizeof(uint64_t));
    if (!d->pages)
        return -XEN_ENOMEM;
    lock_init(&d->pages->lock, RANK_PAGES);
    d->pages->max = max;
    return 0;
}

void pages_domain_free(struct domain *d)
{
    frames_claim(&d->pages->heap, 0); /* once more: it may have been set while the domain died */
    for (unsigned i = 0; i < ARRAY_SIZE(d->pages->raw); i++)
        if (d->pages->raw[i].m.n)
            frames_free(d->pages->raw[i].m, d->pages->raw[i].order);
    mem_free(d->pages);
    d->pages = NULL;
}

/* ---- References ---- */

struct domain *frame_owner(mfn_t m)
{
    uint64_t ref;

    if (!frame_is_ram(m))
        return NULL;
    ref = READ_ONCE(frame_of(m)->ref);
    return ref_used(ref) ? domain_peek((domid_t)ref_owner(ref)) : NULL;
}

bool frame_is_shared(mfn_t m)
{
    return READ_ONCE(frame_of(m)->ref) & REF_SHARED;
}

bool frame_get(mfn_t m, struct domain *owner)
{
    return frame_ref_get(m, owner->id);
}

/* The last reference is gone. */
static void frame_release(mfn_t m)
{
    struct frame *f = frame_of(m);
    struct domain *d = domain_peek((domid_t)ref_owner(f->ref));
    bool shared = f->ref & REF_SHARED;

    assert((f->type & TYPE_COUNT_MASK) == 0);
    __atomic_sub_fetch(shared ? &d->pages->shared_count : &d->pages->count, 1, __ATOMIC_SEQ_CST);
    ((uint64_t *)M2P_START)[m.n] = ~0ul;
    frames_free(m, 0);
    domain_put(d); /* each frame holds its owner */
}

void ptype_port_frame_free(mfn_t m)
{
    frame_release(m);
}

void frame_put(mfn_t m)
{
    if (frame_ref_put(m))
        frame_release(m);
}

bool frame_get_writable(mfn_t m, struct domain *owner)
{
    if (!frame_ref_get(m, owner->id))
        return false;
    if (ptype_get_writable(m)) {
        frame_put(m);
        return false;
    }
    return true;
}

void frame_put_writable(mfn_t m)
{
    ptype_put_writable(m);
    frame_put(m);
}

bool gfn_to_mfn_get(struct domain *d, gfn_t g, bool writable, mfn_t *out)
{
    *out = MFN(g.n);
    return writable ? frame_get_writable(*out, d) : frame_get(*out, d);
}

void *guest_frame_map_shared(struct domain *d, gfn_t g)
{
    mfn_t m;

    return gfn_to_mfn_get(d, g, true, &m) ? frame_map(m) : NULL;
}

void guest_frame_unmap_shared(struct domain *d, void *p)
{
    mfn_t m = virt_to_mfn(p);

    frame_unmap(p);
    frame_put_writable(m);
}

/* ---- Coming and going ---- */

static uint64_t ref_word(const struct domain *d, uint64_t flags, uint64_t count)
{
    return (uint64_t)d->id << REF_OWNER_SHIFT | flags | count;
}

/* A use that stays as long as we share the frame: nobody can make it anything else. */
static void shared_type_set(mfn_t m, bool writable)
{
    frame_of(m)->type = (uint64_t)(writable ? FT_WRITABLE : FT_READONLY) << TYPE_SHIFT | TYPE_VALIDATED | 1;
    ((uint64_t *)M2P_START)[m.n] = ~0ul;
}

/* There is no struct domain to be held: its own reference is never dropped. */
void frame_share_system(mfn_t m, bool writable)
{
    shared_type_set(m, writable);
    __atomic_store_n(&frame_of(m)->ref, (uint64_t)DOMID_XEN << REF_OWNER_SHIFT | REF_SHARED | REF_ALLOCATED | 1, __ATOMIC_SEQ_CST);
}

mfn_t shared_frame_alloc(struct domain *d, bool writable)
{
    void *p = pages_alloc(0);
    mfn_t m;

    if (!p)
        return MFN_NONE;
    m = virt_to_mfn(p);
    shared_type_set(m, writable);
    domain_hold(d);
    __atomic_add_fetch(&d->pages->shared_count, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&frame_of(m)->ref, ref_word(d, REF_SHARED | REF_ALLOCATED, 1), __ATOMIC_SEQ_CST);
    return m;
}

void shared_frame_free(struct domain *d, mfn_t m)
{
    uint64_t was = __atomic_fetch_and(&frame_of(m)->ref, ~REF_ALLOCATED, __ATOMIC_SEQ_CST);

    if (!(was & REF_ALLOCATED))
        return;
    if (TYPE_OF(frame_of(m)->type) == FT_WRITABLE)
        ptype_put_writable(m);
    else /* by then still ours to read only: it changes hands when it is freed, and is stamped there */
        __atomic_store_n(&frame_of(m)->type, 0, __ATOMIC_SEQ_CST);
    frame_put(m);
}

/* Room for n frames more. [p->lock] */
static bool count_reserve(struct domain_pages *p, uint64_t n)
{
    if (READ_ONCE(p->count) + n > p->max)
        return false;
    __atomic_add_fetch(&p->count, n, __ATOMIC_SEQ_CST);
    return true;
}

/* Frame m, nobody's till now and counted, is d's. [d->pages->lock] */
static void frame_adopt(struct domain *d, mfn_t m)
{
    region_set(d->pages, m.n);
    domain_hold(d);
    __atomic_store_n(&frame_of(m)->ref, ref_word(d, REF_ALLOCATED, 1), __ATOMIC_SEQ_CST);
}

static void frame_clear(mfn_t m)
{
    void *p = frame_map(m);

    memset(p, 0, PAGE_SIZE);
    frame_unmap(p);
}

/* Frames that are counted as d's, and nobody's yet; MFN_NONE: there are none for d. */
static mfn_t raw_alloc(struct domain *d, unsigned order, struct frames_where where)
{
    mfn_t m = MFN_NONE;
    bool room;

    lock(&d->pages->lock);
    room = !d->is_dying && count_reserve(d->pages, 1ul << order);
    unlock(&d->pages->lock);
    if (room)
        m = frames_alloc_for(&d->pages->heap, sched_domain_nodes(d), order, where);
    if (room && mfn_eq(m, MFN_NONE))
        __atomic_sub_fetch(&d->pages->count, 1ul << order, __ATOMIC_SEQ_CST);
    return m;
}

static void raw_free(struct domain *d, mfn_t m, unsigned order)
{
    frames_free(m, order);
    __atomic_sub_fetch(&d->pages->count, 1ul << order, __ATOMIC_SEQ_CST);
}

/* They are d's: m, or MFN_NONE if it is dying. */
static mfn_t raw_adopt(struct domain *d, mfn_t m, unsigned order)
{
    bool good;

    lock(&d->pages->lock);
    good = !d->is_dying;
    for (uint64_t i = 0; good && i < 1ul << order; i++)
        frame_adopt(d, MFN(m.n + i));
    unlock(&d->pages->lock);
    if (!good)
        raw_free(d, m, order);
    return good ? m : MFN_NONE;
}

mfn_t domain_frames_alloc(struct domain *d, unsigned order, struct frames_where where, bool zero)
{
    mfn_t m = raw_alloc(d, order, where);

    if (mfn_eq(m, MFN_NONE))
        return m;
    for (uint64_t i = 0; zero && i < 1ul << order; i++) /* what others left in it is not for d */
        frame_clear(MFN(m.n + i));
    return raw_adopt(d, m, order);
}

#define CLEAR_AT_ONCE 64 /* frames */

/* r->m is what is wanted, as far as it can be had. */
static void raw_find(struct domain *d, struct raw_extent *r, unsigned order, struct frames_where w)
{
    bool fits = r->order == order && r->where.node == w.node && r->where.exact == w.exact && r->where.below_bits == w.below_bits;

    if (r->m.n && fits)
        return;
    if (r->m.n)
        raw_free(d, r->m, r->order);
    r->m = raw_alloc(d, order, w);
    if (mfn_eq(r->m, MFN_NONE))
        r->m = MFN(0);
    r->order = order;
    r->where = w;
    r->cleared = 0;
}

static int raw_clear(struct raw_extent *r)
{
    while (r->cleared < 1ul << r->order) {
        frame_clear(MFN(r->m.n + r->cleared++));
        if (r->cleared % CLEAR_AT_ONCE == 0 && preempt_needed())
            return -XEN_EAGAIN;
    }
    return 0;
}

int domain_extent_alloc(struct domain *d, unsigned order, struct frames_where where, mfn_t *m)
{
    struct raw_extent *r = &d->pages->raw[d == current->domain];
    int rc = -XEN_ENOMEM;

    if (__atomic_exchange_n(&r->busy, true, __ATOMIC_ACQUIRE))
        return -XEN_EAGAIN; /* another CPU is at it */
    raw_find(d, r, order, where);
    if (r->m.n)
        rc = raw_clear(r);
    if (rc == 0) {
        *m = raw_adopt(d, r->m, order);
        rc = mfn_eq(*m, MFN_NONE) ? -XEN_ENOMEM : 0;
        r->m = MFN(0);
    }
    __atomic_store_n(&r->busy, false, __ATOMIC_RELEASE);
    return rc;
}

int domain_frame_release(struct domain *d, mfn_t m)
{
    bool own;

    if (!frame_get(m, d))
        return -XEN_EINVAL;
    own = !frame_is_shared(m) && __atomic_fetch_and(&frame_of(m)->ref, ~REF_ALLOCATED, __ATOMIC_SEQ_CST) & REF_ALLOCATED;
    if (own)
        frame_put(m);
    frame_put(m);
    return own ? 0 : -XEN_EINVAL;
}

/* What a frame that changes hands has as type: who gets it flushes for what may be left of all its uses up to now. */
static uint64_t type_word_left(void)
{
    return (uint64_t)FT_WRITABLE << TYPE_SHIFT | (uint64_t)tlb_stamp() << TYPE_AUX_SHIFT;
}

int frame_steal(struct domain *from, mfn_t m)
{
    struct frame *f;
    uint64_t want;

    if (!frame_is_ram(m))
        return -XEN_EINVAL;
    f = frame_of(m);
    want = (READ_ONCE(f->ref) & (REF_FOREIGN | REF_UNCACHED)) | ref_word(from, REF_ALLOCATED, 1);
    /* Exactly the domain's own reference, and no use. */
    if ((READ_ONCE(f->type) & TYPE_COUNT_MASK) ||
        !__atomic_compare_exchange_n(&f->ref, &want, OWNER_NONE << REF_OWNER_SHIFT | (want & REF_UNCACHED), false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return -XEN_EINVAL;
    __atomic_sub_fetch(&from->pages->count, 1, __ATOMIC_SEQ_CST);
    /* Not only its last typed use counts: a mapping to read leaves no stamp when it goes. */
    f->type = type_word_left();
    domain_put(from);
    return 0;
}

int frame_assign(struct domain *to, mfn_t m)
{
    uint64_t was = frame_of(m)->type;
    int rc = 0;

    assert(ref_owner(frame_of(m)->ref) == OWNER_NONE);
    if (was)
        tlb_flush_older(&cpu_online, TYPE_AUX(was));
    frame_settle_caches(m);
    frame_of(m)->type = 0;
    lock(&to->pages->lock);
    if (to->is_dying)
        rc = -XEN_ESRCH;
    else if (!count_reserve(to->pages, 1))
        rc = -XEN_E2BIG;
    else
        frame_adopt(to, m);
    unlock(&to->pages->lock);
    return rc;
}

uint64_t pages_on_node(const struct domain *d, unsigned node)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < nr_ram_ranges; i++)
        for (uint64_t m = ram_ranges[i].first, end; m < ram_ranges[i].end; m = end) {
            end = numa_piece(m, ram_ranges[i].end);
            for (uint64_t at = numa_node_of(MFN(m)) == node ? m : end; at < end; at++)
                n += frame_is_of(d, at);
        }
    return n;
}

/* ---- The end ---- */

/* One step for frame m of dying d: 0 or -XEN_EAGAIN. */
static int frame_kill(struct domain *d, mfn_t m)
{
    uint64_t w = READ_ONCE(frame_of(m)->type);
    int rc = 0;

    if (!frame_get(m, d))
        return 0; /* its last reference goes this very moment, and it with that */
    if ((w & TYPE_COUNT_MASK) && (w & (TYPE_PINNED | TYPE_PARKED)))
        rc = pv_table_kill(d, m);
    if (rc == 0)
        domain_frame_release(d, m);
    frame_put(m);
    return rc;
}

/* One step from p->kill_at on: 0 or -XEN_EAGAIN. */
static int kill_step(struct domain *d, struct domain_pages *p)
{
    uint64_t m = p->kill_at, regions = regions_from(p, m);

    if (regions & 1) {
        if (frame_is_ram(MFN(m)) && frame_is_of(d, m) && frame_kill(d, MFN(m)))
            return -XEN_EAGAIN;
        p->kill_at = m + 1;
    } else {
        p->kill_at = (m | (regions ? REGION - 1 : REGION * 64 - 1)) + 1;
    }
    return 0;
}

int pages_domain_kill(struct domain *d)
{
    struct domain_pages *p = d->pages;

    frames_claim(&p->heap, 0);
    lock(&p->lock); /* who adds frames looks at is_dying under it: none come from now on */
    unlock(&p->lock);
    while (p->kill_at < nr_frames)
        if (kill_step(d, p) || (p->kill_at < nr_frames && preempt_needed()))
            return -XEN_EAGAIN;
    return 0;
}
