/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log (log_print() and panic() of core/port.h): a ring in memory and the output lines of console=.
 * Any context, NMI and panic included: the console lock goes on without waiting where it can't be had.
 */
#pragma once

#include "core/port.h"

struct cpu_user_regs;

/*
 * Options: console= com1= com2= loglvl= guest_loglvl= conring_size= console_timestamps vga= sync_console
 * console_to_ring noreboot.
 * value is "" for a bare name.  False if the name is none of these or the value makes no sense.
 */
bool log_option(const char *name, const char *value);
/* What loglvl, guest_loglvl or console_timestamps is now (log_option() may change these at any time); NULL: none of them. */
const char *log_option_value(const char *name);
/* Start the output lines (default: com1) and send what the ring holds already.  From the first instructions on; once. */
void log_start(void);
/* The heap works: a ring of conring_size= bytes. */
void log_grow(void);
/* ioremap() works: the screen, if console= has vga.  And: it is dom0's now (unless vga=keep). */
void log_start_screen(void);
void log_leave_screen(void);
/* Interrupts work: output is buffered from now on (unless sync_console). */
void log_async(void);

/* About a guest's doing: filtered by guest_loglvl=, and at most 10 lines in 5 s.  False: left out. */
bool log_guest(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As log_print(), whatever loglvl= says: answers to debug keys. */
void log_always(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Interrupts off and the console ours, until console_unlock() gets what this gave.  Nests. */
uint64_t console_lock(void);
void console_unlock(uint64_t flags);

/* dom0's bytes, as they are, to the lines; gives how many were taken (at least one line has no more room). */
size_t console_put(const char *s, size_t n);
/* Has everything been sent? */
bool console_idle(void);
/* Send everything that waits, polling. */
void console_flush(void);
/* The lines in use, a bit each (SERIAL_COM1 ...). */
unsigned console_lines(void);

/*
 * The ring, for sysctl readconsole.  Positions count bytes ever logged, modulo 2^32.
 * read: up to n bytes from *pos on (from the oldest byte kept, if that is later); advances *pos.
 */
uint32_t console_ring_start(void);
size_t console_ring_read(uint32_t *pos, char *buf, size_t n);
/* Forget what is before `pos`. */
void console_ring_clear(uint32_t pos);
