/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From counter ticks to nanoseconds, in the very arithmetic that guests use (struct vcpu_time_info of
 * <xen/xen.h>), so that a guest and the hypervisor read the same time from the same counter.
 */
#pragma once

#include "core/types.h"

/* ns = (ticks shifted left by `shift`, which may be negative) * mul / 2^32. */
struct clock_scale {
    uint32_t mul; /* 0: the clock stands still */
    int8_t shift;
};

/* A straight line: at `tsc` it is `ns`. */
struct clock_line {
    uint64_t tsc, ns;
    struct clock_scale scale;
};

/* The scale by which `ticks` are `ns`, right to 1 in 2^31.  Both from 1 to 2^62, their ratio at most 2^30 either way. */
struct clock_scale clock_scale_make(uint64_t ticks, uint64_t ns);
/* The inverse of an existing scale: from ns to ticks. */
struct clock_scale clock_scale_invert(struct clock_scale s);
/* Ticks per second. */
uint64_t clock_scale_hz(struct clock_scale s);

static inline uint64_t clock_scale_apply(struct clock_scale s, uint64_t ticks)
{
    ticks = s.shift < 0 ? ticks >> -s.shift : ticks << s.shift;
    return (uint64_t)((unsigned __int128)ticks * s.mul >> 32);
}

/* A counter a little behind the line's start (another CPU's) reads as the start. */
static inline uint64_t clock_line_read(const struct clock_line *l, uint64_t tsc)
{
    uint64_t delta = tsc - l->tsc;

    return (int64_t)delta < 0 ? l->ns : l->ns + clock_scale_apply(l->scale, delta);
}

/*
 * How far a counter of few bits has really come, given about how far it should be: the number nearest to
 * `expected` that is `moved` modulo mask + 1.
 */
uint64_t counter_unwrap(uint64_t moved, uint64_t mask, uint64_t expected);

/*
 * Correct a line that has drifted: the time is really `ns` at counter `tsc`, and was `ns_before` at `tsc_before` (the
 * correction before this).  The new line goes on without a step back, and meets true time after `period` ns.  A line
 * that is behind by more than 1 ms steps forward; one that is ahead by that much runs at half speed.
 */
void clock_line_steer(struct clock_line *l, uint64_t tsc_before, uint64_t ns_before, uint64_t tsc, uint64_t ns,
                      uint64_t period);

/* hi:lo / d; hi < d. */
uint64_t div_128_64(uint64_t hi, uint64_t lo, uint64_t d);
