/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text to the hypervisor's console by console_io. */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include "types.h"

/* %d %u %x %c %s %p %% with `l`, width and `0`; at most 511 bytes at a time. */
void printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void console_write(const char *s, size_t n);

#endif
