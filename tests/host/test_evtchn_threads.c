/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels under real concurrency: senders, a guest that consumes on all its vCPUs, and somebody who keeps moving,
 * masking, closing and binding.  No event may get lost.  A thread stands for a CPU with interrupts off.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "evtchn_guest.h"

#define NR_SENDERS 3
#define PORTS_EACH 24
#define NR_PORTS   (NR_SENDERS * PORTS_EACH)
#define SENDS      60000
#define CHAOS      400000
#define CHAOS_PORTS 3

static struct guest from, to;       /* channels lead from one to the other */
static uint32_t out_port[NR_PORTS], in_port[NR_PORTS];
static uint32_t index_of[4096];     /* by port of `to` */
static uint32_t written[NR_PORTS];  /* what a sender wrote before it sent [atomic] */
static uint32_t read_back[NR_PORTS];/* the newest that a handler saw [atomic] */
static bool over;                   /* [atomic] */
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER; /* of both tables */

static unsigned xorshift(unsigned *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 17;
    return *s ^= *s << 5;
}

static void channel_open(unsigned i)
{
    struct evtchn_hit hit = { 0 };

    in_port[i] = (uint32_t)evtchn_reserve(&to.t);
    evtchn_open_unbound(&to.t, in_port[i], from.t.id);
    index_of[in_port[i]] = i;
    out_port[i] = (uint32_t)evtchn_reserve(&from.t);
    assert_int_equal(evtchn_open_interdomain(&from.t, out_port[i], &to.t, in_port[i], &hit), 0);
}

static int setup(bool fifo)
{
    host_reset();
    guest_init(&from, 1);
    guest_init(&to, 2);
    memset(written, 0, sizeof(written));
    memset(read_back, 0, sizeof(read_back));
    __atomic_store_n(&over, false, __ATOMIC_SEQ_CST);
    for (uint32_t v = 0; fifo && v < GUEST_VCPUS; v++)
        assert_int_equal(guest_control(&to, v), 0);
    if (fifo)
        assert_int_equal(guest_expand(&to, 0), 0);
    for (unsigned i = 0; i < NR_PORTS; i++)
        channel_open(i);
    return 0;
}

static int setup_level(void **state)
{
    (void)state;
    return setup(false);
}

static int setup_fifo(void **state)
{
    (void)state;
    return setup(true);
}

static int teardown(void **state)
{
    (void)state;
    assert_null(evtchn_audit(&from.t));
    assert_null(evtchn_audit(&to.t));
    guest_free(&from);
    guest_free(&to);
    return host_mem_live() != 0;
}

static void *sender(void *arg)
{
    unsigned first = (unsigned)(uintptr_t)arg * PORTS_EACH, seed = first + 1;

    for (unsigned n = 0; n < SENDS; n++) {
        unsigned i = first + xorshift(&seed) % PORTS_EACH;
        struct evtchn_hit hit = { 0 };

        __atomic_fetch_add(&written[i], 1, __ATOMIC_RELAXED);
        (void)evtchn_send(&from.t, out_port[i], &hit);
        if (xorshift(&seed) % 64 == 0)
            sched_yield();
    }
    return NULL;
}

static void handle(struct guest *g, uint32_t port, unsigned vcpu, void *data)
{
    unsigned i = index_of[port];
    uint32_t now = __atomic_load_n(&written[i], __ATOMIC_SEQ_CST), had;

    (void)g;
    (void)vcpu;
    (void)data;
    had = __atomic_load_n(&read_back[i], __ATOMIC_SEQ_CST);
    while (had < now && !__atomic_compare_exchange_n(&read_back[i], &had, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
}

static void *consumer(void *arg)
{
    unsigned v = (unsigned)(uintptr_t)arg;

    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
        guest_take(&to, v, handle, NULL);
        sched_yield();
    }
    guest_take(&to, v, handle, NULL);
    return NULL;
}

static void unmask(uint32_t port)
{
    struct evtchn_hit hit = { 0 };

    if (!guest_try_unmask(&to, port))
        (void)evtchn_unmask(&to.t, port, &hit);
}

/* Moves ports between vCPUs and priorities, masks and unmasks them. */
static void *mover(void *arg)
{
    unsigned seed = 77;

    (void)arg;
    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
        uint32_t port = in_port[xorshift(&seed) % NR_PORTS];

        (void)evtchn_bind_vcpu(&to.t, port, xorshift(&seed) % GUEST_VCPUS);
        (void)evtchn_set_priority(&to.t, port, xorshift(&seed) % 16);
        guest_mask(&to, port);
        if (xorshift(&seed) % 4 == 0)
            sched_yield();
        unmask(port);
    }
    return NULL;
}

/* Closes one end or the other and connects it again. */
static void *breaker(void *arg)
{
    unsigned seed = 99;

    (void)arg;
    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
        unsigned i = xorshift(&seed) % NR_PORTS;
        struct evtchn_closed was;
        struct evtchn_hit hit = { 0 };

        pthread_mutex_lock(&table_lock);
        assert_int_equal(evtchn_close(&from.t, out_port[i], &was), 0);
        assert_int_equal(was.state, EVTCHNSTAT_interdomain);
        assert_true(evtchn_reserve(&from.t) == (int)out_port[i]);
        assert_int_equal(evtchn_open_interdomain(&from.t, out_port[i], &to.t, in_port[i], &hit), 0);
        pthread_mutex_unlock(&table_lock);
        if (xorshift(&seed) % 4 == 0)
            sched_yield();
    }
    return NULL;
}

