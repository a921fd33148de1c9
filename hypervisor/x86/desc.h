/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each CPU's descriptor tables: GDT page, TSS, IDT, and the system-call entry. */
#pragma once

#include "core/types.h"

/* On the CPU itself, with its cpu_block set up and its percpu area there: load GDT, IDT, TSS, system-call MSRs. */
void desc_init_cpu(void);
/* From now on, on this CPU and on those that start later: traps land where isolated page tables have memory (pv/pti.c);
 * system calls enter by the targets given. */
void desc_shield(uint64_t syscall_target);
/* Where the IDT is: a page of its own, of the image. */
uint64_t desc_idt(void);
/* The maddr of this CPU's page of reserved GDT entries: page 14 of any GDT it uses. */
uint64_t desc_gdt_page(void);
/* A trap from ring 3 lands at `frame_end` (see struct vcpu). */
void desc_set_frame(uint64_t frame_end);
/* LDT of n entries at va; n == 0: none. */
void desc_load_ldt(uint64_t va, unsigned n);
/* Use the GDT at va: 14 pages of a guest's, then this CPU's. */
void desc_load_gdt(uint64_t va);
/* Back to the CPU's own (no guest part). */
void desc_load_own_gdt(void);
