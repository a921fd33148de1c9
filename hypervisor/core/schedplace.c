/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduling policy: several run queues.  Where a waking entity goes, which CPU takes work from which, and whether a
 * reservation fits.  What is read of queues whose lock isn't held is a hint: a wrong one costs time, nothing else.
 * Read first: core/sched.c.
 */
#include "core/port.h"
#include "core/sched.h"

#define STEAL_LAG   10000000ull /* [virtual ns] between queues before somebody moves to a busy CPU */
#define DRIFT_MAX   50000000ull /* [virtual ns] what a queue can be behind another */
#define STEAL_SCAN  256         /* entities looked at for one that may move */
#define HELPER_SCAN 8           /* CPUs looked at for one that could help */

static struct sched_ent *ent_of(struct lheap_node *n)
{
    return container_of(n, struct sched_ent, run);
}

/*
 * Idle CPUs
 */

/* All threads of rq's core are idle. */
static bool core_idle(const struct sched_rq *rq)
{
    const struct sched_mask *s = &rq->siblings;

    for (unsigned cpu = sched_mask_next(s, s, 0); cpu < SCHED_CPUS; cpu = sched_mask_next(s, s, cpu + 1))
        if (!sched_mask_test(&rq->sys->idle, cpu))
            return false;
    return true;
}

void sched_idle_set(struct sched_rq *rq, bool idle)
{
    struct sched_sys *sys = rq->sys;
    const struct sched_mask *s = &rq->siblings;
    bool core;

    if (sched_mask_test(&sys->idle, rq->cpu) == idle)
        return;
    sched_mask_set(&sys->idle, rq->cpu, idle);
    __atomic_add_fetch(&sys->nr_idle, idle ? 1u : ~0u, __ATOMIC_RELAXED);
    core = idle && core_idle(rq);
    for (unsigned cpu = sched_mask_next(s, s, 0); cpu < SCHED_CPUS; cpu = sched_mask_next(s, s, cpu + 1))
        sched_mask_set(&sys->idle_cores, cpu, core);
}

void sched_topology(struct sched_rq *rq, unsigned core, unsigned node)
{
    struct sched_sys *sys = rq->sys;

    assert(node < SCHED_NODES);
    sched_mask_set(&sys->node_cpus[rq->node], rq->cpu, false);
    rq->core = core;
    rq->node = node;
    sched_mask_set(&sys->node_cpus[node], rq->cpu, true);
    for (unsigned cpu = 0; cpu < sys->nr_cpus; cpu++) {
        struct sched_rq *o = sys->rq[cpu];

        if (!o || o == rq)
            continue;
        sched_mask_set(&o->siblings, rq->cpu, o->core == core && o->node == node);
        sched_mask_set(&rq->siblings, cpu, o->core == core && o->node == node);
    }
}

/* A CPU that is in a, b and c, the first from `from` on, round the circle; or SCHED_CPUS. */
static unsigned in_all(const struct sched_mask *a, const struct sched_mask *b, const struct sched_mask *c, unsigned from)
{
    for (unsigned cpu = sched_mask_next(a, b, from); cpu < SCHED_CPUS; cpu = sched_mask_next(a, b, cpu + 1))
        if (sched_mask_test(c, cpu))
            return cpu;
    return from ? in_all(a, b, c, 0) : SCHED_CPUS;
}

/* The best idle CPU for e among those in both masks, or SCHED_CPUS. */
static unsigned idle_among(const struct sched_ent *e, const struct sched_mask *m, const struct sched_mask *hard)
{
    const struct sched_sys *sys = e->rq->sys;
    unsigned home = e->rq->cpu, cpu;
    bool home_ok = sched_mask_test(m, home) && sched_mask_test(hard, home) && sched_mask_test(&sys->idle, home);
    struct sched_mask near;

    if (home_ok && sched_mask_test(&sys->idle_cores, home))
        return home;
    for (unsigned i = 0; i < ARRAY_SIZE(near.bits); i++)
        near.bits[i] = sys->node_cpus[e->rq->node].bits[i] & hard->bits[i];
    cpu = in_all(&sys->idle_cores, m, &near, home);
    if (cpu == SCHED_CPUS && home_ok)
        cpu = home;
    if (cpu == SCHED_CPUS)
        cpu = in_all(&sys->idle_cores, m, hard, home);
    return cpu < SCHED_CPUS ? cpu : in_all(&sys->idle, m, hard, home);
}

