/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables: random operations of three domains against a naive model (tests/host/grant_world.h), each rule of the
 * header by itself, every allocation failing once, and a granter that revokes while its entry is being claimed.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <cmocka.h>
#include "grant_world.h"

static int setup(void **state)
{
    (void)state;
    world_start();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end();
    return 0;
}

static gnttab_map_grant_ref_t map_op(int dom, uint32_t ref, uint32_t flags, unsigned slot)
{
    return (gnttab_map_grant_ref_t){ .host_addr = VA_BASE + slot * PAGE_SIZE, .flags = flags, .ref = ref,
                                     .dom = (domid_t)dom, .status = 99 };
}

static gnttab_map_grant_ref_t map(int i, int dom, uint32_t ref, uint32_t flags, unsigned slot)
{
    gnttab_map_grant_ref_t op = map_op(dom, ref, flags, slot);

    assert_int_equal(CALL(i, map_grant_ref, &op, 1), 0);
    return op;
}

static int unmap(int i, uint32_t handle, uint64_t host, uint64_t dev)
{
    gnttab_unmap_grant_ref_t op = { .host_addr = host, .dev_bus_addr = dev, .handle = handle };

    assert_int_equal(CALL(i, unmap_grant_ref, &op, 1), 0);
    return op.status;
}

/* A frame of domain i's. */
static uint64_t ram(int i, unsigned n)
{
    return FIRST + (unsigned)i * RAM + n;
}

static void version(int i, uint32_t v)
{
    gnttab_set_version_t op = { .version = v };

    assert_int_equal(CALL(i, set_version, &op, 1), 0);
}

static void test_random(void **state)
{
    static uint8_t buf[30000];

    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t x = seed * 0x9e3779b97f4a7c15ul;
        struct bytes b = { buf, buf + sizeof(buf) };

        for (unsigned i = 0; i < sizeof(buf); i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            buf[i] = (uint8_t)(x >> 24);
        }
        world_start();
        while (b.p < b.end)
            world_step(&b);
        world_end();
    }
}

static void test_map(void **state)
{
    gnttab_map_grant_ref_t ro, rw;
    unsigned before;

    (void)state;
    guest_grant(1, 9, GTF_permit_access, 0, ram(1, 2));
    ro = map(0, 1, 9, GNTMAP_host_map | GNTMAP_readonly, 0);
    assert_int_equal(ro.status, GNTST_okay);
    assert_int_equal(entry_bits(1, 9), GTF_reading);
    rw = map(0, 1, 9, GNTMAP_host_map, 1);
    assert_int_equal(rw.status, GNTST_okay);
    assert_int_not_equal(ro.handle, rw.handle);
    assert_int_equal(rw.dev_bus_addr, ram(1, 2) << PAGE_SHIFT);
    assert_int_equal(entry_bits(1, 9), GTF_reading | GTF_writing);
    assert_false(W.pte[0][0].writable);
    assert_true(W.pte[0][1].writable);
    assert_int_equal(W.f[ram(1, 2) - FIRST].refs, 3);
    assert_int_equal(W.f[ram(1, 2) - FIRST].writers, 1);
    check_audit();
    before = W.flushes;
    assert_int_equal(unmap(0, rw.handle, rw.host_addr, 0), GNTST_okay);
    assert_int_equal(W.flushes, before + 1);
    assert_int_equal(entry_bits(1, 9), GTF_reading);
    assert_int_equal(unmap(0, rw.handle, rw.host_addr, 0), GNTST_bad_handle);
    assert_int_equal(unmap(0, ro.handle, rw.host_addr, 0), GNTST_general_error);
    assert_int_equal(unmap(0, ro.handle, ro.host_addr, 0), GNTST_okay);
    assert_int_equal(entry_bits(1, 9), 0);
    world_check();
}

