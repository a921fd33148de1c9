/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * multicall (xen.h): calls in order, each result in its entry, failures do not stop the rest, unknown numbers -ENOSYS in their entry, a
 * multicall inside is refused in its entry, long lists are done in full, bad lists -EFAULT.
 */
#include <xen/sched.h>
#include <xen/version.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"

#define VA 0x0000100000000000ul

static struct multicall_entry list[600];

static void entry(unsigned i, unsigned long op, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    list[i] = (struct multicall_entry){ .op = op, .result = 0x5555, .args = { a, b, c, d } };
}

static void check_results(void)
{
    unsigned long *page = page_alloc();

    *page = 0xabc;
    REQUIRE(!map_page(NULL, VA, 0, 0));
    entry(0, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0);
    entry(1, __HYPERVISOR_xen_version, 999, 0, 0, 0);
    entry(2, __HYPERVISOR_update_va_mapping, VA, pte_make(virt_to_mfn(page), PTE_RW), UVMF_INVLPG, 0);
    entry(3, 63, 0, 0, 0, 0);
    entry(4, 0xffffffff, 0, 0, 0, 0);
    entry(5, __HYPERVISOR_multicall, (unsigned long)list, 1, 0, 0);
    entry(6, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
    EXPECT_OK(hypercall(multicall, list, 7));
    EXPECT_EQUAL(list[0].result, 4096);
    EXPECT_ERR(list[1].result, ENOSYS);
    EXPECT_OK(list[2].result);
    EXPECT_EQUAL(*(volatile long *)VA, 0xabc);
    EXPECT_ERR(list[3].result, ENOSYS);
    EXPECT_ERR(list[4].result, ENOSYS);
    EXPECT_REFUSED(list[5].result);
    EXPECT_OK(list[6].result);
    EXPECT_EQUAL(list[0].args[0], XENVER_pagesize);
}

static void check_long(void)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
        entry(i, __HYPERVISOR_xen_version, i & 1 ? XENVER_pagesize : XENVER_version, 0, 0, 0);
    EXPECT_OK(hypercall(multicall, list, ARRAY_SIZE(list)));
    for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
        bad += i & 1 ? list[i].result != 4096 : list[i].result >> 16 != 4;
    EXPECT_EQUAL(bad, 0);
}

static void check_pointers(void)
{
    struct multicall_entry *last;

    EXPECT_OK(hypercall(multicall, list, 0));
    EXPECT_ERR(hypercall(multicall, UNMAPPED, 1), EFAULT);
    EXPECT_ERR(hypercall(multicall, HV_PRIVATE, 1), EFAULT);
    EXPECT_ERR(hypercall(multicall, NONCANON, 1), EFAULT);
    /* The list runs into nothing: what came before is done. */
    last = (struct multicall_entry *)(VA + PAGE_SIZE) - 1;
    *last = (struct multicall_entry){ .op = __HYPERVISOR_xen_version, .args = { XENVER_pagesize } };
    EXPECT_ERR(hypercall(multicall, last, 2), EFAULT);
    EXPECT_EQUAL(last->result, 4096);
    /* After an error a plain multicall still works. */
    entry(0, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0);
    EXPECT_OK(hypercall(multicall, list, 1));
    EXPECT_EQUAL(list[0].result, 4096);
}

/* Arguments arrive in the places they have in a plain call, and a long-running call inside is finished. */
static void check_inside(void)
{
    struct mmu_update *u = page_alloc();
    unsigned done = 0;

    for (unsigned i = 0; i < 256; i++)
        u[i] = (struct mmu_update){ .ptr = pt_entry_maddr(NULL, VA, 1) + 8 * (i + 1), .val = 0x10 * i };
    entry(0, __HYPERVISOR_mmu_update, (unsigned long)u, 256, (unsigned long)&done, DOMID_SELF);
    entry(1, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0);
    EXPECT_OK(hypercall(multicall, list, 2));
    EXPECT_OK(list[0].result);
    EXPECT_EQUAL(done, 256);
    EXPECT_EQUAL(pt_entry(NULL, VA, 1)[256], 0xff0);
    EXPECT_EQUAL(list[1].result, 4096);
}

void test_main(void)
{
    check_results();
    check_long();
    check_pointers();
    check_inside();
}
