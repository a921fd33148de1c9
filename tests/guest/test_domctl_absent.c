/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl (domctl.h) and memory_op: what is not for para-virtual domains, or not there, each with the answer that Xen gives; asked
 * of another domain, of the caller itself, and of one that doesn't exist.
 */
/* qemu: -cpu max,-smap */
#include "domain.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vm_event.h>

DOMAIN_ASM(nothing, "1: jmp 1b\n");

static struct domain d;

/* One call on each: with the arguments now in domctl_op.u. */
static void three(const char *name, uint32_t cmd, long other, long self)
{
    struct xen_domctl args = domctl_op;
    long rc[3];

    rc[0] = domctl(cmd, d.id);
    domctl_op.u = args.u;
    rc[1] = domctl(cmd, 0);
    domctl_op.u = args.u;
    rc[2] = domctl(cmd, 4321);
    if (!check_true(CHECK_WHERE, name, rc[0] == other && rc[1] == self && rc[2] == -XEN_ESRCH))
        printf("  %ld, %ld, %ld\n", rc[0], rc[1], rc[2]);
}

#define ALL(op, e)    (domctl_clear(), three(#op, XEN_DOMCTL_##op, -XEN_##e, -XEN_##e))
/* No arguments but this; gives the command's structure. */
#define WITH(part, field, value) (domctl_clear(), domctl_op.u.part.field = (value), &domctl_op.u.part)

static void check_plain(void)
{
    ALL(real_mode_area, ENOSYS);
    ALL(gethvmcontext, EINVAL);
    ALL(sethvmcontext, EINVAL);
    ALL(gethvmcontext_partial, EINVAL);
    ALL(set_opt_feature, ENOSYS);
    ALL(ioport_mapping, EOPNOTSUPP);
    ALL(test_assign_device, EOPNOTSUPP);
    ALL(assign_device, EOPNOTSUPP);
    ALL(deassign_device, EOPNOTSUPP);
    ALL(get_device_group, EOPNOTSUPP);
    ALL(mem_sharing_op, ENOSYS);
    ALL(audit_p2m, ENOSYS);
    ALL(set_broken_page_p2m, EINVAL);
    ALL(cacheflush, ENOSYS);
    ALL(vuart_op, ENOSYS);
    ALL(get_paging_mempool_size, EOPNOTSUPP);
    ALL(set_paging_mempool_size, EOPNOTSUPP);
    ALL(soft_reset, EINVAL);
    for (uint32_t i = 0; i < 9; i++) {
        WITH(debug_op, op, i)->vcpu = i / 3;
        three("debug_op", XEN_DOMCTL_debug_op, -XEN_EINVAL, -XEN_EINVAL);
        WITH(bind_pt_irq, irq_type, i)->machine_irq = i;
        three("bind_pt_irq", XEN_DOMCTL_bind_pt_irq, -XEN_EINVAL, -XEN_EINVAL);
        three("unbind_pt_irq", XEN_DOMCTL_unbind_pt_irq, -XEN_EINVAL, -XEN_EINVAL);
        (void)WITH(psr_cmt_op, cmd, i);
        three("psr_cmt_op", XEN_DOMCTL_psr_cmt_op, -XEN_ENODEV, -XEN_ENODEV);
        (void)WITH(psr_alloc, cmd, i);
        three("psr_alloc", XEN_DOMCTL_psr_alloc, -XEN_ENODEV, -XEN_ENODEV);
        (void)WITH(vmtrace_op, cmd, i);
        three("vmtrace_op", XEN_DOMCTL_vmtrace_op, -XEN_EINVAL, -XEN_EINVAL);
    }
    (void)WITH(psr_alloc, cmd, 10);
    EXPECT_ERR(domctl(XEN_DOMCTL_psr_alloc, d.id), EOPNOTSUPP);
    (void)WITH(paging_mempool, size, 1 << 20);
    three("set_paging_mempool_size", XEN_DOMCTL_set_paging_mempool_size, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP);
}

/* Numbers that the headers don't give, or took back. */
static void check_numbers(void)
{
    static const uint16_t none[] = { 0, 6, 7, 8, 41, 49, 51, 52, 53, 58, 70, 80, 87, 999, 1004, 0xffff };

    for (unsigned i = 0; i < sizeof(none) / sizeof(*none); i++) {
        domctl_clear();
        three("no such number", none[i], -XEN_ENOSYS, -XEN_ENOSYS);
    }
}

