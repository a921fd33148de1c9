/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways into the hypervisor and back to a guest; system calls come in by pv/syscall.S.
 *
 * Into: a trap, interrupt or system call from a guest pushes straight into its struct vcpu (TSS.RSP0 and
 * gate.frame_top point behind vcpu.regs); then we go to the CPU's one stack, empty, at its cpu_block.
 * A trap in hypervisor mode nests on the stack in use.  NMI, #MC, #DB and #DF have stacks of their own (IST):
 * if they hit a guest, their frame is moved to where any other trap's would be.
 *
 * Back: exit_to_guest, stack empty again.  Interrupts go off, pending work sends us through exit_work() (C), an event
 * alone through pv_upcall(); then vcpu.regs are popped and iretq or sysretq ends it.  If that last iretq faults, the fault's frame
 * lies in vcpu.headroom and pv_iret_fault() turns it into the guest's failsafe callback.
 *
 * A gate doesn't clear the flag that lifts SMAP, and a guest, or an access of ours to one, may have had it set: GUEST_CLOSE.
 * With isolated page tables (pv/pti.S) the sites marked PTI_ do the rest of both.
 *
 * Register frame: struct cpu_user_regs, r15 lowest.  In assembly %rbx is current while %rsp is the CPU's stack.
 */
#include "x86/entry_asm.h"

        .section .text.entry, "ax"
        .code64

/* ---- Exceptions and interrupts ---- */

        .set    HAS_CODE, 0x60227d00    /* exceptions, a bit each, for which the processor pushes an error code */
        .set    HAS_STACK, 0x00040106   /* and those with a stack of their own */

        /* One stub a vector, 16 bytes each. */
        .balign 16
        .globl vector_stubs
vector_stubs:
        vector = 0
        .rept 32
        .balign 16
        .ifeq   HAS_CODE >> vector & 1
        pushq   $0
        .endif
        movl    $vector, 4(%rsp)
        .ifeq   HAS_STACK >> vector & 1
        jmp     trap_common
        .else
        jmp     ist_common
        .endif
        vector = vector + 1
        .endr
        .rept 224
        .balign 16
        pushq   $0
        movl    $vector, 4(%rsp)
        jmp     irq_common
        vector = vector + 1
        .endr

trap_common:
        SAVE_REGS
        GUEST_CLOSE
        PTI_SITE pti_from_alias
        testb   $3, R_cs(%rsp)
        PTI_SITE_END
        movq    %rsp, %rdi
        jz      trap_in_hypervisor
        movq    V_cpu_stack - V_regs(%rsp), %rsp
        CLEAR_REGS
        movq    B_current(%rsp), %rbx
        call    trap_from_guest
        jmp     exit_to_guest

trap_in_hypervisor:
        leaq    exit_iretq(%rip), %rax
        cmpq    %rax, R_rip(%rsp)
        je      iret_faulted
        call    trap_from_hypervisor
leave_to_hypervisor:
        RESTORE_REGS
        addq    $8, %rsp
        iretq

irq_common:
        SAVE_REGS
        GUEST_CLOSE
        PTI_SITE pti_from_alias
        testb   $3, R_cs(%rsp)
        PTI_SITE_END
        movq    %rsp, %rsi
        movl    R_entry_vector(%rsp), %edi
        jz      1f
        movq    V_cpu_stack - V_regs(%rsp), %rsp
        CLEAR_REGS
        movq    B_current(%rsp), %rbx
        call    interrupt_from_guest
        jmp     exit_to_guest
1:      call    irq_dispatch
        jmp     leave_to_hypervisor

/* Own-stack traps. */
ist_common:
        SAVE_REGS
        GUEST_CLOSE
        PTI_CALL pti_ist_enter
        movq    %rsp, %rdi
        testb   $3, R_cs(%rsp)
        jnz     2f
        /* In the hypervisor: handled here, on this stack; nothing is scheduled. */
        call    trap_from_hypervisor
        PTI_CALL pti_ist_leave
        jmp     leave_to_hypervisor
        /* From a guest: move the frame to vcpu.regs and go on as if it had landed there. */
