/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fault injection: whatever allocates memory, with the first, the second, the third ... allocation failing until it succeeds (check/fail.c).
 * Each failure is told as an error, leaves memory, objects and references as they were (an operation on a domain may keep what
 * the domain then has until it is destroyed, but no more if it fails there again), and once the operation is undone all is as before it.
 * The audits are clean after each failure.  A line `failed at ADDRESS` says which allocation it was: sites.py wants all that there are.
 */
/* build: checks */
/* sites: (?!ctl/efiruntime.c) */
/* qemu: -m 160 -M q35 -cpu max,-smap,-svm,vendor=AuthenticAMD -smp 2 -device edu -device e1000e,addr=4 */
/* timeout: 400 */
#include "domain.h"
#include "check.h"
#include "checks.h"
#include "console.h"
#include "event.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"
#include "pci.h"
#include "time.h"
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include "sysctl.h"

#define MAP_VA 0x0000210000000000ul
#define MANY   16 /* allocations: beyond these the same call is not repeated so often */

static struct domain d; /* what the operations are tried on */

struct op {
    const char *name;
    void (*before)(void);
    long (*go)(void);
    void (*after)(bool done);
    bool keeps;     /* a failure may leave something with the domain, until `after`, that the same call then uses */
    bool stays;     /* success leaves something for good */
    long ok;        /* what it says when no allocation fails */
    unsigned least; /* allocations */
};

/* ---- What must be as before ---- */

static struct check_state state(domid_t id)
{
    struct check_state now = { .domid = id };

    REQUIRE(check_call(CHECK_STATE, (unsigned long)&now, NULL) == 0);
    return now;
}

static bool same(const struct check_state *a, const struct check_state *b)
{
    return a->free_frames == b->free_frames && a->claimed == b->claimed && a->objects == b->objects && a->bytes == b->bytes &&
           a->refs == b->refs && a->frames == b->frames && a->shared_frames == b->shared_frames;
}

/* What a dead domain had goes by and by. */
static bool settles(const struct check_state *want)
{
    uint64_t until = time_now() + 2000000000ul;
    struct check_state now;

    do
        now = state((domid_t)want->domid);
    while (!same(&now, want) && time_now() < until);
    if (same(&now, want))
        return true;
    printf("  domain %lu: free %ld claimed %ld objects %ld bytes %ld refs %ld frames %ld shared %ld\n", want->domid,
           now.free_frames - want->free_frames, now.claimed - want->claimed, now.objects - want->objects, now.bytes - want->bytes,
           now.refs - want->refs, now.frames - want->frames, now.shared_frames - want->shared_frames);
    return false;
}

static void site_report(long where)
{
    static long known[256];
    static unsigned n;

    for (unsigned i = 0; i < n; i++)
        if (known[i] == where)
            return;
    REQUIRE(n < ARRAY_SIZE(known));
    known[n++] = where;
    printf("failed at %lx\n", (unsigned long)where);
}

/* Its answer, while the n-th allocation fails.  *where: who asked for it; 0: it was not reached. */
static long go_failing(const struct op *op, unsigned n, long *where)
{
    long rc;

    REQUIRE(check_call(CHECK_FAIL, n, NULL) == 0);
    rc = op->go();
    *where = check_call(CHECK_FAIL, 0, NULL);
    if (*where)
        site_report(*where);
    if (!EXPECT_EQUAL(rc, *where ? -XEN_ENOMEM : op->ok))
        printf("  %s, allocation %u%s\n", op->name, n, *where ? "" : ", which was not reached");
    return rc;
}

static void audit_after(const struct op *op, unsigned n)
{
    if (!EXPECT_EQUAL(check_call(CHECK_AUDIT, 0, NULL), 0))
        printf("  %s, allocation %u\n", op->name, n);
}

static void settles_after(const struct op *op, unsigned n, const struct check_state *want)
{
    if (!EXPECT_TRUE(settles(want)))
        printf("  %s, allocation %u: not as before\n", op->name, n);
}

/* It has failed and kept something, which it then asks for no more: until it fails at the same place again nothing changes. */
static void again(const struct op *op, unsigned n, long where)
{
    struct check_state now = state(d.id);
    long place = 0;

    for (unsigned i = 1; i <= n && place != where; i++) {
        go_failing(op, i, &place);
        settles_after(op, n, &now);
    }
    audit_after(op, n);
    EXPECT_EQUAL(place, where);
}

