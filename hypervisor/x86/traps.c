/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions that hit the hypervisor: either on a guest's account (a fix-up exists, or the guest's kind knows why), or a
 * defect: panic.  A guest's own are pv/entry.c's.
 */
#include "x86/traps.h"
#include "core/port.h"
#include "x86/backtrace.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/efirt.h"
#include "x86/nmi.h"
#include "x86/percpu.h"
#include "x86/uaccess.h"

static const char *const trap_names[] = {
    "divide error", "debug", "NMI", "breakpoint", "overflow", "bound", "invalid opcode", "device not available",
    "double fault", "coprocessor segment", "invalid TSS", "segment not present", "stack fault",
    "general protection", "page fault", "reserved", "floating point", "alignment check", "machine check",
    "SIMD floating point", "virtualization", "control protection",
};

void regs_print(const struct cpu_user_regs *r)
{
    log_err("CPU %u  rip %04x:%016lx  rflags %016lx  vector %x code %04x\n", cpu_id(), r->cs, r->rip, r->rflags,
            r->entry_vector, r->error_code);
    log_err("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
    log_err("rsi %016lx  rdi %016lx  rbp %016lx  rsp %04x:%016lx\n", r->rsi, r->rdi, r->rbp, r->ss, r->rsp);
    log_err("r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", r->r8, r->r9, r->r10, r->r11);
    log_err("r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", r->r12, r->r13, r->r14, r->r15);
    log_err("cr2 %016lx  cr3 %016lx  cr4 %016lx\n", READ_CR(2), READ_CR(3), READ_CR(4));
}

void trap_from_hypervisor(struct cpu_user_regs *r)
{
    uint64_t fixup;

    if (r->entry_vector == TRAP_NMI) {
        nmi_note();
        return;
    }
    if (r->entry_vector == TRAP_MACHINE_CHECK) {
        mce_handle(r);
        return;
    }
    COUNT(hv_trap);
    if (r->entry_vector == TRAP_DEBUG && trap_port_debug(r))
        return;
    if (r->entry_vector == TRAP_PAGE_FAULT && trap_port_page_fault(r))
        return;
    if (efirt_fault(r))
        return;
    fixup = extable_find(r->rip);
    if (fixup) {
        r->rip = fixup;
        return;
    }
    regs_print(r);
    backtrace_print(r->rip, r->rbp);
    if (r->entry_vector == TRAP_DOUBLE_FAULT && ((READ_CR(2) ^ (uint64_t)cpu_block()) & ~(CPU_STACK_SIZE - 1)) == 0)
        panic("stack overflow on CPU %u\n", cpu_id());
    panic("unexpected %s in the hypervisor\n",
          r->entry_vector < ARRAY_SIZE(trap_names) ? trap_names[r->entry_vector] : "trap");
}
