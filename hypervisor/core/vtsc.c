/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See vtsc.h.  No state. */
#include "core/vtsc.h"

#define NS_PER_S 1000000000ul
#define SAME_PPM 100

void vtsc_init(struct vtsc *t, uint32_t khz, uint64_t now, uint64_t elapsed)
{
    struct clock_scale s = clock_scale_make(khz * 1000ul, NS_PER_S);
    uint64_t one = 1ul << (32 - s.shift); /* one tick is mul * 2^shift / 2^32 ns, and shift below 32 */

    t->scale = s;
    t->whole = one / s.mul;
    t->part = div_128_64(one % s.mul, 0, s.mul);
    t->ns = now;
    t->elapsed = elapsed;
    t->tsc = vtsc_ticks(t, elapsed);
}

bool vtsc_same_khz(uint64_t a, uint64_t b)
{
    uint64_t apart = a > b ? a - b : b - a;

    return apart <= MIN(a, b) / (1000000 / SAME_PPM);
}
