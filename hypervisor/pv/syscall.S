/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * System calls.  The per-CPU stub (x86/desc.c) has pushed SS and RSP into the frame and jumps here: %rsp is
 * &vcpu.regs.rsp, %rcx the caller's RIP, %r11 its flags, all else the caller's.  Interrupts are off.
 *
 * Three of them are what a guest does most, and each is a straight line that never leaves this page:
 *   - a process calls its kernel: a frame on the kernel's stack, the kernel's page table, sysret to its callback;
 *   - the kernel's hypercall iret: back to where the frame on its stack says;
 *   - the kernel's hypercall set_segment_base, three times in a switch between processes.
 * They touch few registers, so they save few (each in its place in vcpu.regs) and need no hygiene for what follows.  Whatever is
 * out of the ordinary, work due before the guest goes on above all, is left to the C way, from the beginning:
 * so up to the point marked "no way back" nothing is changed that the C way would miss.  Guest memory that faults is
 * such a case too.  The C functions are pv_syscall_bounce(), do_iret() and do_set_segment_base(), and they are the definition
 * of what happens here.
 */
#include "x86/entry_asm.h"
#define __ASSEMBLY__
#include <xen/xen.h>

        /* From where the stub leaves %rsp: a register's place in the frame, a field of the vCPU. */
#define F(reg)  (R_##reg - R_rsp)
#define V(field) (V_##field - V_regs - R_rsp)

        /* Interrupts are off: anything that has to happen before this vCPU goes on?  Uses \tmp. */
        .macro  UNLESS_ORDINARY to, tmp
        cmpq    $0, B_softirqs(%rsp)    /* and exit_flags */
        jne     \to
        cmpb    $0, V(exit_work)(%rbx)
        jne     \to
        movq    V(domain)(%rbx), \tmp
        testb   $ARCHITECTURAL_IOPL, D_vm_assist(\tmp)
        jnz     \to
        .endm

        /* %rbx, saved as %rdx is, keeps the frame; %rsp becomes the CPU's stack, %rdx the guest's vcpu_info, where no upcall is pending. */
        .macro  KERNEL_CALLS to
        movq    %rbx, F(rbx)(%rsp)
        movq    %rdx, F(rdx)(%rsp)
        movq    %rsp, %rbx
        movq    V(cpu_stack)(%rbx), %rsp
        UNLESS_ORDINARY \to, %rdx
        movq    V(info)(%rbx), %rdx
        cmpb    $0, (%rdx)
        jne     \to
        .endm

        .section .text.entry, "ax"
        .code64
        .balign 16
        .globl syscall_entry
syscall_entry:
        cmpb    $0, V(kernel_mode)(%rsp)
        je      process_calls
        cmpl    $__HYPERVISOR_iret, %eax
        je      kernel_irets
        cmpl    $__HYPERVISOR_set_segment_base, %eax
        je      kernel_loads_base
        .globl syscall_in_c
syscall_in_c:
        pushq   %r11
        pushq   $GUEST_CS64
        pushq   %rcx
        pushq   $0
        movl    $VECTOR_SYSCALL, 4(%rsp)
        SAVE_REGS
        PTI_CALL pti_from_guest
        movq    %rsp, %rdi
        movq    V_cpu_stack - V_regs(%rsp), %rsp
        movq    B_current(%rsp), %rbx
        CLEAR_REGS
        sti
        cmpb    $0, V_kernel_mode(%rbx)
        je      1f
        call    hypercall_entry
        jmp     exit_to_guest
1:      call    pv_syscall_bounce
        jmp     exit_to_guest

/* ---- A process calls its kernel ---- */

        .balign 16
process_calls:
        movq    %rbx, F(rbx)(%rsp)
        movq    %rax, F(rax)(%rsp)
        movq    %rdx, F(rdx)(%rsp)
        movq    %rcx, F(rip)(%rsp)
        movq    %rsp, %rbx
        movq    V(cpu_stack)(%rbx), %rsp
        UNLESS_ORDINARY process_in_c, %rax
        movq    V(info)(%rbx), %rax
        cmpw    $0, (%rax)              /* an upcall pending, or masked */
        jne     process_in_c
        movq    V(pv)(%rbx), %rax
        cmpq    $0, PV_syscall_eip(%rax)
        je      process_in_c
        movq    PV_cr3_kernel(%rax), %rdx
        movq    %rdx, %cr3
        movq    PV_frame_sp(%rax), %rdx
        GUEST_OPEN
1:      movq    $GUEST_SS, -8(%rdx)
2:      movq    %r11, -24(%rdx)
3:      movq    $GUEST_CS64, -32(%rdx)
4:      movq    %rcx, -40(%rdx)
5:      movq    %r11, -48(%rdx)
6:      movq    %rcx, -56(%rdx)
        movq    F(rsp)(%rbx), %rcx
