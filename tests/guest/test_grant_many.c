/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many grant mappings at once (grant_table.h): two thousand handles, all different, batches, unmapped in another order, nothing left behind; a table grown to its limit. */
#include "check.h"
#include "console.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"

#define VA   0x0000100000000000ul
#define MANY 1024

static struct gnttab_map_grant_ref m[MANY];
static struct gnttab_unmap_grant_ref u[MANY];
static uint8_t seen[65536];

static void check_many(unsigned long *page)
{
    unsigned bad = 0, twice = 0;

    for (unsigned i = 0; i < 400; i++)
        grant_v1_set(8 + i, 0, virt_to_mfn(page), GTF_permit_access);
    for (unsigned i = 0; i < MANY; i++)
        m[i] = (struct gnttab_map_grant_ref){ .host_addr = VA + i * PAGE_SIZE, .ref = 8 + i % 400,
                                              .flags = GNTMAP_host_map | (i & 1 ? GNTMAP_readonly : 0), .status = 99 };
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_map_grant_ref, m, MANY));
    memset(seen, 0, sizeof(seen));
    for (unsigned i = 0; i < MANY; i++) {
        bad += m[i].status != GNTST_okay || *(volatile unsigned long *)(VA + i * PAGE_SIZE) != 0x1357;
        if (m[i].handle < sizeof(seen))
            twice += seen[m[i].handle]++;
    }
    EXPECT_EQUAL(bad, 0);
    EXPECT_EQUAL(twice, 0);
    for (unsigned i = 0; i < MANY; i++) {
        unsigned k = (i * 613) % MANY;

        u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = m[k].host_addr, .handle = m[k].handle, .status = 99 };
    }
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, u, MANY));
    for (unsigned i = 0; i < MANY; i++)
        bad += u[i].status != GNTST_okay || pt_entry(NULL, VA, 1)[0] != 0;
    EXPECT_EQUAL(bad, 0);
    for (unsigned i = 0; i < 400; i++)
        bad += grant_v1[8 + i].flags != GTF_permit_access;
    EXPECT_EQUAL(bad, 0);
}

static void check_grow(void)
{
    static xen_pfn_t frames[512];
    struct gnttab_query_size q = { .dom = DOMID_SELF };
    struct gnttab_setup_table s = { .dom = DOMID_SELF };
    unsigned same = 0;

    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_query_size, &q, 1));
    if (q.max_nr_frames > ARRAY_SIZE(frames))
        return;
    s.nr_frames = q.max_nr_frames;
    set_xen_guest_handle(s.frame_list, frames);
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_setup_table, &s, 1));
    EXPECT_EQUAL(s.status, GNTST_okay);
    for (unsigned i = 1; i < q.max_nr_frames; i++)
        same += frames[i] == frames[i - 1] || !frames[i];
    EXPECT_EQUAL(same, 0);
    s.nr_frames++;
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_setup_table, &s, 1));
    EXPECT_TRUE(s.status != GNTST_okay);
    EXPECT_OK(hypercall(grant_table_op, GNTTABOP_query_size, &q, 1));
    EXPECT_EQUAL(q.nr_frames, q.max_nr_frames);
}

void test_main(void)
{
    unsigned long *page = page_alloc();

    *page = 0x1357;
    REQUIRE(!map_page(NULL, VA, 0, 0));
    REQUIRE(!map_page(NULL, VA + 512 * PAGE_SIZE, 0, 0));
    grant_init(1);
    EXPECT_OK(grant_set_version(1));
    check_many(page);
    check_many(page);
    check_grow();
}
