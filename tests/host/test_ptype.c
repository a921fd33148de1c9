/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of frames: random operations on the machine of ptype_world.h, carried through or abandoned, preempted at
 * every n-th chance; and by hand what chance doesn't find: limits, races, stamps, the audit's own eyes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "ptype_world.h"

static const struct ptype_ctx d1 = { D1, D1 }, d2 = { D2, D2 };

static const unsigned preempt_every[] = { 0, 1, 2, 3, 5, 17, 300, 700 };

static void random_runs(bool strict, unsigned runs)
{
    static uint8_t buf[4000];
    uint64_t done[16] = { 0 }, eagains = 0, linear = 0;

    for (uint64_t seed = 1; seed <= runs; seed++) {
        uint64_t x = (seed + strict * 1000) * 0x9e3779b97f4a7c15ul;
        struct bytes b = { buf, buf + sizeof(buf) };

        for (unsigned i = 0; i < sizeof(buf); i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            buf[i] = (uint8_t)(x >> 24);
        }
        world_start(strict, preempt_every[seed % ARRAY_SIZE(preempt_every)]);
        world_populate();
        while (b.p < b.end)
            world_step(&b);
        world_end();
        for (unsigned i = 0; i < 16; i++)
            done[i] += W.ops_done[i];
        eagains += W.eagains;
        linear += W.linear_seen;
    }
    for (unsigned i = 1; i <= 5; i++) /* it did find work: tables of each level pinned, segments held */
        assert_true(done[i] > runs * 2);
    for (unsigned i = 9; i <= 12; i++) /* entries of each level changed */
        assert_true(done[i] > runs * 2);
    assert_true(done[7] > runs * 2); /* frames that were one thing and then another */
    assert_true(eagains > runs * 4);
    assert_true(linear > runs * 100); /* linear entries to other tables, each counted as often as it was looked at */
    assert_true(done[14] && done[15]); /* tables left to be taken apart, by entries changed and by bad ones */
}

/* Operations carried through, as the naive model has it; preempted or not. */
static void test_random(void **state)
{
    (void)state;
    random_runs(true, 80);
}

/* Operations left half done, and others on the same tables. */
static void test_random_abandoned(void **state)
{
    (void)state;
    random_runs(false, 80);
}

static uint64_t to(uint64_t m, uint64_t flags)
{
    return m << PAGE_SHIFT | PTE_P | flags;
}

static int set(uint64_t m, unsigned at, uint64_t val)
{
    mfn_t deferred;
    int rc = ptype_set_entry(&d1, MFN(m), at, val, false, &deferred);

    assert_true(mfn_eq(deferred, MFN_NONE));
    return rc;
}

/* Two want to write a frame that was a table: neither may before the flush, though only one of them changes the type. */
static void test_second_writer(void **state)
{
    (void)state;
    for (unsigned was = FT_L1; was <= FT_SEG; was++) {
        world_start(false, 0);
        assert_int_equal(ptype_get(&d1, MFN(30), (enum frame_type)was), 0);
        assert_int_equal(ptype_put(&d1, MFN(30)), 0);
        W.cpu[0].types[30] = (uint8_t)(1u << was);
        W.intruder = MFN(30);
        W.intruder_rc = -1;
        assert_int_equal(ptype_get_writable(MFN(30)), 0);
        assert_int_equal(W.intruder_rc, 0);
        assert_int_equal(W.cpu[0].types[30], 0);
        assert_int_equal(frames[30].type & TYPE_COUNT_MASK, 2);
        assert_true(frames[30].type & TYPE_VALIDATED);
        ptype_put_writable(MFN(30));
        ptype_put_writable(MFN(30));
        world_end();
    }
}

