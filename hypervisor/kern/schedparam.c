/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler's parameters: weights, caps, reservations, affinity, and the nodes that follow from it.  Policy: core/sched.c.
 * Locks: sched_config (RANK_VCPU) serialises all changes, and guards what is reserved on each CPU; each vCPU's
 * values are changed under its run queue's lock as well.
 */
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/sched.h"
#include "kern/sched_state.h"
#include "x86/numa.h"
#include "x86/softirq.h"
#include "x86/time.h"
#include "x86/trace.h"

#define PERIOD_MIN_US 100
#define PERIOD_MAX_US 4000000

_Static_assert(sizeof(cpumask_t) == sizeof(struct sched_mask), "one layout");

spinlock_t sched_config = LOCK_INIT(RANK_VCPU);

/*
 * Caps
 */
void sched_port_cap_used(struct sched_group *g)
{
    struct sched_domain *sd = container_of(g, struct sched_domain, group);

    if (!__atomic_exchange_n(&sd->refill_armed, true, __ATOMIC_SEQ_CST))
        timer_set(&sd->refill, time_now() + SCHED_CAP_PERIOD);
}

/* sv's share or limits have changed: it no longer stays parked, and if it runs its CPU chooses again. */
static void look_again(struct sched_vcpu *sv)
{
    uint64_t flags;
    struct sched_rq *rq = sched_lock(sv, &flags);
    bool unparked = sched_unpark(&sv->ent), runs = rq->curr == &sv->ent;

    sched_unlock(rq, flags);
    if (unparked)
        sched_reconsider(sv);
    if (runs)
        softirq_raise_cpu(rq->cpu, SOFTIRQ_SCHEDULE);
}

static void domain_unpark(struct domain *d)
{
    domain_each_vcpu(d, v)
        if (v->sched && READ_ONCE(v->sched->ent.state) == SCHED_PARKED)
            look_again(v->sched);
}

static void cap_refill(void *data)
{
    struct domain *d = data;
    bool unpark;

    __atomic_store_n(&d->sched->refill_armed, false, __ATOMIC_SEQ_CST); /* who takes from now on may arm it */
    if (sched_group_refill(&d->sched->group, &unpark))
        sched_port_cap_used(&d->sched->group);
    if (unpark)
        domain_unpark(d);
}

int sched_domain_create(struct domain *d, uint32_t pool)
{
    struct sched_domain *sd = mem_alloc(sizeof(*sd));
    int rc = sd ? pool_domain_join(sd, pool) : -XEN_ENOMEM;

    if (rc) {
        mem_free(sd);
        return rc;
    }
    lock_init(&sd->lock, RANK_VCPU);
    sd->weight = SCHED_WEIGHT_DEFAULT;
    d->sched = sd;
    timer_init(&sd->refill, cap_refill, d, cpu_id());
    watchdogs_init(d);
    TRACE(TRC_SCHED_DOM_ADD, d->id);
    return 0;
}

void sched_domain_stop(struct domain *d)
{
    watchdogs_kill(d);
    timer_kill(&d->sched->refill);
}

void sched_domain_destroy(struct domain *d)
{
    if (!d->sched)
        return;
    TRACE(TRC_SCHED_DOM_REM, d->id);
    sched_domain_stop(d);
    pool_domain_leave(d->sched);
    mem_free(d->sched);
    d->sched = NULL;
}

void sched_domain_get_params(const struct domain *d, struct sched_domain_params *p)
{
    p->weight = READ_ONCE(d->sched->weight);
    p->cap = READ_ONCE(d->sched->cap);
}

static void set_weight(struct sched_vcpu *sv, uint32_t weight)
{
    uint64_t flags;
    struct sched_rq *rq = sched_lock(sv, &flags);

    sched_set_weight(&sv->ent, weight, time_now());
    sched_unlock(rq, flags);
}

