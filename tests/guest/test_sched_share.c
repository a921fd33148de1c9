/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More vCPUs than CPUs: those that spin share the time evenly, and nothing is lost; one that sleeps gets a CPU soon when it
 * wakes; wake-ups between vCPUs aren't lost, on one CPU and across two; a vCPU taken down stops.
 */
/* qemu: -smp 2 */
/* hv: dom0_max_vcpus=7 */
/* timeout: 150 */
/* alone: measures shares of real time */
/* build: plain */
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "smp.h"
#include "time.h"

#define MS 1000000ul
#define SPINNERS 4
#define ROUNDS 3000

static volatile unsigned long spins[8];
static unsigned ping_port, pong_port;
static int pin_to;

static struct vcpu_runstate_info runstate(unsigned id)
{
    struct vcpu_runstate_info r;

    EXPECT_OK(vcpu_op(VCPUOP_get_runstate_info, id, &r));
    return r;
}

static void sleep_ms(unsigned ms)
{
    struct sched_poll p = { .nr_ports = 0, .timeout = time_now() + ms * MS };

    EXPECT_OK(hypercall(sched_op, SCHEDOP_poll, &p));
}

static void spinner(void)
{
    for (;;)
        spins[cpu_self()->id]++;
}

static void check_shares(void)
{
    struct vcpu_runstate_info a[SPINNERS + 1], b[SPINNERS + 1];
    uint64_t t = time_now(), sum = 0;

    for (unsigned i = 1; i <= SPINNERS; i++)
        a[i] = runstate(i);
    sleep_ms(3000);
    t = time_now() - t;
    for (unsigned i = 1; i <= SPINNERS; i++) {
        uint64_t ran, waited;

        b[i] = runstate(i);
        ran = b[i].time[RUNSTATE_running] - a[i].time[RUNSTATE_running];
        waited = b[i].time[RUNSTATE_runnable] - a[i].time[RUNSTATE_runnable];
        EXPECT_TRUE(ran > t * 35 / 100 && ran < t * 65 / 100);
        EXPECT_TRUE(ran + waited > t * 90 / 100);
        EXPECT_EQUAL(b[i].time[RUNSTATE_blocked], a[i].time[RUNSTATE_blocked]);
        sum += ran;
    }
    EXPECT_TRUE(sum > 2 * t * 90 / 100);
}

/* What a sleeper waits for a CPU once it is awake, on average: in the best of some tries, as the host may be busy. */
static void check_latency(void)
{
    uint64_t best = ~0ul, slept = 0;

    for (unsigned try = 0; try < 10; try++) {
        struct vcpu_runstate_info a = runstate(0), b;

        for (unsigned i = 0; i < 20; i++)
            sleep_ms(3);
        b = runstate(0);
        slept += b.time[RUNSTATE_blocked] - a.time[RUNSTATE_blocked];
        if (b.time[RUNSTATE_runnable] - a.time[RUNSTATE_runnable] < best)
            best = b.time[RUNSTATE_runnable] - a.time[RUNSTATE_runnable];
    }
    EXPECT_TRUE(best < 20 * 1 * MS);
    EXPECT_TRUE(slept > 200 * 1 * MS);
}

static void check_down(void)
{
    for (unsigned i = 1; i <= SPINNERS; i++)
        EXPECT_OK(vcpu_op(VCPUOP_down, i, NULL));
    sleep_ms(50);
    for (unsigned i = 1; i <= SPINNERS; i++) {
        unsigned long before = spins[i];

        EXPECT_EQUAL(vcpu_op(VCPUOP_is_up, i, NULL), 0);
        EXPECT_EQUAL(runstate(i).state, RUNSTATE_offline);
        sleep_ms(5);
        EXPECT_EQUAL(spins[i], before);
    }
    EXPECT_OK(vcpu_op(VCPUOP_up, 1, NULL));   /* goes on where it was */
    for (unsigned long before = spins[1], n = 0; spins[1] == before && n < 100; n++)
        sleep_ms(5);
    EXPECT_TRUE(spins[1] > 0);
    EXPECT_EQUAL(runstate(1).state == RUNSTATE_offline, 0);
    EXPECT_OK(vcpu_op(VCPUOP_down, 1, NULL));
}

/* Sleep until the port's n-th event. */
static void await(unsigned port, unsigned n)
{
    while (event_count[port] < n) {
        events_off();
        if (event_count[port] < n && !event_pending(port))
            hypercall(sched_op, SCHEDOP_block, NULL); /* lets events in */
        events_on();
    }
}

static void pin(int cpu)
{
    struct sched_pin_override p = { .pcpu = cpu };

    EXPECT_OK(hypercall(sched_op, SCHEDOP_pin_override, &p));
}

static void ponger(void)
{
    if (pin_to >= 0)
        pin(pin_to);
    for (unsigned n = 1;; n++) {
        await(ping_port, n);
        event_send(pong_port);
    }
}

/* Between vCPU 0 and vCPU `other`, both on that CPU (-1: anywhere).  A wake-up that is lost stops the test. */
static void check_ping_pong(unsigned other, int cpu)
{
    uint64_t t = time_now();

    pin_to = cpu;
    if (cpu >= 0)
        pin(cpu);
    ping_port = (unsigned)event_bind_ipi(other);
    pong_port = (unsigned)event_bind_ipi(0);
    event_count[ping_port] = event_count[pong_port] = 0;
    event_unmask(ping_port);
    event_unmask(pong_port);
    REQUIRE(!vcpu_start(other, ponger));
    for (unsigned n = 1; n <= ROUNDS; n++) {
        REQUIRE(!event_send(ping_port));
        await(pong_port, n);
        if (event_count[pong_port] != n)
            break;
    }
    EXPECT_EQUAL(event_count[ping_port], ROUNDS);
    EXPECT_EQUAL(event_count[pong_port], ROUNDS);
    printf("%s: %lu ns a round trip\n", cpu < 0 ? "anywhere" : "one CPU", (time_now() - t) / ROUNDS);
    EXPECT_OK(vcpu_op(VCPUOP_down, other, NULL));
    if (cpu >= 0)
        pin(-1);
}

void test_main(void)
{
    REQUIRE(vcpu_count() == 7);
    for (unsigned i = 1; i <= SPINNERS; i++)
        REQUIRE(!vcpu_start(i, spinner));
    check_shares();
    check_latency();
    check_down();
    check_ping_pong(5, -1);
    check_ping_pong(6, 0);
}
