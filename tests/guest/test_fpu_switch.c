/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * State of the vCPU that has no register frame, kept across switches between two vCPUs on one processor: x87, all XMM registers, MXCSR, segment
 * bases and selectors, debug registers, virtual IOPL, each vCPU's own GDT and TS.
 */
/* hv: dom0_max_vcpus=2 */
#include <xen/physdev.h>
#include <xen/sched.h>
#include "check.h"
#include "cpu.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "trap.h"

#define ROUNDS 300

static volatile unsigned started, done[2], errors[2];
static unsigned long bases[2][2];
static uint64_t *gdts[2];
static unsigned switches;

static void xmm_fill(unsigned long v)
{
    __asm__ volatile("movq %0, %%xmm0; movq %1, %%xmm1; movq %2, %%xmm7; movq %3, %%xmm15; punpcklqdq %%xmm15, %%xmm15"
                     : : "r"(v), "r"(v + 1), "r"(v + 7), "r"(v + 15));
}

static bool xmm_same(unsigned long v)
{
    unsigned long a, b, c, d, e;

    __asm__ volatile("movq %%xmm0, %0; movq %%xmm1, %1; movq %%xmm7, %2; movq %%xmm15, %3; movhlps %%xmm15, %%xmm2; movq %%xmm2, %4"
                     : "=r"(a), "=r"(b), "=r"(c), "=r"(d), "=r"(e));
    return a == v && b == v + 1 && c == v + 7 && d == v + 15 && e == v + 15;
}

static void control_set(unsigned id)
{
    uint32_t mxcsr = id ? 0x1f80 | 0x6000 : 0x1f80;
    uint16_t cw = id ? 0x0f7f : 0x037f;

    __asm__ volatile("fninit; ldmxcsr %0; fldcw %1; fld1" : : "m"(mxcsr), "m"(cw));
    if (id)
        __asm__ volatile("fadd %st(0), %st(0)");    /* 2.0 on the stack of vCPU 1 */
}

static bool control_same(unsigned id)
{
    uint32_t mxcsr;
    uint16_t cw;
    uint64_t top;

    __asm__ volatile("stmxcsr %0; fnstcw %1; fld %%st(0); fstpl %2" : "=m"(mxcsr), "=m"(cw), "=m"(top));
    return mxcsr == (id ? 0x7f80 : 0x1f80) && cw == (id ? 0x0f7f : 0x037f) &&
           top == (id ? 0x4000000000000000ul : 0x3ff0000000000000ul);
}

static unsigned long fs_word(void) { unsigned long v; __asm__ volatile("mov %%fs:0, %0" : "=r"(v)); return v; }
static unsigned long gs_word(void) { unsigned long v; __asm__ volatile("mov %%gs:0, %0" : "=r"(v)); return v; }

static void prepare(unsigned id)
{
    unsigned long frames[1] = { virt_to_mfn(gdts[id]) };
    struct physdev_set_iopl iopl = { .iopl = id };

    errors[id] += !!hypercall(set_gdt, frames, 512);
    errors[id] += !!hypercall(set_segment_base, SEGBASE_FS, &bases[id][0]);
    errors[id] += !!hypercall(set_segment_base, SEGBASE_GS_KERNEL, &bases[id][1]);
    errors[id] += !!hypercall(set_debugreg, 0, 0x1000 * (id + 1));
    errors[id] += !!hypercall(physdev_op, PHYSDEVOP_set_iopl, &iopl);
    __asm__ volatile("mov %w0, %%es" : : "r"((5 + id) * 8 + 3));
    control_set(id);
}

static void lap(unsigned id)
{
    uint16_t es;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned long v = 0x1234567800000000ul * (id + 1) + i * 100;

        xmm_fill(v);
        hypercall(sched_op, SCHEDOP_yield);
        errors[id] += !xmm_same(v);
        errors[id] += !control_same(id);
        errors[id] += fs_word() != bases[id][0] || gs_word() != bases[id][1];
        errors[id] += hypercall(get_debugreg, 0) != 0x1000 * (id + 1);
        __asm__ volatile("mov %%es, %0" : "=r"(es));
        errors[id] += es != (5 + id) * 8 + 3;
        switches += !id && done[1] != i;
        done[id]++;
    }
}

static void second(void)
{
    started = 1;
    prepare(1);
    lap(1);
    vcpu_stop();
}

static void in_port(unsigned long port)
{
    uint8_t v;

    __asm__ volatile("inb %%dx, %%al" : "=a"(v) : "d"(port));
}

void test_main(void)
{
    struct trap t;

    if (vcpu_count() < 2)
        test_skip("one vCPU only");
    for (unsigned i = 0; i < 2; i++) {
        gdts[i] = page_alloc();
        gdts[i][5 + i] = 0x00cff3000000ffffull;
        REQUIRE(!page_make_ro(gdts[i]));
        bases[i][0] = 0xf0 + i;
        bases[i][1] = 0x60 + i;
    }
    REQUIRE(!vcpu_start(1, second));
    REQUIRE(wait_for(&started, 1, PATIENT));
    prepare(0);
    lap(0);
    EXPECT_EQUAL(trap_catch(&t, in_port, 0x71), VEC_GP);    /* IOPL is vCPU 1's */
    EXPECT_TRUE(wait_for(&done[1], ROUNDS, PATIENT));
    EXPECT_EQUAL(errors[0], 0);
    EXPECT_EQUAL(errors[1], 0);
    EXPECT_EQUAL(done[0], ROUNDS);
}
