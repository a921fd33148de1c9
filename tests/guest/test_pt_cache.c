/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cacheability: an L1 entry that maps the guest's memory may have any of PAT's types; an entry that leads to a table, and one that
 * maps a frame of the hypervisor's, only the common one.  Memory that was written past the caches can be a page table later.
 */
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"

#define VA  0x0000100000000000ul
#define PWT 0x008ul
#define PCD 0x010ul
#define PAT 0x080ul /* of an L1 entry */

static void check_memory(uint64_t *page)
{
    uint64_t *e = pt_entry(NULL, VA, 1), ma = virt_to_maddr(e), mfn = virt_to_mfn(page);

    for (unsigned kind = 0; kind < 6; kind++) {
        uint64_t bits = (kind & 1 ? PWT : 0) | (kind & 2 ? PCD : 0) | (kind & 4 ? PAT : 0);

        if (!EXPECT_OK(pt_write(ma, pte_make(mfn, PTE_RW) | bits)))
            continue;
        EXPECT_EQUAL(*e & (PWT | PCD | PAT), bits);
        EXPECT_OK(mmuext_one(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
        *(volatile uint64_t *)VA = 0x1234 + kind;
        EXPECT_EQUAL(*(volatile uint64_t *)page, 0x1234 + kind);
    }
    EXPECT_OK(pt_write(ma, 0));
}

/* Written without caches, then a table: what is checked is what was written. */
static void check_table(uint64_t *page)
{
    uint64_t ma = virt_to_maddr(pt_entry(NULL, VA, 1)), mfn = virt_to_mfn(page);

    for (int bad = 0; bad < 2; bad++) {
        EXPECT_OK(pt_write(ma, pte_make(mfn, PTE_RW) | PCD | PWT));
        EXPECT_OK(mmuext_one(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
        *(volatile uint64_t *)VA = bad ? pte_make(mfn, PTE_RW) : 0;
        EXPECT_OK(pt_write(ma, 0));
        EXPECT_OK(page_make_ro(page));
        if (bad) {
            EXPECT_REFUSED(pin(1, mfn));
        } else {
            EXPECT_OK(pin(1, mfn));
            EXPECT_OK(unpin(mfn));
        }
        EXPECT_OK(page_make_rw(page));
        *(volatile uint64_t *)page = 0;
    }
}

static void check_others(void)
{
    uint64_t ma = virt_to_maddr(pt_entry(NULL, VA, 1)), shared = start_info->shared_info >> 12, l2;

    EXPECT_OK(pt_write(ma, pte_make(shared, PTE_RW)));
    EXPECT_OK(pt_write(ma, 0));
    EXPECT_ERR(pt_write(ma, pte_make(shared, PTE_RW) | PCD), EACCES);
    EXPECT_ERR(pt_write(ma, pte_make(shared, PTE_RO) | PWT), EACCES);
    EXPECT_OK(pt_write(ma, pte_make(shared, PTE_RW)));
    EXPECT_ERR(pt_write(ma, pte_make(shared, PTE_RW) | PCD), EACCES);
    EXPECT_OK(pt_write(ma, 0));
    l2 = *pt_entry(NULL, VA, 2);
    EXPECT_REFUSED(pt_write(virt_to_maddr(pt_entry(NULL, VA, 2)), l2 | PCD));
    EXPECT_REFUSED(pt_write(virt_to_maddr(pt_entry(NULL, VA, 2)), l2 | PWT));
}

void test_main(void)
{
    uint64_t *page = page_alloc();

    REQUIRE(!map_page(NULL, VA, virt_to_mfn(page), PTE_RW));
    check_memory(page);
    check_table(page);
    check_others();
}
