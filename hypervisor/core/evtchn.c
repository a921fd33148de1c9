/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The port table of a domain: opening, binding, raising, closing.  Invariants, locks: core/evtchn.h.
 *
 * Ports are found through groups of buckets, both made when first needed and never taken back before the
 * table goes, so a port that was found stays memory.  The lowest free port is given out first, so a domain with few
 * ports has one bucket.
 *
 * Next: core/evtchn_abi.h, sending; core/evtchn_abi.c.
 */
#include "core/evtchn.h"
#include "core/evtchn_abi.h"
#include "core/port.h"
#include "core/string.h"

#define BUCKET_WORDS (EVTCHN_BUCKET_PORTS / 64)
#define REAP_FEW     4u   /* lingering ports looked at by each opening */
#define REAP_MANY    256u /* and when there is no port left */

_Static_assert(sizeof(struct evtchn) * EVTCHN_BUCKET_PORTS == PAGE_SIZE, "a bucket is a page");
_Static_assert(EVTCHN_PIRQ_CHUNK * sizeof(uint32_t) == PAGE_SIZE, "a pirq chunk is a page");

/* --- finding --------------------------------------------------------------------------------------------- */

bool evtchn_has_vcpu(const struct evtchn_domain *t, uint32_t vcpu)
{
    return evtchn_vcpu_at(t, vcpu);
}

uint32_t evtchn_max_ports(const struct evtchn_domain *t)
{
    uint32_t by_abi = READ_ONCE(t->fifo) ? EVTCHN_MAX_PORTS : (uint32_t)EVTCHN_2L_NR_CHANNELS;

    return MIN(by_abi, t->limit);
}

static void lock_two(struct evtchn *a, struct evtchn *b)
{
    ticket_lock(a < b ? &a->lock : &b->lock);
    ticket_lock(a < b ? &b->lock : &a->lock);
}

static void unlock_two(struct evtchn *a, struct evtchn *b)
{
    ticket_unlock(&a->lock);
    ticket_unlock(&b->lock);
}

/* --- which ports are used -------------------------------------------------------------------------------- */

static uint64_t *used_words(const struct evtchn_domain *t, uint32_t port)
{
    return t->group[port / EVTCHN_GROUP_PORTS]->used[port / EVTCHN_BUCKET_PORTS % EVTCHN_GROUP_BUCKETS];
}

static void used_set(struct evtchn_domain *t, uint32_t port)
{
    uint64_t *used = used_words(t, port), all = ~0ull;
    uint32_t b = port / EVTCHN_BUCKET_PORTS;

    used[port / 64 % BUCKET_WORDS] |= 1ull << port % 64;
    for (unsigned i = 0; i < BUCKET_WORDS; i++)
        all &= used[i];
    if (all == ~0ull)
        t->full[b / 64] |= 1ull << b % 64;
}

static void used_clear(struct evtchn_domain *t, uint32_t port)
{
    uint32_t b = port / EVTCHN_BUCKET_PORTS;

    used_words(t, port)[port / 64 % BUCKET_WORDS] &= ~(1ull << port % 64);
    t->full[b / 64] &= ~(1ull << b % 64);
}

/* First port of the lowest bucket that isn't full; EVTCHN_MAX_PORTS if all are. */
static uint32_t bucket_lowest(const struct evtchn_domain *t)
{
    for (uint32_t i = 0; i < ARRAY_SIZE(t->full); i++)
        if (~t->full[i])
            return (i * 64 + (uint32_t)__builtin_ctzll(~t->full[i])) * EVTCHN_BUCKET_PORTS;
    return EVTCHN_MAX_PORTS;
}

/* Memory for the bucket that starts with port `first`. */
static int bucket_make(struct evtchn_domain *t, uint32_t first)
{
    struct evtchn_group **g = &t->group[first / EVTCHN_GROUP_PORTS];
    struct evtchn *b;

    if (!*g) {
        struct evtchn_group *fresh = mem_alloc(sizeof(*fresh));

        if (!fresh)
            return -XEN_ENOMEM;
        __atomic_store_n(g, fresh, __ATOMIC_RELEASE);
    }
    if ((*g)->bucket[first / EVTCHN_BUCKET_PORTS % EVTCHN_GROUP_BUCKETS])
        return 0;
    b = mem_alloc(EVTCHN_BUCKET_PORTS * sizeof(*b));
    if (!b)
        return -XEN_ENOMEM;
    for (unsigned i = 0; i < EVTCHN_BUCKET_PORTS; i++)
        b[i].table = t;
    if (!first)
        used_set(t, 0);
    __atomic_store_n(&(*g)->bucket[first / EVTCHN_BUCKET_PORTS % EVTCHN_GROUP_BUCKETS], b, __ATOMIC_RELEASE);
    return 0;
}

