/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers by chance, the same for the same seed (not 0): Marsaglia, "Xorshift RNGs", 2003. */
#ifndef GUEST_XORSHIFT_H
#define GUEST_XORSHIFT_H

#include "types.h"

static inline uint64_t xorshift(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