/* The flush that a change asks for: since when the old use is over, and where. */
static void test_stamp(void **state)
{
    (void)state;
    world_start(true, 0);
    W.clock = 5;
    assert_int_equal(ptype_get_writable(MFN(30)), 0);
    ptype_put_writable(MFN(30));
    W.clock = 9;
    assert_int_equal(ptype_get_writable(MFN(30)), 0); /* the same type again: nothing to flush */
    assert_int_equal(W.flushes, 0);
    ptype_put_writable(MFN(30));
    W.clock = 12;
    assert_int_equal(ptype_get(&d1, MFN(30), FT_L2), 0);
    assert_int_equal(W.flushes, 1);
    assert_int_equal(W.flush_stamp, 9);
    assert_false(W.flush_everywhere);
    W.clock = 15;
    assert_int_equal(ptype_put(&d1, MFN(30)), 0);
    __atomic_or_fetch(&frames[30].ref, REF_FOREIGN, __ATOMIC_SEQ_CST);
    assert_int_equal(ptype_get(&d1, MFN(30), FT_L1), 0);
    assert_int_equal(W.flush_stamp, 15);
    assert_true(W.flush_everywhere);
    assert_int_equal(ptype_put(&d1, MFN(30)), 0);
    W.clock = 20;
    assert_int_equal(ptype_get(&d1, MFN(30), FT_L1), 0);
    assert_int_equal(W.flushes, 2);
    assert_int_equal(ptype_put(&d1, MFN(30)), 0);
    world_end();
}

/* An L1 that is pinned too: the flush before it is memory again goes by when no entry led to it any more, not by the unpin. */
static void test_stamp_of_links(void **state)
{
    (void)state;
    for (unsigned rounds = 0; rounds < 2; rounds++) {
        world_start(true, 0);
        W.clock = rounds ? (1u << TYPE_LINK_BITS) - 3 : 5; /* the short note wraps */
        for (unsigned i = 0; i < CPUS; i++)
            W.cpu[i].last_flush = W.clock;
        assert_int_equal(ptype_pin(&d1, MFN(30), FT_L1), 0);
        entries(2)[0] = entries(2)[1] = to(30, PTE_RW);
        assert_int_equal(ptype_pin(&d1, MFN(2), FT_L2), 0);
        W.pinned[30] = W.pinned[2] = true;
        W.clock += 4;
        assert_int_equal(ptype_unpin(&d1, MFN(2)), 0);
        W.pinned[2] = false;
        W.clock += 40;
        assert_int_equal(ptype_unpin(&d1, MFN(30)), 0);
        W.pinned[30] = false;
        assert_int_equal(ptype_get_writable(MFN(30)), 0);
        assert_int_equal(W.flush_stamp, rounds ? (1u << TYPE_LINK_BITS) + 1 : 9);
        ptype_put_writable(MFN(30));
        assert_int_equal(ptype_pin(&d1, MFN(30), FT_L1), 0);
        W.pinned[30] = true;
        world_check();
        world_end();
    }
}

static void test_counters_full(void **state)
{
    const uint64_t full = (uint64_t)FT_WRITABLE << TYPE_SHIFT | TYPE_VALIDATED | TYPE_COUNT_MASK;
    uint64_t ref, type;

    (void)state;
    world_start(true, 0);
    assert_int_equal(ptype_pin(&d1, MFN(1), FT_L1), 0);
    W.pinned[1] = true;
    frames[30].type = full;
    assert_int_equal(ptype_get_writable(MFN(30)), -XEN_EBUSY);
    ref = frames[30].ref;
    assert_int_equal(set(1, 0, to(30, PTE_RW)), -XEN_EBUSY);
    assert_int_equal(entries(1)[0], 0);
    entries(2)[0] = to(31, PTE_RW);
    entries(2)[1] = to(30, PTE_RW);
    assert_int_equal(ptype_pin(&d1, MFN(2), FT_L1), -XEN_EINVAL);
    assert_int_equal(frames[30].type, full);
    assert_int_equal(frames[30].ref, ref);
    frames[30].type = 0;

    frames[30].ref |= REF_COUNT_MASK;
    assert_false(frame_ref_get(MFN(30), D1));
    assert_int_equal(set(1, 0, to(30, 0)), -XEN_EINVAL);
    assert_int_equal(ptype_pin(&d1, MFN(30), FT_L3), -XEN_EINVAL);
    assert_int_equal(frames[30].ref, ref | REF_COUNT_MASK);
    frames[30].ref = ref;

    type = frames[1].type;
    frames[1].type |= TYPE_COUNT_MASK;
    ref = frames[1].ref;
    assert_int_equal(ptype_get(&d1, MFN(1), FT_L1), -XEN_EBUSY);
    assert_int_equal(frames[1].type, type | TYPE_COUNT_MASK);
    assert_int_equal(frames[1].ref, ref);
    frames[1].type = type;
    world_check();
    world_end();
}

