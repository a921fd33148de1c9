/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace ring, the tool that empties it, and a naive model beside it: positions that only grow, and a plain list of what the tool must read.
 * Each page is an allocation of its own, so that a byte beside it is seen.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "core/trace.h"

#define WORLD_PAGES 3u
#define WORLD_QUEUE 8192u /* records that fit the ring, and more */

struct world_record {
    uint32_t event, words, word[TRACE_EXTRA_MAX];
    uint64_t tsc;
};

static struct trace_ring ring;
static uint32_t *pages[WORLD_PAGES];
static struct t_buf *buf;
static uint64_t prod_total;            /* bytes ever put */
static struct world_record queue[WORLD_QUEUE];
static unsigned queue_first, queue_end; /* what the tool has not read */
static uint32_t lost;
static uint64_t lost_at, tsc_now;

static void world_check(bool ok)
{
    if (!ok)
        abort();
}

static void world_begin(uint32_t n)
{
    for (uint32_t i = 0; i < WORLD_PAGES; i++)
        pages[i] = i < n ? calloc(1, PAGE_SIZE) : NULL;
    trace_ring_init(&ring, pages, n);
    buf = (struct t_buf *)(void *)pages[0];
    prod_total = queue_first = queue_end = lost = 0;
    tsc_now = 1;
    world_check(ring.size == n * PAGE_SIZE - sizeof(struct t_buf));
}

static void world_end(void)
{
    for (uint32_t i = 0; i < WORLD_PAGES; i++)
        free(pages[i]);
}

/* ---- The model ---- */

static uint32_t model_used(void)
{
    uint32_t twice = 2 * ring.size, cons = buf->cons;
    uint64_t n;

    if (cons >= twice || cons % 4)
        return ring.size;
    n = (prod_total + twice - cons) % twice;
    return n > ring.size ? ring.size : (uint32_t)n;
}

/* Where a record of so many words that comes at `at` ends. */
static uint64_t model_end(uint64_t at, uint32_t words)
{
    uint32_t size = 12 + 4 * words, left = ring.size - (uint32_t)(at % ring.size);

    return at + (size > left ? left : 0) + size;
}

static void model_append(uint32_t event, uint32_t words, const uint32_t *word)
{
    struct world_record *r = &queue[queue_end++ % WORLD_QUEUE];

    world_check(queue_end - queue_first <= WORLD_QUEUE);
    *r = (struct world_record){ .event = event, .words = words, .tsc = tsc_now };
    memcpy(r->word, word, words * sizeof(*word));
    prod_total = model_end(prod_total, words);
}

static void model_lost_append(uint32_t domain, uint32_t vcpu)
{
    const uint32_t word[] = { lost, domain | vcpu << 16, (uint32_t)lost_at, (uint32_t)(lost_at >> 32) };

    model_append(TRC_LOST_RECORDS, 4, word);
    lost = 0;
}

/* Is the consumer to be told? */
static bool model_put(const struct trace_record *r)
{
    uint32_t used = model_used(), half = ring.size / 2;
    uint64_t start = prod_total, end = model_end(lost ? model_end(start, 4) : start, r->words);

    if (used + (end - start) > ring.size) {
        if (!lost++)
            lost_at = r->tsc;
        return false;
    }
    if (lost)
        model_lost_append(r->domain, r->vcpu);
    model_append(r->event, r->words, r->word);
    return used < half && used + (end - start) >= half;
}

/* ---- Both sides at once ---- */

static void world_put(uint32_t event, uint32_t words, const uint32_t *word)
{
    struct trace_record r = { event & 0x0fffffff, words, word, ++tsc_now, event % 5, event % 3 };
    bool tell = model_put(&r);

    world_check(trace_ring_put(&ring, &r) == tell);
    world_check(buf->prod == prod_total % (2 * ring.size));
}

/* ---- The tool ---- */

static uint32_t tool_word(uint32_t at)
{
    at += (uint32_t)sizeof(struct t_buf);
    return pages[at / PAGE_SIZE][at % PAGE_SIZE / 4];
}

/* Read one record as <xen/trace.h> describes it.  False: it is only there to fill the ring to its end. */
static bool tool_read(uint32_t *cons, struct world_record *r)
{
    uint32_t at = *cons % ring.size, head = tool_word(at), n = 1;

    *r = (struct world_record){ .event = TRC_HD_TO_EVENT(head), .words = TRC_HD_EXTRA(head) };
    if (TRC_HD_INCLUDES_CYCLE_COUNT(head)) {
        r->tsc = tool_word(at + 4) | (uint64_t)tool_word(at + 8) << 32;
        n += 2;
    }
    world_check(at + (n + r->words) * 4 <= ring.size);
    for (uint32_t i = 0; i < r->words; i++)
        r->word[i] = tool_word(at + (n + i) * 4);
    *cons = (*cons + (n + r->words) * 4) % (2 * ring.size);
    if (r->event != TRC_TRACE_WRAP_BUFFER)
        return true;
    world_check(*cons % ring.size == 0);
    return false;
}

/* Read up to n records, and compare each with the model's. */
static void tool_take(unsigned n)
{
    uint32_t cons = buf->cons;
    struct world_record r;

    while (n && cons != buf->prod) {
        if (!tool_read(&cons, &r))
            continue;
        world_check(queue_first != queue_end);
        world_check(!memcmp(&r, &queue[queue_first++ % WORLD_QUEUE], sizeof(r)));
        n--;
    }
    world_check(cons != buf->prod || queue_first == queue_end);
    buf->cons = cons;
}

/* As xentrace -D: forget what is there. */
static void tool_discard(void)
{
    buf->cons = buf->prod;
    queue_first = queue_end;
}
