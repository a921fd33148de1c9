/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GNTTABOP_copy: bytes from frame to frame, each a frame of the caller's or one that it was granted (also one step
 * further, by a transitive grant).  A side that the next element names again is kept: rings are copied in pieces of the
 * same page.
 */
#include "core/string.h"
#include "kern/domain.h"
#include "kern/grant_parts.h"
#include "kern/pages.h"
#include "core/port.h"
#include "x86/counters.h"
#include "x86/cpu.h"

void grant_side_release(struct copy_side *s)
{
    frame_unmap(s->page);
    s->page = NULL;
    grant_frame_unref(s->frame, !s->writable, 1);
    if (s->granter) {
        grant_entry_unpin(s->granter, s->ref, !s->writable, 1);
        domain_put(s->granter);
    }
    if (s->via) {
        grant_entry_unpin(s->via, s->via_ref, !s->writable, 1);
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
        rc = grant_entry_get(granter, &w, c);
    if (rc == GNTST_okay)
        side_take(s, granter, w.ref, c);
    else
        domain_put(granter);
    return rc;
}

static int16_t side_ref(struct grant_batch *b, struct copy_side *s)
{
    struct grant_want w = { .ref = (grant_ref_t)s->id, .who = b->d->id, .readonly = !s->writable,
                            .use = GRANT_FOR_COPY, .count = 1 };
    struct domain *d = grant_batch_peer(b, s->dom == DOMID_SELF ? b->d->id : s->dom);
    struct grant_content c;
    int16_t rc = d ? grant_entry_get(d, &w, &c) : GNTST_bad_domain;

    if (rc != GNTST_okay)
        return rc;
    if (c.kind != GRANT_TRANSITIVE) {
        side_take(s, d, w.ref, &c);
        domain_hold(d);
        return GNTST_okay;
    }
    rc = side_follow(s, d, &c);
    if (rc != GNTST_okay) {
        grant_entry_unpin(d, w.ref, w.readonly, 1);
        return rc;
    }
    s->via = d;
    s->via_ref = w.ref;
    domain_hold(d);
    return GNTST_okay;
}

/* Make s the frame that the element names: often it is already. */
static int16_t side_set(struct grant_batch *b, struct copy_side *s, const struct gnttab_copy_ptr *p, bool is_ref)
{
    uint64_t id = is_ref ? p->u.ref : p->u.gmfn;
    int16_t rc;

    if (s->page && s->is_ref == is_ref && s->id == id && s->dom == p->domid)
        return GNTST_okay;
    if (s->page)
        grant_side_release(s);
    s->is_ref = is_ref;
    s->dom = p->domid;
    s->id = id;
    s->granter = s->via = NULL;
    s->start = 0;
    s->end = PAGE_SIZE;
    if (!is_ref && p->domid != DOMID_SELF)
        return GNTST_permission_denied;
    rc = is_ref ? side_ref(b, s) : grant_gfn_ref(b->d, id, !s->writable, &s->frame);
    if (rc == GNTST_okay)
        s->page = frame_map(s->frame);
    return rc;
}

static bool side_covers(const struct copy_side *s, uint32_t offset, uint32_t len)
{
    return offset >= s->start && offset + len <= s->end;
}

int16_t grant_copy_one(struct grant_batch *b, const gnttab_copy_t *op)
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
