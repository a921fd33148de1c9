/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * update_va_mapping and update_va_mapping_otherdomain (xen.h): every flush flag, and refusals: no table there, hypervisor
 * addresses, non-canonical addresses, frames we may not map, unknown domains.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"

#define VA 0x0000100000000000ul

static unsigned long *a, *b;

static void check_flush(unsigned long flags)
{
    EXPECT_OK(hypercall(update_va_mapping, VA, pte_make(virt_to_mfn(a), PTE_RW), flags));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaaa);
    EXPECT_OK(hypercall(update_va_mapping, VA, pte_make(virt_to_mfn(b), PTE_RW), flags));
    EXPECT_EQUAL(*(volatile long *)VA, 0xbbbb);
}

static void check_flags(void)
{
    static unsigned long mask[2] = { 1, 0 };

    check_flush(UVMF_TLB_FLUSH | UVMF_LOCAL);
    check_flush(UVMF_TLB_FLUSH | UVMF_ALL);
    check_flush(UVMF_TLB_FLUSH | UVMF_MULTI | (unsigned long)mask);
    check_flush(UVMF_INVLPG | UVMF_LOCAL);
    check_flush(UVMF_INVLPG | UVMF_ALL);
    check_flush(UVMF_INVLPG | UVMF_MULTI | (unsigned long)mask);
    /* No flush: the entry changes. */
    EXPECT_OK(hypercall(update_va_mapping, VA, pte_make(virt_to_mfn(a), PTE_RO), UVMF_NONE));
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1) & PTE_ADDR, virt_to_mfn(a) << PAGE_SHIFT);
    EXPECT_OK(mmuext_one(MMUEXT_TLB_FLUSH_ALL, 0, 0));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaaa);
}

static void check_refusals(void)
{
    unsigned long good = pte_make(virt_to_mfn(a), PTE_RW);
    struct trap t;

    EXPECT_REFUSED(hypercall(update_va_mapping, UNMAPPED, good, UVMF_INVLPG));
    EXPECT_REFUSED(hypercall(update_va_mapping, VA + (1ul << 30), good, UVMF_INVLPG));
    EXPECT_REFUSED(hypercall(update_va_mapping, HV_PRIVATE, good, UVMF_INVLPG));
    EXPECT_REFUSED(hypercall(update_va_mapping, MACH2PHYS_VIRT_START, good, UVMF_INVLPG));
    EXPECT_REFUSED(hypercall(update_va_mapping, HYPERVISOR_VIRT_END - PAGE_SIZE, good, UVMF_INVLPG));
    EXPECT_REFUSED(hypercall(update_va_mapping, VA, pte_make(virt_to_mfn(pt_root()), PTE_RW), UVMF_INVLPG));
    EXPECT_REFUSED(hypercall(update_va_mapping, VA, pte_make(0xffffffffful, PTE_RW), UVMF_INVLPG));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaaa);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, UNMAPPED), VEC_PF);
}

static void check_other_domain(void)
{
    unsigned long good = pte_make(virt_to_mfn(a), PTE_RW);

    EXPECT_OK(hypercall(update_va_mapping_otherdomain, VA, good, UVMF_INVLPG, DOMID_SELF));
    EXPECT_ERR(hypercall(update_va_mapping_otherdomain, VA, good, UVMF_INVLPG, 4711), ESRCH);
    /* Only I/O mappings with DOMID_IO.  (An entry that keeps its frame is not looked at again by Xen.) */
    EXPECT_REFUSED(hypercall(update_va_mapping_otherdomain, VA, pte_make(virt_to_mfn(b), PTE_RW), UVMF_INVLPG,
                             DOMID_IO));
    EXPECT_OK(hypercall(update_va_mapping_otherdomain, VA, pte_make(0xb8, PTE_RW), UVMF_INVLPG, DOMID_IO));
    EXPECT_OK(hypercall(update_va_mapping_otherdomain, VA, good, UVMF_INVLPG, DOMID_SELF));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaaa);
}

void test_main(void)
{
    a = page_alloc();
    b = page_alloc();
    *a = 0xaaaa;
    *b = 0xbbbb;
    REQUIRE(!map_page(NULL, VA, virt_to_mfn(a), PTE_RW));
    check_flags();
    check_refusals();
    check_other_domain();
}
