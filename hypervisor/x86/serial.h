/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 16550 serial lines, com1 and com2.  Hardware only: who prints what is x86/log.c, who gets input is
 * kern/console.c.  Works from the first instruction on by polling; interrupts come later.
 * All functions but serial_spec and serial_port: the caller holds the console lock (x86/log.h).
 */
#pragma once

#include "core/types.h"

enum { SERIAL_COM1, SERIAL_COM2, SERIAL_PORTS };

/*
 * Option com1= or com2=: "<baud>|auto[/<clock Hz>][,<8n1>[,<I/O base>[,<irq>]]]"; auto keeps the speed that
 * the firmware set.  0 or -XEN_EINVAL (then nothing has changed).
 */
int serial_spec(unsigned com, const char *spec);
/* Program the line.  False if there is none. */
bool serial_start(unsigned com);
bool serial_started(unsigned com);

/* Take up to n bytes for sending ('\n' goes out as "\r\n"); gives how many were taken: fewer when the buffer is full. */
size_t serial_write(unsigned com, const char *s, size_t n);
/* Send all that is buffered and then s, and wait for it; a line that takes nothing for long is given up. */
void serial_write_sync(unsigned com, const char *s, size_t n);
/* Free bytes in the send buffer. */
size_t serial_room(unsigned com);

/* Is the send buffer empty? */
bool serial_idle(unsigned com);

/* What an interrupt (or a poll) asks for: send more, and up to max bytes of input to buf.  Gives their
 * number; if that is max there may be more, and no further interrupt tells: call again. */
unsigned serial_service(unsigned com, char *buf, unsigned max);
/* From now on the line interrupts: fn(data) shall call serial_service().  0 or -XEN_E (then poll).  Not under the lock. */
int serial_irq_start(unsigned com, void (*fn)(void *), void *data);

/* The first of the line's 8 I/O ports.  (dom0 must not have those of lines that we use.) */
unsigned serial_port(unsigned com);
