/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of frames under real concurrency.  Writers take and drop writable uses without any lock, and go on writing
 * through what their TLB still holds until a flush reaches them; one thread makes tables of the same frames and unmakes
 * them; walkers go on reading what was a table until a flush reaches them.  No walker may ever read what a writer wrote,
 * and nothing in a table may change.  A thread stands for a CPU.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <cmocka.h>
#include "port_host.h"
#include "core/ptype.h"

#define FRAMES  6
#define WRITERS 3
#define WALKERS 2
#define CPUS    (WRITERS + WALKERS)
#define ROUNDS  4000
#define DOMAIN  1

#define GONE (~0ul)      /* last_flush of a CPU that has stopped */
#define GOOD 0x1000ul    /* not present: any table may have it */
#define EVIL 0xbad000ul

struct frame *frames;
uint64_t nr_frames;
struct frame_range ram_ranges[RAM_RANGES_MAX];
unsigned nr_ram_ranges;

static uint64_t flush_clock = 1;                /* [atomic] */
static struct cpu {
    uint64_t last_flush;                        /* [atomic] */
    uint64_t asked, answered;                   /* flushes: sequence numbers [atomic] */
    uint64_t sees;                              /* frames in its TLB; own */
} cpu[CPUS];
static __thread struct cpu *self;               /* NULL: the thread that makes tables */
static pthread_mutex_t pt_lock = PTHREAD_MUTEX_INITIALIZER;
static bool over;                               /* [atomic] */
static unsigned long evil_seen, changed, got, tables; /* [atomic] */

