/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl (sysctl.h) on a machine of two nodes: their CPUs, memory, distances; free memory is counted where it is. */
/* qemu: -smp 2 -m 1024 -object memory-backend-ram,id=m0,size=512M -object memory-backend-ram,id=m1,size=512M -numa node,memdev=m0,cpus=0 -numa node,memdev=m1,cpus=1 -numa dist,src=0,dst=1,val=31 */
#define __XEN_TOOLS__ 1
#include <xen/memory.h>
#include <xen/sysctl.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"

#define FRAMES 1024u

static xen_sysctl_meminfo_t mem[4];
static uint32_t distance[16];
static xen_pfn_t frames[FRAMES];

static uint64_t free_of(int node)
{
    EXPECT_OK(SYSCTL(availheap, U.availheap.node = node));
    return U.availheap.avail_bytes;
}

static void check_info(void)
{
    EXPECT_OK(SYSCTL(numainfo));
    EXPECT_EQUAL(U.numainfo.num_nodes, 2);
    EXPECT_OK(SYSCTL(numainfo, U.numainfo.num_nodes = 4; U.numainfo.meminfo.p = mem; U.numainfo.distance.p = distance));
    EXPECT_EQUAL(U.numainfo.num_nodes, 2);
    EXPECT_EQUAL(distance[0], 10);
    EXPECT_EQUAL(distance[1], 31);
    EXPECT_EQUAL(distance[2], 31);
    EXPECT_EQUAL(distance[3], 10);
    EXPECT_TRUE(mem[0].memsize > 500ul << 20 && mem[0].memsize <= 512ul << 20);
    EXPECT_TRUE(mem[1].memsize > 500ul << 20 && mem[1].memsize <= 512ul << 20);
    EXPECT_TRUE(mem[0].memfree > 0 && mem[0].memfree < mem[0].memsize);
    EXPECT_TRUE(mem[1].memfree > 0 && mem[1].memfree < mem[1].memsize);
    EXPECT_EQUAL(mem[0].memfree, free_of(0));
    EXPECT_EQUAL(mem[1].memfree, free_of(1));
    mem[1].memsize = 4711;
    EXPECT_OK(SYSCTL(numainfo, U.numainfo.num_nodes = 1; U.numainfo.meminfo.p = mem; U.numainfo.distance.p = distance));
    EXPECT_EQUAL(mem[1].memsize, 4711);
    EXPECT_OK(SYSCTL(physinfo));
    EXPECT_EQUAL(U.physinfo.nr_nodes, 2);
}

static void check_cpus(void)
{
    xen_sysctl_cputopo_t t[2];

    EXPECT_OK(SYSCTL(cputopoinfo, U.cputopoinfo.cputopo.p = t; U.cputopoinfo.num_cpus = 2));
    EXPECT_EQUAL(t[0].node, 0);
    EXPECT_EQUAL(t[1].node, 1);
}

/* What dom0 gives back is free where it was. */
static void check_free(void)
{
    struct xen_memory_reservation r = { .nr_extents = FRAMES, .domid = DOMID_SELF };
    uint64_t before[2] = { free_of(0), free_of(1) };

    EXPECT_EQUAL(free_of(-1), before[0] + before[1]);
    for (unsigned i = 0; i < FRAMES; i++)
        frames[i] = pfn_to_mfn(pfn_alloc());
    set_xen_guest_handle(r.extent_start, frames);
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_decrease_reservation, &r), FRAMES);
    EXPECT_EQUAL(free_of(0) + free_of(1), before[0] + before[1] + FRAMES * PAGE_SIZE);
    EXPECT_TRUE(free_of(0) >= before[0] && free_of(1) >= before[1]);
}

void test_main(void)
{
    check_info();
    check_cpus();
    check_free();
}
