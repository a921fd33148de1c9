/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Into the firmware, by the calling convention of UEFI (2.9, 2.3.4.2): arguments in rcx, rdx, r8, r9, then on the stack
 * above 32 bytes that are the callee's.
 */
        .text
        .code64
/* uint64_t efirt_enter(uint64_t fn, const uint64_t arg[6], uint64_t *sp): the function's result.  *sp is what rsp
 * must be for a fault in the function to go on at efirt_recover. */
        .globl efirt_enter
efirt_enter:
        pushq   %rbp
        movq    %rsp, %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        subq    $56, %rsp
        movq    %rsp, (%rdx)
        movq    %rdi, %rax
        movq    %rsi, %r10
        movq    0(%r10), %rcx
        movq    8(%r10), %rdx
        movq    16(%r10), %r8
        movq    24(%r10), %r9
        movq    32(%r10), %r11
        movq    %r11, 32(%rsp)
        movq    40(%r10), %r11
        movq    %r11, 40(%rsp)
        call    __x86_indirect_thunk_rax
1:      cld
        addq    $56, %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret

/* The function faulted: EFI_DEVICE_ERROR. */
        .globl efirt_recover
efirt_recover:
        movabsq $0x8000000000000007, %rax
        jmp     1b

        .section .note.GNU-stack, "", @progbits
