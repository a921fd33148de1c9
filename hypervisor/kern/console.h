/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Console input and the console_io hypercall.  Output and the log: x86/log.h. */
#pragma once

#include "core/types.h"

/* Option conswitch=<letter>[x]: input is switched by Ctrl-<letter> three times; x: dom0 does not get it at boot. */
bool console_option(const char *name, const char *value);
/* Interrupts and timers work: input comes in, output is buffered from now on.  Boot, once. */
void console_init(void);
/* dom0 is there: it gets the input, unless conswitch= says otherwise. */
void console_to_dom0(void);
