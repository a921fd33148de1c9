/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the assembly of entry.S and syscall.S has in common. */
#pragma once

#include "asm_offsets.h"
#include "x86/gate.h"
#include "x86/layout.h"
#include "x86/selectors.h"
#include "x86/uaccess_asm.h"

#define FRAME_SIZE R_es

        .macro SAVE_REGS
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        pushq   %rcx
        pushq   %rax
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        cld
        .endm

        .macro RESTORE_REGS
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rax
        popq    %rcx
        popq    %rdx
        popq    %rsi
        popq    %rdi
        .endm

        /* Values of a guest must not steer what we speculate on. */
        .macro CLEAR_REGS
        xorl    %ebp, %ebp
        xorl    %r8d, %r8d
        xorl    %r9d, %r9d
        xorl    %r10d, %r10d
        xorl    %r11d, %r11d
        xorl    %r12d, %r12d
        xorl    %r13d, %r13d
        xorl    %r14d, %r14d
        xorl    %r15d, %r15d
        .endm

        /* Sites where isolated page tables have something to do: what stands between PTI_SITE and PTI_SITE_END, five bytes or
         * more, is replaced by a call of `target` (or a jump) at boot if they are in force: pv/pti.c. */
        .macro  PTI_SITE target, jump=0
        .pushsection .pti_sites, "a"
        .balign 4
        .long   661f - ., \target - ., 662f - 661f, \jump
        .popsection
661:
        .endm
        .macro  PTI_SITE_END
662:
        .endm
        .macro  PTI_CALL target
        PTI_SITE \target
        .byte   0x0f, 0x1f, 0x44, 0, 0
        PTI_SITE_END
        .endm

        /* One more of what kern/counters.h counts as `what`. %rsp is the CPU's stack. */
#define COUNT(what, tmp)                                \
        leaq    percpu_counters + C_##what(%rip), tmp ; \
        addq    B_percpu_offset(%rsp), tmp ;            \
        incq    (tmp)
