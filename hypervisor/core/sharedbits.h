/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Atomic bit operations on words that a guest writes too.  Each is one instruction: a compiler's atomic
 * fetch-or becomes a compare-and-swap loop when its result is used, and a guest that keeps writing to the
 * word could hold us in that loop.  The setting ones are full barriers.  bit: < 32 or < 64.
 */
#pragma once

#include "core/types.h"

#if defined(__x86_64__) && !defined(SHAREDBITS_GENERIC) /* generic: thread sanitizers can't see into assembly */
/* Set the bit; was it set before? */
static inline bool shared_set64(uint64_t *w, unsigned bit)
{
    bool was;

    __asm__ volatile("lock btsq %2, %1" : "=@ccc"(was), "+m"(*w) : "r"((uint64_t)(bit & 63)) : "memory");
    return was;
}

static inline bool shared_set32(uint32_t *w, unsigned bit)
{
    bool was;

    __asm__ volatile("lock btsl %2, %1" : "=@ccc"(was), "+m"(*w) : "r"(bit & 31) : "memory");
    return was;
}
#else
static inline bool shared_set64(uint64_t *w, unsigned bit)
{
    return __atomic_fetch_or(w, 1ull << bit, __ATOMIC_SEQ_CST) >> bit & 1;
}

static inline bool shared_set32(uint32_t *w, unsigned bit)
{
    return __atomic_fetch_or(w, 1u << bit, __ATOMIC_SEQ_CST) >> bit & 1;
}
#endif

static inline void shared_clear64(uint64_t *w, unsigned bit)
{
    (void)__atomic_and_fetch(w, ~(1ull << bit), __ATOMIC_SEQ_CST);
}

static inline void shared_clear32(uint32_t *w, unsigned bit)
{
    (void)__atomic_and_fetch(w, ~(1u << bit), __ATOMIC_SEQ_CST);
}

static inline bool shared_test64(const uint64_t *w, unsigned bit)
{
    return __atomic_load_n(w, __ATOMIC_SEQ_CST) >> bit & 1;
}

static inline bool shared_test32(const uint32_t *w, unsigned bit)
{
    return __atomic_load_n(w, __ATOMIC_SEQ_CST) >> bit & 1;
}
