/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 32-bit user code under a 64-bit kernel: int $0x80 by its gate, syscall by the syscall32 callback (an AMD processor's way), faults with a 32-bit
 * frame; without a callback, syscall from there is an exception of the user's.
 */
/* qemu: -cpu qemu64,vendor=AuthenticAMD */
#include <xen/callback.h>
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_int80, ".code32; mov $0x12345678, %eax; int $0x80; ud2; .code64");
USER_ASM(user_syscall, ".code32; mov $0x1111, %eax; mov $0x2222, %ebx; mov $0x3333, %ebp; syscall; ud2; .code64");
USER_ASM(user_fault, ".code32; mov 0x30000000, %eax; .code64");
USER_ASM(user_push, ".code32; push %cs; pop %eax; mov %esp, %ebx; int3; .code64");

static struct regs r;

static int run(const char *start, const char *end)
{
    user_code_set(start, end);
    user_regs32(&r);
    return user_run(&r);
}

static void check_frame(unsigned long rip)
{
    EXPECT_EQUAL(r.rip, rip);
    EXPECT_EQUAL(REGS_CS(&r), FLAT_USER_CS32);
    EXPECT_EQUAL(r.ss, FLAT_USER_SS32);
    EXPECT_EQUAL(r.rsp, USER_STACK);
    EXPECT_EQUAL(r.rflags & FLAG_IF, FLAG_IF);
}

void test_main(void)
{
    struct callback_register c = { .type = CALLBACKTYPE_syscall32, .flags = CALLBACKF_mask_events,
                                   .address = trap_entry(VEC_SYSCALL32) };

    user_init();
    EXPECT_OK(trap_gate(0x80, 3));
    EXPECT_EQUAL(run(user_push, user_push_end), VEC_BP);
    EXPECT_EQUAL(r.rax, FLAT_USER_CS32);
    EXPECT_EQUAL(r.rbx, USER_STACK);
    EXPECT_EQUAL(run(user_int80, user_int80_end), 0x80);
    EXPECT_EQUAL(r.rax, 0x12345678);
    check_frame(USER_CODE + 7);
    EXPECT_EQUAL(run(user_fault, user_fault_end), VEC_PF);
    EXPECT_EQUAL(r.error, 4);
    EXPECT_EQUAL(vcpu_info_self()->arch.cr2, 0x30000000);
    check_frame(USER_CODE);
    /* No callback yet. */
    EXPECT_TRUE(run(user_syscall, user_syscall_end) == VEC_GP || r.vector == VEC_UD);
    EXPECT_EQUAL(r.rip, USER_CODE + 15);
    EXPECT_OK(hypercall(callback_op, CALLBACKOP_register, &c));
    EXPECT_EQUAL(run(user_syscall, user_syscall_end), VEC_SYSCALL32);
    EXPECT_EQUAL(r.rax, 0x1111);
    EXPECT_EQUAL(r.rbx, 0x2222);
    EXPECT_EQUAL(r.rbp, 0x3333);
    check_frame(USER_CODE + 17);
}