static void test_map_refused(void **state)
{
    gnttab_map_grant_ref_t bad_flags[] = { map_op(1, 1, 0, 0), map_op(1, 1, GNTMAP_readonly, 0) };

    (void)state;
    guest_grant(1, 1, GTF_permit_access, 0, ram(1, 0));
    guest_grant(1, 2, GTF_permit_access | GTF_readonly, 0, ram(1, 0));
    guest_grant(1, 3, GTF_permit_access, 2, ram(1, 0));
    guest_grant(1, 4, GTF_accept_transfer, 0, ram(1, 0));
    guest_grant(1, 5, GTF_permit_access, 0, ram(2, 0));
    guest_grant(1, 6, GTF_permit_access, 0, ram(1, 1));
    W.f[ram(1, 1) - FIRST].table = true;
    assert_int_equal(CALL(0, map_grant_ref, bad_flags, 2), 0);
    assert_int_equal(bad_flags[0].status, GNTST_bad_gntref);
    assert_int_equal(bad_flags[1].status, GNTST_bad_gntref);
    assert_int_equal(map(0, 55, 1, GNTMAP_host_map, 0).status, GNTST_bad_domain);
    assert_int_equal(map(0, DOMID_SELF, 1, GNTMAP_host_map, 0).status, GNTST_bad_domain);
    assert_int_equal(map(0, 1, 512, GNTMAP_host_map, 0).status, GNTST_bad_gntref);
    assert_int_equal(map(0, 1, 0, GNTMAP_host_map, 0).status, GNTST_general_error);
    assert_int_equal(map(0, 1, 2, GNTMAP_host_map, 0).status, GNTST_general_error);
    assert_int_equal(map(0, 1, 3, GNTMAP_host_map, 0).status, GNTST_general_error);
    assert_int_equal(map(0, 1, 4, GNTMAP_host_map, 0).status, GNTST_general_error);
    assert_int_equal(map(0, 1, 5, GNTMAP_host_map, 0).status, GNTST_bad_page);
    assert_int_equal(map(0, 1, 6, GNTMAP_host_map, 0).status, GNTST_general_error);
    assert_int_equal(map(0, 1, 1, GNTMAP_host_map, SLOTS).status, GNTST_general_error);
    for (uint32_t ref = 0; ref < 8; ref++)
        assert_int_equal(entry_bits(1, ref), 0);
    world_check();
    assert_int_equal(map(0, 1, 2, GNTMAP_host_map | GNTMAP_readonly, 0).status, GNTST_okay);
    assert_int_equal(map(0, 1, 6, GNTMAP_host_map | GNTMAP_readonly, 1).status, GNTST_okay);
    /* Pinned for reading, the frame is a page table: a writer is refused and the reader stays. */
    assert_int_equal(map(0, 1, 6, GNTMAP_host_map, 2).status, GNTST_general_error);
    assert_int_equal(entry_bits(1, 6), GTF_reading);
    W.f[ram(1, 1) - FIRST].table = false;
}

/* Host and device mapping of one handle, taken back one by one in one batch and in two. */
static void test_partial(void **state)
{
    gnttab_map_grant_ref_t m;
    gnttab_unmap_grant_ref_t op[2];
    unsigned before;

    (void)state;
    guest_grant(1, 9, GTF_permit_access, 0, ram(1, 2));
    m = map(0, 1, 9, GNTMAP_host_map | GNTMAP_device_map, 0);
    assert_int_equal(W.f[ram(1, 2) - FIRST].refs, 3);
    assert_int_equal(unmap(0, m.handle, 0, 0x1000), GNTST_general_error);
    assert_int_equal(unmap(0, m.handle, 0, 0), GNTST_okay);
    assert_int_equal(unmap(0, m.handle, m.host_addr, 0), GNTST_okay);
    assert_int_equal(entry_bits(1, 9), GTF_reading | GTF_writing);
    assert_int_equal(unmap(0, m.handle, 0, m.dev_bus_addr), GNTST_okay);
    assert_int_equal(entry_bits(1, 9), 0);
    m = map(0, 1, 9, GNTMAP_host_map | GNTMAP_device_map, 0);
    op[0] = (gnttab_unmap_grant_ref_t){ .host_addr = m.host_addr, .handle = m.handle };
    op[1] = (gnttab_unmap_grant_ref_t){ .dev_bus_addr = m.dev_bus_addr, .handle = m.handle };
    before = W.flushes;
    assert_int_equal(CALL(0, unmap_grant_ref, op, 2), 0);
    assert_int_equal(W.flushes, before + 1);
    assert_int_equal(op[0].status, GNTST_okay);
    assert_int_equal(op[1].status, GNTST_okay);
    /* A frame that takes one reference but not two. */
    W.refs_max = 2;
    assert_int_equal(map(0, 1, 9, GNTMAP_host_map | GNTMAP_device_map, 0).status, GNTST_general_error);
    W.refs_max = 0;
    assert_int_equal(entry_bits(1, 9), 0);
    world_check();
}

/* 56 mappings: one flush for all of them, none for device mappings; preempted anywhere: the same. */
static void test_batch(void **state)
{
    gnttab_map_grant_ref_t m[56];
    gnttab_unmap_grant_ref_t u[56];

    (void)state;
    for (unsigned every = 0; every < 3; every++) {
        unsigned before;

        for (unsigned k = 0; k < 56; k++) {
            guest_grant(1 + k % 2, k, GTF_permit_access, 0, ram(1 + (int)k % 2, k % RAM));
            m[k] = map_op(1 + k % 2, k, k < SLOTS ? GNTMAP_host_map : GNTMAP_device_map, k);
        }
        host_preempt_every(every);
        assert_int_equal(CALL(0, map_grant_ref, m, 56), 0);
        for (unsigned k = 0; k < 56; k++) {
            assert_int_equal(m[k].status, GNTST_okay);
            u[k] = (gnttab_unmap_grant_ref_t){ .handle = m[k].handle };
            *(k < SLOTS ? &u[k].host_addr : &u[k].dev_bus_addr) = k < SLOTS ? m[k].host_addr : m[k].dev_bus_addr;
        }
        check_audit();
        before = W.flushes;
        assert_int_equal(CALL(0, unmap_grant_ref, u, 56), 0);
        for (unsigned k = 0; k < 56; k++)
            assert_int_equal(u[k].status, GNTST_okay);
        assert_int_equal(W.flushes, before + 1); /* all host mappings are in the first chunk */
        world_check();
    }
}

