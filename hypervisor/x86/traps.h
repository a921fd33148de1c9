/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the entry code (x86/entry.S) calls into C. */
#pragma once

#include "core/types.h"

struct cpu_user_regs;

enum trap_vector {
    TRAP_DIVIDE, TRAP_DEBUG, TRAP_NMI, TRAP_INT3, TRAP_OVERFLOW, TRAP_BOUND, TRAP_INVALID_OP, TRAP_NO_DEVICE,
    TRAP_DOUBLE_FAULT, TRAP_COPRO_SEG, TRAP_INVALID_TSS, TRAP_NO_SEGMENT, TRAP_STACK, TRAP_GP, TRAP_PAGE_FAULT,
    TRAP_SPURIOUS, TRAP_COPRO, TRAP_ALIGNMENT, TRAP_MACHINE_CHECK, TRAP_SIMD, TRAP_VIRTUALIZATION, TRAP_CONTROL,
};

/* ---- Ports: what the entry code calls, provided above. ---- */

/* pv/entry.c.  An exception while the guest ran; regs are current's. Interrupts are off; may turn them on. */
void trap_from_guest(struct cpu_user_regs *regs);
void interrupt_from_guest(unsigned vector, const struct cpu_user_regs *regs);
/* Pending softirqs, idling, and what is due for current, until nothing is left.  Interrupts off, before and after. */
void exit_work(void);
/* Port, provided by kern/mce.c.  #MC, of a guest or ours.  Stops the machine if it can't go on; else the guest that consumed bad data may be crashed. */
void mce_handle(struct cpu_user_regs *regs);
/* kern/hypercall.c.  A guest kernel's system call: r are current's registers.  Interrupts on. */
void hypercall_entry(struct cpu_user_regs *r);
/* pv/traps.c.  System calls by a process of current (or, for the last two, perhaps its kernel). */
void pv_syscall_bounce(struct cpu_user_regs *regs);
void pv_syscall32_bounce(struct cpu_user_regs *regs);
void pv_sysenter_bounce(struct cpu_user_regs *regs);
/* The iretq out of the hypervisor faulted: `nested` is the fault's frame, see entry.S. */
void pv_iret_fault(struct cpu_user_regs *nested);
/* pv/traps.c.  Faults in hypervisor mode that are a guest's: #DB from its breakpoints, and its LDT's pages.  True: dealt with. */
bool trap_port_debug(struct cpu_user_regs *regs);
bool trap_port_page_fault(struct cpu_user_regs *regs);

/* ---- */

/* An exception in our own code. */
void trap_from_hypervisor(struct cpu_user_regs *regs);
/* Registers on the console; guest or ours. */
void regs_print(const struct cpu_user_regs *regs);
/* End of the boot code: this CPU now runs what the scheduler gives it. */
_Noreturn void run_guests(void);
