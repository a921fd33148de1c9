/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Version 2 of the grant table (grant_table.h): full-page entries with the in-use bits in the status array, sub-page and transitive grants for
 * copying only; no change of version while a grant is in use; back to version 1 the reserved entries stay.
 */
#include "check.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"

#define VA 0x0000100000000000ul

static char *page, *dst;

static void setup(void)
{
    static uint64_t frames[1];
    struct gnttab_get_status_frames s = { .nr_frames = 1, .dom = DOMID_SELF, .status = 99 };

    if (grant_set_version(2))
        test_skip("no grant table version 2");
    grant_init(1);
    set_xen_guest_handle(s.frame_list, frames);
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_get_status_frames, &s, 1));
    EXPECT_EQUAL(s.status, GNTST_okay);
    REQUIRE(!map_page(NULL, GRANT_STATUS, frames[0], PTE_RW));
}

static void full(unsigned ref, unsigned flags)
{
    grant_v2[ref].full_page.hdr.domid = 0;
    grant_v2[ref].full_page.frame = virt_to_mfn(page);
    barrier();
    grant_v2[ref].hdr.flags = (uint16_t)flags;
}

static void check_full(void)
{
    grant_handle_t h;

    full(10, GTF_permit_access);
    EXPECT_EQUAL(grant_map(10, VA, GNTMAP_host_map, &h), GNTST_okay);
    EXPECT_EQUAL(grant_status_v2[10], GTF_reading | GTF_writing);
    EXPECT_EQUAL(grant_v2[10].hdr.flags, GTF_permit_access);
    *page = 0x21;
    EXPECT_EQUAL(*(volatile char *)VA, 0x21);
    EXPECT_REFUSED(grant_set_version(1));                   /* in use */
    EXPECT_EQUAL(grant_unmap(VA, h), GNTST_okay);
    EXPECT_EQUAL(grant_status_v2[10], 0);
    EXPECT_EQUAL(grant_map(10, VA, GNTMAP_host_map | GNTMAP_readonly, &h), GNTST_okay);
    EXPECT_EQUAL(grant_status_v2[10], GTF_reading);
    EXPECT_EQUAL(grant_unmap(VA, h), GNTST_okay);
}

static int copy_from(unsigned ref, unsigned off, unsigned len)
{
    struct gnttab_copy c = { .flags = GNTCOPY_source_gref, .len = (uint16_t)len, .status = 99 };

    c.source.u.ref = ref;
    c.source.domid = 0;
    c.source.offset = (uint16_t)off;
    c.dest.u.gmfn = virt_to_mfn(dst);
    c.dest.domid = DOMID_SELF;
    return hypercall(grant_table_op, GNTTABOP_copy, &c, 1) ? 98 : c.status;
}

static void check_sub_page(void)
{
    grant_handle_t h;

    grant_v2[11].sub_page.hdr.domid = 0;
    grant_v2[11].sub_page.page_off = 512;
    grant_v2[11].sub_page.length = 100;
    grant_v2[11].sub_page.frame = virt_to_mfn(page);
    barrier();
    grant_v2[11].hdr.flags = GTF_permit_access | GTF_sub_page;
    EXPECT_EQUAL(copy_from(11, 512, 100), GNTST_okay);
    EXPECT_EQUAL(memcmp(dst, page + 512, 100), 0);
    EXPECT_TRUE(copy_from(11, 511, 10) < 0);
    EXPECT_TRUE(copy_from(11, 600, 13) < 0);
    EXPECT_TRUE(grant_map(11, VA, GNTMAP_host_map, &h) != GNTST_okay);
    EXPECT_EQUAL(grant_status_v2[11], 0);
}

/* A grant of a grant: to be copied from, not to be mapped. */
static void check_transitive(void)
{
    grant_handle_t h;
    int rc;

    grant_v2[12].transitive.hdr.domid = 0;
    grant_v2[12].transitive.trans_domid = 0;
    grant_v2[12].transitive.gref = 10;
    barrier();
    grant_v2[12].hdr.flags = GTF_transitive;
    EXPECT_TRUE(grant_map(12, VA, GNTMAP_host_map, &h) != GNTST_okay);
    memset(dst, 0, PAGE_SIZE);
    rc = copy_from(12, 0, 64);                              /* a hypervisor may refuse transitive grants */
    if (rc == GNTST_okay)
        EXPECT_EQUAL(memcmp(dst, page, 64), 0);
    else
        EXPECT_TRUE(rc < 0);
    grant_v2[12].transitive.gref = 12;                      /* of itself */
    EXPECT_TRUE(copy_from(12, 0, 64) < 0);
}

static void check_back(void)
{
    full(3, GTF_permit_access);
    for (unsigned ref = 10; ref < 13; ref++)
        grant_v2[ref].hdr.flags = 0;
    /* The status pages go with version 2: they may not be mapped. */
    EXPECT_OK(hypercall(update_va_mapping, GRANT_STATUS, 0, UVMF_INVLPG));
    EXPECT_OK(grant_set_version(1));
    grant_init(1);
    EXPECT_EQUAL(grant_v1[3].flags, GTF_permit_access);
    EXPECT_EQUAL(grant_v1[3].frame, virt_to_mfn(page));
    EXPECT_EQUAL(grant_v1[10].flags, 0);
}

void test_main(void)
{
    page = page_alloc();
    dst = page_alloc();
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        page[i] = (char)(i * 5 + 1);
    REQUIRE(!map_page(NULL, VA, 0, 0));
    setup();
    check_full();
    check_sub_page();
    check_transitive();
    check_back();
}
