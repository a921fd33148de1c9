/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Non-maskable interrupts. */
#pragma once

#include "core/types.h"

/* An NMI has come.  Any state of the hypervisor may be half done: touches only what is safe so. */
void nmi_note(void);
/* The reasons (bits 6, 7 of port 0x61) of the NMIs since the last call.  After SOFTIRQ_NMI. */
uint8_t nmi_reason_take(void);
