/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/sched.c and schedplace.c on a simulated machine: shares, caps, reservations, latencies, placement. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "sched_sim.h"

#define HOG(g, w) sim_start(sim_add(g, 0, w, FOREVER, 0))

#define assert_near(got, want, percent) do { \
    uint64_t got_ = (got), want_ = (want); \
    if (got_ * 100 < want_ * (100 - (percent)) || got_ * 100 > want_ * (100 + (percent))) \
        fail_msg("line %d: %s is %lu, should be %lu within %u %%", __LINE__, #got, got_, want_, (unsigned)(percent)); \
} while (0)

static struct sim_vcpu *v[5000];
static unsigned n;

static struct sim_vcpu *sim_start(struct sim_vcpu *x)
{
    v[n++] = x;
    sim_set_on(x, true);
    return x;
}

static int setup(void **state)
{
    (void)state;
    n = 0;
    memset(sim_groups, 0, sizeof(sim_groups));
    sim_init(1, 1000 * SEC);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sim_audit();
    for (unsigned i = 0; i < n; i++)
        free(v[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(sim_groups); i++)
        if (sim_groups[i]) {
            free(sim_groups[i]->member);
            free(sim_groups[i]);
        }
    return 0;
}

static void pass(uint64_t ns)
{
    sim_run(sim_now + ns);
}

static struct sim_group *group(uint32_t cap)
{
    unsigned i = 0;

    while (sim_groups[i])
        i++;
    sim_groups[i] = calloc(1, sizeof(struct sim_group));
    sched_group_cap(&sim_groups[i]->group, cap);
    return sim_groups[i];
}

static uint64_t ran_sum(unsigned from, unsigned to)
{
    uint64_t sum = 0;

    for (unsigned i = from; i < to; i++)
        sum += v[i]->ran;
    return sum;
}

/* As the shell does it, for an entity whose CPU is free to choose again. */
static bool reserve(struct sim_vcpu *x, uint64_t budget, uint64_t period, bool extra)
{
    struct sched_rq *at = budget ? sched_admit(&x->ent, budget, period) : NULL;

    if (budget && !at)
        return false;
    sched_reserve(&x->ent, at, budget, period, extra, sim_now);
    sim_reconsider(x);
    if (x->ent.rq->curr == &x->ent)
        sim_cpu[x->ent.rq->cpu].resched = true;
    return true;
}

/*
 * Shares
 */
static void test_equal(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        HOG(NULL, 256);
    pass(20 * SEC);
    for (int i = 0; i < 10; i++)
        assert_near(v[i]->ran, 2 * SEC, 1);
}

static void test_weights(void **state)
{
    static const uint32_t w[] = { 64, 128, 256, 512, 1024, 4096 };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(w); i++)
        HOG(NULL, w[i]);
    pass(100 * SEC);
    for (unsigned i = 0; i < ARRAY_SIZE(w); i++)
        assert_near(v[i]->ran, 100 * SEC * w[i] / 6080, 2);
}

/* The extremes of what the ABI allows: the light one isn't starved. */
static void test_weight_extremes(void **state)
{
    (void)state;
    HOG(NULL, 1);
    HOG(NULL, 65535);
    pass(400 * SEC);
    assert_true(v[0]->ran > 0);
    assert_near(v[1]->ran, 400 * SEC, 1);
}

static void test_three_on_two(void **state)
{
    (void)state;
    sim_init(2, 5 * SEC);
    for (int i = 0; i < 3; i++)
        HOG(NULL, 256);
    pass(30 * SEC);
    for (int i = 0; i < 3; i++)
        assert_near(v[i]->ran, 20 * SEC, 2);
}

/* Nobody can use more than one CPU; the others share the rest. */
static void test_heavier_than_a_cpu(void **state)
{
    (void)state;
    sim_init(2, 5 * SEC);
    HOG(NULL, 2560);
    for (int i = 0; i < 4; i++)
        HOG(NULL, 256);
    pass(40 * SEC);
    assert_near(v[0]->ran, 40 * SEC, 3);
    for (int i = 1; i < 5; i++)
        assert_near(v[i]->ran, 10 * SEC, 6);
}

/* 4,000 vCPUs of four weights on 64 CPUs. */
static void test_thousands(void **state)
{
    uint64_t unit = 0;

    (void)state;
    sim_init(64, 5 * SEC);
    for (unsigned i = 0; i < 4000; i++) {
        uint32_t w = 128u << i % 4;

        unit += w;
        sim_start(sim_add(NULL, (unsigned)sim_random(64), w, FOREVER, 0));
    }
    pass(20 * SEC);
    for (unsigned i = 0; i < 4000; i++)
        assert_near(v[i]->ran, 64 * 20 * SEC / unit * v[i]->ent.weight, 12);
    assert_int_equal(ran_sum(0, n), 64 * 20 * SEC);
}

