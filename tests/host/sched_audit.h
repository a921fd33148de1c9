/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The invariants of core/sched.c, recomputed for a queue. */
#pragma once

#include "core/sched.h"
#include "lheap_audit.h"

static const char *audit_waiting(const struct sched_rq *rq, struct lheap_node *n, bool rt)
{
    const struct sched_ent *e = container_of(n, struct sched_ent, run);

    if (e->state != SCHED_QUEUED)
        return "S1: in a heap but not queued";
    if (e->rq != rq || !sched_allowed(e, rq))
        return "S3: not at home, or not allowed";
    if (e->pool != rq->pool)
        return "S7: of another pool";
    if (e->rt != rt || (rt && e->left <= 0) || n->key != (rt ? e->deadline : e->vtime))
        return "S4: in the wrong heap, or by a wrong key";
    if (!rt && (e->bound != NULL) != lheap_in(&e->refill))
        return "S5: awaits no budget";
    return NULL;
}

static const char *audit_heap(const struct sched_rq *rq, const struct lheap *h, bool rt, uint64_t *weight, unsigned *movable)
{
    const char *wrong = lheap_audit(h);

    for (struct lheap_node *n = h->top; n && !wrong; n = lheap_walk(n, false)) {
        const struct sched_ent *e = container_of(n, struct sched_ent, run);

        wrong = audit_waiting(rq, n, rt);
        *weight += e->weight;
        *movable += !rt && e->movable && !e->bound;
    }
    return wrong;
}

static const char *audit_refill(const struct sched_rq *rq)
{
    const char *wrong = lheap_audit(&rq->refill);

    for (struct lheap_node *n = rq->refill.top; n && !wrong; n = lheap_walk(n, false)) {
        const struct sched_ent *e = container_of(n, struct sched_ent, refill);

        if (e->rq != rq || e->bound != rq || e->state == SCHED_ASLEEP || e->left > 0 || e->rt || n->key != e->deadline)
            wrong = "S5: awaits a budget without need";
    }
    return wrong;
}

static const char *audit_curr(const struct sched_rq *rq)
{
    const struct sched_ent *e = rq->curr;

    if (!e)
        return NULL;
    if (e->rq != rq || e->state == SCHED_QUEUED || e->state == SCHED_PARKED || !e->loaded)
        return "S1: curr is not at home";
    return NULL;
}

/* Recompute everything about rq; NULL or what is wrong. */
static inline const char *sched_rq_audit(const struct sched_rq *rq)
{
    uint64_t weight = rq->curr && rq->curr->state == SCHED_RUNNING ? rq->curr->weight : 0;
    unsigned movable = 0;
    const char *wrong = audit_heap(rq, &rq->rt, true, &weight, &movable);

    if (!wrong)
        wrong = audit_heap(rq, &rq->fair, false, &weight, &movable);
    if (!wrong)
        wrong = audit_refill(rq);
    if (!wrong)
        wrong = audit_curr(rq);
    if (!wrong && weight != rq->weight)
        wrong = "S2: sum of weights";
    if (!wrong && (movable != rq->movable || sched_mask_test(&rq->sys->waiting, rq->cpu) != (movable > 0)))
        wrong = "S6: movable";
    return wrong;
}
