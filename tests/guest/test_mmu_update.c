/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmu_update (xen.h), the good cases: normal update, preserve-A/D, no-translate, machphys; several at once; the done
 * count; not-present entries of any content; the guest's available bits are kept.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"

#define VA 0x0000100000000000ul
#define AVAIL 0xe00ul

static unsigned long *a, *b;
static unsigned long pte;

static void setup(void)
{
    a = page_alloc();
    b = page_alloc();
    a[0] = 0xaaaa;
    b[0] = 0xbbbb;
    REQUIRE(!map_page(NULL, VA, virt_to_mfn(a), PTE_RW));
    pte = pt_entry_maddr(NULL, VA, 1);
    REQUIRE(pte);
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaaa);
}

static void check_normal(void)
{
    struct trap t;

    EXPECT_OK(pt_write(pte, pte_make(virt_to_mfn(b), PTE_RW)));
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, VA, 0));
    EXPECT_EQUAL(*(volatile long *)VA, 0xbbbb);
    EXPECT_OK(pt_write(pte, 0));
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, VA, 0));
    EXPECT_EQUAL(trap_catch(&t, insn_read8, VA), VEC_PF);
    /* Without the present bit any content goes. */
    EXPECT_OK(pt_write(pte, 0xdeadbeefcafef00eul));
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1), 0xdeadbeefcafef00eul);
    EXPECT_OK(pt_write(pte, pte_make(virt_to_mfn(a), PTE_RW | AVAIL)));
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1) & AVAIL, AVAIL);
}

static void check_preserve(void)
{
    EXPECT_OK(pt_write(pte, pte_make(virt_to_mfn(a), PTE_P | PTE_W | PTE_U)));
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, VA, 0));
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1) & (PTE_A | PTE_D), 0);
    *(volatile long *)VA = 0xaaaa;
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1) & (PTE_A | PTE_D), PTE_A | PTE_D);
    EXPECT_OK(pt_write_cmd(pte, pte_make(virt_to_mfn(a), PTE_P | PTE_U), MMU_PT_UPDATE_PRESERVE_AD));
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1) & (PTE_A | PTE_D | PTE_W), PTE_A | PTE_D);
    EXPECT_OK(pt_write(pte, pte_make(virt_to_mfn(a), PTE_P | PTE_U)));
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1) & (PTE_A | PTE_D), 0);
    EXPECT_OK(pt_write_cmd(pte, pte_make(virt_to_mfn(b), PTE_RO), MMU_PT_UPDATE_NO_TRANSLATE));
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, VA, 0));
    EXPECT_EQUAL(*(volatile long *)VA, 0xbbbb);
}

static void check_machphys(void)
{
    unsigned long mfn = virt_to_mfn(a), pfn = virt_to_pfn(a);

    EXPECT_OK(pt_write_cmd(mfn << PAGE_SHIFT, 0x4321, MMU_MACHPHYS_UPDATE));
    EXPECT_EQUAL(mfn_to_pfn(mfn), 0x4321);
    EXPECT_OK(pt_write_cmd(mfn << PAGE_SHIFT | 0x230, pfn, MMU_MACHPHYS_UPDATE));
    EXPECT_EQUAL(mfn_to_pfn(mfn), pfn);
}

/* Several in one call, and what the done count says when the second is bad. */
static void check_batch(void)
{
    struct mmu_update u[3] = {
        { .ptr = pte, .val = pte_make(virt_to_mfn(a), PTE_RW) },
        { .ptr = pte + 8, .val = pte_make(virt_to_mfn(b), PTE_RW) },
        { .ptr = pte + 16, .val = pte_make(virt_to_mfn(a), PTE_RO) },
    };
    unsigned done = 99;

    EXPECT_OK(hypercall(mmu_update, u, 3, &done, DOMID_SELF));
    EXPECT_EQUAL(done, 3);
    EXPECT_OK(mmuext_one(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
    EXPECT_EQUAL(*(volatile long *)(VA + PAGE_SIZE), 0xbbbb);
    EXPECT_EQUAL(*(volatile long *)(VA + 2 * PAGE_SIZE), 0xaaaa);
    u[0].val = 0;
    u[1].val = pte_make(start_info->pt_base ? virt_to_mfn(pt_root()) : 0, PTE_RW);  /* a page table, writable */
    u[2].val = 0;
    EXPECT_REFUSED(hypercall(mmu_update, u, 3, &done, DOMID_SELF));
    EXPECT_EQUAL(done, 1);
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1), 0);
    EXPECT_TRUE(*pt_entry(NULL, VA + PAGE_SIZE, 1) != 0);
    EXPECT_TRUE(*pt_entry(NULL, VA + 2 * PAGE_SIZE, 1) != 0);
    EXPECT_OK(hypercall(mmu_update, u, 0, &done, DOMID_SELF));
    EXPECT_OK(hypercall(mmu_update, u, 1, NULL, DOMID_SELF));
}

/* A long list is not refused (it may be worked in pieces). */
static void check_long(void)
{
    struct mmu_update *u = page_alloc();
    unsigned done = 0;

    for (unsigned i = 0; i < 256; i++)
        u[i] = (struct mmu_update){ .ptr = pte + 8 * i, .val = pte_make(virt_to_mfn(a), PTE_RO) };
    EXPECT_OK(hypercall(mmu_update, u, 256, &done, DOMID_SELF));
    EXPECT_EQUAL(done, 256);
    EXPECT_EQUAL(*(volatile long *)(VA + 255 * PAGE_SIZE), 0xaaaa);
}

void test_main(void)
{
    setup();
    check_normal();
    check_preserve();
    check_machphys();
    check_batch();
    check_long();
}
