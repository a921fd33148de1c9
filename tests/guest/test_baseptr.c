/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMUEXT_NEW_BASEPTR (xen.h): run on another L4, pinned or not; the L4 in use is held and released with the switch away; a
 * frame that can not be an L4 is refused and the old one stays.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"

#define VA 0x0000100000000000ul

/* An L4 with our kernel half, and its own view of VA. */
static uint64_t *l4_copy(unsigned long value)
{
    uint64_t *l4 = page_alloc();
    unsigned long *page = page_alloc();

    *page = value;
    for (int i = 0; i < 512; i++)
        if (i >= 272)
            l4[i] = pt_root()[i];
    EXPECT_OK(page_make_ro(l4));
    EXPECT_OK(pin(4, virt_to_mfn(l4)));
    EXPECT_OK(map_page(l4, VA, virt_to_mfn(page), PTE_RW));
    return l4;
}

static void check_switch(void)
{
    uint64_t *a = l4_copy(0xaaa), *b = l4_copy(0xbbb);

    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(a), 0));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaa);
    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(b), 0));
    EXPECT_EQUAL(*(volatile long *)VA, 0xbbb);
    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(a), 0));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaa);
    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(a), 0));   /* the one in use */
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaa);
    /* Unpinned while in use: stays. */
    EXPECT_OK(unpin(virt_to_mfn(a)));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaa);
    EXPECT_REFUSED(page_make_rw(a));
    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(pt_root()), 0));
    EXPECT_OK(page_make_rw(a));
    /* Never pinned: validated by the switch. */
    a[256] = 0;
    EXPECT_OK(page_make_ro(a));
    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(a), 0));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaa);
    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(pt_root()), 0));
    EXPECT_OK(page_make_rw(a));
    EXPECT_OK(unpin(virt_to_mfn(b)));
}

/* An entry changed in an L4 that is in use is in force at once after a flush. */
static void check_change_in_use(void)
{
    uint64_t *a = l4_copy(0x123);
    unsigned long entry = a[VA >> 39 & 511];

    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(a), 0));
    EXPECT_OK(pt_write(virt_to_maddr(&a[60]), entry));
    EXPECT_EQUAL(*(volatile long *)(60ul << 39), 0x123);
    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(pt_root()), 0));
}

static void check_refusals(void)
{
    void *page = page_alloc();
    uint64_t *l1 = page_alloc();
    unsigned long before = *(volatile unsigned long *)page;

    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(page), 0));       /* writable */
    EXPECT_OK(page_make_ro(l1));
    EXPECT_OK(pin(1, virt_to_mfn(l1)));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(l1), 0));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, 0xffffffffful, 0));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, ~0ul, 0));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_BASEPTR, 0xb8, 0));
    EXPECT_EQUAL(*(volatile unsigned long *)page, before);
}

/* The table that is in use already: as a load of CR3, it forgets translations. */
static void check_same(void)
{
    unsigned long *a = page_alloc(), *b = page_alloc(), va = 0x0000120000000000ul;

    *a = 0xaaa;
    *b = 0xbbb;
    REQUIRE(!map_page(NULL, va, virt_to_mfn(a), PTE_RW));
    EXPECT_EQUAL(*(volatile unsigned long *)va, 0xaaa);
    EXPECT_OK(pt_write(pt_entry_maddr(NULL, va, 1), pte_make(virt_to_mfn(b), PTE_RW)));
    EXPECT_OK(mmuext_one(MMUEXT_NEW_BASEPTR, virt_to_mfn(pt_root()), 0));
    EXPECT_EQUAL(*(volatile unsigned long *)va, 0xbbb);
}

void test_main(void)
{
    check_same();
    check_switch();
    check_change_in_use();
    check_refusals();
}
