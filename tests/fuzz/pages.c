/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arena: see pages.h.  All of it may be changed by all vCPUs at once. */
#include <xen/memory.h>
#include "boot.h"
#include "check.h"
#include "grammar.h"
#include "hypercall.h"
#include "mem.h"
#include "pages.h"
#include "random.h"
#include "user.h"

char *arena_va[ARENA];
unsigned long arena_mfn[ARENA];
uint8_t arena_level[ARENA];
unsigned long special_mfn[SPECIAL];
unsigned specials;
static unsigned long boot_mfn;          /* of the boot tables: the root; the others lie around it */

void special_add(unsigned long mfn)
{
    special_mfn[specials++ % SPECIAL] = mfn;
}

void pages_init(void)
{
    for (unsigned i = 0; i < ARENA; i++) {
        arena_va[i] = page_alloc();
        arena_mfn[i] = virt_to_mfn(arena_va[i]);
    }
    for (unsigned i = 0; i < WINDOW_SLOTS; i += 512)
        if (map_page(NULL, WINDOW + i * PAGE_SIZE, 0, 0))
            test_abort("pages: no window");
    boot_mfn = virt_to_mfn(pt_root());
    special_add(start_info->shared_info >> PAGE_SHIFT);
}

unsigned long arena_any(void)
{
    return arena_mfn[rnd(ARENA)];
}

unsigned table_any(unsigned level)
{
    unsigned start = rnd(ARENA);

    for (unsigned i = 0; i < ARENA; i++)
        if (arena_level[(start + i) % ARENA] == level)
            return (start + i) % ARENA;
    return start;
}

unsigned long any_mfn(void)
{
    switch (rnd(48)) {
    case 0:  return wild();
    case 1:  return rnd(0x1000);                                /* the hypervisor's, the first megabytes */
    case 2:  return 0xfee00 - rnd(2) * 0x200 + rnd(4);          /* devices */
    case 3:  return 0xe0000 + rnd(0x1ffff);
    case 4:
    case 5:  return arena_any() + rnd(1024) - 512;              /* somebody else's */
    case 6:  return boot_mfn + rnd(8);
    case 7:
    case 8:  return special_mfn[rnd(specials < SPECIAL ? specials : SPECIAL)];
    case 9: case 10: case 11: case 12: case 13: case 14:
        return arena_mfn[table_any(1 + rnd(4))];
    default: return arena_any();
    }
}

uint64_t window_address(void)
{
    return WINDOW + rnd(rnd(4) ? 64 : WINDOW_SLOTS) * PAGE_SIZE + (one_in(64) ? wild() : 0);
}

static unsigned long entry_flags(void)
{
    switch (rnd(12)) {
    case 0:  return rnd64() & (PTE_NX | 0xfff);
    case 1:  return PTE_TABLE | PTE_G | PTE_NX;
    case 2:  return 0;
    case 3: case 4: case 5: case 6:
        return PTE_RW;
    default: return PTE_RO;
    }
}

uint64_t any_entry(void)
{
    if (one_in(32))
        return wild();
    return one_in(4) ? 0 : pte_make(any_mfn(), entry_flags()) ^ (one_in(32) ? 1ul << rnd(64) : 0);
}

uint64_t any_entry_address(void)
{
    unsigned n = rnd(64), cmd = one_in(8) ? rnd(4) : rnd(2) * 2;
    uint64_t at;

    if (n < 36)
        at = (arena_mfn[table_any(1 + rnd(4))] << PAGE_SHIFT) + rnd(rnd(2) ? 8 : 512) * 8;
    else if (n < 58)
        at = pt_entry_maddr(NULL, WINDOW + rnd(WINDOW_SLOTS) * PAGE_SIZE, 1);
    else if (n < 60)
        at = pt_entry_maddr(NULL, WINDOW + 0x200000ul * (2 + rnd(16)), 2);
    else if (n < 63)
        at = (any_mfn() << PAGE_SHIFT) + rnd(512) * 8;
    else
        at = one_in(8) ? pt_entry_maddr(NULL, VIRT_BASE + rnd(1024) * PAGE_SIZE, 1 + (int)rnd(4)) : wild();
    return at | cmd;
}

/* ---- tables ---- */

