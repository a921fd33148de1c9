/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event counters.  Each CPU writes its own only (and whoever resets them, which may lose a count). */
#include "x86/counters.h"
#include "core/string.h"
#include "x86/cpumask.h"
#include "x86/log.h"

DEFINE_PERCPU(struct counters, counters);

#define COUNTER_NAME(name, what) { #name, what, offsetof(struct counters, name) },
static const struct {
    const char *name, *what;
    size_t offset;
} list[] = { COUNTERS(COUNTER_NAME) };

static uint64_t value(unsigned cpu, size_t offset)
{
    return *(const uint64_t *)(const void *)((const char *)&per_cpu(counters, cpu) + offset);
}

static uint64_t sum(size_t offset)
{
    uint64_t n = 0;

    for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
        if (percpu_offsets[cpu] || cpu == 0)
            n += value(cpu, offset);
    return n;
}

void counters_dump(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
        if (sum(list[i].offset))
            log_always("%14lu %-18s %s\n", sum(list[i].offset), list[i].name, list[i].what);
    for (unsigned nr = 0; nr < COUNTER_HYPERCALLS; nr++) {
        uint64_t n = sum(offsetof(struct counters, hypercalls) + nr * sizeof(uint64_t));

        if (n)
            log_always("%14lu hypercall %u\n", n, nr);
    }
}

void counters_reset(void)
{
    for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
        if (percpu_offsets[cpu] || cpu == 0)
            memset(&per_cpu(counters, cpu), 0, sizeof(struct counters));
}