/* All start on one CPU. */
static void test_spread(void **state)
{
    (void)state;
    sim_init(16, 5 * SEC);
    for (unsigned i = 0; i < 100; i++)
        HOG(NULL, 256);
    pass(10 * SEC);
    assert_int_equal(ran_sum(0, n), 160 * SEC);
    for (unsigned i = 0; i < 100; i++)
        assert_near(v[i]->ran, 1600 * MS, 8);
}

/* Virtual time may wrap around at any moment. */
static void test_wrap(void **state)
{
    (void)state;
    sim_init(2, 5 * SEC);
    sim_cpu[0].rq.vtime = sim_cpu[1].rq.vtime = UINT64_MAX - SEC;
    for (int i = 0; i < 5; i++)
        HOG(NULL, 256);
    pass(20 * SEC);
    for (int i = 0; i < 5; i++)
        assert_near(v[i]->ran, 8 * SEC, 3);
}

/* CPUs whose virtual times have drifted apart, by affinity and by weights, soon share again. */
static void test_drift_heals(void **state)
{
    (void)state;
    sim_init(3, 5 * SEC);
    HOG(NULL, 1);
    HOG(NULL, 256);
    HOG(NULL, 65535);
    for (unsigned i = 0; i < 3; i++)
        sim_pin(v[i], i);
    for (unsigned i = 0; i < 20; i++) { /* and a crowd on the last */
        HOG(NULL, 256);
        sim_pin(v[3 + i], 2);
    }
    pass(1000 * SEC);
    for (unsigned i = 3; i < 23; i++)
        sim_set_on(v[i], false);
    for (unsigned i = 0; i < 3; i++) {
        struct sched_mask all;

        memset(&all, 0xff, sizeof(all));
        sched_set_weight(&v[i]->ent, 256, sim_now);
        sched_set_affinity(&v[i]->ent, &all, &all);
    }
    for (unsigned i = 0; i < 4; i++)
        HOG(NULL, 256);
    pass(2 * SEC);
    for (unsigned i = 0; i < n; i++)
        v[i]->ran = 0;
    pass(14 * SEC);
    for (unsigned i = 0; i < n; i++)
        if (v[i]->on)
            assert_near(v[i]->ran, 6 * SEC, 5);
}

/* A change of weight takes effect at once, and long solo running buys or costs nothing later. */
static void test_weight_change(void **state)
{
    (void)state;
    HOG(NULL, 256);
    pass(100 * SEC);
    HOG(NULL, 256);
    v[0]->ran = 0;
    pass(2 * SEC);
    assert_near(v[0]->ran, SEC, 2);
    sched_set_weight(&v[0]->ent, 768, sim_now);
    v[0]->ran = 0;
    pass(4 * SEC);
    assert_near(v[0]->ran, 3 * SEC, 2);
}

/*
 * Latency and sleepers
 */
static void forget_waits(void)
{
    for (unsigned i = 0; i < n; i++)
        v[i]->waits = v[i]->wait_sum = v[i]->wait_max = 0;
}

/* One that needs little gets it at once, whatever the load. */
static void test_wake_latency(void **state)
{
    (void)state;
    for (int i = 0; i < 8; i++)
        HOG(NULL, 256);
    sim_start(sim_add(NULL, 0, 256, 100 * US, 1900 * US));
    pass(SEC);
    forget_waits();
    pass(10 * SEC);
    assert_near(v[8]->waits, 10 * SEC / (2 * MS), 10);
    assert_true(v[8]->wait_sum / v[8]->waits < 50 * US);
    assert_true(v[8]->wait_max < MS);
}

/* Forty such on four CPUs, with twelve hogs. */
static void test_wake_latency_many(void **state)
{
    uint64_t sum = 0, waits = 0;
    unsigned prompt = 0;

    (void)state;
    sim_init(4, 5 * SEC);
    for (int i = 0; i < 12; i++)
        HOG(NULL, 256);
    for (unsigned i = 0; i < 40; i++)
        sim_start(sim_add(NULL, i, 256, 50 * US, 1500 * US + i * 31 * US));
    pass(SEC);
    forget_waits();
    pass(10 * SEC);
    for (unsigned i = 12; i < n; i++) {
        sum += v[i]->wait_sum;
        waits += v[i]->waits;
        assert_true(v[i]->wait_max < 12 * MS); /* a hog that comes from a slower CPU may catch up first */
        prompt += v[i]->wait_max < MS;
    }
    assert_true(prompt >= 25);
    assert_true(waits > 100000);
    assert_true(sum / waits < 50 * US);
}

