/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checking builds only (DEBUG=1, SAN=1).  Nothing in the hypervisor calls what is in this folder: at the link, a function __wrap_NAME
 * here takes the place of NAME for callers in other files, and reaches it as __real_NAME.
 */
#pragma once

#include "core/types.h"
#include "x86/lock.h"

/* Locks that this CPU holds: panics, naming `where`, if one of them has a rank above `most`. */
void held_at_most(enum lock_rank most, const char *where);
/* Panics if this CPU holds any lock. */
void held_none(const char *where);
/* Is an interrupt being handled on this CPU? */
bool held_in_irq(void);
/* Give back whatever this CPU holds (after a panic that was caught). */
void held_drop(void);