/* Frames that nobody has, or that are ours, are not domain 0's, though their owner field is 0. */
static void test_nobodys_frames(void **state)
{
    static const uint64_t no_frames[] = { 0, 31, 105, 250, 345, FRAMES, 1ul << 40, ~0ul >> 12, ~0ul };
    struct ptype_ctx d0 = { 0, 0 };

    (void)state;
    world_start(true, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(no_frames); i++) {
        mfn_t m = MFN(no_frames[i]);

        for (uint16_t d = 0; d < 3; d++)
            assert_false(frame_ref_get(m, d));
        assert_int_equal(ptype_get(&d0, m, FT_L1), -XEN_EINVAL);
        assert_int_equal(ptype_pin(&d0, m, FT_L1), -XEN_EINVAL);
        assert_int_equal(ptype_unpin(&d0, m), -XEN_EINVAL);
    }
    assert_false(frame_ref_get(MFN(30), D2));
    assert_int_equal(ptype_pin(&d2, MFN(30), FT_L1), -XEN_EINVAL);
    assert_int_equal(ptype_pin(&d1, MFN(30), FT_L1), 0);
    W.pinned[30] = true;
    assert_int_equal(ptype_unpin(&d2, MFN(30)), -XEN_EINVAL);
    assert_int_equal(ptype_pin(&d1, MFN(30), FT_L1), -XEN_EINVAL);
    world_check();
    world_end();
}

/* A table turns out bad, and giving back what it held is interrupted: that call has its answer.  Mended, the table is as good as
 * any other, whoever asks for it, however often he is interrupted. */
static void test_bad_then_good(void **state)
{
    unsigned calls = 0;
    int rc;

    (void)state;
    for (unsigned type = FT_L2; type <= FT_L3; type++) {
        world_start(true, 1);
        entries(1)[0] = to(30, PTE_RW);
        entries(3)[0] = entries(3)[1] = to(type == FT_L3 ? 2 : 1, PTE_RW);
        entries(3)[2] = to(40, PTE_RW);         /* a table below it that is also mapped writable */
        if (type == FT_L3)
            entries(2)[0] = to(1, PTE_RW);
        assert_true(frame_ref_get(MFN(40), D1));
        assert_int_equal(ptype_get_writable(MFN(40)), 0);
        W.held_refs[40] = W.held_uses[40] = 1;
        while ((rc = ptype_pin(&d1, MFN(3), (enum frame_type)type)) == -XEN_EAGAIN)
            assert_true(++calls < 100);
        assert_int_equal(rc, -XEN_ENOTEMPTY);
        assert_true(frames[3].type & TYPE_PARKED);
        world_check();
        held_release(40);
        while ((rc = ptype_pin(&d1, MFN(3), (enum frame_type)type)) == -XEN_EAGAIN)
            assert_true(++calls < 200);
        assert_int_equal(rc, 0);
        W.pinned[3] = true;
        assert_int_equal(ptype_level(MFN(3)), type);
        world_check();
        world_end();
    }
}