static void test_yield(void **state)
{
    (void)state;
    HOG(NULL, 256);
    HOG(NULL, 256);
    pass(MS);
    for (int i = 0; i < 100; i++) {
        struct sched_ent *curr = sim_cpu[0].rq.curr;

        sched_yield_curr(&sim_cpu[0].rq);
        sim_cpu[0].resched = true;
        pass(10 * US);
        assert_ptr_not_equal(sim_cpu[0].rq.curr, curr);
    }
}

/* With a rate limit the hog has its time before the one that wakes gets the CPU; and that one gets it right then. */
static void test_ratelimit(void **state)
{
    uint64_t switches;

    (void)state;
    HOG(NULL, 256);
    sim_start(sim_add(NULL, 0, 256, 100 * US, 1900 * US));
    pass(SEC);
    sim_pool[0].ratelimit = 4 * MS;
    pass(SEC);
    forget_waits();
    switches = sim_cpu[0].switches;
    pass(10 * SEC);
    assert_in_range(sim_cpu[0].switches - switches, 3000, 2 * 10 * SEC / (4 * MS) + 2);
    assert_in_range(v[1]->wait_max, 1 * MS, 4 * MS + 10 * US);
    sim_pool[0].ratelimit = 0;
    pass(SEC);
    forget_waits();
    pass(SEC);
    assert_true(v[1]->wait_max < MS);
}

/* It does not keep a vCPU from its siblings: one that spins until another has answered must not keep that one waiting. */
static void test_ratelimit_siblings(void **state)
{
    struct sim_group *g = group(0);

    (void)state;
    sim_pool[0].ratelimit = 4 * MS;
    HOG(g, 256);
    sim_start(sim_add(g, 0, 256, 100 * US, 1900 * US));
    pass(SEC);
    forget_waits();
    pass(10 * SEC);
    assert_true(v[1]->wait_max < MS);
}

/* It does not change anybody's share, and does not hold up who leaves by himself or must. */
static void test_ratelimit_shares(void **state)
{
    (void)state;
    sim_pool[0].ratelimit = 30 * MS;
    HOG(NULL, 256);
    HOG(NULL, 512);
    pass(30 * SEC);
    assert_near(v[0]->ran, 10 * SEC, 2);
    assert_near(v[1]->ran, 20 * SEC, 2);
    test_yield(state);
}

/* Sleeping does not pay: those who sleep and wake all the time can't take more than their share from a hog. */
static void test_sleepers_do_not_starve(void **state)
{
    (void)state;
    HOG(NULL, 256);
    for (unsigned i = 0; i < 9; i++)
        sim_start(sim_add(NULL, 0, 256, 3 * MS, 6 * MS + i * 100 * US));
    pass(20 * SEC);
    assert_true(v[0]->ran > 20 * SEC / 10 * 90 / 100);
    assert_true(v[0]->wait_max < 60 * MS);
}

/* Nobody who can run waits for ever, in a mix of everything. */
static void test_no_starvation(void **state)
{
    (void)state;
    sim_init(8, 5 * SEC);
    for (unsigned i = 0; i < 200; i++) {
        uint64_t work = 50 * US + sim_random(20 * MS), rest = i % 3 ? 100 * US + sim_random(20 * MS) : 0;

        sim_start(sim_add(NULL, i, 128u << sim_random(4), work, rest));
        if (i % 5 == 0)
            sim_pin(v[i], (unsigned)sim_random(8));
    }
    pass(20 * SEC);
    for (unsigned i = 0; i < n; i++) {
        assert_true(v[i]->ran > 20 * SEC / 25 / 20);
        assert_true(v[i]->wait_max < 2 * SEC);
    }
}

/* No CPU idles while somebody who may run there waits. */
static void test_work_conserving(void **state)
{
    uint64_t busy = 0;

    (void)state;
    sim_init(4, 5 * SEC);
    for (unsigned i = 0; i < 100; i++) /* a crowd that can't leave CPU 0 ... */
        sim_pin(HOG(NULL, 256), 0);
    for (unsigned i = 0; i < 6; i++)   /* ... and some that can */
        HOG(NULL, 256);
    pass(5 * SEC);
    for (unsigned i = 1; i < 4; i++)
        busy += 5 * SEC - sim_cpu[i].idle_ns;
    assert_near(busy, 15 * SEC, 1);
    for (unsigned i = 100; i < 106; i++)
        assert_near(v[i]->ran, 2500 * MS, 5);
}

