/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op decrease_reservation, populate_physmap, increase_reservation (memory.h): frames go and come, the counts follow, machine-to-phys is
 * set by populate; a freed frame can not be mapped; not more than the maximum; bad frames, orders and domains.
 */
#include <xen/memory.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"

#define VA 0x0000100000000000ul

static xen_pfn_t list[64];

static long memory(unsigned op, unsigned long n, unsigned order, domid_t dom)
{
    struct xen_memory_reservation r = { .nr_extents = n, .extent_order = order, .domid = dom };

    set_xen_guest_handle(r.extent_start, list);
    return hypercall(memory_op, op, &r);
}

static long reservation(void)
{
    struct xen_memory_domain d = { .domid = DOMID_SELF };

    return hypercall(memory_op, XENMEM_current_reservation, &d);
}

static void check_give_and_take(void)
{
    unsigned long pfn = pfn_alloc(), mfn = pfn_to_mfn(pfn);
    long before = reservation();

    list[0] = mfn;
    EXPECT_EQUAL(memory(XENMEM_decrease_reservation, 1, 0, DOMID_SELF), 1);
    EXPECT_EQUAL(reservation(), before - 1);
    EXPECT_REFUSED(map_page(NULL, VA, mfn, PTE_RW));
    EXPECT_REFUSED(map_page(NULL, VA, mfn, PTE_RO));
    list[0] = mfn;
    EXPECT_EQUAL(memory(XENMEM_decrease_reservation, 1, 0, DOMID_SELF), 0);     /* not ours any more */
    list[0] = pfn;
    EXPECT_EQUAL(memory(XENMEM_populate_physmap, 1, 0, DOMID_SELF), 1);
    EXPECT_EQUAL(reservation(), before);
    EXPECT_EQUAL(mfn_to_pfn(list[0]), pfn);
    EXPECT_OK(map_page(NULL, VA, list[0], PTE_RW));
    *(volatile long *)VA = 0x77;
    EXPECT_EQUAL(*(volatile long *)VA, 0x77);
    EXPECT_OK(hypercall(update_va_mapping, VA, 0, UVMF_INVLPG));
    ((unsigned long *)start_info->mfn_list)[pfn] = list[0];
}

static void check_many(void)
{
    unsigned long pfns[64];
    long before = reservation();
    unsigned bad = 0;

    for (int i = 0; i < 64; i++) {
        pfns[i] = pfn_alloc();
        list[i] = pfn_to_mfn(pfns[i]);
    }
    list[40] = 0xffffffffful;   /* stops here */
    EXPECT_EQUAL(memory(XENMEM_decrease_reservation, 64, 0, DOMID_SELF), 40);
    EXPECT_EQUAL(reservation(), before - 40);
    memcpy(list, pfns, sizeof(list));
    EXPECT_EQUAL(memory(XENMEM_populate_physmap, 40, 0, DOMID_SELF), 40);
    for (int i = 0; i < 40; i++) {
        bad += mfn_to_pfn(list[i]) != pfns[i];
        ((unsigned long *)start_info->mfn_list)[pfns[i]] = list[i];
    }
    EXPECT_EQUAL(bad, 0);
    EXPECT_EQUAL(reservation(), before);
}

static void check_increase(void)
{
    unsigned long pfn = pfn_alloc();
    long before = reservation();

    list[0] = pfn_to_mfn(pfn);
    EXPECT_EQUAL(memory(XENMEM_decrease_reservation, 1, 0, DOMID_SELF), 1);
    list[0] = 0;
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 1, 0, DOMID_SELF), 1);
    EXPECT_TRUE(list[0] != 0);
    EXPECT_EQUAL(reservation(), before);
    EXPECT_OK(map_page(NULL, VA, list[0], PTE_RW));
    EXPECT_OK(hypercall(update_va_mapping, VA, 0, UVMF_INVLPG));
}

/* The runner boots with dom0_mem=64M,max:64M and all of it is given at boot. */
static void check_maximum(void)
{
    struct xen_memory_domain d = { .domid = DOMID_SELF };
    long max = hypercall(memory_op, XENMEM_maximum_reservation, &d);
    long room = max - reservation();

    if (room > 32)
        return;
    for (int i = 0; i < 64; i++)
        list[i] = start_info->nr_pages + (unsigned)i;
    EXPECT_EQUAL(memory(XENMEM_populate_physmap, 64, 0, DOMID_SELF), room);
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 64, 0, DOMID_SELF), 0);
}

/* 0 extents done or an error: nothing happened either way. */
static void nothing(long rc)
{
    EXPECT_TRUE(rc <= 0);
}

static void check_refusals(void)
{
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
    long before = reservation();

    list[0] = virt_to_mfn(pt_root());       /* in use as a page table: stays usable whatever the answer */
    list[0] = ~0ul;
    nothing(memory(XENMEM_decrease_reservation, 1, 0, DOMID_SELF));
    list[0] = 0xb8;
    nothing(memory(XENMEM_decrease_reservation, 1, 0, DOMID_SELF));
    list[0] = start_info->nr_pages;
    nothing(memory(XENMEM_populate_physmap, 1, 60, DOMID_SELF));
    nothing(memory(XENMEM_increase_reservation, 1, 63, DOMID_SELF));
    nothing(memory(XENMEM_decrease_reservation, 1, ~0u, DOMID_SELF));
    nothing(memory(XENMEM_populate_physmap, 0, 0, DOMID_SELF));
    nothing(memory(XENMEM_decrease_reservation, ~0ul, 0, DOMID_SELF));
    nothing(memory(XENMEM_populate_physmap, 1, 0, 4711));
    nothing(memory(XENMEM_decrease_reservation, 1, 0, 4711));
    nothing(hypercall(memory_op, XENMEM_populate_physmap, UNMAPPED));
    nothing(hypercall(memory_op, XENMEM_decrease_reservation, HV_PRIVATE));
    set_xen_guest_handle(r.extent_start, (void *)UNMAPPED);
    nothing(hypercall(memory_op, XENMEM_decrease_reservation, &r));
    nothing(hypercall(memory_op, XENMEM_populate_physmap, &r));
    set_xen_guest_handle(r.extent_start, (void *)HV_PRIVATE);
    nothing(hypercall(memory_op, XENMEM_decrease_reservation, &r));
    EXPECT_EQUAL(reservation(), before);
}

void test_main(void)
{
    REQUIRE(!map_page(NULL, VA, 0, 0));
    check_give_and_take();
    check_many();
    check_increase();
    check_maximum();
    check_refusals();
}
