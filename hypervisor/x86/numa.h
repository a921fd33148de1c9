/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NUMA: which CPUs and which memory are near to each other, as ACPI's SRAT and SLIT say.  Nodes are numbered from 0 in
 * the order in which memory and CPUs name them.  Without these tables all is one node.  [const after boot], but free frames.
 */
#pragma once

#include "core/types.h"

#define NUMA_NODES         64
#define NUMA_DISTANCE_HERE 10
#define NUMA_DISTANCE_AWAY 20
#define NUMA_NO_DISTANCE   0xff

/* Boot, after smp_init(): memory (frames first .. end-1) of a proximity domain; CPUs (by APIC id) of one; the distances, n x n by
 * proximity domain (kept, not copied); and then, when the heap has its memory, the count of what is free. */
void numa_add_memory(uint32_t proximity, uint64_t first, uint64_t end);
void numa_add_cpu(uint32_t proximity, uint32_t apic_id);
void numa_set_distances(const uint8_t *distances, unsigned n);
void numa_start(void);

unsigned numa_nodes(void); /* at least 1 */
unsigned numa_node_of_cpu(unsigned cpu);
/* Frames that the firmware gave it, RAM or not; and how many of those are free. */
uint64_t numa_frames(unsigned node);
uint64_t numa_frames_free(unsigned node);
/* As the SLIT has it, else one of NUMA_DISTANCE_*; NUMA_NO_DISTANCE: can't be reached. */
uint8_t numa_distance(unsigned from, unsigned to);

/* For x86/alloc.c, with the heap's lock: n frames from m on became free, or are free no longer.  Nothing before numa_start(). */
void numa_count_free(mfn_t m, uint64_t n, bool is_free);
