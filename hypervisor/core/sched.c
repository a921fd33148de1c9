/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduling policy: one run queue.  (Several: core/schedplace.c.)
 *
 * Fair share: each entity has a virtual time that advances by 256 / weight for each ns it runs; each CPU runs the
 * runnable entity with the least of it.  All CPUs' virtual times are on one scale (each queue's own, plus its
 * offset): a queue that falls behind another has less to give, so the other takes (sched_steal) some of its
 * entities, with their virtual time, and that evens out what each has got over the whole machine.  Where affinity or a great
 * weight keeps queues from evening out, the scales are shifted so that no more than DRIFT_MAX is ever owed; and
 * an entity that arrives is brought to within LAG_MAX of its new queue's time.
 * One that has slept gets at most SLEEP_BONUS ahead of the others: enough to run at once when it wakes for
 * I/O, too little to starve anybody.
 *
 * Reservations: a constant bandwidth server each (Abeni and Buttazzo, 1998), bound to one CPU, earliest deadline
 * first, before all fair share.  The sum on a CPU is at most SCHED_RESERVABLE, so every deadline is kept.
 * Who has used his budget up is PARKED or (extra) goes on under fair share until his next period.  Reserved time counts in
 * virtual time too: a reservation is a floor, not an addition.
 *
 * Caps: a group's quota for each period is handed out in chunks; who gets none is PARKED until the refill.  Time on
 * a reservation counts, but is never refused.
 *
 * Invariants, checked by tests/host/sched_audit.h:
 *   S1  an entity is in a heap of its home iff QUEUED; it is the home's curr if RUNNING;
 *   S2  rq->weight is the sum of the weights of the queued and of a RUNNING curr;
 *   S3  each queued entity is at home here, and is allowed here;
 *   S4  rq->rt has those on their reservation, with budget left, by deadline; rq->fair all others, by virtual time;
 *   S5  rq->refill has those here, not ASLEEP, who have used up their reservation, and nobody else;
 *   S6  rq->movable counts those in rq->fair that may go elsewhere; the CPU is in sys->waiting iff there are any;
 *   S7  who is queued is of the CPU's pool, and what he may use is as sched_effective() says, or (his pool is just changing) was.
 */
#include "core/sched.h"
#include "core/port.h"

#define US 1000ull
#define MS (1000 * US)

#define SLICE_MAX    (5 * MS)
#define SLICE_MIN    (1 * MS)
#define SLICE_TARGET (20 * MS)  /* everybody who waits should run within this, slices permitting */
#define WAKE_GRAIN   (500 * US) /* [virtual] one that wakes preempts if it is so far behind */
#define SLEEP_BONUS  (3 * MS)   /* [virtual] */
#define LAG_MAX      (20 * MS)  /* [virtual] of an entity from its queue's time; and a slice */

static struct sched_ent *ent_of(struct lheap_node *n)
{
    return container_of(n, struct sched_ent, run);
}

void sched_mask_set(struct sched_mask *m, unsigned cpu, bool on)
{
    uint64_t bit = 1ul << (cpu % 64);

    if (sched_mask_test(m, cpu) == on)
        return;
    if (on)
        __atomic_or_fetch(&m->bits[cpu / 64], bit, __ATOMIC_SEQ_CST);
    else
        __atomic_and_fetch(&m->bits[cpu / 64], ~bit, __ATOMIC_SEQ_CST);
}

unsigned sched_mask_next_in(const struct sched_mask *a, const struct sched_mask *b, unsigned from, unsigned end)
{
    while (from / 64 < end) {
        uint64_t w = (READ_ONCE(a->bits[from / 64]) & READ_ONCE(b->bits[from / 64])) >> (from % 64);

        if (w)
            return from + (unsigned)__builtin_ctzl(w);
        from = (from / 64 + 1) * 64;
    }
    return SCHED_CPUS;
}