static long shadow(uint32_t op, uint32_t mode, void *bitmap, uint64_t pages)
{
    struct xen_domctl_shadow_op *s = &domctl_op.u.shadow_op;

    domctl_clear();
    s->op = op;
    s->mode = mode;
    s->pages = pages;
    s->stats.dirty_count = 7;
    set_xen_guest_handle(s->dirty_bitmap, (uint8_t *)bitmap);
    return domctl(XEN_DOMCTL_shadow_op, d.id);
}

/* No dirty pages are followed: as on a Xen that was built without shadow page tables, which Debian's is. */
static void check_shadow(void)
{
    static const uint8_t bad[] = { XEN_DOMCTL_SHADOW_OP_OFF, XEN_DOMCTL_SHADOW_OP_ENABLE, XEN_DOMCTL_SHADOW_OP_ENABLE_TEST, 3,
                                   XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, 33 };
    uint8_t map[32];

    for (unsigned i = 0; i < sizeof(bad); i++) {
        (void)WITH(shadow_op, op, bad[i]);
        three("shadow_op", XEN_DOMCTL_shadow_op, -XEN_EINVAL, -XEN_EINVAL);
    }
    EXPECT_ERR(shadow(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, 0, NULL, 0), EOPNOTSUPP);
    EXPECT_ERR(shadow(XEN_DOMCTL_SHADOW_OP_ENABLE, XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY, NULL, 0), EOPNOTSUPP);
    EXPECT_ERR(shadow(XEN_DOMCTL_SHADOW_OP_ENABLE, XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT, NULL, 0), EINVAL);
    for (uint32_t op = XEN_DOMCTL_SHADOW_OP_CLEAN; op <= XEN_DOMCTL_SHADOW_OP_PEEK; op++) {
        memset(map, 0x55, sizeof(map));
        EXPECT_OK(shadow(op, 0, map, 100));
        EXPECT_EQUAL(domctl_op.u.shadow_op.pages, 100);
        EXPECT_EQUAL(domctl_op.u.shadow_op.stats.dirty_count, 0);
        EXPECT_TRUE(map[0] == 0 && map[12] == 0 && map[13] == 0x55);
        EXPECT_ERR(shadow(op, 0, (void *)UNMAPPED, 100), EFAULT);
        EXPECT_OK(shadow(op, 0, NULL, 100));
        domctl_clear();
        domctl_op.u.shadow_op.op = op;
        EXPECT_ERR(domctl(XEN_DOMCTL_shadow_op, 0), EINVAL);
    }
    if (!test_on_xen())
        EXPECT_ERR(shadow(XEN_DOMCTL_SHADOW_OP_PEEK, 0, map, ~0ul), E2BIG);
}

static long vm_event(uint32_t op, uint32_t mode, domid_t id)
{
    domctl_clear();
    domctl_op.u.vm_event_op.op = op;
    domctl_op.u.vm_event_op.mode = mode;
    return domctl(XEN_DOMCTL_vm_event_op, id);
}

static long monitor(uint32_t op, domid_t id)
{
    (void)WITH(monitor_op, op, op);
    return domctl(XEN_DOMCTL_monitor_op, id);
}