int sched_domain_set_params(struct domain *d, const struct sched_domain_params *p)
{
    if (!p->weight || p->weight > SCHED_WEIGHT_MAX || p->cap > 100 * SCHED_CPUS)
        return -XEN_EINVAL;
    lock(&sched_config);
    d->sched->weight = p->weight;
    domain_each_vcpu(d, v)
        if (v->sched)
            set_weight(v->sched, p->weight); /* counts the time until now, which a new cap is not to be charged with */
    if (d->sched->cap != p->cap)
        sched_group_cap(&d->sched->group, p->cap);
    d->sched->cap = p->cap;
    TRACE(TRC_SCHED_ADJDOM, d->id);
    domain_each_vcpu(d, v)
        if (v->sched)
            look_again(v->sched);
    unlock(&sched_config);
    return 0;
}

/*
 * Reservations and affinity
 */
/* [sched_config] */
static void reserve_at(struct sched_vcpu *sv, struct sched_rq *at, uint64_t budget, uint64_t period, bool extra)
{
    uint64_t flags;
    struct sched_rq *rq = sched_lock(sv, &flags);

    sched_reserve(&sv->ent, at, budget, period, extra, time_now());
    sched_unlock(rq, flags);
    sched_reconsider(sv);
    look_again(sv);
}

int sched_vcpu_set_reservation(struct vcpu *v, const struct sched_reservation *r)
{
    uint64_t budget = r->budget_us * 1000ull, period = r->period_us * 1000ull;
    struct sched_rq *at;

    if (budget && (budget > period || r->period_us < PERIOD_MIN_US || r->period_us > PERIOD_MAX_US))
        return -XEN_EINVAL;
    lock(&sched_config);
    at = budget ? sched_admit(&v->sched->ent, budget, period) : NULL;
    if (at || !budget)
        reserve_at(v->sched, at, budget, period, r->extra);
    TRACE(TRC_SCHED_ADJDOM, v->domain->id);
    unlock(&sched_config);
    return at || !budget ? 0 : -XEN_ENOSPC;
}

void sched_unreserve(struct sched_vcpu *sv)
{
    if (sv->ent.bound)
        reserve_at(sv, NULL, 0, 0, false);
}

/* The place for sv's reservation if its CPUs become `hard`.  False: none. [sched_config] */
static bool reservation_fits(struct sched_vcpu *sv, const struct sched_mask *hard, struct sched_rq **at)
{
    struct sched_mask old = sv->ent.hard;
    uint64_t flags;
    struct sched_rq *rq;

    *at = NULL;
    if (!sv->ent.bound)
        return true;
    rq = sched_lock(sv, &flags);
    sv->ent.hard = *hard;
    *at = sched_admit(&sv->ent, sv->ent.budget, sv->ent.period);
    sv->ent.hard = old;
    sched_unlock(rq, flags);
    return *at;
}

int sched_change_cpus(struct sched_vcpu *sv, struct sched_pool *pool, const struct sched_mask *want, const struct sched_mask *soft)
{
    struct sched_mask hard = sched_effective(pool, want), asked = *want, likes = *soft;
    struct sched_rq *rq, *at;
    uint64_t flags;

    if (!reservation_fits(sv, &hard, &at))
        return -XEN_ENOSPC;
    rq = sched_lock(sv, &flags);
    sched_set_pool(&sv->ent, pool);
    sched_set_affinity(&sv->ent, &asked, &likes);
    if (at && at != sv->ent.bound)
        sched_reserve(&sv->ent, at, sv->ent.budget, sv->ent.period, sv->ent.extra, time_now());
    sched_unlock(rq, flags);
    sched_reconsider(sv);
    WRITE_ONCE(sv->v->domain->sched->nodes, 0);
    return 0;
}

/* [sched_config] */
static int affinity_apply(struct sched_vcpu *sv, const struct sched_mask *hard, const struct sched_mask *soft)
{
    if (sched_mask_next(hard, &sv->ent.pool->cpus, 0) == SCHED_CPUS)
        return -XEN_EINVAL;
    return sched_change_cpus(sv, sv->ent.pool, hard, soft);
}

