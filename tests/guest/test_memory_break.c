/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Large extents are cleared, and given back, in pieces: a domain that is stopped in between goes with all its memory; another caller may
 * meanwhile ask for memory of the same domain, of the same size or another; and in the end each extent is whole, clean, and counted.
 */
/* hv-only: hospes */
/* clock: virtual */
/* qemu: -m 384 */
#include "domain.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"
#include "time.h"
#include <xen/memory.h>

#define ORDER 9
#define VA    0x0000310000000000ul

/* populate_physmap and decrease_reservation without end, the reservation being at data[16] and its extent at data[32]; data[0] counts. */
DOMAIN_ASM(mover, "1: mov $6, %edi\n lea 0x401080, %rsi\n mov $12, %eax\n syscall\n mov %rax, 0x401008\n"
                  "mov $1, %edi\n lea 0x401080, %rsi\n mov $12, %eax\n syscall\n incq 0x401000\n jmp 1b\n");

static struct domain d;

static uint64_t free_pages(void)
{
    EXPECT_OK(SYSCTL(physinfo));
    return U.physinfo.free_pages;
}

static uint64_t pages(void)
{
    EXPECT_OK(domctl(XEN_DOMCTL_getdomaininfo, d.id));
    return domctl_op.u.getdomaininfo.tot_pages;
}

static void mover_make(void)
{
    struct xen_memory_reservation *r;

    domain_make(&d, DOMAIN_CODE_OF(mover));
    domctl_clear();
    domctl_op.u.max_mem.max_memkb = 16384;
    REQUIRE(!domctl(XEN_DOMCTL_max_mem, d.id));
    r = (struct xen_memory_reservation *)(uintptr_t)&d.data[16];
    *r = (struct xen_memory_reservation){ .nr_extents = 1, .extent_order = ORDER, .domid = DOMID_SELF };
    set_xen_guest_handle(r->extent_start, (xen_pfn_t *)(DOMAIN_DATA + 256));
    d.data[32] = 0x10000;
    REQUIRE(!domain_start(&d));
}

static long reserve(unsigned op, unsigned order, xen_pfn_t *extent)
{
    struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = order, .domid = d.id };

    set_xen_guest_handle(r.extent_start, extent);
    return hypercall(memory_op, op, &r);
}

static void run_for(unsigned us)
{
    uint64_t until = time_now() + us * 1000ul;

    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    while (time_now() < until)
        hypercall(sched_op, 0 /* yield */);
    EXPECT_OK(domctl(XEN_DOMCTL_pausedomain, d.id));
}

/* It runs for a while; destroyed, it leaves nothing, wherever it was, also if it was made to go on with extents of another size. */
static unsigned life(unsigned us, unsigned then)
{
    uint64_t before = free_pages(), had;

    mover_make();
    had = pages();
    run_for(us);
    if (then) {
        ((struct xen_memory_reservation *)(uintptr_t)&d.data[16])->extent_order = then;
        run_for(100);
    }
    had = pages() - had;
    EXPECT_TRUE(had <= 1u << ORDER);
    EXPECT_OK(domain_destroy(&d));
    EXPECT_EQUAL(free_pages(), before);
    return had != 0;
}

/* Others ask for memory of the same domain while it is in the middle. */
static void together(unsigned order)
{
    static const xen_pfn_t gpfn = 0x20000;
    uint64_t before = free_pages(), rounds = 0, first;
    unsigned bad = 0;
    xen_pfn_t extent;

    mover_make();
    first = pages();
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    for (unsigned i = 0; i < 20; i++) {
        extent = gpfn;
        hypercall(sched_op, 0);
        if (!EXPECT_EQUAL(reserve(XENMEM_populate_physmap, order, &extent), 1))
            break;
        REQUIRE(!domain_map(&d, VA, extent + (1ul << order) - 1, PTE_RW));
        for (unsigned w = 0; w < 512; w++)
            bad += ((uint64_t *)VA)[w] != 0;
        ((uint64_t *)VA)[i] = ~0ul; /* for who gets the same one next */
        REQUIRE(!domain_map(&d, VA, 0, 0));
        REQUIRE(!mmuext_one(MMUEXT_INVLPG_LOCAL, VA, 0));
        EXPECT_EQUAL(reserve(XENMEM_decrease_reservation, order, &extent), 1);
        rounds = d.data[0];
    }
    EXPECT_EQUAL(bad, 0);
    EXPECT_TRUE(rounds > 0);
    EXPECT_EQUAL(d.data[1], 1); /* the last populate_physmap of its own */
    EXPECT_OK(domctl(XEN_DOMCTL_pausedomain, d.id));
    EXPECT_TRUE(pages() <= first + (1u << ORDER));
    printf("order %u: %lu rounds of its own meanwhile\n", order, rounds);
    EXPECT_OK(domain_destroy(&d));
    EXPECT_EQUAL(free_pages(), before);
}

void test_main(void)
{
    unsigned within = 0;

    REQUIRE(!map_page(NULL, VA, 0, 0));
    life(100, 0); /* what stays for good (tables of ours) is there then */
    for (unsigned i = 0; i < 60; i++)
        within += life(1000 + i * 77, i % 2 ? ORDER - 1 : 0);
    printf("%u of 60 ended within an extent\n", within);
    EXPECT_TRUE(within > 5);
    together(ORDER);
    together(ORDER - 1);
    together(0);
}
