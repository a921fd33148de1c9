/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched_op shutdown with reason crash (sched.h): dom0 crashed; the hypervisor says so on the console and, with noreboot=0, restarts. */
/* ends: reset */
/* console: [Cc]rashed */
#include <xen/sched.h>
#include "check.h"
#include "hypercall.h"

void test_main(void)
{
    struct sched_shutdown s = { .reason = SHUTDOWN_crash };

    EXPECT_TRUE(s.reason == SHUTDOWN_crash);
    test_expect_reset();
    hypercall(sched_op, SCHEDOP_shutdown, &s);
    for (;;)
        ;
}
