/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A time-stamp counter made up from system time, for a guest that must not see the processor's: it counts at a given
 * frequency, goes on where another one stopped, and stands still nowhere.  Guests get `scale` (struct vcpu_time_info) to turn it
 * into nanoseconds; what is counted here is the exact inverse of that, so that their time doesn't drift from ours.  Pure.
 */
#pragma once

#include "core/pvclock.h"

struct vtsc {
    struct clock_scale scale;  /* from its ticks to ns */
    uint64_t tsc, ns;          /* it was `tsc` at system time `ns`, and counts from there on */
    uint64_t elapsed;          /* ns that it had counted by then */
    uint64_t whole, part;      /* ticks a ns: whole + part / 2^64 */
};

/* A counter of khz (not 0) that at system time `now` has counted for `elapsed` ns. */
void vtsc_init(struct vtsc *t, uint32_t khz, uint64_t now, uint64_t elapsed);

/* ns that it has been running since `t->ns`; a time before that (another CPU's idea of now) counts as that. */
static inline uint64_t vtsc_since(const struct vtsc *t, uint64_t now)
{
    return (int64_t)(now - t->ns) < 0 ? 0 : now - t->ns;
}

static inline uint64_t vtsc_ticks(const struct vtsc *t, uint64_t ns)
{
    return ns * t->whole + (uint64_t)((unsigned __int128)ns * t->part >> 64);
}

/* What it shows at system time `now`.  Never less than at an earlier time. */
static inline uint64_t vtsc_read(const struct vtsc *t, uint64_t now)
{
    return t->tsc + vtsc_ticks(t, vtsc_since(t, now));
}

/* ns that it has counted at system time `now`: what another one is to go on from. */
static inline uint64_t vtsc_elapsed(const struct vtsc *t, uint64_t now)
{
    return t->elapsed + vtsc_since(t, now);
}

/* Are these the same frequency, as far as two measurements of one clock agree? */
bool vtsc_same_khz(uint64_t a, uint64_t b);
