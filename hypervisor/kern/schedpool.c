/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU pools: see schedpool.h.  What a pool means to the scheduler is in core/sched.h; here are its members, and the
 * order in which things change.
 *
 * Q1  A CPU is in the mask of the one pool that its queue's `pool` names, or in none.
 * Q2  A pool with domains has a CPU: so every vCPU has one that it may use.
 * Q3  A vCPU that may not use a CPU any more is in no queue of it, and if it runs there that CPU chooses again: it leaves before
 *     its guest goes on after its next interrupt, which is sent at once.
 * Q4  Who reads a queue's `pool` without the lock may see one that is gone: so the memory of pools is used for pools only.
 *
 * A CPU leaves its pool in three steps: it is forbidden, each vCPU gets its CPUs anew (and moves), the queue is of no pool.
 * Locks: sched_config (RANK_VCPU) for all of it; queues' locks below it, one at a time.
 */
#include "kern/schedpool.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/sched.h"
#include "kern/sched_state.h"
#include <xen/sysctl.h>

struct pool {
    struct sched_pool p;          /* what the policy knows of it */
    uint32_t id;                  /* [sched_config] */
    unsigned nr_domains;          /* [sched_config] */
    struct sched_domain *members; /* [sched_config] */
    struct pool *next;            /* the used ones by number; the others [sched_config] */
};

/* ns.  Who works for another (a driver domain for a guest that sends) is woken for each little piece, and should find
 * some of them.  Xen has 1 ms; it is also what a wake-up may have to wait for. */
#define RATELIMIT_FIRST 250000ul

static struct pool pool0 = { .p.ratelimit = RATELIMIT_FIRST };
static struct pool parked;          /* of CPUs out of use; no domain is in it, and no list has it */
static struct pool *pools = &pool0; /* [sched_config] */
static struct pool *unused;         /* [sched_config] */

static struct pool *pool_of(const struct sched_domain *sd)
{
    return container_of(sd->pool, struct pool, p);
}

/* The link that leads to the first pool whose number is at least `id`. [sched_config] */
static struct pool **place_of(uint32_t id)
{
    struct pool **at = &pools;

    while (*at && (*at)->id < id)
        at = &(*at)->next;
    return at;
}

static struct pool *find(uint32_t id)
{
    struct pool *p = *place_of(id);

    return p && p->id == id ? p : NULL;
}

static unsigned first_cpu(const struct pool *p)
{
    return sched_mask_next(&p->p.cpus, &p->p.cpus, 0);
}

static bool one_cpu(const struct pool *p)
{
    return sched_mask_next(&p->p.cpus, &p->p.cpus, first_cpu(p) + 1) == SCHED_CPUS;
}

/* ---- Making and looking ---- */

int pool_info(uint32_t id, struct pool_info *out)
{
    const struct pool *p;

    lock(&sched_config);
    p = *place_of(id);
    if (p) {
        out->id = p->id;
        out->nr_domains = p->nr_domains;
        memcpy(&out->cpus, &p->p.cpus, sizeof(out->cpus));
    }
    unlock(&sched_config);
    return p ? 0 : -XEN_ENOENT;
}

/* A number that no pool has: after the last one's, or the first free. [sched_config] */
static uint32_t number_free(void)
{
    uint32_t id = 0;

    for (const struct pool *p = pools; p; p = p->next)
        if (!p->next && p->id < POOL_ANY - 1)
            return p->id + 1;
    while (find(id))
        id++;
    return id;
}

static struct pool *struct_get(void)
{
    struct pool *p;

    lock(&sched_config);
    p = unused;
    if (p)
        unused = p->next;
    unlock(&sched_config);
    return p ? p : mem_alloc(sizeof(*p));
}

int pool_create(uint32_t *id)
{
    struct pool *p = struct_get(), **at;
    bool made;

    if (!p)
        return -XEN_ENOMEM;
    lock(&sched_config);
    if (*id == POOL_ANY)
        *id = number_free();
    at = place_of(*id);
    made = !*at || (*at)->id != *id;
    if (!made)
        at = &unused;
    p->id = *id;
    p->p.ratelimit = RATELIMIT_FIRST;
    p->next = *at;
    *at = p;
    unlock(&sched_config);
    return made ? 0 : -XEN_EEXIST;
}

int pool_destroy(uint32_t id)
{
    struct pool **at, *p;
    int rc = -XEN_ENOENT;

    lock(&sched_config);
    at = place_of(id);
    p = *at;
    if (p && p->id == id) {
        rc = p == &pool0 || p->nr_domains || first_cpu(p) < SCHED_CPUS ? -XEN_EBUSY : 0;
        if (!rc) {
            *at = p->next;
            p->next = unused;
            unused = p;
        }
    }
    unlock(&sched_config);
    return rc;
}

int pool_get_ratelimit_us(uint32_t id, uint32_t *us)
{
    const struct pool *p;

    lock(&sched_config);
    p = find(id);
    if (p)
        *us = (uint32_t)(p->p.ratelimit / 1000);
    unlock(&sched_config);
    return p ? 0 : -XEN_ESRCH;
}

