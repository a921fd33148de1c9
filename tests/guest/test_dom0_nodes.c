/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option dom0_nodes=: dom0 has the vCPUs that the node has CPUs, may run on these only, and has all of its memory there. */
/* qemu: -smp 3 -m 512 -object memory-backend-ram,id=m0,size=256M -object memory-backend-ram,id=m1,size=256M -numa node,memdev=m0,cpus=0 -numa node,memdev=m1,cpus=1-2 */
/* hv: dom0_nodes=1 */
#define __XEN_TOOLS__ 1
#include <xen/domctl.h>
#include <xen/vcpu.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"

static struct xen_domctl op;

static long domctl(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = 0;
    return hypercall(domctl, &op);
}

void test_main(void)
{
    uint64_t map = 0;
    unsigned elsewhere = 0;

    EXPECT_TRUE(hypercall(vcpu_op, VCPUOP_is_up, 1, NULL) >= 0);
    EXPECT_ERR(hypercall(vcpu_op, VCPUOP_is_up, 2, NULL), ENOENT);
    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
        elsewhere += pfn_to_mfn(pfn) < 256ul << (20 - PAGE_SHIFT);
    EXPECT_EQUAL(elsewhere, 0);
    op.u.nodeaffinity.nodemap.nr_bits = 64;
    set_xen_guest_handle(op.u.nodeaffinity.nodemap.bitmap, (uint8_t *)&map);
    EXPECT_OK(domctl(XEN_DOMCTL_getnodeaffinity));
    EXPECT_EQUAL(map, 2);
    for (unsigned v = 0; v < 2; v++) {
        memset(&op.u, 0, sizeof(op.u));
        op.u.vcpuaffinity.vcpu = v;
        op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
        op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
        set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)&map);
        map = 0;
        EXPECT_OK(domctl(XEN_DOMCTL_getvcpuaffinity));
        EXPECT_EQUAL(map, 6);
    }
}
