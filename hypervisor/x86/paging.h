/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypervisor's own mappings: x86/layout.h says where things lie. */
#pragma once

#include "core/types.h"

struct boot_info;

/* Boot, in order: direct map of all RAM; then the frame table and M2P; then the image's proper rights. */
void paging_init(const struct boot_info *bi);
/* From now on tables come from the heap. */
void paging_use_heap(void);
/* CR0/CR4 bits of this CPU: WP, SMEP, SMAP, PGE ... and the PAT. */
void paging_init_cpu(void);
/* From now on no mapping is global, here and on CPUs that start later. */
void paging_no_global(void);

/* Map [maddr, maddr+size) at va with the PTE_* flags, in large pages where that fits.  Boot and ioremap only. */
void hv_map(uint64_t va, uint64_t maddr, uint64_t size, uint64_t flags);
/* The same in the lower half of another table.  Boot only, size a multiple of the page size.  False: no memory. */
bool hv_map_in(uint64_t *l4, uint64_t va, uint64_t maddr, uint64_t size, uint64_t flags);
/* Nothing is mapped any more at this one page of ours, for this CPU and for those that have not started yet.  Boot only. */
void hv_unmap_page(uint64_t va);
/* Device memory, uncached; never unmapped.  NULL: no room, or no memory; nothing is mapped then, and no addresses are used up. */
void *ioremap(uint64_t maddr, size_t size);
/* The machine address that one of our own addresses is mapped to; ~0: none. */
uint64_t hv_translate(uint64_t va);
/* Our entries (256-271) of an L4 table; per_domain: entry 258, or 0. */
void hv_fill_l4(uint64_t *l4, uint64_t per_domain);
/* One of them, but not 258. */
uint64_t hv_l4_entry(unsigned slot);
/* The L4 table that has nothing but our own mappings. */
extern uint64_t hv_l4_maddr;
/* Width of machine addresses in bits. */
extern unsigned maddr_bits;
/* CR4 as this machine's CPUs have it while guests run. */
extern uint64_t cr4_base;
/* CR4 bits that a guest may choose (FSGSBASE: its processes must not have these instructions unless its kernel wants that). */
extern uint64_t cr4_guest;

/* Boot: n (1 or 512) zeroed pages, aligned to their size, that are never given back, from memory below 4 GiB. */
void *boot_alloc(size_t npages);

#define PAT_HOSPES 0x050100070406ul /* 0 WB, 1 WT, 2 UC-, 3 UC, 4 WC, 5 WP, 6 UC, 7 UC: as the ABI fixes it */
