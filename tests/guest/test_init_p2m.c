/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XEN_ELFNOTE_INIT_P2M (elfnote.h): the list of frames is mapped where the note says, outside the boot mapping, and its own frames are told in
 * first_p2m_pfn and nr_p2m_frames.
 */
#include "boot.h"
#include "check.h"
#include "mem.h"

#define P2M 0xffffea0000000000ul

__asm__(".pushsection .note.xen, \"a\", @note\n.balign 4\n.long 4, 8, 15\n.asciz \"Xen\"\n.quad 0xffffea0000000000\n.popsection\n");

void test_main(void)
{
    unsigned long bad = 0, pages = (start_info->nr_pages * 8 + PAGE_SIZE - 1) / PAGE_SIZE;

    EXPECT_EQUAL(start_info->mfn_list, P2M);
    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
        bad += mfn_to_pfn(pfn_to_mfn(pfn)) != pfn;
    EXPECT_EQUAL(bad, 0);
    EXPECT_TRUE(start_info->nr_p2m_frames >= pages);
    EXPECT_TRUE(start_info->first_p2m_pfn + start_info->nr_p2m_frames <= start_info->nr_pages);
    EXPECT_TRUE(start_info->first_p2m_pfn > virt_to_pfn((void *)boot_regs.rsp));
    /* The list is ours to change. */
    *(volatile unsigned long *)P2M = *(volatile unsigned long *)P2M;
    EXPECT_EQUAL(mfn_to_pfn(pfn_to_mfn(0)), 0);
}
