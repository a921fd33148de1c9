/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stack_switch (arch-x86/xen.h): the stack that traps from user mode land on; traps inside the kernel stay on the kernel's own stack.
 */
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_bp, "int3");

static struct regs *frame_seen;
static unsigned long want_top;

static bool on_bp(struct regs *r)
{
    frame_seen = r;
    return false;
}

static bool on_bp_kernel(struct regs *r)
{
    frame_seen = r;
    return true;
}

static char stack[STACK_SIZE] __attribute__((aligned(32768)));

/* Like user_run(), but with our own stack top. */
static void run(struct regs *r, unsigned long top)
{
    struct cpu *c = cpu_self();

    want_top = top;
    if (!context_save(&c->user_context)) {
        EXPECT_OK(hypercall(stack_switch, FLAT_KERNEL_SS, top));
        c->user = r;
        regs_enter(r, 0);
    }
}

void test_main(void)
{
    unsigned long top = stack_prepare(stack, cpu_self());
    struct regs r;

    user_init();
    USER_CODE_SET(user_bp);
    trap_handle(VEC_BP, on_bp);
    for (unsigned off = 0; off < 64; off += 16) {
        user_regs(&r);
        run(&r, top - off);
        EXPECT_EQUAL(r.vector, VEC_BP);
        /* The frame (rip to ss) ends at the stack's top. */
        EXPECT_EQUAL((unsigned long)(frame_seen + 1), top - off);
    }
    user_regs(&r);
    run(&r, top - 1000 - 8);
    EXPECT_EQUAL(r.vector, VEC_BP);
    EXPECT_TRUE((unsigned long)(frame_seen + 1) <= top - 1000 - 8);
    EXPECT_TRUE((unsigned long)(frame_seen + 1) >= top - 1000 - 24);
    trap_handle(VEC_BP, on_bp_kernel);
    __asm__ volatile("int3");
    EXPECT_TRUE((unsigned long)frame_seen >> 15 == (unsigned long)__builtin_frame_address(0) >> 15);
    trap_handle(VEC_BP, NULL);
}