static void fill_root(uint64_t *t)
{
    const uint64_t *root = pt_root();

    t[511] = root[511];
    t[WINDOW >> 39 & 511] = root[WINDOW >> 39 & 511];
    t[0] = root[0];
}

/* Write up to a few entries that a table of this level may have (or not). */
static void fill(uint64_t *t, unsigned level, unsigned self)
{
    memset(t, 0, PAGE_SIZE);
    for (unsigned n = rnd(12); n; n--) {
        unsigned long mfn = level == 1 ? any_mfn() : arena_mfn[table_any(level - 1)];
        unsigned long flags = level > 1 ? PTE_TABLE : rnd(3) ? PTE_RO : PTE_RW;

        t[rnd(rnd(2) ? 16 : 512)] = pte_make(mfn, one_in(16) ? entry_flags() : flags);
    }
    if (level > 1 && one_in(4))     /* a linear table: of its own level, read-only */
        t[rnd(240)] = pte_make(one_in(2) ? arena_mfn[self] : arena_mfn[table_any(level)], PTE_RO);
    if (level == 4 && rnd(40))      /* with what a vCPU needs to live on it */
        fill_root(t);
}

static void table_make(void)
{
    unsigned i = rnd(ARENA), level = 1 + rnd(4);

    if (page_protect(arena_va[i], PTE_RW))
        return;
    fill((uint64_t *)arena_va[i], level, i);
    if (page_protect(arena_va[i], PTE_RO))
        return;
    arena_level[i] = (uint8_t)level;
    if (rnd(4))
        mmuext_one(MMUEXT_PIN_L1_TABLE + level - 1, arena_mfn[i], 0);
}

/* An entry of one of our tables names one of ours of the level below, or of its own level, or nothing. */
static void table_link(void)
{
    unsigned level = 2 + rnd(3), i = table_any(level), j = table_any(one_in(8) ? level : level - 1);
    uint64_t at = (arena_mfn[i] << PAGE_SHIFT) + rnd(16) * 8;

    pt_write(at, one_in(3) ? 0 : pte_make(arena_mfn[j], one_in(8) ? PTE_RO : PTE_TABLE));
}

static void table_unmake(void)
{
    unsigned i = table_any(1 + rnd(4));

    mmuext_one(MMUEXT_UNPIN_TABLE, arena_mfn[i], 0);
    if (!page_protect(arena_va[i], PTE_RW))
        arena_level[i] = 0;
}

/* Write to a mapped table, as a guest may with an assist or while it is not in use as one. */
static void table_scribble(void)
{
    ((volatile uint64_t *)arena_va[rnd(2) ? table_any(1) : rnd(ARENA)])[rnd(64)] = any_entry();
}

/* The same by instructions that read and write: those that kernels use on entries, and others. */
static void table_modify(void)
{
    volatile uint64_t *p = (uint64_t *)arena_va[table_any(1)] + rnd(512);
    uint64_t v = rnd(2) ? 1ul << rnd(12) : any_entry(), old = *p;

    switch (rnd(16)) {
    case 0:  __asm__ volatile("lock orq %1, %0" : "+m"(*p) : "r"(v) : "memory", "cc"); break;
    case 1:  __asm__ volatile("lock andq %1, %0" : "+m"(*p) : "r"(~v) : "memory", "cc"); break;
    case 2:  __asm__ volatile("addq %1, %0" : "+m"(*p) : "r"(v) : "memory", "cc"); break;
    case 3:  __asm__ volatile("subl %k1, %0" : "+m"(*p) : "r"(v) : "memory", "cc"); break;
    case 4:  __asm__ volatile("xorq $0x62, %0" : "+m"(*p) : : "memory", "cc"); break;
    case 5:  __asm__ volatile("stc; adcq %1, %0" : "+m"(*p) : "r"(v) : "memory", "cc"); break;
    case 6:  __asm__ volatile("lock btrq $1, %0" : "+m"(*p) : : "memory", "cc"); break;
    case 7:  __asm__ volatile("btsq %1, %0" : "+m"(*p) : "r"(v & 63) : "memory", "cc"); break;
    case 8:  __asm__ volatile("lock xaddq %1, %0" : "+m"(*p), "+r"(v) : : "memory", "cc"); break;
    case 9:  __asm__ volatile("xchgb %b1, %0" : "+m"(*p), "+q"(v) : : "memory"); break;
    case 10: __asm__ volatile("lock cmpxchgq %2, %0" : "+m"(*p), "+a"(old) : "r"(v) : "memory", "cc"); break;
    case 11: __asm__ volatile("incq %0" : "+m"(*p) : : "memory", "cc"); break;
    case 12: __asm__ volatile("negq %0; notq %0" : "+m"(*p) : : "memory", "cc"); break;
    case 13: __asm__ volatile("cmpq %1, %0" : "+m"(*p) : "r"(v) : "memory", "cc"); break;
    case 14: __asm__ volatile("movw %w1, %0" : "+m"(*p) : "r"(v) : "memory"); break;
    default: __asm__ volatile("stosq" : "+D"(p) : "a"(v) : "memory"); break;
    }
}

