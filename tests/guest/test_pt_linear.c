/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linear page tables: an L4 may name itself, or another L4, read-only, and then shows the tables as memory; never
 * writable.  PV kernels such as NetBSD and older Linux live by it.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"

#define SLOT 300ul
#define LINEAR (0xffff000000000000ul | SLOT << 39)

static uint64_t *linear_l1(unsigned long va)
{
    return (uint64_t *)(LINEAR + ((va & 0x0000fffffffff000ul) >> 9));
}

static void check_self(void)
{
    unsigned long e = virt_to_maddr(&pt_root()[SLOT]);
    char *page = page_alloc();
    struct trap t;

    EXPECT_REFUSED(pt_write(e, pte_make(virt_to_mfn(pt_root()), PTE_TABLE)));
    if (!EXPECT_OK(pt_write(e, pte_make(virt_to_mfn(pt_root()), PTE_RO))))
        return;
    EXPECT_EQUAL(*linear_l1((unsigned long)page), *pt_entry(NULL, (unsigned long)page, 1));
    EXPECT_EQUAL(trap_catch(&t, insn_write8, (unsigned long)linear_l1((unsigned long)page)), VEC_PF);
    EXPECT_EQUAL(t.regs.error, 3);
    EXPECT_OK(page_make_ro(page));
    EXPECT_EQUAL(*linear_l1((unsigned long)page), *pt_entry(NULL, (unsigned long)page, 1));
    EXPECT_OK(pt_write(e, 0));
}

/* Another L4, as a linear entry of ours: it stays an L4 for as long as we map it; gone again it can be anything else. */
static void check_other(void)
{
    unsigned long e = virt_to_maddr(&pt_root()[SLOT]), mfn;
    uint64_t *other = l4_alloc();

    mfn = virt_to_mfn(other);
    EXPECT_OK(pin(4, mfn));
    EXPECT_REFUSED(pt_write(e, pte_make(mfn, PTE_TABLE)));
    if (!EXPECT_OK(pt_write(e, pte_make(mfn, PTE_RO))))
        return;
    EXPECT_OK(unpin(mfn));
    EXPECT_REFUSED(page_make_rw(other));
    EXPECT_OK(pt_write(e, 0));
    EXPECT_OK(page_make_rw(other));
}

/* One step only: what is mapped so maps no other so, and the other way round. */
static void check_chain(void)
{
    uint64_t *a = l4_alloc(), *b = l4_alloc(), *c = l4_alloc();
    unsigned long to_a = pte_make(virt_to_mfn(a), PTE_RO), to_b = pte_make(virt_to_mfn(b), PTE_RO);
    unsigned long to_c = pte_make(virt_to_mfn(c), PTE_RO), of_a = virt_to_maddr(&a[SLOT]);
    unsigned long of_b = virt_to_maddr(&b[SLOT]), of_c = virt_to_maddr(&c[SLOT]);

    EXPECT_OK(pin(4, virt_to_mfn(a)));
    EXPECT_OK(pin(4, virt_to_mfn(b)));
    EXPECT_OK(pin(4, virt_to_mfn(c)));
    EXPECT_OK(pt_write(of_a, to_b));
    EXPECT_REFUSED(pt_write(of_b, to_a));
    EXPECT_REFUSED(pt_write(of_b, to_c));
    EXPECT_REFUSED(pt_write(of_c, to_a));
    EXPECT_OK(pt_write(of_c, to_b));
    EXPECT_OK(pt_write(of_c, 0));
    EXPECT_OK(unpin(virt_to_mfn(b)));
    EXPECT_REFUSED(page_make_rw(b));
    EXPECT_OK(unpin(virt_to_mfn(a)));
    EXPECT_OK(page_make_rw(a));
    EXPECT_OK(page_make_rw(b));
    EXPECT_OK(unpin(virt_to_mfn(c)));
    EXPECT_OK(page_make_rw(c));
}

/* A self-map that is already in the table when it is pinned. */
static void check_pinned_self(void)
{
    uint64_t *l4 = page_alloc();
    unsigned long mfn = virt_to_mfn(l4);

    l4[SLOT] = pte_make(mfn, PTE_TABLE);
    EXPECT_OK(page_make_ro(l4));
    EXPECT_REFUSED(pin(4, mfn));
    EXPECT_OK(page_make_rw(l4));
    l4[SLOT] = pte_make(mfn, PTE_RO);
    EXPECT_OK(page_make_ro(l4));
    EXPECT_OK(pin(4, mfn));
    EXPECT_OK(unpin(mfn));
    EXPECT_OK(page_make_rw(l4));
}

void test_main(void)
{
    check_self();
    check_other();
    check_pinned_self();
    check_chain();
}
