/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel that wants to live low (VIRT_BASE 0x10000000, not on a 1 GB border): the boot layout holds there as well. */
/* link: -Wl,--defsym=virt_base=0x10000000 */
#include "boot.h"
#include "check.h"
#include "mem.h"
#include "trap.h"

void test_main(void)
{
    unsigned long wrong = 0;
    struct trap t;

    EXPECT_EQUAL(VIRT_BASE, 0x10000000);
    EXPECT_TRUE((unsigned long)start_info > VIRT_BASE && (unsigned long)start_info < VIRT_BASE + (64ul << 20));
    EXPECT_TRUE(start_info->pt_base > (unsigned long)start_info);
    EXPECT_TRUE(start_info->mfn_list > VIRT_BASE);
    for (unsigned long va = VIRT_BASE + 0x100000; va < boot_regs.rsp; va += PAGE_SIZE)
        if (va != (unsigned long)&shared_info)
            wrong += (*pt_entry(NULL, va, 1) & PTE_ADDR) >> PAGE_SHIFT != virt_to_mfn((void *)va);
    EXPECT_EQUAL(wrong, 0);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, UNMAPPED), VEC_PF);
    EXPECT_OK(map_page(NULL, 0xffffffff90000000ul, virt_to_mfn(page_alloc()), PTE_RW));
    *(volatile long *)0xffffffff90000000ul = 5;
    EXPECT_EQUAL(*(volatile long *)0xffffffff90000000ul, 5);
}
