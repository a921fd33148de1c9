/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Four vCPUs: all start, each gets IPIs from each, per-vCPU timers fire on the right one, runstates and times are each one's own, all go down. */
/* qemu: -smp 4 */
/* timeout: 150 */
/* alone: four CPUs wait for each other */
#include <xen/sched.h>
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "smp.h"
#include "time.h"

static volatile unsigned started, finished;
static unsigned ipi[4][4], timer[4];

static void body(void)
{
    unsigned me = cpu_self()->id;

    events_on();
    __atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
    while (started < 4)
        hypercall(sched_op, SCHEDOP_yield);
    for (unsigned n = 1; n <= 20; n++)
        for (unsigned other = 0; other < 4; other++) {
            event_send(ipi[me][other]);
            while (event_count[ipi[me][other]] < n)
                hypercall(sched_op, SCHEDOP_yield);
        }
    hypercall(set_timer_op, time_now() + 20000000);
    events_off();
    while (!event_count[timer[me]]) {
        hypercall(sched_op, SCHEDOP_block);                 /* looks for events before it sleeps, and unmasks */
        events_off();
    }
    events_on();
    __atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST);
}

static void second(void)
{
    body();
    while (finished < 4)                                    /* the others may still want an answer */
        hypercall(sched_op, SCHEDOP_yield);
    vcpu_stop();
}

void test_main(void)
{
    uint64_t end = time_now() + PATIENT * 1000000ul;

    REQUIRE(vcpu_count() == 4);
    for (unsigned i = 0; i < 4; i++) {
        vcpu_op(VCPUOP_stop_periodic_timer, i, NULL);
        timer[i] = (unsigned)event_bind_virq(VIRQ_TIMER, i);
        event_unmask(timer[i]);
        for (unsigned j = 0; j < 4; j++) {
            ipi[i][j] = (unsigned)event_bind_ipi(j);
            event_unmask(ipi[i][j]);
        }
    }
    for (unsigned i = 1; i < 4; i++)
        EXPECT_OK(vcpu_start(i, second));
    body();
    EXPECT_TRUE(wait_for(&finished, 4, PATIENT));
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQUAL(event_cpu[timer[i]], i);
        for (unsigned j = 0; j < 4; j++) {
            EXPECT_EQUAL(event_count[ipi[i][j]], 20);
            EXPECT_EQUAL(event_cpu[ipi[i][j]], j);
        }
    }
    for (unsigned i = 1; i < 4; i++) {
        while (vcpu_op(VCPUOP_is_up, i, NULL) && time_now() < end)
            hypercall(sched_op, SCHEDOP_yield);
        EXPECT_EQUAL(vcpu_op(VCPUOP_is_up, i, NULL), 0);
    }
}
