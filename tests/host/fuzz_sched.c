/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core/sched.c under any order of wake-ups, sleeps, decisions, moves and changes of parameters, on up to 6 CPUs, with
 * vCPUs whose registers stay in their CPU for a while.  After each step every queue is audited, and each vCPU must be
 * in exactly one place; at the end all CPUs are let run, and everybody who is runnable and has a right to must get CPU time.
 */
/* fuzz-options: -max_len=250 -len_control=0 */
#include <stdint.h>
#include "sched_sim.h"

#define CPUS   6
#define VCPUS  12
#define GROUPS 2

static const uint8_t *data;
static size_t left;
static struct sim_group groups[GROUPS];
static struct sim_vcpu vcpus[VCPUS];
static struct sched_ent *leaving[CPUS]; /* chosen away from, still loaded */

static unsigned take(unsigned below)
{
    if (!left)
        return 0;
    left--;
    return *data++ % below;
}

static bool queued_at(const struct lheap *h, const struct lheap_node *n)
{
    for (struct lheap_node *x = h->top; x; x = lheap_walk(x, false))
        if (x == n)
            return true;
    return false;
}

/* In how many places is e? */
static unsigned places(const struct sched_ent *e)
{
    unsigned k = 0;

    for (unsigned c = 0; c < sim_cpus; c++) {
        const struct sched_rq *rq = &sim_cpu[c].rq;

        k += queued_at(&rq->rt, &e->run) + queued_at(&rq->fair, &e->run) + (rq->curr == e && e->state == SCHED_RUNNING);
    }
    return k;
}

static void check_all(void)
{
    uint64_t reserved[CPUS] = { 0 };

    sim_audit();
    for (unsigned i = 0; i < VCPUS; i++) {
        const struct sched_ent *e = &vcpus[i].ent;

        SIM_CHECK(places(e) == (e->state == SCHED_QUEUED || e->state == SCHED_RUNNING));
        SIM_CHECK(e->hard.bits[0] && !(e->hard.bits[0] & ~e->pool->cpus.bits[0]));
        SIM_CHECK(vcpus[i].on || e->state == SCHED_ASLEEP);
        if (vcpus[i].on && e->state == SCHED_ASLEEP)
            SIM_CHECK(e->loaded && !sched_allowed(e, e->rq));
        if (e->bound)
            reserved[e->bound->cpu] += e->budget * SCHED_UNIT / e->period;
    }
    for (unsigned c = 0; c < sim_cpus; c++) {
        const struct sched_rq *rq = &sim_cpu[c].rq;

        for (unsigned p = 0; p < SIM_POOLS; p++)
            SIM_CHECK(sched_mask_test(&sim_pool[p].cpus, c) == (rq->pool == &sim_pool[p]));
        SIM_CHECK(sim_cpu[c].rq.reserved == reserved[c] && reserved[c] <= SCHED_RESERVABLE);
        SIM_CHECK(!leaving[c] || (leaving[c]->loaded && leaving[c]->rq->cpu == c));
    }
}

/* The CPU has left the registers of the one that ran before. */
static void leave(unsigned c)
{
    struct sched_ent *e = leaving[c];

    leaving[c] = NULL;
    if (!e)
        return;
    sched_unloaded(e);
    if (sim_of(e)->on && e->state == SCHED_ASLEEP)
        sim_reconsider(sim_of(e));
}

static void decide(unsigned c)
{
    struct sched_rq *rq = &sim_cpu[c].rq;
    struct sched_ent *prev = rq->curr;
    struct sched_choice ch;

    if (leaving[c])
        leave(c); /* a CPU does one switch at a time */
    sim_cpu[c].resched = false;
    ch = sim_choose(&sim_cpu[c]);
    SIM_CHECK(ch.until > sim_now);
    SIM_CHECK(ch.ent == rq->curr);
    SIM_CHECK(sched_mask_test(&sim_sys.idle, c) == !ch.ent);
    if (ch.ent) {
        SIM_CHECK(ch.ent->state == SCHED_RUNNING && sched_allowed(ch.ent, rq));
        SIM_CHECK(ch.ent->rt || !sched_group_capped(ch.ent->group) || ch.ent->quota > 0);
        sim_of(ch.ent)->mark = sim_now;
    }
    sched_helper(rq, sim_now);
    if (prev && prev != ch.ent)
        leaving[c] = prev;
}

static void reserve(struct sim_vcpu *v, unsigned budget, unsigned period, bool extra)
{
    struct sched_rq *at = budget ? sched_admit(&v->ent, budget * 100 * US, period * 100 * US) : NULL;

    if (budget && !at)
        return;
    sched_reserve(&v->ent, at, budget * 100 * US, period * 100 * US, extra, sim_now);
    sim_reconsider(v);
}

