/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vm_assist (xen.h): every type enabled and disabled, unknown types and commands refused; writable_pagetables lets a plain
 * store change a bottom-level entry, checked like mmu_update.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"

#define VA 0x0000100000000000ul

static void check_types(void)
{
    static const unsigned types[] = { VMASST_TYPE_4gb_segments, VMASST_TYPE_4gb_segments_notify,
                                      VMASST_TYPE_writable_pagetables, VMASST_TYPE_pae_extended_cr3,
                                      VMASST_TYPE_architectural_iopl, VMASST_TYPE_runstate_update_flag,
                                      VMASST_TYPE_m2p_strict };

    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        EXPECT_OK(hypercall(vm_assist, VMASST_CMD_enable, types[i]));
        EXPECT_OK(hypercall(vm_assist, VMASST_CMD_enable, types[i]));
        EXPECT_OK(hypercall(vm_assist, VMASST_CMD_disable, types[i]));
        EXPECT_OK(hypercall(vm_assist, VMASST_CMD_disable, types[i]));
    }
    EXPECT_REFUSED(hypercall(vm_assist, VMASST_CMD_enable, 6));
    EXPECT_REFUSED(hypercall(vm_assist, VMASST_CMD_enable, 33));
    EXPECT_REFUSED(hypercall(vm_assist, VMASST_CMD_enable, 64));
    EXPECT_REFUSED(hypercall(vm_assist, VMASST_CMD_disable, 0xffffffff));
    EXPECT_ERR(hypercall(vm_assist, 2, VMASST_TYPE_writable_pagetables), ENOSYS);
}

static unsigned long write_value;

static void write_pte(unsigned long va)
{
    *(volatile unsigned long *)va = write_value;
}

static void write_pte32(unsigned long va)
{
    *(volatile uint32_t *)va = (uint32_t)write_value;
}

static void xchg_pte(unsigned long va)
{
    write_value = __atomic_exchange_n((volatile unsigned long *)va, write_value, __ATOMIC_SEQ_CST);
}

static void cmpxchg_pte(unsigned long va)
{
    unsigned long old = *(volatile unsigned long *)va;

    __atomic_compare_exchange_n((volatile unsigned long *)va, &old, write_value, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
}

/* The entry of VA, as our read-only mapping of its table shows it. */
static void check_writable(void)
{
    unsigned long *a = page_alloc(), *b = page_alloc();
    uint64_t *pte;
    struct trap t;

    *a = 0xaaaa;
    *b = 0xbbbb;
    EXPECT_OK(map_page(NULL, VA, virt_to_mfn(a), PTE_RW));
    pte = pt_entry(NULL, VA, 1);
    EXPECT_OK(hypercall(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
    write_value = pte_make(virt_to_mfn(b), PTE_RW);
    EXPECT_EQUAL(trap_catch(&t, write_pte, (unsigned long)pte), VEC_NONE);
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, VA, 0));
    EXPECT_EQUAL(*(volatile long *)VA, 0xbbbb);
    write_value = pte_make(virt_to_mfn(a), PTE_RW);
    EXPECT_EQUAL(trap_catch(&t, xchg_pte, (unsigned long)pte), VEC_NONE);
    EXPECT_EQUAL(write_value & PTE_ADDR, virt_to_mfn(b) << PAGE_SHIFT);
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, VA, 0));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaaa);
    write_value = pte_make(virt_to_mfn(b), PTE_RO);
    EXPECT_EQUAL(trap_catch(&t, cmpxchg_pte, (unsigned long)pte), VEC_NONE);
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, VA, 0));
    EXPECT_EQUAL(*(volatile long *)VA, 0xbbbb);
    /* Clearing in halves, as a 32-bit-minded kernel would. */
    write_value = 0;
    EXPECT_EQUAL(trap_catch(&t, write_pte32, (unsigned long)pte), VEC_NONE);
    EXPECT_EQUAL((uint32_t)*pte, 0);
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, VA, 0));
    EXPECT_EQUAL(trap_catch(&t, insn_read8, VA), VEC_PF);
    /* A store that mmu_update would refuse is a page fault. */
    write_value = pte_make(virt_to_mfn(pt_root()), PTE_RW);
    EXPECT_EQUAL(trap_catch(&t, write_pte, (unsigned long)pte), VEC_PF);
    EXPECT_EQUAL(t.regs.error, 3);
    EXPECT_EQUAL(t.cr2, (unsigned long)pte);
    write_value = pte_make(0xffffffffful, PTE_RW);
    EXPECT_EQUAL(trap_catch(&t, write_pte, (unsigned long)pte), VEC_PF);
    EXPECT_EQUAL((uint32_t)*pte, 0);
    /* Upper levels can not be written so. */
    write_value = 0;
    EXPECT_EQUAL(trap_catch(&t, write_pte, (unsigned long)pt_entry(NULL, VA, 2)), VEC_PF);
}

void test_main(void)
{
    check_types();
    check_writable();
}
