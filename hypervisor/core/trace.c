/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trace buffer: see core/trace.h. */
#include "core/trace.h"
#include "core/port.h"

#define HEADER     ((uint32_t)sizeof(struct t_buf))
#define LOST_WORDS 4u

static struct t_buf *shared(const struct trace_ring *r)
{
    return (struct t_buf *)(void *)r->page[0];
}

void trace_ring_init(struct trace_ring *r, uint32_t **page, uint32_t n)
{
    *r = (struct trace_ring){ .page = page, .size = n * (uint32_t)PAGE_SIZE - HEADER };
}

/* ---- Room ---- */

/* Bytes that the tool has not taken yet (T2). */
static uint32_t used(const struct trace_ring *r)
{
    uint32_t cons = __atomic_load_n(&shared(r)->cons, __ATOMIC_ACQUIRE), n; /* what it gave back it has read */

    if (cons >= 2 * r->size || cons % 4)
        return r->size;
    n = r->prod >= cons ? r->prod - cons : r->prod + 2 * r->size - cons;
    return MIN(n, r->size);
}

/* Where in the ring the next byte goes. */
static uint32_t place(const struct trace_ring *r)
{
    return r->prod >= r->size ? r->prod - r->size : r->prod;
}

static uint32_t record_size(uint32_t words)
{
    return (3 + words) * 4;
}

/* Room that a record at *at needs, what it leaves unused before the ring's end included; *at: behind it. */
static uint32_t room_for(const struct trace_ring *r, uint32_t *at, uint32_t words)
{
    uint32_t size = record_size(words), left = r->size - *at, skip = size > left ? left : 0;

    *at = (skip ? 0 : *at) + size;
    if (*at == r->size)
        *at = 0;
    return skip + size;
}

/* ---- Writing ---- */

static void word_put(struct trace_ring *r, uint32_t word)
{
    uint32_t at = HEADER + place(r);

    WRITE_ONCE(r->page[at >> PAGE_SHIFT][(at & ~PAGE_MASK) / 4], word);
    r->prod += 4;
    if (r->prod == 2 * r->size)
        r->prod = 0;
}

static void words_put(struct trace_ring *r, const uint32_t *word, uint32_t n)
{
    while (n--)
        word_put(r, word ? *word++ : 0);
}

/* Fill the ring to its end: 4 to TRACE_RECORD_MAX - 4 bytes.  One word too many for the data goes where a time would be. */
static void wrap_put(struct trace_ring *r, uint32_t left)
{
    uint32_t words = left / 4 - 1, cycles = words > TRACE_EXTRA_MAX ? 2 : 0;

    word_put(r, TRC_TRACE_WRAP_BUFFER | (words - cycles) << TRACE_EXTRA_SHIFT | (cycles ? (uint32_t)TRC_HD_CYCLE_FLAG : 0));
    words_put(r, NULL, words);
}

static void record_put(struct trace_ring *r, uint32_t event, uint64_t tsc, const uint32_t *word, uint32_t words)
{
    uint32_t left = r->size - place(r);

    if (record_size(words) > left)
        wrap_put(r, left);
    word_put(r, event | words << TRACE_EXTRA_SHIFT | (uint32_t)TRC_HD_CYCLE_FLAG);
    word_put(r, (uint32_t)tsc);
    word_put(r, (uint32_t)(tsc >> 32));
    words_put(r, word, words);
}

static void lost_put(struct trace_ring *r, const struct trace_record *rec)
{
    const uint32_t word[LOST_WORDS] = { r->lost, (rec->domain & 0xffff) | rec->vcpu << 16, (uint32_t)r->lost_at,
                                        (uint32_t)(r->lost_at >> 32) };

    record_put(r, TRC_LOST_RECORDS, rec->tsc, word, LOST_WORDS);
    r->lost = 0;
}

static void publish(struct trace_ring *r)
{
    __atomic_store_n(&shared(r)->prod, r->prod, __ATOMIC_RELEASE);
}

/* The tool may have lost its way: it is told again where we are. */
static void record_lose(struct trace_ring *r, uint64_t tsc)
{
    if (!r->lost)
        r->lost_at = tsc;
    if (r->lost != UINT32_MAX)
        r->lost++;
    publish(r);
}

bool trace_ring_put(struct trace_ring *r, const struct trace_record *rec)
{
    uint32_t before = used(r), at = place(r), need = 0;

    if (r->lost)
        need += room_for(r, &at, LOST_WORDS);
    need += room_for(r, &at, rec->words);
    if (need > r->size - before) {
        record_lose(r, rec->tsc);
        return false;
    }
    if (r->lost)
        lost_put(r, rec);
    record_put(r, rec->event & TRC_HD_TO_EVENT(~0u), rec->tsc, rec->word, rec->words);
    publish(r);
    return before < r->size / 2 && before + need >= r->size / 2;
}

/* ---- Where the rings are ---- */

/* Words before the first list. */
static uint32_t info_header(uint32_t cpus)
{
    return DIV_UP((uint32_t)sizeof(struct t_info) + cpus * (uint32_t)sizeof(uint16_t), 4);
}

uint32_t trace_pages_max(uint32_t cpus)
{
    return MIN((UINT16_MAX - info_header(cpus)) / cpus, (uint32_t)UINT16_MAX);
}

uint32_t trace_info_size(uint32_t cpus, uint32_t pages)
{
    return (info_header(cpus) + cpus * pages) * 4;
}

void trace_info_init(struct t_info *info, uint32_t cpus, uint32_t pages)
{
    info->tbuf_size = (uint16_t)pages;
    for (uint32_t cpu = 0; cpu < cpus; cpu++)
        info->mfn_offset[cpu] = (uint16_t)(info_header(cpus) + cpu * pages);
}

void trace_info_set(struct t_info *info, uint32_t cpu, uint32_t page, mfn_t m)
{
    ((uint32_t *)(void *)info)[info->mfn_offset[cpu] + page] = (uint32_t)m.n;
}
