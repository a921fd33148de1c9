/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a domain's last vCPU goes down by VCPUOP_down nothing is left of it to run: Xen takes that for a power off. */
/* ends: off */
#include "check.h"
#include "smp.h"

void test_main(void)
{
    EXPECT_EQUAL(vcpu_op(VCPUOP_is_up, 0, NULL), 1);
    test_expect_off();
    vcpu_op(VCPUOP_down, 0, NULL);
    EXPECT_TRUE(false);
}
