/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first instructions.  A boot loader (multiboot 1 or 2) enters boot_entry in 32-bit protected mode
 * without paging; we map the first 4 GiB (identity and direct map) and the image, go to 64 bits and call
 * boot_main() on the boot CPU's stack.  Further CPUs come in at trampoline_start in real mode, from a copy
 * of that code in low memory, and end in ap_main().
 */
#include "asm_offsets.h"
#include "x86/layout.h"

#define PHYS(sym) ((sym) - IMAGE_START + IMAGE_PHYS)

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003            /* page-align modules, memory info, addresses below */
#define MB2_MAGIC 0xe85250d6

        .section .text.head, "ax"
        .code32
        .balign 8
mb1_header:
        .long MB1_MAGIC
        .long MB1_FLAGS
        .long -(MB1_MAGIC + MB1_FLAGS)
        .long PHYS(mb1_header)
        .long PHYS(text_start)
        .long PHYS(data_end)
        .long PHYS(image_end)
        .long PHYS(boot_entry)

        .balign 8
mb2_header:
        .long MB2_MAGIC
        .long 0                         /* i386 */
        .long mb2_end - mb2_header
        .long -(MB2_MAGIC + (mb2_end - mb2_header))
        .balign 8
        .short 1, 0                     /* information request: memory map, ACPI, EFI map */
        .long 8 + 6 * 4
        .long 6, 14, 15, 17, 12, 3
        .balign 8
        .short 2, 0                     /* addresses */
        .long 24
        .long PHYS(mb2_header), PHYS(text_start), PHYS(data_end), PHYS(image_end)
        .balign 8
        .short 3, 0                     /* entry */
        .long 12
        .long PHYS(boot_entry)
        .balign 8
        .short 6, 0                     /* modules page-aligned */
        .long 8
        .balign 8
        .short 0, 0
        .long 8
mb2_end:

        .globl boot_entry
boot_entry:
        cld
        cli
        movl    $PHYS(boot_stack_top), %esp
        movl    %eax, %ebp              /* loader's magic */
        movl    %ebx, %esi              /* its information */

        movl    $0x80000000, %eax
        cpuid
        cmpl    $0x80000001, %eax
        jb      no_long_mode
        movl    $0x80000001, %eax
        cpuid
        testl   $1 << 29, %edx
        jz      no_long_mode
        testl   $1 << 20, %edx          /* NX */
        jz      no_long_mode

        /* 4 GiB in 2 MiB pages, for the identity map and the direct map. */
        movl    $PHYS(boot_l2_low), %edi
        movl    $0xe3, %eax             /* present, writable, accessed, dirty, large */
        xorl    %edx, %edx
        movl    $2048, %ecx
1:      movl    %eax, (%edi)
        movl    %edx, 4(%edi)
        addl    $0x200000, %eax
        addl    $8, %edi
        loop    1b
        /* The image, in 2 MiB pages until paging_init() gives it its proper rights. */
        movl    $PHYS(boot_l2_image), %edi
        movl    $IMAGE_PHYS + 0xe3, %eax
        movl    $16, %ecx
1:      movl    %eax, (%edi)
        addl    $0x200000, %eax
        addl    $8, %edi
        loop    1b

        call    enter_long_mode
        ljmp    $0x08, $PHYS(boot_64)

no_long_mode:
        movl    $PHYS(no_long_mode_text), %esi
1:      movw    $0x3fd, %dx
        inb     %dx, %al
        testb   $0x20, %al
        jz      1b
        lodsb
        testb   %al, %al
        jz      2f
        movw    $0x3f8, %dx
        outb    %al, %dx
        jmp     1b
2:      hlt
        jmp     2b
no_long_mode_text:
        .asciz  "Hospes: this processor has no 64-bit mode (or no NX). Halted.\r\n"

/* Paging and long mode on, with boot_l4.  Clobbers eax, ecx, edx. */
enter_long_mode:
        movl    $0xa0, %eax             /* PAE, PGE */
        movl    %eax, %cr4
        movl    $PHYS(boot_l4), %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx
        rdmsr
        orl     $0x901, %eax            /* SCE, LME, NXE */
        wrmsr
        movl    $0x80050033, %eax       /* PG, AM, WP, NE, ET, MP, PE */
        movl    %eax, %cr0
        lgdt    PHYS(boot_gdtr)
        ret

        .code64
boot_64:
        movabsq $boot_high, %rax
        jmp     *%rax
