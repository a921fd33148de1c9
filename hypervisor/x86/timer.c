/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers: the shell (locks, CPUs, hardware) around core/lheap.c.
 *
 * T1: hw_deadline is what the CPU's hardware timer is set to, never later than its heap's first deadline
 *     unless SOFTIRQ_TIMER is pending there.
 * T2: t->cpu changes only under the locks of the old and, after that, the new heap; whoever wants t's heap
 *     locks it and looks again whether t is still there.
 * T3: the heap of a CPU out of use (`gone`) is empty: a timer that was last there goes to CPU 0's, which is always in use.
 * Stopping leaves the hardware alone: an interrupt too many is cheaper than setting it each time.
 * Locks: each heap's (RANK_TIMER, irq).
 */
#include "x86/timer.h"
#include "x86/backtrace.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/cpumask.h"
#include "x86/irq.h"
#include "x86/lock.h"
#include "x86/log.h"
#include "x86/percpu.h"
#include "x86/smp.h"
#include "x86/softirq.h"
#include "x86/time.h"

#define DUMP_MAX 32

struct cpu_timers {
    spinlock_t lock;
    struct lheap heap;
    uint64_t hw_deadline;    /* UINT64_MAX: off [lock; the CPU itself] */
    struct timer *running;   /* whose fn runs here [the CPU itself] */
    bool ready;
    bool gone;               /* out of use [lock] */
};

static DEFINE_PERCPU(struct cpu_timers, timers);

/* The heap that t is in, locked. */
static struct cpu_timers *heap_lock(const struct timer *t, uint64_t *flags)
{
    for (;;) {
        uint32_t cpu = READ_ONCE(t->cpu);
        struct cpu_timers *c = &per_cpu(timers, cpu);

        *flags = lock_irqsave(&c->lock);
        if (READ_ONCE(t->cpu) == cpu)
            return c;
        unlock_irqrestore(&c->lock, *flags);
    }
}

/* Make the hardware fire for c's first deadline.  c->lock held. */
static void hardware_update(struct cpu_timers *c, unsigned cpu)
{
    const struct lheap_node *first = c->heap.top;

    if (!first || first->key >= c->hw_deadline || !c->ready)
        return;
    if (cpu != cpu_id()) {
        softirq_raise_cpu(cpu, SOFTIRQ_TIMER);
        return;
    }
    COUNT(timer_program);
    if (hwtimer_set(first->key))
        c->hw_deadline = first->key;
    else
        softirq_raise(SOFTIRQ_TIMER);
}

/* The same, where it may be set: a timer last at home where no timers are any more comes to CPU 0. */
static struct cpu_timers *heap_lock_live(struct timer *t, uint64_t *flags)
{
    struct cpu_timers *c;

    while ((c = heap_lock(t, flags))->gone) {
        unlock_irqrestore(&c->lock, *flags);
        timer_migrate(t, 0);
    }
    return c;
}

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu)
{
    *t = (struct timer){ .fn = fn, .data = data, .cpu = cpu };
}

void timer_set(struct timer *t, uint64_t deadline_ns)
{
    uint64_t flags;
    struct cpu_timers *c = heap_lock_live(t, &flags);

    if (!t->dead) {
        if (timer_is_set(t))
            lheap_remove(&c->heap, &t->node);
        lheap_insert(&c->heap, &t->node, MIN(deadline_ns, (uint64_t)INT64_MAX)); /* the heap's keys wrap */
        hardware_update(c, t->cpu);
    }
    unlock_irqrestore(&c->lock, flags);
}

void timer_stop(struct timer *t)
{
    uint64_t flags;
    struct cpu_timers *c = heap_lock(t, &flags);

    if (timer_is_set(t))
        lheap_remove(&c->heap, &t->node);
    unlock_irqrestore(&c->lock, flags);
}

void timer_kill(struct timer *t)
{
    uint64_t flags;
    struct cpu_timers *c = heap_lock(t, &flags);

    t->dead = true;
    if (timer_is_set(t))
        lheap_remove(&c->heap, &t->node);
    unlock_irqrestore(&c->lock, flags);
    c = &this_cpu(timers);
    if (c->running == t) { /* called from t's own function, which is the last to know t */
        c->running = NULL;
        return;
    }
    while (__atomic_load_n(&t->running, __ATOMIC_ACQUIRE))
        cpu_relax();
}

/* Both heaps' locks are held. */
static void timer_move(struct timer *t, struct cpu_timers *from, struct cpu_timers *to, unsigned cpu)
{
    bool armed = timer_is_set(t);

    if (armed)
        lheap_remove(&from->heap, &t->node);
    WRITE_ONCE(t->cpu, cpu);
    if (!armed)
        return;
    lheap_insert(&to->heap, &t->node, t->node.key);
    hardware_update(to, cpu);
}

