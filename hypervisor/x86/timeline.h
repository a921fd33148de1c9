/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between x86/time.c and kern/vtime.c: the line that guests get, and the wall clock. */
#pragma once

#include "core/pvclock.h"

/* This CPU's line; gives a number that is another whenever the line is.  Interrupts off. */
uint64_t time_line(struct clock_line *line);
/* ns since 1970 (UTC) at system time 0. */
void wallclock_base_set(uint64_t ns);
