/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of the heap know (check/heap.c), and what the shadow of memory (san/shadow.c) is told by them. */
#pragma once

#include "core/types.h"

/* Small objects in use, and the bytes that were asked for. */
void heap_live(uint64_t *objects, uint64_t *bytes);

/* Is the allocation at hand, asked for at `where`, to fail?  (check/fail.c) */
bool fail_now(const void *where);
/* The n-th allocation from now in hypercalls of the current vCPU fails, once; 0: none.  Where what was set before has happened; NULL: it has not. */
const void *fail_set(uint64_t n);

/* Who may touch these bytes from now on; SAN=1 only, else nothing happens. */
enum shadow { SHADOW_GOOD, SHADOW_REDZONE = 0xfa, SHADOW_FREE_OBJECT = 0xfb, SHADOW_FREE_FRAME = 0xff };
void shadow_set(const void *p, size_t n, enum shadow what);
