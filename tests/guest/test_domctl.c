/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl (domctl.h): the life of a domain that never runs.  Made with a number of its own or the next free one, given vCPUs, memory
 * and a place to run, looked at, paused and unpaused, its registers set and read; destroyed, and then unknown.  Bad numbers,
 * versions and kinds are refused.
 */
/* qemu: -cpu max,-smap */
#define __XEN_TOOLS__ 1
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include <xen/domctl.h>
#include <xen/memory.h>

#define FAR_ID 1234

static struct xen_domctl op;

static long domctl(uint32_t cmd, domid_t id)
{
    op.cmd = cmd;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = id;
    return hypercall(domctl, &op);
}

static long create(domid_t id, unsigned vcpus)
{
    memset(&op, 0, sizeof(op));
    op.u.createdomain.max_vcpus = vcpus;
    op.u.createdomain.max_evtchn_port = 1023;
    op.u.createdomain.max_grant_frames = 4;
    op.u.createdomain.max_maptrack_frames = 4;
    op.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
    for (unsigned i = 0; i < sizeof(op.u.createdomain.handle); i++)
        op.u.createdomain.handle[i] = (uint8_t)(i + 1);
    return domctl(XEN_DOMCTL_createdomain, id);
}

static const struct xen_domctl_getdomaininfo *info(domid_t id)
{
    static struct xen_domctl_getdomaininfo none;
    long rc = domctl(XEN_DOMCTL_getdomaininfo, id);

    return EXPECT_OK(rc) ? &op.u.getdomaininfo : &none;
}

static void check_refusals(void)
{
    EXPECT_ERR(domctl(XEN_DOMCTL_pausedomain, FAR_ID), ESRCH);
    EXPECT_ERR(domctl(XEN_DOMCTL_getdomaininfo, FAR_ID), ESRCH);
    EXPECT_ERR(domctl(XEN_DOMCTL_pausedomain, 0), EINVAL);      /* oneself */
    EXPECT_ERR(domctl(XEN_DOMCTL_destroydomain, 0), EINVAL);
    op.cmd = XEN_DOMCTL_getdomaininfo;
    op.interface_version++;
    EXPECT_ERR(hypercall(domctl, &op), EACCES);
    EXPECT_ERR(hypercall(domctl, 0x10), EFAULT);
    EXPECT_ERR(create(0, 0), EINVAL);
    EXPECT_ERR(create(0, 1u << 20), EINVAL);
    EXPECT_ERR(domctl(4711, 0), ENOSYS);
}

static void check_dom0(void)
{
    const struct xen_domctl_getdomaininfo *i = info(0);

    EXPECT_EQUAL(i->domain, 0);
    EXPECT_TRUE(i->flags & XEN_DOMINF_running);
    EXPECT_EQUAL(i->nr_online_vcpus, 1);
    EXPECT_EQUAL(i->max_vcpu_id, 0);
    EXPECT_TRUE(i->cpu_time > 0);
    EXPECT_EQUAL(i->shared_info_frame, start_info->shared_info >> PAGE_SHIFT);
}

static void check_new(domid_t id)
{
    const struct xen_domctl_getdomaininfo *i = info(id);

    EXPECT_EQUAL(i->domain, id);
    EXPECT_TRUE(i->flags & XEN_DOMINF_paused);
    EXPECT_TRUE(!(i->flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown | XEN_DOMINF_running)));
    EXPECT_EQUAL(i->nr_online_vcpus, 0);
    EXPECT_EQUAL(i->max_vcpu_id, XEN_INVALID_MAX_VCPU_ID);
    EXPECT_EQUAL(i->tot_pages, 0);
    EXPECT_EQUAL(i->handle[15], 16);
}

static void check_pauses(domid_t id)
{
    EXPECT_OK(domctl(XEN_DOMCTL_pausedomain, id));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, id));
    for (unsigned i = 1; i < 255; i++)                  /* it was made with one; no more than 255, so that none wraps */
        EXPECT_OK(domctl(XEN_DOMCTL_pausedomain, id));
    EXPECT_ERR(domctl(XEN_DOMCTL_pausedomain, id), EOVERFLOW);
    for (unsigned i = 1; i < 255; i++)
        EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, id));
    EXPECT_TRUE(info(id)->flags & XEN_DOMINF_paused);   /* as it was made */
}

