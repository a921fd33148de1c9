/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of domains: see pages.h.  A frame of a domain is on its list as long as the domain's own reference
 * (REF_ALLOCATED) is held or others' references keep it; the last reference takes it off and frees it.
 */
#include "kern/pages.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/string.h"
#include "kern/domain.h"
#include "x86/alloc.h"
#include "x86/layout.h"

/* ---- The list ---- */

/* [p->lock] */
static void list_add(struct domain_pages *p, uint32_t mfn)
{
    struct frame *f = &frames[mfn];

    f->next = 0;
    f->prev = p->tail;
    if (p->tail)
        frames[p->tail].next = mfn;
    else
        p->head = mfn;
    p->tail = mfn;
}

/* [p->lock] */
static void list_remove(struct domain_pages *p, uint32_t mfn)
{
    struct frame *f = &frames[mfn];

    if (f->prev)
        frames[f->prev].next = f->next;
    else
        p->head = f->next;
    if (f->next)
        frames[f->next].prev = f->prev;
    else
        p->tail = f->prev;
    f->next = f->prev = 0;
}

int pages_domain_create(struct domain *d, uint64_t max)
{
    d->pages = mem_alloc(sizeof(*d->pages));
    if (!d->pages)
        return -XEN_ENOMEM;
    lock_init(&d->pages->lock, RANK_PAGES);
    d->pages->max = max;
    return 0;
}

void pages_domain_free(struct domain *d)
{
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
    return ref & REF_COUNT_MASK ? domain_peek((domid_t)ref_owner(ref)) : NULL;
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
    lock(&d->pages->lock);
    if (shared) {
        d->pages->shared_count--;
    } else {
        list_remove(d->pages, (uint32_t)m.n);
        d->pages->count--;
    }
    unlock(&d->pages->lock);
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

    (void)d;
    frame_unmap(p);
    frame_put_writable(m);
}

/* ---- Coming and going ---- */

static uint64_t ref_word(const struct domain *d, uint64_t flags, uint64_t count)
{
    return (uint64_t)d->id << REF_OWNER_SHIFT | flags | count;
}

mfn_t shared_frame_alloc(struct domain *d, bool writable)
{
    void *p = pages_alloc(0);
    mfn_t m;

    if (!p)
        return MFN_NONE;
    m = virt_to_mfn(p);
    /* A permanent use as writable memory: never a page table; or as one (no use as writable can be had). */
    frame_of(m)->type = (uint64_t)(writable ? FT_WRITABLE : FT_SEG) << TYPE_SHIFT | TYPE_VALIDATED | 1;
    ((uint64_t *)M2P_START)[m.n] = ~0ul;
    domain_hold(d);
    lock(&d->pages->lock);
    d->pages->shared_count++;
    unlock(&d->pages->lock);
    __atomic_store_n(&frame_of(m)->ref, ref_word(d, REF_SHARED | REF_ALLOCATED, 1), __ATOMIC_SEQ_CST);
    return m;
}

void shared_frame_free(struct domain *d, mfn_t m)
{
    uint64_t was = __atomic_fetch_and(&frame_of(m)->ref, ~REF_ALLOCATED, __ATOMIC_SEQ_CST);

    (void)d;
    if (!(was & REF_ALLOCATED))
        return;
    if (TYPE_OF(frame_of(m)->type) == FT_WRITABLE)
        ptype_put_writable(m);
    else
        frame_of(m)->type = 0;
    frame_put(m);
}

mfn_t domain_frames_alloc(struct domain *d, unsigned order, unsigned below_bits, bool zero)
{
    uint64_t n = 1ul << order;
    mfn_t m;

    lock(&d->pages->lock);
    if (d->is_dying || d->pages->count + n > d->pages->max) {
        unlock(&d->pages->lock);
        return MFN_NONE;
    }
    d->pages->count += n; /* reserved; given back below if there is nothing */
    unlock(&d->pages->lock);
    m = frames_alloc(order, below_bits);
    if (zero && !mfn_eq(m, MFN_NONE))
        for (uint64_t i = 0; i < n; i++) {
            void *p = frame_map(MFN(m.n + i));

            memset(p, 0, PAGE_SIZE); /* what others left in it is not for d */
            frame_unmap(p);
        }
    lock(&d->pages->lock);
    if (mfn_eq(m, MFN_NONE)) {
        d->pages->count -= n;
    } else {
        for (uint64_t i = 0; i < n; i++) {
            list_add(d->pages, (uint32_t)(m.n + i));
            domain_hold(d);
            __atomic_store_n(&frame_of(MFN(m.n + i))->ref, ref_word(d, REF_ALLOCATED, 1), __ATOMIC_SEQ_CST);
        }
    }
    unlock(&d->pages->lock);
    return m;
}

