/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduling policy: who runs on a CPU, for how long, and where a waking vCPU goes.  Pure: the clock is
 * an argument (ns), and the caller holds the lock of each run queue that it passes (of both for sched_steal());
 * for a function that takes an entity, its home's.
 *
 * CPU pools: every CPU is in one pool or in none, every entity in one; an entity runs on CPUs of its pool only, and a CPU in no pool
 * runs nobody.  What an entity may use (`hard`) is what it asked for (`want`) as far as its pool has it, or all of the pool if that
 * were nothing; so whoever looks at `hard` needs to know nothing of pools.
 *
 * Weight: time is shared in proportion to the entities' weights.  Cap: an upper bound for a group (a domain), in
 * percent of one CPU.  Reservation: an entity gets `budget` in each `period`, whatever the others do, and
 * (unless `extra`) no more than that.
 */
#pragma once

#include "core/lheap.h"

#define SCHED_CPUS           1024
#define SCHED_NODES          64
#define SCHED_WEIGHT_DEFAULT 256
#define SCHED_WEIGHT_MAX     65535
#define SCHED_NEVER          UINT64_MAX
#define SCHED_CAP_PERIOD     10000000ull /* ns; a cap holds over each of these */
#define SCHED_UNIT           (1u << 20)  /* reservations of a CPU: this is all of it */
#define SCHED_RESERVABLE     (SCHED_UNIT / 20 * 19)

struct sched_mask {
    uint64_t bits[SCHED_CPUS / 64];
};

/* A pool.  Changes: the caller's lock for parameters; who reads without takes what it sees for a hint. */
struct sched_pool {
    struct sched_mask cpus; /* [atomic] */
    uint64_t ratelimit;     /* ns that one under fair share runs before one of another group may take its place; 0: none [atomic] */
};

enum sched_state {
    SCHED_ASLEEP,  /* not runnable; in no queue */
    SCHED_QUEUED,  /* waits in its run queue */
    SCHED_RUNNING, /* is its run queue's curr */
    SCHED_PARKED,  /* is runnable, but has used up its reservation or its group's cap; in no queue */
};

/* Entities with a common cap.  Each entity takes chunks from `left`, so CPUs seldom meet here. */
struct sched_group {
    uint64_t quota;  /* ns of CPU time each SCHED_CAP_PERIOD; 0: no cap [atomic] */
    int64_t left;    /* of the present period [atomic] */
    unsigned parked; /* entities found wanting since the last refill [atomic] */
};

/* What the policy knows of one vCPU. */
struct sched_ent {
    struct lheap_node run;     /* while QUEUED: in rq->rt by deadline, or in rq->fair by vtime */
    struct lheap_node refill;  /* in rq->refill by deadline, while its reservation is used up and it isn't ASLEEP */
    struct sched_rq *rq;       /* home: changes under both queues' locks, or the old one's while ASLEEP [read anywhere] */
    struct sched_rq *bound;    /* where its reservation is; NULL: has none */
    struct sched_group *group; /* [const] */
    enum sched_state state;    /* [read anywhere] */
    bool rt;                   /* QUEUED, RUNNING: on its reservation */
    bool extra;                /* may go beyond its reservation */
    bool movable;              /* hard has more than one CPU */
    bool yielded;              /* lets one other go first */
    bool loaded;               /* a CPU holds its registers: must not change its home [atomic] */
    uint32_t weight;
    uint64_t vtime;            /* weighted time it has had, on its home's scale (if moved: on the common one) */
    uint64_t from_vtime;       /* if moved: its former queue's virtual time when it left, on the common scale */
    bool moved;                /* has got a new home since it last was runnable */
    uint64_t charged;          /* RUNNING: time up to which all is accounted */
    uint64_t budget, period;   /* reservation */
    uint64_t deadline;         /* end of its present period */
    int64_t left;              /* of the present period's budget; below 0: ran over, comes off the next */
    int64_t quota;             /* taken from the group and not yet used; below 0: likewise */
    struct sched_pool *pool;   /* NULL: any CPU (an idle vCPU, which is never queued) */
    struct sched_mask want;    /* CPUs it asks for */
    struct sched_mask hard;    /* CPUs it may use: S7 */
    struct sched_mask soft;    /* CPUs it likes, when there is a choice */
};

