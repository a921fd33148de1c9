/* SPDX-License-Identifier: GPL-2.0-or-later */
/* iret to user mode without a user L4 crashes the domain (not the hypervisor). */
/* ends: reset */
/* console: [Cc]rash */
#include "check.h"
#include "trap.h"
#include "user.h"

void test_main(void)
{
    struct regs r;

    user_regs(&r);
    EXPECT_EQUAL(r.cs, FLAT_USER_CS64);
    test_expect_reset();
    regs_enter(&r, 0);
}
