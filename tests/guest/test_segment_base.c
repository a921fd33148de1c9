/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set_segment_base (arch-x86/xen-x86_64.h): fs; gs of the kernel and of user mode, exchanged on every change of mode; the user's gs selector;
 * bad selectors, bad bases, unknown registers.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"
#include "user.h"

static unsigned long fs_word(void)
{
    unsigned long v;

    __asm__ volatile("mov %%fs:8, %0" : "=r"(v));
    return v;
}

static unsigned long gs_word(void)
{
    unsigned long v;

    __asm__ volatile("mov %%gs:8, %0" : "=r"(v));
    return v;
}

USER_ASM(user_gs, "mov %gs:8, %rax; mov %fs:8, %rbx; xor %ecx, %ecx; mov %gs, %ecx; mov %ecx, %edx; int3");

static void check_kernel(unsigned long *a, unsigned long *b)
{
    EXPECT_OK(hypercall(set_segment_base, SEGBASE_FS, a));
    EXPECT_OK(hypercall(set_segment_base, SEGBASE_GS_KERNEL, b));
    EXPECT_EQUAL(fs_word(), 0xaaaa);
    EXPECT_EQUAL(gs_word(), 0xbbbb);
    EXPECT_OK(hypercall(set_segment_base, SEGBASE_FS, b));
    EXPECT_OK(hypercall(set_segment_base, SEGBASE_GS_KERNEL, a));
    EXPECT_EQUAL(fs_word(), 0xbbbb);
    EXPECT_EQUAL(gs_word(), 0xaaaa);
}

static void check_user(void)
{
    struct regs r;

    user_init();
    ((unsigned long *)user_data)[1] = 0x1111;
    ((unsigned long *)user_data)[3] = 0x2222;
    EXPECT_OK(hypercall(set_segment_base, SEGBASE_GS_USER, USER_DATA));
    EXPECT_OK(hypercall(set_segment_base, SEGBASE_FS, USER_DATA + 16));
    EXPECT_EQUAL(gs_word(), 0xaaaa);
    USER_CODE_SET(user_gs);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rax, 0x1111);
    EXPECT_EQUAL(r.rbx, 0x2222);
    EXPECT_EQUAL(gs_word(), 0xaaaa);
    EXPECT_EQUAL(fs_word(), 0x2222);
}

/* A selector gives base 0 of its descriptor (flat here), and user code sees it in %gs. */
static void check_user_selector(void)
{
    struct regs r;

    EXPECT_OK(hypercall(set_segment_base, SEGBASE_GS_USER_SEL, FLAT_RING3_DS32));
    EXPECT_OK(hypercall(set_segment_base, SEGBASE_GS_USER, USER_DATA));
    EXPECT_EQUAL(gs_word(), 0xaaaa);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rdx & 0xffff, FLAT_RING3_DS32);
    EXPECT_EQUAL(r.rax, 0x1111);
    EXPECT_OK(hypercall(set_segment_base, SEGBASE_GS_USER_SEL, 0));
    EXPECT_OK(hypercall(set_segment_base, SEGBASE_GS_USER, USER_DATA));
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rdx & 0xffff, 0);
    /* A selector that can not be loaded becomes the null selector; nothing breaks. */
    (void)hypercall(set_segment_base, SEGBASE_GS_USER_SEL, 0x123b);
    EXPECT_EQUAL(gs_word(), 0xaaaa);
}

static void check_refusals(void)
{
    EXPECT_REFUSED(hypercall(set_segment_base, SEGBASE_FS, NONCANON));
    EXPECT_REFUSED(hypercall(set_segment_base, SEGBASE_GS_KERNEL, NONCANON));
    EXPECT_REFUSED(hypercall(set_segment_base, SEGBASE_GS_USER, NONCANON));
    EXPECT_REFUSED(hypercall(set_segment_base, 4, USER_DATA));
    EXPECT_REFUSED(hypercall(set_segment_base, 77, USER_DATA));
    EXPECT_EQUAL(fs_word(), 0x2222);
    EXPECT_EQUAL(gs_word(), 0xaaaa);
}

void test_main(void)
{
    unsigned long *a = page_alloc(), *b = page_alloc();

    a[1] = 0xaaaa;
    b[1] = 0xbbbb;
    check_kernel(a, b);
    check_user();
    check_user_selector();
    check_refusals();
}
