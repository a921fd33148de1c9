/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Non-maskable interrupts. */
#ifndef X86_NMI_H
#define X86_NMI_H

#include "core/types.h"

struct cpu_user_regs;

/* Any state of the hypervisor may be half done: touches only what is safe so. */
void nmi_in_hypervisor(struct cpu_user_regs *regs);
void nmi_in_guest(struct cpu_user_regs *regs);
void nmi_init(void);

#endif
