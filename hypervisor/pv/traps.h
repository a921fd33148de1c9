/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traps, events and callbacks of para-virtual guests: all ways in which the hypervisor makes the guest's kernel
 * run somewhere else than where it was.
 */
#pragma once

#include "core/types.h"

struct cpu_user_regs;
struct vcpu;

/* An exception of current, in its registers. Interrupts off. */
void pv_trap(struct cpu_user_regs *regs);
/* What is due for v == current before it goes on.  True: something was done; look again. Interrupts off. */
bool pv_exit_work(struct vcpu *v);
/* v == current goes on in its handler of events, which there is. Interrupts off. */
void pv_upcall(struct vcpu *v);
/* Make v == current take exception `vector`, by its trap table; its registers are where it happened. */
void pv_inject(struct vcpu *v, unsigned vector, uint32_t error_code);
void pv_inject_page_fault(struct vcpu *v, uint32_t error_code, uint64_t cr2);

/* Between the guest's kernel and its processes, v == current: page table and GS base. */
void pv_toggle_mode(struct vcpu *v);