void sched_vcpu_get_affinity(const struct vcpu *v, cpumask_t *hard, cpumask_t *soft)
{
    lock(&sched_config);
    memcpy(hard, v->sched->pin_override ? &v->sched->saved_hard : &v->sched->ent.want, sizeof(*hard));
    memcpy(soft, &v->sched->ent.soft, sizeof(*soft));
    unlock(&sched_config);
}

int sched_vcpu_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft)
{
    struct sched_mask h, s;
    int r;

    lock(&sched_config);
    h = v->sched->ent.want;
    s = v->sched->ent.soft;
    if (hard)
        memcpy(&h, hard, sizeof(h));
    if (soft)
        memcpy(&s, soft, sizeof(s));
    r = hard && v->sched->pin_override ? -XEN_EBUSY : affinity_apply(v->sched, &h, &s);
    unlock(&sched_config);
    return r;
}

/* [sched_config] */
static uint64_t nodes_find(const struct sched_domain *sd)
{
    struct sched_mask cpus = { 0 };
    uint64_t nodes = sd->nodes_set;

    for (const struct sched_vcpu *sv = sd->vcpus; sv; sv = sv->next) {
        bool likes = sched_mask_next(&sv->ent.hard, &sv->ent.soft, 0) < SCHED_CPUS;

        for (unsigned i = 0; i < ARRAY_SIZE(cpus.bits); i++)
            cpus.bits[i] |= sv->ent.hard.bits[i] & (likes ? sv->ent.soft.bits[i] : ~0ul);
    }
    for (unsigned cpu = 0; !sd->nodes_set && (cpu = sched_mask_next(&cpus, &cpus, cpu)) < SCHED_CPUS; cpu++)
        nodes |= 1ul << numa_node_of_cpu(cpu);
    return nodes ? nodes : ~0ul;
}

uint64_t sched_domain_nodes(const struct domain *d)
{
    uint64_t nodes = READ_ONCE(d->sched->nodes);

    if (likely(nodes))
        return nodes;
    lock(&sched_config);
    nodes = nodes_find(d->sched);
    WRITE_ONCE(d->sched->nodes, nodes);
    unlock(&sched_config);
    return nodes;
}

int sched_domain_set_nodes(struct domain *d, uint64_t nodes)
{
    if (!(nodes & ~0ul >> (64 - numa_nodes())))
        return -XEN_EINVAL;
    lock(&sched_config);
    d->sched->nodes_set = nodes == ~0ul ? 0 : nodes;
    WRITE_ONCE(d->sched->nodes, 0);
    unlock(&sched_config);
    return 0;
}

/* [sched_config] */
static int pin(struct sched_vcpu *sv, unsigned cpu)
{
    struct sched_mask want = { 0 }, old = sv->ent.want, soft = sv->ent.soft;
    int r;

    if (sv->pin_override)
        return -XEN_EBUSY;
    want.bits[cpu / 64] = 1ul << (cpu % 64);
    r = affinity_apply(sv, &want, &soft);
    if (!r) {
        sv->pin_override = true;
        sv->saved_hard = old;
    }
    return r;
}

/* [sched_config] */
static int unpin(struct sched_vcpu *sv)
{
    if (!sv->pin_override)
        return -XEN_EINVAL;
    sv->pin_override = false;
    return sched_change_cpus(sv, sv->ent.pool, &sv->saved_hard, &sv->ent.soft);
}

int sched_pin_override(struct sched_vcpu *sv, int32_t pcpu)
{
    int r;

    if (pcpu >= SCHED_CPUS || (pcpu >= 0 && !READ_ONCE(sched_sys.rq[pcpu])))
        return -XEN_EINVAL;
    lock(&sched_config);
    r = pcpu < 0 ? unpin(sv) : pin(sv, (unsigned)pcpu);
    unlock(&sched_config);
    return r;
}

void vcpu_pin_override_end(struct vcpu *v)
{
    sched_pin_override(v->sched, -1); /* fails only if there is none */
}
