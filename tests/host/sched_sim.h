/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine for core/sched.c: CPUs, vCPUs that compute and sleep, groups with caps, all on a virtual clock.  It does what
 * kern/sched.c does, without locks, and checks at every turn that a vCPU runs on one CPU at most, and only
 * where it may.  Included by the tests; each program has its own copy.
 */
#ifndef SCHED_SIM_H
#define SCHED_SIM_H

#include <stdlib.h>
#include <string.h>
#include "core/port.h"
#include "sched_audit.h"

#define US 1000ull
#define MS (1000 * US)
#define SEC (1000 * MS)

#define SIM_CPUS 256
#define FOREVER  (UINT64_MAX / 4)

struct sim_vcpu {
    struct sched_ent ent;
    struct lheap_node event; /* when it wakes, or has done its work */
    uint64_t work, rest;     /* it computes so long, then sleeps so long; rest 0: never sleeps */
    uint64_t todo;           /* of the present work */
    uint64_t since;          /* running: accounted up to here; waiting: waits since */
    bool on;                 /* wants to run */
    int cpu;                 /* runs there; -1: doesn't */
    uint64_t ran, waits, wait_max, wait_sum; /* results */
    uint64_t mark;           /* for the test's own use */
};

struct sim_group {
    struct sched_group group;
    struct lheap_node event;
    struct sim_vcpu **member;
    unsigned n;
    bool due; /* a refill is on its way */
};

struct sim_cpu {
    struct sched_rq rq;
    struct lheap_node event; /* what sched_pick() asked for */
    bool resched;
    uint64_t picks, switches, steals, idle_ns, since;
};

#define SIM_POOLS 4

static struct sched_sys sim_sys;
static struct sched_pool sim_pool[SIM_POOLS]; /* the first has all CPUs to begin with */
static struct sim_cpu sim_cpu[SIM_CPUS];
static unsigned sim_cpus;
static struct lheap sim_events;
static uint64_t sim_now;
static unsigned long sim_random_state;

static inline uint64_t sim_random(uint64_t below)
{
    sim_random_state = sim_random_state * 6364136223846793005ul + 1442695040888963407ul;
    return (sim_random_state >> 33) % below;
}

#define SIM_CHECK(cond) do { if (!(cond)) panic("sim: %s at line %d, t=%lu\n", #cond, __LINE__, sim_now); } while (0)

static inline void sim_at(struct lheap_node *n, uint64_t when)
{
    if (lheap_in(n))
        lheap_remove(&sim_events, n);
    if (when < FOREVER)
        lheap_insert(&sim_events, n, when < sim_now ? sim_now : when);
}

/* start: the clock's, and every queue's virtual time's, first value. */
static inline void sim_init(unsigned cpus, uint64_t start)
{
    memset(&sim_sys, 0, sizeof(sim_sys));
    memset(sim_pool, 0, sizeof(sim_pool));
    memset(sim_cpu, 0, sizeof(sim_cpu));
    memset(&sim_events, 0, sizeof(sim_events));
    sim_cpus = cpus;
    sim_now = start;
    sim_random_state = 1;
    for (unsigned i = 0; i < cpus; i++) {
        sched_rq_init(&sim_sys, &sim_cpu[i].rq, i);
        sched_pool_add(&sim_pool[0], &sim_cpu[i].rq);
        sim_cpu[i].since = start;
    }
}

static inline struct sim_vcpu *sim_of(struct sched_ent *e)
{
    return container_of(e, struct sim_vcpu, ent);
}

/* What e's vCPU has run so far is counted. */
static inline void sim_account(struct sim_vcpu *v)
{
    uint64_t ns = sim_now - v->since;

    if (v->cpu < 0)
        return;
    v->since = sim_now;
    v->ran += ns;
    if (v->rest)
        v->todo -= MIN(ns, v->todo);
}

static inline void sim_reconsider(struct sim_vcpu *v)
{
    struct sched_ent *e = &v->ent;
    bool resched = false;

    if (!v->on) {
        resched = sched_sleep(e, sim_now);
    } else if (e->state == SCHED_ASLEEP) {
        struct sched_rq *to = sched_place(e);

        if (to != e->rq)
            sched_rehome(e, to, sim_now);
        resched = sched_wake(e, sim_now);
    } else if (e->rq->curr == e && !sched_allowed(e, e->rq)) {
        resched = true;
    }
    if (resched)
        sim_cpu[e->rq->cpu].resched = true;
}

