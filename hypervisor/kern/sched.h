/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler's shell: run queues with locks, wake-ups, pauses, the switch itself.  The policy (who runs,
 * where, how long) is core/sched.c.  schedule() runs only as SOFTIRQ_SCHEDULE, on the way back to a guest
 * or in the idle loop: it makes `current` the chosen vCPU and returns on the same stack.
 */
#pragma once

#include "x86/cpumask.h"

struct vcpu;
struct vcpu_runstate_info;
struct domain;

/* In CPU pool `pool`.  -XEN_ESRCH: there is none; -XEN_ENODEV: it has no CPU. */
int sched_domain_create(struct domain *d, uint32_t pool);
/* No timer of d's goes off any more.  Before its vCPUs are destroyed; none of them may run again. */
void sched_domain_stop(struct domain *d);
/* After its vCPUs. */
void sched_domain_destroy(struct domain *d);
/* d->sched must be there (not for idle_domain).  The vCPU starts down (VCPU not up).  Idle vCPUs (v->is_idle) are bound to v->cpu. */
int sched_vcpu_create(struct vcpu *v);
void sched_vcpu_destroy(struct vcpu *v);
void sched_init(void);      /* BSP, before the first vCPU */
void sched_init_cpu(void);  /* each CPU: its run queue, its idle vCPU is current */

void sched_return_cpu(unsigned cpu); /* it was out of use (kern/hotplug.c), in no pool that domains can be in */

void vcpu_wake(struct vcpu *v);  /* if it blocks, it runs again; any context */
void vcpu_block(struct vcpu *v); /* v == current: sleep until vcpu_wake(); no-op if an event is pending and unmasked */
void vcpu_yield(void);
/* Tell v that something is pending for it: wakes it, or interrupts the CPU it runs on. Any context. */
void vcpu_kick(struct vcpu *v);

/*
 * Nested.  pause: 0 when v is off its CPU and its registers are in struct vcpu; current itself is only marked (it goes
 * when the hypercall ends).  -XEN_EAGAIN: the caller's own vCPU is wanted off its CPU too, and one of the two must
 * give way; nothing is paused: return hcall_again().  So hypercalls that pause must be restartable up to there.
 * Interrupts on, no lock held.  The _nosync forms don't wait: any context.
 */
int vcpu_pause(struct vcpu *v) __attribute__((warn_unused_result));
void vcpu_unpause(struct vcpu *v);
int domain_pause(struct domain *d) __attribute__((warn_unused_result));
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);
/* What decides whether d's vCPUs may run has changed (d->is_shut_down): those that may not leave their CPUs soon, and those on
 * this CPU before a guest runs on.  Any context. */
void domain_reconsider(struct domain *d);

void vcpu_down(struct vcpu *v);  /* VCPUOP_down; the last one up shuts the domain down as Xen does */
bool vcpu_is_up(const struct vcpu *v);
void vcpu_set_up(struct vcpu *v, bool up); /* the toolstack's word: no shutdown if it is the last one that goes down */
bool vcpu_is_blocked(const struct vcpu *v);
void vcpu_pin_override_end(struct vcpu *v); /* SCHEDOP_pin_override, if in force, is undone */
void vcpu_runstate(struct vcpu *v, struct vcpu_runstate_info *out);
/* ns that a CPU had nothing to do since it is up. */
uint64_t cpu_idle_time(unsigned cpu);
/* VCPU_WORK_RUNSTATE: current's kernel runs now, with its page tables, and its runstate area is written which could not be
 * when current was given the CPU.  Interrupts on, no lock held. */
void runstate_retry(void);

/*
 * Processors in use: kern/hotplug.c.  Take a CPU out of use, or back into use (it then is in pool 0).  Both may have to be called
 * again, until they don't say -XEN_EAGAIN: so they are for hypercalls that can be issued anew.  No lock held, interrupts on.
 * -XEN_EINVAL: no such CPU, or number 0, which stays.  -XEN_EEXIST: it is so already.  -XEN_ENODEV: it is in another pool than 0.
 * -XEN_EBUSY: a reservation needs it; -XEN_EADDRINUSE: a vCPU is bound to it.  -XEN_EIO: it never started.
 */
int cpu_take_offline(unsigned cpu);
int cpu_bring_online(unsigned cpu);

/* Debug key 'r': the run queues, to the log. */
void sched_dump(void);

/*
 * Parameters (kern/schedparam.c), for the toolstack's operations.  Any context that may take RANK_VCPU locks.
 */
struct sched_domain_params {
    uint32_t weight; /* 1 .. 65535; 256 is usual */
    uint32_t cap;    /* percent of one CPU for all of its vCPUs together; 0: none */
};
/* A vCPU's reservation: budget_us of CPU time in each period_us; with extra it may have more, if there is. */
struct sched_reservation {
    uint32_t period_us, budget_us; /* budget 0: no reservation */
    bool extra;
};
void sched_domain_get_params(const struct domain *d, struct sched_domain_params *p);
/* -XEN_EINVAL: out of range. */
int sched_domain_set_params(struct domain *d, const struct sched_domain_params *p);
/* -XEN_EINVAL: budget above period, period below 100 us or above 4 s; -XEN_ENOSPC: no CPU that v may use has room for it:
 * everything stays as it was. */
int sched_vcpu_set_reservation(struct vcpu *v, const struct sched_reservation *r);
void sched_vcpu_get_affinity(const struct vcpu *v, cpumask_t *hard, cpumask_t *soft);
/* NULL: leave as it is.  -XEN_EINVAL: v's pool has no CPU of hard; -XEN_EBUSY: pinned by SCHEDOP_pin_override;
 * -XEN_ENOSPC: v's reservation has no room there. */
int sched_vcpu_set_affinity(struct vcpu *v, const cpumask_t *hard, const cpumask_t *soft);
/* The nodes near to d, for its memory: those set, else those of the CPUs that its vCPUs like and may use. */
uint64_t sched_domain_nodes(const struct domain *d);
/* ~0: none are set.  -XEN_EINVAL: the machine has none of them. */
int sched_domain_set_nodes(struct domain *d, uint64_t nodes);

/* Provided by the machine (pv/switch.c): save prev's hardware state, all of it, load next's: page tables,
 * descriptor tables, segment bases, FPU traps, debug registers; sets current. Interrupts off. */
void vcpu_switch(struct vcpu *prev, struct vcpu *next);
