/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sysctl: the machine's CPUs, memory, nodes and devices. */
#include "core/frame.h"
#include "core/port.h"
#include "ctl/sysctl.h"
#include "kern/guest.h"
#include "kern/sched.h"
#include "x86/alloc.h"
#include "x86/cpumask.h"
#include "x86/numa.h"
#include "x86/pci.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/topology.h"

/* ---- CPUs ---- */

/* How APIC ids are made up; asked once a call. */
struct shape {
    unsigned package_bits, thread_bits;
};

struct place {
    uint32_t core, socket;
};

static struct shape shape_ask(void)
{
    return (struct shape){ topology_package_bits(), topology_thread_bits() };
}

static struct place place_of(struct shape s, unsigned cpu)
{
    uint64_t id = smp_apic_id(cpu);

    return (struct place){ (uint32_t)((id & ((1ul << s.package_bits) - 1)) >> s.thread_bits), (uint32_t)(id >> s.package_bits) };
}

/* Of the first CPU's kind: how many share its socket, and its core; and all that are online. */
static void cpus_count(struct xen_sysctl_physinfo *p)
{
    struct shape shape = shape_ask();
    struct place first = place_of(shape, 0), here;
    unsigned in_socket = 0, in_core = 0;

    cpumask_each(cpu, &cpu_online) {
        here = place_of(shape, cpu);
        p->nr_cpus++;
        in_socket += here.socket == first.socket;
        in_core += here.socket == first.socket && here.core == first.core;
    }
    p->threads_per_core = MAX(in_core, 1u);
    p->cores_per_socket = MAX(in_socket / p->threads_per_core, 1u);
}

static uint64_t ram_frames(void)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < nr_ram_ranges; i++)
        n += ram_ranges[i].end - ram_ranges[i].first;
    return n;
}

long sysctl_physinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_physinfo *p = &op->u.physinfo;

    *p = (struct xen_sysctl_physinfo){
        .max_cpu_id = nr_cpus - 1, .nr_nodes = numa_nodes(), .max_node_id = NUMA_NODES - 1,
        .cpu_khz = (uint32_t)(tsc_hz() / 1000),
        .capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1 | XEN_SYSCTL_PHYSCAP_gnttab_v2,
        .total_pages = ram_frames(), .free_pages = frames_free_count(), .outstanding_pages = frames_claimed(),
        .max_mfn = nr_frames - 1,
    };
    cpus_count(p);
    sysctl_hw_cap(p->hw_cap, ARRAY_SIZE(p->hw_cap));
    return 0;
}

long sysctl_getcpuinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_getcpuinfo *g = &op->u.getcpuinfo;
    uint32_t n = MIN(g->max_cpus, nr_cpus);

    for (uint32_t cpu = 0; cpu < n; cpu++) {
        struct xen_sysctl_cpuinfo i = { cpu_is_online(cpu) ? cpu_idle_time(cpu) : 0 };

        if (copy_to_guest_at(guest_addr(g->info), cpu, &i, sizeof(i)))
            return -XEN_EFAULT;
    }
    g->nr_cpus = n;
    return 0;
}

long sysctl_cputopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
    uint32_t n = guest_addr(t->cputopo) ? MIN(t->num_cpus, nr_cpus) : 0;
    struct shape shape = shape_ask();

    for (uint32_t cpu = 0; cpu < n; cpu++) {
        struct place at = place_of(shape, cpu);
        struct xen_sysctl_cputopo e = { at.core, at.socket, numa_node_of_cpu(cpu) };

        if (!cpu_is_online(cpu))
            e = (struct xen_sysctl_cputopo){ XEN_INVALID_CORE_ID, XEN_INVALID_SOCKET_ID, XEN_INVALID_NODE_ID };
        if (copy_to_guest_at(guest_addr(t->cputopo), cpu, &e, sizeof(e)))
            return -XEN_EFAULT;
    }
    t->num_cpus = guest_addr(t->cputopo) ? n : nr_cpus;
    return 0;
}

long sysctl_cpu_hotplug(struct xen_sysctl *op)
{
    const struct xen_sysctl_cpu_hotplug *h = &op->u.cpu_hotplug;

    switch (h->op) {
    case XEN_SYSCTL_CPU_HOTPLUG_ONLINE:
        return cpu_bring_online(h->cpu);
    case XEN_SYSCTL_CPU_HOTPLUG_OFFLINE:
        return cpu_take_offline(h->cpu);
    default: /* SMT_ENABLE and SMT_DISABLE too */
        return -XEN_EOPNOTSUPP;
    }
}

/* ---- Memory ---- */

long sysctl_availheap(struct xen_sysctl *op)
{
    struct xen_sysctl_availheap *h = &op->u.availheap;
    unsigned node = h->node == -1 ? NODE_ANY : MIN((uint32_t)h->node, NODE_ANY - 1u);

    h->avail_bytes = frames_free_between(node, h->min_bitwidth, h->max_bitwidth ? h->max_bitwidth : 64) << PAGE_SHIFT;
    return 0;
}

#define PAGES_A_CALL 128u

/* Xen's words for whose a page is that isn't a domain's. */
#define OWNED_BY(id) ((uint32_t)(id) << PG_OFFLINE_OWNER_SHIFT)

