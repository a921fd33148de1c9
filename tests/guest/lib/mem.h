/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames and page tables.  Frame numbers: pfn is the guest's own, mfn the machine's.  The boot mapping
 * shows pfn n at VIRT_BASE + n pages; pages from page_alloc() lie in it.
 */
#ifndef GUEST_MEM_H
#define GUEST_MEM_H

#include "boot.h"
#include "types.h"

void mem_init(void);

/* A zeroed page, mapped writable in the boot mapping.  Never fails (ends the test). */
void *page_alloc(void);
/* A frame outside the boot mapping; its pfn. */
unsigned long pfn_alloc(void);

unsigned long pfn_to_mfn(unsigned long pfn);
unsigned long mfn_to_pfn(unsigned long mfn);
static inline unsigned long virt_to_pfn(const volatile void *p)
{
    return ((unsigned long)p - VIRT_BASE) >> PAGE_SHIFT;
}
static inline void *pfn_to_virt(unsigned long pfn)
{
    return (void *)(VIRT_BASE + (pfn << PAGE_SHIFT));
}
unsigned long virt_to_mfn(const volatile void *p);
/* Machine address of a byte in the boot mapping. */
unsigned long virt_to_maddr(const volatile void *p);
static inline unsigned long pte_make(unsigned long mfn, unsigned long flags)
{
    return (mfn << PAGE_SHIFT) | flags;
}

/* The entry of `level` (1..4) that translates va in the table at l4 (NULL: ours), NULL if a level is missing. */
uint64_t *pt_entry(const void *l4, unsigned long va, int level);
/* The same as a machine address, 0 if missing. */
unsigned long pt_entry_maddr(const void *l4, unsigned long va, int level);
/* The boot L4. */
uint64_t *pt_root(void);

/* Change one entry by mmu_update. */
long pt_write(unsigned long maddr, unsigned long val);
long pt_write_cmd(unsigned long maddr, unsigned long val, unsigned cmd);
/* Remap a page of the boot mapping. */
long page_protect(void *page, unsigned long flags);
#define page_make_ro(p) page_protect(p, PTE_RO)
#define page_make_rw(p) page_protect(p, PTE_RW)
/* A page ready to become a page table: filled by the caller, then page_make_ro. */

/* Map mfn at va in l4 (NULL: ours), making the tables on the way. */
long map_page(void *l4, unsigned long va, unsigned long mfn, unsigned long flags);

long mmuext_one(unsigned cmd, unsigned long arg1, unsigned long arg2);
#define pin(level, mfn) mmuext_one(MMUEXT_PIN_L##level##_TABLE, mfn, 0)
#define unpin(mfn)      mmuext_one(MMUEXT_UNPIN_TABLE, mfn, 0)

/* A bare L4 with nothing in it but what the hypervisor adds, read-only mapped, not pinned. */
uint64_t *l4_alloc(void);

#endif
