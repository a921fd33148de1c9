/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of 64-bit numbers kept as ranges: which frames or lines a domain may touch. */
#pragma once

#include "core/types.h"

#define RANGES_MAX 4096u /* in one set */

struct range {
    uint64_t first, last; /* inclusive */
};

/* All zero: the empty set. */
struct ranges {
    struct range *r;
    unsigned n, room;
};

void ranges_free(struct ranges *s);
/* Add, take away first..last (first <= last).  0, or -XEN_ENOMEM (no memory, or more than RANGES_MAX pieces): s is unchanged. */
int ranges_add(struct ranges *s, uint64_t first, uint64_t last);
int ranges_remove(struct ranges *s, uint64_t first, uint64_t last);
/* Are all, is any of first..last in the set? */
bool ranges_contain(const struct ranges *s, uint64_t first, uint64_t last);
bool ranges_overlap(const struct ranges *s, uint64_t first, uint64_t last);
