/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Random numbers: one sequence a vCPU, so that a seed's run on one CPU is always the same. */
#ifndef FUZZ_RANDOM_H
#define FUZZ_RANDOM_H

#include "cpu.h"

extern uint64_t random_state[CPUS_MAX];

/* xorshift64* */
static inline uint64_t rnd64(void)
{
    uint64_t *s = &random_state[cpu_self()->id];

    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return *s * 0x2545f4914f6cdd1dul;
}

static inline unsigned rnd(unsigned n)
{
    return (unsigned)((rnd64() >> 32) * n >> 32);
}

static inline bool one_in(unsigned n)
{
    return !rnd(n);
}

/* Different seeds, and vCPUs, far apart; never 0. */
static inline void random_seed(unsigned cpu, uint64_t seed)
{
    uint64_t z = (seed + 1) * 0x9e3779b97f4a7c15ul + cpu * 0xd1b54a32d192ed03ul;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
    z = (z ^ z >> 27) * 0x94d049bb133111ebul;
    random_state[cpu] = (z ^ z >> 31) | 1;
}

#endif