/* Nobody can listen to a para-virtual domain's memory. */
static void check_listeners(void)
{
    for (uint32_t mode = 0; mode < 5; mode++) {
        bool is_monitor = mode == XEN_DOMCTL_VM_EVENT_OP_MONITOR;

        EXPECT_OK(vm_event(XEN_VM_EVENT_GET_VERSION, mode, mode & 1 ? d.id : 0));
        EXPECT_EQUAL(domctl_op.u.vm_event_op.u.version, VM_EVENT_INTERFACE_VERSION);
        if (!is_monitor)
            EXPECT_ERR(vm_event(XEN_VM_EVENT_ENABLE, mode, d.id), ENOSYS);
        else if (!test_on_xen()) /* which doesn't survive it */
            EXPECT_ERR(vm_event(XEN_VM_EVENT_ENABLE, mode, d.id), ENODEV);
        EXPECT_EQUAL(vm_event(XEN_VM_EVENT_DISABLE, mode, d.id), is_monitor ? -XEN_EINVAL : -XEN_ENOSYS);
        EXPECT_EQUAL(vm_event(XEN_VM_EVENT_RESUME, mode, d.id), is_monitor ? -XEN_ENODEV : -XEN_ENOSYS);
        EXPECT_ERR(vm_event(4, mode, d.id), ENOSYS);
        EXPECT_ERR(vm_event(XEN_VM_EVENT_DISABLE, mode, 0), EINVAL);
        EXPECT_ERR(vm_event(XEN_VM_EVENT_RESUME, mode, 4321), ESRCH);
    }
    EXPECT_ERR(monitor(XEN_DOMCTL_MONITOR_OP_ENABLE, d.id), EOPNOTSUPP);
    EXPECT_ERR(monitor(XEN_DOMCTL_MONITOR_OP_DISABLE, d.id), EOPNOTSUPP);
    EXPECT_OK(monitor(XEN_DOMCTL_MONITOR_OP_GET_CAPABILITIES, d.id));
    EXPECT_EQUAL(domctl_op.u.monitor_op.event, 0);
    EXPECT_ERR(monitor(XEN_DOMCTL_MONITOR_OP_EMULATE_EACH_REP, d.id), EINVAL);
    EXPECT_EQUAL(monitor(XEN_DOMCTL_MONITOR_OP_CONTROL_REGISTERS, d.id), test_on_xen() ? 0 : -XEN_EOPNOTSUPP);
    EXPECT_ERR(monitor(5, d.id), EOPNOTSUPP);
    for (uint32_t op = 0; op < 6; op++) {
        EXPECT_ERR(monitor(op, 0), EPERM);
        EXPECT_ERR(monitor(op, 4321), ESRCH);
    }
    for (uint8_t i = 0; i < 2; i++) {
        (void)WITH(access_required, access_required, i);
        three("set_access_required", XEN_DOMCTL_set_access_required, 0, -XEN_EPERM);
    }
}

static long mapping(uint64_t gfn, uint64_t mfn, uint64_t n, uint32_t add)
{
    struct xen_domctl_memory_mapping *m = &domctl_op.u.memory_mapping;

    domctl_clear();
    *m = (struct xen_domctl_memory_mapping){ .first_gfn = gfn, .first_mfn = mfn, .nr_mfns = n, .add_mapping = add };
    return domctl(XEN_DOMCTL_memory_mapping, d.id);
}

static long target(domid_t of, domid_t id)
{
    (void)WITH(set_target, target, id);
    return domctl(XEN_DOMCTL_set_target, of);
}

static void check_devices(void)
{
    EXPECT_OK(mapping(0xb8, 0xb8, 1, 1));               /* nothing to do: frame numbers are the machine's */
    EXPECT_OK(mapping(0xb8, 0xb8, 1, 0));
    EXPECT_ERR(mapping(0xb8, 0xb8, 0, 1), EINVAL);
    EXPECT_ERR(mapping(0xb8, ~0ul, 2, 1), EINVAL);
    EXPECT_ERR(mapping(~0ul, 0xb8, 2, 1), EINVAL);
    EXPECT_ERR(target(d.id, 0), EOPNOTSUPP);
    EXPECT_ERR(target(0, d.id), EOPNOTSUPP);
    EXPECT_ERR(target(d.id, d.id), EINVAL);
    EXPECT_ERR(target(d.id, 4321), ESRCH);
    EXPECT_ERR(target(4321, 0), ESRCH);
}

/* A domain that wants to be made anew as it is: only machines of their own can. */
static void check_soft_reset(void)
{
    struct sched_remote_shutdown r = { .domain_id = d.id, .reason = SHUTDOWN_soft_reset };

    EXPECT_OK(hypercall(sched_op, SCHEDOP_remote_shutdown, &r));
    domctl_clear();
    EXPECT_ERR(domctl(XEN_DOMCTL_soft_reset, d.id), EINVAL);
    EXPECT_EQUAL(domain_wait(&d, 0), SHUTDOWN_soft_reset);
}

