/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest sees of the processor: CPUID by forced emulation against the processor's own, XSAVE as CR4 and XCR0 are set, MSRs that it may
 * and may not touch, speculation controls where CPUID shows them.  Prints all leaves and readable MSRs: run
 * with -v on Xen and on Hospes, the two outputs compare line by line.
 */
#include <xen/sched.h>
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "trap.h"

struct leaf { uint32_t a, b, c, d; };

static struct leaf asked(uint32_t nr, uint32_t sub)
{
    struct leaf l;

    __asm__ volatile(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid"
                     : "=a"(l.a), "=b"(l.b), "=c"(l.c), "=d"(l.d) : "a"(nr), "c"(sub));
    return l;
}

static struct leaf native(uint32_t nr, uint32_t sub)
{
    struct leaf l;

    __asm__ volatile("cpuid" : "=a"(l.a), "=b"(l.b), "=c"(l.c), "=d"(l.d) : "a"(nr), "c"(sub));
    return l;
}

static bool has_subleaves(uint32_t nr)
{
    return nr == 4 || nr == 7 || nr == 0xb || nr == 0xd || nr == 0xf || nr == 0x10 || nr == 0x12 || nr == 0x14 ||
           nr == 0x17 || nr == 0x18 || nr == 0x1d || nr == 0x40000003 || nr == 0x40000004 || nr == 0x8000001d;
}

static void dump_range(uint32_t first, uint32_t last)
{
    for (uint32_t nr = first; nr <= last && nr - first < 0x40; nr++)
        for (uint32_t sub = 0; sub < (has_subleaves(nr) ? 10u : 1u); sub++) {
            struct leaf l = asked(nr, sub);

            if (l.a | l.b | l.c | l.d)
                printf("CPUID %x.%x %08x %08x %08x %08x\n", nr, sub, l.a, l.b, l.c, l.d);
        }
}

/* ---- MSRs ---- */

static uint64_t msr_value;

static void read_msr(unsigned long nr)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"((uint32_t)nr));
    msr_value = (uint64_t)hi << 32 | lo;
}

static void write_msr(unsigned long nr)
{
    __asm__ volatile("wrmsr" : : "c"((uint32_t)nr), "a"((uint32_t)msr_value), "d"((uint32_t)(msr_value >> 32)));
}

static bool msr_reads(uint32_t nr)
{
    struct trap t;

    return trap_catch(&t, read_msr, nr) == VEC_NONE;
}

static bool msr_writes(uint32_t nr, uint64_t value)
{
    struct trap t;

    msr_value = value;
    return trap_catch(&t, write_msr, nr) == VEC_NONE;
}

static void dump_msrs(uint32_t first, uint32_t last)
{
    for (uint32_t nr = first; nr <= last; nr++)
        if (nr != 0x10 && msr_reads(nr)) {
            uint64_t was = msr_value;

            printf("MSR %x %lx%s\n", nr, was, msr_writes(nr, was) ? " writable as it is" : "");
        }
}

#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD  0x49
#define MSR_EFER      0xc0000080
#define MSR_LSTAR     0xc0000082

static void check_msrs(void)
{
    EXPECT_TRUE(msr_reads(MSR_EFER));
    EXPECT_EQUAL(msr_value & 0xd00, 0xd00);             /* LME, LMA, NX */
    EXPECT_TRUE(!msr_reads(0xdeadbeef));
    EXPECT_TRUE(!msr_writes(0x800 + 0x30, 1));          /* the machine's x2APIC: its ICR */
    (void)msr_writes(MSR_LSTAR, (uint64_t)check_msrs);  /* refused or ignored: */
    EXPECT_EQUAL(hypercall(xen_version, 0) >> 16, 4);   /* a hypercall still is one */
}

static void check_spec_ctrl(void)
{
    uint32_t edx = asked(7, 0).d, ebx = asked(0x80000008, 0).b;
    bool has = edx >> 26 & 1 || ebx & (1u << 14 | 1u << 15 | 1u << 24);

    EXPECT_EQUAL(msr_reads(MSR_SPEC_CTRL), has);
    EXPECT_TRUE(!msr_writes(MSR_SPEC_CTRL, 1ul << 63));
    if (edx >> 31 & 1 || ebx >> 24 & 1) {
        EXPECT_TRUE(msr_writes(MSR_SPEC_CTRL, 4));
        hypercall(sched_op, SCHEDOP_yield, NULL);
        EXPECT_TRUE(msr_reads(MSR_SPEC_CTRL));
        EXPECT_EQUAL(msr_value, 4);
        EXPECT_TRUE(msr_writes(MSR_SPEC_CTRL, 0));
    }
    EXPECT_EQUAL(msr_writes(MSR_PRED_CMD, 1), edx >> 26 & 1 || ebx >> 12 & 1);
    EXPECT_TRUE(!msr_writes(MSR_PRED_CMD, 1ul << 40));
}

