/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Alignment checks: a process with EFLAGS.AC gets #AC (error code 0) for a misaligned access, and the flag is in the
 * frame; its kernel's handler runs without a check; without the flag nothing.  QEMU's TCG has none: there the test is
 * skipped (run it with --bochs).
 */
#include "check.h"
#include "trap.h"
#include "user.h"

#define AC 0x40000ul

USER_ASM(user_load, "mov $0x410001, %eax; mov (%rax), %ecx; int3");

static bool is_tcg(void)
{
    uint32_t a = 0x40000000, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return b == 0x54474354; /* "TCGT" */
}

static volatile bool loaded;
static uint8_t bytes[16] __attribute__((aligned(16)));

static bool on_ac(struct regs *r)
{
    (void)r;
    (void)*(volatile uint32_t *)(bytes + 1); /* the flag is off in the handler, or this would nest */
    loaded = true;
    return false;
}

void test_main(void)
{
    struct regs r;

    if (is_tcg())
        test_skip("this emulator checks no alignment");
    user_init();
    USER_CODE_SET(user_load);
    trap_handle(VEC_AC, on_ac);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    user_regs(&r);
    r.rflags |= AC;
    EXPECT_EQUAL(user_run(&r), VEC_AC);
    EXPECT_TRUE(loaded);
    EXPECT_EQUAL(r.error, 0);
    EXPECT_EQUAL(r.rip, USER_CODE + 5);
    EXPECT_EQUAL(r.rflags & AC, AC);
}