7:      movq    %rcx, -16(%rdx)
        GUEST_CLOSE
        /* no way back */
        COUNT(guest_syscall, %rcx)
        movb    $1, V(kernel_mode)(%rbx)
        swapgs
        movq    PV_syscall_eip(%rax), %rcx
        movzbl  PV_syscall_masks(%rax), %eax
        andq    $FLAGS_OF_HANDLER, %r11
        leaq    -56(%rdx), %rsp
        movq    V(info)(%rbx), %rdx
        movb    %al, 1(%rdx)            /* evtchn_upcall_mask, which was 0 */
        movq    F(rdx)(%rbx), %rdx
        movq    F(rax)(%rbx), %rax
        movq    F(rbx)(%rbx), %rbx
        sysretq

        .irp n, 1, 2, 3, 4, 5, 6, 7
        FIXUP   \n\()b, process_fault
        .endr
process_fault:
        GUEST_CLOSE
        movq    V(pv)(%rbx), %rax
        movq    PV_cr3_user(%rax), %rdx
        movq    %rdx, %cr3
process_in_c:
        movq    %rbx, %rsp
        movq    F(rip)(%rsp), %rcx
        movq    F(rdx)(%rsp), %rdx
        movq    F(rax)(%rsp), %rax
        movq    F(rbx)(%rsp), %rbx
        jmp     syscall_in_c

/* ---- The kernel's iret ----
 * %rcx is the address of the frame (struct iret_context: rax r11 rcx flags rip cs rflags rsp ss).  What it says goes to
 * vcpu.regs, where the C way would overwrite it, or to registers that the C way does not look at. */

        .balign 16
kernel_irets:
        movq    %rsi, F(rsi)(%rsp)
        KERNEL_CALLS iret_in_c
        movq    F(rsp)(%rbx), %rcx
        movq    %rcx, %rsi
        sarq    $43, %rsi               /* the half of the kernel, above the hypervisor: -15 to -1 */
        addq    $15, %rsi
        cmpq    $14, %rsi
        ja      iret_in_c
        movq    V(pv)(%rbx), %rsi
        GUEST_OPEN
1:      movq    32(%rcx), %rax
        movq    %rax, F(rip)(%rbx)
2:      movl    64(%rcx), %eax
        orl     $3, %eax
        movw    %ax, F(ss)(%rbx)
3:      movl    48(%rcx), %eax
        testl   $GUEST_FLAG_IF, %eax
        setz    1(%rdx)                 /* evtchn_upcall_mask */
        andl    $FLAGS_GUEST_MAY_SET, %eax
        orl     $FLAGS_GUEST_HAS, %eax
        movq    %rax, F(rflags)(%rbx)
        movb    $0, PV_nmi_masked(%rsi)
4:      movq    56(%rcx), %rdx
5:      movq    40(%rcx), %rax
        movl    %eax, %r11d
        orl     $3, %r11d
        movw    %r11w, F(cs)(%rbx)
        andl    $3, %eax
        cmpl    $3, %eax
        jne     iret_to_kernel
        cmpq    $0, PV_cr3_user(%rsi)
        je      iret_fault
6:      testl   $VGCF_in_syscall, 24(%rcx)
        jnz     iret_by_sysret
iret_to_user:
        COUNT(iret, %rax)
7:      movq    8(%rcx), %r11
8:      movq    (%rcx), %rax
9:      movq    16(%rcx), %rcx
        GUEST_CLOSE
        /* no way back */
        movq    %rdx, F(rsp)(%rbx)
        movq    PV_cr3_user(%rsi), %rdx
        movb    $0, V(kernel_mode)(%rbx)
        movq    %rdx, %cr3
        swapgs
iret_leave:
        movq    F(rdx)(%rbx), %rdx
        movq    F(rsi)(%rbx), %rsi
        leaq    F(rip)(%rbx), %rsp
        movq    F(rbx)(%rbx), %rbx
        jmp     exit_iretq

        /* The program gave rcx and r11 away; sysret, if it may be, takes them. */
iret_by_sysret:
        cmpw    $GUEST_CS64, F(cs)(%rbx)
        jne     iret_to_user
        movq    F(rip)(%rbx), %rax
        shrq    $47, %rax
        jnz     iret_to_user            /* sysret faults in ring 0 on some processors if RIP is not canonical */
        COUNT(iret, %rax)