/* No timer when there is nobody else: a lone vCPU isn't interrupted. */
static void test_no_tick(void **state)
{
    uint64_t picks;

    (void)state;
    sim_init(4, 5 * SEC);
    for (int i = 0; i < 4; i++)
        HOG(NULL, 256);
    pass(100 * MS);
    picks = sim_cpu[0].picks + sim_cpu[1].picks + sim_cpu[2].picks + sim_cpu[3].picks;
    pass(100 * SEC);
    assert_int_equal(sim_cpu[0].picks + sim_cpu[1].picks + sim_cpu[2].picks + sim_cpu[3].picks, picks);
}

/*
 * Caps
 */
static void cap_case(uint32_t cap, unsigned members, unsigned cpus, uint64_t work, uint64_t rest, uint64_t want)
{
    struct sim_group *g;
    uint64_t before = 0;

    sim_init(cpus, 5 * SEC);
    g = group(cap);
    for (unsigned i = 0; i < members; i++)
        sim_start(sim_add(g, i, 256, work, rest));
    for (unsigned i = 0; i < 50; i++) {
        pass(100 * MS);
        /* what is in the members' hands at the window's edges may slip across it */
        assert_true(ran_sum(0, n) - before <= cap * MS + cap * MS / 20 + 4 * MS);
        before = ran_sum(0, n);
    }
    assert_true(before <= cap * 50 * MS + 2 * MS);
    assert_near(before, want, 3);
}

static void test_cap_alone(void **state)
{
    (void)state;
    cap_case(50, 1, 1, FOREVER, 0, 2500 * MS);
}

static void test_cap_many_cpus(void **state)
{
    (void)state;
    cap_case(50, 4, 4, FOREVER, 0, 2500 * MS);
}

static void test_cap_above_one(void **state)
{
    (void)state;
    cap_case(250, 4, 4, FOREVER, 0, 12500 * MS);
}

static void test_cap_small(void **state)
{
    (void)state;
    cap_case(3, 2, 2, FOREVER, 0, 150 * MS);
}

static void test_cap_sleepers(void **state)
{
    (void)state;
    cap_case(30, 8, 4, 700 * US, 900 * US, 1500 * MS);
}

/* A cap that isn't reached changes nothing, and one lifted is lifted. */
static void test_cap_lifted(void **state)
{
    struct sim_group *g = group(20);

    (void)state;
    HOG(g, 256);
    pass(SEC);
    assert_near(v[0]->ran, 200 * MS, 4);
    sched_group_cap(&g->group, 0);
    if (sched_unpark(&v[0]->ent))
        sim_reconsider(v[0]);
    v[0]->ran = 0;
    pass(SEC);
    assert_near(v[0]->ran, SEC, 1);
}

/* A cap set on those who have long been running holds from then on: no more, and no less. */
static void test_cap_set_late(void **state)
{
    struct sim_group *g = group(0);

    (void)state;
    HOG(g, 256);
    HOG(NULL, 256);
    pass(SEC);
    sched_set_weight(&v[0]->ent, 256, sim_now);
    sched_group_cap(&g->group, 20);
    v[0]->ran = v[1]->ran = 0;
    pass(SEC);
    assert_near(v[0]->ran, 200 * MS, 5);
    assert_near(v[1]->ran, 800 * MS, 5);
}

/* The rest of the machine goes to the others. */
static void test_cap_with_others(void **state)
{
    (void)state;
    HOG(group(20), 256);
    HOG(NULL, 256);
    HOG(NULL, 256);
    pass(10 * SEC);
    assert_near(v[0]->ran, 2 * SEC, 3);
    assert_near(v[1]->ran, 4 * SEC, 3);
    assert_near(v[2]->ran, 4 * SEC, 3);
}

/*
 * Reservations
 */

/* Each period has its budget, to the last nanosecond. */
static void check_periods(struct sim_vcpu **x, unsigned count, uint64_t period, uint64_t budget, unsigned periods)
{
    for (unsigned i = 0; i < periods; i++) {
        for (unsigned k = 0; k < count; k++)
            x[k]->mark = x[k]->ran;
        pass(period);
        for (unsigned k = 0; k < count; k++)
            if (x[k]->ran - x[k]->mark < budget)
                fail_msg("period %u: vCPU %u had %lu of %lu ns", i, k, x[k]->ran - x[k]->mark, budget);
    }
}