/* One CPU's run queue. */
struct sched_rq {
    struct sched_sys *sys;     /* [const] */
    unsigned cpu;              /* [const] */
    struct sched_pool *pool;   /* NULL: in none [atomic; caller's lock for parameters] */
    unsigned core, node;       /* [boot] */
    struct sched_mask siblings;/* CPUs of the same core, this one too [boot] */
    struct sched_ent *curr;    /* NULL: idle */
    struct lheap rt, fair;     /* who waits */
    struct lheap refill;       /* whose budget comes back when */
    unsigned movable;          /* in fair, may go elsewhere */
    uint64_t vtime;            /* what the queue has got to, on its own scale: never goes back */
    uint64_t offset;           /* own scale + offset = common scale */
    uint64_t slice_end;        /* when curr must give others a chance */
    uint64_t since;            /* when curr began to run */
    uint64_t weight;           /* of curr and all queued [read anywhere] */
    uint64_t reserved;         /* of SCHED_UNIT [caller's lock for reservations] */
    uint64_t hint_low;         /* sched_rq_low() at hint_since, on the common scale, for CPUs that look for help;
                                * they may set it forward, too [atomic] */
    uint64_t hint_since;       /* when that was [atomic] */
    uint32_t hint_weight;      /* if curr is alone, its weight: hint_low moves on by that; else 0 [atomic] */
    bool hint_open;            /* hint_low means something [atomic] */
    unsigned probe;            /* the next CPU to look at for one that could help */
    unsigned helps;            /* the CPU that asked us to take some of its work, + 1 [atomic] */
};

/* All CPUs that share work. */
struct sched_sys {
    unsigned nr_cpus;                /* numbers below are ours [boot] */
    struct sched_rq *rq[SCHED_CPUS]; /* NULL: CPU not there */
    struct sched_mask node_cpus[SCHED_NODES]; /* [boot] */
    unsigned nr_idle;                /* CPUs in idle [atomic] */
    struct sched_mask idle;          /* CPUs with nothing to do [atomic] */
    struct sched_mask idle_cores;    /* those of them whose siblings are idle, too: a hint [atomic] */
    struct sched_mask waiting;       /* CPUs where somebody waits who may go elsewhere [atomic] */
};

struct sched_choice {
    struct sched_ent *ent; /* NULL: idle */
    uint64_t until;        /* when to choose again, ns; SCHED_NEVER: not before something changes */
};

static inline bool sched_mask_test(const struct sched_mask *m, unsigned cpu)
{
    return READ_ONCE(m->bits[cpu / 64]) >> (cpu % 64) & 1;
}

/* Atomic. */
void sched_mask_set(struct sched_mask *m, unsigned cpu, bool on);
/* The first CPU from `from` on that is in both, or SCHED_CPUS.  None is looked for from word `end` on. */
unsigned sched_mask_next_in(const struct sched_mask *a, const struct sched_mask *b, unsigned from, unsigned end);

static inline unsigned sched_mask_next(const struct sched_mask *a, const struct sched_mask *b, unsigned from)
{
    return sched_mask_next_in(a, b, from, SCHED_CPUS / 64);
}

/* May e run on rq's CPU: by its affinity, and by where its reservation is? */
static inline bool sched_allowed(const struct sched_ent *e, const struct sched_rq *rq)
{
    return sched_mask_test(&e->hard, rq->cpu) && (!e->bound || e->bound == rq);
}

/* A CPU joins, idle, as a core of its own in node 0, in no pool. */
void sched_rq_init(struct sched_sys *sys, struct sched_rq *rq, unsigned cpu);
/* It is a thread of this core (a number of the caller's), and near to the other CPUs of this node.  Boot. */
void sched_topology(struct sched_rq *rq, unsigned core, unsigned node);
/* The least virtual time, on rq's own scale, that anybody under fair share here has had; false if one on a reservation runs (so that
 * whoever came would wait) or there is nobody. */
bool sched_rq_low(const struct sched_rq *rq, uint64_t *low);
/* Nobody is runnable here. */
bool sched_rq_empty(const struct sched_rq *rq);

/* A new entity, asleep, at home on rq; may use all CPUs of the pool. */
void sched_ent_init(struct sched_ent *e, struct sched_pool *pool, struct sched_group *g, struct sched_rq *rq, uint32_t weight);

/* Count the time that rq's curr has had until now. */
void sched_charge(struct sched_rq *rq, uint64_t now);

/* e (asleep) becomes runnable at home.  True: that CPU must choose again.  If e may not use its home (it is still
 * loaded there, else it had been placed elsewhere) it stays asleep: call again when it is unloaded. */
bool sched_wake(struct sched_ent *e, uint64_t now);
/* e is no longer runnable.  True: it was running, its CPU must choose again. */
bool sched_sleep(struct sched_ent *e, uint64_t now);
/* curr wants to let one other go first at the next sched_pick(). */
void sched_yield_curr(struct sched_rq *rq);

/* Choose who runs on rq from now.  The chosen is rq->curr, and marked loaded.  A former curr that may no longer use
 * this CPU is left asleep: the caller wakes it elsewhere when it is unloaded.  O(log n), and for each entity
 * that is parked or gets its budget back. */
