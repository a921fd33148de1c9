/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ticket spinlocks: see lock.h. */
#include "x86/lock.h"
#include "x86/cpu.h"

#ifndef NDEBUG
void lock(spinlock_t *l)
{
    lock_take(l);
}

void unlock(spinlock_t *l)
{
    lock_give(l);
}
#endif

bool lock_try(spinlock_t *l)
{
    uint16_t owner = __atomic_load_n(&l->owner, __ATOMIC_ACQUIRE), next = owner;

    return __atomic_compare_exchange_n(&l->next, &next, (uint16_t)(owner + 1), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
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
