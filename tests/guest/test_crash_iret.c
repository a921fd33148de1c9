/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iret with the frame where nothing is mapped crashes the domain (not the hypervisor). */
/* ends: reset */
/* console: [Cc]rash */
#include "check.h"
#include "hypercall.h"
#include "trap.h"

void test_main(void)
{
    EXPECT_TRUE(UNMAPPED != 0);
    test_expect_reset();
    __asm__ volatile("mov %0, %%rsp; mov $23, %%eax; syscall; ud2" : : "r"(UNMAPPED));
}
