/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Per-CPU variables.  DEFINE_PERCPU(type, name) makes one copy for each CPU; this_cpu(name) is this
 * CPU's, per_cpu(name, cpu) another's.  The variable's area starts as zeroes on each CPU.
 * The CPU is found from the stack pointer: each CPU's stack block ends with its struct cpu_block.
 */
#pragma once

#include "core/types.h"

struct vcpu;

#define CPU_STACK_ORDER 4                             /* 16 pages, aligned to their size */
#define CPU_STACK_SIZE  (PAGE_SIZE << CPU_STACK_ORDER)

/* The last bytes of a CPU's stack block; offsets are known to the assembly (pv/asm_offsets.c). */
struct cpu_block {
    struct vcpu *curr;        /* the vCPU whose registers and page tables are loaded */
    uint64_t percpu_offset;
    /* These two are looked at as one 64-bit word on the way to a guest: any bit sends us the slow way. */
    uint32_t softirqs;        /* [atomic] pending, one bit each: see x86/softirq.h */
    uint32_t exit_flags;      /* EXIT_*: why no way out is the short one [by its own CPU] */
    uint64_t in_irq;
    uint32_t cpu;             /* our number: 0 .. nr_cpus-1 */
    uint32_t pad0;
    uint64_t pad;
};

#define EXIT_VERW  1u /* clear the processor's buffers: x86/spec.c */
#define EXIT_TRACE 2u /* hypercalls are traced, which is done in C: kern/trace.c */

static inline struct cpu_block *cpu_block(void)
{
    uint64_t sp;

    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu_block *)((sp | (CPU_STACK_SIZE - 1)) + 1) - 1;
}

#define current (cpu_block()->curr)

static inline unsigned cpu_id(void)
{
    return cpu_block()->cpu;
}

#define MAX_CPUS 1024
extern uint64_t percpu_offsets[MAX_CPUS]; /* [const after boot] 0 for a CPU that isn't there */

#define DEFINE_PERCPU(type, name) \
    __attribute__((section(".bss..percpu"))) __typeof__(type) percpu_##name
#define DECLARE_PERCPU(type, name) extern __typeof__(type) percpu_##name

/* The compiler must not reason that the first copy is the only one. */
static inline void *percpu_ptr(void *first, uint64_t offset)
{
    __asm__("" : "+r"(first));
    return (char *)first + offset;
}

#define percpu_at(name, offset) (*(__typeof__(percpu_##name) *)percpu_ptr(&percpu_##name, (offset)))
#define this_cpu(name)     percpu_at(name, cpu_block()->percpu_offset)
#define per_cpu(name, cpu) percpu_at(name, percpu_offsets[cpu])