static uint64_t get(uint64_t *p)
{
    return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

/* The interrupt that a flush is. */
static void answer(void)
{
    uint64_t asked;

    if (!self || (asked = get(&self->asked)) == get(&self->answered))
        return;
    self->sees = 0;
    __atomic_store_n(&self->last_flush, __atomic_add_fetch(&flush_clock, 1, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
    __atomic_store_n(&self->answered, asked, __ATOMIC_SEQ_CST);
}

void ptype_port_flush(uint16_t owner, bool everywhere, uint32_t stamp)
{
    uint64_t wait[CPUS] = { 0 };

    (void)owner;
    (void)everywhere;
    for (unsigned i = 0; i < CPUS; i++)
        if (get(&cpu[i].last_flush) <= stamp)
            wait[i] = __atomic_add_fetch(&cpu[i].asked, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < CPUS; i++)
        while (get(&cpu[i].answered) < wait[i] && get(&cpu[i].last_flush) != GONE) {
            answer();
            sched_yield();
        }
}

uint32_t ptype_port_stamp(void)
{
    return (uint32_t)get(&flush_clock);
}

bool ptype_port_iomem_ok(uint16_t domid, mfn_t m, bool writable)
{
    (void)domid;
    (void)m;
    (void)writable;
    return false;
}

void ptype_port_init_l4(uint16_t table_owner, uint64_t *table)
{
    (void)table_owner;
    (void)table;
}

void ptype_port_cache_flush(mfn_t m)
{
    (void)m;
    abort();
}

void ptype_port_frame_free(mfn_t m)
{
    (void)m;
    abort(); /* each frame has a reference of its own */
}

static uint64_t *entry(unsigned m, unsigned i)
{
    return (uint64_t *)host_frame(MFN(m)) + i;
}

static void write_entry(unsigned m, unsigned i, uint64_t v)
{
    __atomic_store_n(entry(m, i), v, __ATOMIC_RELAXED);
}

static unsigned xorshift(unsigned *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 17;
    return *s ^= *s << 5;
}

/* Write to all that the TLB lets us write to; leave good values before any flush is answered. */
static void write_around(unsigned *s)
{
    unsigned i = xorshift(s) % 4;

    for (unsigned m = 1; m <= FRAMES; m++)
        if (self->sees >> m & 1)
            write_entry(m, i, EVIL);
    sched_yield();
    for (unsigned m = 1; m <= FRAMES; m++)
        if (self->sees >> m & 1)
            write_entry(m, i, GOOD);
    answer();
}

static void *stop(void)
{
    self->sees = 0;
    __atomic_store_n(&self->last_flush, GONE, __ATOMIC_SEQ_CST);
    return NULL;
}

/* Waiting for a lock is with interrupts on. */
static void pt_lock_take(void)
{
    while (pthread_mutex_trylock(&pt_lock)) {
        answer();
        sched_yield();
    }
}

static void *writer(void *arg)
{
    unsigned s = 77 + (unsigned)(uintptr_t)arg;

    self = &cpu[(uintptr_t)arg];
    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
        unsigned m = 1 + xorshift(&s) % FRAMES;

        if (frame_ref_get(MFN(m), DOMAIN)) {
            if (ptype_get_writable(MFN(m)) == 0) {
                self->sees |= 1ul << m;
                __atomic_add_fetch(&got, 1, __ATOMIC_RELAXED);
                for (unsigned n = xorshift(&s) % 8; n > 0; n--)
                    write_around(&s);
                ptype_put_writable(MFN(m));
            }
            frame_ref_put(MFN(m));
        }
        for (unsigned n = xorshift(&s) % 16; n > 0; n--)
            write_around(&s);
    }
    return stop();
}

static void *walker(void *arg)
{
    self = &cpu[(uintptr_t)arg];
    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
        pt_lock_take();
        for (unsigned m = 1; m <= FRAMES; m++)
            if (ptype_level(MFN(m)))
                self->sees |= 1ul << m;
        pthread_mutex_unlock(&pt_lock);
        for (unsigned n = 0; n < 40; n++) {
            for (unsigned m = 1; m <= FRAMES; m++)
                for (unsigned i = 0; i < 4 && (self->sees >> m & 1); i++)
                    if (__atomic_load_n(entry(m, i), __ATOMIC_RELAXED) != GOOD)
                        __atomic_add_fetch(&evil_seen, 1, __ATOMIC_RELAXED);
            sched_yield();
            if (n % 20 == 19)
                answer();
        }
    }
    return stop();
}

static void make_tables(void)
{
    const struct ptype_ctx c = { DOMAIN, DOMAIN };
    unsigned s = 4711;

    for (unsigned n = 0; n < ROUNDS; n++) {
        unsigned m = 1 + xorshift(&s) % FRAMES;
        enum frame_type type = (enum frame_type)(FT_L1 + xorshift(&s) % 4);
        int rc;

        pt_lock_take();
        rc = ptype_get(&c, MFN(m), type); /* not a pin: that is no way to the table for a walker */
        pthread_mutex_unlock(&pt_lock);
        if (rc)
            continue;
        tables++;
        for (unsigned k = xorshift(&s) % 20; k > 0; k--) {
            for (unsigned i = 0; i < 4; i++)
                changed += __atomic_load_n(entry(m, i), __ATOMIC_RELAXED) != GOOD;
            sched_yield();
        }
        pt_lock_take();
        rc = ptype_put(&c, MFN(m));
        pthread_mutex_unlock(&pt_lock);
        assert_int_equal(rc, 0);
    }
}

static void test_threads(void **state)
{
    pthread_t t[CPUS];

    (void)state;
    host_reset();
    host_frames_init(MFN(0), FRAMES + 1);
    frames = calloc(FRAMES + 1, sizeof(*frames));
    nr_frames = FRAMES + 1;
    ram_ranges[0] = (struct frame_range){ 1, FRAMES + 1 };
    nr_ram_ranges = 1;
    for (unsigned m = 1; m <= FRAMES; m++) {
        frames[m].ref = (uint64_t)DOMAIN << REF_OWNER_SHIFT | REF_ALLOCATED | 1;
        for (unsigned i = 0; i < 4; i++)
            write_entry(m, i, GOOD);
    }
    for (uintptr_t i = 0; i < CPUS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, i < WRITERS ? writer : walker, (void *)i), 0);
    make_tables();
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < CPUS; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(evil_seen, 0);
    assert_int_equal(changed, 0);
    assert_true(tables > ROUNDS / 20 && got > ROUNDS);
    for (unsigned m = 1; m <= FRAMES; m++) {
        assert_int_equal(frames[m].ref & REF_COUNT_MASK, 1);
        assert_int_equal(frames[m].type & TYPE_COUNT_MASK, 0);
    }
    assert_int_equal(ptype_audit(DOMAIN), 0);
    free(frames);
    host_reset();
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_threads) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