static long create(uint32_t flags, uint32_t iommu, uint32_t vmtrace, uint32_t emulation, uint32_t misc, uint32_t grant)
{
    struct xen_domctl_createdomain *c = &domctl_op.u.createdomain;

    domctl_clear();
    *c = (struct xen_domctl_createdomain){
        .flags = flags, .iommu_opts = iommu, .vmtrace_size = vmtrace, .max_vcpus = 1, .max_evtchn_port = 1023,
        .max_grant_frames = 4, .max_maptrack_frames = 4, .grant_opts = grant,
        .arch = { .emulation_flags = emulation, .misc_flags = misc },
    };
    return domctl(XEN_DOMCTL_createdomain, 0);
}

static void check_kinds(void)
{
    static const uint32_t bad[] = { XEN_DOMCTL_CDF_hap, XEN_DOMCTL_CDF_s3_integrity, XEN_DOMCTL_CDF_iommu, XEN_DOMCTL_CDF_nested_virt,
                                    XEN_DOMCTL_CDF_vpmu, XEN_DOMCTL_CDF_MAX << 1 };
    domid_t id;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        EXPECT_ERR(create(bad[i], 0, 0, 0, 0, 1), EINVAL);
    EXPECT_ERR(create(XEN_DOMCTL_CDF_hvm, 0, 0, 0, 0, 1), EOPNOTSUPP);
    EXPECT_ERR(create(XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, 0, 0, 0, 0, 1), EOPNOTSUPP);
    EXPECT_ERR(create(0, 1, 0, 0, 0, 1), EINVAL);
    EXPECT_ERR(create(0, 0, 4096, 0, 0, 1), EINVAL);
    EXPECT_ERR(create(0, 0, 0, XEN_X86_EMU_LAPIC, 0, 1), EOPNOTSUPP);
    EXPECT_ERR(create(0, 0, 0, 0, 2, 1), EINVAL);
    EXPECT_ERR(create(0, 0, 0, 0, 0, 0), EINVAL);
    EXPECT_ERR(create(0, 0, 0, 0, 0, 3), EINVAL);
    EXPECT_ERR(create(0, 0, 0, 0, 0, 0x11), EINVAL);
    EXPECT_OK(create(XEN_DOMCTL_CDF_xs_domain | XEN_DOMCTL_CDF_oos_off, 0, 0, 0, XEN_X86_MSR_RELAXED, 2));
    id = domctl_op.domain;
    EXPECT_OK(domctl(XEN_DOMCTL_getdomaininfo, id));
    EXPECT_EQUAL(domctl_op.u.getdomaininfo.flags & 0xffff, XEN_DOMINF_xs_domain | XEN_DOMINF_paused);
    EXPECT_OK(domctl(XEN_DOMCTL_destroydomain, id));
    domctl_clear();
    for (uint32_t bits = 0; bits <= 128; bits += 32) {
        (void)WITH(address_size, size, bits);
        EXPECT_EQUAL(domctl(XEN_DOMCTL_set_address_size, d.id), bits == 64 ? 0 : bits == 32 ? -XEN_EOPNOTSUPP : -XEN_EINVAL);
    }
}

static long acquire(domid_t id, uint16_t type, uint32_t sub, uint32_t n, uint32_t pad, uint32_t *size)
{
    xen_pfn_t list[4];
    struct xen_mem_acquire_resource a = { .domid = id, .type = type, .id = sub, .nr_frames = n, .pad = pad };
    long rc;

    set_xen_guest_handle(a.frame_list, n ? list : NULL);
    rc = hypercall(memory_op, XENMEM_acquire_resource, &a);
    *size = a.nr_frames;
    return rc;
}

/* More frames at once than fit one piece of work. */
static void check_many_frames(void)
{
    static xen_pfn_t list[41];
    struct xen_mem_acquire_resource a = { .type = XENMEM_resource_grant_table, .nr_frames = 40 };
    domid_t id;

    create(0, 0, 0, 0, 0, 1);
    EXPECT_OK(domctl(XEN_DOMCTL_destroydomain, domctl_op.domain));
    domctl_op.u.createdomain.max_grant_frames = 40;
    REQUIRE(!domctl(XEN_DOMCTL_createdomain, 0));
    id = a.domid = domctl_op.domain;
    set_xen_guest_handle(a.frame_list, list);
    EXPECT_OK(hypercall(memory_op, XENMEM_acquire_resource, &a));
    for (unsigned i = 0; i < 40; i++)
        EXPECT_TRUE(list[i] && (!i || list[i] != list[i - 1]));
    EXPECT_EQUAL(list[40], 0);
    a = (struct xen_mem_acquire_resource){ .domid = id, .type = XENMEM_resource_grant_table, .nr_frames = 41 };
    set_xen_guest_handle(a.frame_list, list);
    EXPECT_REFUSED(hypercall(memory_op, XENMEM_acquire_resource, &a));
    EXPECT_OK(domctl(XEN_DOMCTL_destroydomain, id));
}

