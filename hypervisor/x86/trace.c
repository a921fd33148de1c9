/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See x86/trace.h.  No locks: a CPU fills its own buffer, interrupts off; what an NMI has to say meanwhile is dropped. */
#include "x86/trace.h"
#include "x86/cpu.h"
#include "x86/softirq.h"
#include "x86/tracebuf.h"

uint32_t trace_events;
struct trace_cpu *trace_cpus;
cpumask_t trace_cpus_wanted;

static bool record_put(struct trace_cpu *c, struct trace_record *rec)
{
    bool half;

    if (READ_ONCE(c->busy) || !cpumask_test(&trace_cpus_wanted, cpu_id()))
        return false;
    WRITE_ONCE(c->busy, true);
    rec->tsc = rdtsc();
    trace_port_who(&rec->domain, &rec->vcpu);
    half = trace_ring_put(&c->ring, rec);
    WRITE_ONCE(c->busy, false);
    return half;
}

void trace_put(uint32_t event, uint32_t n, const uint32_t *word)
{
    struct trace_cpu *cpus = __atomic_load_n(&trace_cpus, __ATOMIC_ACQUIRE);
    struct trace_record rec = { .event = event, .words = n, .word = word };
    uint64_t flags;

    if (!cpus || !trace_event_matches(READ_ONCE(trace_events), event))
        return;
    flags = irq_save();
    if (record_put(&cpus[cpu_id()], &rec))
        softirq_raise(SOFTIRQ_TRACE);
    irq_restore(flags);
}
