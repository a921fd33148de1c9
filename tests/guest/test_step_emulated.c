/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single-stepping over instructions that the hypervisor carries out: one #DB behind each, as on a machine, with DR6.BS;
 * for the forced-emulation prefix, MSRs, control registers, ports (also in user mode), and a hypercall.  And a page
 * fault of a stepped instruction comes alone.
 */
#include <xen/physdev.h>
#include <xen/version.h>
#include "check.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

#define DR6_BS 0x4000ul

USER_ASM(user_in, "mov $0x0d, %al; out %al, $0x70; in $0x71, %al; nop; ud2");

static volatile unsigned hits;
static volatile unsigned long rips[16];
static volatile unsigned long bs = DR6_BS;

static bool on_db(struct regs *r)
{
    if (hits < 16)
        rips[hits] = r->rip;
    hits++;
    bs &= (unsigned long)hypercall(get_debugreg, 6);
    EXPECT_OK(hypercall(set_debugreg, 6, 0));
    r->rflags &= ~FLAG_TF;
    return true;
}

/* One instruction with TF set before it: the trap comes behind it. */
#define STEP(insn, ...)                                                                        \
    ({                                                                                         \
        unsigned long behind_;                                                                 \
                                                                                               \
        hits = 0;                                                                              \
        __asm__ volatile("lea 2f(%%rip), %[b]; pushfq; orq $0x100, (%%rsp); popfq; " insn "; 2: nop" \
                         : [b] "=&r"(behind_) : __VA_ARGS__ : "rax", "rcx", "rdx", "rbx", "memory", "cc"); \
        EXPECT_EQUAL(hits, 1);                                                                 \
        EXPECT_EQUAL(rips[0], behind_);                                                        \
    })

static void check_kernel(void)
{
    static const uint32_t efer = 0xc0000080;
    struct physdev_set_iopl iopl = { .iopl = 1 };

    STEP("nop", "i"(0));
    STEP(".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2", "i"(0)); /* forced cpuid */
    STEP("mov %%cr0, %%rax", "i"(0));
    STEP("mov %%db7, %%rax", "i"(0));
    __asm__ volatile("" : : : "memory");
    hits = 0;
    {
        uint32_t lo, hi;

        __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; rdmsr; nop" : "=a"(lo), "=d"(hi) : "c"(efer) : "cc");
        EXPECT_EQUAL(hits, 1);
        EXPECT_TRUE(lo & 1);
        (void)hi;
    }
    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_set_iopl, &iopl));
    STEP("in $0x71, %%al", "i"(0));
    EXPECT_EQUAL(bs, DR6_BS);
}

static void check_user(void)
{
    static const unsigned ends[] = { 2, 4, 6, 7 };
    struct physdev_set_iopl iopl = { .iopl = 3 };
    struct regs r;

    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_set_iopl, &iopl));
    trap_handle(VEC_DB, NULL);
    user_init();
    USER_CODE_SET(user_in);
    user_regs(&r);
    for (unsigned i = 0; i < 4; i++) {
        r.rflags |= FLAG_TF;
        EXPECT_EQUAL(user_run(&r), VEC_DB);
        EXPECT_EQUAL(r.rip, USER_CODE + ends[i]);
    }
    EXPECT_EQUAL(r.rax & 0xff, 0x80);
}

static void fault(unsigned long va)
{
    __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; mov (%0), %%al; nop" : : "r"(va) : "rax", "memory", "cc");
}

void test_main(void)
{
    struct trap t;

    trap_handle(VEC_DB, on_db);
    check_kernel();
    hits = 0;
    EXPECT_EQUAL(trap_catch(&t, fault, UNMAPPED), VEC_PF);
    EXPECT_EQUAL(hits, 0);
    __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" : : : "cc", "memory");
    check_user();
}
