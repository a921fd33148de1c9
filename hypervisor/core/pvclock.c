/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic of clocks.  Nothing here may overflow for the ranges that the header states.  No state. */
#include "core/pvclock.h"

#define NS_PER_S 1000000000ul
#define STEP_NS  1000000ul

/* Schoolbook: the compiler's own 128-bit division needs its library. */
uint64_t div_128_64(uint64_t hi, uint64_t lo, uint64_t d)
{
    for (unsigned i = 0; i < 64; i++) {
        bool carry = hi >> 63;

        hi = hi << 1 | lo >> 63;
        lo <<= 1;
        if (carry || hi >= d) {
            hi -= d;
            lo |= 1;
        }
    }
    return lo;
}

struct clock_scale clock_scale_make(uint64_t ticks, uint64_t ns)
{
    uint64_t hi, lo, mul;
    int s = 0;

    while (s < 31 && (ns >> s) >= ticks)
        s++;
    while (s <= 0 && s > -31 && ns < ticks >> (1 - s))
        s--;
    hi = ns >> (32 + s);
    lo = ns << (32 - s);
    lo += ticks / 2; /* to the nearest */
    hi += lo < ticks / 2;
    mul = hi < ticks ? div_128_64(hi, lo, ticks) : UINT32_MAX;
    return (struct clock_scale){ (uint32_t)MIN(mul, (uint64_t)UINT32_MAX), (int8_t)s };
}

struct clock_scale clock_scale_invert(struct clock_scale s)
{
    /* One tick is mul * 2^shift / 2^32 ns. */
    uint64_t ns = s.shift > 0 ? (uint64_t)s.mul << MIN(s.shift, 30) : s.mul;
    uint64_t ticks = 1ul << (s.shift < 0 ? MIN(32 - s.shift, 62) : 32);

    return clock_scale_make(ns, ticks);
}

uint64_t clock_scale_hz(struct clock_scale s)
{
    uint64_t q = s.mul ? (NS_PER_S << 32) / s.mul : 0;

    return s.shift < 0 ? q << -s.shift : q >> s.shift;
}

uint64_t counter_unwrap(uint64_t moved, uint64_t mask, uint64_t expected)
{
    uint64_t diff = (moved - expected) & mask;

    if (diff <= mask / 2)
        return expected + diff;
    diff = (expected - moved) & mask;
    return expected >= diff ? expected - diff : moved & mask;
}

void clock_line_steer(struct clock_line *l, uint64_t tsc_before, uint64_t ns_before, uint64_t tsc, uint64_t ns,
                      uint64_t period)
{
    uint64_t have = clock_line_read(l, tsc), run = period;
    uint64_t dt = tsc - tsc_before, dn = ns - ns_before;

    if (ns > have && ns - have > STEP_NS)
        have = ns;
    if (have > ns)
        run -= MIN(have - ns, period / 2);
    else
        run += MIN(ns - have, period / 2);
    l->tsc = tsc;
    l->ns = have;
    if ((int64_t)dt <= 0 || (int64_t)dn <= 0)
        return;
    /* ticks in `period` at the measured rate, in which the line shall advance by `run` */
    l->scale = clock_scale_make(MAX(clock_scale_apply(clock_scale_make(dn, dt), period), 1ul), run);
}
