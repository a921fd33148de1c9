/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Traps that only 32-bit code has: into (#OF), bound (#BR), int $3 in two bytes. */
/* not-bochs: its #BR asks for the privilege level of the gate, as only int n should (SDM3 6.12.1.1) */
#include "check.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_into, ".code32; mov $0x7fffffff, %eax; add $1, %eax; into; ud2; .code64");
USER_ASM(user_bound, ".code32; mov $5, %eax; bound %eax, 0x410000; ud2; .code64");
USER_ASM(user_int3, ".code32; .byte 0xcd, 3; ud2; .code64");
USER_ASM(user_int3_64, ".byte 0xcd, 3; ud2");

static struct regs r;

static int run(const char *start, const char *end)
{
    user_code_set(start, end);
    user_regs32(&r);
    return user_run(&r);
}

void test_main(void)
{
    user_init();
    EXPECT_OK(trap_gate(VEC_OF, 3));
    EXPECT_OK(trap_gate(VEC_BP, 3));
    EXPECT_EQUAL(run(user_into, user_into_end), VEC_OF);
    EXPECT_EQUAL(r.rip, USER_CODE + 5 + 3 + 1);
    EXPECT_EQUAL(REGS_CS(&r), FLAT_USER_CS32);
    ((int32_t *)user_data)[0] = 10;
    ((int32_t *)user_data)[1] = 20;
    EXPECT_EQUAL(run(user_bound, user_bound_end), VEC_BR);
    EXPECT_EQUAL(r.rip, USER_CODE + 5);
    EXPECT_EQUAL(run(user_int3, user_int3_end), VEC_BP);
    EXPECT_EQUAL(r.rip, USER_CODE + 2);
    user_code_set(user_int3_64, user_int3_64_end);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rip, USER_CODE + 2);
}