/* True: the n-th allocation failed, so there is more to try. */
static bool try(const struct op *op, unsigned n)
{
    struct check_state first = state(0), mine;
    long rc, where;

    d.id = 0;
    if (op->before)
        op->before();
    mine = state(d.id);
    rc = go_failing(op, n, &where);
    if (where)
        audit_after(op, n);
    if (where && !op->keeps)
        settles_after(op, n, &mine);
    else if (where && n <= MANY)
        again(op, n, where);
    if (op->after)
        op->after(!rc);
    if ((where ? !(op->keeps && op->stays) : !op->stays) && !EXPECT_TRUE(settles(&first)))
        printf("  %s, allocation %u: not as before when it is undone\n", op->name, n);
    return where;
}

static void walk(const struct op *op)
{
    unsigned n = 1;

    while (n < 1000 && try(op, n))
        n++;
    printf("  %s: %u allocations\n", op->name, n - 1);
    EXPECT_TRUE(n - 1 >= op->least);
    if (!EXPECT_EQUAL(check_call(CHECK_AUDIT, 0, NULL), 0))
        printf("  after %s\n", op->name);
}

/* ---- Domains ---- */

static unsigned vcpus = 1;
static domid_t number; /* that the next one wants; 0: any */

static long create(void)
{
    struct xen_domctl_createdomain *c = &domctl_op.u.createdomain;
    long rc;

    domctl_clear();
    c->max_vcpus = vcpus;
    c->max_evtchn_port = 1023;
    c->max_grant_frames = c->max_maptrack_frames = 4;
    c->grant_opts = XEN_DOMCTL_GRANT_version(2);
    rc = domctl(XEN_DOMCTL_createdomain, number);
    if (!rc)
        d.id = domctl_op.domain;
    return rc;
}

static void destroy(bool done)
{
    if (done)
        EXPECT_OK(domctl(XEN_DOMCTL_destroydomain, d.id));
}

/* The first with a number of that size needs a piece of the table of domains, which stays. */
static void far_number(void)
{
    number = 5000;
}

static void far_gone(bool done)
{
    destroy(done);
    number = 0;
}

static void fresh(void)
{
    REQUIRE(!create());
    domctl_clear();
    domctl_op.u.max_mem.max_memkb = 4096;
    REQUIRE(!domctl(XEN_DOMCTL_max_mem, d.id));
}

static void gone(bool done)
{
    (void)done;
    destroy(true);
}

static long make_vcpus(void)
{
    domctl_clear();
    domctl_op.u.max_vcpus.max = vcpus;
    return domctl(XEN_DOMCTL_max_vcpus, d.id);
}

/* Two of them have no place in the shared info. */
static void fresh_many(void)
{
    vcpus = 34;
    fresh();
}

static void many_gone(bool done)
{
    gone(done);
    vcpus = 1;
}

static void fresh_vcpu(void)
{
    fresh();
    REQUIRE(!make_vcpus());
}

/* ---- Memory ---- */

static long reserve(unsigned cmd, unsigned order)
{
    xen_pfn_t extent = 0;
    struct xen_memory_reservation r = { .nr_extents = 1, .extent_order = order, .domid = d.id };
    long rc;

    set_xen_guest_handle(r.extent_start, &extent);
    rc = hypercall(memory_op, cmd, &r);
    return rc == 1 ? 0 : rc == 0 ? -XEN_ENOMEM : rc; /* how many it got */
}

static long populate(void)
{
    return reserve(XENMEM_populate_physmap, 0);
}

static long populate_more(void)
{
    return reserve(XENMEM_populate_physmap, 4);
}

static long increase(void)
{
    return reserve(XENMEM_increase_reservation, 0);
}

static xen_pfn_t spare;

static long exchange(void)
{
    xen_pfn_t in = spare, out = 0;
    struct xen_memory_exchange x = { .in = { .nr_extents = 1, .domid = DOMID_SELF }, .out = { .nr_extents = 1, .domid = DOMID_SELF } };
    long rc;

    set_xen_guest_handle(x.in.extent_start, &in);
    set_xen_guest_handle(x.out.extent_start, &out);
    rc = hypercall(memory_op, XENMEM_exchange, &x);
    EXPECT_EQUAL(x.nr_exchanged, rc ? 0 : 1);
    if (!rc)
        spare = out;
    return rc;
}

