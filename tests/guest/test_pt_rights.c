/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rights in the upper levels count as on the bare machine: W clear or NX set in an L2, L3 or L4 entry withholds writing or execution below it; changing
 * them back gives it again; accessed bits appear.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"

#define VA 0x0000100000000000ul

static void check_level(int level)
{
    uint64_t *e = pt_entry(NULL, VA, level);
    unsigned long ma = virt_to_maddr(e), full = *e;
    struct trap t;

    EXPECT_OK(pt_write(ma, full & ~PTE_W));
    EXPECT_OK(mmuext_one(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
    EXPECT_EQUAL(trap_catch(&t, insn_write8, VA + 100), VEC_PF);
    EXPECT_EQUAL(t.regs.error, 3);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, VA + 100), VEC_NONE);
    EXPECT_OK(pt_write(ma, full | PTE_NX));
    EXPECT_OK(mmuext_one(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
    EXPECT_EQUAL(trap_catch(&t, insn_write8, VA + 100), VEC_NONE);
    EXPECT_EQUAL(trap_catch(&t, insn_call, VA), VEC_PF);
    EXPECT_EQUAL(t.regs.error & 0x11, 0x11);
    EXPECT_OK(pt_write(ma, full & ~PTE_A));
    EXPECT_OK(mmuext_one(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
    EXPECT_EQUAL(trap_catch(&t, insn_call, VA), VEC_NONE);
    EXPECT_EQUAL(*e & PTE_A, PTE_A);
    EXPECT_OK(pt_write(ma, full & ~PTE_P));
    EXPECT_OK(mmuext_one(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
    EXPECT_EQUAL(trap_catch(&t, insn_read8, VA), VEC_PF);
    EXPECT_EQUAL(t.regs.error, 0);
    EXPECT_OK(pt_write(ma, full));
    EXPECT_EQUAL(trap_catch(&t, insn_read8, VA), VEC_NONE);
}

void test_main(void)
{
    uint8_t *code = page_alloc();

    code[0] = 0xc3; /* ret */
    REQUIRE(!map_page(NULL, VA, virt_to_mfn(code), PTE_RW));
    for (int level = 1; level <= 4; level++)
        check_level(level);
}
