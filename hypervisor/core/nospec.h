/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Array indices that a guest controls: also where the processor mispredicts the check before it, the access stays inside the array. */
#pragma once

#include "core/types.h"

/* i if i < n, else 0; without a branch.  n > 0, n and i below 2^63.  To be used behind the check itself. */
static inline uint64_t index_clamp(uint64_t i, uint64_t n)
{
    uint64_t outside = i | (n - 1 - i); /* its top bit: out of range */

    __asm__("" : "+r"(outside)); /* the compiler must not remember what was checked */
    return i & ~(uint64_t)((int64_t)outside >> 63);
}