static long set_map_of(domid_t id)
{
    static struct { uint64_t a, n; uint32_t type; } __attribute__((packed)) entry = { 0, 0x100000, 1 };
    struct xen_foreign_memory_map m = { .domid = id, .map.nr_entries = 1 };

    set_xen_guest_handle(m.map.buffer, (void *)&entry);
    return hypercall(memory_op, XENMEM_set_memory_map, &m);
}

static long set_map(void)
{
    return set_map_of(d.id);
}

/* Our own. */
static long get_map(void)
{
    static char entries[4096];
    struct xen_memory_map m = { .nr_entries = 32 };

    set_xen_guest_handle(m.buffer, (void *)entries);
    return hypercall(memory_op, XENMEM_memory_map, &m);
}

static long set_numa(void)
{
    static unsigned distance[1] = { 10 }, cpu_node[1], place[1];
    static xen_vmemrange_t range = { 0, 0x100000, 0, 0 };
    struct xen_domctl_vnuma *a = &domctl_op.u.vnuma;

    domctl_clear();
    a->nr_vnodes = a->nr_vmemranges = a->nr_vcpus = 1;
    set_xen_guest_handle(a->vdistance, distance);
    set_xen_guest_handle(a->vcpu_to_vnode, cpu_node);
    set_xen_guest_handle(a->vnode_to_pnode, place);
    set_xen_guest_handle(a->vmemrange, &range);
    return domctl(XEN_DOMCTL_setvnumainfo, d.id);
}

static void fresh_numa(void)
{
    fresh();
    REQUIRE(!set_numa());
}

static long get_numa(void)
{
    static unsigned distance[1], cpu_node[1];
    static xen_vmemrange_t range;
    struct xen_vnuma_topology_info t = { .domid = d.id, .nr_vnodes = 1, .nr_vcpus = 1, .nr_vmemranges = 1 };

    set_xen_guest_handle(t.vdistance.h, distance);
    set_xen_guest_handle(t.vcpu_to_vnode.h, cpu_node);
    set_xen_guest_handle(t.vmemrange.h, &range);
    return hypercall(memory_op, XENMEM_get_vnumainfo, &t);
}

/* ---- Grants and events ---- */

static long grant_setup(void)
{
    xen_pfn_t frames[3];
    struct gnttab_setup_table t = { .dom = d.id, .nr_frames = 3 };

    set_xen_guest_handle(t.frame_list, frames);
    if (hypercall(grant_table_op, GNTTABOP_setup_table, &t, 1))
        return -XEN_EINVAL;
    return t.status == GNTST_general_error ? -XEN_ENOMEM : t.status; /* there is no status of that name */
}

static long grant_resource(void)
{
    xen_pfn_t frames[3] = { 0 };
    struct xen_mem_acquire_resource r = { .domid = d.id, .type = XENMEM_resource_grant_table,
                                          .id = XENMEM_resource_grant_table_id_shared, .nr_frames = 3 };

    set_xen_guest_handle(r.frame_list, frames);
    return hypercall(memory_op, XENMEM_acquire_resource, &r);
}

static long grant_version(void)
{
    return grant_set_version(2);
}

static void grant_version_back(bool done)
{
    if (done)
        EXPECT_OK(grant_set_version(1));
}

static void granted(void)
{
    static unsigned long mfn;

    mfn = mfn ? mfn : pfn_to_mfn(pfn_alloc());
    grant_v1_set(8, 0, mfn, GTF_permit_access);
}

/* The first mapping of all needs a piece of the table of mappings, which stays. */
static long grant_first(void)
{
    grant_handle_t handle;

    int status = grant_map(8, MAP_VA, GNTMAP_host_map, &handle);

    if (status)
        return status == GNTST_no_space ? -XEN_ENOMEM : status;
    return grant_unmap(MAP_VA, handle);
}

static long unbound(void)
{
    struct evtchn_alloc_unbound a = { .dom = d.id, .remote_dom = 0 };

    return hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &a);
}

/* Our own, until the next one has no memory yet; what that takes stays. */
static void ports_use(void)
{
    static bool done;

    while (!done)
        done = (event_alloc_unbound(DOMID_SELF, DOMID_SELF) & 127) == 127;
}

static long port_more(void)
{
    long rc = event_alloc_unbound(DOMID_SELF, DOMID_SELF);

    return rc < 0 ? rc : 0;
}

static void *fifo_page;

