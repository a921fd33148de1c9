/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interrupt vectors of this machine and who gets them.
 * Vectors: 0x00-0x1f exceptions, 0x20-0xdf device lines (each CPU has its own table), 0xe0-0xef nobody's (where the
 * silenced 8259s point), 0xf0-0xff the hypervisor's own.
 */
#pragma once

#include "core/types.h"

#define VECTOR_SPURIOUS  0xff
#define VECTOR_ERROR     0xfe /* APIC error */
#define VECTOR_TIMER     0xfd /* local APIC timer */
#define VECTOR_KICK      0xfc /* look at softirqs */
#define VECTOR_CALL      0xfb /* cross-CPU function call */
#define VECTOR_TLB       0xfa /* flush */
#define VECTOR_THERMAL   0xf9
#define VECTOR_CMCI      0xf8
#define VECTOR_PMU       0xf7
#define VECTOR_VACATE    0xf6 /* give back vectors from which lines have moved */
#define VECTOR_OWN_FIRST 0xf0
#define VECTOR_DEV_FIRST 0x20
#define VECTOR_DEV_LAST  0xdf

struct cpu_user_regs;
struct irq_line;

/* Called by the entry code for each vector >= 0x20, interrupts off, on the CPU's stack. */
void irq_dispatch(unsigned vector, const struct cpu_user_regs *regs);

typedef void vector_fn(void);
/* A handler for one of the hypervisor's own vectors (VECTOR_OWN_FIRST and up).  irq_dispatch() acknowledges the APIC
 * before the call.  Boot time. */
void vector_register(unsigned vector, vector_fn *fn);

/* Give line l a vector of `cpu`: `prefer` if it is free (0: any), else any free one.  Lock-free; any context.
 * The vector, or -XEN_ENOSPC. */
int vector_alloc(unsigned cpu, struct irq_line *l, unsigned prefer);
/* Just that vector: true if it was free and is l's now. */
bool vector_take(unsigned cpu, unsigned vector, struct irq_line *l);
/* Nothing may raise it any more (what is still on its way is counted as unexpected). */
void vector_free(unsigned cpu, unsigned vector);

/* Interrupts that nobody expected, since boot, all CPUs. */
uint64_t irq_unexpected_count(void);

/* Device line by GSI for the hypervisor's own use (serial): fn(data) in interrupt context. After ioapic_init().
 * 0, -XEN_ENODEV (no such line), -XEN_EBUSY or -XEN_ENOSPC. */
int irq_request_gsi(unsigned gsi, void (*fn)(void *), void *data);