/* Unpinned is unpinned: a pin that comes before the table is quite taken apart is not undone by the same unpin again. */
static void test_unpin_at_once(void **state)
{
    int rc;

    (void)state;
    world_start(true, 1);
    entries(1)[0] = entries(1)[1] = to(30, PTE_RW);
    entries(2)[0] = entries(2)[1] = entries(2)[2] = to(1, PTE_RW);
    while ((rc = ptype_pin(&d1, MFN(2), FT_L2)) == -XEN_EAGAIN)
        ;
    assert_int_equal(rc, 0);
    assert_int_equal(ptype_unpin(&d1, MFN(2)), -XEN_EAGAIN);
    world_check();
    while ((rc = ptype_pin(&d1, MFN(2), FT_L2)) == -XEN_EAGAIN)
        ;
    assert_int_equal(rc, 0);
    W.pinned[2] = true;
    assert_int_equal(ptype_unpark(&d1, MFN(2)), 0);
    assert_int_equal(ptype_level(MFN(2)), FT_L2);
    world_check();
    world_end();
}

/* What was parked for one domain may be another's by now, parked for that one. */
static void test_unpark_not_ours(void **state)
{
    (void)state;
    world_start(true, 1);
    for (unsigned i = 0; i < USED; i++)
        entries(160)[used_entries[i]] = entries(161)[used_entries[i]] = 0;
    entries(160)[0] = to(161, PTE_RW);
    assert_int_equal(ptype_pin(&d2, MFN(160), FT_L2), -XEN_EAGAIN);
    assert_true(frames[160].type & TYPE_PARKED);
    assert_int_equal(ptype_unpark(&d1, MFN(160)), 0);
    assert_true(frames[160].type & TYPE_PARKED);
    assert_int_equal(ptype_unpark(&d1, MFN(30)), 0);
    world_check();
    world_end();
}

/* However often we should stop: each call gets on, and no call does more than a bounded number of entries. */
static void test_bounded(void **state)
{
    unsigned calls = 0;
    int rc;

    (void)state;
    world_start(false, 1);
    for (unsigned i = 0; i < PTE_ENTRIES; i++)
        entries(1)[i] = to(100 + i % 10 * 2, 0);
    for (unsigned i = 0; i < PTE_ENTRIES; i++)
        entries(2)[i] = to(1, PTE_RW);
    do {
        W.iomem_asked = 0;
        rc = ptype_pin(&d1, MFN(2), FT_L2);
        assert_true(W.iomem_asked <= 128);
        calls++;
    } while (rc == -XEN_EAGAIN);
    assert_int_equal(rc, 0);
    assert_int_equal(calls, 3 + 511);
    assert_int_equal(ptype_pin(&d1, MFN(1), FT_L1), 0);
    calls = 1;
    for (rc = ptype_unpin(&d1, MFN(2)); rc == -XEN_EAGAIN; calls++)
        rc = ptype_unpark(&d1, MFN(2));
    assert_int_equal(rc, 0);
    assert_int_equal(calls, 512);
    for (rc = ptype_unpin(&d1, MFN(1)); rc == -XEN_EAGAIN; calls++)
        rc = ptype_unpark(&d1, MFN(1));
    assert_int_equal(calls, 512 + 3);
    memset(entries(1), 0, PAGE_SIZE);
    memset(entries(2), 0, PAGE_SIZE);
    world_end();
}