static long fifo(void)
{
    struct evtchn_init_control c = { .control_gfn = virt_to_mfn(fifo_page), .vcpu = 0 };

    return hypercall(event_channel_op, EVTCHNOP_init_control, &c);
}

static void two_level(bool done)
{
    struct evtchn_reset r = { .dom = DOMID_SELF };

    if (done)
        EXPECT_OK(hypercall(event_channel_op, EVTCHNOP_reset, &r));
}

static void fresh_irq(void)
{
    fresh();
    domctl_clear();
    domctl_op.u.irq_permission.pirq = 9;
    domctl_op.u.irq_permission.allow_access = 1;
    REQUIRE(!domctl(XEN_DOMCTL_irq_permission, d.id));
}

static long map_pirq(void)
{
    struct physdev_map_pirq m = { .domid = d.id, .type = MAP_PIRQ_TYPE_GSI, .index = 9, .pirq = 9 };

    return hypercall(physdev_op, PHYSDEVOP_map_pirq, &m);
}

/* Which ports belong to interrupts is a table in pieces, which stay. */
static long bind_pirq(void)
{
    struct evtchn_bind_pirq b = { .pirq = 9 };
    long rc = hypercall(event_channel_op, EVTCHNOP_bind_pirq, &b);

    return rc ? rc : event_close(b.port);
}

static unsigned edu, network;
static uint64_t network_table; /* where its MSI-X table is */

/* A line that can't be made is one line too many. */
static long map_msi(void)
{
    long rc = pirq_map_msi(edu, 0, 0);

    return rc >= 0 ? 0 : rc == -XEN_ENOSPC ? -XEN_ENOMEM : rc;
}

static void network_find(void)
{
    unsigned cap;

    REQUIRE(pci_find(0x10d38086) >= 0);
    network = (unsigned)pci_find(0x10d38086);
    pci_enable(network);
    cap = pci_cap(network, 0x11);
    REQUIRE(cap != 0);
    network_table = pci_read(network, 0x10 + 4 * (pci_read(network, cap + 4) & 7)) & ~15u;
}

static long map_msix(void)
{
    long rc = pirq_map_msi(network, 0, network_table);

    return rc >= 0 ? 0 : rc == -XEN_ENOSPC ? -XEN_ENOMEM : rc;
}

/*
 * The machine's configuration space once more, as another segment's, and its first function.  What can't be read isn't there.  Of
 * several segments one needs a page table.
 */
static uint16_t segment = 1;

static void segment_next(bool done)
{
    segment += done;
}

static long window(void)
{
    struct physdev_pci_mmcfg_reserved m = { .address = pci_read(0, 0x60) & 0xf0000000u, .segment = segment, .end_bus = 3,
                                            .flags = XEN_PCI_MMCFG_RESERVED };
    struct physdev_pci_device_add add = { .seg = segment };
    long rc = hypercall(physdev_op, PHYSDEVOP_pci_mmcfg_reserved, &m);

    rc = rc ? rc : hypercall(physdev_op, PHYSDEVOP_pci_device_add, &add);
    return rc == -XEN_ENODEV ? -XEN_ENOMEM : rc;
}

/* ---- What the toolstack does to a domain ---- */

DOMAIN_ASM(spinner, "1: jmp 1b\n");

static void whole(void)
{
    domain_make(&d, DOMAIN_CODE_OF(spinner));
}

static void whole_started(void)
{
    whole();
    REQUIRE(!domain_start(&d));
}

static long start(void)
{
    return domain_start(&d);
}

static void whole_gone(bool done)
{
    (void)done;
    EXPECT_OK(domain_destroy(&d));
}

static long get_context(void)
{
    static vcpu_guest_context_t c;

    domctl_clear();
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &c);
    return domctl(XEN_DOMCTL_getvcpucontext, d.id);
}

static long get_state(void)
{
    static uint64_t buffer[1024];
    long rc;

    domctl_clear();
    rc = domctl(XEN_DOMCTL_getvcpuextstate, d.id); /* how large? */
    REQUIRE(domctl_op.u.vcpuextstate.size <= sizeof(buffer));
    set_xen_guest_handle(domctl_op.u.vcpuextstate.buffer, buffer);
    if (!rc)
        rc = domctl(XEN_DOMCTL_getvcpuextstate, d.id);
    return rc ? rc : domctl(XEN_DOMCTL_setvcpuextstate, d.id);
}

