/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scheduling policy: who runs on a CPU, for how long, and where a waking vCPU goes.  Pure: the clock is
 * an argument, and the caller holds the lock of each run queue that it passes (two for sched_steal()).
 */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "core/lheap.h"

#define SCHED_CPUS           1024
#define SCHED_WEIGHT_DEFAULT 256
#define SCHED_NEVER          UINT64_MAX

struct sched_mask {
    uint64_t bits[SCHED_CPUS / 64];
};

enum sched_state {
    SCHED_ASLEEP,  /* not runnable; in no queue */
    SCHED_QUEUED,  /* waits in its run queue */
    SCHED_RUNNING, /* is its run queue's curr */
};

/* What the policy knows of one vCPU. */
struct sched_ent {
    struct lheap_node run;   /* in rq->fair, by vtime, while QUEUED [rq] */
    struct sched_rq *rq;     /* home: changes under both queues' locks, or the old one's while ASLEEP */
    enum sched_state state;  /* [rq] */
    bool yielded;            /* lets one other go first [rq] */
    bool loaded;             /* a CPU holds its registers: must not change its home [atomic] */
    uint32_t weight;         /* [rq] */
    uint64_t vtime;          /* weighted time it has had [rq] */
    uint64_t charged;        /* RUNNING: time up to which vtime counts it [rq] */
    struct sched_mask hard;  /* CPUs it may use [rq] */
    struct sched_mask soft;  /* CPUs it likes, when there is a choice [rq] */
};

/* One CPU's run queue. */
struct sched_rq {
    struct sched_sys *sys;   /* [const] */
    unsigned cpu;            /* [const] */
    struct sched_ent *curr;  /* NULL: idle */
    struct lheap fair;
    uint64_t vtime;          /* what the queue has got to: never goes back; read anywhere as a hint */
    uint64_t slice_end;      /* when curr must give others a chance */
    uint64_t weight;         /* of curr and all queued */
    uint64_t solo_since;     /* if solo_weight: curr alone has run here since then ... */
    uint32_t solo_weight;    /* ... with this weight; hints for far_ahead() [atomic] */
    unsigned probe;          /* the next CPU to look at for one that could help */
    unsigned helps;          /* the CPU that asked us to take some of its work, + 1 [atomic] */
};

/* All CPUs that share work. */
struct sched_sys {
    unsigned nr_cpus;                  /* numbers below are ours [boot] */
    struct sched_rq *rq[SCHED_CPUS];   /* NULL: CPU not there */
    struct sched_mask idle;            /* CPUs with nothing to do [atomic] */
    struct sched_mask waiting;         /* CPUs where somebody waits [atomic] */
};

struct sched_choice {
    struct sched_ent *ent; /* NULL: idle */
    uint64_t until;        /* when to choose again, ns; SCHED_NEVER: not before something changes */
};

static inline bool sched_mask_test(const struct sched_mask *m, unsigned cpu)
{
    return READ_ONCE(m->bits[cpu / 64]) >> (cpu % 64) & 1;
}

/* The first CPU from `from` on that is in both, or SCHED_CPUS. */
unsigned sched_mask_next(const struct sched_mask *a, const struct sched_mask *b, unsigned from);

/* A CPU joins, idle. */
void sched_rq_init(struct sched_sys *sys, struct sched_rq *rq, unsigned cpu);

/* A new entity, asleep, at home on rq; may use all CPUs. */
void sched_ent_init(struct sched_ent *e, struct sched_rq *rq, uint32_t weight);

/* Count the time that rq's curr has had until now. */
void sched_charge(struct sched_rq *rq, uint64_t now);

/* Where e (asleep) should wake: an idle CPU it may use, preferring its home, then those it likes; else its
 * home, or a less loaded CPU.  Reads other queues as hints only.  Never one outside e->hard (if e may
 * use no CPU that exists: its home). */
struct sched_rq *sched_place(struct sched_ent *e);
/* e (asleep) changes its home; the lock of the old home is held. */
void sched_rehome(struct sched_ent *e, struct sched_rq *to);

/* e (asleep) becomes runnable at home.  True: that CPU must choose again.  If e may not use its home (it is still
 * loaded there, else it had been placed elsewhere) it stays asleep: call again when it is unloaded. */
bool sched_wake(struct sched_ent *e, uint64_t now);
/* e is no longer runnable.  True: it was running, its CPU must choose again. */
bool sched_sleep(struct sched_ent *e, uint64_t now);
/* curr wants to let one other go first at the next sched_pick(). */
void sched_yield(struct sched_rq *rq);

/* Choose who runs on rq from now.  The chosen is rq->curr, and marked loaded.  A former curr that may no longer use
 * this CPU is left asleep: the caller wakes it elsewhere when it is unloaded. */
struct sched_choice sched_pick(struct sched_rq *rq, uint64_t now);
/* e's registers are no longer in a CPU, or not the only copy. */
void sched_unloaded(struct sched_ent *e);

/* Move one that waits at `from` to `to`, if that is good for it: to is idle, or far ahead in
 * virtual time.  Both locks held.  Gives the one moved, QUEUED at `to`, or NULL. */
struct sched_ent *sched_steal(struct sched_rq *to, struct sched_rq *from, uint64_t now);
/* The next CPU from `from` on with somebody waiting (a hint), or SCHED_CPUS. */
unsigned sched_victim(const struct sched_rq *rq, unsigned from);
/* Somebody waits at rq: a CPU that should be asked to choose again, since it is idle or far ahead, or
 * SCHED_CPUS.  Looks at a few CPUs a call, at others the next time. */
unsigned sched_helper(struct sched_rq *rq, uint64_t now);

void sched_set_weight(struct sched_ent *e, uint32_t weight, uint64_t now);
/* True: e's home is not in the new hard mask.  If it is queued the caller takes it out and wakes it elsewhere; if it runs,
 * its CPU must choose again. */
bool sched_set_affinity(struct sched_ent *e, const struct sched_mask *hard, const struct sched_mask *soft);

/* Recompute everything about rq; NULL or what is wrong. */
const char *sched_rq_audit(const struct sched_rq *rq);

#endif
