/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segment selectors (the guest's are the ABI's FLAT_* ones) and the vectors that mark how a frame came to be. For C and assembly. */
#pragma once

#define GDT_FIRST   0xe000   /* the first reserved entry's byte offset: FIRST_RESERVED_GDT_BYTE */
#define HV_CS       0xe008
#define HV_DS       0xe010
#define GUEST_CS32  0xe023
#define GUEST_SS    0xe02b
#define GUEST_CS64  0xe033
#define HV_TSS      0xe038
#define HV_LDT      0xe048
#define HV_PERCPU   0xe05b   /* limit holds the CPU number, as vsyscall getcpu code expects */

#define VECTOR_SYSCALL   0x100
#define VECTOR_SYSCALL32 0x101
#define VECTOR_SYSENTER  0x102
#define VECTOR_HANDLER   0x103 /* none: the guest goes on in a handler of its own; its rcx and r11 are saved */

/* RFLAGS of guests: what iret may set, what is always set, what a handler begins with of what was. */
#define FLAGS_GUEST_MAY_SET 0x3d4fd7
#define FLAGS_GUEST_HAS     0x202
#define FLAGS_OF_HANDLER    (~0x77100) /* AC VM RF NT IOPL TF off */

#define CPU_STACK_MASK 0xffff
/* From the frame of a fault at exit_iretq to vcpu.regs: see entry.S. */
#define IRET_FAULT_GAP 48
