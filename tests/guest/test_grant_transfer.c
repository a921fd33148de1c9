/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GNTTABOP_transfer to a domain that has offered a place (grant_table.h; here: to ourselves), and GNTTABOP_cache_flush
 * of a granted page that is mapped; what is refused, and that a refused frame stays ours.
 */
#include <xen/memory.h>
#include "check.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"

#define REF 30
#define DONE (GTF_transfer_committed | GTF_transfer_completed)
#define VA  0x0000130000000000ul

static void offer(unsigned ref, domid_t from)
{
    grant_v1[ref].domid = from;
    grant_v1[ref].frame = 0;
    __asm__ volatile("" : : : "memory");
    grant_v1[ref].flags = GTF_accept_transfer;
}

static int transfer(unsigned long mfn, domid_t to, unsigned ref)
{
    struct gnttab_transfer t = { .mfn = mfn, .domid = to, .ref = ref, .status = 99 };

    if (!EXPECT_OK(hypercall(grant_table_op, GNTTABOP_transfer, &t, 1)))
        return 99;
    return t.status;
}

static void check_good(void)
{
    unsigned long mfn = pfn_to_mfn(pfn_alloc());
    domid_t self = 0;
    long before = hypercall(memory_op, XENMEM_current_reservation, &self);

    offer(REF, 0);
    EXPECT_EQUAL(transfer(mfn, 0, REF), GNTST_okay);
    EXPECT_EQUAL(grant_v1[REF].flags & DONE, DONE);
    EXPECT_TRUE(grant_v1[REF].frame != 0);
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_current_reservation, &self), before);
    EXPECT_OK(map_page(NULL, VA, grant_v1[REF].frame, PTE_RW)); /* it is ours again */
    *(volatile unsigned long *)VA = 0x1357;
    EXPECT_EQUAL(*(volatile unsigned long *)VA, 0x1357);
}

static void check_bad(void)
{
    unsigned long mfn = pfn_to_mfn(pfn_alloc());

    EXPECT_EQUAL(transfer(virt_to_mfn(page_alloc()), 0, REF + 1), GNTST_bad_page); /* it is mapped */
    EXPECT_EQUAL(transfer(virt_to_mfn(pt_root()), 0, REF + 1), GNTST_bad_page);
    EXPECT_EQUAL(transfer(~0ul, 0, REF + 1), GNTST_bad_page);
    EXPECT_TRUE(transfer(mfn, 0, 0x7fffffff) < 0);
    mfn = pfn_to_mfn(pfn_alloc());
    EXPECT_TRUE(transfer(mfn, 0, REF + 1) < 0); /* nothing offered there */
    mfn = pfn_to_mfn(pfn_alloc());
    offer(REF + 2, 5); /* to another */
    EXPECT_TRUE(transfer(mfn, 0, REF + 2) < 0);
    mfn = pfn_to_mfn(pfn_alloc());
    EXPECT_TRUE(transfer(mfn, 4711, REF) < 0);
}

static long flush(unsigned long maddr, unsigned offset, unsigned length, uint32_t op)
{
    struct gnttab_cache_flush c = {
        .a.dev_bus_addr = maddr, .offset = (uint16_t)offset, .length = (uint16_t)length, .op = op
    };

    return hypercall(grant_table_op, GNTTABOP_cache_flush, &c, 1);
}

static void check_cache(void)
{
    char *page = page_alloc();
    unsigned long maddr = virt_to_maddr(page);
    grant_handle_t h;

    grant_v1_set(REF + 3, 0, virt_to_mfn(page), GTF_permit_access);
    EXPECT_EQUAL(grant_map(REF + 3, VA + PAGE_SIZE, GNTMAP_host_map, &h), GNTST_okay);
    EXPECT_OK(flush(maddr, 0, 4096, GNTTAB_CACHE_CLEAN));
    EXPECT_OK(flush(maddr, 100, 28, GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL));
    EXPECT_OK(flush(maddr, 0, 0, GNTTAB_CACHE_CLEAN));
    EXPECT_ERR(flush(maddr, 4096, 1, GNTTAB_CACHE_CLEAN), EINVAL);
    EXPECT_ERR(flush(maddr, 4000, 97, GNTTAB_CACHE_CLEAN), EINVAL);
    EXPECT_REFUSED(flush(maddr, 0, 16, 4));
    EXPECT_REFUSED(flush(~0ul, 0, 16, GNTTAB_CACHE_CLEAN));
    EXPECT_ERR(hypercall(grant_table_op, GNTTABOP_cache_flush, UNMAPPED, 1), EFAULT);
    EXPECT_EQUAL(grant_unmap(VA + PAGE_SIZE, h), GNTST_okay);
}

void test_main(void)
{
    grant_init(1);
    check_good();
    check_bad();
    check_cache();
}
