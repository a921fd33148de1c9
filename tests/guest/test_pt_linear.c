/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linear page tables: an L4 may name itself (or another L4), read-only, and then shows the tables as memory; never
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

/* Another L4, as a linear entry of ours; gone again it can be anything else. */
static void check_other(void)
{
    unsigned long e = virt_to_maddr(&pt_root()[SLOT]);
    uint64_t *other = l4_alloc();
    long rc;

    EXPECT_OK(pin(4, virt_to_mfn(other)));
    rc = pt_write(e, pte_make(virt_to_mfn(other), PTE_RO));
    EXPECT_TRUE(!rc || rc == -XEN_EINVAL);    /* Xen has an option that refuses it, too: pv-linear-pt=no */
    if (!rc)
        EXPECT_OK(pt_write(e, 0));
    EXPECT_OK(unpin(virt_to_mfn(other)));
    EXPECT_OK(page_make_rw(other));
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
}
