/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XEN_ELFNOTE_MOD_START_PFN (elfnote.h): the hypervisor may hand over the ramdisk unmapped, by its first pfn (SIF_MOD_START_PFN says whether it
 * did); the content is there in either case.
 */
/* module: The quick brown fox jumps over the lazy dog. */
#include "boot.h"
#include "check.h"
#include "mem.h"

#define VA 0x0000100000000000ul

__asm__(".pushsection .note.xen, \"a\", @note\n.balign 4\n.long 4, 4, 16\n.asciz \"Xen\"\n.long 1\n.popsection\n");

void test_main(void)
{
    static const char text[] = "The quick brown fox jumps over the lazy dog.";
    const char *mod = (const char *)start_info->mod_start;

    EXPECT_EQUAL(start_info->mod_len, sizeof(text) - 1);
    if (start_info->flags & SIF_MOD_START_PFN) {
        REQUIRE(start_info->mod_start < start_info->nr_pages);
        EXPECT_EQUAL(mfn_to_pfn(pfn_to_mfn(start_info->mod_start)), start_info->mod_start);
        REQUIRE(!map_page(NULL, VA, pfn_to_mfn(start_info->mod_start), PTE_RW));
        mod = (const char *)VA;
    }
    EXPECT_EQUAL(memcmp(mod, text, sizeof(text) - 1), 0);
}