static void test_reservation_holds(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        HOG(NULL, 65535);
    HOG(NULL, 1);
    assert_true(reserve(v[50], 3 * MS, 10 * MS, false));
    pass(0);
    check_periods(&v[50], 1, 10 * MS, 3 * MS, 1000);
    assert_near(v[50]->ran, 3 * SEC, 1);
    assert_near(ran_sum(0, 50), 7 * SEC, 1);
}

/* Different periods, 95 % of the CPU: earliest deadline first keeps them all. */
static void test_reservations_full(void **state)
{
    static const uint64_t period[] = { 4, 7, 10, 25, 90 };
    static const uint64_t budget[] = { 1, 2, 2, 4, 4 }; /* 25 + 28.6 + 20 + 16 + 4.4 = 94 % */

    (void)state;
    for (int i = 0; i < 3; i++)
        HOG(NULL, 256);
    for (unsigned i = 0; i < 5; i++) {
        HOG(NULL, 256);
        assert_true(reserve(v[3 + i], budget[i] * MS, period[i] * MS, false));
    }
    pass(0);
    for (unsigned k = 0; k < 200; k++) {
        for (unsigned i = 0; i < 5; i++)
            v[3 + i]->mark = v[3 + i]->ran;
        pass(6300 * MS);
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(v[3 + i]->ran - v[3 + i]->mark, 6300 * MS / period[i] * budget[i]);
    }
    assert_true(ran_sum(0, 3) > 200 * 6300 * MS / 20);
}

static void test_reservation_refused(void **state)
{
    (void)state;
    sim_init(2, 5 * SEC);
    for (int i = 0; i < 3; i++)
        HOG(NULL, 256);
    assert_true(reserve(v[0], 6 * MS, 10 * MS, false));
    assert_true(reserve(v[1], 6 * MS, 10 * MS, false));
    assert_ptr_not_equal(v[0]->ent.bound, v[1]->ent.bound);
    assert_false(reserve(v[2], 5 * MS, 10 * MS, false));
    assert_true(reserve(v[2], 3 * MS, 10 * MS, false));
    assert_false(reserve(v[0], 96 * MS, 100 * MS, false)); /* its own may be changed, but only to what fits */
    assert_true(reserve(v[0], 6 * MS + 1, 10 * MS, false));
    assert_false(reserve(v[0], 11 * MS, 10 * MS, false));
    assert_null(sched_admit(&v[0]->ent, 0, 10 * MS));
    assert_true(reserve(v[1], 0, 0, false));
    assert_true(reserve(v[2], 5 * MS, 10 * MS, false));
    pass(0);
    check_periods(&v[0], 1, 10 * MS, 6 * MS, 100);
    check_periods(&v[2], 1, 10 * MS, 5 * MS, 100);
}

/* Beyond its budget it stops, or (extra) shares with the others. */
static void test_reservation_extra(void **state)
{
    (void)state;
    HOG(NULL, 256);
    assert_true(reserve(v[0], 2 * MS, 10 * MS, false));
    pass(10 * SEC);
    assert_near(v[0]->ran, 2 * SEC, 1); /* though the CPU was idle */
    assert_true(reserve(v[0], 2 * MS, 10 * MS, true));
    v[0]->ran = 0;
    pass(10 * SEC);
    assert_near(v[0]->ran, 10 * SEC, 1);
    for (int i = 0; i < 3; i++)
        HOG(NULL, 256);
    v[0]->ran = 0;
    pass(10 * SEC);
    assert_near(v[0]->ran, 2500 * MS, 6); /* its fair share is more than its reservation */
    for (int i = 0; i < 16; i++)
        HOG(NULL, 256);
    v[0]->ran = 0;
    pass(10 * SEC);
    assert_true(v[0]->ran >= 2 * SEC - 2 * MS);
    assert_true(v[0]->ran <= 2300 * MS); /* a floor, not an addition */
}

/* While those of a CPU are parked, it serves others'. */
static void test_parked_cpu_helps(void **state)
{
    (void)state;
    sim_init(2, 5 * SEC);
    for (int i = 0; i < 2; i++) {
        HOG(NULL, 256);
        assert_true(reserve(v[i], 8 * MS, 9 * MS, false));
        pass(4 * MS); /* so that their gaps are not at the same time */
    }
    HOG(NULL, 256);
    for (unsigned i = 0; i < 2; i++)
        v[i]->ran = sim_cpu[i].idle_ns = 0;
    pass(9 * SEC);
    assert_near(v[0]->ran, 8 * SEC, 1);
    assert_near(v[1]->ran, 8 * SEC, 1);
    assert_near(v[2]->ran, 2 * SEC, 2);
}

