/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fpu_taskswitch (arch-x86/xen.h): with TS set the next FPU or SSE instruction is #NM, in the kernel and in user mode; with TS clear it
 * runs; the registers keep their content.
 */
#include "check.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_fpu, "movq %xmm3, %rax; fldz; fstp %st(0); int3");

static unsigned long xmm_read(void)
{
    unsigned long v;

    __asm__ volatile("movq %%xmm3, %0" : "=r"(v));
    return v;
}

static void xmm_write(unsigned long v)
{
    __asm__ volatile("movq %0, %%xmm3" : : "r"(v));
}

static void fp_insn(unsigned long a) { (void)a; __asm__ volatile("fldz; fstp %st(0)"); }
static void sse_insn(unsigned long a) { (void)a; (void)xmm_read(); }

static unsigned nm;

static bool on_nm(struct regs *r)
{
    (void)r;
    nm++;
    return !hypercall(fpu_taskswitch, 0);
}

void test_main(void)
{
    struct trap t;
    struct regs r;

    user_init();
    EXPECT_OK(hypercall(fpu_taskswitch, 0));
    EXPECT_EQUAL(trap_catch(&t, fp_insn, 0), VEC_NONE);
    xmm_write(0x1122334455667788);
    EXPECT_OK(hypercall(fpu_taskswitch, 1));
    EXPECT_EQUAL(trap_catch(&t, fp_insn, 0), VEC_NM);
    EXPECT_OK(hypercall(fpu_taskswitch, 1));
    EXPECT_EQUAL(trap_catch(&t, sse_insn, 0), VEC_NM);
    EXPECT_OK(hypercall(fpu_taskswitch, 0));
    EXPECT_EQUAL(trap_catch(&t, sse_insn, 0), VEC_NONE);
    EXPECT_EQUAL(xmm_read(), 0x1122334455667788);
    /* In user mode; the handler clears TS and the instruction runs again. */
    EXPECT_OK(hypercall(fpu_taskswitch, 1));
    trap_handle(VEC_NM, on_nm);
    USER_CODE_SET(user_fpu);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(nm, 1);
    EXPECT_EQUAL(r.rax, 0x1122334455667788);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(nm, 1);
    trap_handle(VEC_NM, NULL);
}