static void test_flags(void **state)
{
    mfn_t deferred;

    (void)state;
    world_start(true, 0);
    entries(2)[2] = to(1, PTE_RW);
    assert_int_equal(ptype_pin(&d1, MFN(2), FT_L2), 0);
    W.pinned[2] = true;
    assert_int_equal(set(1, 0, to(30, PTE_RW | PTE_G)), 0);
    assert_int_equal(entries(1)[0], to(30, PTE_RW | PTE_US));
    assert_int_equal(set(1, 0, to(30, PTE_RW | PTE_G | PTE_NX | PTE_AVAIL)), 0); /* the same frame, other flags */
    assert_int_equal(entries(1)[0], to(30, PTE_RW | PTE_US | PTE_NX | PTE_AVAIL));
    assert_int_equal(set(1, 0, to(30, PTE_RW | PTE_GNTTAB)), -XEN_EINVAL);
    entries(1)[0] |= PTE_A | PTE_D;
    assert_int_equal(ptype_set_entry(&d1, MFN(1), 0, to(30, PTE_RW), true, &deferred), 0);
    assert_int_equal(entries(1)[0], to(30, PTE_RW | PTE_US | PTE_A | PTE_D));
    assert_int_equal(ptype_set_entry(&d1, MFN(1), 0, to(30, 0), true, &deferred), 0);
    assert_int_equal(entries(1)[0], to(30, PTE_US | PTE_A | PTE_D));
    /* Replaced only if the processor has not set bits meanwhile: by the same frame, another, none. */
    assert_int_equal(ptype_swap_leaf(&d1, MFN(1), 0, to(30, PTE_US), to(30, PTE_US)), -XEN_EAGAIN);
    assert_int_equal(ptype_swap_leaf(&d1, MFN(1), 0, to(30, PTE_US), to(29, PTE_RW | PTE_US)), -XEN_EAGAIN);
    assert_int_equal(ptype_swap_leaf(&d1, MFN(1), 0, to(30, PTE_US), 0), -XEN_EAGAIN);
    assert_int_equal(entries(1)[0], to(30, PTE_US | PTE_A | PTE_D));
    assert_int_equal(ptype_swap_leaf(&d1, MFN(1), 0, to(30, PTE_US | PTE_A | PTE_D), to(29, PTE_RW | PTE_US)), 0);
    assert_int_equal(ptype_swap_leaf(&d1, MFN(1), 0, to(29, PTE_RW | PTE_US), to(30, PTE_US)), 0);
    assert_int_equal(set(1, 0, to(30, 0)), 0);
    assert_int_equal(entries(1)[0], to(30, PTE_US));
    for (unsigned bit = 3; bit < 9; bit++) {
        bool good = bit == 5 || bit == 6;

        assert_int_equal(set(2, 2, to(1, PTE_RW | 1ul << bit)), good ? 0 : -XEN_EINVAL);
        assert_int_equal(set(2, 63, to(1, PTE_RW | 1ul << bit)), good ? 0 : -XEN_EINVAL);
    }
    assert_int_equal(set(2, 2, 0), 0);
    assert_int_equal(set(2, 63, 0), 0);
    assert_int_equal(set(2, 2, 0x123456789abcdef0), 0); /* not present: the guest's business */
    assert_int_equal(entries(2)[2], 0x123456789abcdef0);
    world_check();
    world_end();
}

/* Written past the caches, then a table: the caches are written back when nobody can write any more, and only then. */
static void test_uncached(void **state)
{
    static const uint64_t kinds[] = { PTE_PWT, PTE_PCD, PTE_PS, PTE_PWT | PTE_PCD | PTE_PS };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        world_start(true, 0);
        assert_int_equal(ptype_pin(&d1, MFN(1), FT_L1), 0);
        W.pinned[1] = true;
        assert_int_equal(set(1, 0, to(30, PTE_RW)), 0);
        assert_int_equal(set(1, 0, to(30, PTE_RW | kinds[i])), 0); /* only other flags */
        assert_int_equal(entries(1)[0], to(30, PTE_RW | PTE_US | kinds[i]));
        assert_int_equal(set(1, 1, to(31, kinds[i])), -XEN_EINVAL); /* nobody's */
        assert_int_equal(set(1, 1, to(40, kinds[i])), 0);           /* only looked at */
        assert_int_equal(set(1, 0, 0), 0);
        assert_int_equal(W.cache_flushes, 0);
        assert_int_equal(ptype_pin(&d1, MFN(30), FT_L2), 0);
        W.pinned[30] = true;
        assert_int_equal(W.cache_flushes, 1);
        assert_int_equal(ptype_pin(&d1, MFN(40), FT_L2), 0);
        W.pinned[40] = true;
        assert_int_equal(W.cache_flushes, 1);
        frames[50].ref |= REF_SHARED;
        assert_int_equal(set(1, 1, to(50, kinds[i])), -XEN_EACCES);
        assert_int_equal(set(1, 1, to(50, PTE_RW)), 0);
        assert_int_equal(set(1, 1, to(50, PTE_RW | kinds[i])), -XEN_EACCES);
        assert_int_equal(entries(1)[1], to(50, PTE_RW | PTE_US));
        assert_int_equal(set(1, 1, 0), 0);
        frames[50].ref &= ~REF_SHARED;
        world_check();
        world_end();
    }
}

