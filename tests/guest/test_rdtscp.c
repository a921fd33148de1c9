/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rdtscp (SDM2): time goes on, ecx is what the kernel wrote to TSC_AUX (0 before that); with CR4.TSD the kernel still
 * may use it, its user mode gets #GP, as for rdtsc.
 */
/* qemu: -cpu max,-smap */
#include "check.h"
#include "hypercall.h"
#include "time.h"
#include "trap.h"
#include "user.h"

#define TSD     4ul
#define TSC_AUX 0xc0000103u

USER_ASM(user_tscp, "rdtscp; int3");

static unsigned long cr4(void) { unsigned long v; __asm__ volatile("mov %%cr4, %0" : "=r"(v)); return v; }
static void cr4_set(unsigned long v) { __asm__ volatile("mov %0, %%cr4" : : "r"(v)); }

static uint32_t aux;
static uint64_t tsc;

static void tscp(unsigned long a)
{
    uint32_t lo, hi;

    (void)a;
    __asm__ volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
    tsc = (uint64_t)hi << 32 | lo;
}

static void aux_set(unsigned long v)
{
    __asm__ volatile("wrmsr" : : "c"(TSC_AUX), "a"((uint32_t)v), "d"(0));
}

static bool feature(void)
{
    uint32_t a = 0x80000001, b, c = 0, d;

    /* forced */
    __asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return d >> 27 & 1;
}

static void check_kernel(void)
{
    struct trap t;
    uint64_t before = tsc_read();

    EXPECT_EQUAL(trap_catch(&t, tscp, 0), -1);
    EXPECT_TRUE(tsc >= before && tsc <= tsc_read());
}

static void check_user(int vector)
{
    struct regs r;

    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), vector);
    if (vector == 3)
        EXPECT_EQUAL(r.rcx, aux);
}

void test_main(void)
{
    struct trap t;

    user_init();
    USER_CODE_SET(user_tscp);
    if (!feature())
        test_skip("no rdtscp for guests here");
    check_kernel();
    if (trap_catch(&t, aux_set, 0x5a5a) < 0) {
        check_kernel();
        EXPECT_EQUAL(aux, 0x5a5a);
    }
    check_user(3);
    cr4_set(cr4() | TSD);
    check_kernel();
    check_user(13);
    cr4_set(cr4() & ~TSD);
    check_user(3);
}
