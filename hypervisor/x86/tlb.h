/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translations that CPUs hold, and the flush clock that tells who has flushed since when.
 *
 * The clock ticks at each full flush (of guest translations: ours are global and never change).  A frame that loses its
 * last use is stamped with the clock's low 24 bits; a CPU needs no flush on that frame's account if its own last flush is later.
 */
#ifndef X86_TLB_H
#define X86_TLB_H

#include "x86/cpumask.h"

/* Load an L4 table; drops all guest translations of this CPU and ticks. */
void tlb_load_cr3(uint64_t l4_maddr);
/* The same without counting as a flush: between the two tables of one vCPU. */
void tlb_toggle_cr3(uint64_t l4_maddr);
/* This CPU, guest translations. */
void tlb_flush_local(void);
void tlb_flush_page_local(uint64_t va);

/* The CPUs in mask (here too); waits.  Interrupts on, or mask is just this CPU. */
void tlb_flush_mask(const cpumask_t *mask);
void tlb_flush_page_mask(const cpumask_t *mask, uint64_t va);
/* Of mask, those that have not flushed since the stamp. */
void tlb_flush_older(const cpumask_t *mask, uint32_t stamp);
uint32_t tlb_stamp(void);
/* Boot: the flush vector. */
void tlb_init(void);

#endif