/* --- closed ports that are still linked (E8) ---------------------------------------------------------------- */

static void linger_push(struct evtchn_domain *t, uint32_t port)
{
    evtchn_find(t, port)->aux = 0;
    if (t->linger_tail)
        evtchn_find(t, t->linger_tail)->aux = port;
    else
        t->linger_head = port;
    t->linger_tail = port;
    t->nr_linger++;
}

static uint32_t linger_pop(struct evtchn_domain *t)
{
    uint32_t port = t->linger_head;

    t->linger_head = evtchn_find(t, port)->aux;
    if (!t->linger_head)
        t->linger_tail = 0;
    t->nr_linger--;
    return port;
}

/* Free those of the first n lingering ports that the guest has consumed by now. */
static void linger_reap(struct evtchn_domain *t, uint32_t n)
{
    for (n = MIN(n, t->nr_linger); n; n--) {
        uint32_t port = linger_pop(t);

        if (evtchn_is_linked(t, port))
            linger_push(t, port);
        else
            used_clear(t, port);
    }
}

/* --- life ------------------------------------------------------------------------------------------------ */

int evtchn_domain_init(struct evtchn_domain *t, domid_t id, struct shared_info *shared, unsigned nr_vcpus)
{
    t->vcpu = mem_alloc(MAX(nr_vcpus, 1u) * sizeof(*t->vcpu));
    if (!t->vcpu)
        return -XEN_ENOMEM;
    t->id = id;
    t->shared = shared;
    t->nr_vcpus = nr_vcpus;
    t->limit = EVTCHN_MAX_PORTS;
    t->lowest = EVTCHN_MAX_PORTS;
    return 0;
}

void evtchn_domain_fini(struct evtchn_domain *t)
{
    assert(!t->nr_open && !t->nr_linger && !t->fifo);
    for (unsigned i = 0; i < EVTCHN_NR_GROUPS; i++) {
        for (unsigned j = 0; t->group[i] && j < EVTCHN_GROUP_BUCKETS; j++)
            mem_free(t->group[i]->bucket[j]);
        mem_free(t->group[i]);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(t->pirq); i++)
        mem_free(t->pirq[i]);
    mem_free(t->vcpu);
}

void evtchn_vcpu_init(struct evtchn_domain *t, unsigned id, struct evtchn_vcpu *vc, struct vcpu_info *info)
{
    assert(id < t->nr_vcpus);
    vc->info = info;
    vc->control = &vc->early;
    __atomic_store_n(&t->vcpu[id], vc, __ATOMIC_RELEASE);
}

/* --- opening --------------------------------------------------------------------------------------------- */

/* The lowest free port or 0; its bucket may not exist yet. */
static uint32_t port_lowest(const struct evtchn_domain *t)
{
    uint32_t first = bucket_lowest(t), port = first;
    const uint64_t *used;

    if (first >= EVTCHN_MAX_PORTS)
        return 0;
    if (t->group[first / EVTCHN_GROUP_PORTS]) {
        used = used_words(t, first);
        while (used[port / 64 % BUCKET_WORDS] == ~0ull)
            port += 64;
        port += (uint32_t)__builtin_ctzll(~used[port / 64 % BUCKET_WORDS]);
    }
    port = MAX(port, 1u);
    return port < evtchn_max_ports(t) ? port : 0;
}

int evtchn_reserve(struct evtchn_domain *t)
{
    uint32_t port;
    int rc;

    if (t->closed)
        return -XEN_EINVAL;
    linger_reap(t, REAP_FEW);
    port = port_lowest(t);
    if (!port) {
        linger_reap(t, REAP_MANY);
        port = port_lowest(t);
    }
    if (!port)
        return -XEN_ENOSPC;
    rc = bucket_make(t, ROUND_DOWN(port, EVTCHN_BUCKET_PORTS));
    return rc ? rc : (int)port;
}

uint32_t evtchn_next(const struct evtchn_domain *t, uint32_t from)
{
    uint32_t port = MAX(from, t->lowest);

    while (port < EVTCHN_MAX_PORTS) {
        const struct evtchn_group *g = t->group[port / EVTCHN_GROUP_PORTS];
        uint64_t left;

        if (!g) {
            port = ROUND_DOWN(port, EVTCHN_GROUP_PORTS) + EVTCHN_GROUP_PORTS;
            continue;
        }
        left = used_words(t, port)[port / 64 % BUCKET_WORDS] >> port % 64;
        if (!left) {
            port = ROUND_DOWN(port, 64u) + 64;
            continue;
        }
        port += (uint32_t)__builtin_ctzll(left);
        if (port && READ_ONCE(evtchn_find(t, port)->state) != EVTCHNSTAT_closed)
            return port;
        port++;
    }
    return 0;
}

