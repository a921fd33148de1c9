/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched_op watchdog (sched.h): set up, poke, destroy, refusals; and one that is let expire takes the machine down (dom0's shutdown
 * reason "watchdog" restarts it).
 */
/* ends: reset */
#include <xen/sched.h>
#include "check.h"
#include "hypercall.h"
#include "time.h"

static long watchdog(uint32_t id, uint32_t timeout)
{
    struct sched_watchdog w = { .id = id, .timeout = timeout };

    return hypercall(sched_op, SCHEDOP_watchdog, &w);
}

void test_main(void)
{
    long a = watchdog(0, 100), b = watchdog(0, 100);

    EXPECT_TRUE(a > 0);
    EXPECT_TRUE(b > 0 && b != a);
    EXPECT_OK(watchdog((uint32_t)a, 50));
    EXPECT_OK(watchdog((uint32_t)b, 0));
    EXPECT_REFUSED(watchdog((uint32_t)b, 0));
    EXPECT_REFUSED(watchdog(77, 10));
    EXPECT_ERR(hypercall(sched_op, SCHEDOP_watchdog, UNMAPPED), EFAULT);
    EXPECT_OK(watchdog((uint32_t)a, 4));
    time_spin(1500000000);
    EXPECT_OK(watchdog((uint32_t)a, 30));                   /* alive */
    time_spin(3500000000);
    EXPECT_OK(watchdog((uint32_t)a, 1));
    test_expect_reset();
    for (;;)
        hypercall(sched_op, SCHEDOP_yield);
}
