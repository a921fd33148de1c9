/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's own page tables: built once at boot, then only ioremap() adds to them.
 *
 * All of slots 256-271 except 258 (each domain's own) lead to the same L3 tables, made here before the first
 * guest's L4 copies them, so that later additions are seen everywhere.  All entries are global.
 * The image is mapped with the rights its parts need: text can't be written, data can't be executed.
 */
#include "x86/paging.h"
#include "core/bootinfo.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/string.h"
#include "x86/alloc.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/layout.h"
#include "x86/lock.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"

extern char image_start[], text_end[], rodata_end[], image_end[];
extern uint64_t boot_l4[];

static uint64_t hv_l4[PTE_ENTRIES] __attribute__((aligned(4096)));
uint64_t hv_l4_maddr;
unsigned maddr_bits = 36;
uint64_t cr4_base, cr4_guest;
static bool no_global; /* [const after boot] */

static bool heap_is_up; /* tables come from the heap, not from boot_alloc() */

/* The table that an entry leads to, made if there is none; NULL: no memory.  Only what leads to the guests' view of the
 * M2P is for ring 3: a guest that maps its L4 into itself could read every table that such entries lead to. */
static uint64_t *table_below(uint64_t *entry, uint64_t user)
{
    if (!(*entry & PTE_P)) {
        void *t = heap_is_up ? pages_alloc(0) : boot_alloc(1);

        if (!t)
            return NULL;
        WRITE_ONCE(*entry, virt_to_maddr(t) | PTE_P | PTE_RW | PTE_A | PTE_D | user);
    }
    return maddr_to_virt(*entry & PTE_ADDR);
}

static unsigned index_at(uint64_t va, unsigned level)
{
    return va >> (12 + 9 * (level - 1)) & 511;
}

/* The biggest page (level 1-3) that fits at va for maddr and size. */
static unsigned fitting_level(uint64_t va, uint64_t maddr, uint64_t size)
{
    static bool have_1g, asked;

    if (!asked) {
        have_1g = cpuid_count(0x80000001, 0).d >> 26 & 1;
        asked = true;
    }
    if (have_1g && !((va | maddr) & 0x3fffffff) && size >= 0x40000000)
        return 3;
    return !((va | maddr) & 0x1fffff) && size >= 0x200000 ? 2 : 1;
}

/* The entry of level 1-3 for va; NULL: no memory for a table. */
static uint64_t *entry_at(uint64_t *t, uint64_t va, unsigned to_level, uint64_t user)
{
    for (unsigned level = 4; t && level > to_level; level--)
        t = table_below(&t[index_at(va, level)], user);
    return t ? &t[index_at(va, to_level)] : NULL;
}

/* One page of level 1-3.  False: no memory for a table. */
static bool map_in(uint64_t *t, uint64_t va, uint64_t maddr, unsigned to_level, uint64_t flags)
{
    uint64_t *e = entry_at(t, va, to_level, flags & PTE_US);

    if (e)
        *e = maddr | flags | PTE_P | PTE_A | PTE_D | (to_level > 1 ? PTE_PS : 0);
    return e;
}

/* In our own part; the guests' view of the M2P is not in all tables. */
static bool map_one(uint64_t va, uint64_t maddr, unsigned to_level, uint64_t flags)
{
    return map_in(hv_l4, va, maddr, to_level, flags | (flags & PTE_US ? 0 : PTE_G));
}

bool hv_map_in(uint64_t *l4, uint64_t va, uint64_t maddr, uint64_t size, uint64_t flags)
{
    for (uint64_t step; size; va += step, maddr += step, size -= step) {
        unsigned level = !((va | maddr) & 0x1fffff) && size >= 0x200000 ? 2 : 1;

        step = 1ul << (12 + 9 * (level - 1));
        if (!map_in(l4, va, maddr, level, flags))
            return false;
    }
    return true;
}

void hv_map(uint64_t va, uint64_t maddr, uint64_t size, uint64_t flags)
{
    while (size) {
        unsigned level = fitting_level(va, maddr, size);
        uint64_t step = 1ul << (12 + 9 * (level - 1));

        if (!map_one(va, maddr, level, flags))
            panic("no memory for the hypervisor's page tables\n");
        va += step;
        maddr += step;
        size -= MIN(step, size);
    }
}

/* The large page at e, an entry of that level, by pages of the level below. */
static void page_split(uint64_t *e, unsigned level)
{
    uint64_t *t = pages_alloc(0), step = 1ul << (12 + 9 * (level - 2));

    if (!t)
        panic("no memory for the hypervisor's page tables\n");
    for (unsigned i = 0; i < PTE_ENTRIES; i++)
        t[i] = (*e & ~(level == 2 ? PTE_PS : 0)) + i * step;
    WRITE_ONCE(*e, virt_to_maddr(t) | PTE_P | PTE_RW | PTE_A | PTE_D);
}

void hv_unmap_page(uint64_t va)
{
    uint64_t *t = hv_l4, *e;

    for (unsigned level = 4; level > 1; level--) {
        e = &t[index_at(va, level)];
        if (*e & PTE_PS)
            page_split(e, level);
        t = maddr_to_virt(*e & PTE_ADDR);
    }
    WRITE_ONCE(t[index_at(va, 1)], 0);
    invlpg(va);
}

uint64_t hv_translate(uint64_t va)
{
    uint64_t *t = hv_l4;

    for (unsigned level = 4;; level--) {
        uint64_t e = t[index_at(va, level)], offset = va & ((1ul << (12 + 9 * (level - 1))) - 1);

        if (!(e & PTE_P))
            return ~0ul;
        if (level == 1 || (e & PTE_PS))
            return (e & PTE_ADDR) + offset;
        t = maddr_to_virt(e & PTE_ADDR);
    }
}

/* ---- Device memory ---- */

static spinlock_t ioremap_lock = LOCK_INIT(RANK_IOREMAP);

void *ioremap(uint64_t maddr, size_t size)
{
    static uint64_t next = IOREMAP_START;
    uint64_t off = maddr & ~PAGE_MASK, len = ROUND_UP(off + size, PAGE_SIZE), va;
    bool ok;

    lock(&ioremap_lock);
    va = next;
    ok = len <= IOREMAP_END - va - PAGE_SIZE;
    for (uint64_t i = 0; i < len && ok; i += PAGE_SIZE) /* all tables first: the next one uses them, if this fails */
        ok = entry_at(hv_l4, va + i, 1, 0);
    for (uint64_t i = 0; i < len && ok; i += PAGE_SIZE)
        map_one(va + i, (maddr & PAGE_MASK) + i, 1, PTE_RW | PTE_NX | PTE_PCD | PTE_PWT);
    if (ok)
        next += len + PAGE_SIZE;
    unlock(&ioremap_lock);
    return ok ? (char *)va + off : NULL;
}

/* ---- Boot ---- */

static void map_direct(const struct boot_info *bi)
{
    hv_map(DIRECT_START, 0, 0x100000000ul, PTE_RW | PTE_NX); /* devices there are reached by their own mappings */
    for (unsigned i = 0; i < bi->nr_e820; i++) {
        const struct e820_range *r = &bi->e820[i];
        uint64_t start = ROUND_DOWN(r->start, 0x200000), end = ROUND_UP(r->start + r->size, 0x200000);

        if (r->type != E820_RAM && r->type != E820_ACPI && r->type != E820_NVS)
            continue;
        start = MAX(start, 0x100000000ul);
        end = MIN(end, DIRECT_SIZE);
        if (start < end)
            hv_map(DIRECT_START + start, start, end - start, PTE_RW | PTE_NX);
    }
}

/* Back the part of a table (frame table, M2P) that describes [first, end) with memory, in whole pieces. */
static void map_table(uint64_t table, size_t elem, uint64_t first, uint64_t end, uint64_t piece, uint64_t user_view)
{
    static uint64_t done_to; /* of the table now being mapped; callers go upwards */
    uint64_t va = ROUND_DOWN(table + first * elem, piece), stop = ROUND_UP(table + end * elem, piece);

    if (done_to > va && done_to <= stop && done_to > table)
        va = done_to;
    while (va < stop) {
        bool large = !(va & 0x1fffff) && stop - va >= 0x200000;
        uint64_t size = large ? 0x200000 : PAGE_SIZE;
        void *p = boot_alloc(size / PAGE_SIZE);

        hv_map(va, virt_to_maddr(p), size, PTE_RW | PTE_NX);
        if (user_view) { /* the M2P: no frame has a guest's number yet */
            hv_map(user_view + (va - table), virt_to_maddr(p), size, PTE_US | PTE_NX);
            memset(p, 0xff, size);
        }
        va += size;
    }
    done_to = stop;
}

static void map_tables(const struct boot_info *bi)
{
    for (unsigned i = 0; i < bi->nr_e820; i++)
        if (bi->e820[i].type == E820_RAM)
            map_table(FRAMES_START, sizeof(struct frame), bi->e820[i].start >> PAGE_SHIFT,
                      (bi->e820[i].start + bi->e820[i].size) >> PAGE_SHIFT, PAGE_SIZE, 0);
    for (unsigned i = 0; i < bi->nr_e820; i++)
        if (bi->e820[i].type == E820_RAM)
            map_table(M2P_START, 8, bi->e820[i].start >> PAGE_SHIFT,
                      (bi->e820[i].start + bi->e820[i].size) >> PAGE_SHIFT, M2P_CHUNK, M2P_RO_START);
}

static void map_image(void)
{
    uint64_t maddr = IMAGE_PHYS - IMAGE_START;
    uint64_t start = (uint64_t)image_start, text = (uint64_t)text_end, ro = (uint64_t)rodata_end;

    for (uint64_t va = start; va < (uint64_t)image_end; va += PAGE_SIZE)
        map_one(va, va + maddr, 1, va < text ? 0 : va < ro ? PTE_NX : PTE_RW | PTE_NX);
}

void paging_init(const struct boot_info *bi)
{
    smap_init();
    if (cpuid_count(0x80000000, 0).a >= 0x80000008)
        maddr_bits = cpuid_count(0x80000008, 0).a & 0xff;
    hv_l4_maddr = virt_to_maddr(hv_l4);
    for (unsigned slot = HV_L4_FIRST; slot < HV_L4_FIRST + HV_L4_COUNT; slot++)
        if (slot != PERDOMAIN_L4)
            table_below(&hv_l4[slot], slot == HV_L4_FIRST ? PTE_US : 0);
    map_direct(bi);
    map_image();
    WRITE_CR(3, hv_l4_maddr);
    map_tables(bi);
}

void paging_use_heap(void)
{
    heap_is_up = true;
}

void paging_init_cpu(void)
{
    struct cpuid_leaf l7 = { 0 };

    if (cpuid_count(0, 0).a >= 7)
        l7 = cpuid_count(7, 0);
    cr4_base = CR4_PAE | (no_global ? 0 : CR4_PGE) | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_MCE | CR4_DE;
    if (tlb_use_pcid(cpuid_count(1, 0).c & CPUID1_PCID, l7.b & CPUID7_INVPCID))
        cr4_base |= CR4_PCIDE;
    if (l7.b & CPUID7_SMEP)
        cr4_base |= CR4_SMEP;
    if (l7.b & CPUID7_SMAP)
        cr4_base |= CR4_SMAP;
    cr4_guest = CR4_TSD | CR4_DE | (l7.b & CPUID7_FSGSBASE ? CR4_FSGSBASE : 0);
    if (cpuid_count(1, 0).c & CPUID1_XSAVE)
        cr4_base |= CR4_OSXSAVE;
    WRITE_CR(4, cr4_base);
    WRITE_CR(0, CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
    wrmsr(MSR_PAT, PAT_HOSPES);
}

void paging_no_global(void)
{
    no_global = true;
    cr4_base &= ~CR4_PGE;
    WRITE_CR(4, cr4_base);
}

uint64_t hv_l4_entry(unsigned slot)
{
    return hv_l4[slot];
}

void hv_fill_l4(uint64_t *l4, uint64_t per_domain)
{
    memcpy(&l4[HV_L4_FIRST], &hv_l4[HV_L4_FIRST], HV_L4_COUNT * sizeof(*l4));
    l4[PERDOMAIN_L4] = per_domain;
}
