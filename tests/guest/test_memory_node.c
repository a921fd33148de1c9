/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory by NUMA node, on a machine with three, of which one has no CPU: as XENMEMF_node, exact_node_request and vnode say (memory.h),
 * on the nodes that are set (setnodeaffinity) or on those of the vCPUs' CPUs; from elsewhere when there is none left, unless that is forbidden.
 * availheap (sysctl.h) counts it by node and width.
 */
/* qemu: -smp 2 -m 768 -object memory-backend-ram,id=m0,size=256M -object memory-backend-ram,id=m1,size=256M -object memory-backend-ram,id=m2,size=256M -numa node,memdev=m0,cpus=0 -numa node,memdev=m1,cpus=1 -numa node,memdev=m2 */
#include "domain.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"
#include "time.h"
#include <xen/memory.h>
#include <xen/sched.h>

#define NODES     3
#define NODE_PAGES (256ul << (20 - PAGE_SHIFT))
#define SIDE      1024ul /* where the child's requests lie in its data, and 512 bytes on what it gets */
#define ASKS      5
#define MANY      512u

/* increase_reservation of its own ASKS times; the answers in data[0] and on. */
DOMAIN_ASM(asker,
    "mov $0x401000, %ebx\n xor %r12d, %r12d\n"
    "1: mov %r12, %rsi\n shl $5, %rsi\n lea 1024(%rbx, %rsi), %rsi\n xor %edi, %edi\n mov $12, %eax\n syscall\n"
    "mov %rax, (%rbx, %r12, 8)\n inc %r12\n cmp $5, %r12\n jb 1b\n" DOMAIN_SHUTDOWN(0));

static struct domain d;
static xen_pfn_t mfns[MANY];

static unsigned node_of(unsigned long mfn)
{
    return (unsigned)(mfn / NODE_PAGES);
}

static long avail(int node, unsigned min_bits, unsigned max_bits)
{
    EXPECT_OK(SYSCTL(availheap, U.availheap.node = node; U.availheap.min_bitwidth = min_bits; U.availheap.max_bitwidth = max_bits));
    return (long)(U.availheap.avail_bytes >> PAGE_SHIFT);
}

/* Free pages, when all that is on its way back has come. */
static void settle(void)
{
    long n, m = avail(-1, 0, 0);

    do {
        struct sched_poll poll = { .timeout = time_now() + 30000000 };

        n = m;
        hypercall(sched_op, SCHEDOP_poll, &poll);
        m = avail(-1, 0, 0);
    } while (m != n);
}

static long memory(unsigned cmd, unsigned long n, unsigned order, unsigned flags)
{
    struct xen_memory_reservation r = { .nr_extents = n, .extent_order = order, .mem_flags = flags, .domid = d.id };

    set_xen_guest_handle(r.extent_start, mfns);
    return hypercall(memory_op, cmd, &r);
}

/* n pages for d; how many of those that it got are on the node; all of them are given back. */
static unsigned got_on(unsigned node, unsigned n, unsigned flags)
{
    unsigned on = 0;

    EXPECT_EQUAL(memory(XENMEM_increase_reservation, n, 0, flags), n);
    for (unsigned i = 0; i < n; i++)
        on += node_of(mfns[i]) == node;
    EXPECT_EQUAL(memory(XENMEM_decrease_reservation, n, 0, 0), n);
    return on;
}

static long nodes(uint32_t cmd, uint64_t *map)
{
    domctl_clear();
    domctl_op.u.nodeaffinity.nodemap.nr_bits = 64;
    set_xen_guest_handle(domctl_op.u.nodeaffinity.nodemap.bitmap, (uint8_t *)map);
    return domctl(cmd, d.id);
}

static long nodes_set(uint64_t map)
{
    return nodes(XEN_DOMCTL_setnodeaffinity, &map);
}

static uint64_t nodes_get(void)
{
    uint64_t map = 0;

    EXPECT_OK(nodes(XEN_DOMCTL_getnodeaffinity, &map));
    return map;
}