static void check_resources(void)
{
    uint32_t size;

    EXPECT_OK(acquire(d.id, XENMEM_resource_grant_table, 0, 0, 0, &size));
    EXPECT_EQUAL(size, 4);
    EXPECT_OK(acquire(d.id, XENMEM_resource_grant_table, 0, 1, 0, &size));
    EXPECT_ERR(acquire(d.id, XENMEM_resource_grant_table, 9, 0, 0, &size), EINVAL);
    EXPECT_ERR(acquire(d.id, XENMEM_resource_grant_table, 0, 0, 1, &size), EINVAL);
    for (uint32_t n = 0; n < 2; n++) {
        EXPECT_ERR(acquire(d.id, XENMEM_resource_ioreq_server, 0, n, 0, &size), EINVAL);
        EXPECT_ERR(acquire(d.id, XENMEM_resource_vmtrace_buf, 0, n, 0, &size), EINVAL);
        if (n || !test_on_xen()) /* whose answer to the size of no resource is an error in the size */
            EXPECT_ERR(acquire(d.id, 3, 0, n, 0, &size), EOPNOTSUPP);
        for (uint16_t type = 0; type < 4; type++) {
            EXPECT_ERR(acquire(0, type, 0, n, 0, &size), EPERM);
            EXPECT_ERR(acquire(DOMID_SELF, type, 0, n, 0, &size), ESRCH);
            EXPECT_ERR(acquire(4321, type, 0, n, 0, &size), ESRCH);
        }
    }
}

/* What libxc asks when it saves a domain. */
static void check_frames(void)
{
    uint64_t t[10];
    long rc;

    EXPECT_OK(domctl(XEN_DOMCTL_getdomaininfo, d.id));
    t[0] = d.mfn[0];
    for (unsigned i = 1; i <= 4; i++)
        t[i] = d.mfn[2 + i];
    t[5] = domctl_op.u.getdomaininfo.shared_info_frame;
    t[6] = ~0ul;
    t[7] = 0xb8;
    t[8] = 1ul << 52;
    t[9] = virt_to_mfn(t);
    domctl_clear();
    domctl_op.u.getpageframeinfo3.num = 10;
    set_xen_guest_handle(domctl_op.u.getpageframeinfo3.array, t);
    rc = domctl(XEN_DOMCTL_getpageframeinfo3, d.id);
    EXPECT_OK(rc);
    EXPECT_EQUAL(t[0], XEN_DOMCTL_PFINFO_NOTAB);
    EXPECT_EQUAL(t[1], XEN_DOMCTL_PFINFO_L1TAB);
    EXPECT_EQUAL(t[2], XEN_DOMCTL_PFINFO_L2TAB);
    EXPECT_EQUAL(t[3], XEN_DOMCTL_PFINFO_L3TAB);
    EXPECT_EQUAL(t[4], XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB);
    for (unsigned i = 5; i < 10; i++)
        EXPECT_EQUAL(t[i], XEN_DOMCTL_PFINFO_XTAB);
    domctl_op.u.getpageframeinfo3.num = 1025;
    EXPECT_ERR(domctl(XEN_DOMCTL_getpageframeinfo3, d.id), E2BIG);
    domctl_clear();
    domctl_op.u.getpageframeinfo3.num = 1;
    EXPECT_ERR(domctl(XEN_DOMCTL_getpageframeinfo3, d.id), EFAULT);
}

void test_main(void)
{
    domain_make(&d, DOMAIN_CODE_OF(nothing));
    check_plain();
    check_numbers();
    check_shadow();
    check_listeners();
    check_devices();
    check_kinds();
    check_resources();
    check_many_frames();
    check_frames();
    check_soft_reset();
    EXPECT_OK(domain_destroy(&d));
}