static inline void sim_set_on(struct sim_vcpu *v, bool on)
{
    if (v->on == on)
        return;
    sim_account(v);
    v->on = on;
    if (on && v->cpu < 0)
        v->since = sim_now;
    sim_reconsider(v);
}

static inline struct sim_vcpu *sim_add(struct sim_group *g, unsigned cpu, uint32_t weight, uint64_t work, uint64_t rest)
{
    struct sim_vcpu *v = calloc(1, sizeof(*v));

    sched_ent_init(&v->ent, &sim_pool[0], g ? &g->group : NULL, &sim_cpu[cpu % sim_cpus].rq, weight);
    v->work = v->todo = work;
    v->rest = rest;
    v->cpu = -1;
    if (g) {
        g->member = realloc(g->member, (g->n + 1) * sizeof(*g->member));
        g->member[g->n++] = v;
    }
    return v;
}

static inline void sim_pin(struct sim_vcpu *v, unsigned cpu)
{
    struct sched_mask hard = { 0 };

    hard.bits[cpu / 64] = 1ul << cpu % 64;
    sched_set_affinity(&v->ent, &hard, &v->ent.soft);
    sim_reconsider(v);
}

/* As kern/schedpool.c does it.  all: the n vCPUs there are. */
static inline void sim_pool_renew(struct sched_pool *p, struct sim_vcpu **all, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (all[i]->ent.pool == p) {
            sched_set_pool(&all[i]->ent, p);
            sim_reconsider(all[i]);
        }
}

static inline void sim_pool_add(struct sched_pool *p, unsigned cpu, struct sim_vcpu **all, unsigned n)
{
    sched_pool_add(p, &sim_cpu[cpu].rq);
    sim_pool_renew(p, all, n);
}

static inline void sim_pool_remove(unsigned cpu, struct sim_vcpu **all, unsigned n)
{
    struct sched_pool *p = sim_cpu[cpu].rq.pool;

    sched_pool_forbid(p, &sim_cpu[cpu].rq);
    sim_pool_renew(p, all, n);
    sched_pool_leave(&sim_cpu[cpu].rq);
}

static inline void sim_pool_move(struct sim_vcpu *v, struct sched_pool *p)
{
    sched_set_pool(&v->ent, p);
    sim_reconsider(v);
}

static inline void sim_left(struct sim_vcpu *v)
{
    v->cpu = -1;
    v->since = sim_now;
    if (v->on)
        sim_at(&v->event, FOREVER); /* the end of its work; else it is the end of its sleep */
    sched_unloaded(&v->ent);
    if (v->on && v->ent.state == SCHED_ASLEEP)
        sim_reconsider(v);
}

static inline void sim_enter(struct sim_vcpu *v, struct sim_cpu *c)
{
    uint64_t waited = sim_now - v->since;

    SIM_CHECK(v->cpu < 0);
    SIM_CHECK(sched_allowed(&v->ent, &c->rq));
    SIM_CHECK(v->ent.pool == c->rq.pool && sched_mask_test(&c->rq.pool->cpus, c->rq.cpu));
    v->waits++;
    v->wait_sum += waited;
    v->wait_max = MAX(v->wait_max, waited);
    v->since = sim_now;
    v->cpu = (int)c->rq.cpu;
    c->switches++;
    if (v->rest)
        sim_at(&v->event, sim_now + v->todo);
}

static inline void sim_pull(struct sim_cpu *c)
{
    unsigned helps = c->rq.helps, cursor = 0, cpu;

    c->rq.helps = 0;
    cpu = helps ? helps - 1 : sched_victim(&c->rq, &cursor);
    if (!helps && !sched_rq_empty(&c->rq))
        return;
    while (cpu < SCHED_CPUS) {
        if (sched_steal(&c->rq, &sim_cpu[cpu].rq, sim_now)) {
            c->steals++;
            return;
        }
        cpu = sched_rq_empty(&c->rq) ? sched_victim(&c->rq, &cursor) : SCHED_CPUS;
    }
}