static long page_offline(mfn_t m, uint32_t *status)
{
    domid_t owner = DOMID_IDLE;
    int rc;

    *status = PG_OFFLINE_FAILED | PG_OFFLINE_NOT_CONV_RAM;
    if (!frame_is_ram(m))
        return -XEN_EINVAL;
    rc = frame_take_offline(m, &owner);
    if (rc == FRAME_OFFLINE)
        *status = PG_OFFLINE_OFFLINED;
    else if (rc == FRAME_PENDING)
        *status = PG_OFFLINE_OWNED | PG_OFFLINE_PENDING | OWNED_BY(owner);
    else
        *status = PG_OFFLINE_XENPAGE | PG_OFFLINE_FAILED | OWNED_BY(DOMID_XEN);
    return MIN(rc, 0);
}

static long page_query(mfn_t m, uint32_t *status)
{
    static const uint32_t said[] = {
        [FRAME_ONLINE] = 0, [FRAME_PENDING] = PG_OFFLINE_STATUS_OFFLINE_PENDING, [FRAME_OFFLINE] = PG_OFFLINE_STATUS_OFFLINED,
    };

    if (!frame_is_ram(m))
        return -XEN_EINVAL;
    *status = said[frame_use(m)];
    return 0;
}

/* *status: PG_OFFLINE_INVALID unless the page is one that something can be said of. */
static long page_op(uint32_t cmd, mfn_t m, uint32_t *status)
{
    if (m.n >= nr_frames)
        return -XEN_EINVAL;
    switch (cmd) {
    case sysctl_page_offline:
        return page_offline(m, status);
    case sysctl_page_online:
        *status = frame_is_ram(m) && frame_bring_online(m) ? PG_ONLINE_ONLINED : 0;
        return 0;
    case sysctl_query_page_offline:
        return page_query(m, status);
    default:
        return -XEN_EINVAL;
    }
}

/* Ends at the first page that can't be; the rest is said to be invalid. */
long sysctl_page_offline_op(struct xen_sysctl *op)
{
    const struct xen_sysctl_page_offline_op *p = &op->u.page_offline;
    long rc = 0;

    if (p->start > p->end)
        return -XEN_EINVAL;
    if (p->end - p->start >= PAGES_A_CALL)
        return -XEN_E2BIG;
    for (uint32_t i = 0; i <= p->end - p->start; i++) {
        uint32_t status = PG_OFFLINE_INVALID;

        if (!rc)
            rc = page_op(p->cmd, MFN(p->start + (uint64_t)i), &status);
        if (copy_to_guest_at(guest_addr(p->status), i, &status, sizeof(status)))
            return -XEN_EFAULT;
    }
    return rc;
}

/* ---- Nodes ---- */

static long node_give(const struct xen_sysctl_numainfo *i, uint32_t node, uint32_t nodes)
{
    struct xen_sysctl_meminfo m = { numa_frames(node) << PAGE_SHIFT, frames_free_between(node, 0, 64) << PAGE_SHIFT };

    if (guest_addr(i->meminfo) && copy_to_guest_at(guest_addr(i->meminfo), node, &m, sizeof(m)))
        return -XEN_EFAULT;
    for (uint32_t to = 0; guest_addr(i->distance) && to < nodes; to++) {
        uint32_t d = numa_distance(node, to);

        if (d == NUMA_NO_DISTANCE)
            d = XEN_INVALID_NODE_DIST;
        if (copy_to_guest_at(guest_addr(i->distance), (uint64_t)node * nodes + to, &d, sizeof(d)))
            return -XEN_EFAULT;
    }
    return 0;
}

long sysctl_numainfo(struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *i = &op->u.numainfo;
    bool give = guest_addr(i->meminfo) || guest_addr(i->distance);
    uint32_t n = give ? MIN(i->num_nodes, numa_nodes()) : 0;
    long rc = 0;

    for (uint32_t node = 0; !rc && node < n; node++)
        rc = node_give(i, node, n);
    i->num_nodes = give ? n : numa_nodes();
    return rc;
}

/* ---- Devices ---- */

/* Nothing says to which node a device is near, unless there is but one. */
static uint32_t device_node(const physdev_pci_device_t *dev)
{
    if (!pci_exists((struct pci_addr){ dev->seg, dev->bus, dev->devfn }))
        return XEN_INVALID_DEV;
    return numa_nodes() > 1 ? XEN_INVALID_NODE_ID : 0;
}

long sysctl_pcitopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_pcitopoinfo *t = &op->u.pcitopoinfo;
    uint32_t i = 0;

    if (!guest_addr(t->devs) || !guest_addr(t->nodes))
        return -XEN_EINVAL;
    for (; i < t->num_devs && !(i && preempt_needed()); i++) {
        physdev_pci_device_t dev;
        uint32_t node;

        if (copy_from_guest_at(&dev, guest_addr(t->devs), i, sizeof(dev)))
            return -XEN_EFAULT;
        node = device_node(&dev);
        if (copy_to_guest_at(guest_addr(t->nodes), i, &node, sizeof(node)))
            return -XEN_EFAULT;
    }
    t->num_devs = i;
    return 0;
}
