/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Software interrupts (arch-x86/xen.h, struct trap_info): the gate's privilege level says who may use `int n`: 0 nobody, 1 and 2
 * the kernel, 3 everybody; refused ones are #GP with the IDT error code.  RIP in the frame is behind the instruction, no error code.
 * QEMU 7.2 doubles the vector in its error codes, and Xen believes the error code, so on Xen only int $0x80 is
 * looked at; and there Xen does not look at the gate's privilege level.
 */
#include "check.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_int20, "int $0x20; ud2");
USER_ASM(user_int80, "int $0x80; ud2");
USER_ASM(user_int81, "int $0x81; ud2");

static void int20(unsigned long a) { (void)a; __asm__ volatile("int $0x20"); }
static void int80(unsigned long a) { (void)a; __asm__ volatile("int $0x80"); }

static int user(const char *start, const char *end, struct regs *r)
{
    user_code_set(start, end);
    user_regs(r);
    return user_run(r);
}

static void check_80(void)
{
    struct trap t;
    struct regs r;

    EXPECT_OK(trap_gate(0x80, 3));
    EXPECT_EQUAL(trap_catch(&t, int80, 0), 0x80);
    EXPECT_EQUAL(*(uint16_t *)(t.regs.rip - 2), 0x80cd);
    EXPECT_EQUAL(user(user_int80, user_int80_end, &r), 0x80);
    EXPECT_EQUAL(r.rip, USER_CODE + 2);
    EXPECT_EQUAL(REGS_CS(&r), FLAT_USER_CS64);
    if (test_on_xen())
        return;
    EXPECT_OK(trap_gate(0x80, 0));
    EXPECT_EQUAL(trap_catch(&t, int80, 0), VEC_GP);
    EXPECT_EQUAL(t.regs.error, 0x80 * 8 + 2);
    EXPECT_EQUAL(user(user_int80, user_int80_end, &r), VEC_GP);
    EXPECT_EQUAL(r.error, 0x80 * 8 + 2);
    EXPECT_EQUAL(r.rip, USER_CODE);
    EXPECT_OK(trap_gate(0x80, 1));
    EXPECT_EQUAL(trap_catch(&t, int80, 0), 0x80);
    EXPECT_EQUAL(user(user_int80, user_int80_end, &r), VEC_GP);
    /* The gate's mask flag. */
    EXPECT_OK(trap_gate(0x80, 3 | 4));
    EXPECT_EQUAL(trap_catch(&t, int80, 0), 0x80);
    EXPECT_EQUAL(t.mask, 1);
}

static void check_20(void)
{
    struct trap t;
    struct regs r;

    for (unsigned dpl = 0; dpl < 4; dpl++) {
        EXPECT_OK(trap_gate(0x20, (uint8_t)dpl));
        EXPECT_EQUAL(trap_catch(&t, int20, 0), dpl ? 0x20 : VEC_GP);
        if (dpl)
            EXPECT_EQUAL(*(uint16_t *)(t.regs.rip - 2), 0x20cd);
        EXPECT_EQUAL(user(user_int20, user_int20_end, &r), dpl == 3 ? 0x20 : VEC_GP);
        EXPECT_EQUAL(r.rip, USER_CODE + (dpl == 3 ? 2 : 0));
        if (dpl != 3)
            EXPECT_EQUAL(r.error, 0x20 * 8 + 2);
    }
    EXPECT_EQUAL(user(user_int81, user_int81_end, &r), VEC_GP);
    EXPECT_EQUAL(r.error, 0x81 * 8 + 2);
}

void test_main(void)
{
    user_init();
    check_80();
    if (test_on_xen())
        return;
    check_20();
}
