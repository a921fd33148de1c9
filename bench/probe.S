/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A multiboot "kernel" that prints the TSC at its entry on the first serial line, in hexadecimal after "TSC ", and ends the
 * machine through isa-debug-exit. Under -icount this is what firmware and loader take before a hypervisor's first instruction.
 */
    .section .text
    .align 4
    .long 0x1badb002, 0, -0x1badb002
    .code32
    .globl _start
_start:
    rdtsc
    mov %eax, %esi
    mov %edx, %edi
    mov $0x3f8, %edx
    mov $'T', %al
    out %al, %dx
    mov $'S', %al
    out %al, %dx
    mov $'C', %al
    out %al, %dx
    mov $' ', %al
    out %al, %dx
    mov $16, %ecx
digit:
    mov %edi, %eax
    shr $28, %eax
    shld $4, %esi, %edi
    shl $4, %esi
    add $'0', %al
    cmp $'9', %al
    jbe put
    add $('a' - '9' - 1), %al
put:
    out %al, %dx
    loop digit
    mov $'\n', %al
    out %al, %dx
    mov $0xf4, %edx
    out %al, %dx
    hlt