/* An empty table would do as well, but no vCPU lives on it. */
static void base_switch(void)
{
    unsigned i = table_any(4);
    bool user = one_in(3);

    if (arena_level[i] != 4 && !user && rnd(32))
        return;
    mmuext_one(user ? MMUEXT_NEW_USER_BASEPTR : MMUEXT_NEW_BASEPTR, user && one_in(16) ? 0 : arena_mfn[i], 0);
}

/* Make a table known to the hardware under a linear window and change it while others use it. */
static void window_link(void)
{
    uint64_t at = pt_entry_maddr(NULL, WINDOW + 0x200000ul * (2 + rnd(16)), 2);

    pt_write(at, one_in(3) ? 0 : pte_make(arena_mfn[table_any(1)], PTE_TABLE));
}

static void window_touch(void)
{
    volatile uint64_t *p = (uint64_t *)(WINDOW + rnd(18 * 512) * PAGE_SIZE + rnd(512) * 8);

    if (rnd(2))
        *p = any_entry();
    else
        (void)*p;
}

/* ---- frames that go and come ---- */

static void frame_return(void)
{
    unsigned i = rnd(ARENA);
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    if (hypercall(update_va_mapping, arena_va[i], 0, UVMF_INVLPG | UVMF_ALL))
        return;
    set_xen_guest_handle(r.extent_start, &arena_mfn[i]);
    hypercall(memory_op, XENMEM_decrease_reservation, &r);
}

/* Frames for those pages of the arena that have lost theirs. */
static void frame_get(void)
{
    unsigned i = rnd(ARENA);
    xen_pfn_t pfn = virt_to_pfn(arena_va[i]);
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    if (!page_protect(arena_va[i], PTE_RW))
        return;
    set_xen_guest_handle(r.extent_start, &pfn);
    if (hypercall(memory_op, XENMEM_populate_physmap, &r) != 1)
        return;
    arena_mfn[i] = pfn;
    arena_level[i] = 0;
    page_protect(arena_va[i], PTE_RW);
}

static void frame_exchange(void)
{
    unsigned i = rnd(ARENA);
    xen_pfn_t in = arena_mfn[i], out = virt_to_pfn(arena_va[i]);
    struct xen_memory_exchange x = { .in = { .nr_extents = 1, .domid = DOMID_SELF }, .out = { .nr_extents = 1, .domid = DOMID_SELF } };

    if (rnd(8) && hypercall(update_va_mapping, arena_va[i], 0, UVMF_INVLPG | UVMF_ALL))
        return;
    set_xen_guest_handle(x.in.extent_start, &in);
    set_xen_guest_handle(x.out.extent_start, &out);
    hypercall(memory_op, XENMEM_exchange, &x);
    if (x.nr_exchanged == 1)
        arena_mfn[i] = out;
    page_protect(arena_va[i], PTE_RW);
}

void pages_step(void)
{
    static void (*const steps[])(void) = {
        table_make, table_make, table_make, table_link, table_link, table_unmake, table_unmake, table_scribble, table_modify, base_switch, window_link,
        window_touch, window_touch, frame_return, frame_get, frame_exchange,
    };

    steps[rnd(ARRAY_SIZE(steps))]();
}

void pages_repair(void)
{
    mmuext_one(MMUEXT_NEW_BASEPTR, boot_mfn, 0);
    mmuext_one(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(user_l4), 0);
    if (one_in(2))
        mmuext_one(MMUEXT_SET_LDT, 0, 0);
}
