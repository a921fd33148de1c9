/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers (xen.h set_timer_op, vcpu.h): each raises VIRQ_TIMER, never early; zero or stop cancels; a time in the past fires at once, unless the
 * guest asked for -ETIME; the periodic timer keeps its pace; refusals.
 */
/* clock: virtual */
#include <xen/sched.h>
#include <xen/vcpu.h>
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "smp.h"
#include "time.h"

#define MS 1000000ul

static unsigned port;

/* Wait for the next timer event; when it came, 0 if not within ms. */
static uint64_t next(unsigned ms)
{
    unsigned n = event_count[port];

    return event_wait(port, n + 1, ms) ? time_now() : 0;
}

static void check_set_timer(void)
{
    uint64_t at = time_now() + 20 * MS, came;
    unsigned n;

    EXPECT_OK(hypercall(set_timer_op, at));
    came = next(PATIENT);
    EXPECT_TRUE(came >= at);
    EXPECT_EQUAL(next(30), 0);                              /* once */
    EXPECT_OK(hypercall(set_timer_op, time_now() + 20 * MS));
    EXPECT_OK(hypercall(set_timer_op, 0));
    EXPECT_EQUAL(next(50), 0);
    EXPECT_OK(hypercall(set_timer_op, time_now() + 1000 * MS));
    EXPECT_OK(hypercall(set_timer_op, time_now() + 10 * MS));  /* the last one counts */
    came = next(PATIENT);
    EXPECT_TRUE(came != 0);
    n = event_count[port];
    EXPECT_OK(hypercall(set_timer_op, 1));                  /* long past */
    EXPECT_TRUE(event_wait(port, n + 1, PATIENT));
}

static long single(uint64_t at, uint32_t flags)
{
    struct vcpu_set_singleshot_timer s = { .timeout_abs_ns = at, .flags = flags };

    return vcpu_op(VCPUOP_set_singleshot_timer, 0, &s);
}

static void check_single(void)
{
    uint64_t at = time_now() + 20 * MS, came;
    unsigned n;

    EXPECT_OK(single(at, 0));
    came = next(PATIENT);
    EXPECT_TRUE(came >= at);
    EXPECT_OK(single(time_now() + 20 * MS, VCPU_SSHOTTMR_future));
    EXPECT_TRUE(next(PATIENT) != 0);
    EXPECT_OK(single(time_now() + 20 * MS, 0));
    EXPECT_OK(vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL));
    EXPECT_EQUAL(next(50), 0);
    n = event_count[port];
    EXPECT_OK(single(1, 0));
    EXPECT_TRUE(event_wait(port, n + 1, PATIENT));
    /* The flag may be ignored by the hypervisor: -ETIME, or the event. */
    n = event_count[port];
    if (single(1, VCPU_SSHOTTMR_future) != -XEN_ETIME)
        EXPECT_TRUE(event_wait(port, n + 1, PATIENT));
    EXPECT_REFUSED(vcpu_op(VCPUOP_set_singleshot_timer, 0, (void *)UNMAPPED));
    EXPECT_REFUSED(vcpu_op(VCPUOP_stop_singleshot_timer, 77, NULL));
}

static long periodic(uint64_t ns)
{
    struct vcpu_set_periodic_timer p = { .period_ns = ns };

    return vcpu_op(VCPUOP_set_periodic_timer, 0, &p);
}

static void check_periodic(void)
{
    unsigned n;
    uint64_t t0;

    EXPECT_OK(periodic(10 * MS));
    EXPECT_TRUE(next(PATIENT) != 0);
    n = event_count[port];
    t0 = time_now();
    EXPECT_TRUE(event_wait(port, n + 20, PATIENT));
    EXPECT_TRUE(time_now() - t0 >= 150 * MS);
    EXPECT_OK(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL));
    n = event_count[port];
    EXPECT_EQUAL(next(50), 0);
    EXPECT_REFUSED(vcpu_op(VCPUOP_set_periodic_timer, 0, (void *)UNMAPPED));
    EXPECT_REFUSED(vcpu_op(VCPUOP_set_periodic_timer, 77, &n));
    EXPECT_REFUSED(vcpu_op(VCPUOP_stop_periodic_timer, 77, NULL));
    EXPECT_REFUSED(periodic(~0ul));
    EXPECT_OK(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL));
}

/* Both timers at once: two events; and the timer wakes a blocked vCPU. */
static void check_block(void)
{
    uint64_t at = time_now() + 30 * MS;
    unsigned n = event_count[port];

    EXPECT_OK(single(at, 0));
    EXPECT_OK(hypercall(sched_op, SCHEDOP_block));
    EXPECT_TRUE(time_now() >= at);
    EXPECT_EQUAL(event_count[port], n + 1);
}

void test_main(void)
{
    long p = event_bind_virq(VIRQ_TIMER, 0);

    REQUIRE(p > 0);
    port = (unsigned)p;
    /* Xen starts dom0 with a 10 ms periodic timer, which is left out here. */
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    event_unmask(port);
    events_on();
    check_set_timer();
    check_single();
    check_periodic();
    check_block();
}