2:      movq    %rsp, %rsi
        orq     $CPU_STACK_MASK, %rsp
        subq    $CPU_BLOCK_SIZE - 1, %rsp
        movq    B_current(%rsp), %rbx
        leaq    V_regs(%rbx), %rdi
        movl    $FRAME_SIZE / 8, %ecx
        rep movsq
        leaq    V_regs(%rbx), %rdi
        CLEAR_REGS
        call    trap_from_guest
        jmp     exit_to_guest

/* ---- The way out ---- */
        .balign 16
        .globl exit_to_guest
exit_to_guest:
        cli
        cmpq    $0, B_softirqs(%rsp)    /* and exit_flags */
        jne     exit_slow
        movq    B_current(%rsp), %rbx
        movq    V_info(%rbx), %rax
        cmpb    $0, (%rax)              /* evtchn_upcall_pending */
        jne     event_waits
look_at_work:
        cmpb    $0, V_exit_work(%rbx)
        jne     exit_slow
        .globl restore_guest
restore_guest:
        movl    V_regs + R_entry_vector(%rbx), %eax
        PTI_SITE pti_to_guest, jump=1
        leaq    V_regs(%rbx), %rsp
        PTI_SITE_END
        .globl  pop_guest
pop_guest:
        cmpl    $VECTOR_HANDLER, %eax
        je      exit_to_handler
        cmpl    $VECTOR_SYSCALL, %eax
        je      exit_sysret
exit_by_iret:
        RESTORE_REGS
        addq    $8, %rsp
        .globl exit_iretq
exit_iretq:
        iretq

exit_sysret:
        /* sysret trusts RCX: only a canonical address may be there (Intel faults in ring 0 otherwise). */
        movq    R_rip(%rsp), %rcx
        movq    %rcx, %rax
        shlq    $16, %rax
        sarq    $16, %rax
        cmpq    %rax, %rcx
        jne     exit_by_iret
        cmpw    $GUEST_CS64, R_cs(%rsp)
        jne     exit_by_iret
exit_to_handler:                        /* its address was canonical when the guest gave it to us */
        RESTORE_REGS
        movq    8(%rsp), %rcx           /* rip */
        movq    24(%rsp), %r11          /* rflags */
        movq    32(%rsp), %rsp
        sysretq

event_waits:
        cmpb    $0, 1(%rax)             /* evtchn_upcall_mask: the guest will look for itself */
        jne     look_at_work
        cmpb    $0, V_exit_work(%rbx)
        jne     exit_slow
        movq    V_pv(%rbx), %rax
        cmpq    $0, PV_event_eip(%rax)
        je      restore_guest
        movq    %rbx, %rdi
        call    pv_upcall
        jmp     exit_to_guest
exit_slow:
        call    exit_work               /* interrupts are off before and after */
        movq    B_current(%rsp), %rbx
        testl   $EXIT_VERW_FLAG, B_exit_flags(%rsp)
        jz      restore_guest
        verw    verw_selector(%rip)     /* only the guest's own registers are loaded after this */
        jmp     restore_guest

/* The fault's frame is below vcpu.regs; its general registers are the guest's. */
iret_faulted:
        movq    V_cpu_stack - V_regs + IRET_FAULT_GAP(%rsp), %rsp
        movq    B_current(%rsp), %rbx
        call    pv_iret_fault
        jmp     exit_to_guest

/* A CPU that is up enters here for good: no frame, an empty stack. Interrupts off. */
        .globl run_guests
run_guests:
        orq     $CPU_STACK_MASK, %rsp
        subq    $CPU_BLOCK_SIZE - 1, %rsp
        jmp     exit_slow

        .section .rodata, "a"
verw_selector:
        .word   HV_DS

        .section .note.GNU-stack, "", @progbits
