/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Included before all else under the thread sanitizer: what READ_ONCE() and WRITE_ONCE() mark is meant to be read and written by several
 * at once, and needs no order; to the sanitizer a volatile access doesn't say so.  What is not marked it goes on reporting.
 * Now and then, if the test says so (host_rest_every()), the one who has read gives way, so that on few CPUs, too, the value is old
 * when it is used.
 */
#pragma once

#include "core/types.h"

extern int sched_yield(void);
extern unsigned host_rest;

static inline void once_rest(void)
{
    static __thread unsigned turn;

    if (host_rest && ++turn % host_rest == 0)
        sched_yield();
}

#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x) \
    ({ __auto_type once_ = __atomic_load_n(&(x), __ATOMIC_RELAXED); once_rest(); once_; })
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