boot_high:
        leaq    boot_stack_top(%rip), %rsp
        xorl    %eax, %eax
        movl    %eax, %ss
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        leaq    bss_start(%rip), %rdi   /* the loader need not have cleared all of it; the tables */
        leaq    bss_end(%rip), %rcx     /* in use are in .data */
        subq    %rdi, %rcx
        shrq    $3, %rcx
        rep stosq
        leaq    boot_cpu_stack(%rip), %rsp
        addq    $0x10000 - CPU_BLOCK_SIZE, %rsp     /* CPU_STACK_SIZE - sizeof(struct cpu_block) */
        movl    %ebp, %edi
        movl    %esi, %esi
        xorl    %ebp, %ebp
        pushq   $0
        jmp     boot_main

/*
 * The trampoline: copied to a page below 1 MiB; %cs << 4 is its address.  Takes CR3, the stack and the
 * entry from the variables at its end, set by smp.c for one CPU at a time.
 */
        .balign 16
        .globl trampoline_start, trampoline_end, trampoline_cr3, trampoline_stack
        .code16
trampoline_start:
        cli
        cld
        movw    %cs, %ax
        movw    %ax, %ds
        movzwl  %ax, %ebx
        shll    $4, %ebx                /* our address */
        leal    trampoline_32 - trampoline_start(%ebx), %eax
        movl    %eax, trampoline_jump32 - trampoline_start
        leal    trampoline_gdt - trampoline_start(%ebx), %eax
        movl    %eax, trampoline_gdtr + 2 - trampoline_start
        lgdtl   trampoline_gdtr - trampoline_start
        movl    $0x11, %eax
        movl    %eax, %cr0
        ljmpl   *(trampoline_jump32 - trampoline_start)
        .code32
trampoline_32:
        movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    $0xa0, %eax
        movl    %eax, %cr4
        movl    trampoline_cr3 - trampoline_start(%ebx), %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx
        rdmsr
        orl     $0x901, %eax
        wrmsr
        movl    $0x80050033, %eax
        movl    %eax, %cr0
        leal    trampoline_64 - trampoline_start(%ebx), %eax
        movl    %eax, trampoline_jump64 - trampoline_start(%ebx)
        ljmpl   *(trampoline_jump64 - trampoline_start)(%ebx)
        .code64
trampoline_64:
        movq    trampoline_stack - trampoline_start(%rbx), %rsp
        xorl    %eax, %eax
        movl    %eax, %ss
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        xorl    %ebp, %ebp
        pushq   $0
        movabsq $ap_main, %rax
        jmp     *%rax
        .balign 8
trampoline_gdt:
        .quad   0
        .quad   0x00cf9a000000ffff      /* 32-bit code */
        .quad   0x00cf92000000ffff      /* data */
        .quad   0x00af9a000000ffff      /* 64-bit code */
trampoline_gdtr:
        .short  31
        .long   0
trampoline_jump32:
        .long   0
        .short  0x08
trampoline_jump64:
        .long   0
        .short  0x18
        .balign 8
trampoline_cr3:
        .quad   0
trampoline_stack:
        .quad   0
trampoline_end:

        .section .data, "aw"
        .balign 8
boot_gdt:
        .quad   0
        .quad   0x00af9a000000ffff      /* 64-bit code */
        .quad   0x00cf92000000ffff
boot_gdtr:
        .short  23
        .long   PHYS(boot_gdt)

        .section .data.page, "aw"
        .balign 4096
        .globl boot_l4
boot_l4:
        .quad   PHYS(boot_l3_low) + 0x63
        .fill   260, 8, 0
        .quad   PHYS(boot_l3_image) + 0x63      /* slot 261 */
        .quad   PHYS(boot_l3_low) + 0x63        /* slot 262: direct map */
        .fill   249, 8, 0
boot_l3_low:
        .quad   PHYS(boot_l2_low) + 0x63
        .quad   PHYS(boot_l2_low) + 0x1063
        .quad   PHYS(boot_l2_low) + 0x2063
        .quad   PHYS(boot_l2_low) + 0x3063
        .fill   508, 8, 0
boot_l3_image:
        .fill   322, 8, 0
        .quad   PHYS(boot_l2_image) + 0x63
        .fill   189, 8, 0
boot_l2_low:
        .fill   2048, 8, 0
boot_l2_image:
        .fill   512, 8, 0
        .fill   64, 8, 0
boot_stack_top:

        .section .bss..stack, "aw", @nobits
        .balign 4096                    /* hospes.lds.in puts it at a multiple of its size */
        .globl boot_cpu_stack
boot_cpu_stack:
        .skip   0x10000
        .section .note.GNU-stack, "", @progbits
