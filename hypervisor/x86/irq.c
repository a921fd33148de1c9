/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a vector to whoever it is for: the hypervisor's own handlers, or a device line (x86/irqline.h).
 * Each CPU has its own table of device vectors, so a machine has 190 device vectors a CPU.
 *
 * Invariants: V1 a slot of a table is taken and left with one atomic operation, so no lock guards the tables.
 * V2 lines are never freed (they are recycled), so a slot may be read while another CPU leaves it; the line itself
 * checks, under its lock, that it is meant.
 * A vector that nobody expects is acknowledged, counted, and forgotten.
 */
#include "x86/irq.h"
#include "core/port.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/irqline.h"
#include "x86/lock.h"
#include "x86/percpu.h"
#include "x86/trace.h"

#define NR_DEV_VECTORS (VECTOR_DEV_LAST - VECTOR_DEV_FIRST + 1)

static DEFINE_PERCPU(struct irq_line *[NR_DEV_VECTORS], vector_lines);
static DEFINE_PERCPU(uint8_t, vector_next); /* where to search next: spreads lines over the priority classes */
static DEFINE_PERCPU(uint64_t, unexpected);

static struct irq_line **slot_of(unsigned cpu, unsigned vector)
{
    return &per_cpu(vector_lines, cpu)[vector - VECTOR_DEV_FIRST];
}

/* 0x80 and 0x82 are software interrupts of guests: their gates don't lead here. */
static bool vector_usable(unsigned vector)
{
    return vector >= VECTOR_DEV_FIRST && vector <= VECTOR_DEV_LAST && vector != 0x80 && vector != 0x82;
}

bool vector_take(unsigned cpu, unsigned vector, struct irq_line *l)
{
    struct irq_line *none = NULL;

    return vector_usable(vector) &&
           __atomic_compare_exchange_n(slot_of(cpu, vector), &none, l, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

int vector_alloc(unsigned cpu, struct irq_line *l, unsigned prefer)
{
    uint8_t *next = &per_cpu(vector_next, cpu);

    if (prefer && vector_take(cpu, prefer, l))
        return (int)prefer;
    for (unsigned i = 0; i < NR_DEV_VECTORS; i++) {
        /* Steps of 17 (no common divisor with 192) change the priority class each time. */
        unsigned at = (READ_ONCE(*next) + 17) % NR_DEV_VECTORS;

        WRITE_ONCE(*next, (uint8_t)at);
        if (vector_take(cpu, VECTOR_DEV_FIRST + at, l))
            return (int)(VECTOR_DEV_FIRST + at);
    }
    return -XEN_ENOSPC;
}

void vector_free(unsigned cpu, unsigned vector)
{
    __atomic_store_n(slot_of(cpu, vector), NULL, __ATOMIC_SEQ_CST);
}

uint64_t irq_unexpected_count(void)
{
    uint64_t sum = 0;

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++)
        if (percpu_offsets[cpu])
            sum += READ_ONCE(per_cpu(unexpected, cpu));
    return sum;
}

/* Not from the APIC (an 8259's last word): there is nothing in service, and an EOI would hit another's interrupt. */
static void unexpected_handle(unsigned vector)
{
    TRACE(TRC_HW_IRQ_UNMAPPED_VECTOR, vector);
    if (apic_in_service(vector))
        apic_eoi();
    if (this_cpu(unexpected)++ < 5)
        log_warn("unexpected interrupt vector %#x on CPU %u\n", vector, cpu_id());
}

/* Lines that have moved away from this CPU ask for their old vectors to be given back. */
static void vacate_handle(void)
{
    for (unsigned v = VECTOR_DEV_FIRST; v <= VECTOR_DEV_LAST; v++) {
        struct irq_line *l = READ_ONCE(this_cpu(vector_lines)[v - VECTOR_DEV_FIRST]);

        if (l)
            irq_line_vacate(l, v);
    }
}

/* Being interrupted is the message: softirqs are looked at on the way back. */
static void kick_handle(void)
{
}

static vector_fn *own_handlers[256 - VECTOR_OWN_FIRST] = { /* [const after boot] */
    [VECTOR_KICK - VECTOR_OWN_FIRST] = kick_handle,
    [VECTOR_VACATE - VECTOR_OWN_FIRST] = vacate_handle,
};

void vector_register(unsigned vector, vector_fn *fn)
{
    assert(vector >= VECTOR_OWN_FIRST && vector < 256);
    own_handlers[vector - VECTOR_OWN_FIRST] = fn;
}

static void own_handle(unsigned vector)
{
    vector_fn *fn = own_handlers[vector - VECTOR_OWN_FIRST];

    if (vector == VECTOR_SPURIOUS || !fn) {
        unexpected_handle(vector);
        return;
    }
    apic_eoi();
    fn();
}

static void device_handle(unsigned vector)
{
    uint32_t start = TRACE_WANTED(TRC_HW_IRQ_HANDLED) ? (uint32_t)rdtsc() : 0;
    struct irq_line *l = NULL;

    if (vector_usable(vector))
        l = READ_ONCE(this_cpu(vector_lines)[vector - VECTOR_DEV_FIRST]);
    if (!l || !irq_line_interrupt(l, vector))
        unexpected_handle(vector);
    else
        TRACE(TRC_HW_IRQ_HANDLED, l->irq, start, (uint32_t)rdtsc());
}

void irq_dispatch(unsigned vector, const struct cpu_user_regs *regs)
{
    if (vector >= VECTOR_OWN_FIRST)
        own_handle(vector & 0xff);
    else
        device_handle(vector);
}
