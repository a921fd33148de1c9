/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysenter from 32-bit user code (callback.h: "32-bit guest applications on Intel CPUs"): the registered callback is entered with the registers
 * as they were; without one it is #GP.  Xen 4.17 itself dies of a double fault here (its entry stack is the boot stack).
 */
/* hv-only: hospes */
/* qemu: -cpu qemu64,vendor=GenuineIntel */
#include <xen/callback.h>
#include "check.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_sysenter, ".code32; mov $0x1111, %eax; mov %esp, %ebp; sysenter; ud2; .code64");

static struct regs r;

static int run(void)
{
    USER_CODE_SET(user_sysenter);
    user_regs32(&r);
    return user_run(&r);
}

void test_main(void)
{
    struct callback_register c = { .type = CALLBACKTYPE_sysenter, .flags = CALLBACKF_mask_events,
                                   .address = trap_entry(VEC_SYSENTER) };

    user_init();
    EXPECT_EQUAL(run(), VEC_GP);
    EXPECT_OK(hypercall(callback_op, CALLBACKOP_register, &c));
    EXPECT_EQUAL(run(), VEC_SYSENTER);
    EXPECT_EQUAL(r.rax, 0x1111);
    EXPECT_EQUAL(r.rbp, USER_STACK);
    EXPECT_EQUAL(REGS_CS(&r) & 3, 3);
}
