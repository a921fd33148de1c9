/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the processor's control bits and MSRs that we use (APM2 and SDM3 list them). */
#pragma once

#define CR0_PE 0x1ul
#define CR0_MP 0x2ul
#define CR0_EM 0x4ul
#define CR0_TS 0x8ul
#define CR0_ET 0x10ul
#define CR0_NE 0x20ul
#define CR0_WP 0x10000ul
#define CR0_AM 0x40000ul
#define CR0_NW 0x20000000ul
#define CR0_CD 0x40000000ul
#define CR0_PG 0x80000000ul

#define CR4_TSD        0x4ul
#define CR4_DE         0x8ul
#define CR4_PAE        0x20ul
#define CR4_MCE        0x40ul
#define CR4_PGE        0x80ul
#define CR4_PCE        0x100ul
#define CR4_OSFXSR     0x200ul
#define CR4_OSXMMEXCPT 0x400ul
#define CR4_UMIP       0x800ul
#define CR4_FSGSBASE   0x10000ul
#define CR4_PCIDE      0x20000ul
#define CR4_OSXSAVE    0x40000ul
#define CR4_SMEP       0x100000ul
#define CR4_SMAP       0x200000ul

#define CPUID1_XSAVE    (1u << 26) /* ecx */
#define CPUID1_PCID     (1u << 17) /* ecx */
#define CPUID7_FSGSBASE (1u << 0)  /* ebx */
#define CPUID7_SMEP     (1u << 7)
#define CPUID7_INVPCID  (1u << 10)
#define CPUID7_SMAP     (1u << 20)

#define MSR_APIC_BASE      0x1b
#define MSR_SYSENTER_CS    0x174
#define MSR_SYSENTER_ESP   0x175
#define MSR_SYSENTER_EIP   0x176
#define MSR_PAT            0x277
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_SYSCALL_MASK   0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX        0xc0000103

#define EFER_SCE 0x1ul
#define EFER_LME 0x100ul
#define EFER_LMA 0x400ul
#define EFER_NXE 0x800ul
