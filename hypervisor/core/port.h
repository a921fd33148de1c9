/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ports: all that pure code may ask of the world.  Implemented once for the
 * machine (kern/, x86/) and once for the host tests (tests/host/port_host.c);
 * the linker chooses.  Keep it short: each line here is something a test must fake.
 */
#pragma once

#include "core/types.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/*
 * Write one line (a '\n' at the end is the caller's) to the log.  Any context.
 * Formats: %d %i %u %x %X %c %s %p %% with width, precision, '-', '0', '#' and the length
 * modifiers h, hh, l, ll, z.
 */
void log_print(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_err(...)   log_print(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)

/* Our own state can't be trusted: say why, show where, stop the machine. */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An internal invariant; checked in debug and test builds. */
#ifdef NDEBUG
#define assert(cond) ((void)sizeof(cond))
#else
#define assert(cond) \
    ((cond) ? (void)0 : panic("%s:%d: broken: %s\n", __FILE__, __LINE__, #cond))
#endif

/*
 * Make frame m readable and writable; the pointer is to the frame's first byte
 * and good on this CPU until frame_unmap().  Never fails.  Nests 8 deep at most.
 */
void *frame_map(mfn_t m);
void frame_unmap(const void *p);

/* Zeroed memory of the hypervisor's own heap, aligned to 16 bytes, from 64 bytes on to 64, from PAGE_SIZE on to a page;
 * NULL if there is none.  mem_free(NULL) does nothing. */
void *mem_alloc(size_t size);
void mem_free(void *p);

/* Should long work stop here and return "again"?  Cheap; call it every few microseconds of work. */
bool preempt_needed(void);
