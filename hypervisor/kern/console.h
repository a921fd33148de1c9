/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Console input and the console_io hypercall.  Output and the log: kern/log.h. */
#ifndef KERN_CONSOLE_H
#define KERN_CONSOLE_H

#include "kern/hypercall.h"

/* Option conswitch=<letter>[x]: input is switched by Ctrl-<letter> three times; x: dom0 does not get it at boot. */
bool console_option(const char *name, const char *value);
/* Interrupts and timers work: input comes in, output is buffered from now on.  Boot, once. */
void console_init(void);
/* dom0 is there: it gets the input, unless conswitch= says otherwise. */
void console_to_dom0(void);

/* __HYPERVISOR_console_io, <xen/xen.h>: arg 0 is CONSOLEIO_*, 1 the count, 2 the buffer. */
hcall_fn do_console_io;

#endif
