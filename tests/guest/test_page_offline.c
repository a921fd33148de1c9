/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pages out of use (sysctl.h, page_offline_op): one of a domain's goes when the domain gives it up, a free one at once; nobody gets it until
 * it is back; what can't go is refused.
 */
/* hv-only: hospes */
/* Xen gives the same answers to single calls, but does not come back from some of these. */
#include "domain.h"
#include <xen/memory.h>
#include <xen/sysctl.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"
#include "time.h"

static char buf[2 * PAGE_SIZE] __attribute__((aligned(4096)));
static uint32_t status[4];

static long op(unsigned cmd, unsigned long first, unsigned long last)
{
    status[0] = status[1] = 0x5a5a5a5a;
    return SYSCTL(page_offline_op, U.page_offline.cmd = cmd; U.page_offline.start = (uint32_t)first;
                  U.page_offline.end = (uint32_t)last; U.page_offline.status.p = status);
}

#define QUERY(m) ({ EXPECT_OK(op(sysctl_query_page_offline, m, m)); status[0]; })
#define PENDING(domid) (PG_OFFLINE_OWNED | PG_OFFLINE_PENDING | (uint32_t)(domid) << PG_OFFLINE_OWNER_SHIFT)

static uint64_t free_pages(void)
{
    EXPECT_OK(SYSCTL(physinfo));
    return U.physinfo.free_pages;
}

static long reservation(unsigned cmd, unsigned long *mfn)
{
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

    set_xen_guest_handle(r.extent_start, mfn);
    return hypercall(memory_op, cmd, &r);
}

/* One of ours: asked for, taken back, asked for once more, and given up. */
static void check_own(unsigned long m)
{
    uint64_t before = free_pages();

    EXPECT_EQUAL(QUERY(m), 0);
    EXPECT_OK(op(sysctl_page_offline, m, m + 1));
    EXPECT_EQUAL(status[0], PENDING(0));
    EXPECT_EQUAL(status[1], PENDING(0));
    EXPECT_EQUAL(QUERY(m), PG_OFFLINE_STATUS_OFFLINE_PENDING);
    if (!test_on_xen()) { /* which hangs */
        EXPECT_OK(op(sysctl_page_offline, m, m));
        EXPECT_EQUAL(status[0], PENDING(0));
    }
    EXPECT_OK(op(sysctl_page_online, m, m + 1));
    EXPECT_EQUAL(status[0], PG_ONLINE_ONLINED);
    EXPECT_EQUAL(status[1], PG_ONLINE_ONLINED);
    EXPECT_EQUAL(QUERY(m), 0);
    EXPECT_OK(op(sysctl_page_online, m, m));
    EXPECT_EQUAL(status[0], 0);
    EXPECT_OK(op(sysctl_page_offline, m, m));
    buf[0] = 1; /* it is ours as before */
    EXPECT_OK(hypercall(update_va_mapping, (unsigned long)buf, 0ul, UVMF_INVLPG | UVMF_ALL));
    EXPECT_EQUAL(reservation(XENMEM_decrease_reservation, &m), 1);
    EXPECT_EQUAL(QUERY(m), PG_OFFLINE_STATUS_OFFLINED);
    EXPECT_EQUAL(free_pages(), before);
}

/* It is offline: nobody gets it.  Back, it is free as others are. */
static void check_return(unsigned long m)
{
    uint64_t before = free_pages();
    unsigned long got = 0;

    EXPECT_EQUAL(reservation(XENMEM_increase_reservation, &got), 1);
    EXPECT_TRUE(got && got != m);
    EXPECT_EQUAL(reservation(XENMEM_decrease_reservation, &got), 1);
    EXPECT_OK(op(sysctl_page_online, m, m));
    EXPECT_EQUAL(status[0], PG_ONLINE_ONLINED);
    EXPECT_EQUAL(free_pages(), before + 1);
    EXPECT_EQUAL(QUERY(m), 0);
    EXPECT_OK(op(sysctl_page_offline, m, m)); /* a free one */
    EXPECT_EQUAL(status[0], PG_OFFLINE_OFFLINED);
    EXPECT_EQUAL(free_pages(), before);
    EXPECT_EQUAL(QUERY(m), PG_OFFLINE_STATUS_OFFLINED);
    if (!test_on_xen()) {
        EXPECT_OK(op(sysctl_page_offline, m, m));
        EXPECT_EQUAL(status[0], PG_OFFLINE_OFFLINED);
    }
    EXPECT_OK(op(sysctl_page_online, m, m));
    EXPECT_EQUAL(free_pages(), before + 1);
}

