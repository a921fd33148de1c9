/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * map_grant_ref, unmap_grant_ref, unmap_and_replace (grant_table.h), a domain with itself: by address and by entry, read-only, twice, in a batch; the
 * entry's in-use flags; a mapped grant keeps its frame; every status the header names that can be had here.
 */
#include <xen/memory.h>
#include "check.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"

#define VA 0x0000100000000000ul
#define REF 9

static unsigned long *page;

static void check_address(void)
{
    grant_handle_t h;
    struct trap t;

    grant_v1_set(REF, 0, virt_to_mfn(page), GTF_permit_access);
    EXPECT_EQUAL(grant_map(REF, VA, GNTMAP_host_map, &h), GNTST_okay);
    EXPECT_EQUAL(grant_v1[REF].flags, GTF_permit_access | GTF_reading | GTF_writing);
    *page = 0x1234;
    EXPECT_EQUAL(*(volatile long *)VA, 0x1234);
    *(volatile long *)VA = 0x5678;
    EXPECT_EQUAL(*(volatile long *)page, 0x5678);
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1) & PTE_ADDR, virt_to_mfn(page) << PAGE_SHIFT);
    EXPECT_EQUAL(grant_unmap(VA, h), GNTST_okay);
    EXPECT_EQUAL(grant_v1[REF].flags, GTF_permit_access);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, VA), VEC_PF);
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1), 0);
    EXPECT_TRUE(grant_unmap(VA, h) != GNTST_okay);          /* the handle is gone */
}

static void check_entry(void)
{
    grant_handle_t h;
    unsigned long pte = pt_entry_maddr(NULL, VA, 1);

    EXPECT_EQUAL(grant_map(REF, pte, GNTMAP_host_map | GNTMAP_contains_pte, &h), GNTST_okay);
    EXPECT_EQUAL(*(volatile long *)VA, 0x5678);
    EXPECT_EQUAL(grant_unmap(pte, h), GNTST_okay);
    EXPECT_EQUAL(*pt_entry(NULL, VA, 1), 0);
    EXPECT_TRUE(grant_map(REF, virt_to_maddr(page), GNTMAP_host_map | GNTMAP_contains_pte, &h) != GNTST_okay);
    EXPECT_TRUE(grant_map(REF, ~7ul, GNTMAP_host_map | GNTMAP_contains_pte, &h) != GNTST_okay);
    EXPECT_EQUAL(grant_v1[REF].flags, GTF_permit_access);
}

static void check_readonly(void)
{
    grant_handle_t h, h2;
    struct trap t;

    EXPECT_EQUAL(grant_map(REF, VA, GNTMAP_host_map | GNTMAP_readonly, &h), GNTST_okay);
    EXPECT_EQUAL(grant_v1[REF].flags, GTF_permit_access | GTF_reading);
    EXPECT_EQUAL(*(volatile long *)VA, 0x5678);
    EXPECT_EQUAL(trap_catch(&t, insn_write8, VA), VEC_PF);
    EXPECT_EQUAL(grant_map(REF, VA + PAGE_SIZE, GNTMAP_host_map, &h2), GNTST_okay);     /* a second time, writable */
    EXPECT_EQUAL(grant_v1[REF].flags, GTF_permit_access | GTF_reading | GTF_writing);
    EXPECT_EQUAL(grant_unmap(VA + PAGE_SIZE, h2), GNTST_okay);
    EXPECT_EQUAL(grant_v1[REF].flags, GTF_permit_access | GTF_reading);
    EXPECT_EQUAL(grant_unmap(VA, h), GNTST_okay);
    EXPECT_EQUAL(grant_v1[REF].flags, GTF_permit_access);
    grant_v1_set(REF, 0, virt_to_mfn(page), GTF_permit_access | GTF_readonly);
    EXPECT_TRUE(grant_map(REF, VA, GNTMAP_host_map, &h) != GNTST_okay);
    EXPECT_EQUAL(grant_map(REF, VA, GNTMAP_host_map | GNTMAP_readonly, &h), GNTST_okay);
    EXPECT_EQUAL(grant_unmap(VA, h), GNTST_okay);
    grant_v1_set(REF, 0, virt_to_mfn(page), GTF_permit_access);
}

