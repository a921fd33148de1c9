/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Non-maskable interrupts. */
#pragma once

#include "core/types.h"

struct cpu_user_regs;

/* Any state of the hypervisor may be half done: touches only what is safe so. */
void nmi_in_hypervisor(struct cpu_user_regs *regs);
void nmi_in_guest(struct cpu_user_regs *regs);
/* The reasons (bits 6, 7 of port 0x61) of the NMIs since the last call.  After SOFTIRQ_NMI. */
uint8_t nmi_reason_take(void);