static long affinity(uint64_t hard, uint64_t soft)
{
    domctl_clear();
    domctl_op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    domctl_op.u.vcpuaffinity.cpumap_hard.nr_bits = domctl_op.u.vcpuaffinity.cpumap_soft.nr_bits = 64;
    set_xen_guest_handle(domctl_op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)&hard);
    set_xen_guest_handle(domctl_op.u.vcpuaffinity.cpumap_soft.bitmap, (uint8_t *)&soft);
    return domctl(XEN_DOMCTL_setvcpuaffinity, d.id);
}

static void check_request(void)
{
    for (unsigned node = 0; node < NODES; node++) {
        long before = avail((int)node, 0, 0), all = avail(-1, 0, 0);

        EXPECT_EQUAL(got_on(node, MANY, XENMEMF_node(node)), MANY);
        EXPECT_EQUAL(memory(XENMEM_increase_reservation, MANY, 0, XENMEMF_exact_node(node)), MANY);
        for (unsigned i = 0; i < MANY; i++)
            if (node_of(mfns[i]) != node)
                EXPECT_EQUAL(node_of(mfns[i]), node);
        EXPECT_EQUAL(avail((int)node, 0, 0), before - MANY);
        EXPECT_EQUAL(avail(-1, 0, 0), all - MANY);
        EXPECT_EQUAL(memory(XENMEM_decrease_reservation, MANY, 0, 0), MANY);
        EXPECT_EQUAL(avail((int)node, 0, 0), before);
        EXPECT_EQUAL(memory(XENMEM_populate_physmap, 1, 9, XENMEMF_exact_node(node)), 1);
        EXPECT_EQUAL(node_of(mfns[0]), node);
        EXPECT_EQUAL(node_of(mfns[0] + 511), node);
        EXPECT_EQUAL(memory(XENMEM_decrease_reservation, 1, 9, 0), 1);
    }
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 4, 0, XENMEMF_exact_node(7)), 0);    /* not there */
    EXPECT_EQUAL(got_on(7, 4, XENMEMF_node(7)), 0);
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 4, 0, XENMEMF_exact_node(64)), 0);   /* can't be */
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 4, 0, XENMEMF_node(64)), 0);
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 4, 0, XENMEMF_exact_node(1) | XENMEMF_address_bits(28)), 0);
    EXPECT_EQUAL(got_on(0, 4, XENMEMF_node(1) | XENMEMF_address_bits(28)), 4);
    EXPECT_EQUAL(got_on(1, 4, XENMEMF_exact_node(1) | XENMEMF_address_bits(29)), 4);
}

static void check_widths(void)
{
    long sum = 0;

    EXPECT_EQUAL(avail(1, 29, 29), avail(1, 0, 0));
    EXPECT_EQUAL(avail(1, 0, 28), 0);
    EXPECT_EQUAL(avail(2, 30, 30), avail(2, 0, 0));
    EXPECT_EQUAL(avail(0, 0, 28), avail(0, 0, 0));
    for (unsigned bits = 13; bits <= 28; bits++)
        sum += avail(0, bits, bits);
    EXPECT_EQUAL(avail(0, 0, 0), sum);
    EXPECT_EQUAL(avail(0, 0, 0) + avail(1, 0, 0) + avail(2, 0, 0), avail(-1, 0, 0));
    EXPECT_EQUAL(avail(3, 0, 0), 0);
    EXPECT_EQUAL(avail(4711, 0, 0), 0);
}

