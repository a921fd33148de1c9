/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op about other things than a domain's frames (memory.h): the memory map that a domain was given, claims,
 * reserved device memory; and what is for translated or 32-bit guests is refused.
 */
#define __XEN_TOOLS__ 1
#include <xen/memory.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"

struct entry {
    uint64_t addr, size;
    uint32_t type;
} __attribute__((packed));

static long set_map(domid_t id, const void *entries, unsigned n)
{
    struct xen_foreign_memory_map m = { .domid = id, .map.nr_entries = n };

    set_xen_guest_handle(m.map.buffer, (void *)entries);
    return hypercall(memory_op, XENMEM_set_memory_map, &m);
}

/* How many entries came, or the error. */
static long get_map(void *entries, unsigned room)
{
    struct xen_memory_map m = { .nr_entries = room };
    long rc;

    set_xen_guest_handle(m.buffer, entries);
    rc = hypercall(memory_op, XENMEM_memory_map, &m);
    return rc ? rc : (long)m.nr_entries;
}

static void check_map(void)
{
    static const struct entry in[2] = { { 0, 0x10000, 1 }, { 0x10000, 0x1000, 2 } };
    struct entry out[4];

    EXPECT_ERR(get_map(out, 4), ENOSYS);
    EXPECT_OK(set_map(DOMID_SELF, in, 2));
    memset(out, 0x7e, sizeof(out));
    EXPECT_EQUAL(get_map(out, 4), 2);
    EXPECT_TRUE(out[1].addr == 0x10000 && out[1].size == 0x1000 && out[1].type == 2);
    EXPECT_EQUAL(out[2].type, 0x7e7e7e7e);
    memset(out, 0x7e, sizeof(out));
    EXPECT_EQUAL(get_map(out, 1), 1);
    EXPECT_EQUAL(out[1].type, 0x7e7e7e7e);
    EXPECT_EQUAL(get_map(NULL, 0), 0);
    EXPECT_ERR(get_map((void *)UNMAPPED, 4), EFAULT);
    EXPECT_ERR(set_map(0, in, 100000), EINVAL);
    EXPECT_ERR(set_map(0, (void *)UNMAPPED, 2), EFAULT);
    EXPECT_ERR(set_map(0, (void *)HV_PRIVATE, 2), EFAULT);
    EXPECT_ERR(set_map(4711, in, 2), ESRCH);
    EXPECT_EQUAL(get_map(out, 4), 2); /* what was refused has changed nothing */
    EXPECT_OK(set_map(0, in, 0));
    EXPECT_ERR(get_map(out, 4), ENOSYS);
    EXPECT_ERR(hypercall(memory_op, XENMEM_set_memory_map, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(memory_op, XENMEM_memory_map, UNMAPPED), EFAULT);
}

static long claim(domid_t id, uint64_t n, unsigned order, unsigned flags)
{
    struct xen_memory_reservation r = { .domid = id, .nr_extents = n, .extent_order = order, .mem_flags = flags };

    return hypercall(memory_op, XENMEM_claim_pages, &r);
}

/* We have all that we may: nothing can be claimed beyond it. */
static void check_claim(void)
{
    domid_t self = 0;
    long has = hypercall(memory_op, XENMEM_current_reservation, &self);
    long max = hypercall(memory_op, XENMEM_maximum_reservation, &self);
    uint64_t frame = virt_to_mfn(page_alloc());
    struct xen_memory_reservation r = { .domid = 0, .nr_extents = 1 };

    EXPECT_OK(claim(0, 0, 0, 0));
    EXPECT_ERR(claim(0, (uint64_t)has, 0, 0), EINVAL);
    EXPECT_ERR(claim(0, (uint64_t)max + 1, 0, 0), EINVAL);
    EXPECT_ERR(claim(0, 1ul << 40, 0, 0), EINVAL);
    EXPECT_ERR(claim(0, 0, 1, 0), EINVAL);
    EXPECT_ERR(claim(0, 0, 0, 1), EINVAL);
    EXPECT_ERR(claim(4711, 0, 0, 0), EINVAL);
    EXPECT_ERR(hypercall(memory_op, XENMEM_claim_pages, UNMAPPED), EFAULT);
    set_xen_guest_handle(r.extent_start, &frame);
    EXPECT_ERR(hypercall(memory_op, XENMEM_claim_pages, &r), EINVAL);
}

/* One frame given back, claimed, and got again: that uses the claim up, so that it may be claimed no more. */
static void check_claim_used(void)
{
    domid_t self = 0;
    long has = hypercall(memory_op, XENMEM_current_reservation, &self);
    unsigned long pfn = pfn_alloc();
    uint64_t frame = pfn_to_mfn(pfn);
    struct xen_memory_reservation r = { .domid = DOMID_SELF, .nr_extents = 1 };

    set_xen_guest_handle(r.extent_start, &frame);
    REQUIRE(hypercall(memory_op, XENMEM_decrease_reservation, &r) == 1);
    EXPECT_OK(claim(0, (uint64_t)has, 0, 0));
    EXPECT_ERR(claim(0, (uint64_t)has - 1, 0, 0), EINVAL); /* no more than it has */
    frame = pfn;
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_populate_physmap, &r), 1);
    EXPECT_ERR(claim(0, (uint64_t)has, 0, 0), EINVAL);
    EXPECT_OK(claim(0, 0, 0, 0));
}

