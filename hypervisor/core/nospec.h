/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Array indices that a guest controls: also where the processor mispredicts the check before it, the access stays inside the array. */
#pragma once

#include "core/types.h"

/* i if i < n, else another number below n; without a branch.  n > 0, n and i below 2^63.  To be used behind the check itself. */
static inline uint64_t index_clamp(uint64_t i, uint64_t n)
{
    uint64_t outside;

    /* The compiler must not remember what was checked. */
    if (__builtin_constant_p(n) && !(n & (n - 1))) {
        __asm__("" : "+r"(i));
        return i & (n - 1);
    }
    outside = i | (n - 1 - i); /* its top bit: out of range */
    __asm__("" : "+r"(outside));
    return i & ~(uint64_t)((int64_t)outside >> 63);
}
