/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU pools: which domains share which CPUs.  Each domain is in one pool, each CPU in one or in none; number 0 is there from the
 * start, has all CPUs and dom0, and never goes.  None of these may be called with a lock held; they take time in proportion to
 * the vCPUs of the pool.
 */
#pragma once

#include "x86/cpumask.h"

struct domain;

#define POOL_ANY UINT32_MAX /* in place of a pool's or a CPU's number: one that fits */

struct pool_info {
    uint32_t id;
    unsigned nr_domains;
    cpumask_t cpus;
};

/* The pool of that number, or the next one: -XEN_ENOENT if there is none. */
int pool_info(uint32_t id, struct pool_info *out);
/* A new pool, empty; *id may be POOL_ANY and is what it got.  -XEN_EEXIST, -XEN_ENOMEM. */
int pool_create(uint32_t *id);
/* -XEN_ENOENT: there is none; -XEN_EBUSY: has CPUs or domains, or is number 0. */
int pool_destroy(uint32_t id);
/* A CPU that is in no pool.  -XEN_ENOENT: no such pool; -XEN_ENODEV: the CPU is not free; -XEN_EINVAL: can't be one. */
int pool_cpu_add(uint32_t id, uint32_t cpu);
/* What ran there goes to the pool's other CPUs.  -XEN_ENOENT: no such pool; -XEN_EINVAL: no such CPU in use, or number 0,
 * which stays in pool 0; -XEN_EADDRNOTAVAIL: not its CPU; -XEN_EBUSY: the last one of a pool with domains, or a reservation finds no room elsewhere; -XEN_EADDRINUSE: a vCPU is bound to it by SCHEDOP_pin_override. */
int pool_cpu_remove(uint32_t id, uint32_t cpu);
/* For kern/hotplug.c: the CPU goes out of use, from pool 0 or from none, or is back and in pool 0.  Parking one that is parked does
 * nothing; -XEN_ENODEV: is in another pool; -XEN_EBUSY, -XEN_EADDRINUSE as of pool_cpu_remove().  Unparking says whether it was parked. */
int pool_cpu_park(unsigned cpu);
bool pool_cpu_unpark(unsigned cpu);
/* CPUs in use that are in no pool. */
void pool_free_cpus(cpumask_t *out);
/* d's vCPUs run there from now on, on any of its CPUs.  -XEN_ENOENT: no such pool, or it has no CPU; -XEN_ENOSPC: a
 * reservation finds no room. */
int pool_move_domain(struct domain *d, uint32_t id);
uint32_t pool_of_domain(const struct domain *d);
/* The CPUs of d's pool. */
void pool_cpus_of_domain(const struct domain *d, cpumask_t *out);

/* How long a vCPU may run before another takes its place by its share alone (the ABI's ratelimit): 0 (none) or XEN_SYSCTL_SCHED_RATELIMIT_MIN
 * to _MAX.  -XEN_ESRCH: no such pool; setting another than those gives -XEN_EINVAL. */
int pool_get_ratelimit_us(uint32_t id, uint32_t *us);
int pool_set_ratelimit_us(uint32_t id, uint32_t us);

/* d dies: it goes to pool 0 and keeps no reservation, so that it doesn't hold up its pool.  Its vCPUs don't run any more. */
void pool_domain_dying(struct domain *d);

/* Debug key 'r'. */
void pool_dump(void);
