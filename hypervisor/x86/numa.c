/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NUMA nodes: see numa.h.
 * Locks: free frames are counted under the heap's lock.
 * Manual: ACPI 6.5 5.2.16 (SRAT), 5.2.17 (SLIT).
 */
#include "x86/numa.h"
#include "core/frame.h"
#include "core/port.h"
#include "x86/alloc.h"
#include "x86/cpumask.h"
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

static bool counting;
static uint64_t free_frames[NUMA_NODES]; /* [heap's lock] */

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

uint64_t numa_frames(unsigned node)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < nr_ranges; i++)
        if (ranges[i].node == node)
            n += ranges[i].end - ranges[i].first;
    return nr_ranges ? n : nr_frames;
}

uint64_t numa_frames_free(unsigned node)
{
    return numa_nodes() > 1 ? READ_ONCE(free_frames[node]) : frames_free_count();
}

uint8_t numa_distance(unsigned from, unsigned to)
{
    if (from < nr_nodes && to < nr_nodes && proximity_of[from] < nr_distances && proximity_of[to] < nr_distances)
        return distances[proximity_of[from] * nr_distances + proximity_of[to]];
    return from == to ? NUMA_DISTANCE_HERE : NUMA_DISTANCE_AWAY;
}

/* What no range has counts for node 0. */
void numa_count_free(mfn_t m, uint64_t n, bool is_free)
{
    uint64_t others = 0;

    if (!counting)
        return;
    for (unsigned i = 0; i < nr_ranges; i++) {
        uint64_t first = MAX(m.n, ranges[i].first), end = MIN(m.n + n, ranges[i].end);

        if (first >= end)
            continue;
        others += end - first;
        free_frames[ranges[i].node] += is_free ? end - first : first - end;
    }
    free_frames[0] += is_free ? n - MIN(others, n) : MIN(others, n) - n;
}

void numa_start(void)
{
    counting = nr_nodes > 1;
    if (!counting)
        return;
    heap_count_free();
    for (unsigned node = 0; node < nr_nodes; node++)
        log_info("NUMA node %u: %lu MiB, %lu free\n", node, numa_frames(node) >> 8, numa_frames_free(node) >> 8);
}
