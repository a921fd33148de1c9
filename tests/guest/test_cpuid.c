/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cpuid (arch-x86/xen.h, arch-x86/cpuid.h): with the forced-emulation prefix the hypervisor's own leaves and its view of the features; the
 * same prefix in user mode; a prefix before anything else is #UD.
 */
#include <xen/arch-x86/cpuid.h>
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

static uint32_t a, b, c, d;

static void xen_cpuid(uint32_t leaf, uint32_t sub)
{
    __asm__ volatile(XEN_CPUID : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(sub));
}

static void check_leaves(void)
{
    uint32_t last;
    long v = hypercall(xen_version, 0, NULL);

    xen_cpuid(XEN_CPUID_LEAF(0), 0);
    EXPECT_EQUAL(b, XEN_CPUID_SIGNATURE_EBX);
    EXPECT_EQUAL(c, XEN_CPUID_SIGNATURE_ECX);
    EXPECT_EQUAL(d, XEN_CPUID_SIGNATURE_EDX);
    last = a;
    EXPECT_TRUE(last >= XEN_CPUID_LEAF(2) && last <= XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES));
    xen_cpuid(XEN_CPUID_LEAF(1), 0);
    EXPECT_EQUAL(a, v);
    xen_cpuid(XEN_CPUID_LEAF(2), 0);
    EXPECT_EQUAL(a, 1);                                     /* one hypercall page */
    EXPECT_TRUE(b >= 0x40000000);
    EXPECT_EQUAL(c & XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD, 1);
    xen_cpuid(last + 1, 0);
    EXPECT_TRUE(b != XEN_CPUID_SIGNATURE_EBX);
}

static void check_features(void)
{
    xen_cpuid(0, 0);
    EXPECT_TRUE(a >= 1);
    xen_cpuid(1, 0);
    EXPECT_EQUAL(c >> 31, 1);                               /* under a hypervisor */
    EXPECT_EQUAL(d & 1, 1);                                 /* FPU */
    EXPECT_EQUAL(d >> 25 & 3, 3);                           /* SSE, SSE2 */
    EXPECT_EQUAL(d >> 5 & 1, 1);                            /* MSR */
    EXPECT_EQUAL(d >> 6 & 1, 1);                            /* PAE */
    EXPECT_EQUAL(c >> 5 & 1, 0);                            /* no VMX */
    xen_cpuid(0x80000000, 0);
    EXPECT_TRUE(a >= 0x80000001);
    xen_cpuid(0x80000001, 0);
    EXPECT_EQUAL(d >> 29 & 1, 1);                           /* long mode */
    EXPECT_EQUAL(d >> 20 & 1, 1);                           /* NX */
    EXPECT_EQUAL(d >> 11 & 1, 1);                           /* syscall */
    EXPECT_EQUAL(d >> 26 & 1, 0);                           /* no 1 GB pages for PV */
    EXPECT_EQUAL(c >> 2 & 1, 0);                            /* no SVM */
}

USER_ASM(user_cpuid, "mov $0x40000000, %eax; .byte 0x0f,0x0b,0x78,0x65,0x6e; cpuid; int3");
USER_ASM(user_other, ".byte 0x0f,0x0b,0x78,0x65,0x6e; nop; int3");
USER_ASM(user_half, ".byte 0x0f,0x0b,0x78,0x65,0x6f; cpuid; int3");

static void check_user(void)
{
    struct regs r;

    user_init();
    USER_CODE_SET(user_cpuid);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rbx, XEN_CPUID_SIGNATURE_EBX);
    EXPECT_EQUAL(r.rip, USER_CODE + 5 + 5 + 2 + 1);
    USER_CODE_SET(user_other);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_UD);
    EXPECT_EQUAL(r.rip, USER_CODE);
    USER_CODE_SET(user_half);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_UD);
    EXPECT_EQUAL(r.rip, USER_CODE);
    user_regs32(&r);
    USER_CODE_SET(user_cpuid);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rbx, XEN_CPUID_SIGNATURE_EBX);
}

/* The prefix at a page's end with nothing behind: a page fault for the rest or #UD, no harm. */
static void check_edge(void)
{
    struct regs r;

    memcpy(user_code + 4096 - 5, "\x0f\x0b\x78\x65\x6e", 5);
    user_regs(&r);
    r.rip = USER_CODE + 4096 - 5;
    user_run(&r);
    EXPECT_TRUE(r.vector == VEC_UD || r.vector == VEC_PF);
    memcpy(user_code + 4096 - 2, "\x0f\x0b", 2);
    user_regs(&r);
    r.rip = USER_CODE + 4096 - 2;
    user_run(&r);                           /* Xen looks for the rest of the prefix and reports that page fault */
    EXPECT_TRUE(r.vector == VEC_UD || r.vector == VEC_PF);
    EXPECT_EQUAL(r.rip, USER_CODE + 4096 - 2);
}

void test_main(void)
{
    check_leaves();
    check_features();
    check_user();
    check_edge();
}