/* Nodes that are set count; else those of the CPUs that the vCPU likes, or may use. */
static void check_affinity(void)
{
    EXPECT_EQUAL(nodes_get(), 3);
    EXPECT_EQUAL(got_on(0, 8, 0), 4);
    EXPECT_EQUAL(got_on(1, 8, 0), 4);
    EXPECT_OK(nodes_set(4));
    EXPECT_EQUAL(nodes_get(), 4);
    EXPECT_EQUAL(got_on(2, 8, 0), 8);
    EXPECT_EQUAL(got_on(1, 8, XENMEMF_node(1)), 8);
    EXPECT_OK(affinity(2, ~0ul));
    EXPECT_EQUAL(nodes_get(), 4);
    EXPECT_ERR(nodes_set(0), EINVAL);
    EXPECT_ERR(nodes_set(1ul << 5), EINVAL);
    EXPECT_EQUAL(nodes_get(), 4);
    EXPECT_OK(nodes_set(~0ul));
    EXPECT_EQUAL(nodes_get(), 2);
    EXPECT_EQUAL(got_on(1, 8, 0), 8);
    EXPECT_OK(affinity(3, 1));
    EXPECT_EQUAL(nodes_get(), 1);
    EXPECT_EQUAL(got_on(0, 8, 0), 8);
    EXPECT_OK(affinity(2, 1));
    EXPECT_EQUAL(nodes_get(), 2);
    EXPECT_OK(affinity(~0ul, ~0ul));
    EXPECT_EQUAL(nodes_get(), 3);
}

/* All of a node: then it comes from the others, but not if it must not. */
static void check_full(void)
{
    long before = avail(2, 0, 0), low = avail(0, 0, 26);
    unsigned n = 0;

    while (n < MANY && memory(XENMEM_increase_reservation, 1, 9, XENMEMF_exact_node(2)) == 1)
        EXPECT_EQUAL(node_of(mfns[0]), 2), n++;
    EXPECT_TRUE(n > before >> 10 && n <= before >> 9);
    EXPECT_TRUE(avail(2, 0, 0) <= before - 512 * (long)n);
    while (n < NODE_PAGES && memory(XENMEM_increase_reservation, 1, 0, XENMEMF_exact_node(2)) == 1)
        n++;
    EXPECT_EQUAL(avail(2, 0, 0), 0);
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 1, 0, XENMEMF_exact_node(2)), 0);
    EXPECT_OK(nodes_set(2));
    EXPECT_EQUAL(got_on(1, 8, XENMEMF_node(2)), 8);
    EXPECT_OK(nodes_set(4));
    EXPECT_EQUAL(got_on(2, 8, 0), 0);
    EXPECT_OK(nodes_set(1));
    EXPECT_EQUAL(got_on(0, 8, XENMEMF_node(2)), 8);
    EXPECT_TRUE(low > 1024);
    while (avail(1, 0, 0) > 1024 && memory(XENMEM_increase_reservation, 1, 8, 0) == 1)
        ;
    EXPECT_EQUAL(avail(0, 0, 26), low); /* low addresses go last ... */
    if (!test_on_xen()) /* ... but there some higher ones are left, too */
        EXPECT_TRUE(avail(0, 27, 0) < 1024);
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 1, 9, XENMEMF_exact_node(0)), 1);
    EXPECT_EQUAL(node_of(mfns[0]), 0);
    EXPECT_OK(nodes_set(~0ul));
}

static void vnuma_set(void)
{
    static unsigned distance[4] = { 10, 20, 20, 10 }, cpu_node[1] = { 1 }, place[2] = { 2, 1 };
    static xen_vmemrange_t range[2] = { { 0, 0x100000, 0, 0 }, { 0x100000, 0x200000, 0, 1 } };
    struct xen_domctl_vnuma *a = &domctl_op.u.vnuma;

    domctl_clear();
    a->nr_vnodes = a->nr_vmemranges = 2;
    a->nr_vcpus = 1;
    set_xen_guest_handle(a->vdistance, distance);
    set_xen_guest_handle(a->vcpu_to_vnode, cpu_node);
    set_xen_guest_handle(a->vnode_to_pnode, place);
    set_xen_guest_handle(a->vmemrange, range);
    EXPECT_OK(domctl(XEN_DOMCTL_setvnumainfo, d.id));
}