static unsigned idle_for(const struct sched_ent *e)
{
    unsigned cpu = SCHED_CPUS;

    if (READ_ONCE(e->rq->sys->nr_idle))
        cpu = idle_among(e, &e->soft, &e->hard);
    if (cpu == SCHED_CPUS && READ_ONCE(e->rq->sys->nr_idle))
        cpu = idle_among(e, &e->hard, &e->hard);
    return cpu;
}

/*
 * Where to wake
 */

/* Nobody is idle: home, unless one of the next two it may use has clearly less to do. */
static struct sched_rq *place_busy(const struct sched_ent *e)
{
    const struct sched_sys *sys = e->rq->sys;
    struct sched_rq *best = sched_allowed(e, e->rq) ? e->rq : NULL;
    unsigned cpu = e->rq->cpu + 1, tried = 0;

    for (unsigned i = 0; i < sys->nr_cpus && tried < 2; i++, cpu++) {
        struct sched_rq *rq = sys->rq[cpu % sys->nr_cpus];

        if (!rq || rq == e->rq || !sched_allowed(e, rq))
            continue;
        if (!best || READ_ONCE(rq->weight) + e->weight < READ_ONCE(best->weight))
            best = rq;
        tried++;
    }
    return best ? best : e->rq;
}

struct sched_rq *sched_place(const struct sched_ent *e)
{
    unsigned cpu;

    if (__atomic_load_n(&e->loaded, __ATOMIC_ACQUIRE))
        return e->rq;
    if (e->bound)
        return e->bound;
    cpu = idle_for(e);
    return cpu < SCHED_CPUS ? e->rq->sys->rq[cpu] : place_busy(e);
}

void sched_rehome(struct sched_ent *e, struct sched_rq *to, uint64_t now)
{
    assert(e->state == SCHED_ASLEEP && e->rq->curr != e && !lheap_in(&e->refill));
    sched_charge(e->rq, now);
    if (!e->moved) {
        e->from_vtime = e->rq->vtime + e->rq->offset;
        e->vtime += e->rq->offset;
    }
    e->moved = true;
    __atomic_store_n(&e->rq, to, __ATOMIC_RELEASE); /* who finds the new home, and locks that only, finds all of this */
}

/*
 * Who takes work from whom
 */

/*
 * Would it be good for e, which waits elsewhere, to come to `to`?  Only if it would run there at once: it can't be
 * handed round while it waits.
 */
static bool should_come(const struct sched_rq *to, const struct sched_ent *e)
{
    uint64_t low;

    if (e->bound || !sched_allowed(e, to) || __atomic_load_n(&e->loaded, __ATOMIC_ACQUIRE))
        return false;
    if (sched_rq_empty(to))
        return true;
    if (!sched_rq_low(to, &low) || !sched_mask_test(&e->soft, to->cpu))
        return false;
    return lheap_before(e->vtime + e->rq->offset + STEAL_LAG, low + to->offset);
}

/* Is a, that may come, a better choice than b? */
static bool better(const struct sched_rq *to, const struct sched_ent *a, const struct sched_ent *b)
{
    bool a_likes = sched_mask_test(&a->soft, to->cpu), b_likes = sched_mask_test(&b->soft, to->cpu);

    return a_likes != b_likes ? a_likes : lheap_before(a->vtime, b->vtime);
}

struct sched_ent *sched_steal(struct sched_rq *to, struct sched_rq *from, uint64_t now)
{
    struct lheap_node *n = from->movable ? from->fair.top : NULL;
    struct sched_ent *best = NULL;

    sched_charge(to, now);
    for (unsigned i = 0; n && i < STEAL_SCAN; i++, n = lheap_walk(n, false)) {
        struct sched_ent *e = ent_of(n);

        if (should_come(to, e) && (!best || better(to, e, best)))
            best = e;
    }
    if (!best)
        return NULL;
    sched_dequeue(from, best);
    best->vtime += from->offset - to->offset;
    sched_arrive(to, best);
    return best;
}

/* The next CPU of rq's pool from `from` on, not rq's, where somebody waits; of rq's node, or of the others. */
static unsigned waiting_from(const struct sched_rq *rq, bool near, unsigned from)
{
    const struct sched_mask *w = &rq->sys->waiting, *node = &rq->sys->node_cpus[rq->node];
    const struct sched_pool *pool = READ_ONCE(rq->pool);
    unsigned end = DIV_UP(rq->sys->nr_cpus, 64); /* this is looked for at each switch to idle */
    unsigned cpu = pool ? sched_mask_next_in(w, &pool->cpus, from, end) : SCHED_CPUS;

    while (cpu < SCHED_CPUS && (cpu == rq->cpu || sched_mask_test(node, cpu) != near))
        cpu = sched_mask_next_in(w, &pool->cpus, cpu + 1, end);
    return cpu;
}