static void test_replaced_entry_is_flushed(void **state)
{
    unsigned before;

    (void)state;
    guest_grant(1, 1, GTF_permit_access, 0, ram(1, 0));
    guest_grant(1, 2, GTF_permit_access, 0, ram(1, 1));
    assert_int_equal(map(0, 1, 1, GNTMAP_host_map, 0).status, GNTST_okay);
    before = W.flushes;
    assert_int_equal(map(0, 1, 2, GNTMAP_host_map, 1).status, GNTST_okay);
    assert_int_equal(W.flushes, before);
    assert_int_equal(map(0, 1, 2, GNTMAP_host_map, 0).status, GNTST_okay);
    assert_int_equal(W.flushes, before + 1);
}

static void test_no_space(void **state)
{
    gnttab_map_grant_ref_t m[GRANT_MAPS_PER_CHUNK], more;

    (void)state;
    guest_grant(1, 1, GTF_permit_access, 0, ram(1, 0));
    host_mem_fail_at(1);
    assert_int_equal(map(0, 1, 1, GNTMAP_device_map, 0).status, GNTST_no_space);
    world_check();
    for (unsigned k = 0; k < GRANT_MAPS_PER_CHUNK; k++) {
        m[k] = map(0, 1, 1, GNTMAP_device_map, 0);
        assert_int_equal(m[k].status, GNTST_okay);
    }
    more = map(0, 1, 1, GNTMAP_device_map, 0);
    assert_int_equal(more.status, GNTST_no_space);
    check_audit();
    assert_int_equal(unmap(0, m[7].handle, 0, m[7].dev_bus_addr), GNTST_okay);
    more = map(0, 1, 1, GNTMAP_device_map, 0);
    assert_int_equal(more.status, GNTST_okay);
    assert_int_equal(more.handle, m[7].handle);
}

/* The granter dies first: its table lives until the last mapping is gone. */
static void test_granter_dies(void **state)
{
    gnttab_map_grant_ref_t m;
    struct grant_want w = { .ref = 1, .who = 0, .readonly = true, .count = 1 };
    struct grant_active *c;
    mfn_t frame;
    gfn_t slot;

    (void)state;
    guest_grant(1, 1, GTF_permit_access, 0, ram(1, 0));
    m = map(0, 1, 1, GNTMAP_host_map | GNTMAP_device_map, 0);
    world_domain_kill(1);
    assert_int_equal(W.d[1].refs, 1);
    assert_int_equal(map(0, 1, 1, GNTMAP_host_map, 1).status, GNTST_bad_domain);
    /* Its shared frames are gone already: nothing can be done with the table but to take pins back. */
    assert_int_equal(grant_resource_frames(&W.d[1], XENMEM_resource_grant_table_id_shared, 0, 1, &frame), -XEN_EINVAL);
    assert_int_equal(grant_pin(table_of(1), &w, &c), GNTST_bad_gntref);
    assert_int_equal(grant_swap(table_of(1), 0, 1), GNTST_bad_gntref);
    assert_int_equal(grant_set_version(table_of(1), 2), -XEN_EINVAL);
    assert_int_equal(grant_transfer_begin(table_of(1), 0, 0, MFN(1), &slot), GNTST_general_error);
    check_audit();
    assert_int_equal(unmap(0, m.handle, m.host_addr, m.dev_bus_addr), GNTST_okay);
    assert_int_equal(W.d[1].refs, 0);
    assert_null(W.d[1].grant);
    world_check();
}

static void test_mapper_dies(void **state)
{
    (void)state;
    guest_grant(1, 1, GTF_permit_access, 2, ram(1, 0));
    guest_grant(2, 1, GTF_permit_access, 2, ram(2, 0));
    for (unsigned k = 0; k < 100; k++)
        assert_int_equal(map(2, 1, 1, GNTMAP_device_map | (k % 2 ? GNTMAP_readonly : 0), 0).status, GNTST_okay);
    assert_int_equal(map(2, 1, 1, GNTMAP_host_map, 0).status, GNTST_okay);
    assert_int_equal(map(2, 2, 1, GNTMAP_host_map, 1).status, GNTST_okay); /* its own */
    host_preempt_every(1);
    world_domain_kill(2);
    assert_int_equal(W.d[2].refs, 0);
    assert_int_equal(entry_bits(1, 1), 0);
    world_check();
}