/* ---- CPUID ---- */

#define E1D_AS_INTEL 0x0183f3ffu /* bits of 80000001.edx that are copies of 1.edx on AMD */

/* Nothing is shown that the processor hasn't. */
static void check_subset(uint32_t nr, uint32_t c_extra, uint32_t d_extra)
{
    struct leaf have = native(nr, 0), l = asked(nr, 0);

    EXPECT_EQUAL(l.c & ~have.c & ~c_extra, 0);
    EXPECT_EQUAL(l.d & ~have.d & ~d_extra, 0);
}

static void check_features(void)
{
    struct leaf l = asked(1, 0), e = asked(0x80000001, 0);

    EXPECT_EQUAL(l.c >> 31, 1);                          /* hypervisor */
    EXPECT_EQUAL(l.c & (1u << 5 | 1u << 6), 0);          /* VMX, SMX */
    EXPECT_EQUAL(l.a, native(1, 0).a);
    check_subset(1, 1u << 31 | 1u << 27, 1u << 28);
    check_subset(0x80000001, 1u << 1, 1u << 11 | E1D_AS_INTEL);
    EXPECT_EQUAL(e.c & 1u << 2, 0);                      /* SVM */
    EXPECT_EQUAL(e.d >> 20 & 1, 1);                      /* NX */
    EXPECT_EQUAL(e.d >> 29 & 1, 1);                      /* long mode */
    if (asked(0, 0).a < 7)
        return;
    EXPECT_EQUAL(asked(7, 0).b & ~native(7, 0).b & ~(1u << 6 | 1u << 13), 0);
    EXPECT_EQUAL(asked(7, 0).b & (1u << 7 | 1u << 20 | 1u << 10), 0); /* SMEP, SMAP, INVPCID: the hypervisor's */
}

static uint64_t cr4_read(void)
{
    uint64_t v;

    __asm__ volatile("mov %%cr4, %0" : "=r"(v));
    return v;
}

static void check_xcr0(uint32_t x, uint32_t min_size)
{
    uint32_t lo, hi;
    struct leaf l;

    __asm__ volatile("xsetbv" : : "a"(x), "d"(0), "c"(0));
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    EXPECT_EQUAL(lo, x);
    EXPECT_EQUAL(hi, 0);
    l = asked(0xd, 0);
    EXPECT_TRUE(l.b >= min_size);
    EXPECT_TRUE(l.b <= l.c);
}

static void bad_xcr0(unsigned long x)
{
    __asm__ volatile("xsetbv" : : "a"((uint32_t)x), "d"((uint32_t)(x >> 32)), "c"(0));
}

static void check_xsave(void)
{
    struct leaf l = asked(0xd, 0);
    struct trap t;

    if (!(asked(1, 0).c >> 26 & 1)) {
        EXPECT_EQUAL(l.a | l.b | l.c | l.d, 0);
        EXPECT_EQUAL(asked(1, 0).c & (1u << 27 | 1u << 28), 0);
        return;
    }
    __asm__ volatile("mov %0, %%cr4" : : "r"(cr4_read() | 1ul << 18));
    EXPECT_EQUAL(asked(1, 0).c >> 27 & 1, 1);
    EXPECT_EQUAL(cr4_read() >> 18 & 1, 1);
    EXPECT_EQUAL(l.a & 3, 3);
    check_xcr0(1, 576);
    check_xcr0(3, 576);
    if (l.a & 4)
        check_xcr0(7, 576 + 256);
    check_xcr0(l.a, 576);
    EXPECT_EQUAL(asked(0xd, 0).b, asked(0xd, 0).c);
    EXPECT_EQUAL(trap_catch(&t, bad_xcr0, 0), VEC_GP);
    EXPECT_EQUAL(trap_catch(&t, bad_xcr0, 2), VEC_GP);
    EXPECT_EQUAL(trap_catch(&t, bad_xcr0, 5), VEC_GP);
    EXPECT_EQUAL(trap_catch(&t, bad_xcr0, 3 | 1ul << 62), VEC_GP);
}

void test_main(void)
{
    printf("features on %s\n", test_on_xen() ? "xen" : "hospes");
    dump_range(0, asked(0, 0).a);
    dump_range(0x40000000, asked(0x40000000, 0).a);
    dump_range(0x80000000, asked(0x80000000, 0).a);
    printf("CR4 %lx\n", cr4_read());
    dump_msrs(0, 0x7ff);
    dump_msrs(0x800, 0xfff);
    dump_msrs(0xc0000080, 0xc0000110);
    dump_msrs(0xc0010000, 0xc0010200);
    dump_msrs(0xc0011000, 0xc0011040);
    check_features();
    check_xsave();
    check_msrs();
    check_spec_ctrl();
}
