/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A ticket lock in one word, for objects too small and too many for x86/lock.h's (which has a rank).  It is a leaf:
 * nothing ranked is taken under it.  The caller has interrupts off if an interrupt handler may take it too.
 */
#pragma once

#include "core/types.h"

struct ticket {
    uint16_t next, owner; /* [atomic] free if equal */
};

static inline void ticket_wait(void)
{
    __builtin_ia32_pause();
}

static inline void ticket_lock(struct ticket *t)
{
    uint16_t mine = __atomic_fetch_add(&t->next, 1, __ATOMIC_SEQ_CST);

    while (unlikely(__atomic_load_n(&t->owner, __ATOMIC_ACQUIRE) != mine))
        ticket_wait();
}

static inline void ticket_unlock(struct ticket *t)
{
    __atomic_store_n(&t->owner, (uint16_t)(t->owner + 1), __ATOMIC_RELEASE);
}

static inline bool ticket_held(const struct ticket *t)
{
    return __atomic_load_n(&t->next, __ATOMIC_RELAXED) != __atomic_load_n(&t->owner, __ATOMIC_RELAXED);
}