static int copy(int i, gnttab_copy_t op)
{
    assert_int_equal(CALL(i, copy, &op, 1), 0);
    return op.status;
}

static gnttab_copy_t from_ref(int dom, uint32_t ref, unsigned offset, unsigned len, uint64_t to)
{
    return (gnttab_copy_t){ .flags = GNTCOPY_source_gref, .len = (uint16_t)len,
                            .source = { .u.ref = ref, .domid = (domid_t)dom, .offset = (uint16_t)offset },
                            .dest = { .u.gmfn = to, .domid = DOMID_SELF } };
}

static void test_copy_sub_page(void **state)
{
    (void)state;
    version(1, 2);
    guest_grant(1, 1, GTF_permit_access | GTF_sub_page, 0, ram(1, 0));
    v2_of(1, 1)->sub_page.page_off = 100;
    v2_of(1, 1)->sub_page.length = 50;
    memset(world_frame(ram(1, 0)), 0x77, 4096);
    assert_int_equal(copy(0, from_ref(1, 1, 100, 50, ram(0, 0))), GNTST_okay);
    assert_int_equal(((uint8_t *)world_frame(ram(0, 0)))[49], 0x77);
    assert_int_equal(((uint8_t *)world_frame(ram(0, 0)))[50], 0);
    assert_int_equal(copy(0, from_ref(1, 1, 99, 50, ram(0, 0))), GNTST_general_error);
    assert_int_equal(copy(0, from_ref(1, 1, 101, 50, ram(0, 0))), GNTST_general_error);
    assert_int_equal(copy(0, from_ref(1, 1, 4090, 50, ram(0, 0))), GNTST_bad_copy_arg);
    assert_int_equal(map(0, 1, 1, GNTMAP_host_map, 0).status, GNTST_general_error);
    /* Whoever may not name frames of others may not. */
    assert_int_equal(copy(0, (gnttab_copy_t){ .source = { .u.gmfn = ram(1, 0), .domid = 1 },
                                              .dest = { .u.gmfn = ram(0, 0), .domid = DOMID_SELF } }),
                     GNTST_permission_denied);
    assert_int_equal(copy(0, from_ref(1, 1, 100, 50, ram(1, 0))), GNTST_bad_page);
    world_check();
}

/* 2 grants to 1, 1 passes it on to 0; a third step is refused. */
static void test_copy_transitive(void **state)
{
    (void)state;
    version(1, 2);
    version(2, 2);
    guest_grant(2, 9, GTF_permit_access, 1, ram(2, 3));
    guest_grant(1, 1, GTF_transitive | GTF_readonly, 0, 0);
    v2_of(1, 1)->transitive.trans_domid = 2;
    v2_of(1, 1)->transitive.gref = 9;
    memset(world_frame(ram(2, 3)), 0x42, 4096);
    assert_int_equal(copy(0, from_ref(1, 1, 0, 4096, ram(0, 0))), GNTST_okay);
    assert_int_equal(((uint8_t *)world_frame(ram(0, 0)))[4095], 0x42);
    assert_int_equal(copy(0, (gnttab_copy_t){ .flags = GNTCOPY_dest_gref, .len = 1,
                                              .source = { .u.gmfn = ram(0, 0), .domid = DOMID_SELF },
                                              .dest = { .u.ref = 1, .domid = 1 } }), GNTST_general_error);
    assert_int_equal(map(0, 1, 1, GNTMAP_host_map | GNTMAP_readonly, 0).status, GNTST_general_error);
    assert_int_equal(copy(0, from_ref(2, 9, 0, 1, ram(0, 0))), GNTST_general_error);
    guest_grant(2, 9, GTF_transitive, 1, 0);
    v2_of(2, 9)->transitive.trans_domid = 0;
    assert_int_equal(copy(0, from_ref(1, 1, 0, 1, ram(0, 0))), GNTST_general_error);
    v2_of(1, 1)->transitive.trans_domid = 1; /* to itself */
    assert_int_equal(copy(0, from_ref(1, 1, 0, 1, ram(0, 0))), GNTST_general_error);
    v2_of(1, 1)->transitive.trans_domid = 50;
    assert_int_equal(copy(0, from_ref(1, 1, 0, 1, ram(0, 0))), GNTST_general_error);
    world_check();
}