/* Of its pool's CPUs, one that e's reservation is bound to, or (it has none) any, would be left? */
static bool binding_holds(const struct sim_vcpu *v, const struct sched_pool *p, unsigned cpus)
{
    struct sched_mask h = sched_effective(&(struct sched_pool){ { { cpus } }, 0 }, &v->ent.want);

    return v->ent.pool != p || !v->ent.bound || sched_mask_test(&h, v->ent.bound->cpu);
}

/* A CPU comes to a pool, or leaves its own, unless somebody needs it. */
static void cpu_pool(unsigned c, struct sched_pool *p)
{
    struct sched_pool *old = sim_cpu[c].rq.pool;
    unsigned cpus = (unsigned)(old ? old->cpus.bits[0] & ~(1ul << c) : p->cpus.bits[0] | 1ul << c);
    struct sim_vcpu *all[VCPUS];

    for (unsigned i = 0; i < VCPUS; i++) {
        all[i] = &vcpus[i];
        if ((old && !cpus && all[i]->ent.pool == old) || !binding_holds(all[i], old ? old : p, cpus))
            return;
    }
    if (old)
        sim_pool_remove(c, all, VCPUS);
    else
        sim_pool_add(p, c, all, VCPUS);
}

static void move(struct sim_vcpu *v, struct sched_pool *p)
{
    if (p->cpus.bits[0] && !v->ent.bound)
        sim_pool_move(v, p);
}

static void affinity(struct sim_vcpu *v, unsigned hard, unsigned soft)
{
    struct sched_mask h = { { hard } }, s = { { soft } };

    if (!(hard & v->ent.pool->cpus.bits[0]) || (v->ent.bound && !sched_mask_test(&h, v->ent.bound->cpu)))
        return;
    sched_set_affinity(&v->ent, &h, &s);
    sim_reconsider(v);
}

static void step(void)
{
    struct sim_vcpu *v = &vcpus[take(VCPUS)];

    switch (take(14)) {
    case 0: sim_set_on(v, !v->on); break;
    case 1: v->on = true; sim_reconsider(v); break;
    case 2: decide(take(sim_cpus)); break;
    case 3: leave(take(sim_cpus)); break;
    case 4: sim_now += take(256) * 20 * US; break;
    case 5: sim_now += take(256) * 1000; break;
    case 6: sched_set_weight(&v->ent, 1 + take(256) * 257 % SCHED_WEIGHT_MAX, sim_now); break;
    case 7: affinity(v, take(64), take(64)); break;
    case 8: reserve(v, take(60), 1 + take(100), take(2)); break;
    case 9: sim_refill(&groups[take(GROUPS)]); break;
    case 10: sched_group_cap(&groups[take(GROUPS)].group, take(150)); break;
    case 11: sched_yield_curr(&sim_cpu[take(sim_cpus)].rq); break;
    case 12: cpu_pool(take(sim_cpus), &sim_pool[take(SIM_POOLS)]); break;
    case 13: move(v, &sim_pool[take(SIM_POOLS)]); break;
    }
    sim_account(v);
}

/* Has everybody who is runnable, and is owed time, had some? */
static bool all_served(void)
{
    for (unsigned i = 0; i < VCPUS; i++) {
        const struct sched_ent *e = &vcpus[i].ent;
        bool entitled = e->bound ? e->budget >= e->period / 20 : !sched_group_capped(e->group);

        if (vcpus[i].on && entitled && !vcpus[i].mark)
            return false;
    }
    return true;
}

/* Up to twenty seconds in which the CPUs do all that they are asked for. */
static void run_out(void)
{
    for (unsigned i = 0; i < VCPUS; i++) {
        sched_set_weight(&vcpus[i].ent, 256, sim_now);
        vcpus[i].mark = 0;
    }
    for (unsigned ms = 0; ms < 20000 && !all_served(); ms++, sim_now += MS) {
        if (ms % 10 == 0)
            for (unsigned g = 0; g < GROUPS; g++)
                sim_refill(&groups[g]);
        for (unsigned c = 0; c < sim_cpus; c++)
            decide(c);
        for (unsigned c = 0; c < sim_cpus; c++)
            leave(c);
    }
    check_all();
    SIM_CHECK(all_served());
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    data = bytes;
    left = size;
    memset(groups, 0, sizeof(groups));
    memset(vcpus, 0, sizeof(vcpus));
    memset(leaving, 0, sizeof(leaving));
    sim_init(1 + take(CPUS), 100 * SEC);
    for (unsigned i = 0; i < VCPUS; i++) {
        static struct sim_vcpu *members[GROUPS][VCPUS];
        struct sim_group *g = i % 3 < GROUPS ? &groups[i % 3] : NULL;

        sched_ent_init(&vcpus[i].ent, &sim_pool[0], g ? &g->group : NULL, &sim_cpu[i % sim_cpus].rq, 256);
        vcpus[i].cpu = -1;
        if (g) {
            g->member = members[i % 3];
            g->member[g->n++] = &vcpus[i];
        }
    }
    while (left) {
        step();
        check_all();
    }
    run_out();
    return 0;
}