static void check_virtual(void)
{
    EXPECT_EQUAL(got_on(2, 4, XENMEMF_vnode | XENMEMF_exact_node(2)), 0); /* it has none: that means nothing */
    vnuma_set();
    EXPECT_EQUAL(got_on(2, 8, XENMEMF_vnode | XENMEMF_node(0)), 8);
    EXPECT_EQUAL(got_on(1, 8, XENMEMF_vnode | XENMEMF_exact_node(1)), 8);
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 1, 0, XENMEMF_vnode | XENMEMF_node(2)), 0);
    EXPECT_EQUAL(memory(XENMEM_increase_reservation, 1, 0, XENMEMF_vnode), 0);
}

/* A domain without privilege: no say but over its own virtual nodes. */
static void check_inside(void)
{
    static const unsigned flags[ASKS] = {
        XENMEMF_exact_node(2), XENMEMF_node(2), XENMEMF_vnode | XENMEMF_exact_node(0), XENMEMF_vnode | XENMEMF_node(2),
        XENMEMF_exact_node_request,
    };
    struct xen_memory_reservation *r = (void *)&d.data[SIDE / 8];
    volatile unsigned long *got = &d.data[(SIDE + 512) / 8];

    EXPECT_OK(nodes_set(1));
    for (unsigned i = 0; i < ASKS; i++) {
        r[i] = (struct xen_memory_reservation){ .nr_extents = 1, .mem_flags = flags[i], .domid = DOMID_SELF };
        r[i].extent_start.p = (xen_pfn_t *)(DOMAIN_DATA + SIDE + 512 + i * 8);
        d.data[i] = 99;
    }
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_poweroff);
    EXPECT_EQUAL(d.data[0], 0);
    EXPECT_TRUE(d.data[1] == 1 && node_of(got[1]) == 0);
    EXPECT_TRUE(d.data[2] == 1 && node_of(got[2]) == 2);
    EXPECT_EQUAL(d.data[3], 0);
    EXPECT_TRUE(d.data[4] == 1 && node_of(got[4]) == 0);
}

/* Ours for some of another node; the new one's number is what counts. */
static void check_exchange(void)
{
    xen_pfn_t in, out;
    struct xen_memory_exchange x = {
        .in = { .nr_extents = 1, .domid = DOMID_SELF }, .out = { .nr_extents = 1, .domid = DOMID_SELF },
    };

    for (unsigned node = 0; node < NODES; node++) {
        out = pfn_alloc();
        in = pfn_to_mfn(out);
        x.nr_exchanged = 0;
        x.out.mem_flags = node == 1 ? XENMEMF_node(node) : XENMEMF_exact_node(node);
        set_xen_guest_handle(x.in.extent_start, &in);
        set_xen_guest_handle(x.out.extent_start, &out);
        EXPECT_OK(hypercall(memory_op, XENMEM_exchange, &x));
        EXPECT_EQUAL(node_of(out), node);
    }
    in = out;
    x.nr_exchanged = 0;
    x.out.mem_flags = XENMEMF_exact_node(1) | XENMEMF_address_bits(28);
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_exchange, &x));
    x.out.mem_flags = XENMEMF_exact_node(64);
    EXPECT_ERR(hypercall(memory_op, XENMEM_exchange, &x), EINVAL);
}

void test_main(void)
{
    for (unsigned i = 0; i < 2; i++) {
        long before[NODES] = { avail(0, 0, 0), avail(1, 0, 0), avail(2, 0, 0) };

        domain_make(&d, DOMAIN_CODE_OF(asker));
        domctl_op.u.max_mem.max_memkb = 1ul << 30;
        REQUIRE(domctl(XEN_DOMCTL_max_mem, d.id) == 0);
        check_request();
        check_widths();
        check_affinity();
        check_virtual();
        check_inside();
        if (i)
            check_full();
        EXPECT_OK(domain_destroy(&d));
        settle();
        for (int node = 0; node < NODES; node++)
            EXPECT_TRUE(avail(node, 0, 0) + (test_on_xen() ? 64 : 0) >= before[node]); /* (its own heap has grown) */
    }
    check_exchange();
}