static bool mask_many(const struct sched_mask *m)
{
    unsigned first = sched_mask_next(m, m, 0);

    return first < SCHED_CPUS && sched_mask_next(m, m, first + 1) < SCHED_CPUS;
}

void sched_rq_init(struct sched_sys *sys, struct sched_rq *rq, unsigned cpu)
{
    *rq = (struct sched_rq){ .sys = sys, .cpu = cpu };
    WRITE_ONCE(sys->rq[cpu], rq);
    if (cpu >= sys->nr_cpus)
        WRITE_ONCE(sys->nr_cpus, cpu + 1);
    sched_mask_set(&rq->siblings, cpu, true);
    sched_mask_set(&sys->node_cpus[0], cpu, true);
    rq->core = cpu;
    sched_idle_set(rq, true);
}

struct sched_mask sched_effective(const struct sched_pool *pool, const struct sched_mask *want)
{
    struct sched_mask both;
    uint64_t any = 0;

    if (!pool)
        return *want;
    for (unsigned i = 0; i < ARRAY_SIZE(both.bits); i++) {
        both.bits[i] = READ_ONCE(pool->cpus.bits[i]) & want->bits[i];
        any |= both.bits[i];
    }
    return any ? both : pool->cpus;
}

void sched_ent_init(struct sched_ent *e, struct sched_pool *pool, struct sched_group *g, struct sched_rq *rq, uint32_t weight)
{
    *e = (struct sched_ent){ .rq = rq, .pool = pool, .group = g, .weight = weight, .vtime = rq->vtime };
    for (unsigned i = 0; i < ARRAY_SIZE(e->want.bits); i++)
        e->want.bits[i] = e->soft.bits[i] = ~0ull;
    e->hard = sched_effective(pool, &e->want);
    e->movable = mask_many(&e->hard);
}

static bool curr_runs(const struct sched_rq *rq)
{
    return rq->curr && rq->curr->state == SCHED_RUNNING;
}

bool sched_rq_empty(const struct sched_rq *rq)
{
    return !rq->fair.count && !rq->rt.count && !curr_runs(rq);
}

/*
 * Virtual time
 */
static uint64_t weighted(uint64_t ns, uint32_t weight)
{
    return ns * SCHED_WEIGHT_DEFAULT / weight;
}

bool sched_rq_low(const struct sched_rq *rq, uint64_t *low)
{
    const struct sched_ent *c = curr_runs(rq) ? rq->curr : NULL;

    if (rq->fair.top)
        *low = rq->fair.top->key;
    if (c && !c->rt && (!rq->fair.top || lheap_before(c->vtime, *low)))
        *low = c->vtime;
    return c ? !c->rt : rq->fair.top != NULL;
}

/* The queue's time follows the least that anybody under fair share has had. */
static void rq_advance(struct sched_rq *rq)
{
    uint64_t low;

    if (sched_rq_low(rq, &low) && lheap_before(rq->vtime, low))
        rq->vtime = low;
}

void sched_charge(struct sched_rq *rq, uint64_t now)
{
    struct sched_ent *e = rq->curr;
    uint64_t ns;

    if (!e || now <= e->charged)
        return;
    ns = now - e->charged;
    e->charged = now;
    e->vtime += weighted(ns, e->weight);
    if (e->rt)
        e->left -= (int64_t)ns;
    if (sched_group_capped(e->group))
        e->quota -= (int64_t)ns;
    rq_advance(rq);
}

static uint64_t ratelimit(const struct sched_rq *rq)
{
    const struct sched_pool *pool = READ_ONCE(rq->pool);

    return pool ? __atomic_load_n(&pool->ratelimit, __ATOMIC_RELAXED) : 0;
}

/* What one under fair share gets at a stretch, although others wait. */
static uint64_t longest_run(const struct sched_rq *rq)
{
    return MAX(SLICE_MAX, ratelimit(rq));
}

/* Bring e's virtual time to at most LAG_MAX and what a slice costs it after rq's, and at most `behind` before rq's or that of the one who has had least
 * (one just taken from another queue may be before rq's). */
