/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * GNTTABOP_copy (grant_table.h): frame to frame, grant to frame, frame to grant, grant to grant; offsets and lengths; what
 * crosses a page, is read-only, or is not ours is refused and copies nothing; a batch goes on after a failure.  And transfer's error statuses.
 */
#include "check.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"

static char *src, *dst;

static struct gnttab_copy make(unsigned flags, unsigned so, unsigned dof, unsigned len)
{
    struct gnttab_copy c = { .flags = (uint16_t)flags, .len = (uint16_t)len, .status = 99 };

    c.source.domid = c.dest.domid = DOMID_SELF;
    c.source.offset = (uint16_t)so;
    c.dest.offset = (uint16_t)dof;
    c.source.u.gmfn = virt_to_mfn(src);
    c.dest.u.gmfn = virt_to_mfn(dst);
    if (flags & GNTCOPY_source_gref) {
        c.source.u.ref = 8;
        c.source.domid = 0;
    }
    if (flags & GNTCOPY_dest_gref) {
        c.dest.u.ref = 9;
        c.dest.domid = 0;
    }
    return c;
}

static int copy(struct gnttab_copy c)
{
    return hypercall(grant_table_op, GNTTABOP_copy, &c, 1) ? 98 : c.status;
}

static void check_good(void)
{
    for (unsigned flags = 0; flags < 4; flags++) {
        memset(dst, 0, PAGE_SIZE);
        EXPECT_EQUAL(copy(make(flags, 0, 0, PAGE_SIZE)), GNTST_okay);
        EXPECT_EQUAL(memcmp(src, dst, PAGE_SIZE), 0);
        memset(dst, 0, PAGE_SIZE);
        EXPECT_EQUAL(copy(make(flags, 100, 4000, 96)), GNTST_okay);
        EXPECT_EQUAL(memcmp(src + 100, dst + 4000, 96), 0);
        EXPECT_EQUAL(dst[3999], 0);
        EXPECT_EQUAL(grant_v1[8].flags, GTF_permit_access | GTF_readonly);
        EXPECT_EQUAL(grant_v1[9].flags, GTF_permit_access);
    }
    EXPECT_EQUAL(copy(make(0, 10, 10, 0)), GNTST_okay);
}

static void refused(struct gnttab_copy c)
{
    memset(dst, 0x5a, PAGE_SIZE);
    EXPECT_TRUE(copy(c) < 0);
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        if (dst[i] != 0x5a) {
            EXPECT_EQUAL(i, ~0u);
            return;
        }
}

static void check_bad(void)
{
    struct gnttab_copy c;

    EXPECT_EQUAL(copy(make(0, 4000, 0, 97)), GNTST_bad_copy_arg);
    EXPECT_EQUAL(copy(make(0, 0, 4000, 97)), GNTST_bad_copy_arg);
    refused(make(0, 65535, 0, 1));
    refused(make(0, 0, 65535, 65535));
    c = make(GNTCOPY_dest_gref, 0, 0, 64);
    c.dest.u.ref = 8;                                       /* granted read-only */
    refused(c);
    c = make(GNTCOPY_source_gref, 0, 0, 64);
    c.source.u.ref = 0x7fffffff;
    refused(c);
    c = make(GNTCOPY_source_gref, 0, 0, 64);
    c.source.u.ref = 50;                                    /* empty */
    refused(c);
    c = make(GNTCOPY_source_gref, 0, 0, 64);
    c.source.domid = 4711;
    EXPECT_EQUAL(copy(c), GNTST_bad_domain);
    c = make(0, 0, 0, 64);
    c.source.u.gmfn = 0xffffffffful;
    refused(c);
    c = make(0, 0, 0, 64);
    c.dest.u.gmfn = virt_to_mfn(pt_root());                 /* writing to a page table */
    EXPECT_TRUE(copy(c) < 0);
    c = make(0, 0, 0, 64);
    c.dest.u.gmfn = ~0ul;
    EXPECT_TRUE(copy(c) < 0);
    EXPECT_EQUAL(grant_v1[8].flags, GTF_permit_access | GTF_readonly);
    EXPECT_EQUAL(grant_v1[9].flags, GTF_permit_access);
}

static void check_batch(void)
{
    struct gnttab_copy c[3] = { make(0, 0, 0, 16), make(0, 4000, 0, 200), make(0, 32, 32, 16) };

    memset(dst, 0, PAGE_SIZE);
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_copy, c, 3));
    EXPECT_EQUAL(c[0].status, GNTST_okay);
    EXPECT_EQUAL(c[1].status, GNTST_bad_copy_arg);
    EXPECT_EQUAL(c[2].status, GNTST_okay);
    EXPECT_EQUAL(memcmp(src + 32, dst + 32, 16), 0);
    EXPECT_REFUSED(hypercall(grant_table_op, GNTTABOP_copy, UNMAPPED, 1));
}

static void check_transfer(void)
{
    struct gnttab_transfer t = { .mfn = 0xffffffffful, .domid = 4711, .ref = 12, .status = 99 };

    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_transfer, &t, 1));
    EXPECT_EQUAL(t.status, GNTST_bad_page);
    t.mfn = virt_to_mfn(pt_root());
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_transfer, &t, 1));
    EXPECT_TRUE(t.status < 0);
    EXPECT_REFUSED(hypercall(grant_table_op, GNTTABOP_transfer, UNMAPPED, 1));
}

void test_main(void)
{
    src = page_alloc();
    dst = page_alloc();
    grant_init(1);
    EXPECT_OK(grant_set_version(1));
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        src[i] = (char)(i * 7 + i / 256);
    grant_v1_set(8, 0, virt_to_mfn(src), GTF_permit_access | GTF_readonly);
    grant_v1_set(9, 0, virt_to_mfn(dst), GTF_permit_access);
    check_good();
    check_bad();
    check_batch();
    check_transfer();
}
