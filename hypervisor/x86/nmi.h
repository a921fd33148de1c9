/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Non-maskable interrupts and machine checks. */
#ifndef X86_NMI_H
#define X86_NMI_H

#include "core/types.h"

struct cpu_user_regs;

/* Any state of the hypervisor may be half done: touches only what is safe so. */
void nmi_in_hypervisor(struct cpu_user_regs *regs);
void nmi_in_guest(struct cpu_user_regs *regs);
/* Reports the banks; a fatal one stops the machine. */
void mce_handle(struct cpu_user_regs *regs);
/* Each CPU: enable the banks. */
void mce_init_cpu(void);
void nmi_init(void);

#endif
