/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames of domains: the real kern/pages.c and core/ptype.c, and CPUs that remember what they could reach of a frame until
 * they flush.  No frame may come to a new owner while a CPU still sees it (P4); taking a domain apart looks at each frame
 * once, and at page tables under their lock only.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "port_host.h"
#include "core/ptype.h"
#include "kern/domain.h"
#include "kern/pages.h"
#include "x86/alloc.h"
#include "x86/layout.h"
#include "x86/tlb.h"

#define FRAMES 40000 /* regions in two words of their map, the last one not whole */
#define HEAP   48 /* free at the start: from here on */
#define BORDER 56ul
#define CPUS   2
#define D1     1
#define D2     2

static uint64_t m2p[FRAMES];
static mfn_t page_mfn(const void *p);
#undef M2P_START
#define M2P_START ((uintptr_t)m2p)
#define virt_to_mfn page_mfn
#include "../../hypervisor/kern/pages.c"
#undef virt_to_mfn

struct frame *frames;
uint64_t nr_frames;
struct frame_range ram_ranges[RAM_RANGES_MAX];
unsigned nr_ram_ranges;
cpumask_t cpu_online;
unsigned nr_cpus = CPUS;

static struct {
    struct domain d[3];
    uint64_t holds[3];
    unsigned locks, table_kills, kill_again;
    uint64_t clock, last_flush[CPUS], heap; /* where to look for a free frame first; 0: HEAP */
    bool sees[CPUS][FRAMES];
    unsigned flushes, cache_flushes;
} W;

/* ---- The machine ---- */

void lock(spinlock_t *l)
{
    (void)l;
    W.locks++;
}

void unlock(spinlock_t *l)
{
    (void)l;
    W.locks--;
}

struct domain *domain_peek(domid_t id)
{
    return &W.d[id];
}

void domain_hold(struct domain *d)
{
    W.holds[d->id]++;
}

void domain_put(struct domain *d)
{
    assert_true(W.holds[d->id]-- > 0);
}

uint32_t tlb_stamp(void)
{
    return (uint32_t)W.clock;
}

static void flush_older(uint32_t stamp)
{
    W.flushes++;
    for (unsigned i = 0; i < CPUS; i++)
        if (W.last_flush[i] <= stamp) {
            W.last_flush[i] = ++W.clock;
            memset(W.sees[i], 0, sizeof(W.sees[i]));
        }
}

void tlb_flush_older(const cpumask_t *mask, uint32_t stamp)
{
    assert_ptr_equal(mask, &cpu_online);
    flush_older(stamp);
}

bool ptype_port_iomem_ok(uint16_t domid, mfn_t m, bool writable)
{
    (void)domid, (void)m, (void)writable;
    return false;
}

void ptype_port_init_l4(uint16_t table_owner, uint64_t *table)
{
    (void)table_owner, (void)table;
}

void ptype_port_flush(uint16_t owner, bool everywhere, uint32_t stamp)
{
    (void)owner, (void)everywhere;
    flush_older(stamp);
}

void ptype_port_cache_flush(mfn_t m)
{
    for (unsigned i = 0; i < CPUS; i++)
        assert_false(W.sees[i][m.n]);
    W.cache_flushes++;
}

uint32_t ptype_port_stamp(void)
{
    return tlb_stamp();
}

/* As x86/alloc.c: stamped when freed, flushed when given out. */
mfn_t frames_alloc(unsigned order, unsigned below_bits)
{
    (void)below_bits;
    for (uint64_t m = W.heap ? W.heap : HEAP; m < FRAMES; m += 1ul << order) {
        bool all = true;

        for (unsigned i = 0; i < 1u << order; i++)
            all &= m + i < FRAMES && frames[m + i].ref == REF_FREE;
        if (!all)
            continue;
        for (unsigned i = 0; i < 1u << order; i++) {
            if (frames[m + i].type)
                flush_older(TYPE_AUX(frames[m + i].type));
            frames[m + i] = (struct frame){ 0 };
        }
        return MFN(m);
    }
    return MFN_NONE;
}

mfn_t frames_alloc_for(struct heap_share *owner, uint64_t nodes, unsigned order, struct frames_where where)
{
    assert_int_equal(owner->claim, 0);
    assert_int_equal(nodes, 1);
    return frames_alloc(order, where.below_bits);
}

int frames_claim(struct heap_share *owner, uint64_t n)
{
    owner->claim = n;
    return 0;
}

uint64_t sched_domain_nodes(const struct domain *d)
{
    (void)d;
    return 1;
}

