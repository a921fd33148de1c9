/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmu_update (xen.h), refusals: bad lists, entries outside our tables, frames that are not ours, frames that do not exist,
 * unknown domains, the hypervisor's slots of the L4, large pages.  After each refusal the entry is unchanged.
 */
#include <xen/memory.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"

#define VA 0x0000100000000000ul

static unsigned long pte;

static void check_pointers(void)
{
    struct mmu_update u = { .ptr = pte, .val = 0 };
    unsigned done;

    EXPECT_ERR(hypercall(mmu_update, UNMAPPED, 1, &done, DOMID_SELF), EFAULT);
    EXPECT_ERR(hypercall(mmu_update, HV_PRIVATE, 1, &done, DOMID_SELF), EFAULT);
    EXPECT_ERR(hypercall(mmu_update, NONCANON, 1, &done, DOMID_SELF), EFAULT);
    /* A bad pointer for the done count: Xen is silent about it; it must only do no harm. */
    (void)hypercall(mmu_update, &u, 1, UNMAPPED, DOMID_SELF);
    (void)hypercall(mmu_update, &u, 1, HV_PRIVATE, DOMID_SELF);
}

static void refuse(unsigned long ptr, unsigned long val)
{
    unsigned long before = *pt_entry(NULL, VA, 1);

    EXPECT_REFUSED(pt_write(ptr, val));
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1), before);
}

/* Where the entry is: not a page table, not ours, not there. */
static void check_where(void)
{
    char *data = page_alloc();
    unsigned long max = (unsigned long)hypercall(memory_op, XENMEM_maximum_ram_page, NULL);

    EXPECT_OK(pt_write(pte, pte_make(virt_to_mfn(data), PTE_RW)));
    refuse((max + 100) << PAGE_SHIFT, 0);
    refuse(0xffffffffful << PAGE_SHIFT, 0);
    refuse(~0xffful, 0);
    refuse(0xfee00000, 0);
}

static bool is_ours(unsigned long mfn)
{
    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
        if (pfn_to_mfn(pfn) == mfn)
            return true;
    return false;
}

/* Frames of the machine's RAM that are not ours, from 1 MB up: none may be mapped, not even read-only. */
static void check_foreign(void)
{
    unsigned long max = (unsigned long)hypercall(memory_op, XENMEM_maximum_ram_page, NULL);
    unsigned tried = 0;

    for (unsigned long mfn = 0x200; mfn < max && mfn < 0x10000; mfn += 0x7f3)
        if (!is_ours(mfn)) {
            refuse(pte, pte_make(mfn, PTE_RW));
            tried++;
        }
    EXPECT_TRUE(tried > 5);
}

static void check_frames(void)
{
    refuse(pte, pte_make(0xffffffffful, PTE_RW));       /* beyond any machine's address width */
    refuse(pte, pte_make(0xffffffffful, PTE_RO));
    refuse(pte, pte_make(virt_to_mfn(pt_root()), PTE_RW));
    for (unsigned l = 2; l <= 4; l++)
        refuse(pte, (*pt_entry(NULL, VA, (int)l) & PTE_ADDR) | PTE_RW);
}

static void check_domains(void)
{
    char *data = page_alloc();
    struct mmu_update u = { .ptr = pte, .val = pte_make(virt_to_mfn(data), PTE_RW) };

    EXPECT_ERR(hypercall(mmu_update, &u, 1, NULL, 4711), ESRCH);
    EXPECT_REFUSED(hypercall(mmu_update, &u, 1, NULL, DOMID_INVALID));
    EXPECT_REFUSED(hypercall(mmu_update, &u, 1, NULL, DOMID_SELF | (4712u << 16)));
    /* DOMID_IO permits only I/O mappings. */
    EXPECT_REFUSED(hypercall(mmu_update, &u, 1, NULL, DOMID_IO));
    u.val = pte_make(0xb8, PTE_RW);                     /* the text screen */
    EXPECT_OK(hypercall(mmu_update, &u, 1, NULL, DOMID_IO));
    EXPECT_OK(hypercall(mmu_update, &u, 1, NULL, DOMID_SELF));
    u.val = pte_make(0xfee00, PTE_RW);                  /* the local APIC is the hypervisor's */
    EXPECT_REFUSED(hypercall(mmu_update, &u, 1, NULL, DOMID_IO));
    EXPECT_REFUSED(hypercall(mmu_update, &u, 1, NULL, DOMID_SELF));
    u.val = 0;
    EXPECT_OK(hypercall(mmu_update, &u, 1, NULL, DOMID_SELF));
}

/* L4 slots 256 to 271 are the hypervisor's. */
static void check_hypervisor_slots(void)
{
    unsigned long l4 = virt_to_maddr(pt_root()), good = *pt_entry(NULL, VA, 4);
    unsigned slots[] = { 256, 257, 258, 260, 264, 271 };

    for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
        uint64_t before = pt_root()[slots[i]];

        EXPECT_REFUSED(pt_write(l4 + slots[i] * 8, good));
        EXPECT_EQUAL(pt_root()[slots[i]], before);
    }
    EXPECT_OK(pt_write(l4 + 272 * 8, good));
    EXPECT_OK(pt_write(l4 + 272 * 8, 0));
    EXPECT_OK(pt_write(l4 + 255 * 8, good));
    EXPECT_OK(pt_write(l4 + 255 * 8, 0));
}

static void check_large(void)
{
    unsigned long l2 = pt_entry_maddr(NULL, VA, 2), l3 = pt_entry_maddr(NULL, VA, 3);
    unsigned long frame = virt_to_mfn(page_alloc());

    EXPECT_REFUSED(pt_write(l2 + 8, pte_make(frame & ~511ul, PTE_RW | PTE_PSE)));
    EXPECT_REFUSED(pt_write(l3 + 8, pte_make(frame & ~0x3fffful, PTE_RW | PTE_PSE)));
    EXPECT_EQUAL(*(pt_entry(NULL, VA, 2) + 1), 0);
}

/* Linux goes by the count, also where the domain whose frames it maps has just ended: it must not be that of an earlier call. */
static void check_count(void)
{
    struct mmu_update u = { .ptr = pte, .val = 0 };
    struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };
    unsigned done = 77;

    EXPECT_ERR(hypercall(mmu_update, &u, 1, &done, 4711), ESRCH);
    EXPECT_EQUAL(done, 0);
    if (test_on_xen())
        return; /* there it is told in this case only */
    done = 77;
    EXPECT_REFUSED(hypercall(mmu_update, &u, 1, &done, 4712u << 16 | DOMID_SELF));
    EXPECT_EQUAL(done, 0);
    done = 77;
    EXPECT_ERR(hypercall(mmuext_op, &op, 1, &done, 4711), ESRCH);
    EXPECT_EQUAL(done, 0);
}

void test_main(void)
{
    REQUIRE(!map_page(NULL, VA, virt_to_mfn(page_alloc()), PTE_RW));
    pte = pt_entry_maddr(NULL, VA, 1);
    check_pointers();
    check_where();
    check_foreign();
    check_frames();
    check_domains();
    check_hypervisor_slots();
    check_large();
    check_count();
}