10:     movq    (%rcx), %rax
        GUEST_CLOSE
        /* no way back */
        movq    PV_cr3_user(%rsi), %rcx
        movb    $0, V(kernel_mode)(%rbx)
        movq    %rcx, %cr3
        swapgs
        movq    F(rip)(%rbx), %rcx
        movq    F(rflags)(%rbx), %r11
        movq    %rdx, %rsp
        movq    F(rdx)(%rbx), %rdx
        movq    F(rsi)(%rbx), %rsi
        movq    F(rbx)(%rbx), %rbx
        sysretq

iret_to_kernel:
11:     movq    8(%rcx), %r11
12:     movq    (%rcx), %rax
13:     movq    16(%rcx), %rcx
        GUEST_CLOSE
        /* no way back */
        movq    %rdx, F(rsp)(%rbx)
        jmp     iret_leave

        .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
        FIXUP   \n\()b, iret_fault
        .endr
iret_fault:
        GUEST_CLOSE
iret_in_c:
        movl    $FLAGS_GUEST_HAS, %r11d /* it may hold the frame's words; RCX may, too, and is checked where it is used */
        movq    %rbx, %rsp
        movl    $__HYPERVISOR_iret, %eax
        movq    F(rsi)(%rsp), %rsi
        movq    F(rdx)(%rsp), %rdx
        movq    F(rbx)(%rsp), %rbx
        jmp     syscall_in_c

/* ---- The kernel loads a segment base ----
 * %edi says which, %rsi is the base or selector. */

        .balign 16
kernel_loads_base:
        movq    %rcx, F(rip)(%rsp)
        KERNEL_CALLS base_in_c
        cmpl    $0, trace_events(%rip)
        jne     base_in_c
        testq   %rcx, %rcx              /* the half of the kernel: sysret takes it */
        jns     base_in_c
        cmpl    $SEGBASE_GS_USER_SEL, %edi
        je      selector_of_user
        movq    %rsi, %rdx
        sarq    $47, %rdx               /* 0 or -1 of a canonical address */
        incq    %rdx
        cmpq    $1, %rdx
        ja      base_in_c
        movl    $MSR_OF_FS, %ecx
        cmpl    $SEGBASE_FS, %edi
        je      1f
        cmpl    $SEGBASE_GS_USER, %edi
        jne     base_in_c
        movq    V(pv)(%rbx), %rdx
        movq    %rsi, PV_gs_base_user(%rdx)
        movl    $MSR_OF_OTHER_GS, %ecx
        /* no way back */
1:      movl    %esi, %eax
        movq    %rsi, %rdx
        shrq    $32, %rdx
        wrmsr
base_loaded:
        COUNT(set_segment_base, %rcx)
        xorl    %eax, %eax
        movq    F(rip)(%rbx), %rcx
        movq    F(rdx)(%rbx), %rdx
        movq    F(rsp)(%rbx), %rsp
        movq    F(rbx)(%rbx), %rbx
        sysretq

selector_of_user:
        swapgs
2:      movl    %esi, %gs
        mfence
        swapgs
        jmp     base_loaded
        FIXUP   2b, selector_fault
selector_fault:
        swapgs
base_in_c:
        movq    %rbx, %rsp
        movq    F(rip)(%rsp), %rcx
        movq    F(rdx)(%rsp), %rdx
        movq    F(rbx)(%rsp), %rbx
        jmp     syscall_in_c

/* ---- Of 32-bit code ---- */

        .balign 16
        .globl syscall32_entry
syscall32_entry:
        pushq   %r11
        pushq   $GUEST_CS32
        movl    %ecx, %ecx
        pushq   %rcx
        pushq   $0
        movl    $VECTOR_SYSCALL32, 4(%rsp)
        SAVE_REGS
        PTI_CALL pti_from_guest
        movq    %rsp, %rdi
        movq    V_cpu_stack - V_regs(%rsp), %rsp
        movq    B_current(%rsp), %rbx
        CLEAR_REGS
        sti
        call    pv_syscall32_bounce
        jmp     exit_to_guest

/* sysenter: RSP is our gate; the caller's RIP and RSP are lost, by the instruction's design. */
        .balign 16
        .globl sysenter_entry
sysenter_entry:
        movq    G_frame_top(%rsp), %rsp
        pushq   $GUEST_SS
        pushq   $0
        pushfq
        pushq   $3
        pushq   $0
        pushq   $0
        movl    $VECTOR_SYSENTER, 4(%rsp)
        SAVE_REGS
        PTI_CALL pti_from_guest
        movq    %rsp, %rdi
        movq    V_cpu_stack - V_regs(%rsp), %rsp
        movq    B_current(%rsp), %rbx
        CLEAR_REGS
        /* NT, TF or AC of the caller must not stay on here. */
        pushq   $2
        popfq
        sti
        call    pv_sysenter_bounce
        jmp     exit_to_guest

        .section .note.GNU-stack, "", @progbits