/* One that sleeps at odd times can't get more than its rate, nor break the others' deadlines. */
static void test_reservation_sleeper(void **state)
{
    (void)state;
    HOG(NULL, 256);
    HOG(NULL, 256);
    sim_start(sim_add(NULL, 0, 256, 3 * MS, 1100 * US));
    assert_true(reserve(v[1], 5 * MS, 10 * MS, false));
    assert_true(reserve(v[2], 4 * MS, 9 * MS, false));
    pass(0);
    check_periods(&v[1], 1, 10 * MS, 5 * MS, 500);
    assert_true(v[2]->ran <= 5 * SEC / 9 * 4 + 10 * MS);
    assert_true(v[0]->ran > 0);
}

/* A reserved vCPU wakes against hogs: at once. */
static void test_reservation_latency(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++)
        HOG(NULL, 65535);
    sim_start(sim_add(NULL, 0, 1, 200 * US, 4 * MS));
    assert_true(reserve(v[20], MS, 5 * MS, false));
    pass(10 * SEC);
    assert_true(v[20]->waits > 2000);
    assert_true(v[20]->wait_max == 0);
}

/*
 * Affinity
 */
static void test_affinity_changes(void **state)
{
    (void)state;
    sim_init(8, 5 * SEC);
    for (unsigned i = 0; i < 64; i++)
        sim_start(sim_add(NULL, i, 256, i % 2 ? 3 * MS : FOREVER, i % 2 ? 2 * MS : 0));
    for (unsigned k = 0; k < 2000; k++) {
        struct sim_vcpu *x = v[sim_random(n)];
        struct sched_mask hard = { { 1 + sim_random(255) } }, soft = { { sim_random(256) } };

        sched_set_affinity(&x->ent, &hard, &soft);
        sim_reconsider(x);
        pass(MS); /* sim_enter() checks each decision */
        if (x->ent.rq->curr == &x->ent)
            assert_true(sched_mask_test(&hard, x->ent.rq->cpu));
        sim_audit();
    }
}

/* With CPUs to spare, everybody is where he likes to be; short of them, where he may. */
static void test_soft_affinity(void **state)
{
    struct sched_mask low = { { 0x0f } }, high = { { 0xf0 } }, all;

    (void)state;
    memset(&all, 0xff, sizeof(all));
    sim_init(8, 5 * SEC);
    for (unsigned i = 0; i < 6; i++) {
        HOG(NULL, 256);
        sched_set_affinity(&v[i]->ent, &all, i < 3 ? &low : &high);
        sim_set_on(v[i], false);
    }
    pass(MS);
    for (unsigned i = 0; i < 6; i++)
        sim_set_on(v[i], true);
    pass(SEC);
    for (unsigned i = 0; i < 6; i++)
        assert_true(sched_mask_test(i < 3 ? &low : &high, v[i]->ent.rq->cpu));
    for (unsigned i = 6; i < 12; i++) { /* eight would like CPUs 0-3 */
        sim_start(sim_add(NULL, 0, 256, FOREVER, 0));
        sched_set_affinity(&v[i]->ent, &all, &low);
    }
    pass(SEC);
    assert_int_equal(sim_sys.idle.bits[0], 0);
}

/*
 * Pools
 */

/* Two pools share nothing: each is as fair as a machine of its own, and one that is idle does not help the other. */
static void test_pools_apart(void **state)
{
    (void)state;
    sim_init(8, 5 * SEC);
    for (unsigned i = 0; i < 12; i++)
        HOG(NULL, 256);
    pass(10 * MS);
    for (unsigned c = 4; c < 8; c++) {
        sim_pool_remove(c, v, n);
        if (c < 7)
            sim_pool_add(&sim_pool[1], c, v, n);
    }
    pass(MS);
    for (unsigned i = 0; i < 6; i++)
        sim_pool_move(v[i], &sim_pool[1]);
    pass(100 * MS);
    for (unsigned i = 0; i < n; i++)
        v[i]->ran = 0;
    for (unsigned c = 0; c < 8; c++)
        sim_cpu[c].idle_ns = 0;
    pass(12 * SEC);
    for (unsigned i = 0; i < 6; i++)
        assert_near(v[i]->ran, 6 * SEC, 3);
    for (unsigned i = 6; i < 12; i++)
        assert_near(v[i]->ran, 8 * SEC, 3);
    assert_int_equal(sim_cpu[7].idle_ns, 12 * SEC); /* in none: nothing but idle */
    for (unsigned i = 0; i < 6; i++)
        sim_set_on(v[i], false);
    pass(SEC);
    for (unsigned c = 4; c < 7; c++)
        assert_true(sim_cpu[c].idle_ns >= SEC - 10 * MS);
}

