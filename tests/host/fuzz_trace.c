/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core/trace.c: any order of records, of a tool that reads, forgets, or writes anything anywhere in the buffer.  As long as it only
 * reads, it gets what the model has, in order and once; after rubbish it starts again from `prod`.
 */
/* fuzz-options: -max_len=600 -len_control=0 */
#include <stdint.h>
#include "trace_world.h"
#include "fuzz_input.h"

/* Many, or one. */
static void put(uint32_t how)
{
    uint32_t word[TRACE_EXTRA_MAX], n = how & 0x10 ? take(1) * 4 : 1;

    for (unsigned i = 0; i < TRACE_EXTRA_MAX; i++)
        word[i] = how * 0x01010101u + i;
    while (n--)
        world_put(how << 20 | n, (how + (how & 8 ? n : 0)) % (TRACE_EXTRA_MAX + 1), word);
}

static void write_rubbish(void)
{
    uint32_t at = take(2), v = take(4), page = at / 1024 % WORLD_PAGES;

    if (pages[page])
        pages[page][at % 1024] = v;
}

/* The tool is not to be relied on any more: records, while cons is anything, and then it comes to its senses. */
static void disturb(void)
{
    struct trace_record r = { .event = TRC_GEN, .tsc = 1 };
    uint32_t word[TRACE_EXTRA_MAX] = { 0 }, prod;

    r.word = word;
    write_rubbish();
    buf->cons = take(4);
    for (uint32_t n = take(1); n; n--) {
        r.words = n % (TRACE_EXTRA_MAX + 1);
        prod = ring.prod;
        trace_ring_put(&ring, &r);
        world_check(ring.prod < 2 * ring.size && ring.prod % 4 == 0);
        world_check(prod == ring.prod || (buf->prod == ring.prod && buf->cons % 4 == 0));
    }
    buf->prod = ring.prod;
    tool_discard();
    prod_total = ring.prod;
    lost = ring.lost;
    lost_at = ring.lost_at;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    data = bytes;
    left = size;
    world_begin(1 + take(1) % WORLD_PAGES);
    while (left) {
        uint32_t what = take(1);

        if (what < 160)
            put(what);
        else if (what < 220)
            tool_take(what & 1 ? ~0u : take(1));
        else if (what < 230)
            tool_discard();
        else
            disturb();
    }
    tool_take(~0u);
    world_end();
    return 0;
}
