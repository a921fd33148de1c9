/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SSE errors: an unmasked one is #XM, in kernel and user mode, without an error code; masked again, the same
 * instruction runs.  QEMU's TCG raises none: there the test is skipped (run it with --bochs).
 */
#include "check.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_sse, "movl $0x1d80, -8(%rsp); ldmxcsr -8(%rsp); mov $1, %eax; "
                   "cvtsi2sd %eax, %xmm0; xorpd %xmm1, %xmm1; divsd %xmm1, %xmm0; int3");

static void mxcsr_set(uint32_t v)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(v));
}

static void divide(unsigned long a)
{
    (void)a;
    __asm__ volatile("cvtsi2sd %0, %%xmm0; xorpd %%xmm1, %%xmm1; divsd %%xmm1, %%xmm0" : : "r"(1));
}

static bool is_tcg(void)
{
    uint32_t a = 0x40000000, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return b == 0x54474354; /* "TCGT" */
}

void test_main(void)
{
    struct trap t;
    struct regs r;

    if (is_tcg())
        test_skip("this emulator raises no SSE exceptions");
    mxcsr_set(0x1f80);
    EXPECT_EQUAL(trap_catch(&t, divide, 0), VEC_NONE);
    mxcsr_set(0x1d80); /* division by zero */
    EXPECT_EQUAL(trap_catch(&t, divide, 0), VEC_XM);
    EXPECT_EQUAL(t.regs.error, 0);
    mxcsr_set(0x1f80);
    EXPECT_EQUAL(trap_catch(&t, divide, 0), VEC_NONE);
    user_init();
    USER_CODE_SET(user_sse);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_XM);
    EXPECT_EQUAL(r.error, 0);
    mxcsr_set(0x1f80);
}
