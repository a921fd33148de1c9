/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduling policy under real concurrency.  A thread is a CPU, with the lock of its run queue, and does what kern/sched.c does;
 * others wake, put to sleep and restrict vCPUs, and refill and change the caps.  What they share without a common lock: a group's
 * quota and its count of parked entities, the masks of idle and waiting CPUs, the hints about other queues, `loaded`.
 *
 * A vCPU is on one CPU at most, and where it may be; of a group's quota nothing is lost and nothing made; nobody stays parked, or asleep though
 * runnable; and when all rests, the audit finds the queues in order.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "port_host.h"
#include "sched_audit.h"

#define CPUS    3
#define VCPUS   9
#define GROUPS  2
#define STEPS   20000   /* of each CPU in a phase */
#define TICK    20000u  /* ns that one takes */
#define PATIENT 30      /* s */
#define NOWHERE (-1)

struct cpu {
    struct sched_rq rq;  /* [lock] */
    pthread_mutex_t lock;
    uint64_t ran[GROUPS]; /* what sched_charge() has counted here [lock] */
};

struct vcpu {
    struct sched_ent ent;
    bool on;             /* is runnable [atomic] */
    int cpu;             /* holds its registers [atomic, without order] */
    uint64_t regs[2];    /* these: two equal numbers [by the CPU that holds them] */
    unsigned runs;       /* how often it was chosen [atomic] */
};

struct group {
    struct sched_group group;
    bool due;            /* a refill is [atomic] */
};

static struct sched_sys sys;
static struct sched_pool pool;
static struct cpu cpus[CPUS];
static struct vcpu vcpus[VCPUS];
static struct group groups[GROUPS];
static uint64_t now_ns;             /* [atomic] */
static bool over, calm;             /* calm: nobody disturbs any more [atomic] */
static unsigned long twice, torn, astray; /* [atomic] */

static unsigned xorshift(unsigned *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 17;
    return *s ^= *s << 5;
}

