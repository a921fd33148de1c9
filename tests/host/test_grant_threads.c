/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What core/grant.c does without a lock, under real concurrency.
 *
 * Map tracking: whoever claims an entry has it alone until he publishes or gives it back, and none is lost or there twice.
 *
 * Entries: a guest's vCPUs grant, revoke, offer and take back as <xen/grant_table.h> tells them to, while CPUs pin and transfer.  A
 * ledger beside the table says what is granted: it is closed only when the guest's own rules say that nobody uses the entry, so who
 * holds a pin finds it open.  A transfer is seen by both sides or by neither; and what the guest writes meanwhile into an entry's other bits stays.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "port_host.h"
#include "core/grant_entry.h"

static unsigned xorshift(unsigned *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 17;
    return *s ^= *s << 5;
}

static void each_thread(void *(*fn)(void *), pthread_t *t, unsigned n)
{
    for (uintptr_t i = 0; i < n; i++)
        assert_int_equal(pthread_create(&t[i], NULL, fn, (void *)i), 0);
}

static void join_all(const pthread_t *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

/* ---- Map tracking ---- */

#define MAPPERS   4
#define CHUNKS    3u
#define MAP_STEPS 60000

static struct grant_maps maps;
static pthread_mutex_t maps_lock = PTHREAD_MUTEX_INITIALIZER;
static long live;                       /* taken and not given back [atomic] */
static unsigned long claims, lost, bad; /* [atomic] */

/* All of a busy entry follows from one number. */
static void map_fill(struct grant_map *m, uint64_t n)
{
    m->frame = MFN(n);
    m->granter = (void *)(uintptr_t)(n * 16);
    m->ref = (grant_ref_t)(n * 7);
    m->dom = (domid_t)(n * 3);
    m->flags = (uint8_t)n;
    m->drop = (uint8_t)(n >> 8);
}

static bool map_is_whole(const struct grant_map *m)
{
    uint64_t n = m->frame.n;

    return m->granter == (void *)(uintptr_t)(n * 16) && m->ref == (grant_ref_t)(n * 7) && m->dom == (domid_t)(n * 3) &&
           m->flags == (uint8_t)n && m->drop == (uint8_t)(n >> 8) && READ_ONCE(m->state) == GRANT_MAP_BUSY;
}

static void map_new(uint64_t n)
{
    grant_handle_t h;

    pthread_mutex_lock(&maps_lock);
    h = grant_maps_take(&maps, 1);
    pthread_mutex_unlock(&maps_lock);
    if (h == GRANT_NO_HANDLE)
        return;
    __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    map_fill(grant_map_of(&maps, h), n);
    grant_map_publish(grant_map_of(&maps, h));
}

static void map_use(grant_handle_t h, uint64_t n, bool give)
{
    struct grant_map *m = grant_map_at(&maps, h);

    if (!m || !grant_map_claim(m)) {
        __atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
        return;
    }
    __atomic_add_fetch(&claims, 1, __ATOMIC_RELAXED);
    if (!map_is_whole(m))
        __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
    map_fill(m, n);
    if (n % 8 == 0)
        sched_yield();
    if (!map_is_whole(m))
        __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
    if (!give) {
        grant_map_publish(m);
        return;
    }
    pthread_mutex_lock(&maps_lock);
    grant_maps_give(&maps, h);
    pthread_mutex_unlock(&maps_lock);
    __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
}

static void *mapper(void *arg)
{
    unsigned seed = 1 + (unsigned)(uintptr_t)arg;

    for (unsigned i = 0; i < MAP_STEPS; i++) {
        uint64_t n = (uint64_t)i << 2 | (uintptr_t)arg;
        bool grow = i / (MAP_STEPS / 6) % 2 == 0;

        if (xorshift(&seed) % 8 < (grow ? 4u : 1u))
            map_new(n);
        else
            map_use(xorshift(&seed) % (CHUNKS * GRANT_MAPS_PER_CHUNK + 9), n, xorshift(&seed) % 4 < (grow ? 1u : 3u));
    }
    return NULL;
}

static void test_maps(void **state)
{
    unsigned states[3] = { 0 }, free_ones = 0;
    pthread_t t[MAPPERS];

    (void)state;
    host_reset();
    assert_int_equal(grant_maps_init(&maps, CHUNKS), 0);
    each_thread(mapper, t, MAPPERS);
    join_all(t, MAPPERS);
    for (grant_handle_t h = 0; h < grant_maps_limit(&maps); h++)
        states[grant_map_at(&maps, h)->state]++;
    for (grant_handle_t h = maps.free; h != GRANT_NO_HANDLE && free_ones <= states[GRANT_MAP_FREE]; h = grant_map_of(&maps, h)->next) {
        assert_int_equal(grant_map_of(&maps, h)->state, GRANT_MAP_FREE);
        free_ones++;
    }
    assert_int_equal(bad, 0);
    assert_int_equal(states[GRANT_MAP_BUSY], 0);
    assert_int_equal(states[GRANT_MAP_LIVE], live);
    assert_int_equal(maps.used, live);
    assert_int_equal(free_ones, states[GRANT_MAP_FREE]);
    assert_int_equal(maps.nr_chunks, CHUNKS);
    assert_true(claims > MAP_STEPS / 4 && lost > 0);
    grant_maps_free(&maps);
    assert_int_equal(host_mem_live(), 0);
}

/* ---- Entries ---- */

#define VCPUS       2
#define CPUS        3
#define FIRST       8u  /* reserved ones before */
#define GRANTED     10u /* entries for access, */
#define OFFERED     6u  /* and for transfer */
#define END         (FIRST + GRANTED + OFFERED)
#define GENERATIONS 1024u
#define VCPU_STEPS  50000
#define FROM        5   /* who transfers */

enum { CLOSED, OPEN = 1, OPEN_WRITE = 2 }; /* ledger: | who << 8 */

static struct grant_table table;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static uint16_t ledger[END * GENERATIONS]; /* by frame number [atomic] */
static bool over;                          /* [atomic] */
static unsigned long pins, transfers, seen; /* [atomic] */

/* What a vCPU knows of an entry of its own. */
struct grant {
    uint16_t flags; /* as they should be, without the in-use bits; 0: not granted */
    uint16_t who;
    bool ending;    /* version 2: not granted any more, and perhaps still used */
    unsigned generation;
};
static struct grant grants[END];

static uint64_t frame_of(grant_ref_t ref)
{
    return ref * GENERATIONS + grants[ref].generation % GENERATIONS;
}

static uint16_t *flags_of(grant_ref_t ref)
{
    return table.version == 1 ? &entry_v1(&table, ref)->flags : &entry_v2(&table, ref)->hdr.flags;
}

static void ledger_write(uint64_t frame, unsigned v)
{
    __atomic_store_n(&ledger[frame], (uint16_t)v, __ATOMIC_SEQ_CST);
}

/* The frame first, then the domain, the flags last. */
static void entry_write(grant_ref_t ref, uint16_t flags, uint16_t who, uint64_t frame)
{
    if (table.version == 1) {
        __atomic_store_n(&entry_v1(&table, ref)->frame, (uint32_t)frame, __ATOMIC_RELAXED);
        __atomic_store_n(&entry_v1(&table, ref)->domid, who, __ATOMIC_RELAXED);
    } else {
        __atomic_store_n(&entry_v2(&table, ref)->full_page.frame, frame, __ATOMIC_RELAXED);
        __atomic_store_n(&entry_v2(&table, ref)->hdr.domid, who, __ATOMIC_RELAXED);
    }
    __atomic_store_n(flags_of(ref), flags, __ATOMIC_RELEASE);
    grants[ref].flags = flags;
    grants[ref].who = who;
}

static void access_grant(grant_ref_t ref, unsigned how)
{
    uint16_t who = 1 + (how & 1), flags = (uint16_t)(GTF_permit_access | (how & 2 ? GTF_readonly : 0));

    grants[ref].generation++;
    ledger_write(frame_of(ref), (unsigned)who << 8 | (how & 2 ? OPEN : OPEN_WRITE));
    entry_write(ref, flags, who, frame_of(ref));
}

/* True: nobody uses it any more, nor will. */
static bool access_end_v1(grant_ref_t ref)
{
    uint16_t flags = grants[ref].flags; /* with any other bit it is in use */

    return __atomic_compare_exchange_n(flags_of(ref), &flags, (uint16_t)0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static bool access_end_v2(grant_ref_t ref)
{
    __atomic_store_n(flags_of(ref), (uint16_t)0, __ATOMIC_SEQ_CST);
    grants[ref].ending = true;
    return !(__atomic_load_n(status_at(&table, ref), __ATOMIC_SEQ_CST) & (GTF_reading | GTF_writing));
}

static void access_end(grant_ref_t ref)
{
    if (!(table.version == 1 ? access_end_v1(ref) : access_end_v2(ref)))
        return;
    ledger_write(frame_of(ref), CLOSED);
    grants[ref].flags = 0;
    grants[ref].ending = false;
}

/* Bits that are the guest's alone: they must stay as it last wrote them. */
static void access_touch(grant_ref_t ref)
{
    grants[ref].flags ^= GTF_PWT;
    __atomic_xor_fetch(flags_of(ref), GTF_PWT, __ATOMIC_SEQ_CST);
}

static void access_step(grant_ref_t ref, unsigned *seed)
{
    if (!grants[ref].flags)
        access_grant(ref, xorshift(seed));
    else if (grants[ref].ending || xorshift(seed) % 4 == 0)
        access_end(ref);
    else
        access_touch(ref);
}

static uint64_t frame_received(grant_ref_t ref)
{
    return table.version == 1 ? entry_v1(&table, ref)->frame : entry_v2(&table, ref)->full_page.frame;
}

/* Take the offer back, or see what came. */
static void offer_end(grant_ref_t ref)
{
    uint16_t flags = GTF_accept_transfer;

    if (!__atomic_compare_exchange_n(flags_of(ref), &flags, (uint16_t)0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        while (!(__atomic_load_n(flags_of(ref), __ATOMIC_ACQUIRE) & GTF_transfer_completed))
            sched_yield();
        if (frame_received(ref) != frame_of(ref) + 1)
            __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED);
        __atomic_store_n(flags_of(ref), (uint16_t)0, __ATOMIC_RELEASE);
    }
    grants[ref].flags = 0;
}

static void offer_step(grant_ref_t ref, unsigned *seed)
{
    if (grants[ref].flags) {
        offer_end(ref);
    } else {
        grants[ref].generation += 1 + xorshift(seed) % 3;
        entry_write(ref, GTF_accept_transfer, FROM, frame_of(ref));
    }
}

static void *vcpu(void *arg)
{
    unsigned me = (unsigned)(uintptr_t)arg, seed = 11 + me;

    for (unsigned i = 0; i < VCPU_STEPS; i++) {
        grant_ref_t ref = FIRST + xorshift(&seed) % (GRANTED + OFFERED);

        if (ref % VCPUS != me)
            continue;
        if (ref < FIRST + GRANTED)
            access_step(ref, &seed);
        else
            offer_step(ref, &seed);
        if (xorshift(&seed) % 32 == 0)
            sched_yield();
    }
    return NULL;
}

/* ---- CPUs ---- */

static bool is_open(uint64_t frame, const struct grant_want *w)
{
    uint16_t v = frame < END * GENERATIONS ? __atomic_load_n(&ledger[frame], __ATOMIC_SEQ_CST) : CLOSED;

    return v >> 8 == w->who && ((v & 0xff) == OPEN_WRITE || ((v & 0xff) == OPEN && w->readonly));
}

static void pin_step(unsigned *seed)
{
    struct grant_want w = { .ref = FIRST + xorshift(seed) % GRANTED, .who = 1 + (xorshift(seed) & 1), .readonly = xorshift(seed) & 1,
                            .use = GRANT_FOR_MAP, .count = 1 };
    struct grant_content c;
    struct grant_active *a;
    bool ok;

    pthread_mutex_lock(&table_lock);
    ok = grant_pin(&table, &w, &a) == GNTST_okay;
    if (ok && !a->content.translated)
        grant_pin_frame(a, MFN(a->content.frame));
    if (ok)
        c = a->content;
    pthread_mutex_unlock(&table_lock);
    if (!ok)
        return;
    for (unsigned n = xorshift(seed) % 4; n; n--) {
        if (!is_open(c.frame, &w) || c.frame / GENERATIONS != w.ref)
            __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
        sched_yield();
    }
    if (!is_open(c.frame, &w))
        __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&pins, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&table_lock);
    grant_unpin(&table, w.ref, w.readonly, 1);
    pthread_mutex_unlock(&table_lock);
}

static void transfer_step(unsigned *seed)
{
    grant_ref_t ref = FIRST + GRANTED + xorshift(seed) % OFFERED;
    gfn_t slot;

    pthread_mutex_lock(&table_lock);
    if (grant_transfer_begin(&table, ref, FROM, MFN(1), &slot) == GNTST_okay) {
        if (xorshift(seed) % 4 == 0)
            sched_yield();
        grant_transfer_end(&table, ref, MFN(slot.n + 1));
        __atomic_add_fetch(&transfers, 1, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&table_lock);
}

static void *cpu(void *arg)
{
    unsigned seed = 100 + (unsigned)(uintptr_t)arg;

    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
        if (xorshift(&seed) % 8)
            pin_step(&seed);
        else
            transfer_step(&seed);
    }
    return NULL;
}

static void table_make(unsigned version)
{
    assert_int_equal(grant_table_init(&table, 1, 2), 0);
    assert_int_equal(grant_table_add(&table, aligned_alloc(PAGE_SIZE, PAGE_SIZE)), 0);
    assert_int_equal(grant_table_add_status(&table, aligned_alloc(PAGE_SIZE, PAGE_SIZE)), 0);
    memset(table.shared[0], 0, PAGE_SIZE);
    memset(table.status[0], 0, PAGE_SIZE);
    assert_int_equal(grant_set_version(&table, version), 0);
    memset(ledger, 0, sizeof(ledger));
    memset(grants, 0, sizeof(grants));
    pins = transfers = seen = bad = 0;
    over = false;
}

/* Nobody uses anything: each entry is as its vCPU left it, but for transfers that it has not looked at. */
static void table_check(void)
{
    assert_int_equal(table.pinned, 0);
    for (grant_ref_t ref = FIRST; ref < END; ref++) {
        uint16_t flags = *flags_of(ref);

        if (table.version == 2)
            assert_int_equal(*status_at(&table, ref) & (GTF_reading | GTF_writing), 0);
        if (ref >= FIRST + GRANTED && grants[ref].flags)
            offer_end(ref);
        else
            assert_int_equal(flags, grants[ref].ending ? 0 : grants[ref].flags);
    }
    assert_int_equal(seen, transfers);
}

static void entries_run(unsigned version)
{
    pthread_t c[CPUS], v[VCPUS];

    host_reset();
    host_rest_every(101);
    table_make(version);
    each_thread(cpu, c, CPUS);
    each_thread(vcpu, v, VCPUS);
    join_all(v, VCPUS);
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    join_all(c, CPUS);
    table_check();
    assert_int_equal(bad, 0);
    assert_true(pins > 100 && transfers > 10);
    free(table.shared[0]);
    free(table.status[0]);
    grant_table_free(&table);
    assert_int_equal(host_mem_live(), 0);
}

static void test_entries_v1(void **state)
{
    (void)state;
    entries_run(1);
}

static void test_entries_v2(void **state)
{
    (void)state;
    entries_run(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_maps), cmocka_unit_test(test_entries_v1), cmocka_unit_test(test_entries_v2) };

    return cmocka_run_group_tests_name("grant threads", tests, NULL, NULL);
}
