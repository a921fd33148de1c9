/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for addresses of our own code, and the chain of calls. */
#pragma once

#include "core/types.h"

/* The calls that led to frame pointer rbp, in code at rip; (0, 0): to the caller. */
void backtrace_print(uint64_t rip, uint64_t rbp);
/* The function that contains addr, and the offset in it; NULL if none does. */
const char *symbol_find(uint64_t addr, uint64_t *offset);
/* Function number n by address, counted from 0; NULL behind the last. */
const char *symbol_nth(unsigned n, uint64_t *addr);
