/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduling policy.
 *
 * Fair share: each entity has a virtual time that advances by 256 / weight for each ns it runs; each CPU runs the
 * runnable entity with the least of it.  Virtual time is one scale for all CPUs: a queue that falls far
 * behind another has less to give, so the other takes (sched_steal) some of its entities, with their
 * virtual time, and that evens out what each has got over the whole machine.  Where affinity keeps queues
 * apart the scales drift; an entity that arrives is therefore brought to within LAG_MAX of the queue's time.
 * One that has slept gets at most SLEEP_BONUS ahead of the others: enough to run at once when it wakes for
 * I/O, too little to starve anybody.
 *
 * Invariants, checked by sched_rq_audit():
 *   S1  an entity is in its home's heap iff QUEUED; it is the home's curr if RUNNING;
 *   S2  rq->weight is the sum of the weights of the queued and of a RUNNING curr;
 *   S3  each queued entity's home is that queue, and is in its hard mask unless the mask has just been changed;
 *   S4  an entity at home on rq that is loaded is loaded on rq's own CPU.
 *
 * Locks: the caller holds the run queue's lock (its home's for functions that take an entity); the masks
 * of sched_sys, and what other CPUs' queues are peeked at for, are atomics and hints.
 */
#include "core/sched.h"
#include "core/port.h"

#define US 1000ull
#define MS (1000 * US)

#define SLICE_MAX    (5 * MS)
#define SLICE_MIN    (1 * MS)
#define SLICE_TARGET (20 * MS) /* everybody who waits should run within this, slices permitting */
#define WAKE_GRAIN   (500 * US) /* [virtual] one that wakes preempts if it is so far behind */
#define SLEEP_BONUS  (3 * MS)   /* [virtual] */
#define STEAL_LAG    (10 * MS)  /* [virtual] between queues before somebody moves to a busy CPU */
#define LAG_MAX      (40 * MS)  /* [virtual] of an arriving entity from its new queue */
#define STEAL_SCAN   16         /* entities looked at for one that may move */
#define HELPER_SCAN  8          /* CPUs looked at for one that could help */

static struct sched_ent *ent_of(struct lheap_node *n)
{
    return container_of(n, struct sched_ent, run);
}

static void mask_set(struct sched_mask *m, unsigned cpu, bool on)
{
    uint64_t bit = 1ul << (cpu % 64);

    if (sched_mask_test(m, cpu) == on)
        return;
    if (on)
        __atomic_or_fetch(&m->bits[cpu / 64], bit, __ATOMIC_SEQ_CST);
    else
        __atomic_and_fetch(&m->bits[cpu / 64], ~bit, __ATOMIC_SEQ_CST);
}

unsigned sched_mask_next(const struct sched_mask *a, const struct sched_mask *b, unsigned from)
{
    while (from < SCHED_CPUS) {
        uint64_t w = (READ_ONCE(a->bits[from / 64]) & READ_ONCE(b->bits[from / 64])) >> (from % 64);

        if (w)
            return from + (unsigned)__builtin_ctzl(w);
        from = (from / 64 + 1) * 64;
    }
    return SCHED_CPUS;
}

static uint64_t weighted(uint64_t ns, uint32_t weight)
{
    return ns * SCHED_WEIGHT_DEFAULT / weight;
}

void sched_rq_init(struct sched_sys *sys, struct sched_rq *rq, unsigned cpu)
{
    *rq = (struct sched_rq){ .sys = sys, .cpu = cpu };
    WRITE_ONCE(sys->rq[cpu], rq);
    if (cpu >= sys->nr_cpus)
        WRITE_ONCE(sys->nr_cpus, cpu + 1);
    mask_set(&sys->idle, cpu, true);
}

void sched_ent_init(struct sched_ent *e, struct sched_rq *rq, uint32_t weight)
{
    *e = (struct sched_ent){ .rq = rq, .weight = weight, .vtime = rq->vtime };
    for (unsigned i = 0; i < ARRAY_SIZE(e->hard.bits); i++)
        e->hard.bits[i] = e->soft.bits[i] = ~0ull;
}

static bool rq_empty(const struct sched_rq *rq)
{
    return !rq->fair.count && !(rq->curr && rq->curr->state == SCHED_RUNNING);
}

