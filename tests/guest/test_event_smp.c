/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No event is lost between vCPUs: a ball thrown back and forth thousands of times by IPI channels while both block; a poll on one vCPU ended by the other; many
 * ports at once; vCPUs that mask and unmask under fire.
 */
/* qemu: -smp 2 */
/* alone: CPUs wait for each other */
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "smp.h"
#include "time.h"

#define BALLS 3000

static unsigned to[2], many[40];
static volatile unsigned caught[2], phase, polled, started;

/* Block until our count moves on, by the wakeup-waiting rule: mask, look, block (which unmasks). */
static void wait_count(unsigned port, unsigned n)
{
    while (event_count[port] < n) {
        events_off();
        if (event_count[port] < n)
            hypercall(sched_op, SCHEDOP_block);
        else
            events_on();
    }
    events_on();
}

static void throw_all(unsigned me)
{
    for (unsigned i = 1; i <= BALLS; i++) {
        if (me) {
            wait_count(to[1], i);
            event_send(to[0]);
        } else {
            event_send(to[1]);
            wait_count(to[0], i);
        }
        caught[me] = i;
    }
}

static void second(void)
{
    events_on();
    started = 1;
    throw_all(1);
    while (phase < 1)
        hypercall(sched_op, SCHEDOP_yield);
    for (unsigned i = 0; i < 20; i++) {
        struct sched_poll p = { .nr_ports = 1 };
        evtchn_port_t port = to[1];

        set_xen_guest_handle(p.ports, &port);
        events_off();
        hypercall(sched_op, SCHEDOP_poll, &p);
        if (!event_pending(port))
            break;
        event_clear(port);
        events_on();
        polled++;
        event_send(to[0]);
    }
    events_on();
    for (;;) {
        events_off();
        events_on();
        hypercall(sched_op, SCHEDOP_yield);
    }
}

static void check_balls(void)
{
    throw_all(0);
    EXPECT_EQUAL(caught[0], BALLS);
    EXPECT_TRUE(wait_for(&caught[1], BALLS, PATIENT));
}

static void check_poll(void)
{
    event_mask(to[1]);
    phase = 1;
    for (unsigned i = 1; i <= 20; i++) {
        time_spin(2000000);
        event_send(to[1]);
        if (!event_wait(to[0], BALLS + i, PATIENT))
            break;
    }
    EXPECT_EQUAL(polled, 20);
}

/* Each port is sent until it has been seen; then none is pending. */
static void check_many(void)
{
    unsigned lost = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
        many[i] = (unsigned)event_bind_ipi(1);
        event_unmask(many[i]);
    }
    for (unsigned round = 1; round <= 50; round++) {
        for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
            event_send(many[i]);
        for (unsigned i = 0; i < ARRAY_SIZE(many); i++)
            lost += !event_wait(many[i], round, PATIENT);
        if (lost)
            break;
    }
    EXPECT_EQUAL(lost, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
        EXPECT_TRUE(!event_pending(many[i]));
        EXPECT_EQUAL(event_cpu[many[i]], 1);
    }
}

void test_main(void)
{
    REQUIRE(vcpu_count() == 2);
    for (unsigned i = 0; i < 2; i++) {
        to[i] = (unsigned)event_bind_ipi(i);
        event_unmask(to[i]);
    }
    events_on();
    REQUIRE(!vcpu_start(1, second));
    REQUIRE(wait_for(&started, 1, PATIENT));
    check_balls();
    check_poll();
    check_many();
}
