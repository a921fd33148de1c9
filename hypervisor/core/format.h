/* SPDX-License-Identifier: GPL-2.0-or-later */
/* printf-style formatting into a buffer.  Pure, no state, no allocation. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

/*
 * Write at most n bytes including the closing NUL (nothing if n is 0) and return
 * the length the whole text has, as vsnprintf (C17 7.21.6.12) does, for this subset:
 * %d %i %u %x %X %o %c %s %p %% with flags '-' '0' '#' '+' ' ', width and precision
 * (numbers or '*'), and length modifiers hh h l ll z t j.  %s of NULL gives "(null)".
 * A conversion that isn't in the subset is printed as it stands and ends the formatting
 * of arguments, since its argument's size is not known.
 */
int format_print(char *buf, size_t n, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* The same with the arguments in line. */
int format_text(char *buf, size_t n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
