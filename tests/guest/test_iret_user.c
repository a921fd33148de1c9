/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iret to user mode (arch-x86/xen-x86_64.h): registers and flags arrive, VGCF_in_syscall leaves rcx and r11 out, upcall mask from IF, and what
 * user mode may not have (IOPL, VM) it does not get; traps from there show the user's cs, ss, rsp.
 */
#include "boot.h"
#include "check.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_bp, "int3");
USER_ASM(user_flags, "pushfq; pop %rax; int3");
USER_ASM(user_cli, "cli; ud2");

static void fill(struct regs *r)
{
    uint64_t *p = &r->r15;

    user_regs(r);
    for (int i = 0; i < 15; i++)
        p[i] = 0x0202020202020202ul * (unsigned)(i + 1);
}

static void check_registers(void)
{
    struct regs r, want;
    uint64_t *p = &r.r15, *q = &want.r15;

    fill(&r);
    want = r;
    USER_CODE_SET(user_bp);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    for (int i = 0; i < 15; i++)
        EXPECT_EQUAL(p[i], q[i]);
    EXPECT_EQUAL(r.rip, USER_CODE + 1);
    EXPECT_EQUAL(REGS_CS(&r), FLAT_USER_CS64);
    EXPECT_EQUAL(r.ss, FLAT_USER_SS64);
    EXPECT_EQUAL(r.rsp, USER_STACK);
    EXPECT_EQUAL(r.rflags & FLAG_IF, FLAG_IF);
    EXPECT_EQUAL(REGS_MASK(&r), 0);
}

/* VGCF_in_syscall: like sysret, rcx and r11 are not restored, everything else is. */
static void check_in_syscall(void)
{
    struct regs r;

    fill(&r);
    EXPECT_EQUAL(user_run_flags(&r, VGCF_in_syscall), VEC_BP);
    EXPECT_EQUAL(r.rax, 0x0202020202020202ul * 11);
    EXPECT_EQUAL(r.rbx, 0x0202020202020202ul * 6);
    EXPECT_EQUAL(r.rdi, 0x0202020202020202ul * 15);
    EXPECT_EQUAL(r.rip, USER_CODE + 1);
    EXPECT_EQUAL(REGS_CS(&r), FLAT_USER_CS64);
    EXPECT_EQUAL(r.rsp, USER_STACK);
}

static void check_flags(void)
{
    struct regs r;

    fill(&r);
    USER_CODE_SET(user_flags);
    r.rflags = FLAG_IF | FLAG_CF | FLAG_DF | FLAG_AC | FLAG_ID | FLAG_IOPL | 2;
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rax & (FLAG_CF | FLAG_DF | FLAG_ID | FLAG_IF), FLAG_CF | FLAG_DF | FLAG_ID | FLAG_IF);
    EXPECT_EQUAL(r.rax & (FLAG_IOPL | FLAG_VM), 0);
    fill(&r);
    USER_CODE_SET(user_cli);
    r.rflags |= FLAG_IOPL;
    EXPECT_EQUAL(user_run(&r), VEC_GP);
    EXPECT_EQUAL(r.rip, USER_CODE);
    EXPECT_EQUAL(r.error, 0);
}

static void check_mask(void)
{
    struct regs r;

    USER_CODE_SET(user_bp);
    fill(&r);
    r.rflags &= ~FLAG_IF;
    vcpu_info_self()->evtchn_upcall_mask = 0;
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(REGS_MASK(&r), 1);
    EXPECT_EQUAL(r.rflags & FLAG_IF, 0);
    EXPECT_EQUAL(vcpu_info_self()->evtchn_upcall_mask, 1);
    fill(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(REGS_MASK(&r), 0);
    EXPECT_EQUAL(vcpu_info_self()->evtchn_upcall_mask, 0);
}

void test_main(void)
{
    user_init();
    check_registers();
    check_in_syscall();
    check_flags();
    check_mask();
}