/* Node 1 begins in the middle of what is free. */
unsigned numa_node_of(mfn_t m)
{
    return m.n >= BORDER;
}

uint64_t numa_piece(uint64_t first, uint64_t end)
{
    return first < BORDER ? MIN(end, BORDER) : end;
}

void frames_free(mfn_t m, unsigned order)
{
    for (unsigned i = 0; i < 1u << order; i++)
        frames[m.n + i] = (struct frame){
            .ref = REF_FREE, .type = (uint64_t)FT_WRITABLE << TYPE_SHIFT | W.clock << TYPE_AUX_SHIFT };
}

void *pages_alloc(unsigned order)
{
    mfn_t m = frames_alloc(order, 42);

    return mfn_eq(m, MFN_NONE) ? NULL : memset(host_frame(m), 0, PAGE_SIZE);
}

static mfn_t page_mfn(const void *p)
{
    for (uint64_t m = 1; m < FRAMES; m++)
        if (host_frame(MFN(m)) == p)
            return MFN(m);
    fail();
    return MFN_NONE;
}

/* The guest kind's lock is held here, and only here is a table of a dying domain touched. */
int pv_table_kill(struct domain *d, mfn_t m)
{
    struct ptype_ctx c = { d->id, d->id };
    int rc;

    assert_true(d->is_dying && !W.locks);
    W.table_kills++;
    if (W.kill_again && W.kill_again--)
        return -XEN_EAGAIN;
    while ((rc = ptype_unpin(&c, m)) == -XEN_EAGAIN)
        ;
    return 0;
}

/* ---- Tests ---- */

static int setup(void **state)
{
    (void)state;
    host_reset();
    host_frames_init(MFN(0), FRAMES);
    memset(&W, 0, sizeof(W));
    free(frames);
    frames = calloc(FRAMES, sizeof(*frames));
    nr_frames = FRAMES;
    nr_ram_ranges = 1;
    ram_ranges[0] = (struct frame_range){ 1, FRAMES };
    W.clock = 1;
    cpu_online.bits[0] = 3;
    for (uint16_t i = 1; i < 3; i++) {
        W.d[i].id = i;
        W.holds[i] = 1;
        assert_int_equal(pages_domain_create(&W.d[i], 32), 0);
    }
    for (uint64_t m = 1; m < FRAMES; m++)
        frames_free(MFN(m), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (uint16_t i = 1; i < 3; i++) {
        W.d[i].is_dying = true;
        while (pages_domain_kill(&W.d[i]) == -XEN_EAGAIN)
            ;
        assert_int_equal(W.d[i].pages->count, 0);
        assert_int_equal(W.d[i].pages->shared_count, 0);
        assert_int_equal(W.holds[i], 1);
        pages_domain_free(&W.d[i]);
    }
    assert_int_equal(host_mem_live(), 0);
    assert_int_equal(W.locks, 0);
    free(frames);
    frames = NULL;
    return 0;
}

static mfn_t give(struct domain *d)
{
    mfn_t m = domain_frames_alloc(d, 0, FRAMES_ANYWHERE, true);

    assert_false(mfn_eq(m, MFN_NONE));
    return m;
}

static void seen_by_none(mfn_t m)
{
    for (unsigned i = 0; i < CPUS; i++)
        assert_false(W.sees[i][m.n]);
}

/* A mapping to read leaves no stamp when it goes: the new owner's secrets are not for who had it. */
static void test_steal_after_reader(void **state)
{
    mfn_t m = give(&W.d[D1]);

    (void)state;
    assert_int_equal(ptype_get_writable(m), 0);
    ptype_put_writable(m);                    /* the last typed use, at this time */
    W.clock = 20;
    W.last_flush[0] = W.last_flush[1] = 20;   /* since when all have flushed */
    assert_true(frame_get(m, &W.d[D1]));      /* mapped to read, on CPU 1 */
    W.sees[1][m.n] = true;
    frame_put(m);
    assert_int_equal(frame_steal(&W.d[D1], m), 0);
    assert_int_equal(frame_assign(&W.d[D2], m), 0);
    seen_by_none(m);
    assert_int_equal(ref_owner(frame_of(m)->ref), D2);
    assert_int_equal(frame_of(m)->type, 0);
}

/* The same on the way through the heap. */
static void test_free_after_reader(void **state)
{
    mfn_t m = give(&W.d[D1]), again;

    (void)state;
    W.clock = 20;
    W.last_flush[0] = W.last_flush[1] = 20;
    W.sees[0][m.n] = true;
    assert_int_equal(domain_frame_release(&W.d[D1], m), 0);
    again = give(&W.d[D2]);
    assert_int_equal(again.n, m.n);
    seen_by_none(m);
    m = give(&W.d[D1]);
    W.sees[0][m.n] = true;
    assert_int_equal(frame_steal(&W.d[D1], m), 0);
    frames_free(m, 0);
    assert_int_equal(give(&W.d[D2]).n, m.n);
    seen_by_none(m);
}

/* Many frames that change hands together cost one flush. */
static void test_steal_batch(void **state)
{
    mfn_t m[8];

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(m); i++)
        m[i] = give(&W.d[D1]);
    W.clock = 5;
    for (unsigned i = 0; i < ARRAY_SIZE(m); i++) {
        W.sees[0][m[i].n] = true;
        assert_int_equal(frame_steal(&W.d[D1], m[i]), 0);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(m); i++) {
        assert_int_equal(frame_assign(&W.d[D2], m[i]), 0);
        seen_by_none(m[i]);
    }
    assert_int_equal(W.clock, 7); /* one flush of two CPUs */
    assert_int_equal(W.d[D1].pages->count, 0);
    assert_int_equal(W.d[D2].pages->count, 8);
}