/* P8, at each level; and what the hypervisor has in an L4 is not the guest's to change. */
static void test_linear(void **state)
{
    (void)state;
    for (unsigned type = FT_L2; type <= FT_L4; type++) {
        world_start(true, 0);
        entries(1)[511] = to(1, PTE_RW);
        assert_int_equal(ptype_pin(&d1, MFN(1), (enum frame_type)type), -XEN_EINVAL);
        entries(1)[511] = to(1, 0);
        assert_int_equal(ptype_pin(&d1, MFN(1), (enum frame_type)type), 0);
        W.pinned[1] = true;
        assert_int_equal(entries(1)[511], to(1, PTE_US));
        assert_int_equal(refs_of(1), 2);
        assert_int_equal(set(1, 511, to(1, PTE_RW)), -XEN_EINVAL);
        assert_int_equal(set(1, 0, to(1, PTE_RW)), -XEN_EINVAL);
        assert_int_equal(set(1, 0, to(1, 0)), 0);
        assert_int_equal(set(1, 511, 0), 0);
        assert_int_equal(refs_of(1), 2);
        assert_int_equal(set(1, 256, 0), type == FT_L4 ? -XEN_EINVAL : 0);
        assert_int_equal(set(1, 271, 0), type == FT_L4 ? -XEN_EINVAL : 0);
        assert_int_equal(set(1, 272, 0), 0);
        world_check();
        world_end();
        assert_int_equal(entries(1)[256], 0);
        assert_int_equal(entries(1)[271], 0);
    }
}

