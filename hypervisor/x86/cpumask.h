/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of CPUs. */
#pragma once

#include "x86/percpu.h"

typedef struct cpumask {
    uint64_t bits[MAX_CPUS / 64];
} cpumask_t;

extern cpumask_t cpu_up;     /* [atomic] CPUs that have been started: they take interrupts and answer calls */
extern cpumask_t cpu_online; /* [atomic] those of them in use: they run guests, and others flush their TLBs */
extern unsigned nr_cpus;     /* [const after boot] CPUs found; numbers are 0 .. nr_cpus-1 */

static inline bool cpumask_test(const cpumask_t *m, unsigned cpu)
{
    return READ_ONCE(m->bits[cpu / 64]) >> (cpu % 64) & 1;
}

/* Is there such a CPU, and is it in use? */
static inline bool cpu_is_online(uint32_t cpu)
{
    return cpu < nr_cpus && cpumask_test(&cpu_online, cpu);
}

/* Is there a CPU in m beside this one? */
static inline bool cpumask_has_other(const cpumask_t *m, unsigned cpu)
{
    for (unsigned i = 0; i * 64 < nr_cpus; i++)
        if (READ_ONCE(m->bits[i]) & ~(i == cpu / 64 ? 1ul << cpu % 64 : 0))
            return true;
    return false;
}

/* Atomic. */
static inline void cpumask_set(cpumask_t *m, unsigned cpu)
{
    __atomic_or_fetch(&m->bits[cpu / 64], 1ul << (cpu % 64), __ATOMIC_SEQ_CST);
}

/* Atomic. */
static inline void cpumask_clear(cpumask_t *m, unsigned cpu)
{
    __atomic_and_fetch(&m->bits[cpu / 64], ~(1ul << (cpu % 64)), __ATOMIC_SEQ_CST);
}

/* The first CPU in m from `from` on, or nr_cpus. */
static inline unsigned cpumask_next(const cpumask_t *m, unsigned from)
{
    while (from < nr_cpus) {
        uint64_t w = READ_ONCE(m->bits[from / 64]) >> (from % 64);

        if (w)
            return MIN(from + (unsigned)__builtin_ctzl(w), nr_cpus);
        from = (from / 64 + 1) * 64;
    }
    return nr_cpus;
}

#define cpumask_each(cpu, m) \
    for (unsigned cpu = cpumask_next(m, 0); cpu < nr_cpus; cpu = cpumask_next(m, cpu + 1))