static void vtime_fit(struct sched_rq *rq, struct sched_ent *e, uint64_t behind)
{
    uint64_t base = rq->vtime, ahead = LAG_MAX + weighted(longest_run(rq), e->weight), low;

    if (sched_rq_low(rq, &low) && lheap_before(low, base))
        base = lheap_before(low, base - LAG_MAX) ? base - LAG_MAX : low;
    if (sched_rq_empty(rq) && lheap_before(rq->vtime, e->vtime))
        rq->vtime = e->vtime;
    if (lheap_before(e->vtime, base - behind))
        e->vtime = base - behind;
    if (lheap_before(rq->vtime + ahead, e->vtime))
        e->vtime = rq->vtime + ahead;
}

/*
 * Caps
 */
bool sched_group_capped(const struct sched_group *g)
{
    return g && READ_ONCE(g->quota);
}

void sched_group_cap(struct sched_group *g, uint32_t percent)
{
    uint64_t quota = percent * (SCHED_CAP_PERIOD / 100);

    WRITE_ONCE(g->quota, quota);
    __atomic_store_n(&g->left, (int64_t)quota, __ATOMIC_RELAXED);
}

bool sched_group_refill(struct sched_group *g, bool *unpark)
{
    int64_t quota = (int64_t)READ_ONCE(g->quota);
    int64_t left = __atomic_exchange_n(&g->left, quota, __ATOMIC_RELAXED);

    *unpark = __atomic_exchange_n(&g->parked, 0, __ATOMIC_ACQUIRE) != 0;
    return quota && (left < quota || *unpark);
}

