/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Provided by san/leak.c; without it they do nothing. */
#pragma once

#include "core/types.h"

/* Work for a guest begins, on an empty stack. */
void leak_begin(void);
/* n bytes are about to be copied between a guest and us, in the one direction or the other. */
void leak_look(const void *dst, const void *src, size_t n);
/* And these came from a guest. */
void leak_brought(const void *dst, size_t n);

/* san/shadow.c: these are about to be touched. */
void leak_range(const void *p, size_t n, bool write);