static void check_statuses(void)
{
    struct gnttab_map_grant_ref m = { .host_addr = VA, .flags = GNTMAP_host_map, .ref = REF, .dom = 4711 };
    grant_handle_t h;

    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_map_grant_ref, &m, 1));
    EXPECT_EQUAL(m.status, GNTST_bad_domain);
    EXPECT_EQUAL(grant_map(0x7fffffff, VA, GNTMAP_host_map, &h), GNTST_bad_gntref);
    EXPECT_TRUE(grant_map(REF, VA, 0, &h) != GNTST_okay);                       /* neither host nor device */
    EXPECT_TRUE(grant_map(100, VA, GNTMAP_host_map, &h) != GNTST_okay);         /* an empty entry */
    grant_v1_set(10, 5, virt_to_mfn(page), GTF_permit_access);                  /* for somebody else */
    EXPECT_TRUE(grant_map(10, VA, GNTMAP_host_map, &h) != GNTST_okay);
    EXPECT_EQUAL(grant_v1[10].flags, GTF_permit_access);
    grant_v1_set(10, 0, virt_to_mfn(page), GTF_accept_transfer);
    EXPECT_TRUE(grant_map(10, VA, GNTMAP_host_map, &h) != GNTST_okay);
    grant_v1_set(10, 0, 0xfffffff0, GTF_permit_access);                         /* no such frame */
    EXPECT_TRUE(grant_map(10, VA, GNTMAP_host_map, &h) != GNTST_okay);
    EXPECT_EQUAL(grant_v1[10].flags, GTF_permit_access);
    grant_v1_set(10, 0, virt_to_mfn(pt_root()), GTF_permit_access);             /* a page table, writable */
    EXPECT_TRUE(grant_map(10, VA, GNTMAP_host_map, &h) != GNTST_okay);
    EXPECT_EQUAL(grant_v1[10].flags, GTF_permit_access);
    grant_v1_clear(10);
    EXPECT_TRUE(grant_map(REF, UNMAPPED, GNTMAP_host_map, &h) != GNTST_okay);   /* no table there */
    EXPECT_TRUE(grant_map(REF, HV_PRIVATE, GNTMAP_host_map, &h) != GNTST_okay);
    EXPECT_TRUE(grant_map(REF, NONCANON, GNTMAP_host_map, &h) != GNTST_okay);
    EXPECT_EQUAL(grant_v1[REF].flags, GTF_permit_access);
    EXPECT_EQUAL(grant_unmap(VA, 0x7fffffff), GNTST_bad_handle);
    EXPECT_EQUAL(grant_unmap(VA, ~0u), GNTST_bad_handle);
}

/* Unmapping at the wrong address fails; the mapping stays. */
static void check_wrong_unmap(void)
{
    grant_handle_t h;

    EXPECT_EQUAL(grant_map(REF, VA, GNTMAP_host_map, &h), GNTST_okay);
    EXPECT_TRUE(grant_unmap(VA + 8 * PAGE_SIZE, h) != GNTST_okay);
    EXPECT_EQUAL(*(volatile long *)VA, 0x5678);
    EXPECT_EQUAL(grant_unmap(VA, h), GNTST_okay);
}

static void check_batch(void)
{
    struct gnttab_map_grant_ref m[4];
    struct gnttab_unmap_grant_ref u[4];

    for (unsigned i = 0; i < 4; i++)
        m[i] = (struct gnttab_map_grant_ref){ .host_addr = VA + i * PAGE_SIZE, .flags = GNTMAP_host_map,
                                              .ref = i == 2 ? 100 : REF };
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_map_grant_ref, m, 4));
    for (unsigned i = 0; i < 4; i++) {
        EXPECT_EQUAL(m[i].status == GNTST_okay, i != 2);
        u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = VA + i * PAGE_SIZE, .handle = m[i].handle };
    }
    EXPECT_EQUAL(*(volatile long *)(VA + 3 * PAGE_SIZE), 0x5678);
    u[2].handle = ~0u;
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, u, 4));
    for (unsigned i = 0; i < 4; i++)
        EXPECT_EQUAL(u[i].status == GNTST_okay, i != 2);
    EXPECT_EQUAL(grant_v1[REF].flags, GTF_permit_access);
}

/* unmap_and_replace: the mapping moves in from new_addr, which becomes empty. */
static void check_replace(void)
{
    unsigned long *other = page_alloc();
    struct gnttab_unmap_and_replace r = { .host_addr = VA, .new_addr = VA + 5 * PAGE_SIZE, .status = 99 };
    struct trap t;

    *other = 0x9999;
    EXPECT_OK(map_page(NULL, VA + 5 * PAGE_SIZE, virt_to_mfn(other), PTE_RW));
    EXPECT_EQUAL(grant_map(REF, VA, GNTMAP_host_map, &r.handle), GNTST_okay);
    EXPECT_EQUAL(*(volatile long *)VA, 0x5678);
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_unmap_and_replace, &r, 1));
    EXPECT_EQUAL(r.status, GNTST_okay);
    EXPECT_EQUAL(*(volatile long *)VA, 0x9999);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, VA + 5 * PAGE_SIZE), VEC_PF);
    EXPECT_EQUAL(grant_v1[REF].flags, GTF_permit_access);
    EXPECT_OK(hypercall(update_va_mapping, VA, 0, UVMF_INVLPG));
}

/* A frame that is given back while mapped by a grant is not reused under the mapping. */
static void check_held(void)
{
    unsigned long pfn = pfn_alloc();
    xen_pfn_t mfn = pfn_to_mfn(pfn);
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
    grant_handle_t h;

    grant_v1_set(11, 0, mfn, GTF_permit_access);
    EXPECT_EQUAL(grant_map(11, VA, GNTMAP_host_map, &h), GNTST_okay);
    *(volatile long *)VA = 0x4242;
    EXPECT_EQUAL(grant_v1[11].flags, GTF_permit_access | GTF_reading | GTF_writing);
    set_xen_guest_handle(r.extent_start, &mfn);
    (void)hypercall(memory_op, XENMEM_decrease_reservation, &r);
    EXPECT_EQUAL(*(volatile long *)VA, 0x4242);
    EXPECT_EQUAL(grant_unmap(VA, h), GNTST_okay);
}

void test_main(void)
{
    page = page_alloc();
    REQUIRE(!map_page(NULL, VA, 0, 0));
    grant_init(1);
    EXPECT_OK(grant_set_version(1));
    check_address();
    check_entry();
    check_readonly();
    check_statuses();
    check_wrong_unmap();
    check_batch();
    check_replace();
    check_held();
}
