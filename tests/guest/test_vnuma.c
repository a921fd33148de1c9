/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * setvnumainfo (domctl.h) and XENMEM_get_vnumainfo (memory.h): a domain's virtual nodes are read as they were set, by the toolstack and by
 * the domain itself; too little room is told with the sizes; sizes and places that can't be are refused.
 */
#include "domain.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"
#include <xen/memory.h>
#include <xen/sched.h>

/* XENMEM_get_vnumainfo of its own with the struct at data[16]; the answer in data[0]. */
DOMAIN_ASM(asker,
    "mov $0x401000, %ebx\n mov $26, %edi\n lea 128(%rbx), %rsi\n mov $12, %eax\n syscall\n mov %rax, (%rbx)\n" DOMAIN_SHUTDOWN(0));

static struct domain d;
static unsigned distance[4] = { 10, 21, 22, 10 }, cpu_node[1], place[2];
static xen_vmemrange_t range[2] = { { 0, 0x100000, 0, 0 }, { 0x100000, 0x200000, 0, 1 } };

static unsigned got_distance[9], got_cpu[4];
static xen_vmemrange_t got_range[4];

static struct xen_domctl_vnuma *request(unsigned nodes, unsigned ranges)
{
    struct xen_domctl_vnuma *a = &domctl_op.u.vnuma;

    domctl_clear();
    a->nr_vnodes = nodes;
    a->nr_vmemranges = ranges;
    a->nr_vcpus = 1;
    set_xen_guest_handle(a->vdistance, distance);
    set_xen_guest_handle(a->vcpu_to_vnode, cpu_node);
    set_xen_guest_handle(a->vnode_to_pnode, place);
    set_xen_guest_handle(a->vmemrange, range);
    return a;
}

static long set(void)
{
    return domctl(XEN_DOMCTL_setvnumainfo, d.id);
}

static long get(struct xen_vnuma_topology_info *t, domid_t id, unsigned nodes, unsigned cpus, unsigned ranges)
{
    *t = (struct xen_vnuma_topology_info){ .domid = id, .nr_vnodes = nodes, .nr_vcpus = cpus, .nr_vmemranges = ranges };
    set_xen_guest_handle(t->vdistance.h, got_distance);
    set_xen_guest_handle(t->vcpu_to_vnode.h, got_cpu);
    set_xen_guest_handle(t->vmemrange.h, got_range);
    return hypercall(memory_op, XENMEM_get_vnumainfo, t);
}

static void check_refusals(void)
{
    struct xen_vnuma_topology_info t;

    EXPECT_ERR(get(&t, d.id, 4, 4, 4), EOPNOTSUPP);     /* none set */
    EXPECT_ERR(get(&t, 4321, 4, 4, 4), ESRCH);
    EXPECT_ERR(hypercall(memory_op, XENMEM_get_vnumainfo, UNMAPPED), EFAULT);
    request(0, 1);
    EXPECT_ERR(set(), EINVAL);
    request(2, 2)->nr_vcpus = 2;
    EXPECT_ERR(set(), EINVAL);
    request(2, 2)->pad = 1;
    EXPECT_ERR(set(), EINVAL);
    request(33, 1);
    EXPECT_ERR(set(), EINVAL);
    request(1, 171);
    EXPECT_ERR(set(), EINVAL);
    request(~0u, ~0u);
    EXPECT_ERR(set(), EINVAL);
    set_xen_guest_handle(request(2, 2)->vmemrange, (xen_vmemrange_t *)UNMAPPED);
    EXPECT_ERR(set(), EFAULT);
    set_xen_guest_handle(request(2, 2)->vnode_to_pnode, (unsigned *)UNMAPPED);
    EXPECT_ERR(set(), EFAULT);
    range[1].flags = 1;
    request(2, 2);
    EXPECT_ERR(set(), EINVAL);
    range[1].flags = 0;
    cpu_node[0] = 2;
    request(2, 2);
    EXPECT_ERR(set(), E2BIG);
    cpu_node[0] = 1;
    place[1] = ~0u;
    request(2, 2);
    EXPECT_ERR(set(), E2BIG);
    place[1] = 0;
    EXPECT_ERR(get(&t, d.id, 4, 4, 4), EOPNOTSUPP);
}

static void check_answers(void)
{
    struct xen_vnuma_topology_info t;

    request(2, 2);
    EXPECT_OK(set());
    EXPECT_OK(get(&t, d.id, 3, 4, 4));
    EXPECT_TRUE(t.nr_vnodes == 2 && t.nr_vcpus == 1 && t.nr_vmemranges == 2);
    EXPECT_TRUE(!memcmp(got_distance, distance, sizeof(distance)) && got_distance[4] == 0);
    EXPECT_TRUE(got_cpu[0] == 1 && got_cpu[1] == 0);
    EXPECT_TRUE(!memcmp(got_range, range, sizeof(range)) && got_range[2].end == 0);
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_ERR(get(&t, d.id, i == 0 ? 1 : 2, i == 1 ? 0 : 1, i == 2 ? 1 : 2), ENOBUFS);
        EXPECT_TRUE(t.nr_vnodes == 2 && t.nr_vcpus == 1 && t.nr_vmemranges == 2);
    }
    t.pad = 1;
    EXPECT_ERR(hypercall(memory_op, XENMEM_get_vnumainfo, &t), EINVAL);
    get(&t, d.id, 2, 1, 2);
    set_xen_guest_handle(t.vdistance.h, (unsigned *)UNMAPPED);
    EXPECT_ERR(hypercall(memory_op, XENMEM_get_vnumainfo, &t), EFAULT);
    range[1].end = 0x300000;
    request(1, 2);                                      /* set anew: one node, its vCPU on it */
    cpu_node[0] = 0;
    EXPECT_OK(set());
    EXPECT_OK(get(&t, d.id, 3, 4, 4));
    EXPECT_TRUE(t.nr_vnodes == 1 && got_range[1].end == 0x300000);
}

/* The domain asks for its own. */
static void check_inside(void)
{
    struct xen_vnuma_topology_info *t = (void *)&d.data[16];

    *t = (struct xen_vnuma_topology_info){ .domid = DOMID_SELF, .nr_vnodes = 2, .nr_vcpus = 2, .nr_vmemranges = 2 };
    t->vdistance.h.p = (unsigned *)(DOMAIN_DATA + 1024);
    t->vcpu_to_vnode.h.p = (unsigned *)(DOMAIN_DATA + 1280);
    t->vmemrange.h.p = (xen_vmemrange_t *)(DOMAIN_DATA + 1536);
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_poweroff);
    EXPECT_EQUAL(d.data[0], 0);
    EXPECT_TRUE(t->nr_vnodes == 1 && t->nr_vcpus == 1 && t->nr_vmemranges == 2);
    EXPECT_EQUAL(d.data[1536 / 8 + 1], 0x100000);
}

void test_main(void)
{
    for (unsigned i = 0; i < 3; i++) {
        range[1].end = 0x200000;
        cpu_node[0] = 0;
        domain_make(&d, DOMAIN_CODE_OF(asker));
        check_refusals();
        check_answers();
        check_inside();
        EXPECT_OK(domain_destroy(&d));
        memset(got_distance, 0, sizeof(got_distance));
    }
}