static bool is_set(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

static uint64_t time_now(void)
{
    return __atomic_load_n(&now_ns, __ATOMIC_SEQ_CST);
}

static struct cpu *cpu_of(struct sched_rq *rq)
{
    return container_of(rq, struct cpu, rq);
}

static struct vcpu *vcpu_of(struct sched_ent *e)
{
    return container_of(e, struct vcpu, ent);
}

void sched_port_cap_used(struct sched_group *g)
{
    __atomic_store_n(&container_of(g, struct group, group)->due, true, __ATOMIC_SEQ_CST);
}

/* [c->lock] Count first, so that what core/sched.c counts is known here, too. */
static uint64_t charge(struct cpu *c)
{
    uint64_t now = time_now(), before;
    struct sched_ent *e = c->rq.curr;

    if (!e)
        return now;
    before = e->charged;
    sched_charge(&c->rq, now);
    c->ran[container_of(e->group, struct group, group) - groups] += e->charged - before;
    return now;
}

/* ---- As kern/sched.c ---- */

static struct cpu *home_lock(struct vcpu *v)
{
    for (;;) {
        struct cpu *c = cpu_of(READ_ONCE(v->ent.rq));

        pthread_mutex_lock(&c->lock);
        if (&c->rq == __atomic_load_n(&v->ent.rq, __ATOMIC_ACQUIRE))
            return c;
        pthread_mutex_unlock(&c->lock);
    }
}

static bool reconsider_at(struct cpu *c, struct vcpu *v, bool may_move)
{
    struct sched_ent *e = &v->ent;
    uint64_t now = charge(c);

    if (!is_set(&v->on)) {
        sched_sleep(e, now);
    } else if (e->state == SCHED_ASLEEP) {
        struct sched_rq *to = may_move ? sched_place(e) : &c->rq;

        if (to != &c->rq) {
            sched_rehome(e, to, now);
            return false;
        }
        sched_wake(e, now);
    }
    return true;
}

static void reconsider(struct vcpu *v)
{
    bool done = false;

    for (unsigned i = 0; !done; i++) {
        struct cpu *c = home_lock(v);

        done = reconsider_at(c, v, i == 0);
        pthread_mutex_unlock(&c->lock);
    }
}

static void pair_lock(struct cpu *a, struct cpu *b)
{
    pthread_mutex_lock(&(a < b ? a : b)->lock);
    if (a != b)
        pthread_mutex_lock(&(a < b ? b : a)->lock);
}

static void pair_unlock(struct cpu *a, struct cpu *b)
{
    pthread_mutex_unlock(&a->lock);
    if (a != b)
        pthread_mutex_unlock(&b->lock);
}

static void pull_work(struct cpu *c)
{
    unsigned helps = __atomic_exchange_n(&c->rq.helps, 0, __ATOMIC_ACQUIRE), cursor = 0;
    unsigned from = helps ? helps - 1 : sched_victim(&c->rq, &cursor);
    bool idle;

    pthread_mutex_lock(&c->lock);
    idle = sched_rq_empty(&c->rq);
    pthread_mutex_unlock(&c->lock);
    if ((!helps && !idle) || from >= SCHED_CPUS)
        return;
    pair_lock(c, &cpus[from]);
    charge(&cpus[from]);
    sched_steal(&c->rq, &cpus[from].rq, charge(c));
    pair_unlock(c, &cpus[from]);
}

static struct vcpu *choose(struct cpu *c)
{
    struct sched_choice choice;
    uint64_t now;

    pthread_mutex_lock(&c->lock);
    now = charge(c);
    choice = sched_pick(&c->rq, now);
    sched_helper(&c->rq, now);
    if (choice.ent && !sched_allowed(choice.ent, &c->rq))
        __atomic_add_fetch(&astray, 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&c->lock);
    return choice.ent ? vcpu_of(choice.ent) : NULL;
}

static void leave(struct vcpu *v)
{
    v->regs[1] = v->regs[0];
    __atomic_store_n(&v->cpu, NOWHERE, __ATOMIC_RELAXED);
    sched_unloaded(&v->ent);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (READ_ONCE(v->ent.state) == SCHED_ASLEEP && is_set(&v->on))
        reconsider(v);
}

static struct vcpu *schedule(struct cpu *c, struct vcpu *prev)
{
    struct vcpu *next;

    pull_work(c);
    next = choose(c);
    if (next)
        __atomic_add_fetch(&next->runs, 1, __ATOMIC_SEQ_CST);
    if (next == prev)
        return next;
    if (next && __atomic_exchange_n(&next->cpu, (int)c->rq.cpu, __ATOMIC_RELAXED) != NOWHERE)
        __atomic_add_fetch(&twice, 1, __ATOMIC_RELAXED);
    if (next && next->regs[0]++ != next->regs[1])
        __atomic_add_fetch(&torn, 1, __ATOMIC_RELAXED);
    if (prev && prev->regs[0] % 4 == 0)
        sched_yield(); /* others look at prev, which waits already */
    if (prev)
        leave(prev);
    return next;
}

/* ---- As kern/schedparam.c ---- */

static void refill(struct group *g)
{
    bool unpark;

    __atomic_store_n(&g->due, false, __ATOMIC_SEQ_CST);
    if (sched_group_refill(&g->group, &unpark))
        sched_port_cap_used(&g->group);
    for (unsigned i = 0; unpark && i < VCPUS; i++) {
        struct vcpu *v = &vcpus[i];
        struct cpu *c;
        bool unparked;

        if (v->ent.group != &g->group || READ_ONCE(v->ent.state) != SCHED_PARKED)
            continue;
        c = home_lock(v);
        unparked = sched_unpark(&v->ent);
        pthread_mutex_unlock(&c->lock);
        if (unparked)
            reconsider(v);
    }
}

/* ---- Threads ---- */

static void *cpu_thread(void *arg)
{
    struct cpu *c = &cpus[(uintptr_t)arg];
    struct vcpu *runs = NULL;

    for (unsigned n = 0; n < STEPS || !is_set(&over); n++) {
        __atomic_add_fetch(&now_ns, TICK, __ATOMIC_SEQ_CST);
        runs = schedule(c, runs);
        if (n % 16 == 0)
            sched_yield();
    }
    return NULL;
}

static void affinity_set(struct vcpu *v, unsigned mask)
{
    struct sched_mask hard = { { mask } }, soft = { { ~0ull } };
    struct cpu *c = home_lock(v);

    charge(c);
    sched_set_affinity(&v->ent, &hard, &soft);
    pthread_mutex_unlock(&c->lock);
    reconsider(v);
}

static void on_set(struct vcpu *v, bool on)
{
    __atomic_store_n(&v->on, on, __ATOMIC_SEQ_CST);
    reconsider(v);
}

/* Wakes and puts to sleep, and now and then restricts, those of its half. */
static void *waker(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg, seed = 5 + me;

    while (!is_set(&calm)) {
        unsigned i = xorshift(&seed) % VCPUS;

        if (i % 2 != me)
            continue;
        if (xorshift(&seed) % 16)
            on_set(&vcpus[i], xorshift(&seed) % 4 != 0);
        else
            affinity_set(&vcpus[i], 1 + xorshift(&seed) % ((1u << CPUS) - 1));
        if (xorshift(&seed) % 8 == 0)
            sched_yield();
    }
    return NULL;
}

static void *capper(void *arg)
{
    unsigned seed = 3;
    bool changes = arg != NULL;

    while (!is_set(&over)) {
        struct group *g = &groups[xorshift(&seed) % GROUPS];

        if (changes && !is_set(&calm) && xorshift(&seed) % 8 == 0)
            sched_group_cap(&g->group, xorshift(&seed) % 4 * 10);
        if (is_set(&g->due))
            refill(g);
        sched_yield();
    }
    return NULL;
}

static void *nothing(void *arg)
{
    return arg;
}

/* ---- */

static int setup(void **state)
{
    (void)state;
    host_reset();
    host_rest_every(53);
    memset(&sys, 0, sizeof(sys));
    memset(&pool, 0, sizeof(pool));
    memset(cpus, 0, sizeof(cpus));
    memset(groups, 0, sizeof(groups));
    now_ns = 1000000000;
    over = calm = false;
    twice = torn = astray = 0;
    for (unsigned i = 0; i < CPUS; i++) {
        pthread_mutex_init(&cpus[i].lock, NULL);
        sched_rq_init(&sys, &cpus[i].rq, i);
        sched_pool_add(&pool, &cpus[i].rq);
    }
    for (unsigned i = 0; i < VCPUS; i++) {
        vcpus[i] = (struct vcpu){ .cpu = NOWHERE };
        sched_ent_init(&vcpus[i].ent, &pool, &groups[i % GROUPS].group, &cpus[i % CPUS].rq, 64 << i % 4);
    }
    return 0;
}

/* Everybody is woken.  Does each get a CPU, again and again? */
static bool all_run(void)
{
    struct timespec nap = { 0, 1000000 };
    unsigned before[VCPUS], naps = 0;

    for (unsigned i = 0; i < VCPUS; i++) {
        affinity_set(&vcpus[i], (1u << CPUS) - 1);
        on_set(&vcpus[i], true);
        before[i] = __atomic_load_n(&vcpus[i].runs, __ATOMIC_SEQ_CST);
    }
    for (unsigned i = 0; i < VCPUS;) {
        if (__atomic_load_n(&vcpus[i].runs, __ATOMIC_SEQ_CST) - before[i] > 2) {
            i++;
        } else {
            if (naps++ > PATIENT * 1000)
                return false;
            nanosleep(&nap, NULL);
        }
    }
    return true;
}

static void run(bool caps_change)
{
    pthread_t c[CPUS], w[2], t;
    struct timespec nap = { 0, 1000000 };
    bool all;

    for (uintptr_t i = 0; i < CPUS; i++)
        pthread_create(&c[i], NULL, cpu_thread, (void *)i);
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&w[i], NULL, waker, (void *)i);
    pthread_create(&t, NULL, caps_change ? capper : nothing, caps_change ? &t : NULL);
    while (time_now() < 1000000000 + (uint64_t)STEPS * TICK * CPUS)
        nanosleep(&nap, NULL);
    __atomic_store_n(&calm, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(w[i], NULL);
    for (unsigned g = 0; g < GROUPS && caps_change; g++)
        sched_group_cap(&groups[g].group, 50);
    all = all_run();
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < CPUS; i++)
        pthread_join(c[i], NULL);
    pthread_join(t, NULL);
    assert_true(all);
    assert_int_equal(twice, 0);
    assert_int_equal(torn, 0);
    assert_int_equal(astray, 0);
    for (unsigned i = 0; i < CPUS; i++)
        assert_null(sched_rq_audit(&cpus[i].rq));
}

/* A quota that lasts, taken and given back by all CPUs: it is where it went. */
static void test_quota(void **state)
{
    const uint32_t percent = 1u << 30;

    (void)state;
    for (unsigned g = 0; g < GROUPS; g++)
        sched_group_cap(&groups[g].group, percent);
    run(false);
    for (unsigned g = 0; g < GROUPS; g++) {
        int64_t sum = groups[g].group.left;

        assert_true(sum < (int64_t)groups[g].group.quota);
        for (unsigned i = 0; i < VCPUS; i++)
            sum += vcpus[i].ent.group == &groups[g].group ? vcpus[i].ent.quota : 0;
        for (unsigned i = 0; i < CPUS; i++)
            sum += (int64_t)cpus[i].ran[g];
        assert_true(sum == (int64_t)groups[g].group.quota);
    }
}

/* Small caps that change: whoever is parked gets on with the next refill. */
static void test_parked(void **state)
{
    (void)state;
    run(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup(test_quota, setup), cmocka_unit_test_setup(test_parked, setup) };

    return cmocka_run_group_tests_name("sched threads", tests, NULL, NULL);
}