static long set_policy(void)
{
    static xen_cpuid_leaf_t leaves[256];
    long rc;

    domctl_clear();
    domctl_op.u.cpu_policy.nr_leaves = 256;
    set_xen_guest_handle(domctl_op.u.cpu_policy.leaves, leaves);
    rc = domctl(XEN_DOMCTL_get_cpu_policy, d.id);
    domctl_op.u.cpu_policy.nr_msrs = 0;
    return rc ? rc : domctl(XEN_DOMCTL_set_cpu_policy, d.id);
}

static long ports(void)
{
    domctl_clear();
    domctl_op.u.ioport_permission.first_port = 0x3e8;
    domctl_op.u.ioport_permission.nr_ports = 8;
    domctl_op.u.ioport_permission.allow_access = 1;
    return domctl(XEN_DOMCTL_ioport_permission, d.id);
}

static long iomem(void)
{
    domctl_clear();
    domctl_op.u.iomem_permission.first_mfn = 0xfed00;
    domctl_op.u.iomem_permission.nr_mfns = 1;
    domctl_op.u.iomem_permission.allow_access = 1;
    return domctl(XEN_DOMCTL_iomem_permission, d.id);
}

/* ---- The machine ---- */

static long read_policy(void)
{
    static xen_cpuid_leaf_t leaves[256];

    return SYSCTL(get_cpu_policy, U.cpu_policy.index = XEN_SYSCTL_cpu_policy_host; U.cpu_policy.leaves.p = leaves;
                  U.cpu_policy.nr_leaves = 256);
}

static long pool(unsigned op, unsigned id)
{
    return SYSCTL(cpupool_op, U.cpupool_op.op = op; U.cpupool_op.cpupool_id = id; U.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT2);
}

static long pool_make(void)
{
    return pool(XEN_SYSCTL_CPUPOOL_OP_CREATE, XEN_SYSCTL_CPUPOOL_PAR_ANY);
}

static void pool_end(bool done)
{
    if (done)
        EXPECT_OK(pool(XEN_SYSCTL_CPUPOOL_OP_DESTROY, U.cpupool_op.cpupool_id));
}

static long trace_size(void)
{
    return SYSCTL(tbuf_op, U.tbuf_op.cmd = XEN_SYSCTL_TBUFOP_set_size; U.tbuf_op.size = 2);
}

static long microcode(void)
{
    static uint8_t junk[4096];
    xen_platform_op_t p = { .cmd = XENPF_microcode_update, .interface_version = XENPF_INTERFACE_VERSION };

    p.u.microcode.length = sizeof(junk);
    set_xen_guest_handle(p.u.microcode.data, junk);
    return hypercall(platform_op, &p);
}

/* A patch for this processor, which no emulated one takes. */
static long microcode_right(void)
{
    static uint32_t file[(12 + 32 + 8 + 1024) / 4] = { 0x00414d44, 0, 32 };
    xen_platform_op_t p = { .cmd = XENPF_microcode_update, .interface_version = XENPF_INTERFACE_VERSION };
    uint32_t a = 1, b, c = 0, e;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(e));
    file[3] = a;
    file[6] = file[19] = 0x1234;
    file[11] = 1;
    file[12] = 1024;
    file[14] = 0x7fffffff;
    p.u.microcode.length = sizeof(file);
    set_xen_guest_handle(p.u.microcode.data, file);
    return hypercall(platform_op, &p);
}

/* The audit itself says so as a fault, of each domain. */
static long audit(void)
{
    long faults = check_call(CHECK_AUDIT, 0, NULL);

    return faults == 1 ? -XEN_ENOMEM : faults;
}

static long vcpu_two(void)
{
    static vcpu_guest_context_t c;

    c.flags = VGCF_in_kernel;
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = c.kernel_ss = FLAT_KERNEL_SS;
    c.ctrlreg[3] = virt_to_mfn(pt_root()) << PAGE_SHIFT;
    return hypercall(vcpu_op, VCPUOP_initialise, 1, &c);
}

/* These take none: there is nothing that could fail half way. */
static long tables(void)
{
    static uint64_t *l4;
    long rc;

    if (!l4)
        l4 = l4_alloc();
    rc = pin(4, virt_to_mfn(l4));
    return rc ? rc : unpin(virt_to_mfn(l4));
}