int pool_set_ratelimit_us(uint32_t id, uint32_t us)
{
    struct pool *p;

    if (us && (us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || us > XEN_SYSCTL_SCHED_RATELIMIT_MAX))
        return -XEN_EINVAL;
    lock(&sched_config);
    p = find(id);
    if (p)
        __atomic_store_n(&p->p.ratelimit, us * 1000ul, __ATOMIC_RELAXED);
    unlock(&sched_config);
    return p ? 0 : -XEN_ESRCH;
}

/* ---- CPUs ---- */

/* The pool's CPUs have changed.  -XEN_ENOSPC: a reservation finds no room; those before it have moved. [sched_config] */
static int members_renew(struct pool *p)
{
    int rc = 0;

    for (struct sched_domain *sd = p->members; sd; sd = sd->next)
        for (struct sched_vcpu *sv = sd->vcpus; sv && !rc; sv = sv->next)
            rc = sched_change_cpus(sv, &p->p, &sv->ent.want, &sv->ent.soft);
    return rc;
}

/* [sched_config] */
static void cpu_join(struct pool *p, struct sched_rq *rq)
{
    sched_pool_add(&p->p, rq);
    members_renew(p);
}

void pool_cpu_init(struct sched_rq *rq)
{
    lock(&sched_config);
    cpu_join(&pool0, rq);
    unlock(&sched_config);
}

static struct sched_rq *queue_of(uint32_t cpu)
{
    return cpu < SCHED_CPUS ? READ_ONCE(sched_sys.rq[cpu]) : NULL;
}

static bool is_free(uint32_t cpu)
{
    const struct sched_rq *rq = queue_of(cpu);

    return rq && !rq->pool;
}

int pool_cpu_add(uint32_t id, uint32_t cpu)
{
    struct pool *p;
    int rc = 0;

    lock(&sched_config);
    p = find(id);
    for (uint32_t i = 0; cpu == POOL_ANY && i < nr_cpus; i++)
        cpu = is_free(i) ? i : cpu;
    if (!p)
        rc = -XEN_ENOENT;
    else if (cpu != POOL_ANY && cpu >= nr_cpus)
        rc = -XEN_EINVAL;
    else if (!is_free(cpu))
        rc = -XEN_ENODEV;
    else
        cpu_join(p, queue_of(cpu));
    unlock(&sched_config);
    return rc;
}

/* [sched_config] */
static bool pinned_there(const struct pool *p, unsigned cpu)
{
    for (const struct sched_domain *sd = p->members; sd; sd = sd->next)
        for (const struct sched_vcpu *sv = sd->vcpus; sv; sv = sv->next)
            if (sv->pin_override && sched_mask_test(&sv->ent.want, cpu))
                return true;
    return false;
}

/* Who asked for this CPU alone, as far as the pool has them, asks for all from now on: as Xen has it. [sched_config] */
static void affinities_break(struct pool *p)
{
    struct sched_mask all;

    memset(&all, 0xff, sizeof(all));
    for (struct sched_domain *sd = p->members; sd; sd = sd->next)
        for (struct sched_vcpu *sv = sd->vcpus; sv; sv = sv->next)
            if (sched_mask_next(&sv->ent.want, &p->p.cpus, 0) == SCHED_CPUS)
                sched_change_cpus(sv, &p->p, &all, &sv->ent.soft);
}

/* [sched_config] */
static int cpu_leave(struct pool *p, struct sched_rq *rq)
{
    int rc;

    if (p->nr_domains && one_cpu(p))
        return -XEN_EBUSY;
    if (pinned_there(p, rq->cpu))
        return -XEN_EADDRINUSE;
    sched_pool_forbid(&p->p, rq);
    rc = members_renew(p);
    if (rc) { /* all that have moved have room where they are now */
        sched_mask_set(&p->p.cpus, rq->cpu, true);
        members_renew(p);
        return -XEN_EBUSY;
    }
    affinities_break(p);
    sched_pool_leave(rq);
    return 0;
}

int pool_cpu_remove(uint32_t id, uint32_t cpu)
{
    struct pool *p;
    int rc;

    lock(&sched_config);
    p = find(id);
    for (uint32_t i = 0; p && cpu == POOL_ANY && i < nr_cpus; i++)
        cpu = sched_mask_test(&p->p.cpus, nr_cpus - 1 - i) ? nr_cpus - 1 - i : cpu;
    if (!p)
        rc = -XEN_ENOENT;
    else if (cpu == 0 || cpu >= nr_cpus || !cpumask_test(&cpu_online, cpu))
        rc = -XEN_EINVAL;
    else if (!sched_mask_test(&p->p.cpus, cpu))
        rc = -XEN_EADDRNOTAVAIL;
    else
        rc = cpu_leave(p, queue_of(cpu));
    unlock(&sched_config);
    return rc;
}

