/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ticket spinlocks; ranks are checked in debug builds: see lock.h. */
#include "x86/lock.h"
#include "core/port.h"
#include "x86/cpu.h"
#include "x86/percpu.h"

#ifndef NDEBUG
#define HELD_MAX 16
/* Locks this CPU holds, in the order of acquiring.  An interrupt handler's begin at `base`: those of the code that it
 * interrupted don't count for the order, since no handler takes a lock of their ranks. */
struct held {
    unsigned n, base;
    const spinlock_t *lock[HELD_MAX];
};
static DEFINE_PERCPU(struct held, held);

static void held_push(const spinlock_t *l, bool ordered)
{
    uint64_t flags = irq_save();
    struct held *h = &this_cpu(held);

    for (unsigned i = h->base; i < h->n && ordered; i++)
        if (h->lock[i]->rank > l->rank || h->lock[i] == l)
            panic("lock order: rank %u wanted while rank %u is held\n", l->rank, h->lock[i]->rank);
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

    while (i > 0 && h->lock[i - 1] != l)
        i--;
    if (i == 0)
        panic("a lock of rank %u is given back that is not held here\n", l->rank);
    for (h->n--; i <= h->n; i++)
        h->lock[i - 1] = h->lock[i];
    irq_restore(flags);
}
static bool rank_is_irq(uint8_t rank)
{
    return rank == RANK_IRQ || rank == RANK_SCHED || rank == RANK_TIMER || rank == RANK_REGS || rank == RANK_CONSOLE;
}

unsigned lock_irq_enter(void)
{
    struct held *h = &this_cpu(held);
    unsigned base = h->base;

    for (unsigned i = base; i < h->n; i++)
        if (rank_is_irq(h->lock[i]->rank))
            panic("interrupted while a lock of rank %u is held\n", h->lock[i]->rank);
    h->base = h->n;
    return base;
}

void lock_irq_leave(unsigned base)
{
    struct held *h = &this_cpu(held);

    if (h->n != h->base)
        panic("an interrupt handler kept a lock of rank %u\n", h->lock[h->n - 1]->rank);
    h->base = base;
}
#else
static void held_push(const spinlock_t *l, bool ordered)
{
    (void)l, (void)ordered;
}
static void held_pop(const spinlock_t *l)
{
}
#endif

void lock(spinlock_t *l)
{
    uint16_t ticket;

    held_push(l, true);
    ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_ACQUIRE);
    while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
        cpu_relax();
}

bool lock_try(spinlock_t *l)
{
    uint16_t owner = __atomic_load_n(&l->owner, __ATOMIC_ACQUIRE), next = owner;

    if (!__atomic_compare_exchange_n(&l->next, &next, (uint16_t)(owner + 1), false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
        return false;
    held_push(l, false);
    return true;
}

void unlock(spinlock_t *l)
{
    held_pop(l);
    __atomic_store_n(&l->owner, (uint16_t)(l->owner + 1), __ATOMIC_RELEASE);
}

bool lock_held(const spinlock_t *l)
{
    return READ_ONCE(l->next) != READ_ONCE(l->owner);
}

uint64_t lock_irqsave(spinlock_t *l)
{
    uint64_t flags = irq_save();

    lock(l);
    return flags;
}

void unlock_irqrestore(spinlock_t *l, uint64_t flags)
{
    unlock(l);
    irq_restore(flags);
}

void lock_pair(spinlock_t *a, spinlock_t *b)
{
    if (a > b) {
        spinlock_t *t = a;

        a = b;
        b = t;
    }
    lock(a);
    if (a != b)
        lock(b);
}

void unlock_pair(spinlock_t *a, spinlock_t *b)
{
    unlock(a);
    if (a != b)
        unlock(b);
}