/* The queue's time follows the least that anybody runnable has had. */
static void rq_advance(struct sched_rq *rq)
{
    const struct sched_ent *c = rq->curr;
    uint64_t v;

    if (c && c->state == SCHED_RUNNING)
        v = rq->fair.top && lheap_before(rq->fair.top->key, c->vtime) ? rq->fair.top->key : c->vtime;
    else if (rq->fair.top)
        v = rq->fair.top->key;
    else
        return;
    if (lheap_before(rq->vtime, v))
        WRITE_ONCE(rq->vtime, v);
}

void sched_charge(struct sched_rq *rq, uint64_t now)
{
    struct sched_ent *e = rq->curr;

    if (!e || now <= e->charged)
        return;
    e->vtime += weighted(now - e->charged, e->weight);
    e->charged = now;
    rq_advance(rq);
}

static void enqueue(struct sched_rq *rq, struct sched_ent *e)
{
    e->state = SCHED_QUEUED;
    lheap_insert(&rq->fair, &e->run, e->vtime);
    rq->weight += e->weight;
    mask_set(&rq->sys->waiting, rq->cpu, true);
}

static void dequeue(struct sched_rq *rq, struct sched_ent *e)
{
    lheap_remove(&rq->fair, &e->run);
    rq->weight -= e->weight;
    e->state = SCHED_ASLEEP;
    if (!rq->fair.count)
        mask_set(&rq->sys->waiting, rq->cpu, false);
}

/* Bring e's virtual time to within `behind` of its (new) queue's. */
static void arrive(struct sched_rq *rq, struct sched_ent *e, uint64_t behind)
{
    if (rq_empty(rq) && lheap_before(rq->vtime, e->vtime))
        WRITE_ONCE(rq->vtime, e->vtime);
    if (lheap_before(e->vtime, rq->vtime - behind))
        e->vtime = rq->vtime - behind;
    if (lheap_before(rq->vtime + LAG_MAX, e->vtime))
        e->vtime = rq->vtime + LAG_MAX;
}

/* How much each ns of rq is wanted. */
static uint64_t load_of(const struct sched_rq *rq)
{
    return rq ? READ_ONCE(rq->weight) : UINT64_MAX;
}

static unsigned idle_cpu_for(const struct sched_ent *e, const struct sched_mask *among)
{
    const struct sched_mask *idle = &e->rq->sys->idle;
    unsigned cpu = sched_mask_next(idle, among, e->rq->cpu);

    while (cpu < SCHED_CPUS && !sched_mask_test(&e->hard, cpu))
        cpu = sched_mask_next(idle, among, cpu + 1);
    if (cpu < SCHED_CPUS)
        return cpu;
    cpu = sched_mask_next(idle, among, 0);
    while (cpu < SCHED_CPUS && !sched_mask_test(&e->hard, cpu))
        cpu = sched_mask_next(idle, among, cpu + 1);
    return cpu;
}

/* Nobody is idle: home, unless one of two others has clearly less to do. */
static struct sched_rq *place_busy(struct sched_ent *e)
{
    struct sched_sys *sys = e->rq->sys;
    bool home_ok = sched_mask_test(&e->hard, e->rq->cpu);
    struct sched_rq *best = home_ok ? e->rq : NULL;
    unsigned cpu = e->rq->cpu + 1, tried = 0;

    for (unsigned i = 0; i < sys->nr_cpus && tried < 2; i++, cpu++) {
        struct sched_rq *rq = sys->rq[cpu % sys->nr_cpus];

        if (!rq || rq == e->rq || !sched_mask_test(&e->hard, rq->cpu))
            continue;
        if (!best || load_of(rq) + e->weight < load_of(best))
            best = rq;
        tried++;
    }
    return best ? best : e->rq;
}

struct sched_rq *sched_place(struct sched_ent *e)
{
    struct sched_sys *sys = e->rq->sys;
    unsigned home = e->rq->cpu, cpu;
    bool home_ok = sched_mask_test(&e->hard, home);

    if (__atomic_load_n(&e->loaded, __ATOMIC_ACQUIRE))
        return e->rq;
    if (home_ok && sched_mask_test(&sys->idle, home) && sched_mask_test(&e->soft, home))
        return e->rq;
    cpu = idle_cpu_for(e, &e->soft);
    if (cpu == SCHED_CPUS && home_ok && sched_mask_test(&sys->idle, home))
        cpu = home;
    if (cpu == SCHED_CPUS)
        cpu = idle_cpu_for(e, &e->hard);
    return cpu < SCHED_CPUS ? sys->rq[cpu] : place_busy(e);
}