/* A copy of many pieces of one frame takes its references once, and the bits are gone afterwards. */
static void test_copy_many(void **state)
{
    gnttab_copy_t op[40];
    uint8_t *from = world_frame(ram(1, 0)), *to = world_frame(ram(0, 1));

    (void)state;
    guest_grant(1, 1, GTF_permit_access | GTF_readonly, 0, ram(1, 0));
    for (unsigned k = 0; k < 4096; k++)
        from[k] = (uint8_t)(k * 7);
    for (unsigned every = 0; every < 3; every++) {
        memset(to, 0, 4096);
        for (unsigned k = 0; k < 40; k++) {
            op[k] = from_ref(1, 1, k * 100, 100, ram(0, 1));
            op[k].dest.offset = op[k].source.offset;
        }
        host_preempt_every(every);
        assert_int_equal(CALL(0, copy, op, 40), 0);
        assert_memory_equal(from, to, 4000);
        assert_int_equal(to[4000], 0);
        assert_int_equal(entry_bits(1, 1), 0);
        world_check();
    }
}

/* The frame kept from the last element is used again only for the very same name. */
static void test_copy_names(void **state)
{
    gnttab_copy_t op[4];
    uint8_t *to = world_frame(ram(0, 5));

    (void)state;
    guest_grant(1, 256, GTF_permit_access, 0, ram(1, 0));
    guest_grant(2, 256, GTF_permit_access, 0, ram(2, 0));
    guest_grant(0, 256, GTF_permit_access, 0, ram(0, 1));
    assert_int_equal(ram(0, 0), 256);
    memset(world_frame(ram(1, 0)), 1, 4096);
    memset(world_frame(ram(2, 0)), 2, 4096);
    memset(world_frame(ram(0, 1)), 3, 4096);
    memset(world_frame(ram(0, 0)), 4, 4096);
    op[0] = from_ref(1, 256, 0, 1, ram(0, 5));
    op[1] = from_ref(2, 256, 0, 1, ram(0, 5));
    op[2] = from_ref(DOMID_SELF, 256, 0, 1, ram(0, 5));
    op[3] = op[2];
    op[3].flags = 0;
    op[3].source.u.gmfn = 256;
    for (unsigned k = 0; k < 4; k++)
        op[k].dest.offset = (uint16_t)k;
    assert_int_equal(CALL(0, copy, op, 4), 0);
    assert_memory_equal(to, "\1\2\3\4", 4);
    world_check();
}

/* What another CPU's copy has pinned is no licence to map, or to follow a chain further. */
static void test_pinned_kinds(void **state)
{
    struct grant_want sub = { .ref = 1, .who = 0, .readonly = true, .use = GRANT_FOR_COPY, .count = 1 }, w;
    struct grant_want chain = { .ref = 2, .who = 0, .readonly = true, .use = GRANT_FOR_COPY, .count = 1 };
    struct grant_active *c;

    (void)state;
    version(1, 2);
    guest_grant(1, 1, GTF_permit_access | GTF_sub_page, 0, ram(1, 0));
    guest_grant(1, 2, GTF_transitive, 0, 0);
    assert_int_equal(grant_pin(table_of(1), &sub, &c), GNTST_okay);
    assert_int_equal(grant_pin(table_of(1), &chain, &c), GNTST_okay);
    for (unsigned use = 0; use < 3; use++) {
        w = sub;
        w.use = (uint8_t)use;
        assert_int_equal(grant_pin(table_of(1), &w, &c), use == GRANT_FOR_MAP ? GNTST_general_error : GNTST_okay);
        if (use != GRANT_FOR_MAP)
            grant_unpin(table_of(1), 1, true, 1);
        w = chain;
        w.use = (uint8_t)use;
        assert_int_equal(grant_pin(table_of(1), &w, &c), use == GRANT_FOR_COPY ? GNTST_okay : GNTST_general_error);
        if (use == GRANT_FOR_COPY)
            grant_unpin(table_of(1), 2, true, 1);
    }
    w = sub;
    w.who = 2;
    assert_int_equal(grant_pin(table_of(1), &w, &c), GNTST_general_error);
    /* The guest rewrites what is in use: the content stays. */
    guest_grant(1, 1, GTF_permit_access, 0, ram(1, 1));
    assert_int_equal(grant_pin(table_of(1), &sub, &c), GNTST_okay);
    assert_int_equal(c->content.frame, ram(1, 0));
    assert_int_equal(c->content.kind, GRANT_SUB_PAGE);
    grant_unpin(table_of(1), 1, true, 2);
    grant_unpin(table_of(1), 2, true, 1);
    world_check();
}

