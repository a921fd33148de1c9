/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ticket spinlocks with ranks.  The enum below IS the lock order: a CPU may take a lock only if its
 * rank is above the rank of every lock that it holds (two of one rank: by ascending address, with
 * lock_pair()).  Debug builds check this on each acquire (check/locks.c).
 * Locks marked (irq) are also taken by interrupt handlers: use lock_irqsave().
 */
#pragma once

#include "core/types.h"

enum lock_rank {
    RANK_DOMLIST,   /* the list of domains */
    RANK_CTL,       /* one domain's control operations (create, destroy, max_vcpus) */
    RANK_EFI,       /* the firmware's runtime services */
    RANK_TRACE,     /* the trace buffers and what goes there */
    RANK_PT,        /* one domain's page-table updates (pv/) */
    RANK_GRANT,     /* one domain's grant table */
    RANK_EVTCHN,    /* one domain's event channel table */
    RANK_PIRQ,      /* one domain's pirq bindings */
    RANK_PCI,       /* the PCI functions and their messages */
    RANK_IOACCESS,  /* one domain's I/O permissions */
    RANK_IOREMAP,   /* our device mappings */
    RANK_PAGES,     /* one domain's list of pages */
    RANK_HEAP,      /* the frame allocator, the small-object heap */
    RANK_IRQ,       /* (irq) one interrupt line */
    RANK_VCPU,      /* one vCPU's state: up, down, contexts */
    RANK_SCHED,     /* (irq) one run queue */
    RANK_TIMER,     /* (irq) one CPU's timer heap */
    RANK_REGS,      /* (irq) registers reached by index and data: I/O APICs, PCI configuration */
    RANK_IPI,       /* cross-CPU calls and TLB flushes */
    RANK_CONSOLE,   /* (irq) the log ring and the serial line: any context */
};

typedef struct spinlock {
    uint16_t next, owner; /* [atomic] tickets, as in core/ticket.h */
    uint8_t rank;         /* [const] */
} spinlock_t;

#define LOCK_INIT(r) { .rank = (r) }

static inline void lock_init(spinlock_t *l, enum lock_rank rank)
{
    *l = (spinlock_t)LOCK_INIT((uint8_t)rank);
}

static inline void lock_take(spinlock_t *l)
{
    uint16_t mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_ACQUIRE);

    while (unlikely(__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != mine))
        __builtin_ia32_pause();
}

static inline void lock_give(spinlock_t *l)
{
    __atomic_store_n(&l->owner, (uint16_t)(l->owner + 1), __ATOMIC_RELEASE);
}

#ifdef NDEBUG
static inline void lock(spinlock_t *l)
{
    lock_take(l);
}

static inline void unlock(spinlock_t *l)
{
    lock_give(l);
}
#else /* check/locks.c stands between */
void lock(spinlock_t *l);
void unlock(spinlock_t *l);
#endif
bool lock_try(spinlock_t *l);
bool lock_held(const spinlock_t *l);

/* Interrupts off on this CPU; gives the former flags for unlock_irqrestore(). */
uint64_t lock_irqsave(spinlock_t *l);
void unlock_irqrestore(spinlock_t *l, uint64_t flags);

/* Both of two locks of one rank (they may be the same lock). */
void lock_pair(spinlock_t *a, spinlock_t *b);
void unlock_pair(spinlock_t *a, spinlock_t *b);