/* It was written past the caches: the new owner gets what memory and caches agree on. */
static void test_steal_uncached(void **state)
{
    mfn_t m = give(&W.d[D1]);

    (void)state;
    frame_of(m)->ref |= REF_UNCACHED;
    W.clock = 5;
    W.sees[0][m.n] = true;
    assert_int_equal(frame_steal(&W.d[D1], m), 0);
    assert_int_equal(W.cache_flushes, 0);
    assert_int_equal(frame_assign(&W.d[D2], m), 0);
    assert_int_equal(W.cache_flushes, 1);
    assert_false(frame_of(m)->ref & REF_UNCACHED);
}

static void test_steal_refused(void **state)
{
    mfn_t m = give(&W.d[D1]);

    (void)state;
    assert_int_equal(frame_steal(&W.d[D2], m), -XEN_EINVAL);
    assert_int_equal(frame_steal(&W.d[D1], MFN(FRAMES)), -XEN_EINVAL);
    assert_true(frame_get(m, &W.d[D1]));
    assert_int_equal(frame_steal(&W.d[D1], m), -XEN_EINVAL);
    frame_put(m);
    assert_int_equal(frame_steal(&W.d[D1], m), 0);
    W.d[D2].pages->max = 0;
    assert_int_equal(frame_assign(&W.d[D2], m), -XEN_E2BIG);
    W.d[D2].is_dying = true;
    assert_int_equal(frame_assign(&W.d[D2], m), -XEN_ESRCH);
    frames_free(m, 0);
}

/* A frame of ours to look at: neither written, nor a table, nor descriptors. */
static void test_shared_readonly(void **state)
{
    struct ptype_ctx c = { D1, D1 };
    mfn_t m = shared_frame_alloc(&W.d[D1], false), rw = shared_frame_alloc(&W.d[D1], true);

    (void)state;
    for (enum frame_type t = FT_L1; t <= FT_SEG; t++)
        assert_int_equal(ptype_get(&c, m, t), -XEN_EINVAL);
    assert_int_equal(ptype_get_writable(m), -XEN_EINVAL);
    assert_int_equal(domain_frame_release(&W.d[D1], m), -XEN_EINVAL);
    assert_int_equal(frame_steal(&W.d[D1], m), -XEN_EINVAL);
    assert_int_equal(W.d[D1].pages->shared_count, 2);
    assert_true(frame_get(m, &W.d[D1])); /* the guest maps it, for longer than we have it */
    shared_frame_free(&W.d[D1], m);
    shared_frame_free(&W.d[D1], m);
    assert_int_equal(W.d[D1].pages->shared_count, 2);
    frame_put(m);
    shared_frame_free(&W.d[D1], rw);
    assert_int_equal(W.d[D1].pages->shared_count, 0);
}

