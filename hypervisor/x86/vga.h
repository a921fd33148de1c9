/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The 80x25 text screen, as an output of the log.  Caller holds the console lock (but for vga_start). */
#pragma once

#include "core/types.h"

/* After ioremap() works, and only if the screen is in text mode.  False: no screen. */
bool vga_start(void);
/* The screen is dom0's from now on. */
void vga_stop(void);
/* Nothing unless started. */
void vga_write(const char *s, size_t n);
