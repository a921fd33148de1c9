/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace ring (core/trace.c) under real concurrency: one thread is the CPU that fills it, another the tool that empties it, as
 * <xen/trace.h> has it, with nothing between them but `prod` and `cons`.  Every record comes out once, whole and in order, or is
 * counted in the TRC_LOST_RECORDS that stands in its place; what is still counted as lost at the end is in the ring's own count.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <cmocka.h>
#include "core/trace.h"

#define PAGES_MAX 2
#define RECORDS   200000u
#define EVENT(n)  (TRC_SCHED | ((n) & 0xfff))

static struct trace_ring ring;
static uint32_t *pages[PAGES_MAX];
static struct t_buf *buf;
static bool over;            /* [atomic] */
static unsigned told;        /* the CPU's: how often the ring became half full */
static uint64_t read_ok, read_lost, bad; /* the tool's */
static uint64_t next_tsc;    /* the tool's: of the record that must come */

/* Everything in a record follows from its number. */
static uint32_t words_of(uint64_t n)
{
    return (uint32_t)(n * 2654435761u >> 7) % (TRACE_EXTRA_MAX + 1);
}

static uint32_t word_of(uint64_t n, uint32_t i)
{
    return (uint32_t)(n * 0x9e3779b1u + i * 0x85ebca6bu);
}

static void *cpu(void *arg)
{
    unsigned slow = (unsigned)(uintptr_t)arg;

    for (uint64_t n = 1; n <= RECORDS; n++) {
        uint32_t word[TRACE_EXTRA_MAX];
        struct trace_record r = { .event = EVENT(n), .words = words_of(n), .word = word, .tsc = n, .domain = 7, .vcpu = 3 };

        for (uint32_t i = 0; i < r.words; i++)
            word[i] = word_of(n, i);
        told += trace_ring_put(&ring, &r);
        if (slow && n % slow == 0)
            sched_yield();
    }
    __atomic_store_n(&over, true, __ATOMIC_RELEASE);
    return NULL;
}

/* ---- The tool ---- */

/* Not atomic: between `prod` and `cons` nobody else may touch it. */
static uint32_t tool_word(uint32_t at)
{
    at += (uint32_t)sizeof(struct t_buf);
    return pages[at / PAGE_SIZE][at % PAGE_SIZE / 4];
}

/* `count` records from number `from` on did not fit. */
static void lost_check(const uint32_t *word)
{
    uint64_t from = word[2] | (uint64_t)word[3] << 32;

    bad += word[1] != (7 | 3u << 16) || !word[0] || from != next_tsc;
    next_tsc += word[0];
    read_lost += word[0];
}

static void record_check(uint32_t event, uint64_t tsc, uint32_t words, const uint32_t *word)
{
    bad += tsc != next_tsc || event != EVENT(tsc) || words != words_of(tsc);
    for (uint32_t i = 0; i < words; i++)
        bad += word[i] != word_of(tsc, i);
    next_tsc = tsc + 1;
    read_ok++;
}

/* The record at *cons, which is behind it then. */
static void tool_read(uint32_t *cons)
{
    uint32_t at = *cons % ring.size, head = tool_word(at), event = TRC_HD_TO_EVENT(head), n = TRC_HD_EXTRA(head), word[TRACE_EXTRA_MAX];
    uint32_t first = at + (TRC_HD_INCLUDES_CYCLE_COUNT(head) ? 12 : 4);
    uint64_t tsc = first - at == 12 ? tool_word(at + 4) | (uint64_t)tool_word(at + 8) << 32 : 0;

    *cons = (*cons + (first - at) + n * 4) % (2 * ring.size);
    if (n > TRACE_EXTRA_MAX || first + n * 4 > ring.size) {
        bad++;
        return;
    }
    for (uint32_t i = 0; i < n; i++)
        word[i] = tool_word(first + i * 4);
    if (event == TRC_LOST_RECORDS)
        lost_check(word);
    else if (event != TRC_TRACE_WRAP_BUFFER)
        record_check(event, tsc, n, word);
}

/* All that is there by now; the places are given back one record at a time, or all at once. */
static void tool_take(bool one_by_one)
{
    uint32_t prod = __atomic_load_n(&buf->prod, __ATOMIC_ACQUIRE), cons = READ_ONCE(buf->cons);

    while (cons != prod && !bad) {
        tool_read(&cons);
        if (one_by_one)
            __atomic_store_n(&buf->cons, cons, __ATOMIC_RELEASE);
    }
    __atomic_store_n(&buf->cons, cons, __ATOMIC_RELEASE);
}

static void *tool(void *arg)
{
    unsigned slow = (unsigned)(uintptr_t)arg;
    bool last = false;

    for (unsigned n = 0; !last; n++) {
        last = __atomic_load_n(&over, __ATOMIC_ACQUIRE); /* what was put before is seen after */
        tool_take(n & 1);
        for (unsigned i = 0; i < slow; i++)
            sched_yield();
    }
    return NULL;
}

static void run(unsigned nr_pages, unsigned cpu_slow, unsigned tool_slow)
{
    pthread_t a, b;

    for (unsigned i = 0; i < nr_pages; i++)
        pages[i] = calloc(1, PAGE_SIZE);
    trace_ring_init(&ring, pages, nr_pages);
    buf = (struct t_buf *)(void *)pages[0];
    over = false;
    read_ok = read_lost = bad = told = 0;
    next_tsc = 1;
    assert_int_equal(pthread_create(&a, NULL, tool, (void *)(uintptr_t)tool_slow), 0);
    assert_int_equal(pthread_create(&b, NULL, cpu, (void *)(uintptr_t)cpu_slow), 0);
    pthread_join(b, NULL);
    pthread_join(a, NULL);
    assert_int_equal(bad, 0);
    assert_int_equal(read_ok + read_lost + ring.lost, RECORDS);
    assert_int_equal(buf->prod, ring.prod);
    assert_int_equal(buf->cons, buf->prod);
    assert_true(read_ok >= ring.size / TRACE_RECORD_MAX / 2); /* one ring of them at least, less what is told of lost ones */
    for (unsigned i = 0; i < nr_pages; i++)
        free(pages[i]);
}

/* The tool mostly keeps up. */
static void test_keeps_up(void **state)
{
    (void)state;
    run(PAGES_MAX, 64, 1);
}

/* The tool is slow: the ring is full again and again. */
static void test_falls_behind(void **state)
{
    (void)state;
    run(1, 0, 4);
    assert_true(read_lost + ring.lost > 0 && told > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_keeps_up), cmocka_unit_test(test_falls_behind) };

    return cmocka_run_group_tests_name("trace threads", tests, NULL, NULL);
}
