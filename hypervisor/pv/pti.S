/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Isolated page tables: the first steps of an entry and the last of an exit, called from the sites in x86/entry.S and
 * pv/syscall.S once pti_init() has switched them on.  pv/pti.c tells the whole story.
 *
 * An entry from a guest finds the shield in CR3 and the stack pointer in an alias: of the vCPU's page, or of an IST stack.
 * It leaves with the guest's own L4 in CR3 and the stack pointer on the real memory.  The return address, pushed in the
 * alias, is there too: it is the same memory.
 */
#include "x86/entry_asm.h"

        .section .text.entry, "ax"
        .code64

/* All registers have been pushed by a trap, an interrupt or a slow system call; from the hypervisor there is nothing to do, but
 * for a fault of the exit's iretq.  Gives ZF of "testb $3, cs".  Uses %rax. */
        .globl  pti_from_alias
pti_from_alias:
        testb   $3, 8 + R_cs(%rsp)
        jz      1f
        .globl  pti_from_guest
pti_from_guest:
        movq    8 + V_full_cr3 - V_regs(%rsp), %rax
        movq    %rax, %cr3
        addq    8 + V_frame_delta - V_regs(%rsp), %rsp
        testb   $3, 8 + R_cs(%rsp)
        ret
1:      leaq    exit_iretq(%rip), %rax
        cmpq    %rax, 8 + R_rip(%rsp)
        jne     2f
        movq    8 + V_full_cr3 - V_regs + IRET_FAULT_GAP(%rsp), %rax
        movq    %rax, %cr3
        addq    8 + V_frame_delta - V_regs + IRET_FAULT_GAP(%rsp), %rsp
2:      testb   $3, 8 + R_cs(%rsp)
        ret

/* NMI, #MC, #DB or #DF hit something; it may have been an entry or an exit half done.  Keeps for pti_ist_leave: %r12, the shield if
 * that was in CR3, else 0; %r13, the gate. */
        .globl  pti_ist_enter
pti_ist_enter:
        movq    %rsp, %r13
        andq    $-GATE_SIZE, %r13
        addq    $GATE_DATA, %r13
        movq    %cr3, %rax
        xorl    %r12d, %r12d
        cmpq    G_shield_cr3(%r13), %rax
        jne     1f
        movq    %rax, %r12
        movq    G_full_cr3(%r13), %rax
        movq    %rax, %cr3
1:      addq    G_stack_delta(%r13), %rsp
        ret

        .globl  pti_ist_leave
pti_ist_leave:
        subq    G_stack_delta(%r13), %rsp
        testq   %r12, %r12
        jz      1f
        movq    %r12, %cr3
1:      ret

/* %rbx is current, %eax its entry_vector; nothing is left to do but to pop its registers. */
        .globl  pti_to_guest
pti_to_guest:
        call    pti_shield
        movq    %rax, %rcx
        movl    V_regs + R_entry_vector(%rbx), %eax
        leaq    V_regs(%rbx), %rdx
        subq    V_frame_delta(%rbx), %rdx
        movq    %rdx, %rsp
        movq    %rcx, %cr3
        jmp     pop_guest

        .section .note.GNU-stack, "", @progbits
