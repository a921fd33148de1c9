/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler's parameters: weights, caps, reservations, affinity.  Policy: core/sched.c.
 * Locks: `config` (RANK_VCPU) serialises all changes, and guards what is reserved on each CPU; each vCPU's
 * values are changed under its run queue's lock as well.
 */
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/sched.h"
#include "kern/sched_state.h"
#include "x86/softirq.h"
#include "x86/time.h"
#include <xen/sysctl.h>

#define PERIOD_MIN_US 100
#define PERIOD_MAX_US 4000000

_Static_assert(sizeof(cpumask_t) == sizeof(struct sched_mask), "one layout");

static spinlock_t config = LOCK_INIT(RANK_VCPU);

/*
 * Caps
 */
void sched_cap_arm(struct sched_domain *sd)
{
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
        sched_cap_arm(d->sched);
    if (unpark)
        domain_unpark(d);
}

int sched_domain_create(struct domain *d)
{
    struct sched_domain *sd = mem_alloc(sizeof(*sd));

    if (!sd)
        return -XEN_ENOMEM;
    lock_init(&sd->lock, RANK_VCPU);
    sd->weight = SCHED_WEIGHT_DEFAULT;
    d->sched = sd;
    timer_init(&sd->refill, cap_refill, d, cpu_id());
    watchdogs_init(d);
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
    sched_domain_stop(d);
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
    lock(&config);
    d->sched->weight = p->weight;
    if (d->sched->cap != p->cap)
        sched_group_cap(&d->sched->group, p->cap);
    d->sched->cap = p->cap;
    domain_each_vcpu(d, v)
        if (v->sched) {
            set_weight(v->sched, p->weight);
            look_again(v->sched);
        }
    unlock(&config);
    return 0;
}

uint32_t sched_ratelimit_us(void)
{
    return (uint32_t)(__atomic_load_n(&sched_system()->ratelimit, __ATOMIC_RELAXED) / 1000);
}

int sched_set_ratelimit_us(uint32_t us)
{
    if (us && (us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || us > XEN_SYSCTL_SCHED_RATELIMIT_MAX))
        return -XEN_EINVAL;
    __atomic_store_n(&sched_system()->ratelimit, us * 1000ul, __ATOMIC_RELAXED);
    return 0;
}

/*
 * Reservations and affinity
 */
void sched_vcpu_get_reservation(const struct vcpu *v, struct sched_reservation *r)
{
    const struct sched_ent *e = &v->sched->ent;

    lock(&config);
    *r = (struct sched_reservation){ .extra = e->extra };
    if (e->bound) {
        r->period_us = (uint32_t)(e->period / 1000);
        r->budget_us = (uint32_t)(e->budget / 1000);
    }
    unlock(&config);
}

/* [config] */
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
    lock(&config);
    at = budget ? sched_admit(&v->sched->ent, budget, period) : NULL;
    if (at || !budget)
        reserve_at(v->sched, at, budget, period, r->extra);
    unlock(&config);
    return at || !budget ? 0 : -XEN_ENOSPC;
}

void sched_reservation_drop(struct sched_vcpu *sv)
{
    lock(&config);
    if (sv->ent.bound)
        reserve_at(sv, NULL, 0, 0, false);
    unlock(&config);
}

static bool any_there(const struct sched_mask *m)
{
    unsigned cpu = sched_mask_next(m, m, 0);

    while (cpu < SCHED_CPUS && !READ_ONCE(sched_system()->rq[cpu]))
        cpu = sched_mask_next(m, m, cpu + 1);
    return cpu < SCHED_CPUS;
}

/* The place for sv's reservation if its CPUs become `hard`.  False: none. [config] */
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

/* [config] */
static int affinity_apply(struct sched_vcpu *sv, const struct sched_mask *hard, const struct sched_mask *soft)
{
    struct sched_rq *rq, *at;
    uint64_t flags;

    if (!any_there(hard))
        return -XEN_EINVAL;
    if (!reservation_fits(sv, hard, &at))
        return -XEN_ENOSPC;
    rq = sched_lock(sv, &flags);
    sched_set_affinity(&sv->ent, hard, soft);
    if (at && at != sv->ent.bound)
        sched_reserve(&sv->ent, at, sv->ent.budget, sv->ent.period, sv->ent.extra, time_now());
    sched_unlock(rq, flags);
    sched_reconsider(sv);
    return 0;
}

void sched_vcpu_get_affinity(const struct vcpu *v, cpumask_t *hard, cpumask_t *soft)
{
    lock(&config);
    memcpy(hard, v->sched->pin_override ? &v->sched->saved_hard : &v->sched->ent.hard, sizeof(*hard));
    memcpy(soft, &v->sched->ent.soft, sizeof(*soft));
    unlock(&config);
}

int sched_vcpu_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft)
{
    struct sched_mask h, s;
    int r;

    lock(&config);
    h = v->sched->ent.hard;
    s = v->sched->ent.soft;
    if (hard)
        memcpy(&h, hard, sizeof(h));
    if (soft)
        memcpy(&s, soft, sizeof(s));
    r = hard && v->sched->pin_override ? -XEN_EBUSY : affinity_apply(v->sched, &h, &s);
    unlock(&config);
    return r;
}

/* [config] */
static int pin(struct sched_vcpu *sv, unsigned cpu)
{
    struct sched_mask want = { 0 }, old = sv->ent.hard, soft = sv->ent.soft;
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

/* [config] */
static int unpin(struct sched_vcpu *sv)
{
    struct sched_mask soft = sv->ent.soft;

    if (!sv->pin_override)
        return -XEN_EINVAL;
    sv->pin_override = false;
    return affinity_apply(sv, &sv->saved_hard, &soft);
}

int sched_pin_override(struct sched_vcpu *sv, int32_t pcpu)
{
    int r;

    if (pcpu >= SCHED_CPUS || (pcpu >= 0 && !READ_ONCE(sched_system()->rq[pcpu])))
        return -XEN_EINVAL;
    lock(&config);
    r = pcpu < 0 ? unpin(sv) : pin(sv, (unsigned)pcpu);
    unlock(&config);
    return r;
}

void vcpu_pin_override_end(struct vcpu *v)
{
    sched_pin_override(v->sched, -1); /* fails only if there is none */
}
