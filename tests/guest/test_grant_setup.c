/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The grant table itself (grant_table.h): setup_table, query_size, get_version, set_version, get_status_frames, dump_table, swap_grant_ref,
 * cache_flush; statuses in the structure, errors of the hypercall; refusals.
 */
#include "check.h"
#include "console.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"

static xen_pfn_t frames[64];

static int setup(domid_t dom, unsigned n, void *list)
{
    struct gnttab_setup_table s = { .dom = dom, .nr_frames = n, .status = 99 };

    set_xen_guest_handle(s.frame_list, list);
    return hypercall(grant_table_op, GNTTABOP_setup_table, &s, 1) ? 98 : s.status;
}

static void check_setup(void)
{
    struct gnttab_query_size q = { .dom = DOMID_SELF, .status = 99 };

    EXPECT_EQUAL(setup(DOMID_SELF, 1, frames), GNTST_okay);
    EXPECT_TRUE(frames[0] != 0);
    EXPECT_EQUAL(setup(DOMID_SELF, 2, frames), GNTST_okay);
    EXPECT_TRUE(frames[1] != 0 && frames[1] != frames[0]);
    frames[1] = 0x7777;
    EXPECT_EQUAL(setup(DOMID_SELF, 1, frames), GNTST_okay);
    EXPECT_EQUAL(frames[1], 0x7777);                        /* only as many as asked for */
    EXPECT_EQUAL(setup(0, 1, frames), GNTST_okay);
    EXPECT_TRUE(setup(DOMID_SELF, 0x100000, frames) != GNTST_okay);
    EXPECT_EQUAL(setup(4711, 1, frames), GNTST_bad_domain);
    EXPECT_TRUE(setup(DOMID_SELF, 1, (void *)UNMAPPED) != GNTST_okay);
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_query_size, &q, 1));
    EXPECT_EQUAL(q.status, GNTST_okay);
    EXPECT_TRUE(q.nr_frames >= 2 && q.nr_frames <= q.max_nr_frames);
    printf("%u of %u frames\n", q.nr_frames, q.max_nr_frames);
    q.dom = 4711;
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_query_size, &q, 1));
    EXPECT_EQUAL(q.status, GNTST_bad_domain);
    EXPECT_ERR(hypercall(grant_table_op, GNTTABOP_query_size, UNMAPPED, 1), EFAULT);
    EXPECT_ERR(hypercall(grant_table_op, GNTTABOP_setup_table, HV_PRIVATE, 1), EFAULT);
}

static long version(void)
{
    struct gnttab_get_version g = { .dom = DOMID_SELF };
    long rc = hypercall(grant_table_op, GNTTABOP_get_version, &g, 1);

    return rc ? rc : (long)g.version;
}

static int status_frames(unsigned n)
{
    struct gnttab_get_status_frames s = { .nr_frames = n, .dom = DOMID_SELF, .status = 99 };

    set_xen_guest_handle(s.frame_list, (uint64_t *)frames);
    return hypercall(grant_table_op, GNTTABOP_get_status_frames, &s, 1) ? 98 : s.status;
}

static void check_version(void)
{
    struct gnttab_get_version g = { .dom = 4711 };

    EXPECT_TRUE(version() == 1 || version() == 0);          /* 0: none chosen yet */
    EXPECT_OK(grant_set_version(1));
    EXPECT_EQUAL(version(), 1);
    EXPECT_TRUE(status_frames(1) != GNTST_okay);            /* version 2 only */
    EXPECT_ERR(grant_set_version(3), EINVAL);
    EXPECT_ERR(grant_set_version(0), EINVAL);
    EXPECT_EQUAL(version(), 1);
    if (!EXPECT_OK(grant_set_version(2)))
        return;
    EXPECT_EQUAL(version(), 2);
    EXPECT_EQUAL(setup(DOMID_SELF, 1, frames), GNTST_okay);
    frames[0] = 0;
    EXPECT_EQUAL(status_frames(1), GNTST_okay);
    EXPECT_TRUE(frames[0] != 0);
    EXPECT_TRUE(status_frames(10000) != GNTST_okay);
    EXPECT_OK(grant_set_version(1));
    EXPECT_EQUAL(version(), 1);
    EXPECT_ERR(hypercall(grant_table_op, GNTTABOP_get_version, &g, 1), ESRCH);
    EXPECT_ERR(hypercall(grant_table_op, GNTTABOP_get_version, UNMAPPED, 1), EFAULT);
    EXPECT_ERR(hypercall(grant_table_op, GNTTABOP_set_version, UNMAPPED, 1), EFAULT);
}

static int swap(unsigned a, unsigned b)
{
    struct gnttab_swap_grant_ref s = { .ref_a = a, .ref_b = b, .status = 99 };

    return hypercall(grant_table_op, GNTTABOP_swap_grant_ref, &s, 1) ? 98 : s.status;
}

static void check_swap(void)
{
    grant_init(1);
    grant_v1_set(20, 0, 0x1234, GTF_permit_access);
    grant_v1_set(21, 0, 0x5678, GTF_permit_access | GTF_readonly);
    EXPECT_EQUAL(swap(20, 21), GNTST_okay);
    EXPECT_EQUAL(grant_v1[20].frame, 0x5678);
    EXPECT_EQUAL(grant_v1[20].flags, GTF_permit_access | GTF_readonly);
    EXPECT_EQUAL(grant_v1[21].frame, 0x1234);
    EXPECT_EQUAL(swap(20, 20), GNTST_okay);
    EXPECT_TRUE(swap(20, 0x7fffffff) != GNTST_okay);
    EXPECT_TRUE(swap(~0u, 20) != GNTST_okay);
    EXPECT_ERR(hypercall(grant_table_op, GNTTABOP_swap_grant_ref, UNMAPPED, 1), EFAULT);
    grant_v1_clear(20);
    grant_v1_clear(21);
}

static void check_others(void)
{
    struct gnttab_dump_table d = { .dom = 0, .status = 99 };
    struct gnttab_cache_flush c = { .length = 16, .op = GNTTAB_CACHE_CLEAN };

    (void)hypercall(grant_table_op, GNTTABOP_dump_table, &d, 1);
    EXPECT_REFUSED(hypercall(grant_table_op, GNTTABOP_cache_flush, &c, 1));     /* not our grant */
    EXPECT_ERR(hypercall(grant_table_op, 13, frames, 1), ENOSYS);
    EXPECT_ERR(hypercall(grant_table_op, 99, frames, 1), ENOSYS);
    EXPECT_REFUSED(hypercall(grant_table_op, GNTTABOP_map_grant_ref, UNMAPPED, 1));
    EXPECT_REFUSED(hypercall(grant_table_op, GNTTABOP_map_grant_ref, HV_PRIVATE, 1));
    EXPECT_REFUSED(hypercall(grant_table_op, GNTTABOP_map_grant_ref, frames, 0x80000001));
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_map_grant_ref, frames, 0));
}

void test_main(void)
{
    check_setup();
    check_version();
    check_swap();
    check_others();
}
