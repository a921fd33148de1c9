/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMASST_TYPE_architectural_iopl (xen.h): the kernel counts as level 0 for port access, iret sets the virtual IOPL and frames report it.  Without it,
 * iret's IOPL bits mean nothing (test_iret).
 */
#include "check.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_in, "in $0x71, %al; int3");
USER_ASM(user_bp, "int3");

static void in_port(unsigned long port)
{
    uint8_t v;

    __asm__ volatile("inb %%dx, %%al" : "=a"(v) : "d"(port));
}

static struct regs r;

static int run(const char *start, const char *end, unsigned long iopl)
{
    user_code_set(start, end);
    user_regs(&r);
    r.rflags |= iopl << 12;
    return user_run(&r);
}

void test_main(void)
{
    struct trap t;

    user_init();
    EXPECT_EQUAL(trap_catch(&t, in_port, 0x71), VEC_GP);
    EXPECT_EQUAL(run(user_in, user_in_end, 3), VEC_GP);
    EXPECT_OK(hypercall(vm_assist, VMASST_CMD_enable, VMASST_TYPE_architectural_iopl));
    EXPECT_EQUAL(trap_catch(&t, in_port, 0x71), VEC_NONE);
    EXPECT_EQUAL(run(user_in, user_in_end, 0), VEC_GP);
    EXPECT_EQUAL(r.rflags & FLAG_IOPL, 0);
    EXPECT_EQUAL(run(user_in, user_in_end, 3), VEC_BP);
    EXPECT_EQUAL(r.rflags & FLAG_IOPL, FLAG_IOPL);
    EXPECT_EQUAL(run(user_bp, user_bp_end, 1), VEC_BP);
    EXPECT_EQUAL(r.rflags & FLAG_IOPL, 1ul << 12);
    EXPECT_OK(hypercall(vm_assist, VMASST_CMD_disable, VMASST_TYPE_architectural_iopl));
}