/* p's lock is held. */
static void port_set(struct evtchn_domain *t, struct evtchn *p, uint32_t port, uint8_t state, uint32_t aux,
                     uint32_t vcpu)
{
    assert(p->state == EVTCHNSTAT_closed && !p->peer);
    p->state = state;
    p->aux = aux;
    p->vcpu = (uint16_t)vcpu;
    p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    p->flags = 0;
    used_set(t, port);
    t->nr_open++;
    t->lowest = MIN(t->lowest, port);
}

/* Open a port; if `slot` is given it shall name the port. */
static void port_open(struct evtchn_domain *t, uint32_t port, uint8_t state, uint32_t aux, uint32_t vcpu,
                      uint32_t *slot)
{
    struct evtchn *p = evtchn_find(t, port);

    ticket_lock(&p->lock);
    port_set(t, p, port, state, aux, vcpu);
    if (slot)
        __atomic_store_n(slot, port, __ATOMIC_RELEASE);
    ticket_unlock(&p->lock);
}

bool evtchn_virq_is_global(uint32_t virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

static uint32_t *virq_slot(const struct evtchn_domain *t, uint32_t virq, uint32_t vcpu)
{
    virq = (uint32_t)index_clamp(virq, NR_VIRQS);
    return evtchn_virq_is_global(virq) ? (uint32_t *)&t->virq[virq] : &evtchn_vcpu_at(t, vcpu)->virq[virq];
}

static uint32_t *pirq_slot(const struct evtchn_domain *t, uint32_t pirq)
{
    uint32_t *chunk;

    if (pirq >= EVTCHN_MAX_PIRQS)
        return NULL;
    chunk = __atomic_load_n(&t->pirq[pirq / EVTCHN_PIRQ_CHUNK % ARRAY_SIZE(t->pirq)], __ATOMIC_ACQUIRE);
    return chunk ? &chunk[pirq % EVTCHN_PIRQ_CHUNK] : NULL;
}

int evtchn_virq_check(const struct evtchn_domain *t, uint32_t virq, uint32_t vcpu)
{
    if (virq >= NR_VIRQS || (evtchn_virq_is_global(virq) && vcpu))
        return -XEN_EINVAL;
    if (!evtchn_has_vcpu(t, vcpu))
        return -XEN_ENOENT;
    return *virq_slot(t, virq, vcpu) ? -XEN_EEXIST : 0;
}

int evtchn_pirq_check(struct evtchn_domain *t, uint32_t pirq)
{
    uint32_t *chunk, *slot = pirq_slot(t, pirq);

    if (pirq >= EVTCHN_MAX_PIRQS)
        return -XEN_EINVAL;
    if (slot)
        return *slot ? -XEN_EEXIST : 0;
    chunk = mem_alloc(EVTCHN_PIRQ_CHUNK * sizeof(*chunk));
    if (!chunk)
        return -XEN_ENOMEM;
    __atomic_store_n(&t->pirq[pirq / EVTCHN_PIRQ_CHUNK], chunk, __ATOMIC_RELEASE);
    return 0;
}

void evtchn_open_unbound(struct evtchn_domain *t, uint32_t port, domid_t remote)
{
    port_open(t, port, EVTCHNSTAT_unbound, remote, 0, NULL);
}

void evtchn_open_ipi(struct evtchn_domain *t, uint32_t port, uint32_t vcpu)
{
    port_open(t, port, EVTCHNSTAT_ipi, 0, vcpu, NULL);
}

void evtchn_open_virq(struct evtchn_domain *t, uint32_t port, uint32_t virq, uint32_t vcpu)
{
    port_open(t, port, EVTCHNSTAT_virq, virq, vcpu, virq_slot(t, virq, vcpu));
}

void evtchn_open_pirq(struct evtchn_domain *t, uint32_t port, uint32_t pirq)
{
    port_open(t, port, EVTCHNSTAT_pirq, pirq, 0, pirq_slot(t, pirq));
}

/* p and rp become each other's peers; both are locked. */
static void peers_join(struct evtchn *p, struct evtchn *rp, uint32_t port)
{
    rp->state = EVTCHNSTAT_interdomain;
    rp->aux = port;
    __atomic_store_n(&p->peer, rp, __ATOMIC_RELEASE);
    __atomic_store_n(&rp->peer, p, __ATOMIC_RELEASE);
}

int evtchn_open_interdomain(struct evtchn_domain *t, uint32_t port, struct evtchn_domain *rt, uint32_t rport,
                            struct evtchn_hit *hit)
{
    struct evtchn *p = evtchn_find(t, port), *rp = evtchn_find(rt, rport);
    int rc = -XEN_EINVAL;

    if (!rp || rp == p)
        return -XEN_EINVAL;
    lock_two(p, rp);
    if (rp->state == EVTCHNSTAT_unbound && rp->aux == t->id && !(rp->flags & EVTCHN_CLOSING)) {
        port_set(t, p, port, EVTCHNSTAT_interdomain, rport, 0);
        peers_join(p, rp, port);
        evtchn_pend(p, port, hit);
        rc = 0;
    }
    unlock_two(p, rp);
    return rc;
}

/* --- closing --------------------------------------------------------------------------------------------- */

/*
 * Lock p, and its peer if it has one, which is the result.  The order of the two locks is by address, so p's must
 * be let go in between; EVTCHN_CLOSING sees to it that meanwhile the peer may leave but no other may come.
 */
static struct evtchn *lock_with_peer(struct evtchn *p)
{
    struct evtchn *peer;

    ticket_lock(&p->lock);
    peer = p->peer;
    if (!peer)
        return NULL;
    p->flags |= EVTCHN_CLOSING;
    ticket_unlock(&p->lock);
    lock_two(p, peer);
    if (p->peer == peer)
        return peer;
    assert(!p->peer);
    ticket_unlock(&peer->lock);
    return NULL;
}

/* The peer waits for a new connection from the domain that left. */
static void peers_part(struct evtchn *p, struct evtchn *peer)
{
    __atomic_store_n(&p->peer, NULL, __ATOMIC_RELEASE);
    __atomic_store_n(&peer->peer, NULL, __ATOMIC_RELEASE);
    peer->state = EVTCHNSTAT_unbound;
    peer->aux = p->table->id;
}

/* p and peer (if any) are locked. */
static void port_unbind(struct evtchn *p, struct evtchn *peer, uint32_t port)
{
    if (peer)
        peers_part(p, peer);
    if (p->state == EVTCHNSTAT_virq)
        __atomic_store_n(virq_slot(p->table, p->aux, p->vcpu), 0, __ATOMIC_RELEASE);
    if (p->state == EVTCHNSTAT_pirq)
        __atomic_store_n(pirq_slot(p->table, p->aux), 0, __ATOMIC_RELEASE);
    evtchn_forget(p, port);
    p->state = EVTCHNSTAT_closed;
    p->vcpu = 0;
    p->aux = 0;
}

/* Close without giving the port's number back. */
static int port_close(struct evtchn_domain *t, uint32_t port, struct evtchn_closed *was)
{
    struct evtchn *p = evtchn_find(t, port), *peer;
    bool open;

    if (!p)
        return -XEN_EINVAL;
    peer = lock_with_peer(p);
    open = p->state != EVTCHNSTAT_closed;
    if (open) {
        *was = (struct evtchn_closed){ port, p->state, p->aux };
        port_unbind(p, peer, port);
        t->nr_open--;
    }
    ticket_unlock(&p->lock);
    if (peer)
        ticket_unlock(&peer->lock);
    return open ? 0 : -XEN_EINVAL;
}

int evtchn_close(struct evtchn_domain *t, uint32_t port, struct evtchn_closed *was)
{
    int rc = port_close(t, port, was);

    if (rc)
        return rc;
    if (evtchn_is_linked(t, port))
        linger_push(t, port);
    else
        used_clear(t, port);
    return 0;
}

int evtchn_wipe_step(struct evtchn_domain *t, struct evtchn_closed *was)
{
    uint32_t port;

    was->port = 0;
    if (t->nr_linger) {
        used_clear(t, linger_pop(t));
        return 1;
    }
    port = t->nr_open ? evtchn_next(t, 1) : 0;
    if (!port)
        return 0;
    t->lowest = port;
    (void)port_close(t, port, was);
    used_clear(t, port);
    return 1;
}

/* --- raising --------------------------------------------------------------------------------------------- */

/* Lock the port that a slot names and give its number; 0 if there is none.  It stays so while it is locked. */
static uint32_t slot_lock(const struct evtchn_domain *t, const uint32_t *slot, struct evtchn **p)
{
    uint32_t port = slot ? __atomic_load_n(slot, __ATOMIC_ACQUIRE) : 0;

    *p = port ? evtchn_find(t, port) : NULL;
    if (!*p)
        return 0;
    ticket_lock(&(*p)->lock);
    if (__atomic_load_n(slot, __ATOMIC_RELAXED) == port)
        return port;
    ticket_unlock(&(*p)->lock);
    return 0;
}

static bool slot_raise(const struct evtchn_domain *t, const uint32_t *slot, struct evtchn_hit *hit)
{
    struct evtchn *p;
    uint32_t port = slot_lock(t, slot, &p);

    if (!port)
        return false;
    evtchn_pend(p, port, hit);
    ticket_unlock(&p->lock);
    return true;
}

bool evtchn_raise_virq(struct evtchn_domain *t, struct evtchn_vcpu *vc, uint32_t virq, struct evtchn_hit *hit)
{
    return virq < NR_VIRQS && slot_raise(t, &vc->virq[virq], hit);
}

bool evtchn_raise_global(struct evtchn_domain *t, uint32_t virq, struct evtchn_hit *hit)
{
    return virq < NR_VIRQS && slot_raise(t, &t->virq[virq], hit);
}

bool evtchn_raise_pirq(struct evtchn_domain *t, uint32_t pirq, struct evtchn_hit *hit)
{
    return slot_raise(t, pirq_slot(t, pirq), hit);
}

/* --- the other operations on one port -------------------------------------------------------------------- */

int evtchn_unmask(struct evtchn_domain *t, uint32_t port, struct evtchn_hit *hit)
{
    struct evtchn *p = evtchn_find(t, port);

    if (!p)
        return -XEN_EINVAL;
    ticket_lock(&p->lock);
    evtchn_unmask_locked(p, port, hit);
    ticket_unlock(&p->lock);
    return 0;
}

void evtchn_unmask_pirq(struct evtchn_domain *t, uint32_t pirq, struct evtchn_hit *hit)
{
    struct evtchn *p;
    uint32_t port = slot_lock(t, pirq_slot(t, pirq), &p);

    if (!port)
        return;
    evtchn_unmask_locked(p, port, hit);
    ticket_unlock(&p->lock);
}

static bool vcpu_may_change(const struct evtchn *p)
{
    switch (p->state) {
    case EVTCHNSTAT_unbound:
    case EVTCHNSTAT_interdomain:
    case EVTCHNSTAT_pirq:
        return true;
    case EVTCHNSTAT_virq:
        return evtchn_virq_is_global(p->aux);
    default:
        return false;
    }
}

int evtchn_bind_vcpu(struct evtchn_domain *t, uint32_t port, uint32_t vcpu)
{
    struct evtchn *p = evtchn_find(t, port);
    int rc = -XEN_EINVAL;

    if (!evtchn_has_vcpu(t, vcpu))
        return -XEN_ENOENT;
    if (!p)
        return -XEN_EINVAL;
    ticket_lock(&p->lock);
    if (vcpu_may_change(p)) {
        p->vcpu = (uint16_t)vcpu;
        rc = 0;
    }
    ticket_unlock(&p->lock);
    return rc;
}

int evtchn_set_priority(struct evtchn_domain *t, uint32_t port, uint32_t priority)
{
    struct evtchn *p = evtchn_find(t, port);

    if (!p)
        return -XEN_EINVAL;
    if (!READ_ONCE(t->fifo))
        return -XEN_ENOSYS;
    if (priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -XEN_EINVAL;
    ticket_lock(&p->lock);
    p->priority = (uint8_t)priority;
    ticket_unlock(&p->lock);
    return 0;
}

int evtchn_status(struct evtchn_domain *t, uint32_t port, struct evtchn_status *out)
{
    struct evtchn *p = evtchn_find(t, port);

    memset(&out->u, 0, sizeof(out->u));
    if (port == 0) { /* nobody's, ever: who looks at all ports begins here */
        out->status = EVTCHNSTAT_closed;
        out->vcpu = 0;
        return 0;
    }
    if (!p)
        return -XEN_EINVAL;
    ticket_lock(&p->lock);
    out->status = p->state;
    out->vcpu = p->vcpu;
    if (p->state == EVTCHNSTAT_interdomain) {
        out->u.interdomain.dom = p->peer->table->id;
        out->u.interdomain.port = p->aux;
    } else if (p->state == EVTCHNSTAT_unbound)
        out->u.unbound.dom = (domid_t)p->aux;
    else if (p->state == EVTCHNSTAT_pirq || p->state == EVTCHNSTAT_virq)
        out->u.virq = p->aux;
    ticket_unlock(&p->lock);
    return 0;
}
