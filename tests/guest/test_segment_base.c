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

/* From code in the lower half, too; and no register changes but rax, rcx and r11. */
static void check_registers(void)
{
    static const uint8_t call[] = { 0x0f, 0x05, 0xc3 }; /* syscall; ret */
    static const unsigned which[] = { SEGBASE_FS, SEGBASE_GS_USER, SEGBASE_GS_USER_SEL };

    memcpy(user_code, call, sizeof(call));
    for (unsigned i = 0; i < ARRAY_SIZE(which); i++) {
        unsigned long rax = __HYPERVISOR_set_segment_base, rdi = which[i], rsi = i < 2 ? USER_DATA + 16 : 0, rdx = 0x1234, rbx = 0x5678;
        register unsigned long r8 __asm__("r8") = 0x9abc, r9 __asm__("r9") = 0xdef0, r10 __asm__("r10") = 0x1357;

        __asm__ volatile("call *%[code]" : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+b"(rbx), "+r"(r8), "+r"(r9), "+r"(r10)
                         : [code] "r"(USER_CODE) : "rcx", "r11", "memory", "cc");
        unsigned long high[] = { r8, r9, r10 };

        EXPECT_EQUAL(rax, 0);
        EXPECT_EQUAL(rdi, which[i]);
        EXPECT_EQUAL(rsi, i < 2 ? USER_DATA + 16 : 0);
        EXPECT_EQUAL(rdx, 0x1234);
        EXPECT_EQUAL(rbx, 0x5678);
        EXPECT_EQUAL(high[0], 0x9abc);
        EXPECT_EQUAL(high[1], 0xdef0);
        EXPECT_EQUAL(high[2], 0x1357);
    }
}

static void check_refusals(void)
{
    static const unsigned long bad[] = { NONCANON, 0x0000800000000000, 0xffff7fffffffffff, 0x8000000000000000, 0x7fffffffffffffff };

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        EXPECT_REFUSED(hypercall(set_segment_base, SEGBASE_FS, bad[i]));
        EXPECT_REFUSED(hypercall(set_segment_base, SEGBASE_GS_KERNEL, bad[i]));
        EXPECT_REFUSED(hypercall(set_segment_base, SEGBASE_GS_USER, bad[i]));
    }
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
    check_registers();
}