/* What one may use is what it asks for as far as its pool has it, or all of it; nobody's time is lost while CPUs come and go. */
static void test_pool_affinity(void **state)
{
    struct sched_mask want = { { 0x0c } }, all;

    (void)state;
    memset(&all, 0xff, sizeof(all));
    sim_init(4, 5 * SEC);
    HOG(NULL, 256);
    HOG(NULL, 256);
    sched_set_affinity(&v[0]->ent, &want, &all);
    sim_reconsider(v[0]);
    pass(10 * MS);
    assert_int_equal(v[0]->ent.hard.bits[0], 0xc);
    sim_pool_remove(3, v, n);
    pass(10 * MS);
    assert_int_equal(v[0]->ent.hard.bits[0], 0x4);
    assert_int_equal(v[0]->cpu, 2);
    assert_false(v[0]->ent.movable);
    sim_pool_remove(2, v, n);
    pass(10 * MS);
    assert_int_equal(v[0]->ent.hard.bits[0], 0x3);
    assert_int_equal(v[0]->ran + v[1]->ran, 60 * MS);
    sim_pool_add(&sim_pool[0], 3, v, n);
    pass(10 * MS);
    assert_int_equal(v[0]->cpu, 3);
    sim_pool_remove(1, v, n);
    sim_pool_remove(0, v, n);
    pass(10 * MS);
    assert_int_equal(v[0]->cpu == 3, v[1]->cpu != 3);
    assert_int_equal(v[0]->ran + v[1]->ran, 90 * MS);
    pass(100 * MS);
    assert_near(v[0]->ran, 95 * MS, 8);
}

/* CPUs and vCPUs go from pool to pool, in any order, under load of every kind. */
static void test_pools_churn(void **state)
{
    uint64_t before = 0;

    (void)state;
    sim_init(8, 5 * SEC);
    for (unsigned i = 0; i < 48; i++)
        sim_start(sim_add(NULL, i, 64u << i % 5, i % 3 ? 700 * US : FOREVER, i % 3 ? 900 * US : 0));
    for (unsigned k = 0; k < 6000; k++) {
        unsigned c = (unsigned)sim_random(8);
        struct sched_pool *p = &sim_pool[sim_random(SIM_POOLS)];
        struct sim_vcpu *x = v[sim_random(n)];
        struct sched_mask want = { { 1 + sim_random(255) } };

        if (!sim_cpu[c].rq.pool)
            sim_pool_add(p, c, v, n);
        else if (sched_mask_next(&sim_cpu[c].rq.pool->cpus, &sim_cpu[c].rq.pool->cpus, 0) < c && sim_random(2))
            sim_pool_remove(c, v, n); /* not its first, so that it keeps one */
        if (p->cpus.bits[0])
            sim_pool_move(x, p);
        sched_set_affinity(&x->ent, &want, &x->ent.soft);
        sim_reconsider(x);
        pass(sim_random(400) * US); /* sim_enter() checks each decision */
        sim_audit();
        for (unsigned i = 0; i < n; i++) {
            assert_int_equal(v[i]->ent.hard.bits[0] & ~v[i]->ent.pool->cpus.bits[0], 0);
            assert_true(v[i]->ent.hard.bits[0]);
        }
        for (unsigned i = 0; i < 8; i++)
            assert_true(sim_cpu[i].rq.pool || !sim_cpu[i].rq.curr);
    }
    for (unsigned i = 0; i < n; i++)
        before += v[i]->ran;
    for (unsigned c = 0; c < 8; c++)
        before += sim_cpu[c].idle_ns;
    assert_int_equal(before, 8 * (sim_now - 5 * SEC)); /* all time is somebody's */
}

/*
 * Threads and nodes
 */

/* Two threads a core: as many as there are cores get a core each. */
static void test_smt_spread(void **state)
{
    (void)state;
    sim_init(16, 5 * SEC);
    for (unsigned i = 0; i < 16; i++)
        sched_topology(&sim_cpu[i].rq, i / 2, 0);
    for (unsigned i = 0; i < 8; i++) {
        sim_start(sim_add(NULL, 3, 256, FOREVER, 0));
        pass(MS);
    }
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(sched_mask_test(&sim_sys.idle, 2 * i) + sched_mask_test(&sim_sys.idle, 2 * i + 1), 1);
    assert_int_equal(sim_sys.idle_cores.bits[0], 0);
    assert_int_equal(sim_sys.nr_idle, 8);
    for (unsigned i = 0; i < 8; i++) {
        sim_start(sim_add(NULL, 3, 256, FOREVER, 0));
        pass(MS);
    }
    assert_int_equal(sim_sys.nr_idle, 0);
    for (unsigned i = 0; i < 16; i++)
        sim_set_on(v[i], false);
    pass(MS);
    assert_int_equal(sim_sys.nr_idle, 16);
    assert_int_equal(sim_sys.idle_cores.bits[0], 0xffff);
}

