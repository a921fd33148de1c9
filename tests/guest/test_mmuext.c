/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmuext_op's flushes, cache operations and page operations (xen.h): TLB_FLUSH_* and INVLPG_* with local, multi and all;
 * FLUSH_CACHE(_GLOBAL); CLEAR_PAGE and COPY_PAGE, refused on page tables and on frames that are not ours;
 * MARK_SUPER and UNMARK_SUPER answered as absent.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"

#define VA 0x0000100000000000ul

static unsigned long *a, *b;

static long flush(unsigned cmd, unsigned long va, const void *mask)
{
    struct mmuext_op op = { .cmd = cmd };

    op.arg1.linear_addr = va;
    set_xen_guest_handle(op.arg2.vcpumask, mask);
    return hypercall(mmuext_op, &op, 1, NULL, DOMID_SELF);
}

static void check_one(unsigned cmd, const void *mask)
{
    unsigned long pte = pt_entry_maddr(NULL, VA, 1);

    EXPECT_OK(pt_write(pte, pte_make(virt_to_mfn(a), PTE_RW)));
    EXPECT_OK(flush(cmd, VA, mask));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaaa);
    EXPECT_OK(pt_write(pte, pte_make(virt_to_mfn(b), PTE_RW)));
    EXPECT_OK(flush(cmd, VA, mask));
    EXPECT_EQUAL(*(volatile long *)VA, 0xbbbb);
}

static void check_flushes(void)
{
    static unsigned long self[2] = { 1, 0 }, many[2] = { ~0ul, ~0ul };

    check_one(MMUEXT_TLB_FLUSH_LOCAL, NULL);
    check_one(MMUEXT_TLB_FLUSH_MULTI, self);
    check_one(MMUEXT_TLB_FLUSH_MULTI, many);
    check_one(MMUEXT_TLB_FLUSH_ALL, NULL);
    check_one(MMUEXT_INVLPG_LOCAL, NULL);
    check_one(MMUEXT_INVLPG_MULTI, self);
    check_one(MMUEXT_INVLPG_MULTI, many);
    check_one(MMUEXT_INVLPG_ALL, NULL);
    EXPECT_REFUSED(flush(MMUEXT_TLB_FLUSH_MULTI, 0, (void *)UNMAPPED));
    EXPECT_REFUSED(flush(MMUEXT_INVLPG_MULTI, VA, (void *)UNMAPPED));
    /* Flushing an address we do not have is harmless. */
    (void)flush(MMUEXT_INVLPG_LOCAL, HV_PRIVATE, NULL);
    (void)flush(MMUEXT_INVLPG_LOCAL, NONCANON, NULL);
    EXPECT_OK(flush(MMUEXT_FLUSH_CACHE, 0, NULL));
    EXPECT_OK(flush(MMUEXT_FLUSH_CACHE_GLOBAL, 0, NULL));
}

static void check_clear_copy(void)
{
    unsigned long *x = page_alloc(), *y = page_alloc();
    unsigned long far = pfn_to_mfn(pfn_alloc()), bad = 0;

    for (int i = 0; i < 512; i++)
        x[i] = (unsigned long)i * 3 + 1;
    EXPECT_OK(mmuext_one(MMUEXT_COPY_PAGE, virt_to_mfn(y), virt_to_mfn(x)));
    EXPECT_EQUAL(memcmp(x, y, PAGE_SIZE), 0);
    EXPECT_OK(mmuext_one(MMUEXT_CLEAR_PAGE, virt_to_mfn(x), 0));
    for (int i = 0; i < 512; i++)
        bad |= x[i];
    EXPECT_EQUAL(bad, 0);
    /* Pages without a mapping. */
    EXPECT_OK(mmuext_one(MMUEXT_COPY_PAGE, far, virt_to_mfn(y)));
    EXPECT_OK(mmuext_one(MMUEXT_COPY_PAGE, virt_to_mfn(x), far));
    EXPECT_EQUAL(memcmp(x, y, PAGE_SIZE), 0);
}

static void check_page_refusals(void)
{
    unsigned long mfn = virt_to_mfn(page_alloc()), table = virt_to_mfn(pt_root());

    EXPECT_REFUSED(mmuext_one(MMUEXT_CLEAR_PAGE, table, 0));
    EXPECT_REFUSED(mmuext_one(MMUEXT_COPY_PAGE, table, mfn));
    EXPECT_OK(mmuext_one(MMUEXT_COPY_PAGE, mfn, table));    /* reading a table is fine */
    EXPECT_REFUSED(mmuext_one(MMUEXT_CLEAR_PAGE, 0xffffffffful, 0));
    EXPECT_REFUSED(mmuext_one(MMUEXT_CLEAR_PAGE, ~0ul, 0));
    EXPECT_REFUSED(mmuext_one(MMUEXT_COPY_PAGE, mfn, ~0ul));
    EXPECT_REFUSED(mmuext_one(MMUEXT_COPY_PAGE, ~0ul, mfn));
    EXPECT_REFUSED(mmuext_one(MMUEXT_MARK_SUPER, mfn & ~511ul, 0));
    EXPECT_REFUSED(mmuext_one(MMUEXT_UNMARK_SUPER, mfn & ~511ul, 0));
}

void test_main(void)
{
    a = page_alloc();
    b = page_alloc();
    *a = 0xaaaa;
    *b = 0xbbbb;
    REQUIRE(!map_page(NULL, VA, virt_to_mfn(a), PTE_RW));
    check_flushes();
    check_clear_copy();
    check_page_refusals();
}