static void test_transfer(void **state)
{
    gnttab_transfer_t op = { .mfn = ram(0, 0), .domid = 1, .ref = 5 };
    gfn_t slot;

    (void)state;
    guest_grant(1, 5, GTF_accept_transfer, 0, 0x321);
    assert_int_equal(CALL(0, transfer, &op, 1), 0);
    assert_int_equal(op.status, GNTST_okay);
    assert_int_equal(W.f[ram(0, 0) - FIRST].owner, 1);
    assert_int_equal(W.f[ram(0, 0) - FIRST].m2p, 0x321);
    assert_int_equal(v1_of(1, 5)->frame, ram(0, 0));
    assert_int_equal(v1_of(1, 5)->flags, GTF_accept_transfer | GTF_transfer_committed | GTF_transfer_completed);
    assert_int_equal(CALL(0, transfer, &op, 1), 0);
    assert_int_equal(op.status, GNTST_bad_page);
    /* An entry in use can't receive, whatever its granter writes. */
    guest_grant(1, 7, GTF_permit_access, 0, ram(1, 0));
    map(0, 1, 7, GNTMAP_device_map, 0);
    guest_grant(1, 7, GTF_accept_transfer, 0, 0);
    assert_int_equal(grant_transfer_begin(table_of(1), 7, 0, MFN(1), &slot), GNTST_general_error);
    assert_int_equal(unmap(0, 0, 0, ram(1, 0) << PAGE_SHIFT), GNTST_okay);
    /* A version-1 entry can't hold the number of a frame above 16 TiB. */
    guest_grant(1, 6, GTF_accept_transfer, 0, 0);
    assert_int_equal(grant_transfer_begin(table_of(1), 6, 0, MFN(1ul << 32), &slot), GNTST_address_too_big);
    assert_int_equal(v1_of(1, 6)->flags, GTF_accept_transfer);
    /* A receiver at its limit is told so, and the frame is gone. */
    for (unsigned k = 1; k < 4; k++) {
        guest_grant(1, 6, GTF_accept_transfer, 0, 0);
        op = (gnttab_transfer_t){ .mfn = ram(0, k), .domid = 1, .ref = 6 };
        assert_int_equal(CALL(0, transfer, &op, 1), 0);
        assert_int_equal(op.status, k < 2 ? GNTST_okay : GNTST_general_error);
        assert_int_equal(v1_of(1, 6)->frame, k < 2 ? ram(0, k) : UINT32_MAX);
    }
    world_check();
}

