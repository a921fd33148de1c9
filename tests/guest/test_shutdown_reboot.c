/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sched_op shutdown with reason reboot (sched.h): dom0 asks and the machine restarts.  An unknown reason is no crash of the hypervisor (below). */
/* ends: reset */
#include <xen/sched.h>
#include "check.h"
#include "hypercall.h"

void test_main(void)
{
    struct sched_shutdown s = { .reason = SHUTDOWN_reboot };

    EXPECT_TRUE(s.reason == SHUTDOWN_reboot);
    test_expect_reset();
    hypercall(sched_op, SCHEDOP_shutdown, &s);
    for (;;)
        ;
}