int pool_cpu_park(unsigned cpu)
{
    struct sched_rq *rq = queue_of(cpu);
    int rc = 0;

    lock(&sched_config);
    if (rq->pool != &parked.p) {
        if (rq->pool)
            rc = rq->pool == &pool0.p ? cpu_leave(&pool0, rq) : -XEN_ENODEV;
        if (!rc)
            sched_pool_add(&parked.p, rq);
    }
    unlock(&sched_config);
    return rc;
}

bool pool_cpu_unpark(unsigned cpu)
{
    struct sched_rq *rq = queue_of(cpu);
    bool was;

    lock(&sched_config);
    was = rq->pool == &parked.p;
    if (was) {
        sched_pool_forbid(&parked.p, rq);
        sched_pool_leave(rq);
        cpu_join(&pool0, rq);
    }
    unlock(&sched_config);
    return was;
}

void pool_free_cpus(cpumask_t *out)
{
    memset(out, 0, sizeof(*out));
    lock(&sched_config);
    for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
        if (is_free(cpu))
            cpumask_set(out, cpu);
    unlock(&sched_config);
}

/* ---- Domains ---- */

/* [sched_config] */
static void member_link(struct pool *p, struct sched_domain *sd)
{
    sd->pool = &p->p;
    sd->next = p->members;
    p->members = sd;
    p->nr_domains++;
}

/* [sched_config] */
static void member_unlink(struct sched_domain *sd)
{
    struct pool *p = pool_of(sd);
    struct sched_domain **at = &p->members;

    while (*at != sd)
        at = &(*at)->next;
    *at = sd->next;
    p->nr_domains--;
}

int pool_domain_join(struct sched_domain *sd, uint32_t id)
{
    struct pool *p;
    int rc = 0;

    lock(&sched_config);
    p = find(id);
    if (!p)
        rc = -XEN_ESRCH;
    else if (first_cpu(p) == SCHED_CPUS)
        rc = -XEN_ENODEV;
    else
        member_link(p, sd);
    unlock(&sched_config);
    return rc;
}

void pool_domain_leave(struct sched_domain *sd)
{
    lock(&sched_config);
    member_unlink(sd);
    unlock(&sched_config);
}

/* All vCPUs of sd up to (not with) `end` may use all CPUs of p.  0, or -XEN_ENOSPC at *end. [sched_config] */
static int vcpus_to(struct sched_domain *sd, struct pool *p, struct sched_vcpu **end)
{
    struct sched_mask all;
    struct sched_vcpu *sv = sd->vcpus;
    int rc = 0;

    memset(&all, 0xff, sizeof(all));
    while (sv != *end) {
        rc = sched_change_cpus(sv, &p->p, &all, &all);
        if (rc)
            break;
        sv = sv->next;
    }
    *end = sv;
    return rc;
}

/* [sched_config] */
static int member_move(struct sched_domain *sd, struct pool *to)
{
    struct sched_vcpu *end = NULL;
    int rc = vcpus_to(sd, to, &end);

    if (rc) { /* there is room where they came from */
        vcpus_to(sd, pool_of(sd), &end);
        return rc;
    }
    for (struct sched_vcpu *sv = sd->vcpus; sv; sv = sv->next)
        sv->pin_override = false;
    member_unlink(sd);
    member_link(to, sd);
    return 0;
}

int pool_move_domain(struct domain *d, uint32_t id)
{
    struct pool *p;
    int rc = 0;

    lock(&sched_config);
    p = find(id);
    if (!p || first_cpu(p) == SCHED_CPUS)
        rc = -XEN_ENOENT;
    else if (pool_of(d->sched) != p)
        rc = member_move(d->sched, READ_ONCE(d->is_dying) ? &pool0 : p);
    unlock(&sched_config);
    return rc;
}

void pool_domain_dying(struct domain *d)
{
    struct sched_domain *sd = d->sched;

    lock(&sched_config);
    if (pool_of(sd) != &pool0) {
        for (struct sched_vcpu *sv = sd->vcpus; sv; sv = sv->next)
            sched_unreserve(sv);
        member_move(sd, &pool0);
    }
    unlock(&sched_config);
}

uint32_t pool_of_domain(const struct domain *d)
{
    uint32_t id;

    lock(&sched_config);
    id = pool_of(d->sched)->id;
    unlock(&sched_config);
    return id;
}

void pool_cpus_of_domain(const struct domain *d, cpumask_t *out)
{
    lock(&sched_config);
    memcpy(out, &d->sched->pool->cpus, sizeof(*out));
    unlock(&sched_config);
}

void pool_dump(void)
{
    lock(&sched_config);
    for (const struct pool *p = pools; p; p = p->next) {
        log_info("Pool %u: %u domains, CPUs", p->id, p->nr_domains);
        for (unsigned cpu = first_cpu(p); cpu < SCHED_CPUS; cpu = sched_mask_next(&p->p.cpus, &p->p.cpus, cpu + 1))
            log_info(" %u", cpu);
        log_info("\n");
    }
    unlock(&sched_config);
}
