/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traps, events and callbacks of para-virtual guests: all ways in which the hypervisor makes the guest's kernel
 * run somewhere else than where it was.
 */
#ifndef PV_TRAPS_H
#define PV_TRAPS_H

#include "kern/hypercall.h"

struct cpu_user_regs;
struct vcpu;

/* An exception of current, in its registers. Interrupts off. */
void pv_trap(struct cpu_user_regs *regs);
/* What is due for v == current before it goes on.  True: something was done; look again. Interrupts off. */
bool pv_exit_work(struct vcpu *v);
/* System calls by a process of current (or, for the last two, perhaps its kernel). */
void pv_syscall_bounce(struct cpu_user_regs *regs);
void pv_syscall32_bounce(struct cpu_user_regs *regs);
void pv_sysenter_bounce(struct cpu_user_regs *regs);
/* The iretq out of the hypervisor faulted: `nested` is the fault's frame, see x86/entry.S. */
void pv_iret_fault(struct cpu_user_regs *nested);

/* Faults in hypervisor mode that are a guest's: #DB from its breakpoints, and its LDT's pages.  True: dealt with. */
bool pv_debug_in_hypervisor(struct cpu_user_regs *regs);
bool pv_fixup_page_fault(struct cpu_user_regs *regs);

/* Make v == current take exception `vector`, by its trap table; its registers are where it happened. */
void pv_inject(struct vcpu *v, unsigned vector, uint32_t error_code);
void pv_inject_page_fault(struct vcpu *v, uint32_t error_code, uint64_t cr2);

/* Between the guest's kernel and its processes, v == current: page table and GS base. */
void pv_toggle_mode(struct vcpu *v);

hcall_fn do_iret, do_set_trap_table, do_set_callbacks, do_callback_op, do_stack_switch, do_nmi_op;

#endif