static inline struct sched_choice sim_choose(struct sim_cpu *c)
{
    struct sched_choice choice;
    bool had_work;

    sim_pull(c);
    had_work = !sched_rq_empty(&c->rq);
    choice = sched_pick(&c->rq, sim_now);
    if (choice.ent || !had_work)
        return choice;
    sim_pull(c); /* what it had is parked */
    return sched_pick(&c->rq, sim_now);
}

static inline void sim_schedule(struct sim_cpu *c)
{
    struct sched_ent *prev = c->rq.curr;
    struct sched_choice choice;
    unsigned helper;

    c->resched = false;
    c->picks++;
    if (prev)
        sim_account(sim_of(prev));
    else
        c->idle_ns += sim_now - c->since;
    c->since = sim_now;
    choice = sim_choose(c);
    sim_at(&c->event, choice.until == SCHED_NEVER ? FOREVER : choice.until);
    SIM_CHECK(choice.until > sim_now);
    helper = sched_helper(&c->rq, sim_now);
    if (prev && prev != choice.ent)
        sim_left(sim_of(prev));
    if (choice.ent && prev != choice.ent)
        sim_enter(sim_of(choice.ent), c);
    if (helper < SCHED_CPUS)
        sim_cpu[helper].resched = true;
}

static inline void sim_settle(void)
{
    unsigned rounds = 0;

    for (bool again = true; again;) {
        again = false;
        SIM_CHECK(rounds++ < 1000); /* the CPUs come to rest */
        for (unsigned i = 0; i < sim_cpus; i++)
            if (sim_cpu[i].resched) {
                sim_schedule(&sim_cpu[i]);
                again = true;
            }
    }
}

void sched_port_cap_used(struct sched_group *group)
{
    struct sim_group *g = container_of(group, struct sim_group, group);

    if (g->due)
        return;
    g->due = true;
    sim_at(&g->event, sim_now + SCHED_CAP_PERIOD);
}

/* Only what is due comes, as on the machine. */
static inline void sim_refill(struct sim_group *g)
{
    bool unpark;

    if (!g->due)
        return;
    g->due = false;
    if (sched_group_refill(&g->group, &unpark))
        sched_port_cap_used(&g->group);
    for (unsigned i = 0; unpark && i < g->n; i++)
        if (sched_unpark(&g->member[i]->ent))
            sim_reconsider(g->member[i]);
}

/* Its work is done: sleep; or it has slept: work again. */
static inline void sim_turn(struct sim_vcpu *v)
{
    sim_set_on(v, !v->on);
    if (v->on)
        v->todo = v->work;
    else
        sim_at(&v->event, sim_now + v->rest);
}

/* Which kind of thing owns an event is told by where it is. */
static struct sim_group *sim_groups[64];

static inline void sim_event(struct lheap_node *n)
{
    for (unsigned i = 0; i < ARRAY_SIZE(sim_groups); i++)
        if (sim_groups[i] && n == &sim_groups[i]->event) {
            sim_refill(sim_groups[i]);
            return;
        }
    if ((char *)n >= (char *)sim_cpu && (char *)n < (char *)(sim_cpu + SIM_CPUS))
        container_of(n, struct sim_cpu, event)->resched = true;
    else
        sim_turn(container_of(n, struct sim_vcpu, event));
}

static inline void sim_run(uint64_t until)
{
    sim_settle();
    while (sim_events.top && sim_events.top->key <= until) {
        struct lheap_node *n = sim_events.top;

        sim_now = n->key;
        lheap_remove(&sim_events, n);
        sim_event(n);
        sim_settle();
    }
    sim_now = until;
    for (unsigned i = 0; i < sim_cpus; i++) {
        if (sim_cpu[i].rq.curr)
            sim_account(sim_of(sim_cpu[i].rq.curr));
        else
            sim_cpu[i].idle_ns += sim_now - sim_cpu[i].since;
        sim_cpu[i].since = sim_now;
    }
}

static inline void sim_audit(void)
{
    for (unsigned i = 0; i < sim_cpus; i++) {
        const char *wrong = sched_rq_audit(&sim_cpu[i].rq);

        if (wrong)
            panic("sim: CPU %u: %s\n", i, wrong);
    }
}

#endif