static void check_vcpus(domid_t id)
{
    static vcpu_guest_context_t ctx, back;

    op.u.max_vcpus.max = 3;
    EXPECT_ERR(domctl(XEN_DOMCTL_max_vcpus, id), EINVAL);
    op.u.max_vcpus.max = 2;
    EXPECT_OK(domctl(XEN_DOMCTL_max_vcpus, id));
    EXPECT_OK(domctl(XEN_DOMCTL_max_vcpus, id));
    EXPECT_EQUAL(info(id)->max_vcpu_id, 1);
    op.u.getvcpuinfo.vcpu = 1;
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpuinfo, id));
    EXPECT_EQUAL(op.u.getvcpuinfo.online, 0);
    EXPECT_EQUAL(op.u.getvcpuinfo.running, 0);
    op.u.getvcpuinfo.vcpu = 2;
    EXPECT_ERR(domctl(XEN_DOMCTL_getvcpuinfo, id), EINVAL);
    op.u.vcpucontext.vcpu = 0;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &back);
    EXPECT_ERR(domctl(XEN_DOMCTL_getvcpucontext, id), ENODATA);
    op.u.vcpucontext.vcpu = 7;
    EXPECT_ERR(domctl(XEN_DOMCTL_getvcpucontext, id), EINVAL);
    op.u.vcpucontext.vcpu = 0;
    ctx.ctrlreg[3] = 0;                                /* a table that isn't one */
    ctx.flags = VGCF_in_kernel;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &ctx);
    EXPECT_ERR(domctl(XEN_DOMCTL_setvcpucontext, id), EINVAL);
}

static void check_affinity(domid_t id)
{
    uint8_t hard[16], soft[16];

    memset(hard, 0xff, sizeof(hard));
    op.u.vcpuaffinity.vcpu = 0;
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, hard);
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_soft.bitmap, soft);
    op.u.vcpuaffinity.cpumap_hard.nr_bits = op.u.vcpuaffinity.cpumap_soft.nr_bits = 64;
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpuaffinity, id));
    EXPECT_TRUE(hard[0] & 1);
    EXPECT_TRUE(soft[0] & 1);
    EXPECT_EQUAL(hard[8], 0xff);                       /* not ours to write */
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    memset(hard, 0, sizeof(hard));
    EXPECT_ERR(domctl(XEN_DOMCTL_setvcpuaffinity, id), EINVAL);
    hard[0] = 3;
    EXPECT_OK(domctl(XEN_DOMCTL_setvcpuaffinity, id));
    EXPECT_EQUAL(hard[0], 1);                          /* there is one CPU */
    op.u.vcpuaffinity.flags = 0;
    EXPECT_ERR(domctl(XEN_DOMCTL_setvcpuaffinity, id), EINVAL);
}

static void check_scheduler(domid_t id)
{
    memset(&op.u, 0, sizeof(op.u));
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    EXPECT_OK(domctl(XEN_DOMCTL_scheduler_op, id));
    EXPECT_EQUAL(op.u.scheduler_op.u.credit2.weight, 256);
    EXPECT_EQUAL(op.u.scheduler_op.u.credit2.cap, 0);
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    op.u.scheduler_op.u.credit2.weight = 512;
    op.u.scheduler_op.u.credit2.cap = 40;
    EXPECT_OK(domctl(XEN_DOMCTL_scheduler_op, id));
    op.u.scheduler_op.u.credit2.weight = 0;
    EXPECT_OK(domctl(XEN_DOMCTL_scheduler_op, id));
    op.u.scheduler_op.u.credit2.cap = 0xffff;
    EXPECT_ERR(domctl(XEN_DOMCTL_scheduler_op, id), EINVAL);
    op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    EXPECT_OK(domctl(XEN_DOMCTL_scheduler_op, id));
    EXPECT_EQUAL(op.u.scheduler_op.u.credit2.weight, 512);
    EXPECT_EQUAL(op.u.scheduler_op.u.credit2.cap, 40);
    op.u.scheduler_op.sched_id = XEN_SCHEDULER_ARINC653;
    EXPECT_ERR(domctl(XEN_DOMCTL_scheduler_op, id), EINVAL);
}

