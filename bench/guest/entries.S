/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shortest handlers that a kernel could have, for measuring the hypervisor's part of a trap: each drops the
 * frame's rcx and r11, does the one thing it must, and goes back by the iret hypercall.  Next: micro.c.
 */
#include <xen/xen.h>

#define IRET hypercall_page + __HYPERVISOR_iret * 32

        .text
        /* System calls and int $0x80: flags word by the row that runs. */
        .globl fast_syscall
        .balign 16
fast_syscall:
        popq    %rcx
        popq    %r11
        pushq   $VGCF_in_syscall
        jmp     IRET

        .globl fast_syscall_full
        .balign 16
fast_syscall_full:
        popq    %rcx
        popq    %r11
        pushq   $0
        jmp     IRET

        /* A page fault by "movb (%rdi), %al": stepped over. */
        .globl fast_page_fault
        .balign 16
fast_page_fault:
        popq    %rcx
        popq    %r11
        addq    $2, 8(%rsp)
        movq    $0, (%rsp)              /* the error code's place is the flags word's */
        jmp     IRET

        /* An event on the row's only port: fast_word is its word of evtchn_pending. */
        .globl fast_event
        .balign 16
fast_event:
        popq    %rcx
        popq    %r11
        pushq   %rax
        movq    fast_info(%rip), %rax
        movb    $0, (%rax)              /* evtchn_upcall_pending */
        movq    $0, 8(%rax)             /* evtchn_pending_sel */
        movq    fast_word(%rip), %rax
        movq    $0, (%rax)
        incq    fast_events(%rip)
        popq    %rax
        pushq   $0
        jmp     IRET

        /* void fast_iret(unsigned n): n times the iret hypercall, kernel to kernel. */
        .globl fast_iret
fast_iret:
        movq    %rsp, %rsi
1:      pushq   $0xe02b                 /* FLAT_KERNEL_SS */
        pushq   %rsi
        pushq   $0x202
        pushq   $0xe030                 /* RPL 0: the guest's kernel */
        leaq    2f(%rip), %rax
        pushq   %rax
        pushq   $0
        jmp     IRET
2:      decl    %edi
        jnz     1b
        ret

        /* void fast_faults(unsigned n, unsigned long va) */
        .globl fast_faults
fast_faults:
        movl    %edi, %edx
        movq    %rsi, %rdi
1:      movb    (%rdi), %al
        decl    %edx
        jnz     1b
        ret

        .data
        .globl fast_info, fast_word, fast_events
        .balign 8
fast_info:      .quad 0
fast_word:      .quad 0
fast_events:    .quad 0

        .section .note.GNU-stack, "", @progbits
