/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The invariants E1-E9 of core/evtchn.h, checked on a table that rests. */
#pragma once

#include "core/evtchn_abi.h"

#define BUCKET_WORDS (EVTCHN_BUCKET_PORTS / 64)

static uint64_t *used_words(const struct evtchn_domain *t, uint32_t port)
{
    return t->group[port / EVTCHN_GROUP_PORTS]->used[port / EVTCHN_BUCKET_PORTS % EVTCHN_GROUP_BUCKETS];
}

static uint32_t pirq_in_slot(const struct evtchn_domain *t, uint32_t pirq)
{
    uint32_t *chunk = pirq < EVTCHN_MAX_PIRQS ? t->pirq[pirq / EVTCHN_PIRQ_CHUNK] : NULL;

    return chunk ? chunk[pirq % EVTCHN_PIRQ_CHUNK] : 0;
}

static uint32_t virq_in_slot(const struct evtchn_domain *t, uint32_t virq, uint32_t vcpu)
{
    if (virq >= NR_VIRQS)
        return 0;
    return evtchn_virq_is_global(virq) ? t->virq[virq] : t->vcpu[vcpu]->virq[virq];
}

static const char *peer_audit(const struct evtchn *p, uint32_t port)
{
    const struct evtchn *peer = p->peer;

    if ((p->state == EVTCHNSTAT_interdomain) != !!peer)
        return "E2: peer and state disagree";
    if (!peer)
        return NULL;
    if (peer->peer != p || peer->state != EVTCHNSTAT_interdomain || peer->aux != port)
        return "E2: the peer isn't ours";
    return evtchn_find(peer->table, p->aux) == peer ? NULL : "E2: the peer has another number";
}

static const char *bound_audit(const struct evtchn_domain *t, const struct evtchn *p, uint32_t port)
{
    if (port < t->lowest)
        return "a bound port below the lowest";
    if (p->vcpu && !evtchn_has_vcpu(t, p->vcpu))
        return "E5: no such vCPU";
    if (p->flags & EVTCHN_SAVED && (!t->fifo || t->fifo->page[port / EVTCHN_WORDS_PER_PAGE]))
        return "E9: a saved event that has a place";
    if (p->priority > EVTCHN_FIFO_PRIORITY_MIN || p->last_priority > EVTCHN_FIFO_PRIORITY_MIN)
        return "an impossible priority";
    if (p->state == EVTCHNSTAT_virq && virq_in_slot(t, p->aux, p->vcpu) != port)
        return "E3: a VIRQ's port that no slot names";
    if (p->state == EVTCHNSTAT_pirq && pirq_in_slot(t, p->aux) != port)
        return "E4: a pirq's port that no slot names";
    return NULL;
}

static const char *port_audit(const struct evtchn_domain *t, uint32_t port, uint32_t *open, uint32_t *used_closed)
{
    const struct evtchn *p = evtchn_find(t, port);
    bool used = used_words(t, port)[port / 64 % BUCKET_WORDS] >> port % 64 & 1;
    const char *bad;

    if (p->table != t || ticket_held(&p->lock))
        return "a port's table or lock is wrong";
    bad = peer_audit(p, port);
    if (bad)
        return bad;
    if (p->state == EVTCHNSTAT_closed) {
        *used_closed += used;
        return p->flags ? "E9: flags at a closed port" : NULL;
    }
    ++*open;
    return used ? bound_audit(t, p, port) : "E1: bound but not used";
}

static const char *bucket_audit(const struct evtchn_domain *t, uint32_t first, uint32_t *open, uint32_t *used_closed)
{
    bool exists = evtchn_find(t, first + 1), full = exists;
    uint32_t b = first / EVTCHN_BUCKET_PORTS;
    const char *bad = NULL;

    for (unsigned i = 0; exists && i < BUCKET_WORDS; i++)
        full &= used_words(t, first)[i] == ~0ull;
    for (uint32_t port = MAX(first, 1u); exists && !bad && port < first + EVTCHN_BUCKET_PORTS; port++)
        bad = port_audit(t, port, open, used_closed);
    if (bad)
        return bad;
    return (t->full[b / 64] >> b % 64 & 1) == full ? NULL : "E1: full and used disagree";
}