/* Frames that others keep are passed by once, not at each step; pins go under the tables' lock; what is interrupted goes on. */
static void test_kill(void **state)
{
    struct ptype_ctx c = { D1, D1 };
    mfn_t m[10];
    unsigned calls = 0;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(m); i++)
        m[i] = give(&W.d[D1]);
    for (unsigned i = 0; i < 8; i++)
        assert_true(frame_get(m[i], &W.d[D1]));
    for (unsigned i = 0; i < 6; i++) /* given back by the guest, still used by somebody */
        assert_int_equal(domain_frame_release(&W.d[D1], m[i]), 0);
    assert_int_equal(domain_frame_release(&W.d[D1], m[0]), -XEN_EINVAL);
    assert_int_equal(ptype_pin(&c, m[9], FT_L1), 0);
    W.d[D1].is_dying = true;
    W.kill_again = 2;
    host_preempt_every(1);
    while (pages_domain_kill(&W.d[D1]) == -XEN_EAGAIN)
        calls++;
    assert_int_equal(W.table_kills, 3);
    assert_int_equal(calls, REGION + 2 + 1); /* the other regions of the first word are one step, the second word is the last */
    assert_int_equal(W.d[D1].pages->count, 8);
    for (unsigned i = 0; i < 8; i++)
        frame_put(m[i]);
}

/* Wherever they are, they are found; and a pinned table that the guest had given back is unpinned. */
static void test_kill_everywhere(void **state)
{
    static const uint64_t at[] = { REGION - 1, REGION, 2 * REGION - 1, 7 * REGION + 5, 63 * REGION, 64 * REGION - 1, 64 * REGION, FRAMES - 1 };
    struct ptype_ctx c = { D1, D1 };
    mfn_t m = MFN_NONE;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(at); i++) {
        W.heap = at[i];
        m = give(&W.d[D1]);
        assert_int_equal(m.n, at[i]);
        assert_int_equal(ptype_pin(&c, m, FT_L1), 0);
        assert_int_equal(domain_frame_release(&W.d[D1], m), 0);
    }
    for (unsigned i = 0; i + 1 < ARRAY_SIZE(at); i++) {
        W.heap = at[i];
        give(&W.d[D2]);
    }
    m = shared_frame_alloc(&W.d[D1], true);
    W.d[D1].is_dying = true;
    host_preempt_every(1);
    while (pages_domain_kill(&W.d[D1]) == -XEN_EAGAIN)
        ;
    assert_int_equal(W.table_kills, ARRAY_SIZE(at));
    assert_int_equal(W.d[D1].pages->count, 0);
    assert_int_equal(W.d[D1].pages->shared_count, 1);
    assert_int_equal(W.d[D2].pages->count, ARRAY_SIZE(at) - 1);
    shared_frame_free(&W.d[D1], m);
}

static void test_alloc_limits(void **state)
{
    (void)state;
    W.d[D1].pages->max = 3;
    assert_true(mfn_eq(domain_frames_alloc(&W.d[D1], 2, FRAMES_ANYWHERE, true), MFN_NONE));
    assert_false(mfn_eq(domain_frames_alloc(&W.d[D1], 1, FRAMES_ANYWHERE, true), MFN_NONE));
    assert_true(mfn_eq(domain_frames_alloc(&W.d[D1], 1, FRAMES_ANYWHERE, true), MFN_NONE));
    assert_int_equal(W.d[D1].pages->count, 2);
    W.d[D2].pages->max = 1ul << 20;
    assert_true(mfn_eq(domain_frames_alloc(&W.d[D2], 16, FRAMES_ANYWHERE, true), MFN_NONE));
    assert_int_equal(W.d[D2].pages->count, 0);
    W.d[D2].is_dying = true;
    assert_true(mfn_eq(domain_frames_alloc(&W.d[D2], 0, FRAMES_ANYWHERE, true), MFN_NONE));
}

/* What a domain has where: not what is free, another's, or ours and shared with it. */
static void test_nodes(void **state)
{
    mfn_t shared = shared_frame_alloc(&W.d[D1], true);
    uint64_t n[2] = { 0 };

    (void)state;
    give(&W.d[D2]);
    for (unsigned i = 0; i < 10; i++)
        n[numa_node_of(give(&W.d[D1]))]++;
    assert_true(n[0] > 2 && n[1] > 2);
    assert_int_equal(pages_on_node(&W.d[D1], 0), n[0]);
    assert_int_equal(pages_on_node(&W.d[D1], 1), n[1]);
    assert_int_equal(pages_on_node(&W.d[D1], 2), 0);
    assert_int_equal(pages_on_node(&W.d[D2], 0) + pages_on_node(&W.d[D2], 1), 1);
    shared_frame_free(&W.d[D1], shared);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_steal_after_reader), CASE(test_free_after_reader), CASE(test_steal_batch), CASE(test_steal_uncached),
        CASE(test_steal_refused),
        CASE(test_shared_readonly), CASE(test_kill), CASE(test_kill_everywhere), CASE(test_alloc_limits), CASE(test_nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
