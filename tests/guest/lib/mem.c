/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames and page tables of a micro-guest.  vCPU 0 only (no lock). */
#include "check.h"
#include "hypercall.h"
#include "mem.h"

static unsigned long next_page, end_page, next_far;

void mem_init(void)
{
    unsigned long end = start_info->pt_base + start_info->nr_pt_frames * PAGE_SIZE;

    if (boot_regs.rsp > end)
        end = (boot_regs.rsp + PAGE_SIZE - 1) & PAGE_MASK;
    next_page = virt_to_pfn((void *)end) + 1;
    /* The ABI promises 512 kB behind the last bootstrap element and an end on 4 MB. */
    end_page = (next_page - 1 + 127) & ~1023ul;
    end_page += 1024;
    if (end_page > start_info->nr_pages)
        end_page = start_info->nr_pages;
    next_far = start_info->nr_pages;
}

void *page_alloc(void)
{
    void *p = pfn_to_virt(next_page);

    if (next_page >= end_page || !pt_entry(NULL, (unsigned long)p, 1))
        test_abort("out of boot pages");
    next_page++;
    memset(p, 0, PAGE_SIZE);
    return p;
}

unsigned long pfn_alloc(void)
{
    if (next_far <= end_page)
        test_abort("out of frames");
    return --next_far;
}

unsigned long pfn_to_mfn(unsigned long pfn)
{
    return ((unsigned long *)start_info->mfn_list)[pfn];
}

unsigned long mfn_to_pfn(unsigned long mfn)
{
    return machine_to_phys_mapping[mfn];
}

unsigned long virt_to_mfn(const volatile void *p)
{
    return pfn_to_mfn(virt_to_pfn(p));
}

unsigned long virt_to_maddr(const volatile void *p)
{
    return (virt_to_mfn(p) << PAGE_SHIFT) | ((unsigned long)p & ~PAGE_MASK);
}

uint64_t *pt_root(void)
{
    return (uint64_t *)start_info->pt_base;
}

uint64_t *pt_entry(const void *l4, unsigned long va, int level)
{
    uint64_t *table = l4 ? (uint64_t *)(uintptr_t)l4 : pt_root();

    for (int l = 4; ; l--) {
        uint64_t *e = &table[(va >> (12 + 9 * (l - 1))) & 511];

        if (l == level)
            return e;
        if (!(*e & PTE_P) || (*e & PTE_PSE && l < 4))
            return NULL;
        table = pfn_to_virt(mfn_to_pfn((*e & PTE_ADDR) >> PAGE_SHIFT));
    }
}

unsigned long pt_entry_maddr(const void *l4, unsigned long va, int level)
{
    uint64_t *e = pt_entry(l4, va, level);

    return e ? virt_to_maddr(e) : 0;
}

long pt_write_cmd(unsigned long maddr, unsigned long val, unsigned cmd)
{
    struct mmu_update u = { .ptr = maddr | cmd, .val = val };
    unsigned done = 0;
    long rc = hypercall(mmu_update, &u, 1, &done, DOMID_SELF);

    if (!rc && done != 1)
        test_abort("mmu_update: done count is wrong");
    return rc;
}

long pt_write(unsigned long maddr, unsigned long val)
{
    return pt_write_cmd(maddr, val, MMU_NORMAL_PT_UPDATE);
}

long page_protect(void *page, unsigned long flags)
{
    return hypercall(update_va_mapping, page, pte_make(virt_to_mfn(page), flags), UVMF_INVLPG | UVMF_ALL);
}

long map_page(void *l4, unsigned long va, unsigned long mfn, unsigned long flags)
{
    for (int level = 4; level > 1; level--) {
        uint64_t *e = pt_entry(l4, va, level);
        void *table;

        if (*e & PTE_P)
            continue;
        table = page_alloc();
        if (page_make_ro(table) || pt_write(virt_to_maddr(e), pte_make(virt_to_mfn(table), PTE_TABLE)))
            test_abort("map_page: no table");
    }
    return pt_write(pt_entry_maddr(l4, va, 1), pte_make(mfn, flags));
}

long mmuext_one(unsigned cmd, unsigned long arg1, unsigned long arg2)
{
    struct mmuext_op op = { .cmd = cmd };

    op.arg1.linear_addr = arg1;
    op.arg2.src_mfn = arg2;
    return hypercall(mmuext_op, &op, 1, NULL, DOMID_SELF);
}

uint64_t *l4_alloc(void)
{
    uint64_t *l4 = page_alloc();

    if (page_make_ro(l4))
        test_abort("l4_alloc");
    return l4;
}
