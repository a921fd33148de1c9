/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Softirqs.  The pending bits are in each CPU's cpu_block, where the exit path of the entry code looks.
 * Locks: none; bits are set and taken by atomic operations.
 */
#include "x86/softirq.h"
#include "core/port.h"
#include "x86/cpumask.h"
#include "x86/irq.h"
#include "x86/smp.h"

static softirq_fn *handlers[NR_SOFTIRQS];              /* [const after boot] */
static DEFINE_PERCPU(struct cpu_block *, softirq_block); /* NULL until softirq_init_cpu() */

void softirq_init_cpu(void)
{
    this_cpu(softirq_block) = cpu_block();
}

void softirq_register(enum softirq nr, softirq_fn *fn)
{
    assert(!handlers[nr]);
    handlers[nr] = fn;
}

POINT void softirq_raise(enum softirq nr)
{
    __atomic_or_fetch(&cpu_block()->softirqs, 1u << nr, __ATOMIC_SEQ_CST);
}

POINT void softirq_raise_cpu(unsigned cpu, enum softirq nr)
{
    struct cpu_block *b = per_cpu(softirq_block, cpu);
    uint32_t bit = 1u << nr;

    if (!b)
        return;
    if (!(__atomic_fetch_or(&b->softirqs, bit, __ATOMIC_SEQ_CST) & bit) && cpu != cpu_id())
        smp_send_ipi(cpu, VECTOR_KICK);
}

bool softirq_pending(void)
{
    return READ_ONCE(cpu_block()->softirqs) != 0;
}

/* Take one pending bit off. */
static enum softirq softirq_take(uint32_t pending)
{
    enum softirq nr = (enum softirq)__builtin_ctz(pending);

    __atomic_and_fetch(&cpu_block()->softirqs, ~(1u << nr), __ATOMIC_SEQ_CST);
    return nr;
}

POINT void softirq_run(void)
{
    uint32_t pending;

    while ((pending = READ_ONCE(cpu_block()->softirqs)) != 0) {
        enum softirq nr = softirq_take(pending);

        if (handlers[nr])
            handlers[nr]();
    }
}

/* core/port.h */
POINT bool preempt_needed(void)
{
    return softirq_pending();
}
