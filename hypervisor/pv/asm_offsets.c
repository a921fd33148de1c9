/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offsets that assembly needs; compiled to assembly, the "->" lines become build/gen/asm_offsets.h. */
#include "kern/domain.h"
#include "pv/pv.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/gate.h"
#include "x86/percpu.h"

#define DEFINE(sym, val) __asm__ volatile("\n.ascii \"->" #sym " %0\"" :: "i"(val))
#define OFFSET(sym, type, member) DEFINE(sym, offsetof(type, member))

void asm_offsets(void);
void asm_offsets(void)
{
    OFFSET(R_r15, struct cpu_user_regs, r15);
    OFFSET(R_rbx, struct cpu_user_regs, rbx);
    OFFSET(R_rbp, struct cpu_user_regs, rbp);
    OFFSET(R_r11, struct cpu_user_regs, r11);
    OFFSET(R_r10, struct cpu_user_regs, r10);
    OFFSET(R_r9, struct cpu_user_regs, r9);
    OFFSET(R_r8, struct cpu_user_regs, r8);
    OFFSET(R_rax, struct cpu_user_regs, rax);
    OFFSET(R_rcx, struct cpu_user_regs, rcx);
    OFFSET(R_rdx, struct cpu_user_regs, rdx);
    OFFSET(R_rsi, struct cpu_user_regs, rsi);
    OFFSET(R_rdi, struct cpu_user_regs, rdi);
    OFFSET(R_error_code, struct cpu_user_regs, error_code);
    OFFSET(R_entry_vector, struct cpu_user_regs, entry_vector);
    OFFSET(R_rip, struct cpu_user_regs, rip);
    OFFSET(R_cs, struct cpu_user_regs, cs);
    OFFSET(R_rflags, struct cpu_user_regs, rflags);
    OFFSET(R_rsp, struct cpu_user_regs, rsp);
    OFFSET(R_ss, struct cpu_user_regs, ss);
    OFFSET(R_es, struct cpu_user_regs, es);
    DEFINE(CPU_BLOCK_SIZE, sizeof(struct cpu_block));
    OFFSET(B_current, struct cpu_block, curr);
    OFFSET(B_softirqs, struct cpu_block, softirqs);
    OFFSET(B_exit_flags, struct cpu_block, exit_flags);
    DEFINE(EXIT_VERW_FLAG, EXIT_VERW);
    OFFSET(G_frame_top, struct gate, frame_top);
    OFFSET(G_full_cr3, struct gate, full_cr3);
    OFFSET(G_shield_cr3, struct gate, shield_cr3);
    OFFSET(G_stack_delta, struct gate, stack_delta);
    OFFSET(V_pv, struct vcpu, pv);
    OFFSET(V_cpu_stack, struct vcpu, cpu_stack);
    OFFSET(V_regs, struct vcpu, regs);
    OFFSET(V_full_cr3, struct vcpu, full_cr3);
    OFFSET(V_frame_delta, struct vcpu, frame_delta);
    OFFSET(V_exit_work, struct vcpu, exit_work);
    OFFSET(V_kernel_mode, struct vcpu, kernel_mode);
    OFFSET(V_domain, struct vcpu, domain);
    OFFSET(D_vm_assist, struct domain, vm_assist);
    DEFINE(ARCHITECTURAL_IOPL, 1 << VMASST_TYPE_architectural_iopl);
    DEFINE(GUEST_FLAG_IF, FLAG_IF);
    OFFSET(PV_cr3_user, struct pv_vcpu, cr3[0]);
    OFFSET(PV_cr3_kernel, struct pv_vcpu, cr3[1]);
    OFFSET(PV_frame_sp, struct pv_vcpu, frame_sp);
    OFFSET(PV_nmi_masked, struct pv_vcpu, nmi_masked);
    OFFSET(PV_syscall_eip, struct pv_vcpu, syscall.eip);
    OFFSET(PV_event_eip, struct pv_vcpu, event.eip);
    OFFSET(PV_syscall_masks, struct pv_vcpu, syscall.masks_events);
    OFFSET(B_percpu_offset, struct cpu_block, percpu_offset);
    OFFSET(C_guest_syscall, struct counters, guest_syscall);
    OFFSET(C_iret, struct counters, iret);
    OFFSET(C_set_segment_base, struct counters, hypercalls[__HYPERVISOR_set_segment_base]);
    OFFSET(PV_gs_base_user, struct pv_vcpu, gs_base_user);
    DEFINE(MSR_OF_FS, MSR_FS_BASE);
    DEFINE(MSR_OF_OTHER_GS, MSR_KERNEL_GS_BASE);
    OFFSET(V_info, struct vcpu, info);
}
