/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame is a page table or writable, never both (xen.h, mmu_update's "implicit requirements"): a writable-mapped page can not be pinned or
 * linked as a table, a table can not be mapped writable, both become possible when the other use has ended.  Tables
 * are checked when they are taken into use, whatever they were filled with before.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"

#define VA 0x0000100000000000ul

static void check_pin_writable(void)
{
    void *page = page_alloc();
    unsigned long mfn = virt_to_mfn(page);

    EXPECT_REFUSED(pin(1, mfn));
    EXPECT_REFUSED(pin(4, mfn));
    EXPECT_OK(page_make_ro(page));
    EXPECT_OK(pin(1, mfn));
    EXPECT_REFUSED(page_make_rw(page));
    EXPECT_REFUSED(pin(2, mfn));
    EXPECT_OK(unpin(mfn));
    EXPECT_OK(page_make_rw(page));
    *(volatile long *)page = 1;
}

/* A second writable mapping elsewhere counts as well. */
static void check_alias(void)
{
    void *page = page_alloc();
    unsigned long mfn = virt_to_mfn(page);

    EXPECT_OK(map_page(NULL, VA, mfn, PTE_RW));
    EXPECT_OK(page_make_ro(page));
    EXPECT_REFUSED(pin(1, mfn));
    EXPECT_OK(hypercall(update_va_mapping, VA, pte_make(mfn, PTE_RO), UVMF_INVLPG));
    EXPECT_OK(pin(1, mfn));
    EXPECT_REFUSED(hypercall(update_va_mapping, VA, pte_make(mfn, PTE_RW), UVMF_INVLPG));
    EXPECT_REFUSED(map_page(NULL, VA + PAGE_SIZE, mfn, PTE_RW));
    EXPECT_OK(map_page(NULL, VA + PAGE_SIZE, mfn, PTE_RO));
    EXPECT_OK(unpin(mfn));
}

/* A page table in use through links (not pinned) is protected too, and freed with its last link. */
static void check_linked(void)
{
    uint64_t *l1 = page_alloc();
    unsigned long l2 = pt_entry_maddr(NULL, VA, 2), mfn = virt_to_mfn(l1);
    void *data = page_alloc();

    l1[0] = pte_make(virt_to_mfn(data), PTE_RW);
    EXPECT_REFUSED(pt_write(l2 + 8, pte_make(mfn, PTE_TABLE)));     /* still writable here */
    EXPECT_OK(page_make_ro(l1));
    EXPECT_OK(pt_write(l2 + 8, pte_make(mfn, PTE_TABLE)));
    EXPECT_OK(pt_write(l2 + 16, pte_make(mfn, PTE_TABLE)));         /* linked twice */
    *(volatile long *)(VA + (2ul << 20)) = 5;
    EXPECT_EQUAL(*(volatile long *)(VA + (4ul << 20)), 5);
    EXPECT_EQUAL(*(volatile long *)data, 5);
    EXPECT_REFUSED(page_make_rw(l1));
    EXPECT_REFUSED(pt_write(l2 + 24, pte_make(virt_to_mfn(data), PTE_TABLE)));  /* mapped writable by l1 */
    EXPECT_OK(pt_write(l2 + 8, 0));
    EXPECT_REFUSED(page_make_rw(l1));
    EXPECT_OK(pt_write(l2 + 16, 0));
    EXPECT_OK(page_make_rw(l1));
    EXPECT_OK(page_make_ro(data));
    EXPECT_OK(pin(1, virt_to_mfn(data)));
    EXPECT_OK(unpin(virt_to_mfn(data)));
}

/* A table filled with nonsense is refused as a whole. */
static void check_bad_content(void)
{
    uint64_t *l1 = page_alloc();
    uint64_t *l2 = page_alloc();

    l1[3] = pte_make(virt_to_mfn(page_alloc()), PTE_RW);
    l1[511] = pte_make(0xffffffffful, PTE_RO);
    EXPECT_OK(page_make_ro(l1));
    EXPECT_REFUSED(pin(1, virt_to_mfn(l1)));
    l2[0] = pte_make(virt_to_mfn(l1), PTE_TABLE);
    EXPECT_OK(page_make_ro(l2));
    EXPECT_REFUSED(pin(2, virt_to_mfn(l2)));
    EXPECT_OK(page_make_rw(l1));
    l1[511] = 0xfff0;                           /* not present: any content */
    EXPECT_OK(page_make_ro(l1));
    EXPECT_OK(pin(2, virt_to_mfn(l2)));
    EXPECT_REFUSED(page_make_rw(l1));
    EXPECT_OK(unpin(virt_to_mfn(l2)));
    EXPECT_OK(page_make_rw(l1));
    /* A table that maps itself writable. */
    l1[7] = pte_make(virt_to_mfn(l1), PTE_RW);
    EXPECT_OK(page_make_ro(l1));
    EXPECT_REFUSED(pin(1, virt_to_mfn(l1)));
    EXPECT_OK(page_make_rw(l1));
    l1[7] = pte_make(virt_to_mfn(l1), PTE_RO);
    EXPECT_OK(page_make_ro(l1));
    EXPECT_OK(pin(1, virt_to_mfn(l1)));
    EXPECT_OK(unpin(virt_to_mfn(l1)));
    EXPECT_OK(page_make_rw(l1));
}

/* The wrong level below: an L2 entry that names an L2 table, an L4 entry that names an L1. */
static void check_levels(void)
{
    uint64_t *l1 = page_alloc();
    uint64_t *l2 = page_alloc();
    unsigned long e2 = pt_entry_maddr(NULL, VA, 2), e4 = virt_to_maddr(&pt_root()[100]);

    EXPECT_OK(page_make_ro(l1));
    EXPECT_OK(page_make_ro(l2));
    EXPECT_OK(pin(1, virt_to_mfn(l1)));
    EXPECT_OK(pin(2, virt_to_mfn(l2)));
    EXPECT_REFUSED(pt_write(e2 + 8, pte_make(virt_to_mfn(l2), PTE_TABLE)));
    EXPECT_REFUSED(pt_write(e4, pte_make(virt_to_mfn(l1), PTE_TABLE)));
    EXPECT_REFUSED(pt_write(e4, pte_make(virt_to_mfn(l2), PTE_TABLE)));
    EXPECT_OK(pt_write(virt_to_maddr(l2), pte_make(virt_to_mfn(l1), PTE_TABLE)));
    EXPECT_OK(unpin(virt_to_mfn(l1)));
    EXPECT_REFUSED(page_make_rw(l1));
    EXPECT_OK(unpin(virt_to_mfn(l2)));
    EXPECT_OK(page_make_rw(l1));
    EXPECT_OK(page_make_rw(l2));
}

void test_main(void)
{
    check_pin_writable();
    check_alias();
    check_linked();
    check_bad_content();
    check_levels();
}
