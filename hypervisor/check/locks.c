/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lock order and use, checked at each acquire.
 *   K1  Ranks go up (x86/lock.h); two of one rank only by lock_pair().  A try may break the order: it does not wait.
 *   K2  A lock that interrupt handlers take is held with interrupts off, and handlers take no others.
 *   K3  Given back where it was taken: this CPU holds it; a handler keeps none.
 */
#include "check/held.h"
#include "core/port.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/percpu.h"

#define HELD_MAX 16
/* In the order of acquiring.  An interrupt handler's begin at `base`: those of the code that it interrupted don't count
 * for the order, since no handler takes a lock of their ranks. */
struct held {
    unsigned n, base, irqs;
    const spinlock_t *lock[HELD_MAX];
};
static DEFINE_PERCPU(struct held, held);

void __real_lock(spinlock_t *l);
bool __real_lock_try(spinlock_t *l);
void __real_unlock(spinlock_t *l);
void __real_irq_dispatch(unsigned vector, const struct cpu_user_regs *regs);
void __wrap_lock(spinlock_t *l);
bool __wrap_lock_try(spinlock_t *l);
void __wrap_unlock(spinlock_t *l);
uint64_t __wrap_lock_irqsave(spinlock_t *l);
void __wrap_unlock_irqrestore(spinlock_t *l, uint64_t flags);
void __wrap_lock_pair(spinlock_t *a, spinlock_t *b);
void __wrap_unlock_pair(spinlock_t *a, spinlock_t *b);
void __wrap_irq_dispatch(unsigned vector, const struct cpu_user_regs *regs);

static bool rank_is_irq(uint8_t rank)
{
    return rank == RANK_IRQ || rank == RANK_SCHED || rank == RANK_TIMER || rank == RANK_REGS || rank == RANK_CONSOLE;
}

/* K1, K2: may l be waited for?  `least`: the lowest rank that may not be held. */
static void acquire_check(const struct held *h, const spinlock_t *l, unsigned least)
{
    for (unsigned i = h->base; i < h->n; i++)
        if (h->lock[i]->rank >= least || h->lock[i] == l)
            panic("lock order: rank %u wanted while rank %u is held\n", l->rank, h->lock[i]->rank);
    if (!rank_is_irq(l->rank) && h->irqs)
        panic("an interrupt handler takes a lock of rank %u\n", l->rank);
    if (rank_is_irq(l->rank) && irq_enabled())
        panic("a lock of rank %u is taken with interrupts on\n", l->rank);
}

static void held_push(const spinlock_t *l)
{
    uint64_t flags = irq_save();
    struct held *h = &this_cpu(held);

    if (h->n == HELD_MAX)
        panic("too many locks held\n");
    h->lock[h->n++] = l;
    irq_restore(flags);
}

static void held_pop(const spinlock_t *l)
{
    uint64_t flags = irq_save();
    struct held *h = &this_cpu(held);
    unsigned i = h->n;

    while (i > h->base && h->lock[i - 1] != l)
        i--;
    if (i == h->base)
        panic("a lock of rank %u is given back that is not held here\n", l->rank);
    for (h->n--; i <= h->n; i++)
        h->lock[i - 1] = h->lock[i];
    irq_restore(flags);
}

void held_at_most(enum lock_rank most, const char *where)
{
    uint64_t flags = irq_save();
    const struct held *h = &this_cpu(held);

    for (unsigned i = h->base; i < h->n; i++)
        if (h->lock[i]->rank > most)
            panic("%s with a lock of rank %u held\n", where, h->lock[i]->rank);
    irq_restore(flags);
}

void held_none(const char *where)
{
    uint64_t flags = irq_save();
    const struct held *h = &this_cpu(held);

    if (h->n > h->base)
        panic("%s with a lock of rank %u held\n", where, h->lock[h->base]->rank);
    irq_restore(flags);
}

bool held_in_irq(void)
{
    return this_cpu(held).irqs;
}

void held_drop(void)
{
    struct held *h = &this_cpu(held);

    while (h->n > h->base)
        __real_unlock((spinlock_t *)(uint64_t)h->lock[--h->n]);
}

static void lock_above(spinlock_t *l, unsigned least)
{
    acquire_check(&this_cpu(held), l, least);
    held_push(l);
    __real_lock(l);
}

void __wrap_lock(spinlock_t *l)
{
    lock_above(l, l->rank);
}

bool __wrap_lock_try(spinlock_t *l)
{
    bool got = __real_lock_try(l);

    if (got)
        held_push(l);
    return got;
}

void __wrap_unlock(spinlock_t *l)
{
    held_pop(l);
    __real_unlock(l);
}

uint64_t __wrap_lock_irqsave(spinlock_t *l)
{
    uint64_t flags = irq_save();

    __wrap_lock(l);
    return flags;
}

void __wrap_unlock_irqrestore(spinlock_t *l, uint64_t flags)
{
    __wrap_unlock(l);
    irq_restore(flags);
}

void __wrap_lock_pair(spinlock_t *a, spinlock_t *b)
{
    __wrap_lock(a < b ? a : b);
    if (a != b)
        lock_above(a < b ? b : a, a->rank + 1u);
}

void __wrap_unlock_pair(spinlock_t *a, spinlock_t *b)
{
    __wrap_unlock(a);
    if (a != b)
        __wrap_unlock(b);
}

void __wrap_irq_dispatch(unsigned vector, const struct cpu_user_regs *regs)
{
    struct held *h = &this_cpu(held);
    unsigned base = h->base;

    for (unsigned i = base; i < h->n; i++)
        if (rank_is_irq(h->lock[i]->rank))
            panic("interrupted while a lock of rank %u is held\n", h->lock[i]->rank);
    h->base = h->n;
    h->irqs++;
    __real_irq_dispatch(vector, regs);
    h->irqs--;
    if (h->n != h->base)
        panic("an interrupt handler kept a lock of rank %u\n", h->lock[h->n - 1]->rank);
    h->base = base;
}
