/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op exchange (memory.h): frames for frames, small for large and back, machine-to-phys of the new ones set, nothing leaked;
 * the five rules of the header as refusals; and add_to_physmap and the like, which a PV guest has not.
 */
#include <xen/memory.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"

#define VA 0x0000100000000000ul

static xen_pfn_t in[16], out[16];

static void prepare(struct xen_memory_exchange *x, unsigned long n_in, unsigned order_in, unsigned long n_out,
                    unsigned order_out)
{
    memset(x, 0, sizeof(*x));
    x->in.nr_extents = n_in;
    x->in.extent_order = order_in;
    x->in.domid = DOMID_SELF;
    x->out.nr_extents = n_out;
    x->out.extent_order = order_out;
    x->out.domid = DOMID_SELF;
    set_xen_guest_handle(x->in.extent_start, in);
    set_xen_guest_handle(x->out.extent_start, out);
}

static long reservation(void)
{
    struct xen_memory_domain d = { .domid = DOMID_SELF };

    return hypercall(memory_op, XENMEM_current_reservation, &d);
}

static void check_one(void)
{
    struct xen_memory_exchange x;
    unsigned long pfn = pfn_alloc(), old = pfn_to_mfn(pfn);
    long before = reservation();

    prepare(&x, 1, 0, 1, 0);
    in[0] = old;
    out[0] = pfn;
    EXPECT_OK(hypercall(memory_op, XENMEM_exchange, &x));
    EXPECT_EQUAL(x.nr_exchanged, 1);
    EXPECT_EQUAL(mfn_to_pfn(out[0]), pfn);
    EXPECT_EQUAL(reservation(), before);
    EXPECT_OK(map_page(NULL, VA, out[0], PTE_RW));
    EXPECT_OK(hypercall(update_va_mapping, VA, 0, UVMF_INVLPG));
    if (out[0] != old)
        EXPECT_REFUSED(map_page(NULL, VA, old, PTE_RO));
}

/* Eight single frames for one aligned run of eight, as for a DMA buffer; and back. */
static void check_contiguous(void)
{
    struct xen_memory_exchange x;
    unsigned long pfn = 0, bad = 0;
    long before = reservation();

    for (int i = 7; i >= 0; i--)
        pfn = pfn_alloc(), in[i] = pfn_to_mfn(pfn);
    prepare(&x, 8, 0, 1, 3);
    out[0] = pfn;
    EXPECT_OK(hypercall(memory_op, XENMEM_exchange, &x));
    EXPECT_EQUAL(x.nr_exchanged, 8);
    EXPECT_EQUAL(out[0] & 7, 0);
    for (unsigned i = 0; i < 8; i++)
        bad += mfn_to_pfn(out[0] + i) != pfn + i;
    EXPECT_EQUAL(bad, 0);
    prepare(&x, 1, 3, 8, 0);
    in[0] = out[0];
    for (unsigned i = 0; i < 8; i++)
        out[i] = pfn + i;
    EXPECT_OK(hypercall(memory_op, XENMEM_exchange, &x));
    EXPECT_EQUAL(x.nr_exchanged, 1);
    for (unsigned i = 0; i < 8; i++)
        bad += mfn_to_pfn(out[i]) != pfn + i;
    EXPECT_EQUAL(bad, 0);
    EXPECT_EQUAL(reservation(), before);
}

static void check_refusals(void)
{
    struct xen_memory_exchange x;
    unsigned long pfn = pfn_alloc();
    long before = reservation();

    in[0] = in[1] = pfn_to_mfn(pfn);
    out[0] = out[1] = pfn;
    prepare(&x, 1, 0, 2, 0);                    /* sizes differ */
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_exchange, &x));
    prepare(&x, 1, 0, 1, 0);
    x.out.domid = 1;                            /* domains differ */
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_exchange, &x));
    prepare(&x, 1, 0, 1, 0);
    x.in.domid = x.out.domid = 4711;
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_exchange, &x));
    prepare(&x, 1, 0, 1, 0);
    x.nr_exchanged = 2;
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_exchange, &x));
    prepare(&x, 1, 0, 1, 0);
    in[0] = 0xffffffffful;                      /* no such frame */
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_exchange, &x));
    EXPECT_EQUAL(x.nr_exchanged, 0);
    prepare(&x, 1, 0, 1, 0);
    set_xen_guest_handle(x.in.extent_start, (void *)UNMAPPED);
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_exchange, &x));
    prepare(&x, 1, 40, 1, 40);
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_exchange, &x));
    prepare(&x, ~0ul, 0, ~0ul, 0);
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_exchange, &x));
    EXPECT_ERR(hypercall(memory_op, XENMEM_exchange, UNMAPPED), EFAULT);
    EXPECT_EQUAL(reservation(), before);
}

static void check_physmap(void)
{
    struct xen_add_to_physmap a = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .idx = pfn_alloc() };
    struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .size = 1 };
    struct xen_remove_from_physmap r = { .domid = 4711 };

    a.gpfn = a.idx - 1;
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_add_to_physmap, &a));
    a.space = 77;
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_add_to_physmap, &a));
    a.domid = 4711;
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_add_to_physmap, &a));
    EXPECT_ERR(hypercall(memory_op, XENMEM_add_to_physmap, UNMAPPED), EFAULT);
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_add_to_physmap_batch, &b));
    EXPECT_ERR(hypercall(memory_op, XENMEM_add_to_physmap_batch, UNMAPPED), EFAULT);
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_remove_from_physmap, &r));
    EXPECT_ERR(hypercall(memory_op, XENMEM_remove_from_physmap, UNMAPPED), EFAULT);
}

static void check_others(void)
{
    struct xen_mem_acquire_resource q = { .domid = 4711, .type = XENMEM_resource_grant_table };
    struct xen_vnuma_topology_info v = { .domid = DOMID_SELF, .nr_vnodes = 1, .nr_vcpus = 1, .nr_vmemranges = 1 };

    EXPECT_REFUSED(hypercall(memory_op, XENMEM_acquire_resource, &q));
    EXPECT_ERR(hypercall(memory_op, XENMEM_acquire_resource, UNMAPPED), EFAULT);
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_get_vnumainfo, &v));     /* dom0 has no virtual NUMA */
    EXPECT_ERR(hypercall(memory_op, XENMEM_get_vnumainfo, UNMAPPED), EFAULT);
}

void test_main(void)
{
    REQUIRE(!map_page(NULL, VA, 0, 0));
    check_one();
    check_contiguous();
    check_refusals();
    check_physmap();
    check_others();
}