/* Take up to `want` from the group. */
static int64_t group_take(struct sched_group *g, int64_t want)
{
    int64_t left = __atomic_load_n(&g->left, __ATOMIC_RELAXED), got;

    do {
        if (left <= 0)
            return 0;
        got = MIN(want, left);
    } while (!__atomic_compare_exchange_n(&g->left, &left, left - got, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return got;
}

/* May e, under fair share, run by its group's cap?  Gets a chunk if it has none. */
static bool affords(struct sched_ent *e)
{
    int64_t chunk;

    if (!sched_group_capped(e->group)) {
        e->quota = 0;
        return true;
    }
    if (e->quota > 0)
        return true;
    sched_port_cap_used(e->group);
    chunk = (int64_t)READ_ONCE(e->group->quota) / 4;
    chunk = chunk < (int64_t)(250 * US) ? (int64_t)(250 * US) : MIN(chunk, (int64_t)(2 * MS));
    e->quota += group_take(e->group, chunk - e->quota);
    return e->quota > 0;
}

/* e goes to sleep: others of the group may use what it took. */
static void quota_return(struct sched_ent *e)
{
    if (e->quota <= 0)
        return;
    if (sched_group_capped(e->group))
        __atomic_add_fetch(&e->group->left, e->quota, __ATOMIC_RELAXED);
    e->quota = 0;
}

bool sched_unpark(struct sched_ent *e)
{
    if (e->state != SCHED_PARKED)
        return false;
    if (lheap_in(&e->refill))
        lheap_remove(&e->rq->refill, &e->refill);
    WRITE_ONCE(e->state, SCHED_ASLEEP);
    return true;
}

/*
 * Queues
 */
static void count_movable(struct sched_rq *rq, const struct sched_ent *e, bool in)
{
    if (!e->movable || e->bound)
        return;
    rq->movable += in ? 1u : ~0u;
    sched_mask_set(&rq->sys->waiting, rq->cpu, rq->movable);
}

/* e, runnable and in no queue, goes where it belongs: on its reservation, under fair share, or nowhere now. */
static void enqueue(struct sched_rq *rq, struct sched_ent *e)
{
    e->rt = e->bound && e->left > 0;
    if (e->bound && !e->rt && !lheap_in(&e->refill))
        lheap_insert(&rq->refill, &e->refill, e->deadline);
    if (e->bound && !e->rt && !e->extra) {
        WRITE_ONCE(e->state, SCHED_PARKED);
        return;
    }
    WRITE_ONCE(e->state, SCHED_QUEUED);
    WRITE_ONCE(rq->weight, rq->weight + e->weight);
    if (e->rt) {
        lheap_insert(&rq->rt, &e->run, e->deadline);
        return;
    }
    if (e->bound)
        vtime_fit(rq, e, SLEEP_BONUS);
    lheap_insert(&rq->fair, &e->run, e->vtime);
    count_movable(rq, e, true);
}

/* Out of the heap it waits in; a budget to come is still awaited. */
static void unqueue(struct sched_rq *rq, struct sched_ent *e)
{
    lheap_remove(e->rt ? &rq->rt : &rq->fair, &e->run);
    WRITE_ONCE(rq->weight, rq->weight - e->weight);
    WRITE_ONCE(e->state, SCHED_ASLEEP);
    if (!e->rt)
        count_movable(rq, e, false);
}

static void refill_forget(struct sched_rq *rq, struct sched_ent *e)
{
    if (lheap_in(&e->refill))
        lheap_remove(&rq->refill, &e->refill);
}

void sched_dequeue(struct sched_rq *rq, struct sched_ent *e)
{
    unqueue(rq, e);
    refill_forget(rq, e);
}

void sched_arrive(struct sched_rq *rq, struct sched_ent *e)
{
    WRITE_ONCE(e->rq, rq);
    vtime_fit(rq, e, LAG_MAX);
    enqueue(rq, e);
}

/* e has a new home: its virtual time is on this one's scale from now on.  It is not further behind its turn here than it was
 * where it left, even if this queue has not got so far; so a short-sleeping entity runs at once wherever it wakes. */
static void vtime_follow(struct sched_rq *rq, struct sched_ent *e)
{
    uint64_t here = rq->vtime + (e->vtime - e->from_vtime);

    if (!e->moved)
        return;
    e->moved = false;
    e->vtime -= rq->offset;
    if (lheap_before(here, e->vtime))
        e->vtime = here;
}

/* A reserved entity wakes: may it go on with what is left of its period, or does a new one start?  A new one, if the old is
 * over, or if what is left, used up to the deadline, were more than its share. */
static void period_start(struct sched_ent *e, uint64_t now)
{
    uint64_t to_go = e->deadline - now;

    if (lheap_before(now, e->deadline) &&
        (e->left <= 0 || (unsigned __int128)(uint64_t)e->left * e->period <= (unsigned __int128)to_go * e->budget))
        return;
    e->left = e->left < 0 ? e->left + (int64_t)e->budget : (int64_t)e->budget;
    e->deadline = now + e->period;
}

/* Must rq's CPU choose again since e has come? */
static bool preempts(const struct sched_rq *rq, const struct sched_ent *e)
{
    const struct sched_ent *c = rq->curr;

    if (!c || c->state != SCHED_RUNNING || e->state == SCHED_PARKED)
        return true; /* parked: there is a new refill to wait for */
    if (e->rt)
        return !c->rt || lheap_before(e->deadline, c->deadline);
    if (c->rt)
        return false;
    return rq->fair.count == 1 || lheap_before(e->vtime + WAKE_GRAIN, c->vtime);
}

/* Its CPU has not chosen again since e went to sleep. */
static void resume(struct sched_rq *rq, struct sched_ent *e)
{
    WRITE_ONCE(e->state, SCHED_RUNNING);
    WRITE_ONCE(rq->weight, rq->weight + e->weight);
    if (e->bound == rq && !e->rt && e->left <= 0)
        lheap_insert(&rq->refill, &e->refill, e->deadline);
}

bool sched_wake(struct sched_ent *e, uint64_t now)
{
    struct sched_rq *rq = e->rq;

    assert(e->state == SCHED_ASLEEP);
    if (rq->curr == e) {
        resume(rq, e);
        return false;
    }
    if (!sched_allowed(e, rq))
        return false;
    sched_charge(rq, now);
    if (e->bound)
        period_start(e, now);
    vtime_follow(rq, e);
    vtime_fit(rq, e, SLEEP_BONUS);
    enqueue(rq, e);
    sched_idle_set(rq, false);
    return preempts(rq, e);
}

bool sched_sleep(struct sched_ent *e, uint64_t now)
{
    struct sched_rq *rq = e->rq;
    bool ran = e->state == SCHED_RUNNING;

    if (e->state == SCHED_QUEUED) {
        unqueue(rq, e);
    } else if (ran) {
        sched_charge(rq, now);
        WRITE_ONCE(rq->weight, rq->weight - e->weight);
    }
    WRITE_ONCE(e->state, SCHED_ASLEEP);
    quota_return(e);
    refill_forget(rq, e);
    return ran;
}

void sched_yield_curr(struct sched_rq *rq)
{
    if (rq->curr)
        rq->curr->yielded = true;
}

/*
 * The decision
 */

/* The budgets that come back by now. */
static void refill_due(struct sched_rq *rq, uint64_t now)
{
    while (rq->refill.top && !lheap_before(now, rq->refill.top->key)) {
        struct sched_ent *e = container_of(rq->refill.top, struct sched_ent, refill);

        lheap_remove(&rq->refill, &e->refill);
        e->left = MIN(e->left, 0) + (int64_t)e->budget;
        e->deadline += e->period;
        if (!lheap_before(now, e->deadline))
            e->deadline = now + e->period;
        if (e->state == SCHED_QUEUED)
            unqueue(rq, e);
        if (e->state != SCHED_RUNNING)
            enqueue(rq, e);
        else if (e->left > 0)
            e->rt = true;
        else
            lheap_insert(&rq->refill, &e->refill, e->deadline);
    }
}

/* curr may have used its reservation up, or have got one while running. */
static void deplete(struct sched_rq *rq, struct sched_ent *e)
{
    if (e->bound == rq && e->left > 0)
        e->rt = true;
    if (!e->rt || e->left > 0)
        return;
    vtime_fit(rq, e, SLEEP_BONUS);
    e->rt = false;
    lheap_insert(&rq->refill, &e->refill, e->deadline);
}

/* Until when the rate limit keeps curr, under fair share, on its CPU.  Not from its own group: who spins until a sibling has
 * answered would keep the one he waits for waiting. */
static uint64_t limit_end(const struct sched_rq *rq)
{
    const struct sched_group *g = rq->curr->group;

    return g && g == ent_of(rq->fair.top)->group ? rq->since : rq->since + ratelimit(rq);
}

/* Does curr, under fair share, go on although others wait? */
static bool stays_fair(const struct sched_rq *rq, struct sched_ent *e, bool yielded, uint64_t now)
{
    uint64_t first;

    if (!rq->fair.top)
        return true;
    first = rq->fair.top->key;
    if (yielded && lheap_before(e->vtime, first + 1))
        e->vtime = first + 1;
    if (yielded)
        return false;
    if (now < limit_end(rq))
        return true;
    return !lheap_before(now < rq->slice_end ? first + WAKE_GRAIN : first, e->vtime);
}

/* Does curr, runnable, go on? */
static bool stays(struct sched_rq *rq, struct sched_ent *e, uint64_t now)
{
    bool yielded = e->yielded;

    e->yielded = false;
    if (!sched_allowed(e, rq))
        return false;
    if (e->rt)
        return !rq->rt.top || !lheap_before(rq->rt.top->key, e->deadline);
    if (rq->rt.top || (e->bound && !e->extra) || !affords(e))
        return false;
    return stays_fair(rq, e, yielded, now);
}

/* curr, runnable, makes room. */
static void put_back(struct sched_rq *rq, struct sched_ent *e)
{
    WRITE_ONCE(rq->weight, rq->weight - e->weight);
    WRITE_ONCE(e->state, SCHED_ASLEEP);
    vtime_fit(rq, e, LAG_MAX); /* it may have run for long, if our CPU was busy with other things */
    if (sched_allowed(e, rq))
        enqueue(rq, e);
    else
        refill_forget(rq, e);
}

static void park(struct sched_rq *rq, struct sched_ent *e)
{
    unqueue(rq, e);
    WRITE_ONCE(e->state, SCHED_PARKED);
    __atomic_add_fetch(&e->group->parked, 1, __ATOMIC_RELEASE);
}

/* The first in line that may run, or NULL. */
static struct sched_ent *first(struct sched_rq *rq)
{
    if (rq->rt.top)
        return ent_of(rq->rt.top);
    while (rq->fair.top && !affords(ent_of(rq->fair.top)))
        park(rq, ent_of(rq->fair.top));
    return rq->fair.top ? ent_of(rq->fair.top) : NULL;
}

static uint64_t slice(const struct sched_rq *rq)
{
    uint64_t s = SLICE_TARGET / (rq->fair.count + 1);

    return s < SLICE_MIN ? SLICE_MIN : MIN(s, SLICE_MAX);
}

static void run(struct sched_rq *rq, struct sched_ent *e, uint64_t now)
{
    unqueue(rq, e);
    WRITE_ONCE(rq->weight, rq->weight + e->weight);
    WRITE_ONCE(e->state, SCHED_RUNNING);
    e->charged = now;
    e->yielded = false;
    __atomic_store_n(&e->loaded, true, __ATOMIC_RELAXED);
    rq->curr = e;
    rq->slice_end = now + slice(rq);
    rq->since = now;
}

/* When must this choice be looked at again? */
static uint64_t until(const struct sched_rq *rq, uint64_t now)
{
    const struct sched_ent *e = rq->curr;
    uint64_t t = rq->refill.top ? rq->refill.top->key : SCHED_NEVER;

    if (e && e->rt)
        return MIN(t, now + (uint64_t)e->left);
    if (e && rq->fair.count)
        t = MIN(t, limit_end(rq) > now ? MIN(limit_end(rq), rq->slice_end) : rq->slice_end);
    if (e && sched_group_capped(e->group))
        t = MIN(t, now + (uint64_t)e->quota);
    return t;
}

/* What other CPUs may know of us without our lock. */
static void hint(struct sched_rq *rq, uint64_t now)
{
    uint64_t low = 0;
    bool open = sched_rq_low(rq, &low);

    WRITE_ONCE(rq->hint_open, open);
    WRITE_ONCE(rq->hint_weight, open && !rq->fair.count ? rq->curr->weight : 0);
    WRITE_ONCE(rq->hint_since, now);
    WRITE_ONCE(rq->hint_low, low + rq->offset);
}

/* Somebody may have set our hint forward while curr was alone: so it is. */
static void catch_up(struct sched_rq *rq, uint64_t now)
{
    uint64_t reckoned = sched_rq_reckoned(rq, now);

    if (!READ_ONCE(rq->hint_weight) || !curr_runs(rq) || rq->curr->rt)
        return;
    if (lheap_before(rq->curr->vtime + rq->offset, reckoned))
        rq->offset = reckoned - rq->curr->vtime;
}

struct sched_choice sched_pick(struct sched_rq *rq, uint64_t now)
{
    struct sched_ent *e = rq->curr;

    sched_charge(rq, now);
    catch_up(rq, now);
    if (curr_runs(rq))
        deplete(rq, e);
    refill_due(rq, now);
    if (curr_runs(rq) && stays(rq, e, now)) {
        if (now >= rq->slice_end)
            rq->slice_end = now + slice(rq);
    } else {
        if (curr_runs(rq))
            put_back(rq, e);
        rq->curr = NULL;
        e = first(rq);
        if (e)
            run(rq, e, now);
    }
    rq_advance(rq);
    sched_idle_set(rq, !rq->curr);
    hint(rq, now);
    return (struct sched_choice){ rq->curr, until(rq, now) };
}

void sched_unloaded(struct sched_ent *e)
{
    __atomic_store_n(&e->loaded, false, __ATOMIC_RELEASE);
}

/*
 * Parameters
 */
/* How far e is before or after its queue's time counts in ns of CPU time: those stay the same. */
static void reweigh(const struct sched_rq *rq, struct sched_ent *e, uint32_t weight)
{
    int64_t lag = (int64_t)(e->vtime - rq->vtime), most = 1ll << 40;

    lag = lag > most ? most : lag < -most ? -most : lag;
    e->vtime = rq->vtime + (uint64_t)(lag * e->weight / weight);
    e->weight = weight;
}

void sched_set_weight(struct sched_ent *e, uint32_t weight, uint64_t now)
{
    struct sched_rq *rq = e->rq;
    bool queued = e->state == SCHED_QUEUED, ran = e->state == SCHED_RUNNING;

    assert(weight > 0 && weight <= SCHED_WEIGHT_MAX);
    sched_charge(rq, now);
    vtime_follow(rq, e);
    if (queued)
        unqueue(rq, e);
    else if (ran)
        WRITE_ONCE(rq->weight, rq->weight - e->weight);
    reweigh(rq, e, weight);
    if (queued)
        enqueue(rq, e);
    else if (ran)
        WRITE_ONCE(rq->weight, rq->weight + weight);
    if (rq->curr == e)
        hint(rq, now);
}

/* Its pool, or what it asks for, has changed. */
static void hard_renew(struct sched_ent *e)
{
    struct sched_rq *rq = e->rq;
    bool waits = e->state == SCHED_QUEUED || e->state == SCHED_PARKED;

    if (e->state == SCHED_QUEUED)
        unqueue(rq, e);
    e->hard = sched_effective(e->pool, &e->want);
    e->movable = mask_many(&e->hard);
    if (!waits)
        return;
    WRITE_ONCE(e->state, SCHED_ASLEEP);
    if (sched_allowed(e, rq))
        enqueue(rq, e);
    else
        refill_forget(rq, e);
}

void sched_set_affinity(struct sched_ent *e, const struct sched_mask *hard, const struct sched_mask *soft)
{
    e->want = *hard;
    e->soft = *soft;
    hard_renew(e);
}

void sched_set_pool(struct sched_ent *e, struct sched_pool *pool)
{
    e->pool = pool;
    hard_renew(e);
}

void sched_pool_add(struct sched_pool *pool, struct sched_rq *rq)
{
    assert(!rq->pool);
    WRITE_ONCE(rq->pool, pool);
    sched_mask_set(&pool->cpus, rq->cpu, true);
}

void sched_pool_forbid(struct sched_pool *pool, struct sched_rq *rq)
{
    assert(rq->pool == pool);
    sched_mask_set(&pool->cpus, rq->cpu, false);
}

void sched_pool_leave(struct sched_rq *rq)
{
    WRITE_ONCE(rq->pool, NULL);
}

void sched_reserve(struct sched_ent *e, struct sched_rq *at, uint64_t budget, uint64_t period, bool extra, uint64_t now)
{
    struct sched_rq *rq = e->rq;

    sched_charge(rq, now);
    if (e->state == SCHED_QUEUED)
        unqueue(rq, e);
    refill_forget(rq, e);
    if (e->state != SCHED_RUNNING)
        WRITE_ONCE(e->state, SCHED_ASLEEP);
    if (e->bound)
        e->bound->reserved -= e->budget * SCHED_UNIT / e->period;
    if (at)
        at->reserved += budget * SCHED_UNIT / period;
    e->bound = at;
    e->budget = budget;
    e->period = period;
    e->extra = extra;
    e->left = (int64_t)budget;
    e->deadline = now + period;
    e->rt = false;
}
