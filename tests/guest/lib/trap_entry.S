/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries for all vectors and callbacks.  The hypervisor pushed, from the top: rcx, r11, the error code (some
 * vectors), rip, cs, rflags, rsp, ss.  Each stub makes the same struct regs of it and calls
 * trap_dispatch(); the way back is the iret hypercall.
 */
#include <xen/xen.h>

    .text
    .macro STUB vec, has_error
    .balign 16
    popq %rcx
    popq %r11
    .if !\has_error
    pushq $0
    .endif
    pushq $\vec
    jmp trap_common
    .endm

    .globl trap_stubs
    .balign 16
trap_stubs:
    .set v, 0
    .rept 256
    .if (v == 8) || (v >= 10 && v <= 14) || (v == 17) || (v == 21) || (v == 29) || (v == 30)
    STUB v, 1
    .else
    STUB v, 0
    .endif
    .set v, v + 1
    .endr
    STUB 256, 0                 /* event */
    .balign 16                  /* failsafe: rcx, r11, ds, es, fs, gs, rip ... */
    jmp failsafe_stub
    STUB 258, 0                 /* syscall */
    STUB 259, 0                 /* NMI */
    STUB 260, 0                 /* syscall32 */
    STUB 261, 0                 /* sysenter */
    .balign 16

failsafe_stub:
    popq %rcx
    popq %r11
    popq failsafe_frame+0(%rip)
    popq failsafe_frame+8(%rip)
    popq failsafe_frame+16(%rip)
    popq failsafe_frame+24(%rip)
    pushq $0
    pushq $257

trap_common:
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rdi
    call trap_dispatch
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rax
    popq %rcx
    popq %rdx
    popq %rsi
    popq %rdi
    addq $8, %rsp               /* vector; the error code's slot becomes the VGCF flags */
    movq $0, (%rsp)
    jmp hypercall_page + __HYPERVISOR_iret * 32

/* _Noreturn void regs_enter(const struct regs *r, uint64_t vgcf): become what r says, by a bare syscall. */
    .globl regs_enter
regs_enter:
    pushq 21*8(%rdi)            /* ss */
    pushq 20*8(%rdi)            /* rsp */
    pushq 19*8(%rdi)            /* rflags */
    pushq 18*8(%rdi)            /* cs */
    pushq 17*8(%rdi)            /* rip */
    pushq %rsi                  /* flags */
    pushq 11*8(%rdi)            /* rcx */
    pushq 6*8(%rdi)             /* r11 */
    pushq 10*8(%rdi)            /* rax */
    movq 0*8(%rdi), %r15
    movq 1*8(%rdi), %r14
    movq 2*8(%rdi), %r13
    movq 3*8(%rdi), %r12
    movq 4*8(%rdi), %rbp
    movq 5*8(%rdi), %rbx
    movq 7*8(%rdi), %r10
    movq 8*8(%rdi), %r9
    movq 9*8(%rdi), %r8
    movq 12*8(%rdi), %rdx
    movq 13*8(%rdi), %rsi
    movq 14*8(%rdi), %rdi
    movl $__HYPERVISOR_iret, %eax
    syscall
    ud2

    .globl context_save
context_save:
    movq %rbx, 0(%rdi)
    movq %rbp, 8(%rdi)
    movq %r12, 16(%rdi)
    movq %r13, 24(%rdi)
    movq %r14, 32(%rdi)
    movq %r15, 40(%rdi)
    popq %rdx
    movq %rsp, 48(%rdi)
    movq %rdx, 56(%rdi)
    xorl %eax, %eax
    jmp *%rdx

    .globl context_load
context_load:
    movq 0(%rdi), %rbx
    movq 8(%rdi), %rbp
    movq 16(%rdi), %r12
    movq 24(%rdi), %r13
    movq 32(%rdi), %r14
    movq 40(%rdi), %r15
    movq 48(%rdi), %rsp
    movl $1, %eax
    jmp *56(%rdi)

    .globl insn_read8, insn_write8, insn_call
insn_read8:
    movb (%rdi), %al
    ret
insn_write8:
    movb $0x5a, (%rdi)
    ret
insn_call:
    jmp *%rdi