typedef void *thread_fn(void *);

static void run(thread_fn *disturber)
{
    pthread_t s[NR_SENDERS], c[GUEST_VCPUS], d;

    for (uintptr_t i = 0; i < GUEST_VCPUS; i++)
        pthread_create(&c[i], NULL, consumer, (void *)i);
    pthread_create(&d, NULL, disturber, NULL);
    for (uintptr_t i = 0; i < NR_SENDERS; i++)
        pthread_create(&s[i], NULL, sender, (void *)i);
    for (unsigned i = 0; i < NR_SENDERS; i++)
        pthread_join(s[i], NULL);
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    pthread_join(d, NULL);
    for (unsigned i = 0; i < GUEST_VCPUS; i++)
        pthread_join(c[i], NULL);
    for (unsigned i = 0; i < NR_PORTS; i++)
        unmask(in_port[i]);
    for (unsigned v = 0; v < GUEST_VCPUS; v++)
        guest_take(&to, v, handle, NULL);
}

static void all_arrived(void)
{
    for (unsigned i = 0; i < NR_PORTS; i++)
        assert_int_equal(read_back[i], written[i]);
}

static void test_no_event_lost(void **state)
{
    (void)state;
    run(mover);
    all_arrived();
}

/* While an end is closed events are dropped by right; the one that binding sends is not. */
static void test_close_while_sending(void **state)
{
    struct evtchn_hit hit = { 0 };

    (void)state;
    run(breaker);
    for (unsigned i = 0; i < NR_PORTS; i++)
        assert_int_equal(evtchn_send(&from.t, out_port[i], &hit), 0);
    for (unsigned v = 0; v < GUEST_VCPUS; v++)
        guest_take(&to, v, handle, NULL);
    all_arrived();
}

/* --- two domains open, bind, close and send at random, each with its own table lock ------------------------- */

static void chaos_step(struct guest *me, struct guest *other, unsigned *seed)
{
    uint32_t port = xorshift(seed) % CHAOS_PORTS + 1;
    struct evtchn_hit hit = { 0 };
    struct evtchn_closed was;
    int fresh;

    switch (xorshift(seed) % 6) {
    case 0:
        fresh = evtchn_reserve(&me->t);
        if (fresh > 0)
            evtchn_open_unbound(&me->t, (uint32_t)fresh, other->t.id);
        break;
    case 1:
    case 2:
        fresh = evtchn_reserve(&me->t);
        if (fresh > 0)
            (void)evtchn_open_interdomain(&me->t, (uint32_t)fresh, &other->t, port, &hit);
        break;
    case 3:
    case 4:
        (void)evtchn_close(&me->t, port, &was);
        break;
    default:
        (void)evtchn_bind_vcpu(&me->t, port, xorshift(seed) % GUEST_VCPUS);
    }
}

static void *chaos(void *arg)
{
    struct guest *me = arg ? &to : &from, *other = arg ? &from : &to;
    unsigned seed = arg ? 5 : 6;

    for (unsigned n = 0; n < CHAOS; n++)
        chaos_step(me, other, &seed);
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    return NULL;
}

static void *chaos_sender(void *arg)
{
    struct guest *me = arg ? &to : &from;
    unsigned seed = arg ? 7 : 8;

    while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
        struct evtchn_hit hit = { 0 };

        (void)evtchn_send(&me->t, xorshift(&seed) % CHAOS_PORTS + 1, &hit);
    }
    return NULL;
}

static int setup_chaos(void **state)
{
    (void)state;
    host_reset();
    guest_init(&from, 1);
    guest_init(&to, 2);
    from.t.limit = to.t.limit = CHAOS_PORTS + 1;
    assert_true(evtchn_reserve(&from.t) > 0 && evtchn_reserve(&to.t) > 0); /* port_host.c's heap isn't for threads */
    __atomic_store_n(&over, false, __ATOMIC_SEQ_CST);
    assert_int_equal(guest_control(&to, 0), 0);
    assert_int_equal(guest_expand(&to, 0), 0);
    return 0;
}

static void test_chaos(void **state)
{
    pthread_t t[4];

    (void)state;
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, i < 2 ? chaos : chaos_sender, (void *)(i % 2));
    for (unsigned i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        { "level: no event lost", test_no_event_lost, setup_level, teardown, NULL },
        { "fifo: no event lost", test_no_event_lost, setup_fifo, teardown, NULL },
        { "level: close while sending", test_close_while_sending, setup_level, teardown, NULL },
        { "fifo: close while sending", test_close_while_sending, setup_fifo, teardown, NULL },
        { "both sides close", test_chaos, setup_chaos, teardown, NULL },
    };

    return cmocka_run_group_tests_name("evtchn threads", tests, NULL, NULL);
}