/* From CPU `old`, if t is there, to `cpu`.  False: that is out of use. */
static bool migrate_from(struct timer *t, uint32_t old, unsigned cpu)
{
    struct cpu_timers *from = &per_cpu(timers, old), *to = &per_cpu(timers, cpu);
    bool gone;

    lock_pair(&from->lock, &to->lock);
    gone = to->gone;
    if (t->cpu == old && !gone)
        timer_move(t, from, to, cpu);
    unlock_pair(&from->lock, &to->lock);
    return !gone;
}

void timer_migrate(struct timer *t, unsigned cpu)
{
    uint64_t flags = irq_save();
    uint32_t old;

    while ((old = READ_ONCE(t->cpu)) != cpu)
        if (!migrate_from(t, old, cpu))
            cpu = 0;
    irq_restore(flags);
}

/* The first timer that is due, taken off the heap; NULL: the hardware is set for the next. */
static struct timer *timer_take(struct cpu_timers *c, uint64_t now)
{
    uint64_t flags = lock_irqsave(&c->lock);
    struct lheap_node *first = c->heap.top;
    struct timer *t = NULL;

    if (first && first->key <= now) {
        t = container_of(first, struct timer, node);
        lheap_remove(&c->heap, first);
        c->running = t;
        t->running = cpu_id() + 1;
    } else {
        hardware_update(c, cpu_id());
    }
    unlock_irqrestore(&c->lock, flags);
    return t;
}

/* t is not touched if its function has killed it. */
static void timer_done(struct cpu_timers *c, struct timer *t)
{
    if (c->running == t)
        __atomic_store_n(&t->running, 0, __ATOMIC_RELEASE);
    c->running = NULL;
}

/* What is due now; what falls due meanwhile waits for the next round. */
static void timer_softirq(void)
{
    struct cpu_timers *c = &this_cpu(timers);
    uint64_t now = time_now();
    struct timer *t;

    while ((t = timer_take(c, now))) {
        COUNT(timer_fired);
        t->fn(t->data);
        timer_done(c, t);
    }
}

static void timer_interrupt(void)
{
    COUNT(timer_interrupt);
    this_cpu(timers).hw_deadline = UINT64_MAX;
    softirq_raise(SOFTIRQ_TIMER);
}

static void reprogram(void *unused)
{
    timer_interrupt();
}

void timer_reprogram_all(void)
{
    smp_call(&cpu_online, reprogram, NULL);
}

void timer_init_cpu(void)
{
    struct cpu_timers *c = &this_cpu(timers);
    static bool registered;
    uint64_t flags;

    if (!registered) {
        registered = true;
        softirq_register(SOFTIRQ_TIMER, timer_softirq);
        vector_register(VECTOR_TIMER, timer_interrupt);
    }
    lock_init(&c->lock, RANK_TIMER);
    hwtimer_init_cpu();
    flags = lock_irqsave(&c->lock);
    c->hw_deadline = UINT64_MAX;
    c->ready = true;
    hardware_update(c, cpu_id());
    unlock_irqrestore(&c->lock, flags);
}

void timer_leave_cpu(unsigned cpu, unsigned to)
{
    struct cpu_timers *c = &per_cpu(timers, cpu);

    for (;;) {
        uint64_t flags = lock_irqsave(&c->lock);
        struct lheap_node *first = c->heap.top;

        c->gone = true;
        unlock_irqrestore(&c->lock, flags);
        if (!first)
            return;
        timer_migrate(container_of(first, struct timer, node), to);
    }
}

void timer_return_cpu(void)
{
    struct cpu_timers *c = &this_cpu(timers);
    uint64_t flags = lock_irqsave(&c->lock);

    c->gone = false;
    unlock_irqrestore(&c->lock, flags);
}

/* Printing takes long: not under the lock. */
static void timer_dump_cpu(unsigned cpu)
{
    struct cpu_timers *c = &per_cpu(timers, cpu);
    uint64_t now = time_now(), flags = lock_irqsave(&c->lock);
    uint64_t hw = c->hw_deadline;
    struct timer t[DUMP_MAX];
    unsigned n = 0;

    for (struct lheap_node *i = c->heap.top; i && n < DUMP_MAX; i = lheap_walk(i, false))
        t[n++] = *container_of(i, struct timer, node);
    unlock_irqrestore(&c->lock, flags);
    log_always("CPU%u: hardware timer in %ld us\n", cpu, hw == UINT64_MAX ? -1l : (int64_t)(hw - now) / 1000);
    for (unsigned i = 0; i < n; i++) {
        uint64_t offset = 0;
        const char *name = symbol_find((uint64_t)t[i].fn, &offset);

        log_always("  in %8ld us: %s(%p)\n", (int64_t)(t[i].node.key - now) / 1000, name ? name : "?", t[i].data);
    }
}

void timer_dump(void)
{
    for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
        if (percpu_offsets[cpu] || !cpu)
            timer_dump_cpu(cpu);
}