unsigned sched_victim(const struct sched_rq *rq, unsigned *cursor)
{
    for (unsigned pass = *cursor / SCHED_CPUS; pass < 2; pass++) {
        unsigned cpu = waiting_from(rq, pass == 0, *cursor % SCHED_CPUS);

        *cursor = pass * SCHED_CPUS + MIN(cpu + 1, (unsigned)SCHED_CPUS);
        if (cpu < SCHED_CPUS)
            return cpu;
    }
    return SCHED_CPUS;
}

uint64_t sched_rq_reckoned(const struct sched_rq *rq, uint64_t now)
{
    uint64_t low = READ_ONCE(rq->hint_low), since = READ_ONCE(rq->hint_since);
    uint32_t weight = READ_ONCE(rq->hint_weight);

    if (weight && now > since)
        low += (now - since) * SCHED_WEIGHT_DEFAULT / weight;
    return low;
}

/*
 * Is the other queue so far ahead of e, which waits at rq, that it should take it?  If it is further ahead than can be evened
 * out, rq lets go of the rest.  If it is behind as much, and nobody waits there to whom that would be owed, then
 * it is the other that is set forward: else it would never help.  (Who reads hint_low before hint_since
 * can be wrong only towards too little.)
 */
static bool far_ahead(struct sched_rq *rq, struct sched_rq *other, const struct sched_ent *e, uint64_t now)
{
    uint64_t mine = e->vtime + rq->offset;
    int64_t ahead = (int64_t)(sched_rq_reckoned(other, now) - mine);

    if (!READ_ONCE(other->hint_open))
        return false;
    if (ahead > (int64_t)DRIFT_MAX) {
        rq->offset += (uint64_t)ahead - DRIFT_MAX;
    } else if (ahead < -(int64_t)DRIFT_MAX && READ_ONCE(other->hint_weight)) {
        WRITE_ONCE(other->hint_since, now);
        WRITE_ONCE(other->hint_low, mine);
    }
    return ahead > (int64_t)STEAL_LAG;
}

/* One that waits and may go elsewhere; near the top, not always the first. */
static const struct sched_ent *first_movable(const struct sched_rq *rq)
{
    struct lheap_node *n = rq->movable ? rq->fair.top : NULL;

    for (unsigned i = 0; n && i < STEAL_SCAN; i++, n = lheap_walk(n, false))
        if (ent_of(n)->movable && !ent_of(n)->bound)
            return ent_of(n);
    return NULL;
}

unsigned sched_helper(struct sched_rq *rq, uint64_t now)
{
    const struct sched_sys *sys = rq->sys;
    const struct sched_ent *e = first_movable(rq);
    unsigned cpu;

    if (!e)
        return SCHED_CPUS;
    cpu = idle_for(e);
    for (unsigned i = 0; cpu == SCHED_CPUS && i < HELPER_SCAN && i < sys->nr_cpus; i++) {
        unsigned c = rq->probe++ % sys->nr_cpus;
        struct sched_rq *other = sys->rq[c];

        if (other && other != rq && sched_mask_test(&e->hard, c) && far_ahead(rq, other, e, now))
            cpu = c;
    }
    if (cpu < SCHED_CPUS)
        __atomic_store_n(&sys->rq[cpu]->helps, rq->cpu + 1, __ATOMIC_RELEASE);
    return cpu;
}

/* What rq would have reserved, without e's present reservation. */
static uint64_t reserved_without(const struct sched_rq *rq, const struct sched_ent *e)
{
    return rq->reserved - (e->bound == rq ? e->budget * SCHED_UNIT / e->period : 0);
}

struct sched_rq *sched_admit(const struct sched_ent *e, uint64_t budget, uint64_t period)
{
    const struct sched_sys *sys = e->rq->sys;
    struct sched_rq *best = NULL;
    uint64_t share;

    if (!budget || budget > period || period > UINT64_MAX / SCHED_UNIT / 2)
        return NULL;
    share = budget * SCHED_UNIT / period + 1;
    for (unsigned cpu = 0; cpu < sys->nr_cpus; cpu++) {
        struct sched_rq *rq = sys->rq[cpu];
        bool home = rq == (e->bound ? e->bound : e->rq);

        if (!rq || !sched_mask_test(&e->hard, cpu) || reserved_without(rq, e) + share > SCHED_RESERVABLE)
            continue;
        if (home)
            return rq;
        if (!best || reserved_without(rq, e) < reserved_without(best, e))
            best = rq;
    }
    return best;
}
