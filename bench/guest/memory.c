/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much of the machine's memory the hypervisor keeps: takes all that can be had, in ever smaller pieces, and prints
 *     BENCH-MEMORY ram <KiB> domain <KiB>
 * what the memory map calls RAM, and what dom0 has in the end.  Start it with a dom0_mem= that is most of the machine: new
 * memory is cleared, which takes its time.
 */
#include <xen/memory.h>
#include "boot.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"

struct e820 { uint64_t addr, size; uint32_t type; } __attribute__((packed));

static uint64_t ram(void)
{
    static struct e820 map[128];
    struct xen_memory_map m = { .nr_entries = ARRAY_SIZE(map) };
    uint64_t sum = 0;

    set_xen_guest_handle(m.buffer, map);
    EXPECT_OK(hypercall(memory_op, XENMEM_machine_memory_map, &m));
    for (unsigned i = 0; i < m.nr_entries; i++)
        sum += map[i].type == 1 ? map[i].size : 0;
    return sum;
}

static void take_all(void)
{
    for (int order = 9; order >= 0; order--) {
        struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = (unsigned)order, .domid = DOMID_SELF };

        set_xen_guest_handle(r.extent_start, NULL);
        while (hypercall(memory_op, XENMEM_increase_reservation, &r) == 1)
            ;
    }
}

void test_main(void)
{
    struct xen_memory_domain self = { .domid = DOMID_SELF };

    take_all();
    printf("BENCH-MEMORY ram %lu domain %lu\n", ram() >> 10,
           (unsigned long)hypercall(memory_op, XENMEM_current_reservation, &self) << 2);
}
