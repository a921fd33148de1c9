/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NUMA nodes: see numa.h.  Of ranges of memory that overlap the one added last counts.
 * Manual: ACPI 6.5 5.2.16 (SRAT), 5.2.17 (SLIT).
 */
#include "x86/numa.h"
#include "core/frame.h"
#include "core/port.h"
#include "core/string.h"
#include "x86/smp.h"

#define RANGES_MAX 64

static uint32_t proximity_of[NUMA_NODES];
static unsigned nr_nodes;

static struct {
    uint64_t first, end;
    unsigned node;
} ranges[RANGES_MAX];
static unsigned nr_ranges;

static uint8_t cpu_node[MAX_CPUS];

static const uint8_t *distances;
static unsigned nr_distances;

/* The node's number, a new one if need be; NUMA_NODES: no room. */
static unsigned node_of(uint32_t proximity)
{
    unsigned node = 0;

    while (node < nr_nodes && proximity_of[node] != proximity)
        node++;
    if (node == nr_nodes && nr_nodes < NUMA_NODES)
        proximity_of[nr_nodes++] = proximity;
    return node;
}

void numa_add_memory(uint32_t proximity, uint64_t first, uint64_t end)
{
    unsigned node = node_of(proximity);

    if (node == NUMA_NODES || nr_ranges == RANGES_MAX || first >= end) {
        log_warn("NUMA: frames %lx-%lx of node %u left out\n", first, end, proximity);
        return;
    }
    ranges[nr_ranges].first = first;
    ranges[nr_ranges].end = end;
    ranges[nr_ranges++].node = node;
}

void numa_add_cpu(uint32_t proximity, uint32_t apic_id)
{
    unsigned node = node_of(proximity);

    for (unsigned cpu = 0; node < NUMA_NODES && cpu < nr_cpus; cpu++)
        if (smp_apic_id(cpu) == apic_id)
            cpu_node[cpu] = (uint8_t)node;
}

void numa_set_distances(const uint8_t *d, unsigned n)
{
    distances = d;
    nr_distances = n;
}

unsigned numa_nodes(void)
{
    return MAX(nr_nodes, 1u);
}

unsigned numa_node_of_cpu(unsigned cpu)
{
    return cpu_node[cpu];
}

unsigned numa_cpus(uint64_t nodes, cpumask_t *cpus)
{
    unsigned n = 0;

    memset(cpus, 0, sizeof(*cpus));
    cpumask_each(cpu, &cpu_online)
        if (nodes >> cpu_node[cpu] & 1) {
            cpumask_set(cpus, cpu);
            n++;
        }
    return n;
}

uint32_t numa_proximity(unsigned node)
{
    return proximity_of[node];
}

uint64_t numa_frames(unsigned node)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < nr_ranges; i++)
        if (ranges[i].node == node)
            n += ranges[i].end - ranges[i].first;
    return nr_ranges ? n : nr_frames;
}

uint8_t numa_distance(unsigned from, unsigned to)
{
    if (from < nr_nodes && to < nr_nodes && proximity_of[from] < nr_distances && proximity_of[to] < nr_distances)
        return distances[proximity_of[from] * nr_distances + proximity_of[to]];
    return from == to ? NUMA_DISTANCE_HERE : NUMA_DISTANCE_AWAY;
}

unsigned numa_node_of(mfn_t m)
{
    unsigned i = nr_ranges;

    while (i > 0 && m.n - ranges[i - 1].first >= ranges[i - 1].end - ranges[i - 1].first)
        i--;
    return i > 0 ? ranges[i - 1].node : 0;
}

uint64_t numa_piece(uint64_t first, uint64_t end)
{
    for (unsigned i = 0; i < nr_ranges; i++) {
        uint64_t border = first < ranges[i].first ? ranges[i].first : ranges[i].end;

        if (border > first)
            end = MIN(end, border);
    }
    return end;
}
