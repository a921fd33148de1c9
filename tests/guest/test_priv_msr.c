/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rdmsr and wrmsr of a guest kernel: the segment bases are its own; EFER and APIC_BASE can be read; what a guest has no business with is #GP; nothing
 * that is written reaches the machine.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"
#include "user.h"

#define MSR_TSC        0x10
#define MSR_APIC_BASE  0x1b
#define MSR_EFER       0xc0000080u
#define MSR_STAR       0xc0000081u
#define MSR_LSTAR      0xc0000082u
#define MSR_FS_BASE    0xc0000100u
#define MSR_GS_BASE    0xc0000101u
#define MSR_SHADOW_GS  0xc0000102u

static unsigned msr;
static unsigned long value;

static void rd(unsigned long a)
{
    uint32_t lo = 0, hi = 0;

    (void)a;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    value = lo | (unsigned long)hi << 32;
}

static void wr(unsigned long v)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

static int get(unsigned m)
{
    struct trap t;

    msr = m;
    return trap_catch(&t, rd, 0);
}

static int set(unsigned m, unsigned long v)
{
    struct trap t;

    msr = m;
    return trap_catch(&t, wr, v);
}

static unsigned long fs_word(void) { unsigned long v; __asm__ volatile("mov %%fs:0, %0" : "=r"(v)); return v; }
static unsigned long gs_word(void) { unsigned long v; __asm__ volatile("mov %%gs:0, %0" : "=r"(v)); return v; }

USER_ASM(user_gs, "mov %gs:0, %rax; int3");

static void check_bases(void)
{
    unsigned long *a = page_alloc(), *b = page_alloc();
    struct regs r;

    a[0] = 0xaaaa;
    b[0] = 0xbbbb;
    EXPECT_EQUAL(set(MSR_FS_BASE, (unsigned long)a), VEC_NONE);
    EXPECT_EQUAL(fs_word(), 0xaaaa);
    EXPECT_EQUAL(get(MSR_FS_BASE), VEC_NONE);
    EXPECT_EQUAL(value, (unsigned long)a);
    EXPECT_EQUAL(set(MSR_GS_BASE, (unsigned long)b), VEC_NONE);
    EXPECT_EQUAL(gs_word(), 0xbbbb);
    EXPECT_EQUAL(get(MSR_GS_BASE), VEC_NONE);
    EXPECT_EQUAL(value, (unsigned long)b);
    *(unsigned long *)user_data = 0xcccc;
    EXPECT_EQUAL(set(MSR_SHADOW_GS, USER_DATA), VEC_NONE);
    EXPECT_EQUAL(get(MSR_SHADOW_GS), VEC_NONE);
    EXPECT_EQUAL(value, USER_DATA);
    EXPECT_EQUAL(gs_word(), 0xbbbb);
    USER_CODE_SET(user_gs);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rax, 0xcccc);
    EXPECT_EQUAL(gs_word(), 0xbbbb);
    EXPECT_EQUAL(get(MSR_GS_BASE), VEC_NONE);
    EXPECT_EQUAL(value, (unsigned long)b);
    EXPECT_EQUAL(set(MSR_FS_BASE, NONCANON), VEC_GP);
    EXPECT_EQUAL(set(MSR_GS_BASE, NONCANON), VEC_GP);
    EXPECT_EQUAL(set(MSR_SHADOW_GS, NONCANON), VEC_GP);
    EXPECT_EQUAL(fs_word(), 0xaaaa);
}

static void check_readable(void)
{
    unsigned long first;

    EXPECT_EQUAL(get(MSR_EFER), VEC_NONE);
    EXPECT_EQUAL(value & 0xd01, 0xd01);                     /* SCE, LME, LMA, NX */
    EXPECT_EQUAL(get(MSR_APIC_BASE), VEC_NONE);
    EXPECT_EQUAL(get(MSR_TSC), VEC_NONE);
    first = value;
    EXPECT_EQUAL(get(MSR_TSC), VEC_NONE);
    EXPECT_TRUE(value > first);
}

static void check_no(void)
{
    EXPECT_EQUAL(get(0xdeadbeef), VEC_GP);
    EXPECT_EQUAL(set(0xdeadbeef, 0), VEC_GP);
    EXPECT_EQUAL(get(0x4b564d00), VEC_GP);                  /* another hypervisor's */
    /* System call entry is by callbacks: written or not, the machine's stays, and our hypercalls work. */
    (void)set(MSR_LSTAR, 0x1000);
    (void)set(MSR_STAR, 0);
    (void)set(MSR_EFER, 0);
    EXPECT_EQUAL(get(MSR_EFER), VEC_NONE);
    EXPECT_EQUAL(value & 0xd01, 0xd01);
    EXPECT_EQUAL(hypercall_raw(__HYPERVISOR_xen_version, 0, 0, 0, 0, 0) >> 16, 4);
    (void)set(MSR_APIC_BASE, 0);
    (void)set(0x277, 0);                                    /* PAT */
    (void)set(0x200, 0);                                    /* MTRR */
    EXPECT_EQUAL(hypercall(xen_version, 0, NULL) >> 16, 4);
}

void test_main(void)
{
    user_init();
    check_bases();
    check_readable();
    check_no();
}
