/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trap whose frame can not be written (kernel stack unmapped) crashes the domain (not the hypervisor). */
/* ends: reset */
/* console: [Cc]rash */
#include "check.h"
#include "hypercall.h"
#include "user.h"

USER_ASM(user_bp, "int3");

void test_main(void)
{
    struct regs r;

    user_init();
    USER_CODE_SET(user_bp);
    EXPECT_OK(hypercall(stack_switch, FLAT_KERNEL_SS, UNMAPPED));
    user_regs(&r);
    test_expect_reset();
    regs_enter(&r, 0);
}
