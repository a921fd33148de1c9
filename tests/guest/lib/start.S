/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first instructions of a micro-guest, and the ELF notes that make it a
 * para-virtual kernel and dom0.  Everything the hypervisor gave in registers is kept in
 * boot_regs for test_start_info; then the kit's own stack is used.  Next: boot.c.
 */
#include <xen/elfnote.h>
#include <xen/features.h>

#define NOTE(type, ...)                 \
    .pushsection .note.xen, "a", @note; \
    .balign 4;                          \
    .long 4, 2f - 1f, type;             \
    .asciz "Xen";                       \
1:  __VA_ARGS__;                        \
2:  .balign 4;                          \
    .popsection

NOTE(XEN_ELFNOTE_GUEST_OS, .asciz "hospes-test")
NOTE(XEN_ELFNOTE_GUEST_VERSION, .asciz "1")
NOTE(XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0")
NOTE(XEN_ELFNOTE_LOADER, .asciz "generic")
NOTE(XEN_ELFNOTE_VIRT_BASE, .quad virt_base)
NOTE(XEN_ELFNOTE_PADDR_OFFSET, .quad 0)
NOTE(XEN_ELFNOTE_ENTRY, .quad guest_start)
NOTE(XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page)
NOTE(XEN_ELFNOTE_PAE_MODE, .asciz "yes")
NOTE(XEN_ELFNOTE_L1_MFN_VALID, .quad 1; .quad 1)
NOTE(XEN_ELFNOTE_HV_START_LOW, .quad 0xffff800000000000)
NOTE(XEN_ELFNOTE_FEATURES, .asciz "pae_pgdir_above_4gb")
NOTE(XEN_ELFNOTE_SUPPORTED_FEATURES, .long 1 << XENFEAT_dom0)

    .section .text.start, "ax"
    .globl hypercall_page
    .balign 4096
hypercall_page:
    .fill 4096, 1, 0xcc

    .globl guest_start
guest_start:
    movq %rsp, boot_regs(%rip)
    movq %rsi, boot_regs+8(%rip)
    movl %cs, %eax
    movq %rax, boot_regs+16(%rip)
    movl %ss, %eax
    movq %rax, boot_regs+24(%rip)
    movl %ds, %eax
    movq %rax, boot_regs+32(%rip)
    leaq boot_stack+BOOT_STACK(%rip), %rsp
    pushfq
    popq boot_regs+40(%rip)
    cld
    xorl %ebp, %ebp
    movq %rsi, %rdi
    call guest_boot
1:  pause
    jmp 1b

    .section .bss
    .balign 4096
    .globl boot_regs
boot_regs:
    .skip 64
    .set BOOT_STACK, 32768
    .balign 32768
    .globl boot_stack
boot_stack:
    .skip BOOT_STACK
