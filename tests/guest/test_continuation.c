/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long hypercalls under a storm of timer events: whatever was interrupted and continued in between, each operation is done exactly once and
 * its answer is whole.  (Lists of thousands of page-table updates, pins of big trees, reservations, multicalls.)
 */
#include <xen/memory.h>
#include <xen/vcpu.h>
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"

#define VA    0x0000100000000000ul
#define MANY  4000

static struct mmu_update updates[MANY];
static struct multicall_entry calls[500];
static xen_pfn_t list[MANY], pfns[MANY];
static unsigned port;

static void check_updates(void)
{
    unsigned long pte = pt_entry_maddr(NULL, VA, 1), data = virt_to_mfn(page_alloc());
    unsigned done = 0, bad = 0;

    for (unsigned i = 0; i < MANY; i++)
        updates[i] = (struct mmu_update){ .ptr = (pte + 8 * (i % 512)) | (i & 1 ? MMU_PT_UPDATE_PRESERVE_AD : 0),
                                          .val = pte_make(data, PTE_RO | (i / 512 & 7) << 9) };
    EXPECT_OK(hypercall(mmu_update, updates, MANY, &done, DOMID_SELF));
    EXPECT_EQUAL(done, MANY);
    for (unsigned i = 0; i < 512; i++)
        bad += (pt_entry(NULL, VA, 1)[i] >> 9 & 7) != (i < MANY % 512 ? 7 : 6);
    EXPECT_EQUAL(bad, 0);
    /* The same with a bad one in the middle: done says where. */
    updates[2345].val = pte_make(virt_to_mfn(pt_root()), PTE_RW);
    EXPECT_REFUSED(hypercall(mmu_update, updates, MANY, &done, DOMID_SELF));
    EXPECT_EQUAL(done, 2345);
}

/* A tree of full tables, pinned and unpinned. */
static void check_pins(void)
{
    uint64_t *l2 = page_alloc();
    uint64_t *l1[40];
    unsigned long data = virt_to_mfn(page_alloc());

    for (unsigned i = 0; i < 40; i++) {
        l1[i] = page_alloc();
        for (unsigned j = 0; j < 512; j++)
            l1[i][j] = pte_make(data, PTE_RW);
        EXPECT_OK(page_make_ro(l1[i]));
        l2[i * 12] = pte_make(virt_to_mfn(l1[i]), PTE_TABLE);
    }
    EXPECT_OK(page_make_ro(l2));
    for (unsigned round = 0; round < 10; round++) {
        EXPECT_OK(pin(2, virt_to_mfn(l2)));
        EXPECT_REFUSED(page_make_rw(l1[39]));
        EXPECT_OK(unpin(virt_to_mfn(l2)));
    }
    for (unsigned i = 0; i < 40; i++)
        EXPECT_OK(page_make_rw(l1[i]));
    /* The last table is bad: nothing of the tree stays taken. */
    l1[39][511] = pte_make(virt_to_mfn(pt_root()), PTE_RW);
    for (unsigned i = 0; i < 40; i++)
        EXPECT_OK(page_make_ro(l1[i]));
    EXPECT_REFUSED(pin(2, virt_to_mfn(l2)));
    for (unsigned i = 0; i < 40; i++)
        EXPECT_OK(page_make_rw(l1[i]));
    EXPECT_OK(page_make_rw(l2));
}

static long memory(unsigned op, unsigned long n)
{
    struct xen_memory_reservation r = { .nr_extents = n, .domid = DOMID_SELF };

    set_xen_guest_handle(r.extent_start, list);
    return hypercall(memory_op, op, &r);
}

static long reservation(void)
{
    struct xen_memory_domain d = { .domid = DOMID_SELF };

    return hypercall(memory_op, XENMEM_current_reservation, &d);
}

static void check_reservations(void)
{
    long before = reservation();
    unsigned bad = 0;

    for (unsigned i = 0; i < MANY; i++) {
        pfns[i] = pfn_alloc();
        list[i] = pfn_to_mfn(pfns[i]);
    }
    EXPECT_EQUAL(memory(XENMEM_decrease_reservation, MANY), MANY);
    EXPECT_EQUAL(reservation(), before - MANY);
    memcpy(list, pfns, sizeof(list));
    EXPECT_EQUAL(memory(XENMEM_populate_physmap, MANY), MANY);
    EXPECT_EQUAL(reservation(), before);
    for (unsigned i = 0; i < MANY; i++)
        bad += mfn_to_pfn(list[i]) != pfns[i];
    EXPECT_EQUAL(bad, 0);
}

/* A multicall whose entries are long themselves. */
static void check_multicall(void)
{
    static unsigned dones[500];
    unsigned long pte = pt_entry_maddr(NULL, VA, 1);
    unsigned bad = 0;

    for (unsigned i = 0; i < 64; i++)
        updates[i] = (struct mmu_update){ .ptr = pte + 8 * i, .val = 0 };
    for (unsigned i = 0; i < 500; i++)
        calls[i] = (struct multicall_entry){ .op = __HYPERVISOR_mmu_update, .result = 99,
                                             .args = { (unsigned long)updates, 64, (unsigned long)&dones[i], DOMID_SELF } };
    EXPECT_OK(hypercall(multicall, calls, 500));
    for (unsigned i = 0; i < 500; i++)
        bad += calls[i].result != 0 || dones[i] != 64;
    EXPECT_EQUAL(bad, 0);
}

void test_main(void)
{
    struct vcpu_set_periodic_timer p = { .period_ns = 1000000 };
    unsigned ticks;

    port = (unsigned)event_bind_virq(VIRQ_TIMER, 0);
    event_unmask(port);
    events_on();
    REQUIRE(!map_page(NULL, VA, 0, 0));
    REQUIRE(!vcpu_op(VCPUOP_set_periodic_timer, 0, &p));
    ticks = event_count[port];
    /* At least five rounds, and until some ticks fell into them. */
    for (unsigned i = 0; i < 5 || (event_count[port] < ticks + 10 && i < 400); i++) {
        check_updates();
        check_multicall();
    }
    check_pins();
    check_reservations();
    printf("%u timer events meanwhile\n", event_count[port] - ticks);
    EXPECT_TRUE(event_count[port] > ticks);
}
