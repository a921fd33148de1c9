/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CR4.TSD of a guest: its user mode may not read the TSC then, its kernel still may. */
#include "check.h"
#include "time.h"
#include "trap.h"
#include "user.h"

#define TSD 4ul

USER_ASM(user_tsc, "rdtsc; int3");

static unsigned long cr4(void) { unsigned long v; __asm__ volatile("mov %%cr4, %0" : "=r"(v)); return v; }
static void cr4_set(unsigned long v) { __asm__ volatile("mov %0, %%cr4" : : "r"(v)); }

static int run(struct regs *r)
{
    user_regs(r);
    return user_run(r);
}

void test_main(void)
{
    struct trap t;
    struct regs r;
    uint64_t before;

    user_init();
    USER_CODE_SET(user_tsc);
    EXPECT_EQUAL(run(&r), VEC_BP);
    before = tsc_read();
    EXPECT_EQUAL(trap_catch(&t, cr4_set, cr4() | TSD), VEC_NONE);
    EXPECT_EQUAL(cr4() & TSD, TSD);
    EXPECT_EQUAL(run(&r), VEC_GP);
    EXPECT_EQUAL(r.rip, USER_CODE);
    EXPECT_TRUE(tsc_read() > before);
    EXPECT_EQUAL(trap_catch(&t, cr4_set, cr4() & ~TSD), VEC_NONE);
    EXPECT_EQUAL(run(&r), VEC_BP);
}
