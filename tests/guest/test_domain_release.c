/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain gives back a frame that it has pinned as page table: the frame stays until the pin goes, and goes with the domain at the
 * latest.  The same for a table that another, pinned one leads to.
 */
#include "domain.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"
#include <xen/memory.h>

DOMAIN_ASM(nothing, DOMAIN_SHUTDOWN(0));

enum { L1 = 3, SPARE = 7 };

static uint64_t free_pages(void)
{
    EXPECT_OK(SYSCTL(physinfo));
    return U.physinfo.free_pages;
}

static long give_back(const struct domain *d, unsigned frame)
{
    xen_pfn_t mfn = d->mfn[frame];
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = d->id };

    set_xen_guest_handle(r.extent_start, &mfn);
    return hypercall(memory_op, XENMEM_decrease_reservation, &r);
}

static uint64_t pages_of(const struct domain *d)
{
    EXPECT_OK(domctl(XEN_DOMCTL_getdomaininfo, d->id));
    return domctl_op.u.getdomaininfo.tot_pages;
}

/* Which end it comes to: unpinned first, or with the domain. */
static void life(bool unpin_it)
{
    struct domain d;
    uint64_t pages;

    domain_make(&d, DOMAIN_CODE_OF(nothing));
    pages = pages_of(&d);
    EXPECT_OK(domain_mmuext(&d, MMUEXT_PIN_L1_TABLE, d.mfn[SPARE]));
    EXPECT_EQUAL(give_back(&d, SPARE), 1);
    EXPECT_EQUAL(give_back(&d, SPARE), 0);
    EXPECT_EQUAL(give_back(&d, L1), 1);
    EXPECT_EQUAL(pages_of(&d), pages);
    if (unpin_it) {
        EXPECT_OK(domain_mmuext(&d, MMUEXT_UNPIN_TABLE, d.mfn[SPARE]));
        EXPECT_EQUAL(pages_of(&d), pages - 1);
    }
    EXPECT_OK(domain_destroy(&d));
}

void test_main(void)
{
    uint64_t before;

    life(false);    /* what is made once and kept */
    before = free_pages();
    for (unsigned i = 0; i < 8; i++)
        life(i & 1);
    EXPECT_EQUAL(free_pages(), before);
}
