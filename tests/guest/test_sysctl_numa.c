/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl (sysctl.h) on a machine of two nodes: their CPUs, memory, distances; free memory is counted where it is; debug key u counts ours. */
/* qemu: -smp 2 -m 1024 -object memory-backend-ram,id=m0,size=512M -object memory-backend-ram,id=m1,size=512M -numa node,memdev=m0,cpus=0 -numa node,memdev=m1,cpus=1 -numa dist,src=0,dst=1,val=31 */
#define __XEN_TOOLS__ 1
#include <xen/memory.h>
#include <xen/sysctl.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"
#include "time.h"
#include <xen/sched.h>

#define FRAMES 1024u

static xen_sysctl_meminfo_t mem[4];
static uint32_t distance[16];
static xen_pfn_t frames[FRAMES];
static char text[16384];

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

/* The number behind `word` where it comes first in the text from *at on, and the place behind that. */
static unsigned long number_after(const char **at, const char *word)
{
    unsigned long n = 0;
    const char *p = *at;

    while (*p && memcmp(p, word, strlen(word)))
        p++;
    if (!EXPECT_TRUE(*p))
        return ~0ul;
    for (p += strlen(word); *p >= '0' && *p <= '9'; p++)
        n = n * 10 + (unsigned long)(*p - '0');
    *at = p;
    return n;
}

static bool key_answered(void)
{
    EXPECT_OK(SYSCTL(readconsole, U.readconsole.buffer.p = text; U.readconsole.count = sizeof(text) - 64));
    text[U.readconsole.count] = 0;
    for (const char *p = text; *p; p++)
        if (!memcmp(p, "Node 1: ", 8))
            return true;
    return false;
}

/* What the key says of us is what we have. */
static void check_key(void)
{
    uint64_t until = time_now() + 5000000000ul;
    unsigned long here = 0;
    const char *at = text;

    EXPECT_OK(SYSCTL(readconsole, U.readconsole.buffer.p = text; U.readconsole.count = sizeof(text); U.readconsole.clear = 1));
    EXPECT_OK(SYSCTL(debug_keys, U.debug_keys.keys.p = "u"; U.debug_keys.nr_keys = 1));
    while (!key_answered() && time_now() < until)
        hypercall(sched_op, SCHEDOP_yield);
    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
        here += pfn_to_mfn(pfn) < 512ul << (20 - PAGE_SHIFT);
    EXPECT_EQUAL(number_after(&at, "Domain 0 (total: "), start_info->nr_pages);
    EXPECT_EQUAL(number_after(&at, "Node 0: "), here);
    EXPECT_EQUAL(number_after(&at, "Node 1: "), start_info->nr_pages - here);
    if (!test_on_xen()) /* dom0 has its memory from all nodes alike */
        EXPECT_TRUE(here * 10 > start_info->nr_pages * 4 && here * 10 < start_info->nr_pages * 6);
}

void test_main(void)
{
    check_key();
    check_info();
    check_cpus();
    check_free();
}
