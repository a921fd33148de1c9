/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENMEM_claim_pages between two domains (memory.h): what one has claimed the other can't get; the owner's own
 * allocations use its claim up; claiming nothing, or the domain's end, sets the rest free.
 */
#include "domain.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"
#include <xen/memory.h>

DOMAIN_ASM(nothing, "1: jmp 1b\n");

#define LEFT 64u /* frames that nobody claims */

static struct domain a, b;

static unsigned long free_frames(void)
{
    return SYSCTL(physinfo) ? 0 : U.physinfo.free_pages;
}

static long claim(const struct domain *d, uint64_t n)
{
    struct xen_memory_reservation r = { .domid = d->id, .nr_extents = n };

    return hypercall(memory_op, XENMEM_claim_pages, &r);
}

static long has(const struct domain *d)
{
    domid_t id = d->id;

    return hypercall(memory_op, XENMEM_current_reservation, &id);
}

/* How many of n frames d gets. */
static long populate(const struct domain *d, unsigned n, unsigned long from)
{
    static uint64_t pfns[512];
    struct xen_memory_reservation r = { .domid = d->id, .nr_extents = n };

    for (unsigned i = 0; i < n; i++)
        pfns[i] = from + i;
    set_xen_guest_handle(r.extent_start, pfns);
    return hypercall(memory_op, XENMEM_populate_physmap, &r);
}

static void make(struct domain *d)
{
    domain_make(d, DOMAIN_CODE_OF(nothing));
    domctl_op.u.max_mem.max_memkb = 1ul << 30;
    REQUIRE(domctl(XEN_DOMCTL_max_mem, d->id) == 0);
}

void test_main(void)
{
    unsigned long space;

    make(&a);
    make(&b);
    space = free_frames();
    REQUIRE(space > 4096);
    EXPECT_ERR(claim(&a, (uint64_t)has(&a) + space + 4096), ENOMEM); /* more than there is */
    EXPECT_OK(claim(&a, (uint64_t)has(&a) + space - LEFT));
    EXPECT_ERR(claim(&b, (uint64_t)has(&b) + 2 * LEFT), ENOMEM);
    EXPECT_TRUE(populate(&b, 256, 0x1000) <= LEFT);
    EXPECT_EQUAL(populate(&a, 256, 0x1000), 256);                    /* its own claim */
    EXPECT_TRUE(populate(&b, 256, 0x2000) <= LEFT);
    EXPECT_OK(claim(&a, 0));
    EXPECT_EQUAL(populate(&b, 256, 0x3000), 256);
    EXPECT_OK(claim(&a, (uint64_t)has(&a) + free_frames() - LEFT));
    EXPECT_TRUE(populate(&b, 256, 0x4000) <= LEFT);
    EXPECT_OK(domain_destroy(&a));
    EXPECT_EQUAL(populate(&b, 256, 0x5000), 256);
    EXPECT_OK(domain_destroy(&b));
    EXPECT_TRUE(free_frames() >= space);
}