void sched_rehome(struct sched_ent *e, struct sched_rq *to)
{
    assert(e->state == SCHED_ASLEEP && e->rq->curr != e);
    e->rq = to;
}

bool sched_wake(struct sched_ent *e, uint64_t now)
{
    struct sched_rq *rq = e->rq;
    const struct sched_ent *c;

    assert(e->state == SCHED_ASLEEP);
    if (rq->curr == e) { /* its CPU has not yet chosen again */
        e->state = SCHED_RUNNING;
        rq->weight += e->weight;
        return false;
    }
    if (!sched_mask_test(&e->hard, rq->cpu))
        return false;
    sched_charge(rq, now);
    arrive(rq, e, SLEEP_BONUS);
    enqueue(rq, e);
    mask_set(&rq->sys->idle, rq->cpu, false);
    c = rq->curr;
    return !c || c->state != SCHED_RUNNING || rq->fair.count == 1 || lheap_before(e->vtime + WAKE_GRAIN, c->vtime);
}

bool sched_sleep(struct sched_ent *e, uint64_t now)
{
    struct sched_rq *rq = e->rq;

    if (e->state == SCHED_QUEUED) {
        dequeue(rq, e);
        return false;
    }
    if (e->state != SCHED_RUNNING)
        return false;
    sched_charge(rq, now);
    rq->weight -= e->weight;
    e->state = SCHED_ASLEEP;
    return true;
}

void sched_yield(struct sched_rq *rq)
{
    if (rq->curr)
        rq->curr->yielded = true;
}

/* Does curr, runnable, go on although others wait? */
static bool stays(struct sched_rq *rq, struct sched_ent *e, uint64_t now)
{
    uint64_t first = rq->fair.top ? rq->fair.top->key : 0;
    bool yielded = e->yielded;

    e->yielded = false;
    if (!sched_mask_test(&e->hard, rq->cpu))
        return false;
    if (!rq->fair.top)
        return true;
    if (yielded) {
        if (lheap_before(e->vtime, first + 1))
            e->vtime = first + 1;
        return false;
    }
    return !lheap_before(now < rq->slice_end ? first + WAKE_GRAIN : first, e->vtime);
}

static uint64_t slice(const struct sched_rq *rq)
{
    uint64_t s = SLICE_TARGET / (rq->fair.count + 1);

    return s < SLICE_MIN ? SLICE_MIN : s > SLICE_MAX ? SLICE_MAX : s;
}

static void run(struct sched_rq *rq, struct sched_ent *e, uint64_t now)
{
    dequeue(rq, e);
    rq->weight += e->weight;
    e->state = SCHED_RUNNING;
    e->charged = now;
    e->yielded = false;
    __atomic_store_n(&e->loaded, true, __ATOMIC_RELAXED);
    rq->curr = e;
    rq->slice_end = now + slice(rq);
}

struct sched_choice sched_pick(struct sched_rq *rq, uint64_t now)
{
    struct sched_ent *e = rq->curr;

    sched_charge(rq, now);
    if (e && e->state == SCHED_RUNNING && stays(rq, e, now)) {
        if (now >= rq->slice_end)
            rq->slice_end = now + slice(rq);
    } else {
        if (e && e->state == SCHED_RUNNING) {
            rq->weight -= e->weight;
            e->state = SCHED_ASLEEP;
            if (sched_mask_test(&e->hard, rq->cpu))
                enqueue(rq, e);
        }
        rq->curr = NULL;
        if (rq->fair.top)
            run(rq, ent_of(rq->fair.top), now);
    }
    rq_advance(rq);
    mask_set(&rq->sys->idle, rq->cpu, !rq->curr);
    WRITE_ONCE(rq->solo_since, now);
    WRITE_ONCE(rq->solo_weight, rq->curr && !rq->fair.count ? rq->curr->weight : 0);
    return (struct sched_choice){ rq->curr, rq->fair.count ? rq->slice_end : SCHED_NEVER };
}

void sched_unloaded(struct sched_ent *e)
{
    __atomic_store_n(&e->loaded, false, __ATOMIC_RELEASE);
}

/* Would it be good for e, which waits elsewhere, to come to `to`? */
static bool should_come(const struct sched_rq *to, const struct sched_ent *e)
{
    if (!sched_mask_test(&e->hard, to->cpu) || __atomic_load_n(&e->loaded, __ATOMIC_ACQUIRE))
        return false;
    return rq_empty(to) || (lheap_before(e->vtime + STEAL_LAG, to->vtime) && sched_mask_test(&e->soft, to->cpu));
}

