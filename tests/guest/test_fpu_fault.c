/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 errors: an unmasked one is #MF at the next waiting instruction, in kernel and user mode, without an error code. */
#include "check.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_fp, "fninit; movw $0x37b, -8(%rsp); fldcw -8(%rsp); fld1; fldz; fdivrp %st, %st(1); fwait; int3");

static void fp(unsigned long a)
{
    static const uint16_t unmask_zero_divide = 0x37b;

    (void)a;
    __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp %%st, %%st(1); fwait" : : "m"(unmask_zero_divide));
}

void test_main(void)
{
    struct trap t;
    struct regs r;

    user_init();
    EXPECT_EQUAL(trap_catch(&t, fp, 0), VEC_MF);
    EXPECT_EQUAL(t.regs.error, 0);
    __asm__ volatile("fninit");
    USER_CODE_SET(user_fp);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_MF);
    EXPECT_EQUAL(r.rip, USER_CODE + user_fp_end - user_fp - 2);
    __asm__ volatile("fninit");
}
