/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The initial ramdisk (xen.h, start-of-day memory layout 3b): mapped behind the image, content and length as given. */
/* module: The quick brown fox jumps over the lazy dog. */
#include "boot.h"
#include "check.h"
#include "mem.h"

void test_main(void)
{
    static const char text[] = "The quick brown fox jumps over the lazy dog.";
    const char *mod = (const char *)start_info->mod_start;

    EXPECT_EQUAL(start_info->flags & SIF_MOD_START_PFN, 0);
    EXPECT_EQUAL(start_info->mod_len, sizeof(text) - 1);
    EXPECT_EQUAL(start_info->mod_start & ~PAGE_MASK, 0);
    REQUIRE(start_info->mod_start >= (unsigned long)guest_end && start_info->mod_start < (unsigned long)start_info);
    EXPECT_EQUAL(memcmp(mod, text, sizeof(text) - 1), 0);
    *(volatile char *)start_info->mod_start = 't';
    EXPECT_EQUAL(mod[0], 't');
    EXPECT_TRUE(start_info->mfn_list > start_info->mod_start);
    EXPECT_EQUAL(mfn_to_pfn(virt_to_mfn(mod)), virt_to_pfn(mod));
}