static void check_memory(domid_t id)
{
    xen_pfn_t pfns[8];
    struct xen_memory_reservation r = { .nr_extents = 8, .domid = id };
    uint64_t types[2];

    for (unsigned i = 0; i < 8; i++)
        pfns[i] = i;
    set_xen_guest_handle(r.extent_start, pfns);
    op.u.max_mem.max_memkb = 16;
    EXPECT_OK(domctl(XEN_DOMCTL_max_mem, id));
    EXPECT_EQUAL(hypercall(memory_op, XENMEM_populate_physmap, &r), 4);
    EXPECT_EQUAL(info(id)->tot_pages, 4);
    EXPECT_EQUAL(op.u.getdomaininfo.max_pages, 4);
    types[0] = pfns[0];
    types[1] = virt_to_mfn(&op);                       /* not its */
    op.u.getpageframeinfo3.num = 2;
    set_xen_guest_handle(op.u.getpageframeinfo3.array, types);
    EXPECT_OK(domctl(XEN_DOMCTL_getpageframeinfo3, id));
    EXPECT_EQUAL(types[0], XEN_DOMCTL_PFINFO_NOTAB);
    EXPECT_EQUAL(types[1], XEN_DOMCTL_PFINFO_XTAB);
    op.u.hypercall_init.gmfn = pfns[1];
    EXPECT_OK(domctl(XEN_DOMCTL_hypercall_init, id));
    op.u.hypercall_init.gmfn = virt_to_mfn(&op);
    EXPECT_ERR(domctl(XEN_DOMCTL_hypercall_init, id), EINVAL);
}

static void check_kind(domid_t id)
{
    op.u.address_size.size = 64;
    EXPECT_OK(domctl(XEN_DOMCTL_set_address_size, id));
    EXPECT_OK(domctl(XEN_DOMCTL_get_address_size, id));
    EXPECT_EQUAL(op.u.address_size.size, 64);
    EXPECT_OK(domctl(XEN_DOMCTL_gettscinfo, id));
    EXPECT_TRUE(op.u.tsc_info.gtsc_khz > 0);
    memset(op.u.setdomainhandle.handle, 0x55, sizeof(op.u.setdomainhandle.handle));
    EXPECT_OK(domctl(XEN_DOMCTL_setdomainhandle, id));
    EXPECT_EQUAL(info(id)->handle[3], 0x55);
}

/* State beyond the context: on a processor with XSAVE. */
static void check_state(domid_t id)
{
    static uint64_t buffer[1024];
    struct xen_domctl_vcpuextstate *e = &op.u.vcpuextstate;
    xen_domctl_vcpu_msr_t msr = { .index = 0xc0000103, .value = 7 };
    uint64_t size, mask;

    memset(&op.u, 0, sizeof(op.u));
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpuextstate, id));
    size = e->size;
    mask = e->xfeature_mask;
    EXPECT_TRUE(mask & 1);
    EXPECT_TRUE(size >= 16 && size <= sizeof(buffer));
    e->vcpu = 9;
    EXPECT_ERR(domctl(XEN_DOMCTL_getvcpuextstate, id), ESRCH);
    memset(&op.u, 0, sizeof(op.u));
    EXPECT_OK(domctl(XEN_DOMCTL_get_vcpu_msrs, id));
    EXPECT_TRUE(op.u.vcpu_msrs.msr_count > 0);
    op.u.vcpu_msrs.msr_count = 1;
    set_xen_guest_handle(op.u.vcpu_msrs.msrs, &msr);
    EXPECT_OK(domctl(XEN_DOMCTL_set_vcpu_msrs, id));
    msr.index = 0x1234;
    EXPECT_ERR(domctl(XEN_DOMCTL_set_vcpu_msrs, id), EINVAL);
    EXPECT_EQUAL(op.u.vcpu_msrs.msr_count, 0);
    op.u.vcpu_msrs.msr_count = 1;
    msr.index = 0xc0000103;
    msr.value = 1ul << 32;
    EXPECT_ERR(domctl(XEN_DOMCTL_set_vcpu_msrs, id), EINVAL);
    op.u.vcpu_msrs.msr_count = 1;
    msr.index = 0;
    EXPECT_OK(domctl(XEN_DOMCTL_get_vcpu_msrs, id));
    EXPECT_EQUAL(op.u.vcpu_msrs.msr_count, 1);
    EXPECT_EQUAL(msr.index, 0xc0000103);
    EXPECT_EQUAL(msr.value, 7);
}