struct sched_choice sched_pick(struct sched_rq *rq, uint64_t now);
/* e's registers are no longer in a CPU, or not the only copy.  No lock needed. */
void sched_unloaded(struct sched_ent *e);

/* percent of one CPU, 0: no cap.  No lock needed; takes effect with the next refill. */
void sched_group_cap(struct sched_group *g, uint32_t percent);
/* To be called each SCHED_CAP_PERIOD while the cap is used; then sched_unpark() all if *unpark.  False: the group used nothing,
 * the period may start afresh with its next use. */
bool sched_group_refill(struct sched_group *g, bool *unpark);
/* The group gave some of its quota, or had none to give: a refill is due SCHED_CAP_PERIOD from now, if none is on its way.  A port,
 * called with the queue's lock held. */
void sched_port_cap_used(struct sched_group *g);
/* Is a cap in force? */
bool sched_group_capped(const struct sched_group *g);
/* e is asleep, where it was parked (true): the caller wakes it. */
bool sched_unpark(struct sched_ent *e);

void sched_set_weight(struct sched_ent *e, uint32_t weight, uint64_t now);
/* Afterwards the caller must see that an e which may not use its home any more is asleep (it is, if it was queued) and woken elsewhere,
 * or that its CPU chooses again. */
void sched_set_affinity(struct sched_ent *e, const struct sched_mask *hard, const struct sched_mask *soft);
/* What an entity of this pool may use if it asks for `want`. */
struct sched_mask sched_effective(const struct sched_pool *pool, const struct sched_mask *want);
/* e is in this pool from now on, or its pool's CPUs have changed.  Afterwards as after sched_set_affinity(). */
void sched_set_pool(struct sched_ent *e, struct sched_pool *pool);
/* The pool gets rq's CPU, which is in none.  Then sched_set_pool() for all of the pool. */
void sched_pool_add(struct sched_pool *pool, struct sched_rq *rq);
/* The pool's entities may no longer use rq's CPU.  Then sched_set_pool() for all of the pool; and at last sched_pool_leave(). */
void sched_pool_forbid(struct sched_pool *pool, struct sched_rq *rq);
void sched_pool_leave(struct sched_rq *rq);
/* Give e the reservation at `at` (from sched_admit(); NULL with budget 0: none).  Caller's lock for reservations, too.
 * Afterwards as after sched_set_affinity(). */
void sched_reserve(struct sched_ent *e, struct sched_rq *at, uint64_t budget, uint64_t period, bool extra, uint64_t now);

/*
 * Placement: core/schedplace.c.
 */

/* Where e (asleep) should wake: where its reservation is; else an idle CPU, one that it likes if there is, preferring wholly
 * idle cores, its home, and its home's node; else its home, or a less loaded CPU.  Reads other queues as
 * hints only.  Its home, if e is loaded or may use no CPU that is there. */
struct sched_rq *sched_place(const struct sched_ent *e);
/* e (asleep, not loaded) changes its home; the lock of the old home is held. */
void sched_rehome(struct sched_ent *e, struct sched_rq *to, uint64_t now);

/* Move one that waits at `from` to `to`, if that is good for it: to is idle, or far ahead in
 * virtual time.  Gives the one moved, QUEUED at `to`, or NULL. */
struct sched_ent *sched_steal(struct sched_rq *to, struct sched_rq *from, uint64_t now);
/* The next CPU of rq's pool, not rq's, with somebody waiting who may go elsewhere (a hint), or SCHED_CPUS.  Those of rq's node come first.
 * *cursor: 0 to begin with. */
unsigned sched_victim(const struct sched_rq *rq, unsigned *cursor);
/* Somebody waits at rq: a CPU that should be asked to choose again, since it is idle or far ahead, or
 * SCHED_CPUS.  Looks at a few CPUs a call, at others the next time. */
unsigned sched_helper(struct sched_rq *rq, uint64_t now);
/* The virtual time that others believe rq has got to, on the common scale. */
uint64_t sched_rq_reckoned(const struct sched_rq *rq, uint64_t now);

/* A CPU on which e can have this reservation (in place of the one it has); NULL: nowhere, or senseless.
 * Caller's lock for reservations. */
struct sched_rq *sched_admit(const struct sched_ent *e, uint64_t budget, uint64_t period);

/* For core/sched.c: rq's CPU has (no) nothing to do. */
void sched_idle_set(struct sched_rq *rq, bool idle);
/* For core/schedplace.c: take e out of, put it into rq's heaps. */
void sched_dequeue(struct sched_rq *rq, struct sched_ent *e);
void sched_arrive(struct sched_rq *rq, struct sched_ent *e);