static void check_device_memory(void)
{
    struct xen_reserved_device_memory regions[4];
    struct xen_reserved_device_memory_map m = { .flags = XENMEM_RDM_ALL, .nr_entries = 4 };

    set_xen_guest_handle(m.buffer, regions);
    EXPECT_OK(hypercall(memory_op, XENMEM_reserved_device_memory_map, &m));
    EXPECT_EQUAL(m.nr_entries, 0); /* there is no IOMMU */
    m.flags = 0;
    EXPECT_OK(hypercall(memory_op, XENMEM_reserved_device_memory_map, &m));
    m.flags = 2;
    EXPECT_ERR(hypercall(memory_op, XENMEM_reserved_device_memory_map, &m), EINVAL);
    EXPECT_ERR(hypercall(memory_op, XENMEM_reserved_device_memory_map, UNMAPPED), EFAULT);
}

static void check_not_for_us(void)
{
    static uint64_t zero[32];
    struct xen_machphys_mfn_list l = { .max_extents = 0 };
    struct xen_pod_target pod = { .domid = DOMID_SELF };
    struct xen_mem_access_op access = { .domid = 0 };

    EXPECT_ERR(hypercall(memory_op, XENMEM_machphys_compat_mfn_list, &l), EOPNOTSUPP);
    EXPECT_ERR(hypercall(memory_op, XENMEM_get_pod_target, &pod), EINVAL);
    EXPECT_ERR(hypercall(memory_op, XENMEM_set_pod_target, &pod), EINVAL);
    pod.domid = 4711;
    EXPECT_ERR(hypercall(memory_op, XENMEM_get_pod_target, &pod), ESRCH);
    EXPECT_ERR(hypercall(memory_op, XENMEM_set_pod_target, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(memory_op, XENMEM_access_op, &access), EPERM);
    access.domid = 4711;
    EXPECT_ERR(hypercall(memory_op, XENMEM_access_op, &access), ESRCH);
    EXPECT_ERR(hypercall(memory_op, XENMEM_access_op, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(memory_op, XENMEM_paging_op, zero), ENOSYS);
    EXPECT_ERR(hypercall(memory_op, XENMEM_sharing_op, zero), ENOSYS);
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_get_sharing_freed_pages, NULL), 0);
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_get_sharing_shared_pages, NULL), 0);
    EXPECT_ERR(hypercall(memory_op, 8, zero), ENOSYS);
    EXPECT_ERR(hypercall(memory_op, 29, zero), ENOSYS);
    EXPECT_ERR(hypercall(memory_op, 60, zero), ENOSYS);
}

void test_main(void)
{
    check_map();
    check_claim();
    check_claim_used();
    check_device_memory();
    check_not_for_us();
}
