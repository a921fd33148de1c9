/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dom0_mem=: a bigger dom0 on a bigger machine gets what was asked for, each frame once, and all of it usable. */
/* hv: dom0_mem=700M,max:900M */
/* qemu: -m 1024 */
#include <xen/memory.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"

#define VA 0x0000100000000000ul

void test_main(void)
{
    struct xen_memory_domain d = { .domid = DOMID_SELF };
    unsigned long bad = 0, pages = 700ul << 8;

    EXPECT_EQUAL(start_info->nr_pages, pages);
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_current_reservation, &d), pages);
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_maximum_reservation, &d), 900ul << 8);
    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
        bad += mfn_to_pfn(pfn_to_mfn(pfn)) != pfn;
    EXPECT_EQUAL(bad, 0);
    REQUIRE(!map_page(NULL, VA, 0, 0));
    for (unsigned long pfn = 1024; pfn < start_info->nr_pages; pfn += 997) {
        if (hypercall(update_va_mapping, VA, pte_make(pfn_to_mfn(pfn), PTE_RW), UVMF_INVLPG)) {
            bad++;
            continue;
        }
        *(volatile unsigned long *)VA = pfn;
        bad += *(volatile unsigned long *)VA != pfn;
    }
    EXPECT_EQUAL(bad, 0);
}
