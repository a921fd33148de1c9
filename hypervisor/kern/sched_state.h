/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the scheduler's shell keeps for each vCPU and domain: for kern/sched.c, runstate.c, schedop.c and vcpu.c only. */
#pragma once

#include "core/sched.h"
#include "x86/lock.h"
#include "x86/timer.h"
#include <xen/vcpu.h>

#define NR_WATCHDOGS 2

struct vcpu;
struct domain;

/* Serialises all changes of parameters and of pools, and guards what is reserved on each CPU.  RANK_VCPU. */
extern spinlock_t sched_config;

struct sched_vcpu {
    struct sched_ent ent;               /* [run queue's lock] */
    struct vcpu *v;                     /* [const] */
    unsigned pause_count;               /* [atomic] */
    bool up;                            /* VCPUOP_up [atomic] */
    bool blocked;                       /* sleeps until vcpu_wake() [atomic] */
    bool polling;                       /* in SCHEDOP_poll [by its own CPU] */
    bool initialising;                  /* VCPUOP_initialise is under way [v->lock] */
    bool pin_override;                  /* SCHEDOP_pin_override in force; saved_hard is what it hides [sched_config] */
    struct sched_mask saved_hard;
    struct vcpu_runstate_info runstate; /* [run queue's lock] */
    uint64_t runstate_gva;              /* the guest's area, 0: none [by its own CPU, or before it runs] */
    struct vcpu_info *info_before;      /* what v->info was before VCPUOP_register_vcpu_info; NULL: not registered [v->lock] */
    struct sched_vcpu *next;            /* of its domain [sched_config] */
    bool leaving;                       /* its last CPU still looks at this struct [atomic] */
    struct timer poll_timer;
};

struct watchdog {
    struct timer timer;
    bool used; /* [sched_domain.lock] */
};

struct sched_domain {
    struct sched_group group;  /* its cap */
    struct timer refill;       /* for the cap */
    bool refill_armed;         /* [atomic] */
    uint32_t weight, cap;      /* [sched_config] */
    struct sched_pool *pool;   /* [sched_config] */
    struct sched_domain *next; /* of that pool [sched_config] */
    struct sched_vcpu *vcpus;  /* [sched_config] */
    uint64_t nodes_set;        /* by the toolstack; 0: none [sched_config] */
    uint64_t nodes;            /* sched_domain_nodes(), 0: to be found anew [sched_config, read anywhere] */
    spinlock_t lock;           /* RANK_VCPU: watchdogs */
    struct watchdog watchdog[NR_WATCHDOGS];
};

/* Account the time until now to the old state; the run queue's lock is held. */
void runstate_enter(struct sched_vcpu *sv, int state, uint64_t now);
/* Write current's area in its memory, if it has one.  Interrupts on, no lock held. */
void runstate_publish(struct vcpu *v);

/* Lock the queue at which sv is at home. */
struct sched_rq *sched_lock(struct sched_vcpu *sv, uint64_t *flags);
void sched_unlock(struct sched_rq *rq, uint64_t flags);
/* sv's flags have changed: queue it, take it off, or make its CPU choose again.  Any context. */
void sched_reconsider(struct sched_vcpu *sv);
/* The queue of the pool's first CPU from the n-th of all on, round the circle. */
struct sched_rq *sched_home(const struct sched_pool *pool, unsigned n);
extern struct sched_sys sched_sys;
/* Give back what sv has reserved. [sched_config] */
void sched_unreserve(struct sched_vcpu *sv);
/* sv is in this pool and asks for those CPUs; its reservation moves along.  -XEN_ENOSPC: it finds no room, and nothing has
 * changed. [sched_config] */
int sched_change_cpus(struct sched_vcpu *sv, struct sched_pool *pool, const struct sched_mask *want, const struct sched_mask *soft);
/* Pools (kern/schedpool.c): a new CPU comes to pool 0; a new domain to a pool (-XEN_ESRCH: no such; -XEN_ENODEV: has no CPU), and away. */
void pool_cpu_init(struct sched_rq *rq);
int pool_domain_join(struct sched_domain *sd, uint32_t id);
void pool_domain_leave(struct sched_domain *sd);
/* SCHEDOP_pin_override: only CPU pcpu, or (negative) as before.  -XEN_EINVAL: no such CPU, or no pin to undo; -XEN_EBUSY:
 * is pinned already. */
int sched_pin_override(struct sched_vcpu *sv, int32_t pcpu);
/* A domain's watchdogs, none running; and stop them all, waiting for one that bites. */
void watchdogs_init(struct domain *d);
void watchdogs_kill(struct domain *d);
/* SCHEDOP_poll of the vCPU that now goes on is over. */
void sched_poll_finish(struct sched_vcpu *sv);
