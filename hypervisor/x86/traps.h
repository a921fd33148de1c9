/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the entry code (x86/entry.S) calls into C.  The guest kind's answers (pv_*) are in pv/traps.c. */
#ifndef X86_TRAPS_H
#define X86_TRAPS_H

#include "core/types.h"

struct cpu_user_regs;

enum trap_vector {
    TRAP_DIVIDE, TRAP_DEBUG, TRAP_NMI, TRAP_INT3, TRAP_OVERFLOW, TRAP_BOUND, TRAP_INVALID_OP, TRAP_NO_DEVICE,
    TRAP_DOUBLE_FAULT, TRAP_COPRO_SEG, TRAP_INVALID_TSS, TRAP_NO_SEGMENT, TRAP_STACK, TRAP_GP, TRAP_PAGE_FAULT,
    TRAP_SPURIOUS, TRAP_COPRO, TRAP_ALIGNMENT, TRAP_MACHINE_CHECK, TRAP_SIMD, TRAP_VIRTUALIZATION, TRAP_CONTROL,
};

/* An exception while the guest ran; regs are current's. Interrupts are off; may turn them on. */
void trap_from_guest(struct cpu_user_regs *regs);
/* An exception in our own code. */
void trap_from_hypervisor(struct cpu_user_regs *regs);
void interrupt_from_guest(unsigned vector, const struct cpu_user_regs *regs);
/* Pending softirqs, idling, and what is due for current, until nothing is left.  Interrupts off, before and after. */
void exit_work(void);
/* Registers on the console; guest or ours. */
void regs_print(const struct cpu_user_regs *regs);
/* End of the boot code: this CPU now runs what the scheduler gives it. */
_Noreturn void run_guests(void);

#endif