/* CPUID of the domain: features can be taken away, but not given. */
static void check_policy(domid_t id)
{
    static xen_cpuid_leaf_t leaves[256];
    xen_cpuid_leaf_t one = { .leaf = 1, .subleaf = XEN_CPUID_NO_SUBLEAF };
    struct xen_domctl_cpu_policy *p = &op.u.cpu_policy;

    memset(&op.u, 0, sizeof(op.u));
    p->nr_leaves = 256;
    set_xen_guest_handle(p->leaves, leaves);
    EXPECT_OK(domctl(XEN_DOMCTL_get_cpu_policy, id));
    REQUIRE(p->nr_leaves > 2 && p->nr_leaves <= 256);
    for (unsigned i = 0; i < p->nr_leaves; i++)
        if (leaves[i].leaf == 1)
            one = leaves[i];
    EXPECT_TRUE(one.d & 1);                            /* there is an FPU */
    EXPECT_TRUE(!(one.c & 1u << 5));                   /* no VT-x */
    memset(&op.u, 0, sizeof(op.u));
    p->nr_leaves = 1;
    set_xen_guest_handle(p->leaves, &one);
    one.c &= ~1u;                                      /* SSE3 goes */
    EXPECT_OK(domctl(XEN_DOMCTL_set_cpu_policy, id));
    one.leaf = 0x12345;
    EXPECT_ERR(domctl(XEN_DOMCTL_set_cpu_policy, id), ERANGE);
    EXPECT_EQUAL(p->err_leaf, 0x12345);
    memset(&op.u, 0, sizeof(op.u));
    p->nr_leaves = 1;
    set_xen_guest_handle(p->leaves, leaves);
    EXPECT_ERR(domctl(XEN_DOMCTL_get_cpu_policy, id), ENOBUFS);
}

static void check_permissions(domid_t id)
{
    memset(&op.u, 0, sizeof(op.u));
    op.u.ioport_permission.first_port = 0x3e8;
    op.u.ioport_permission.nr_ports = 8;
    op.u.ioport_permission.allow_access = 1;
    EXPECT_OK(domctl(XEN_DOMCTL_ioport_permission, id));
    op.u.ioport_permission.first_port = 0xfff9;
    EXPECT_ERR(domctl(XEN_DOMCTL_ioport_permission, id), EINVAL);
    memset(&op.u, 0, sizeof(op.u));
    op.u.iomem_permission.first_mfn = 0xb8;
    op.u.iomem_permission.nr_mfns = 1;
    op.u.iomem_permission.allow_access = 1;
    EXPECT_OK(domctl(XEN_DOMCTL_iomem_permission, id));
    op.u.iomem_permission.first_mfn = ~0ul;
    op.u.iomem_permission.nr_mfns = 2;
    EXPECT_ERR(domctl(XEN_DOMCTL_iomem_permission, id), EINVAL);
}

static long ports(domid_t id, unsigned first, unsigned n, bool allow)
{
    memset(&op.u, 0, sizeof(op.u));
    op.u.ioport_permission.first_port = first;
    op.u.ioport_permission.nr_ports = n;
    op.u.ioport_permission.allow_access = allow;
    return domctl(XEN_DOMCTL_ioport_permission, id);
}

/* Who gives ports must have them, each and every one: we lose some, for good. */
static void check_ports(void)
{
    static const unsigned lost[][2] = { { 0x103d, 0x1082 }, { 0x1100, 0x113f }, { 0x1145, 0x1147 }, { 0xffff, 0xffff } };
    domid_t id;

    REQUIRE(!create(0, 1));
    id = op.domain;
    EXPECT_OK(ports(id, 0x1000, 0xf000, true));
    EXPECT_ERR(ports(id, 0x1000, 0, true), EINVAL);
    for (unsigned i = 0; i < ARRAY_SIZE(lost); i++) {
        unsigned first = lost[i][0], last = lost[i][1];

        EXPECT_OK(ports(0, first, last - first + 1, false));
        for (unsigned p = first - 3; p <= last + 3 && p < 0x10000; p++)
            EXPECT_EQUAL(ports(id, p, 1, true), p >= first && p <= last ? -XEN_EPERM : 0);
        EXPECT_ERR(ports(id, first - 1, 2, true), EPERM);
        EXPECT_ERR(ports(id, first - 1, last - first + 2, true), EPERM);
    }
    EXPECT_OK(domctl(XEN_DOMCTL_destroydomain, id));
}

static void life(domid_t wanted)
{
    domid_t id;

    REQUIRE(!create(wanted, 2));
    id = op.domain;
    EXPECT_TRUE(wanted ? id == wanted : id > 0);
    EXPECT_ERR(create(id, 1), EEXIST);
    check_new(id);
    check_pauses(id);
    check_vcpus(id);
    check_affinity(id);
    check_scheduler(id);
    check_memory(id);
    check_kind(id);
    check_state(id);
    check_policy(id);
    check_permissions(id);
    EXPECT_OK(domctl(XEN_DOMCTL_destroydomain, id));
    EXPECT_ERR(domctl(XEN_DOMCTL_destroydomain, id), ESRCH);
    EXPECT_ERR(domctl(XEN_DOMCTL_getdomaininfo, id), ESRCH);
}

void test_main(void)
{
    check_dom0();
    check_refusals();
    life(FAR_ID);
    for (unsigned i = 0; i < 20; i++)
        life(0);
    check_ports();
}