static const struct op ops[] = {
    { "createdomain", NULL, create, destroy, .least = 20 },
    { "createdomain, number 5000", far_number, create, far_gone, .keeps = true, .stays = true, .least = 21 },
    { "max_vcpus", fresh, make_vcpus, gone, .keeps = true /* tables of the domain's own area */, .least = 5 },
    { "max_vcpus, many", fresh_many, make_vcpus, many_gone, .keeps = true, .least = 170 },
    { "populate_physmap", fresh, populate, gone, .least = 1 },
    { "populate_physmap, 16 pages", fresh, populate_more, gone, .least = 1 },
    { "increase_reservation", fresh, increase, gone, .least = 1 },
    { "exchange", NULL, exchange, NULL, .least = 3 },
    { "set_memory_map", fresh, set_map, gone, .least = 1 },
    { "memory_map", NULL, get_map, NULL, .least = 1 },
    { "setvnumainfo", fresh, set_numa, gone, .least = 1 },
    { "get_vnumainfo", fresh_numa, get_numa, gone, .least = 1 },
    { "setup_table", fresh, grant_setup, gone, .keeps = true, .least = 4 },
    { "acquire_resource", fresh, grant_resource, gone, .keeps = true, .least = 4 },
    { "set_version", NULL, grant_version, grant_version_back, .stays = true, .least = 1 },
    { "map_grant_ref", granted, grant_first, NULL, .stays = true, .least = 1 },
    { "alloc_unbound", fresh, unbound, gone, .keeps = true, .least = 1 },
    { "alloc_unbound, our own", ports_use, port_more, NULL, .keeps = true, .stays = true, .least = 1 },
    { "map_pirq", fresh_irq, map_pirq, gone, .keeps = true, .least = 1 },
    { "map_pirq, MSI", NULL, map_msi, NULL, .keeps = true, .stays = true, .least = 3 },
    { "map_pirq, MSI-X", NULL, map_msix, NULL, .keeps = true, .stays = true, .least = 3 },
    { "bind_pirq", NULL, bind_pirq, NULL, .keeps = true, .stays = true, .least = 1 },
    { "configuration space", NULL, window, segment_next, .keeps = true, .stays = true, .least = 2 },
    { "configuration space, a second", NULL, window, segment_next, .keeps = true, .stays = true, .least = 2 },
    { "configuration space, a third", NULL, window, segment_next, .keeps = true, .stays = true, .least = 2 },
    { "setvcpucontext", whole, start, whole_gone, .least = 1 },
    { "getvcpucontext", whole_started, get_context, whole_gone, .least = 1 },
    { "get and setvcpuextstate", whole_started, get_state, whole_gone, .least = 2 },
    { "get and set_cpu_policy", fresh_vcpu, set_policy, gone, .least = 1 },
    { "ioport_permission", fresh, ports, gone, .least = 1 },
    { "iomem_permission", fresh, iomem, gone, .least = 1 },
    { "get_cpu_policy", NULL, read_policy, NULL, .least = 1 },
    { "cpupool create", NULL, pool_make, pool_end, .stays = true, .least = 1 },
    { "trace buffers", NULL, trace_size, NULL, .stays = true, .least = 7 },
    { "microcode_update", NULL, microcode, NULL, .ok = -XEN_EINVAL, .least = 1 },
    { "microcode_update, accepted", NULL, microcode_right, NULL, .ok = -XEN_EIO, .least = 2 },
    { "an audit", NULL, audit, NULL, .least = 3 },
    { "VCPUOP_initialise", NULL, vcpu_two, NULL, .stays = true, .least = 1 },
    { "a pin", NULL, tables, NULL, .least = 0 },
    { "init_control", NULL, fifo, two_level, .stays = true, .least = 1 }, /* the last: it closes all ports */
};

void test_main(void)
{
    struct physdev_map_pirq own = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 9, .pirq = 9 };

    REQUIRE(check_call(CHECK_BUILD, 0, NULL) >= 0);
    REQUIRE(!hypercall(physdev_op, PHYSDEVOP_map_pirq, &own));
    REQUIRE(!set_map_of(DOMID_SELF));
    spare = pfn_to_mfn(pfn_alloc());
    fifo_page = page_alloc();
    grant_init(2);
    REQUIRE(!map_page(NULL, MAP_VA, 0, 0));
    pci_init();
    REQUIRE(pci_find(0x11e81234) >= 0);
    edu = (unsigned)pci_find(0x11e81234);
    network_find();
    tables();
    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++)
        walk(&ops[i]);
}