/* P8, P9: another table of the same level.  It stays a table for as long; one step only; no rings. */
static void test_linear_other(void **state)
{
    (void)state;
    for (unsigned type = FT_L2; type <= FT_L4; type++) {
        world_start(true, 0);
        assert_int_equal(ptype_pin(&d1, MFN(1), (enum frame_type)type), 0);
        assert_int_equal(set(1, 0, to(2, 0)), 0);                    /* not a table yet: it becomes a lower one, ... */
        assert_int_equal(ptype_level(MFN(2)), type - 1);
        assert_int_equal(set(1, 0, 0), 0);
        assert_int_equal(ptype_pin(&d1, MFN(2), (enum frame_type)type), 0);
        assert_int_equal(ptype_pin(&d1, MFN(3), (enum frame_type)type), 0);
        assert_int_equal(set(1, 511, to(2, PTE_RW)), -XEN_EINVAL);   /* ... and this never is writable */
        assert_int_equal(set(1, 511, to(2, 0)), 0);
        assert_int_equal(entries(1)[511], to(2, PTE_US));
        assert_int_equal(set(1, 511, to(2, PTE_A)), 0);              /* the same again */
        assert_int_equal(set(1, 0, to(2, 0)), 0);                    /* twice */
        assert_int_equal(set(1, 1, to(1, 0)), 0);                    /* itself, too */
        assert_int_equal(set(2, 1, to(2, 0)), 0);
        assert_int_equal(refs_of(2), 4);
        assert_int_equal(frames[2].type & TYPE_COUNT_MASK, 3);
        W.pinned[1] = W.pinned[2] = W.pinned[3] = true;
        world_check();
        assert_int_equal(set(2, 0, to(3, 0)), -XEN_EINVAL);          /* a second step */
        assert_int_equal(set(2, 0, to(1, 0)), -XEN_EINVAL);          /* a ring */
        assert_int_equal(set(3, 0, to(1, 0)), -XEN_EINVAL);          /* a first step before the first */
        assert_int_equal(set(3, 0, to(2, 0)), 0);
        assert_int_equal(set(1, 511, to(2, PTE_RW)), -XEN_EINVAL);
        assert_int_equal(set(1, 511, 0), 0);
        assert_int_equal(set(1, 0, 0), 0);
        assert_int_equal(set(2, 0, to(1, 0)), -XEN_EINVAL);          /* 3 still maps it */
        assert_int_equal(set(3, 0, 0), 0);
        assert_int_equal(set(2, 0, to(1, 0)), 0);                    /* now the other way round */
        assert_int_equal(ptype_unpin(&d1, MFN(1)), 0);
        W.pinned[1] = false;
        assert_int_equal(ptype_level(MFN(1)), type);                 /* the entry keeps it */
        assert_int_equal(ptype_get_writable(MFN(1)), -XEN_EINVAL);
        world_check();
        assert_int_equal(set(2, 0, 0), 0);
        assert_int_equal(ptype_get_writable(MFN(1)), 0);
        ptype_put_writable(MFN(1));
        world_check();
        world_end();
    }
}

/* A linear entry was the last to hold a table, and its taking apart is interrupted: by the entry's change, or its table's end. */
static void test_linear_last(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        mfn_t deferred;
        int rc;

        world_start(true, 0);
        entries(1)[0] = entries(1)[1] = to(30, PTE_RW);
        entries(3)[0] = entries(3)[1] = entries(3)[2] = to(1, PTE_RW);
        assert_int_equal(ptype_pin(&d1, MFN(3), FT_L2), 0);
        entries(4)[63] = entries(4)[127] = to(3, 0);
        assert_int_equal(ptype_pin(&d1, MFN(4), FT_L2), 0);
        assert_int_equal(ptype_unpin(&d1, MFN(3)), 0);
        assert_int_equal(ptype_level(MFN(3)), FT_L2);
        W.pinned[4] = true;
        world_check();
        assert_int_equal(set(4, 63, 0), 0);
        host_preempt_every(1);
        if (how == 0) {
            assert_int_equal(ptype_set_entry(&d1, MFN(4), 127, 0, false, &deferred), 0);
            assert_int_equal(deferred.n, 3);
            world_check();
            while (ptype_unpark(&d1, deferred) == -XEN_EAGAIN)
                world_check();
        } else {
            assert_int_equal(ptype_unpin(&d1, MFN(4)), -XEN_EAGAIN);
            W.pinned[4] = false;
            world_check();
            if (how == 1) { /* another asks for the lower one meanwhile, and has it */
                while ((rc = ptype_pin(&d1, MFN(3), FT_L2)) == -XEN_EAGAIN)
                    world_check();
                assert_int_equal(rc, 0);
                W.pinned[3] = true;
            } else { /* or for the upper one: what it led to is no table any more, so it becomes one of the level below */
                while ((rc = ptype_pin(&d1, MFN(4), FT_L2)) == -XEN_EAGAIN)
                    world_check();
                assert_int_equal(rc, 0);
                W.pinned[4] = true;
            }
            while (ptype_unpark(&d1, MFN(4)) == -XEN_EAGAIN)
                world_check();
        }
        world_check();
        assert_int_equal(frames[4].type & TYPE_COUNT_MASK, how != 1);
        assert_int_equal(ptype_level(MFN(3)), how == 1 ? FT_L2 : how == 2 ? FT_L1 : FT_NONE);
        world_end();
    }
}

