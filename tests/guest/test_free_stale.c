/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A frame that was given back while a CPU may still write to it by an old translation (the entry went without a flush): whoever gets it
 * next finds it empty, and what is written by the old translation then faults or goes elsewhere, never into the frame.
 */
/* qemu: -smp 2 */
/* alone: CPUs wait for each other */
#include "domain.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "trap.h"
#include <xen/memory.h>

#define VA    0x0000100000000000ul
#define OTHER 0x0000200000000000ul
#define TRIES 16

static volatile unsigned stage, answer;

/* At each stage the other CPU writes to VA, or sees a fault; it makes no hypercall, which might flush. */
static void second(void)
{
    for (unsigned last = 0;;) {
        struct trap t;

        while (stage == last)
            __asm__ volatile("pause");
        last = stage;
        trap_catch(&t, insn_write8, VA);
        answer = last;
    }
}

static void write_there(void)
{
    stage++;
    while (answer != stage)
        __asm__ volatile("pause");
}

static long give_back(unsigned long mfn)
{
    xen_pfn_t gfn = mfn;
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    set_xen_guest_handle(r.extent_start, &gfn);
    return hypercall(memory_op, XENMEM_decrease_reservation, &r);
}

static unsigned long take(void)
{
    xen_pfn_t gfn = 0;
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    set_xen_guest_handle(r.extent_start, &gfn);
    REQUIRE(hypercall(memory_op, XENMEM_increase_reservation, &r) == 1);
    return gfn;
}

/* True: the frame came back, and was looked at. */
static bool try(void)
{
    unsigned long mfn = pfn_to_mfn(pfn_alloc()), next;

    REQUIRE(!map_page(NULL, VA, mfn, PTE_RW));
    write_there(); /* the other CPU has the translation, writable */
    REQUIRE(!pt_write(pt_entry_maddr(NULL, VA, 1), 0));
    REQUIRE(give_back(mfn) == 1);
    write_there(); /* free: may still go there */
    next = take();
    REQUIRE(!map_page(NULL, OTHER, next, PTE_RW));
    REQUIRE(!mmuext_one(MMUEXT_INVLPG_LOCAL, OTHER, 0));
    if (!test_on_xen()) /* which gives a domain its own frame as it was */
        EXPECT_EQUAL(*(volatile uint64_t *)OTHER, 0);
    *(volatile uint64_t *)OTHER = 0;
    write_there();
    EXPECT_EQUAL(*(volatile uint64_t *)OTHER, 0);
    return next == mfn;
}

void test_main(void)
{
    unsigned same = 0;

    REQUIRE(!vcpu_start(1, second));
    for (unsigned i = 0; i < TRIES; i++)
        same += try();
    printf("  %u of %u frames came back at once\n", same, TRIES);
    EXPECT_TRUE(test_on_xen() || same);
}
