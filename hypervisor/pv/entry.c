/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the entry code (x86/entry.S) to whoever deals with what stopped the guest, and what is done before it goes on.
 */
#include "x86/traps.h"
#include "core/port.h"
#include "kern/domain.h"
#include "pv/traps.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/nmi.h"
#include "x86/softirq.h"

void trap_from_guest(struct cpu_user_regs *r)
{
    COUNT(exceptions[r->entry_vector]);
    if (r->entry_vector == TRAP_NMI) {
        nmi_note();
        return;
    }
    if (r->entry_vector == TRAP_MACHINE_CHECK) {
        mce_handle(r);
        return;
    }
    if (r->entry_vector == TRAP_DOUBLE_FAULT)
        panic("double fault\n");
    pv_trap(r);
}

void interrupt_from_guest(unsigned vector, const struct cpu_user_regs *r)
{
    COUNT(guest_interrupt);
    irq_dispatch(vector, r);
}

static void idle(void)
{
    /* Nothing may come between the look and the hlt: sti holds interrupts off for one more instruction. */
    if (softirq_pending())
        return;
    COUNT(idle);
    __asm__ volatile("sti; hlt; cli" ::: "memory");
}

void exit_work(void)
{
    for (;;) {
        if (softirq_pending()) {
            irq_enable();
            softirq_run();
            irq_disable();
        } else if (current->is_idle) {
            idle();
        } else if (pv_exit_work(current)) {
            irq_enable(); /* guests that make work for each other all the time keep no interrupt waiting */
            irq_disable();
        } else if (!softirq_pending()) {
            return;
        }
    }
}
