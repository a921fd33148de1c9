/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set_debugreg, get_debugreg (arch-x86/xen.h): values come back; breakpoints on execution and on data inside the guest give #DB with DR6's
 * bit; single-stepping by TF; breakpoints on hypervisor addresses and general-detect are refused.
 */
#include "check.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

#define DR7_L(n)       (1ul << ((n) * 2))
#define DR7_TYPE(n, t) ((unsigned long)(t) << (16 + (n) * 4))
#define DR7_LEN8(n)    (2ul << (18 + (n) * 4))
#define DR7_LEN1(n)    0ul
#define EXEC  0
#define WRITE 1
#define DR6_BS (1ul << 14)

static volatile unsigned long watched;
static volatile unsigned long dr6, hits, hit_rip;

static bool on_db(struct regs *r)
{
    hits++;
    dr6 = (unsigned long)hypercall(get_debugreg, 6);
    hit_rip = r->rip;
    hypercall(set_debugreg, 6, 0);
    r->rflags |= FLAG_RF;
    r->rflags &= ~FLAG_TF;
    return true;
}

static __attribute__((noinline)) void target(unsigned long a)
{
    watched = a;
}

static void check_values(void)
{
    for (unsigned i = 0; i < 4; i++)
        EXPECT_OK(hypercall(set_debugreg, i, 0x1000ul + i * 8));
    for (unsigned i = 0; i < 4; i++)
        EXPECT_EQUAL(hypercall(get_debugreg, i), 0x1000ul + i * 8);
    EXPECT_EQUAL(hypercall(get_debugreg, 7) & 0xff, 0);
    EXPECT_REFUSED(hypercall(get_debugreg, 8));
    EXPECT_REFUSED(hypercall(get_debugreg, ~0u));
    EXPECT_REFUSED(hypercall(set_debugreg, 8, 0));
    for (unsigned i = 0; i < 4; i++)
        EXPECT_OK(hypercall(set_debugreg, i, 0));
}

static void check_exec(void)
{
    hits = 0;
    EXPECT_OK(hypercall(set_debugreg, 0, target));
    EXPECT_OK(hypercall(set_debugreg, 7, DR7_L(0) | DR7_TYPE(0, EXEC)));
    EXPECT_EQUAL(hypercall(get_debugreg, 7) & 3, 1);
    target(5);
    EXPECT_EQUAL(hits, 1);
    EXPECT_EQUAL(dr6 & 15, 1);
    EXPECT_EQUAL(hit_rip, target);
    EXPECT_EQUAL(watched, 5);
    EXPECT_OK(hypercall(set_debugreg, 7, 0));
    target(6);
    EXPECT_EQUAL(hits, 1);
}

static void check_data(void)
{
    hits = 0;
    EXPECT_OK(hypercall(set_debugreg, 2, &watched));
    EXPECT_OK(hypercall(set_debugreg, 7, DR7_L(2) | DR7_TYPE(2, WRITE) | DR7_LEN8(2)));
    watched = 9;
    EXPECT_EQUAL(hits, 1);
    EXPECT_EQUAL(dr6 & 15, 4);
    EXPECT_OK(hypercall(set_debugreg, 7, 0));
    watched = 10;
    EXPECT_EQUAL(hits, 1);
}

static void check_step(void)
{
    unsigned long after;

    hits = 0;
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; 1: nop; lea 1b(%%rip), %0" : "=r"(after) : : "memory", "cc");
    EXPECT_EQUAL(hits, 1);
    EXPECT_EQUAL(dr6 & DR6_BS, DR6_BS);
    EXPECT_EQUAL(hit_rip, after);
}

USER_ASM(user_step, "nop; nop; nop; ud2");

/* TF in a user frame: a trap after each instruction. */
static void check_user_step(void)
{
    struct regs r;

    user_init();
    trap_handle(VEC_DB, NULL);
    USER_CODE_SET(user_step);
    user_regs(&r);
    for (unsigned i = 1; i <= 3; i++) {
        r.rflags |= FLAG_TF;
        EXPECT_EQUAL(user_run(&r), VEC_DB);
        EXPECT_EQUAL(r.rip, USER_CODE + i);
        EXPECT_EQUAL(r.rflags & FLAG_TF, FLAG_TF);
    }
}

static void check_refusals(void)
{
    EXPECT_REFUSED(hypercall(set_debugreg, 0, HV_PRIVATE));
    EXPECT_REFUSED(hypercall(set_debugreg, 3, HYPERVISOR_VIRT_START));
    EXPECT_REFUSED(hypercall(set_debugreg, 1, NONCANON));
    EXPECT_OK(hypercall(set_debugreg, 7, 0));
    (void)hypercall(set_debugreg, 7, 1ul << 13);    /* general detect: refused or ignored, never in force */
    EXPECT_EQUAL(hypercall(get_debugreg, 7) & 1ul << 13, 0);
    EXPECT_OK(hypercall(set_debugreg, 7, 0));
}

void test_main(void)
{
    check_values();
    trap_handle(VEC_DB, on_db);
    check_exec();
    check_data();
    check_step();
    check_user_step();
    check_refusals();
}