DOMAIN_ASM(nothing, "1: jmp 1b");

/* Another domain's: it goes when the domain does. */
static void check_other(void)
{
    struct domain d;
    unsigned long m;
    uint64_t until = time_now() + 5000000000ul;

    domain_make(&d, DOMAIN_CODE_OF(nothing));
    m = d.mfn[1];
    EXPECT_OK(op(sysctl_page_offline, m, m));
    EXPECT_EQUAL(status[0], PENDING(d.id));
    EXPECT_OK(domain_map(&d, (unsigned long)d.data, 0, 0)); /* we had it mapped */
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, (unsigned long)d.data, 0));
    EXPECT_OK(domain_destroy(&d));
    while (QUERY(m) != PG_OFFLINE_STATUS_OFFLINED && time_now() < until)
        ;
    EXPECT_EQUAL(QUERY(m), PG_OFFLINE_STATUS_OFFLINED);
    EXPECT_OK(op(sysctl_page_online, m, m));
    EXPECT_EQUAL(status[0], PG_ONLINE_ONLINED);
    EXPECT_EQUAL(QUERY(m), 0);
}

static long claim_all(domid_t id, bool claimed)
{
    struct xen_memory_reservation r = { .domid = id };

    EXPECT_OK(domctl(XEN_DOMCTL_getdomaininfo, id));
    r.nr_extents = claimed ? domctl_op.u.getdomaininfo.tot_pages + free_pages() : 0;
    return hypercall(memory_op, XENMEM_claim_pages, &r);
}

/* The first to go needs room for marks, which nobody has made yet.  All free memory is promised to a domain: it stays, and all is as before. */
static void check_no_memory(unsigned long m)
{
    uint64_t before;
    struct domain d;

    domain_make(&d, DOMAIN_CODE_OF(nothing));
    domctl_clear();
    domctl_op.u.max_mem.max_memkb = 1ul << 30;
    EXPECT_OK(domctl(XEN_DOMCTL_max_mem, d.id));
    EXPECT_OK(claim_all(d.id, true));
    before = free_pages();
    EXPECT_ERR(op(sysctl_page_offline, m, m), ENOMEM);
    EXPECT_ERR(op(sysctl_page_offline, m, m + 1), ENOMEM);
    EXPECT_EQUAL(free_pages(), before);
    EXPECT_EQUAL(QUERY(m), 0);
    EXPECT_OK(claim_all(d.id, false));
    EXPECT_OK(op(sysctl_page_offline, m, m));
    EXPECT_EQUAL(status[0], PENDING(0));
    EXPECT_TRUE(free_pages() < before); /* the room for the marks stays */
    EXPECT_OK(op(sysctl_page_online, m, m));
    EXPECT_OK(domain_destroy(&d));
}

static void check_refusals(unsigned long m)
{
    unsigned long ours;

    EXPECT_ERR(op(sysctl_page_offline, 0xa0, 0xa1), EINVAL); /* no RAM */
    EXPECT_TRUE(status[0] & PG_OFFLINE_FAILED);
    EXPECT_TRUE(status[0] & PG_OFFLINE_NOT_CONV_RAM);
    EXPECT_TRUE(status[1] & PG_OFFLINE_INVALID);
    EXPECT_ERR(op(sysctl_page_offline, 0x7ffffff, 0x7ffffff), EINVAL);
    EXPECT_TRUE(status[0] & PG_OFFLINE_INVALID);
    EXPECT_ERR(op(sysctl_page_offline, m, m - 1), EINVAL);
    if (test_on_xen()) /* where that is a page as others are */
        return;
    EXPECT_OK(domctl(XEN_DOMCTL_getdomaininfo, 0));
    ours = domctl_op.u.getdomaininfo.shared_info_frame;
    EXPECT_ERR(op(sysctl_page_offline, ours, ours), EPERM);
    EXPECT_EQUAL(status[0], PG_OFFLINE_XENPAGE | PG_OFFLINE_FAILED | (uint32_t)DOMID_XEN << PG_OFFLINE_OWNER_SHIFT);
    EXPECT_ERR(op(sysctl_page_offline, m, m + 5000), E2BIG);
}

void test_main(void)
{
    unsigned long m = virt_to_mfn(buf);

    if (!test_on_xen())
        check_no_memory(m);
    check_refusals(m);
    check_own(m);
    check_return(m);
    check_other();
}