struct sched_ent *sched_steal(struct sched_rq *to, struct sched_rq *from, uint64_t now)
{
    struct lheap_node *n = from->fair.top;
    struct sched_ent *best = NULL;

    sched_charge(to, now);
    for (unsigned i = 0; n && i < STEAL_SCAN; i++, n = lheap_walk(n, false)) {
        struct sched_ent *e = ent_of(n);

        if (!should_come(to, e))
            continue;
        if (best && (sched_mask_test(&best->soft, to->cpu) > sched_mask_test(&e->soft, to->cpu) ||
                     !lheap_before(e->vtime, best->vtime)))
            continue;
        best = e;
    }
    if (!best)
        return NULL;
    dequeue(from, best);
    best->rq = to;
    arrive(to, best, LAG_MAX);
    enqueue(to, best);
    return best;
}

unsigned sched_victim(const struct sched_rq *rq, unsigned from)
{
    unsigned cpu = sched_mask_next(&rq->sys->waiting, &rq->sys->waiting, from);

    return cpu == rq->cpu ? sched_mask_next(&rq->sys->waiting, &rq->sys->waiting, cpu + 1) : cpu;
}

/* Is the other queue so far ahead of us that it should take some of our work?  If its curr is alone, it may
 * have run for long without being charged.  Read without its lock: a hint. */
static bool far_ahead(const struct sched_rq *rq, const struct sched_rq *other, uint64_t now)
{
    uint64_t v = READ_ONCE(other->vtime), since = READ_ONCE(other->solo_since);
    uint32_t weight = READ_ONCE(other->solo_weight);

    if (weight && now > since)
        v += weighted(now - since, weight);
    return lheap_before(rq->fair.top->key + STEAL_LAG, v);
}

unsigned sched_helper(struct sched_rq *rq, uint64_t now)
{
    struct sched_sys *sys = rq->sys;
    const struct sched_ent *e;
    unsigned cpu;

    if (!rq->fair.top)
        return SCHED_CPUS;
    e = ent_of(rq->fair.top);
    cpu = idle_cpu_for(e, &e->hard);
    for (unsigned i = 0; cpu == SCHED_CPUS && i < HELPER_SCAN && i < sys->nr_cpus; i++) {
        unsigned c = rq->probe++ % sys->nr_cpus;
        const struct sched_rq *other = sys->rq[c];

        if (other && other != rq && sched_mask_test(&e->hard, c) && far_ahead(rq, other, now))
            cpu = c;
    }
    if (cpu < SCHED_CPUS)
        __atomic_store_n(&sys->rq[cpu]->helps, rq->cpu + 1, __ATOMIC_RELEASE);
    return cpu;
}

void sched_set_weight(struct sched_ent *e, uint32_t weight, uint64_t now)
{
    struct sched_rq *rq = e->rq;

    sched_charge(rq, now);
    if (e->state != SCHED_ASLEEP)
        rq->weight += (uint64_t)weight - e->weight;
    e->weight = weight;
}

bool sched_set_affinity(struct sched_ent *e, const struct sched_mask *hard, const struct sched_mask *soft)
{
    e->hard = *hard;
    e->soft = *soft;
    return !sched_mask_test(hard, e->rq->cpu);
}

const char *sched_rq_audit(const struct sched_rq *rq)
{
    const char *wrong = lheap_audit(&rq->fair);
    uint64_t weight = 0;

    for (struct lheap_node *n = rq->fair.top; n && !wrong; n = lheap_walk(n, false)) {
        const struct sched_ent *e = ent_of(n);

        weight += e->weight;
        if (e->state != SCHED_QUEUED)
            wrong = "S1: in the heap but not queued";
        else if (e->rq != rq)
            wrong = "S3: not at home";
        else if (n->key != e->vtime)
            wrong = "S1: key is not the virtual time";
    }
    if (rq->curr && rq->curr->state == SCHED_RUNNING)
        weight += rq->curr->weight;
    if (rq->curr && (rq->curr->rq != rq || rq->curr->state == SCHED_QUEUED))
        wrong = "S1: curr is not at home";
    if (!wrong && weight != rq->weight)
        wrong = "S2: sum of weights";
    return wrong;
}
