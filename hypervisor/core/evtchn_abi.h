/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How events get into guest memory, for core/evtchn.c; and EVTCHNOP_send as a whole, inline because it is so frequent.
 * Invariants and locks: core/evtchn.h.
 */
#pragma once

#include "core/evtchn.h"
#include "core/sharedbits.h"

/* The port's structure, if there is memory behind that number; NULL for port 0. */
static inline struct evtchn *evtchn_find(const struct evtchn_domain *t, uint32_t port)
{
    const struct evtchn_group *g;
    struct evtchn *b;

    if (port - 1 >= EVTCHN_MAX_PORTS - 1)
        return NULL;
    port = (uint32_t)index_clamp(port, EVTCHN_MAX_PORTS);
    g = __atomic_load_n(&t->group[port / EVTCHN_GROUP_PORTS], __ATOMIC_ACQUIRE);
    if (!g)
        return NULL;
    b = __atomic_load_n(&g->bucket[port / EVTCHN_BUCKET_PORTS % EVTCHN_GROUP_BUCKETS], __ATOMIC_ACQUIRE);
    return b ? &b[port % EVTCHN_BUCKET_PORTS] : NULL;
}

/* Of one event: whom to kick, or NULL; it wasn't pending. */
struct evtchn_pended {
    struct evtchn_vcpu *kick;
    bool fresh;
};

/* The vCPU, if it has a new upcall to take, or NULL.  The functions below give that, too. */
static inline struct evtchn_vcpu *upcall(struct evtchn_vcpu *vc)
{
    struct vcpu_info *info = __atomic_load_n(&vc->info, __ATOMIC_ACQUIRE);

    /* The guest's upcall mask is not looked at: it is exact on the CPU that runs the vCPU only (<xen/xen.h>). */
    return __atomic_exchange_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST) ? NULL : vc;
}

/* The vCPU of a port: its number has been looked at. */
static inline struct evtchn_vcpu *vcpu_find(const struct evtchn_domain *t, uint32_t vcpu)
{
    return vcpu < t->nr_vcpus ? __atomic_load_n(&t->vcpu[vcpu], __ATOMIC_ACQUIRE) : NULL;
}

/* Of a bitmap: the word with the port's bit. */
static inline xen_ulong_t *level_word(xen_ulong_t *map, uint32_t port)
{
    return &map[port / 64 % (EVTCHN_2L_NR_CHANNELS / 64)];
}

static inline struct evtchn_vcpu *level_select(const struct evtchn *p, uint32_t port)
{
    struct evtchn_vcpu *vc = vcpu_find(p->table, p->vcpu);
    struct vcpu_info *info;

    if (!vc)
        return NULL;
    info = __atomic_load_n(&vc->info, __ATOMIC_ACQUIRE);
    return shared_set64(&info->evtchn_pending_sel, port / 64) ? NULL : upcall(vc);
}

static inline struct evtchn_pended level_pend(const struct evtchn *p, uint32_t port)
{
    struct shared_info *s = p->table->shared;

    if (shared_set64(level_word(s->evtchn_pending, port), port % 64))
        return (struct evtchn_pended){ NULL, false };
    return (struct evtchn_pended){ shared_test64(level_word(s->evtchn_mask, port), port % 64) ? NULL : level_select(p, port), true };
}

/* The FIFO ABI's.  p's lock is held. */
struct evtchn_pended evtchn_fifo_pend(const struct evtchn_fifo *f, struct evtchn *p, uint32_t port);

static inline const struct evtchn_fifo *fifo_of(const struct evtchn_domain *t)
{
    return __atomic_load_n(&t->fifo, __ATOMIC_ACQUIRE);
}

static inline bool level_has(uint32_t port)
{
    return port < EVTCHN_2L_NR_CHANNELS;
}

/* Set p (number `port`) pending and queue it or select its word unless it is masked.  p's lock is held. */
static ALWAYS_INLINE void evtchn_pend(struct evtchn *p, uint32_t port, struct evtchn_hit *hit)
{
    struct evtchn_domain *t = p->table;
    const struct evtchn_fifo *f = fifo_of(t);
    struct evtchn_pended r;

    if (!f && !level_has(port))
        return;
    r = f ? evtchn_fifo_pend(f, p, port) : level_pend(p, port);
    *hit = (struct evtchn_hit){ r.kick, r.fresh, port, t };
}

/* EVTCHNOP_send: 0 or -XEN_EINVAL.  [quiet] */
static ALWAYS_INLINE int evtchn_send(struct evtchn_domain *t, uint32_t port, struct evtchn_hit *hit)
{
    struct evtchn *p = evtchn_find(t, port), *to;
    int rc = 0;

    if (!p)
        return -XEN_EINVAL;
    to = __atomic_load_n(&p->peer, __ATOMIC_ACQUIRE);
    if (!to)
        to = p; /* it may get a peer before it is locked: then that one gets no event */
    ticket_lock(&to->lock);
    if (to != p ? to->peer == p : p->state == EVTCHNSTAT_ipi)
        evtchn_pend(to, to != p ? p->aux : port, hit); /* p's peer: so p->aux is its number, and stays so (E2) */
    else if (to == p && p->state != EVTCHNSTAT_unbound && p->state != EVTCHNSTAT_interdomain)
        rc = -XEN_EINVAL;
    ticket_unlock(&to->lock);
    return rc;
}

/* The guest wants no more of p's past events.  p's lock is held. */
void evtchn_forget(struct evtchn *p, uint32_t port);
/* Clear p's mask, and notify if it is pending.  p's lock is held. */
void evtchn_unmask_locked(struct evtchn *p, uint32_t port, struct evtchn_hit *hit);
/* Is the port's event word in a queue of the guest? */
bool evtchn_is_linked(const struct evtchn_domain *t, uint32_t port);
