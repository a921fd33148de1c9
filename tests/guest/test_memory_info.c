/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op, the questions (memory.h): reservations, highest frame, machine memory map, where the machine-to-phys table is; unknown
 * domains, bad pointers, unknown subcommands.
 */
#include <xen/memory.h>
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"

struct e820 { uint64_t addr, size; uint32_t type; } __attribute__((packed));

static struct e820 map[128];

static void check_reservation(void)
{
    struct xen_memory_domain d = { .domid = DOMID_SELF };
    long now = hypercall(memory_op, XENMEM_current_reservation, &d);
    long max = hypercall(memory_op, XENMEM_maximum_reservation, &d);

    EXPECT_EQUAL(now, start_info->nr_pages);
    EXPECT_TRUE(max >= now);
    d.domid = 0;
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_current_reservation, &d), now);
    d.domid = 4711;
    EXPECT_ERR(hypercall(memory_op, XENMEM_current_reservation, &d), ESRCH);
    EXPECT_ERR(hypercall(memory_op, XENMEM_maximum_reservation, &d), ESRCH);
    EXPECT_ERR(hypercall(memory_op, XENMEM_maximum_gpfn, &d), ESRCH);
    EXPECT_ERR(hypercall(memory_op, XENMEM_current_reservation, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(memory_op, XENMEM_maximum_reservation, HV_PRIVATE), EFAULT);
}

static void check_max_page(void)
{
    unsigned long max = (unsigned long)hypercall(memory_op, XENMEM_maximum_ram_page, NULL), above = 0;

    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
        above += pfn_to_mfn(pfn) > max;
    EXPECT_EQUAL(above, 0);
    EXPECT_TRUE(max < 1ul << 40);
}

static bool map_sane(unsigned n)
{
    uint64_t ram = 0;

    for (unsigned i = 0; i < n; i++) {
        if (i && map[i].addr < map[i - 1].addr + map[i - 1].size)
            return false;
        if (map[i].type == 1)
            ram += map[i].size;
    }
    return ram >= start_info->nr_pages * PAGE_SIZE;
}

static void check_machine_map(void)
{
    struct xen_memory_map m = { .nr_entries = ARRAY_SIZE(map) };
    unsigned n;

    set_xen_guest_handle(m.buffer, NULL);
    EXPECT_OK(hypercall(memory_op, XENMEM_machine_memory_map, &m));
    n = m.nr_entries;
    EXPECT_TRUE(n > 0 && n <= ARRAY_SIZE(map));
    m.nr_entries = ARRAY_SIZE(map);
    set_xen_guest_handle(m.buffer, map);
    EXPECT_OK(hypercall(memory_op, XENMEM_machine_memory_map, &m));
    EXPECT_EQUAL(m.nr_entries, n);
    EXPECT_TRUE(map_sane(n));
    /* Too short a buffer: no more than fits. */
    memset(map, 0xee, sizeof(map));
    m.nr_entries = 1;
    (void)hypercall(memory_op, XENMEM_machine_memory_map, &m);
    EXPECT_EQUAL(map[1].type, 0xeeeeeeee);
    m.nr_entries = ARRAY_SIZE(map);
    set_xen_guest_handle(m.buffer, (void *)UNMAPPED);
    EXPECT_ERR(hypercall(memory_op, XENMEM_machine_memory_map, &m), EFAULT);
    set_xen_guest_handle(m.buffer, (void *)HV_PRIVATE);
    EXPECT_ERR(hypercall(memory_op, XENMEM_machine_memory_map, &m), EFAULT);
    EXPECT_ERR(hypercall(memory_op, XENMEM_machine_memory_map, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(memory_op, XENMEM_memory_map, UNMAPPED), EFAULT);
}

/* Every frame of a piece may be looked at, and no more: the entry of one of our own frames is there. */
static void check_machphys_frames(const xen_pfn_t *extents, unsigned n)
{
    unsigned long mfn = pfn_to_mfn(5), piece = mfn * 8 / 0x200000, offset = mfn * 8 % 0x200000;
    volatile unsigned long *page = page_alloc();
    struct mmu_update u = { .ptr = pt_entry_maddr(NULL, (unsigned long)page, 1) };

    EXPECT_TRUE(piece < n);
    for (unsigned i = 0; i < 512; i++) {
        u.val = pte_make(extents[piece] + i, PTE_RO);
        EXPECT_OK(hypercall(mmu_update, &u, 1, NULL, DOMID_XEN));
        EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, (unsigned long)page, 0));
        if (i == offset / PAGE_SIZE)
            EXPECT_EQUAL(page[offset % PAGE_SIZE / 8], 5);
    }
    u.val = pte_make(extents[piece], PTE_RW);
    EXPECT_TRUE(hypercall(mmu_update, &u, 1, NULL, DOMID_XEN) < 0);
    u.val = pte_make(extents[piece], PTE_RO);
    EXPECT_TRUE(hypercall(mmu_update, &u, 1, NULL, DOMID_SELF) < 0);
}

static void check_machphys(void)
{
    struct xen_machphys_mapping m;
    struct xen_machphys_mfn_list l = { .max_extents = 16 };
    static xen_pfn_t extents[16];

    EXPECT_OK(hypercall(memory_op, XENMEM_machphys_mapping, &m));
    EXPECT_EQUAL(m.v_start, MACH2PHYS_VIRT_START);
    EXPECT_EQUAL(m.v_end, MACH2PHYS_VIRT_END);
    EXPECT_TRUE(m.max_mfn >= pfn_to_mfn(0));
    EXPECT_ERR(hypercall(memory_op, XENMEM_machphys_mapping, UNMAPPED), EFAULT);
    set_xen_guest_handle(l.extent_start, extents);
    EXPECT_OK(hypercall(memory_op, XENMEM_machphys_mfn_list, &l));
    EXPECT_TRUE(l.nr_extents >= 1 && l.nr_extents <= 16);
    EXPECT_TRUE(extents[0] != 0);
    check_machphys_frames(extents, l.nr_extents);
    l.max_extents = 0;
    EXPECT_OK(hypercall(memory_op, XENMEM_machphys_mfn_list, &l));
    EXPECT_EQUAL(l.nr_extents, 0);
    l.max_extents = 16;
    set_xen_guest_handle(l.extent_start, (void *)UNMAPPED);
    EXPECT_ERR(hypercall(memory_op, XENMEM_machphys_mfn_list, &l), EFAULT);
}

/* The domain says how far its p2m goes; the answer follows it. */
static void check_gpfn(void)
{
    struct xen_memory_domain d = { .domid = DOMID_SELF };

    shared_info.arch.max_pfn = start_info->nr_pages;
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_maximum_gpfn, &d), start_info->nr_pages - 1);
    shared_info.arch.max_pfn = 0;
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_maximum_gpfn, &d), 0);
}

void test_main(void)
{
    check_reservation();
    check_max_page();
    check_machine_map();
    check_machphys();
    check_gpfn();
    EXPECT_ERR(hypercall(memory_op, 8, map), ENOSYS);
    EXPECT_ERR(hypercall(memory_op, 29, map), ENOSYS);
    EXPECT_ERR(hypercall(memory_op, 63, map), ENOSYS);
}