static const char *group_audit(const struct evtchn_domain *t, uint32_t first, uint32_t *open, uint32_t *used_closed)
{
    uint32_t b = first / EVTCHN_BUCKET_PORTS;
    const char *bad = NULL;

    if (!t->group[first / EVTCHN_GROUP_PORTS])
        return (uint32_t)(t->full[b / 64] >> b % 64) ? "E1: full, but there is no bucket" : NULL;
    for (uint32_t i = 0; !bad && i < EVTCHN_GROUP_BUCKETS; i++)
        bad = bucket_audit(t, first + i * EVTCHN_BUCKET_PORTS, open, used_closed);
    return bad;
}

static const char *slot_audit(const struct evtchn_domain *t, uint32_t port, uint32_t state, uint32_t aux)
{
    const struct evtchn *p = evtchn_find(t, port);

    if (!port)
        return NULL;
    return p && p->state == state && p->aux == aux ? NULL : "E3, E4: a slot names a port that isn't bound so";
}

static const char *slots_audit(const struct evtchn_domain *t)
{
    const char *bad = NULL;

    for (unsigned i = 0; !bad && i < NR_VIRQS; i++)
        bad = slot_audit(t, t->virq[i], EVTCHNSTAT_virq, i);
    for (unsigned v = 0; !bad && v < t->nr_vcpus; v++)
        for (unsigned i = 0; !bad && t->vcpu[v] && i < NR_VIRQS; i++) {
            bad = slot_audit(t, t->vcpu[v]->virq[i], EVTCHNSTAT_virq, i);
            if (!bad && t->vcpu[v]->virq[i] && evtchn_find(t, t->vcpu[v]->virq[i])->vcpu != v)
                bad = "E3: a VIRQ's port notifies another vCPU";
        }
    for (unsigned i = 0; !bad && i < EVTCHN_MAX_PIRQS; i++)
        if (!t->pirq[i / EVTCHN_PIRQ_CHUNK])
            i += EVTCHN_PIRQ_CHUNK - 1;
        else
            bad = slot_audit(t, pirq_in_slot(t, i), EVTCHNSTAT_pirq, i);
    return bad;
}

static const char *linger_audit(const struct evtchn_domain *t)
{
    uint32_t port = t->linger_head, n = 0, last = 0;

    for (; port && n < t->nr_linger; n++) {
        const struct evtchn *p = evtchn_find(t, port);

        if (!p || p->state != EVTCHNSTAT_closed)
            return "E8: a lingering port that isn't closed";
        last = port;
        port = p->aux;
    }
    return port || n != t->nr_linger || last != t->linger_tail ? "E8: the list is broken" : NULL;
}

static const char *queue_audit(const struct evtchn_domain *t, unsigned vcpu, unsigned priority)
{
    const struct evtchn_queue *q = &t->vcpu[vcpu]->queue[priority];
    const struct evtchn *p;

    if (ticket_held(&q->lock))
        return "a queue's lock is held";
    if (!q->tail)
        return NULL;
    if (!t->fifo)
        return "E7: a tail without the FIFO ABI";
    p = evtchn_find(t, q->tail);
    if (!p || !t->fifo->page[q->tail / EVTCHN_WORDS_PER_PAGE])
        return "E7: a tail without port or word";
    return p->last_vcpu == vcpu && p->last_priority == priority ? NULL : "E7: a tail that left its queue";
}

static const char *queues_audit(const struct evtchn_domain *t)
{
    for (unsigned v = 0; v < t->nr_vcpus; v++)
        for (unsigned i = 0; t->vcpu[v] && i < EVTCHN_FIFO_MAX_QUEUES; i++) {
            const char *bad = queue_audit(t, v, i);

            if (bad)
                return bad;
        }
    return NULL;
}

/* NULL, or what is broken.  Nobody else may use the table meanwhile. */
static inline const char *evtchn_audit(const struct evtchn_domain *t)
{
    uint32_t open = 0, used_closed = 0;
    const char *bad = NULL;

    for (uint32_t first = 0; !bad && first < EVTCHN_MAX_PORTS; first += EVTCHN_GROUP_PORTS)
        bad = group_audit(t, first, &open, &used_closed);
    if (!bad && open != t->nr_open)
        bad = "E1: the count of bound ports is wrong";
    if (!bad && used_closed != t->nr_linger)
        bad = "E1: used, but neither bound nor lingering";
    if (!bad)
        bad = slots_audit(t);
    if (!bad)
        bad = linger_audit(t);
    return bad ? bad : queues_audit(t);
}