/* Does the audit see it when something is wrong?  Each case breaks one invariant of a small good machine. */
static void test_audit_sees(void **state)
{
    struct {
        const char *what;
        uint64_t *word, value;
    } broken[] = {
        { "P3: fewer references", &frames[1].ref, (uint64_t)D1 << REF_OWNER_SHIFT | 1 },
        { "P3: fewer uses", &frames[30].type, 0 },
        { "P3: a table leads to it", &frames[30].ref, 0 },
        { "P2: ", &frames[30].type, (uint64_t)FT_L1 << TYPE_SHIFT | TYPE_VALIDATED | 1 },
        { "P1: ", &frames[1].type, (uint64_t)FT_L3 << TYPE_SHIFT | TYPE_VALIDATED | 2 },
        { "P5: neither", &frames[40].type, (uint64_t)FT_L1 << TYPE_SHIFT | 1 },
        { "P5: a table leads", &frames[1].type, (uint64_t)FT_L1 << TYPE_SHIFT | TYPE_PARTIAL | 2 },
        { "P5: more entries", &frames[40].type, (uint64_t)FT_L1 << TYPE_SHIFT | TYPE_PARTIAL | 513ul << TYPE_AUX_SHIFT | 1 },
        { "P6: ", &frames[40].type, (uint64_t)FT_L1 << TYPE_SHIFT | TYPE_VALIDATED | TYPE_PARKED | 1 },
        { "P7: ", &frames[1].type, (uint64_t)FT_L1 << TYPE_SHIFT | TYPE_VALIDATED | TYPE_PINNED | 2 },
        { "P8: ", NULL, to(2, PTE_RW | PTE_US) },
        { "P9: ", &frames[2].type, (uint64_t)FT_L2 << TYPE_SHIFT | TYPE_VALIDATED | TYPE_PINNED | TYPE_SOURCE | 1ul << TYPE_LINEAR_SHIFT | 1 },
        { "P9: ", &frames[2].type, (uint64_t)FT_L2 << TYPE_SHIFT | TYPE_VALIDATED | TYPE_PINNED | 1ul << TYPE_LINEAR_SHIFT | 1 },
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(broken); i++) {
        uint64_t *at, was;

        world_start(true, 0);
        entries(1)[0] = to(30, PTE_RW);
        entries(2)[0] = entries(2)[1] = to(1, PTE_RW);
        assert_int_equal(ptype_pin(&d1, MFN(2), FT_L2), 0);
        W.pinned[2] = true;
        assert_int_equal(ptype_audit(D1), 0);
        at = broken[i].word ? broken[i].word : &entries(2)[2];
        was = *at;
        *at = broken[i].value;
        assert_int_not_equal(ptype_audit(D1), 0);
        if (!strstr(host_log_last(), broken[i].what))
            fail_msg("%s: the audit says: %s", broken[i].what, host_log_last());
        *at = was;
        world_end();
    }
    world_start(true, 0);
    host_mem_fail_at(2);
    assert_int_equal(ptype_audit(D1), 1);
    world_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_writer), cmocka_unit_test(test_stamp), cmocka_unit_test(test_stamp_of_links),
        cmocka_unit_test(test_counters_full),
        cmocka_unit_test(test_nobodys_frames), cmocka_unit_test(test_bad_then_good), cmocka_unit_test(test_unpin_at_once),
        cmocka_unit_test(test_unpark_not_ours), cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_flags), cmocka_unit_test(test_uncached),
        cmocka_unit_test(test_linear), cmocka_unit_test(test_linear_other), cmocka_unit_test(test_linear_last),
        cmocka_unit_test(test_audit_sees),
        cmocka_unit_test(test_random), cmocka_unit_test(test_random_abandoned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
