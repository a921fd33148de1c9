/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NUMA: which CPUs and which memory are near to each other, as ACPI's SRAT and SLIT say.  Nodes are numbered from 0 in
 * the order in which memory and CPUs name them.  Without these tables all is one node.  [const after boot]
 */
#pragma once

#include "core/types.h"
#include "x86/cpumask.h"

#define NUMA_NODES         64
#define NUMA_DISTANCE_HERE 10
#define NUMA_DISTANCE_AWAY 20
#define NUMA_NO_DISTANCE   0xff

/* Boot, after smp_init(): memory (frames first .. end-1) of a proximity domain; CPUs (by APIC id) of one; the distances, n x n by
 * proximity domain (kept, not copied). */
void numa_add_memory(uint32_t proximity, uint64_t first, uint64_t end);
void numa_add_cpu(uint32_t proximity, uint32_t apic_id);
void numa_set_distances(const uint8_t *distances, unsigned n);

unsigned numa_nodes(void); /* at least 1 */
unsigned numa_node_of_cpu(unsigned cpu);
/* The CPUs of these nodes (a mask) that are in use, and how many these are. */
unsigned numa_cpus(uint64_t nodes, cpumask_t *cpus);
/* Its number in ACPI's tables. */
uint32_t numa_proximity(unsigned node);
/* Frames that the firmware gave it, RAM or not. */
uint64_t numa_frames(unsigned node);
/* The node of a frame; 0 if the tables don't say.  And the end of what is of first's node, as far as it goes before `end`. */
unsigned numa_node_of(mfn_t m);
uint64_t numa_piece(uint64_t first, uint64_t end);
/* As the SLIT has it, else one of NUMA_DISTANCE_*; NUMA_NO_DISTANCE: can't be reached. */
uint8_t numa_distance(unsigned from, unsigned to);
