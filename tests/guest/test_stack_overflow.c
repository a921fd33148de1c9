/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A stack of the hypervisor's that overflows ends in a page that isn't there: a double fault that says so, nothing else is touched. */
/* build: checks */
/* ends: panic */
/* console: stack overflow on CPU 0[\s\S]*Call trace:[\s\S]*stack_use */
#include "check.h"
#include "checks.h"
#include "console.h"

void test_main(void)
{
    REQUIRE(check_call(CHECK_BUILD, 0, NULL) >= 0);
    printf("EXPECT: PANIC\n");
    check_call(CHECK_PROVOKE, PROVOKE_STACK, NULL);
    EXPECT_TRUE(!"the hypervisor goes on");
}
