/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug keys: typed at the console when it is switched to the hypervisor, or sent by `xl debug-keys`. */
#pragma once

#include "core/types.h"

/* As many keys may come at once; what is more is dropped. */
#define KEYS_WAITING 64u

typedef void key_fn(void);

/* in_irq: fn runs at once, with interrupts off, wherever the key arrives (for when nothing else works); else as a
 * softirq: interrupts on, no lock held.  Boot time. */
void key_register(char key, key_fn *fn, const char *what, bool in_irq);
/* A key was pressed.  Any context but NMI. */
void key_press(char key);
/* The keys of kern/ itself.  Boot, once. */
void keys_init(void);