int domain_frame_release(struct domain *d, mfn_t m)
{
    uint64_t was;

    if (!frame_get(m, d))
        return -XEN_EINVAL;
    was = READ_ONCE(frame_of(m)->ref);
    if (!(was & REF_SHARED))
        was = __atomic_fetch_and(&frame_of(m)->ref, ~REF_ALLOCATED, __ATOMIC_SEQ_CST);
    else
        was = 0;
    if (was & REF_ALLOCATED)
        frame_put(m);
    frame_put(m);
    return was & REF_ALLOCATED ? 0 : -XEN_EINVAL;
}

int frame_steal(struct domain *from, mfn_t m)
{
    struct frame *f;
    uint64_t want;
    int rc = -XEN_EINVAL;

    if (!frame_is_ram(m))
        return rc;
    f = frame_of(m);
    lock(&from->pages->lock);
    want = (READ_ONCE(f->ref) & REF_FOREIGN) | ref_word(from, REF_ALLOCATED, 1);
    /* Exactly the domain's own reference, and no use. */
    if ((READ_ONCE(f->type) & TYPE_COUNT_MASK) == 0 &&
        __atomic_compare_exchange_n(&f->ref, &want, OWNER_NONE << REF_OWNER_SHIFT, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
        list_remove(from->pages, (uint32_t)m.n);
        from->pages->count--;
        rc = 0;
    }
    unlock(&from->pages->lock);
    if (rc)
        return rc;
    ptype_port_flush(from->id, true, TYPE_AUX(f->type));
    f->type = 0;
    domain_put(from);
    return 0;
}

int frame_assign(struct domain *to, mfn_t m)
{
    int rc = 0;

    lock(&to->pages->lock);
    if (to->is_dying)
        rc = -XEN_ESRCH;
    else if (to->pages->count >= to->pages->max)
        rc = -XEN_E2BIG;
    else {
        to->pages->count++;
        list_add(to->pages, (uint32_t)m.n);
        domain_hold(to);
        __atomic_store_n(&frame_of(m)->ref, ref_word(to, REF_ALLOCATED, 1), __ATOMIC_SEQ_CST);
    }
    unlock(&to->pages->lock);
    return rc;
}

/* ---- The end ---- */

/* One step for frame m of dying d: 0 or -XEN_EAGAIN. */
static int frame_kill(struct domain *d, mfn_t m)
{
    struct ptype_ctx ctx = { d->id, d->id };
    uint64_t w = READ_ONCE(frame_of(m)->type);
    int rc = 0;

    if ((w & TYPE_COUNT_MASK) && (w & (TYPE_PINNED | TYPE_PARKED)))
        rc = ptype_unpin(&ctx, m);
    if (rc == -XEN_EAGAIN)
        return rc;
    domain_frame_release(d, m);
    return 0;
}

static mfn_t list_first_allocated(struct domain_pages *p)
{
    mfn_t m = MFN_NONE;

    lock(&p->lock);
    for (uint32_t i = p->head; i; i = frames[i].next)
        if (frames[i].ref & REF_ALLOCATED) {
            m = MFN(i);
            break;
        }
    unlock(&p->lock);
    return m;
}

int pages_domain_kill(struct domain *d)
{
    for (;;) {
        mfn_t m = list_first_allocated(d->pages);

        if (mfn_eq(m, MFN_NONE))
            return 0;
        if (frame_kill(d, m) == -XEN_EAGAIN || preempt_needed())
            return -XEN_EAGAIN;
    }
}
