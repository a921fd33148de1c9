/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translations that CPUs hold, and the flush clock that tells who has flushed since when.
 *
 * The clock ticks at each full flush (of guest translations: ours are global and never change).  A frame that loses its
 * last use is stamped with the clock's low 24 bits; a CPU needs no flush on that frame's account if its own last flush
 * is later.
 */
#pragma once

#include "core/types.h"
#include "x86/cpumask.h"

/*
 * With PCIDs (and INVPCID: both or none), translations of a vCPU's two L4 tables live side by side on its CPU, under
 * numbers 0 (kernel) and 1 (its processes), 2 and 3 while page tables are isolated (pv/pti.c), and going from one to
 * the other flushes nothing. Every flush is one of all four.  CR3 words have bit 63 set then: "keep".
 */
/* Option pcid=, before tlb_use_pcid(). */
extern bool tlb_opt_pcid;
/* Each CPU: this is what it has; true: CR4.PCIDE is to be set. */
bool tlb_use_pcid(bool has_pcid, bool has_invpcid);
/* What CR3 is to hold for an L4 of a guest's. */
uint64_t tlb_cr3(mfn_t l4, bool user);
uint64_t tlb_keep(void);
/* The PCID of the isolated twin of what `cr3` selects. */
uint64_t tlb_shield_pcid(uint64_t cr3);

/* Load an L4 table; drops all guest translations of this CPU and ticks. */
void tlb_load_cr3(uint64_t cr3);
/* The same without counting as a flush: between the two tables of one vCPU. */
void tlb_toggle_cr3(uint64_t cr3);
/* When this CPU last flushed: changes with each full flush. */
uint64_t tlb_last_flush(void);
/* This CPU, guest translations. */
void tlb_flush_local(void);
void tlb_flush_page_local(uint64_t va);
/* Global entries too. Interrupts off. */
void tlb_flush_all_local(void);

/* The CPUs in mask (here too); waits.  Interrupts on, or mask is just this CPU. */
void tlb_flush_mask(const cpumask_t *mask);
void tlb_flush_page_mask(const cpumask_t *mask, uint64_t va);
/* Of mask, those that have not flushed since the stamp. */
void tlb_flush_older(const cpumask_t *mask, uint32_t stamp);
uint32_t tlb_stamp(void);
/* Boot: the flush vector. */
void tlb_init(void);