/* With room at home, nobody leaves his node; without, he does. */
static void test_nodes(void **state)
{
    (void)state;
    sim_init(8, 5 * SEC);
    for (unsigned i = 0; i < 8; i++)
        sched_topology(&sim_cpu[i].rq, i, i / 4);
    for (unsigned i = 0; i < 6; i++)
        sim_start(sim_add(NULL, i < 3 ? 1 : 6, 256, 2 * MS, 900 * US + i * 170 * US));
    for (unsigned k = 0; k < 1000; k++) {
        pass(170 * US);
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(v[i]->ent.rq->node, i < 3 ? 0 : 1);
    }
    for (unsigned i = 0; i < 3; i++)
        HOG(NULL, 256); /* at home on CPU 0, each */
    pass(100 * MS);
    for (unsigned i = 6; i < 9; i++)
        assert_near(v[i]->ran, 100 * MS, 25);
}

/* Each CPU with work is offered once, the near ones first. */
static void test_victims(void **state)
{
    unsigned cursor = 0, seen = 0, cpu;

    (void)state;
    sim_init(8, 5 * SEC);
    for (unsigned i = 0; i < 8; i++)
        sched_topology(&sim_cpu[i].rq, i, i / 4);
    sim_sys.waiting.bits[0] = 0xf3;
    while ((cpu = sched_victim(&sim_cpu[5].rq, &cursor)) < SCHED_CPUS) {
        assert_false(seen & 1u << cpu);
        assert_true(cpu >= 4 || (seen & 0xf0) == 0xd0);
        seen |= 1u << cpu;
    }
    assert_int_equal(seen, 0xd3);
    sim_sys.waiting.bits[0] = 0;
}

/* The audit must see what it is for. */
static void test_audit_sees(void **state)
{
    struct sched_rq *rq = &sim_cpu[0].rq;

    (void)state;
    for (int i = 0; i < 5; i++)
        HOG(NULL, 256);
    pass(MS);
    assert_null(sched_rq_audit(rq));
    rq->weight++;
    assert_non_null(sched_rq_audit(rq));
    rq->weight--;
    rq->movable--;
    assert_non_null(sched_rq_audit(rq));
    rq->movable++;
    v[4]->ent.vtime++;
    assert_non_null(sched_rq_audit(rq));
    v[4]->ent.vtime--;
    v[4]->ent.state = SCHED_ASLEEP;
    assert_non_null(sched_rq_audit(rq));
    v[4]->ent.state = SCHED_QUEUED;
    v[4]->ent.rt = true;
    assert_non_null(sched_rq_audit(rq));
    v[4]->ent.rt = false;
    assert_null(sched_rq_audit(rq));
    v[4]->ent.pool = &sim_pool[1];
    assert_non_null(sched_rq_audit(rq));
    v[4]->ent.pool = &sim_pool[0];
    assert_null(sched_rq_audit(rq));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        T(test_equal),
        T(test_weights),
        T(test_weight_extremes),
        T(test_three_on_two),
        T(test_heavier_than_a_cpu),
        T(test_thousands),
        T(test_spread),
        T(test_wrap),
        T(test_drift_heals),
        T(test_weight_change),
        T(test_wake_latency),
        T(test_wake_latency_many),
        T(test_ratelimit),
        T(test_ratelimit_siblings),
        T(test_ratelimit_shares),
        T(test_sleepers_do_not_starve),
        T(test_no_starvation),
        T(test_work_conserving),
        T(test_yield),
        T(test_no_tick),
        T(test_cap_alone),
        T(test_cap_many_cpus),
        T(test_cap_above_one),
        T(test_cap_small),
        T(test_cap_sleepers),
        T(test_cap_lifted),
        T(test_cap_set_late),
        T(test_cap_with_others),
        T(test_reservation_holds),
        T(test_reservations_full),
        T(test_reservation_refused),
        T(test_reservation_extra),
        T(test_parked_cpu_helps),
        T(test_reservation_sleeper),
        T(test_reservation_latency),
        T(test_affinity_changes),
        T(test_soft_affinity),
        T(test_pools_apart),
        T(test_pool_affinity),
        T(test_pools_churn),
        T(test_smt_spread),
        T(test_nodes),
        T(test_victims),
        T(test_audit_sees),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
