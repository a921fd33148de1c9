/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XSAVE and AVX for a guest: CR4.OSXSAVE by mov, XCR0 by xsetbv, wrong values #GP, the upper halves of the YMM registers kept across
 * switches between two vCPUs on one processor and across TS.
 */
/* qemu: -cpu max,-smap */
/* hv: dom0_max_vcpus=2 */
#include <xen/arch-x86/cpuid.h>
#include <xen/sched.h>
#include "check.h"
#include "cpu.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "trap.h"

#define ROUNDS 200
#define OSXSAVE (1ul << 18)

static volatile unsigned started, done[2], errors[2];

static void xsetbv(unsigned long v) { __asm__ volatile("xsetbv" : : "a"((uint32_t)v), "d"((uint32_t)(v >> 32)), "c"(0)); }
static void xsetbv1(unsigned long v) { __asm__ volatile("xsetbv" : : "a"((uint32_t)v), "d"(0), "c"(1)); }

static uint32_t xgetbv(void)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return lo;
}

static void ymm_fill(const uint64_t *v)
{
    __asm__ volatile("vmovdqu %0, %%ymm3; vmovdqu %0, %%ymm14" : : "m"(*(const uint64_t (*)[4])v));
}

static bool ymm_same(const uint64_t *v)
{
    uint64_t a[4], b[4];

    __asm__ volatile("vmovdqu %%ymm3, %0; vmovdqu %%ymm14, %1" : "=m"(a), "=m"(b));
    return !memcmp(a, v, 32) && !memcmp(b, v, 32);
}

static void osxsave(void)
{
    unsigned long cr4;

    __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | OSXSAVE));
}

static void lap(unsigned id)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t v[4] = { id, i, 0xabcdef + id, ~(uint64_t)i };

        ymm_fill(v);
        hypercall(sched_op, SCHEDOP_yield);
        errors[id] += !ymm_same(v);
        done[id]++;
    }
}

static void second(void)
{
    started = 1;
    osxsave();
    xsetbv(7);
    lap(1);
    vcpu_stop();
}

static void check_setup(void)
{
    struct trap t;
    uint32_t a, b, c, d;

    __asm__ volatile(XEN_CPUID : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
    if (!(c >> 26 & 1) || !(c >> 28 & 1))
        test_skip("no XSAVE or AVX");
    osxsave();
    EXPECT_EQUAL(trap_catch(&t, xsetbv, 7), VEC_NONE);
    EXPECT_EQUAL(xgetbv(), 7);
    EXPECT_EQUAL(trap_catch(&t, xsetbv, 6), VEC_GP);        /* x87 is a must */
    EXPECT_EQUAL(trap_catch(&t, xsetbv, 5), VEC_GP);        /* AVX needs SSE */
    EXPECT_EQUAL(trap_catch(&t, xsetbv, 1ul << 62 | 7), VEC_GP);
    EXPECT_EQUAL(trap_catch(&t, xsetbv1, 7), VEC_GP);
    EXPECT_EQUAL(xgetbv(), 7);
    __asm__ volatile(XEN_CPUID : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
    EXPECT_EQUAL(c >> 27 & 1, 1);                           /* OSXSAVE follows CR4 */
}

static void check_ts(void)
{
    uint64_t v[4] = { 1, 2, 3, 4 };

    ymm_fill(v);
    EXPECT_OK(hypercall(fpu_taskswitch, 1));
    hypercall(sched_op, SCHEDOP_yield);
    EXPECT_OK(hypercall(fpu_taskswitch, 0));
    EXPECT_TRUE(ymm_same(v));
}

void test_main(void)
{
    check_setup();
    if (vcpu_count() < 2)
        test_skip("one vCPU only");
    REQUIRE(!vcpu_start(1, second));
    REQUIRE(wait_for(&started, 1, PATIENT));
    lap(0);
    EXPECT_TRUE(wait_for(&done[1], ROUNDS, PATIENT));
    EXPECT_EQUAL(errors[0], 0);
    EXPECT_EQUAL(errors[1], 0);
    check_ts();
}
