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

bool counter_get(unsigned index, struct counter_info *info)
{
    static const struct counter_info arrays[] = {
        { "hypercalls", COUNTER_HYPERCALLS, true, offsetof(struct counters, hypercalls) },
        { "exceptions", COUNTER_EXCEPTIONS, true, offsetof(struct counters, exceptions) },
    };

    if (index < ARRAY_SIZE(list))
        *info = (struct counter_info){ list[index].name, nr_cpus, false, list[index].offset };
    else if (index - ARRAY_SIZE(list) < ARRAY_SIZE(arrays))
        *info = arrays[index - ARRAY_SIZE(list)];
    else
        return false;
    return true;
}

uint64_t counter_value(const struct counter_info *info, uint32_t n)
{
    if (!info->is_array)
        return percpu_offsets[n] || n == 0 ? value(n, info->offset) : 0;
    if (info->offset == offsetof(struct counters, hypercalls) && n == __HYPERVISOR_iret)
        return sum(info->offset + n * sizeof(uint64_t)) + sum(offsetof(struct counters, iret));
    return sum(info->offset + n * sizeof(uint64_t));
}

static void array_dump(const char *what, size_t offset, unsigned values)
{
    for (unsigned nr = 0; nr < values; nr++)
        if (sum(offset + nr * sizeof(uint64_t)))
            log_always("%14lu %s %u\n", sum(offset + nr * sizeof(uint64_t)), what, nr);
}

void counters_dump(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(list); i++)
        if (sum(list[i].offset))
            log_always("%14lu %-18s %s\n", sum(list[i].offset), list[i].name, list[i].what);
    array_dump("hypercall", offsetof(struct counters, hypercalls), COUNTER_HYPERCALLS);
    array_dump("exception", offsetof(struct counters, exceptions), COUNTER_EXCEPTIONS);
}

void counters_reset(void)
{
    for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
        if (percpu_offsets[cpu] || cpu == 0)
            memset(&per_cpu(counters, cpu), 0, sizeof(struct counters));
}