static void test_version(void **state)
{
    gnttab_set_version_t op = { .version = 3 };
    gnttab_map_grant_ref_t m;

    (void)state;
    assert_int_equal(CALL(1, set_version, &op, 1), -XEN_EINVAL);
    assert_int_equal(op.version, 1);
    guest_grant(1, 1, GTF_permit_access | GTF_readonly, 0, ram(1, 0));
    guest_grant(1, 8, GTF_permit_access, 0, ram(1, 0));
    m = map(0, 1, 8, GNTMAP_device_map, 0);
    op.version = 2;
    assert_int_equal(CALL(1, set_version, &op, 1), -XEN_EBUSY);
    assert_int_equal(unmap(0, m.handle, 0, m.dev_bus_addr), GNTST_okay);
    version(1, 2);
    assert_int_equal(v2_of(1, 1)->full_page.frame, ram(1, 0));
    assert_int_equal(v2_of(1, 1)->hdr.flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(v2_of(1, 8)->hdr.flags, 0);
    m = map(0, 1, 1, GNTMAP_device_map | GNTMAP_readonly, 0);
    assert_int_equal(m.status, GNTST_okay);
    assert_int_equal(table_of(1)->status[0][1], GTF_reading);
    assert_int_equal(v2_of(1, 1)->hdr.flags, GTF_permit_access | GTF_readonly);
    assert_int_equal(unmap(0, m.handle, 0, m.dev_bus_addr), GNTST_okay);
    v2_of(1, 1)->full_page.frame = 1ul << 32;
    op.version = 1;
    assert_int_equal(CALL(1, set_version, &op, 1), -XEN_ERANGE);
    assert_int_equal(table_of(1)->version, 2);
    v2_of(1, 1)->full_page.frame = ram(1, 0);
    version(1, 1);
    assert_int_equal(v1_of(1, 1)->frame, ram(1, 0));
    world_check();
}

/* Bad addresses of the arguments, at the start and in the middle: an error, and every counter is right. */
static void test_efault(void **state)
{
    static const unsigned ops[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
    gnttab_map_grant_ref_t m[20];

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(ops); k++) {
        struct hcall c = { .arg = { ops[k], 0x10, 1 } };

        assert_int_equal(do_grant_table_op(&c), -XEN_EFAULT);
    }
    guest_grant(1, 1, GTF_permit_access, 0, ram(1, 0));
    for (unsigned k = 0; k < 20; k++)
        m[k] = map_op(1, 1, GNTMAP_device_map, 0);
    W.arena_size = 18 * sizeof(m[0]);
    assert_int_equal(CALL(0, map_grant_ref, m, 20), -XEN_EFAULT);
    for (unsigned k = 0; k < 16; k++)
        assert_int_equal(m[k].status, GNTST_okay);
    W.arena_size = sizeof(W.arena);
    check_audit();
}

static void test_odd_calls(void **state)
{
    gnttab_dump_table_t dump = { .dom = 1 };
    struct hcall c = { .arg = { 13, ARENA, 1 } };

    (void)state;
    assert_int_equal(do_grant_table_op(&c), -XEN_ENOSYS);
    c = (struct hcall){ .arg = { GNTTABOP_map_grant_ref, ARENA, 0x80000000 } };
    assert_int_equal(do_grant_table_op(&c), -XEN_EINVAL);
    c = (struct hcall){ .arg = { GNTTABOP_map_grant_ref, 0, 0 } };
    assert_int_equal(do_grant_table_op(&c), 0);
    for (unsigned op = 2; op < 10; op++) {
        if (op != GNTTABOP_setup_table && op != GNTTABOP_dump_table && op != GNTTABOP_query_size &&
            op != GNTTABOP_get_status_frames)
            continue;
        c = (struct hcall){ .arg = { op, ARENA, 2 } };
        assert_int_equal(do_grant_table_op(&c), -XEN_EINVAL);
    }
    assert_int_equal(CALL(1, dump_table, &dump, 1), 0);
    assert_int_equal(dump.status, GNTST_permission_denied);
    guest_grant(1, 1, GTF_permit_access, 0, ram(1, 0));
    map(0, 1, 1, GNTMAP_device_map, 0);
    assert_int_equal(CALL(0, dump_table, &dump, 1), 0);
    assert_int_equal(dump.status, GNTST_okay);
    assert_int_equal(host_log_count(LOG_INFO), 2);
    assert_non_null(strstr(host_log_last(), "ref 1: by d0"));
}

/* Every allocation on the way fails once. */
static void test_memory(void **state)
{
    gnttab_setup_table_t op = { .dom = DOMID_SELF, .nr_frames = 2 };
    int rc = -XEN_ENOMEM;

    (void)state;
    world_domain_kill(2);
    W.d[2].refs = 1;
    for (unsigned nth = 1; rc; nth++) {
        unsigned long live = host_mem_live();

        host_mem_fail_at(nth);
        rc = grant_domain_create(&W.d[2], 2, 1, 2);
        assert_true(rc == 0 || (rc == -XEN_ENOMEM && nth < 20));
        assert_true(rc == 0 || (host_mem_live() == live && !W.d[2].grant));
    }
    host_mem_fail_at(0);
    assert_int_equal(grant_domain_kill(&W.d[2]), 0);
    assert_int_equal(W.d[2].refs, 1);
    grant_domain_free(&W.d[2]);
    assert_int_equal(grant_domain_create(&W.d[2], 0, 1, 2), -XEN_EINVAL);
    assert_int_equal(grant_domain_create(&W.d[2], 65, 1, 2), -XEN_EINVAL);
    assert_int_equal(grant_domain_create(&W.d[2], 2, 1025, 2), -XEN_EINVAL);
    assert_int_equal(grant_domain_create(&W.d[2], 2, 1, 3), -XEN_EINVAL);
    assert_int_equal(grant_domain_create(&W.d[2], 2, 1, 0), -XEN_EINVAL);
    assert_null(W.d[2].grant);
    W.d[2].refs = 0;
    set_xen_guest_handle(op.frame_list, (xen_pfn_t *)(uintptr_t)(ARENA + 2048));
    host_mem_fail_at(1);
    assert_int_equal(CALL(1, setup_table, &op, 1), 0);
    assert_int_equal(op.status, GNTST_general_error);
    assert_int_equal(table_of(1)->nr_frames, 1);
    world_check();
}

static void test_cache_flush(void **state)
{
    gnttab_cache_flush_t op = { .op = GNTTAB_CACHE_CLEAN, .length = 4096 };

    (void)state;
    guest_grant(1, 1, GTF_permit_access, 0, ram(1, 0));
    op.a.dev_bus_addr = ram(1, 0) << PAGE_SHIFT;
    assert_int_equal(CALL(0, cache_flush, &op, 1), -XEN_EPERM);
    map(0, 1, 1, GNTMAP_device_map, 0);
    assert_int_equal(CALL(0, cache_flush, &op, 1), 0);
    op.op |= GNTTAB_CACHE_SOURCE_GREF;
    assert_int_equal(CALL(0, cache_flush, &op, 1), -XEN_EOPNOTSUPP);
}

/* The audit finds what is broken on purpose. */
static void test_audit(void **state)
{
    struct grant_active *a;
    struct grant_map *m;

    (void)state;
    guest_grant(1, 1, GTF_permit_access, 0, ram(1, 0));
    map(0, 1, 1, GNTMAP_device_map, 0);
    a = &table_of(1)->active[0][1];
    m = grant_map_at(&W.d[0].grant->maps, 0);
    for (unsigned k = 0; k < 8; k++) {
        struct grant_party p[2] = { { 0, table_of(0), &W.d[0].grant->maps, true },
                                    { 1, table_of(1), &W.d[1].grant->maps, true } };
        struct grant_active a0 = *a;
        struct grant_map m0 = *m;
        unsigned pinned = table_of(1)->pinned, used = W.d[0].grant->maps.used;
        uint16_t flags = v1_of(1, 1)->flags;

        assert_null(grant_audit(p, 2));
        switch (k) {
        case 0: a->readers++; break;
        case 1: a->who = 1; break;
        case 2: table_of(1)->pinned++; break;
        case 3: v1_of(1, 1)->flags &= (uint16_t)~GTF_writing; break;
        case 4: m->ref = 2; break;
        case 5: m->frame.n++; break;
        case 6: m->state = GRANT_MAP_FREE; break;
        case 7: W.d[0].grant->maps.used++; break;
        }
        assert_non_null(grant_audit(p, 2));
        *a = a0;
        *m = m0;
        table_of(1)->pinned = pinned;
        W.d[0].grant->maps.used = used;
        v1_of(1, 1)->flags = flags;
    }
}

/*
 * The granter revokes, as the header says, in the very moment when the entry is being claimed: the page that the
 * claim is about to write is read-only, and the fault handler is the granter's CPU.  The claim must be lost and leave no trace.
 */
static struct grant_table race;
static void *race_page;
static bool race_revoked;

static bool race_revoke(void)
{
    uint16_t *flags = race.shared[0];
    uint16_t old = *flags;

    if (race.version == 2) {
        *flags = 0;
        return !(race.status[0][0] & (GTF_reading | GTF_writing));
    }
    *flags = old & (GTF_reading | GTF_writing) ? old : 0;
    return !*flags;
}

static void race_fault(int sig)
{
    (void)sig;
    if (mprotect(race_page, PAGE_SIZE, PROT_READ | PROT_WRITE))
        abort();
    race_revoked = race_revoke();
}

static void *race_map(void)
{
    void *p = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_true(p != MAP_FAILED);
    return p;
}

static void race_run(unsigned v, void *shared, void *status, bool pinned)
{
    struct grant_want w = { .who = 5, .readonly = true, .use = GRANT_FOR_MAP, .count = 1 };
    struct grant_active *c;

    memset(shared, 0, PAGE_SIZE);
    assert_int_equal(grant_table_init(&race, 1, 2), 0);
    assert_int_equal(grant_table_add_status(&race, status), 0);
    assert_int_equal(grant_table_add(&race, shared), 0);
    assert_int_equal(grant_set_version(&race, v), 0);
    *(uint32_t *)shared = GTF_permit_access | 5u << 16;
    if (pinned)
        assert_int_equal(grant_pin(&race, &w, &c), GNTST_okay);
    w.readonly = false;
    race_page = v == 1 ? shared : status;
    race_revoked = false;
    assert_int_equal(mprotect(race_page, PAGE_SIZE, PROT_READ), 0);
    if (pinned) {
        /* in use already: the revocation fails, the claim need not */
        bool got = grant_pin(&race, &w, &c) == GNTST_okay;

        assert_false(race_revoked);
        if (got)
            grant_unpin(&race, 0, false, 1);
        grant_unpin(&race, 0, true, 1);
    } else {
        assert_int_equal(grant_pin(&race, &w, &c), GNTST_general_error);
        assert_true(race_revoked);
    }
    assert_int_equal(race.pinned, 0);
    assert_int_equal((v == 1 ? *(uint16_t *)shared : *(uint16_t *)status) & (GTF_reading | GTF_writing), 0);
    grant_table_free(&race);
}

static void test_revoked_meanwhile(void **state)
{
    struct sigaction sa = { .sa_handler = race_fault }, was;
    void *shared = race_map(), *status = race_map();

    (void)state;
    assert_int_equal(sigaction(SIGSEGV, &sa, &was), 0);
    for (unsigned v = 1; v <= 2; v++) {
        race_run(v, shared, status, false);
        race_run(v, shared, status, true);
    }
    sigaction(SIGSEGV, &was, NULL);
    munmap(shared, PAGE_SIZE);
    munmap(status, PAGE_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test_setup_teardown(test_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_partial, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replaced_entry_is_flushed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_granter_dies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mapper_dies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copy_sub_page, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copy_transitive, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copy_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_copy_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pinned_kinds, setup, teardown),
        cmocka_unit_test_setup_teardown(test_transfer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_version, setup, teardown),
        cmocka_unit_test_setup_teardown(test_efault, setup, teardown),
        cmocka_unit_test_setup_teardown(test_odd_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cache_flush, setup, teardown),
        cmocka_unit_test_setup_teardown(test_audit, setup, teardown),
        cmocka_unit_test(test_revoked_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
