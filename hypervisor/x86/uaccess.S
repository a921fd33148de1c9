/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that may fault on a guest's account.  Each has an entry in the exception table (.extable: pairs of
 * 32-bit offsets from the entry itself: the instruction, and where to go on), which trap_from_hypervisor() searches.
 */
#include "x86/uaccess_asm.h"

        .text
        .code64
/* uint64_t uaccess_read(void *dst, const void __guest *src, size_t n): bytes not copied.
 * uint64_t uaccess_write(void __guest *dst, const void *src, size_t n): the same. */
        .globl uaccess_read, uaccess_write
uaccess_read:
uaccess_write:
        movq    %rdx, %rcx
        shrq    $3, %rcx
        andl    $7, %edx
1:      rep movsq
        movl    %edx, %ecx
2:      rep movsb
        xorl    %eax, %eax
        ret
3:      leaq    (%rdx, %rcx, 8), %rax
        ret
4:      movq    %rcx, %rax
        ret
        FIXUP   1b, 3b
        FIXUP   2b, 4b

/* uint64_t uaccess_clear(void *dst, size_t n): bytes not cleared. */
        .globl uaccess_clear
uaccess_clear:
        movq    %rsi, %rcx
        xorl    %eax, %eax
1:      rep stosb
2:      movq    %rcx, %rax
        ret
        FIXUP   1b, 2b

/* int rdmsr_safe(uint32_t nr, uint64_t *v): 0 or -1. */
        .globl rdmsr_safe
rdmsr_safe:
        movl    %edi, %ecx
1:      rdmsr
        shlq    $32, %rdx
        orq     %rdx, %rax
        movq    %rax, (%rsi)
        xorl    %eax, %eax
        ret
2:      movl    $-1, %eax
        ret
        FIXUP   1b, 2b

/* int wrmsr_safe(uint32_t nr, uint64_t v): 0 or -1. */
        .globl wrmsr_safe
wrmsr_safe:
        movl    %edi, %ecx
        movl    %esi, %eax
        movq    %rsi, %rdx
        shrq    $32, %rdx
1:      wrmsr
        xorl    %eax, %eax
        ret
2:      movl    $-1, %eax
        ret
        FIXUP   1b, 2b

/* int xsetbv_safe(uint32_t nr, uint64_t v): 0 or -1. */
        .globl xsetbv_safe
xsetbv_safe:
        movl    %edi, %ecx
        movl    %esi, %eax
        movq    %rsi, %rdx
        shrq    $32, %rdx
1:      xsetbv
        xorl    %eax, %eax
        ret
2:      movl    $-1, %eax
        ret
        FIXUP   1b, 2b

/* int seg_load_ds(uint16_t sel) and friends: load a data segment register with a guest's selector; -1: it
 * faulted, and the register is null. */
        .macro SEG_LOAD reg
        .globl seg_load_\reg
seg_load_\reg:
1:      movl    %edi, %\reg
        xorl    %eax, %eax
        ret
2:      xorl    %eax, %eax
        movl    %eax, %\reg
        decl    %eax
        ret
        FIXUP   1b, 2b
        .endm
        SEG_LOAD ds
        SEG_LOAD es
        SEG_LOAD fs
        SEG_LOAD gs

/* int fpu_restore_safe(const void *area, uint64_t mask, int xsave): 0 or -1 (bad image: the FPU is reset by the caller). */
        .globl fpu_restore_safe
fpu_restore_safe:
        movl    %esi, %eax
        movl    %edx, %ecx
        movq    %rsi, %rdx
        shrq    $32, %rdx
        testl   %ecx, %ecx
        jz      2f
1:      xrstor64 (%rdi)
        xorl    %eax, %eax
        ret
2:      fxrstor64 (%rdi)
        xorl    %eax, %eax
        ret
3:      movl    $-1, %eax
        ret
        FIXUP   1b, 3b
        FIXUP   2b, 3b

/* Calls through pointers in a compiler's retpolines (gcc -mindirect-branch=thunk-extern, clang -mretpoline). */
        .macro THUNK reg
        .globl __x86_indirect_thunk_\reg
        .hidden __x86_indirect_thunk_\reg
__x86_indirect_thunk_\reg:
        call    1f
2:      pause
        lfence
        jmp     2b
1:      movq    %\reg, (%rsp)
        ret
        .endm
        .irp r, rax,rbx,rcx,rdx,rsi,rdi,rbp,r8,r9,r10,r11,r12,r13,r14,r15
        THUNK   \r
        .endr

        .section .note.GNU-stack, "", @progbits
