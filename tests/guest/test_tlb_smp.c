/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB flushes across vCPUs (xen.h, UVMF_* and MMUEXT_*_MULTI/ALL): after a change flushed for the other vCPU it must not see the old page; and a frame
 * that was a writable page on another vCPU's TLB must not stay writable there when it becomes a page table.
 */
/* qemu: -smp 2 */
/* alone: CPUs wait for each other */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"
#include "trap.h"

#define VA 0x0000100000000000ul

static volatile unsigned stage, answer;
static volatile unsigned long seen;
static volatile int write_vector;

/* The other side: on each stage change read (even) or write (odd) VA. */
static void second(void)
{
    unsigned last = 0;

    for (;;) {
        struct trap t;

        while (stage == last)
            __asm__ volatile("pause");
        last = stage;
        if (last & 1) {
            write_vector = trap_catch(&t, insn_write8, VA + 0x800);
        } else
            seen = *(volatile unsigned long *)VA;
        __atomic_store_n(&answer, last, __ATOMIC_SEQ_CST);
    }
}

static bool ask(unsigned odd)
{
    unsigned next = (stage | 1) + 1 + odd;
    uint64_t end = time_now() + PATIENT * 1000000ul;

    __atomic_store_n(&stage, next, __ATOMIC_SEQ_CST);
    while (answer != next && time_now() < end)
        __asm__ volatile("pause");
    return EXPECT_EQUAL(answer, next);
}

static unsigned long *page[2];

static void check(unsigned i, long rc)
{
    EXPECT_OK(rc);
    if (ask(0))
        EXPECT_EQUAL(seen, *page[i & 1]);
}

static long multi(unsigned cmd, unsigned long va)
{
    static unsigned long mask[2] = { 2, 0 };
    struct mmuext_op op = { .cmd = cmd };

    op.arg1.linear_addr = va;
    set_xen_guest_handle(op.arg2.vcpumask, (void *)mask);
    return hypercall(mmuext_op, &op, 1, NULL, DOMID_SELF);
}

static void check_flushes(void)
{
    static unsigned long mask[2] = { 3, 0 };
    unsigned long pte = pt_entry_maddr(NULL, VA, 1), e[2];

    for (unsigned i = 0; i < 2; i++)
        e[i] = pte_make(virt_to_mfn(page[i]), PTE_RW);
    for (unsigned round = 0; round < 20; round++) {
        check(0, hypercall(update_va_mapping, VA, e[0], UVMF_INVLPG | UVMF_ALL));
        check(1, hypercall(update_va_mapping, VA, e[1], UVMF_TLB_FLUSH | UVMF_ALL));
        check(0, hypercall(update_va_mapping, VA, e[0], UVMF_INVLPG | UVMF_MULTI | (unsigned long)mask));
        check(1, hypercall(update_va_mapping, VA, e[1], UVMF_TLB_FLUSH | UVMF_MULTI | (unsigned long)mask));
        EXPECT_OK(pt_write(pte, e[0]));
        check(0, mmuext_one(MMUEXT_TLB_FLUSH_ALL, 0, 0));
        EXPECT_OK(pt_write(pte, e[1]));
        check(1, mmuext_one(MMUEXT_INVLPG_ALL, VA, 0));
        EXPECT_OK(pt_write(pte, e[0]));
        check(0, multi(MMUEXT_TLB_FLUSH_MULTI, 0));
        EXPECT_OK(pt_write(pte, e[1]));
        check(1, multi(MMUEXT_INVLPG_MULTI, VA));
    }
}

/* No flush asked for: pinning as a page table has to do it. */
static void check_type_change(void)
{
    unsigned long mfn = virt_to_mfn(page[0]);
    unsigned long pte = pt_entry_maddr(NULL, VA, 1);
    uint64_t *p = page[0];

    for (unsigned round = 0; round < 20; round++) {
        memset(page[0], 0, PAGE_SIZE);
        EXPECT_OK(hypercall(update_va_mapping, VA, pte_make(mfn, PTE_RW), UVMF_INVLPG | UVMF_ALL));
        ask(1);
        EXPECT_EQUAL(write_vector, VEC_NONE);               /* a writable entry in its TLB */
        memset(page[0], 0, PAGE_SIZE);
        EXPECT_OK(pt_write(pte, pte_make(mfn, PTE_RO)));
        EXPECT_OK(hypercall(update_va_mapping, page[0], pte_make(mfn, PTE_RO), UVMF_NONE));
        EXPECT_OK(pin(2, mfn));                             /* (stores to an L1 might be emulated) */
        ask(1);
        EXPECT_EQUAL(write_vector, VEC_PF);
        EXPECT_EQUAL(p[0x800 / 8], 0);
        EXPECT_OK(unpin(mfn));
        EXPECT_OK(page_make_rw(page[0]));
    }
}

void test_main(void)
{
    REQUIRE(vcpu_count() == 2);
    for (unsigned i = 0; i < 2; i++) {
        page[i] = page_alloc();
        *page[i] = 0x100 + i;
    }
    REQUIRE(!map_page(NULL, VA, virt_to_mfn(page[0]), PTE_RW));
    REQUIRE(!vcpu_start(1, second));
    check_flushes();
    check_type_change();
}
