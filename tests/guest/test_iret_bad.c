/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * iret to selectors, addresses and stacks that can not be loaded: the guest hears of it (#GP or #SS as if at the place it wanted to go, or the
 * failsafe callback), and lives.  Which of the two is not written down; Xen gives the fault.
 */
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_bp, "int3");

static struct regs seen;
static struct context back;

static bool on_fault(struct regs *r)
{
    seen = *r;
    context_load(&back);
}

static uint64_t go(struct regs *r)
{
    memset(&seen, 0, sizeof(seen));
    if (!context_save(&back))
        user_run(r);
    return seen.vector;
}

static void check_bad_selector(uint64_t cs, uint64_t ss)
{
    struct regs r;
    uint64_t v;

    user_regs(&r);
    r.cs = cs;
    r.ss = ss;
    v = go(&r);
    EXPECT_TRUE(v == VEC_GP || v == VEC_FAILSAFE || v == VEC_SS || v == VEC_NP);
    EXPECT_EQUAL(seen.rip, USER_CODE);
    EXPECT_EQUAL(seen.rsp, USER_STACK);
    if (v == VEC_GP)
        EXPECT_EQUAL(seen.error, (cs == FLAT_USER_CS64 ? ss : cs) & 0xfffc);
}

static void check_good(void)
{
    struct regs r;

    user_regs(&r);
    r.vector = 0;
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rip, USER_CODE + 1);
}

void test_main(void)
{
    user_init();
    USER_CODE_SET(user_bp);
    trap_handle(VEC_FAILSAFE, on_fault);
    trap_handle(VEC_GP, on_fault);
    trap_handle(VEC_SS, on_fault);
    trap_handle(VEC_NP, on_fault);
    check_bad_selector(0x1233, FLAT_USER_SS64);
    check_good();
    check_bad_selector(FLAT_USER_CS64, 0x1233);
    check_good();
    check_bad_selector(0x1237, FLAT_USER_SS64);         /* an LDT we do not have */
    check_good();
    check_bad_selector(FLAT_USER_SS64 | 3, FLAT_USER_SS64);     /* data is not code */
    check_good();
}
