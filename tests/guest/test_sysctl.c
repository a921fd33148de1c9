/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysctl (sysctl.h): the log, the list of domains, the machine's CPUs, memory and devices, the scheduler and its pool, power; good cases and refusals.
 * What processors can do is in test_sysctl_cpu.
 */
/* qemu: -smp 2 */
/* hv: conring_size=32K */
#define __XEN_TOOLS__ 1
/* not-bochs: its two CPUs are threads of one core */
#include <xen/sched.h>
#include <xen/sysctl.h>
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"
#include "time.h"

static char buf[65536] __attribute__((aligned(4096)));
static uint32_t *const words = (uint32_t *)(void *)buf;

/* ---- The call itself ---- */

static void check_call(void)
{
    EXPECT_ERR(hypercall(sysctl, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(sysctl, HV_PRIVATE), EFAULT);
    sysctl_begin();
    s.cmd = XEN_SYSCTL_sched_id;
    s.interface_version--;
    EXPECT_ERR(hypercall(sysctl, &s), EACCES);
    s.interface_version = 0;
    EXPECT_ERR(hypercall(sysctl, &s), EACCES);
    EXPECT_ERR(SYSCTL(psr_cmt_op), ENODEV);
    sysctl_begin();
    EXPECT_ERR(sysctl_go(0), ENOSYS);
    EXPECT_ERR(sysctl_go(13), ENOSYS);
    EXPECT_ERR(sysctl_go(24), ENOSYS);
    EXPECT_ERR(sysctl_go(28), ENOSYS);
    EXPECT_ERR(sysctl_go(30), ENOSYS);
    EXPECT_ERR(sysctl_go(~0u), ENOSYS);
}

/* ---- The log ---- */

static bool contains(const char *text, unsigned len, const char *what, unsigned n)
{
    for (unsigned i = 0; i + n <= len; i++) {
        unsigned k = 0;

        while (k < n && text[i + k] == what[k])
            k++;
        if (k == n)
            return true;
    }
    return false;
}

static long readconsole(void *to, unsigned count, bool clear, bool incremental, unsigned index)
{
    return SYSCTL(readconsole, U.readconsole.buffer.p = to; U.readconsole.count = count; U.readconsole.clear = clear;
                  U.readconsole.incremental = incremental; U.readconsole.index = index);
}

static void check_readconsole(void)
{
    unsigned all, half;

    EXPECT_OK(readconsole(buf, sizeof(buf), false, false, 0));
    all = U.readconsole.count;
    half = U.readconsole.index;
    EXPECT_TRUE(all > 200 && all < sizeof(buf));
    EXPECT_TRUE(contains(buf, all, "conring_size=32K", 16)); /* the command line is in it */
    EXPECT_OK(readconsole(buf, 100, false, true, half - 50));
    EXPECT_EQUAL(U.readconsole.count, 50);
    EXPECT_EQUAL(U.readconsole.index, half);
    EXPECT_OK(readconsole(buf, sizeof(buf), false, true, half));
    EXPECT_EQUAL(U.readconsole.count, 0);
    EXPECT_OK(readconsole(buf, sizeof(buf), false, true, half + 0x70000000)); /* nonsense: from the first that is kept */
    EXPECT_EQUAL(U.readconsole.count, all);
    EXPECT_OK(readconsole(buf, 0, false, false, 0));
    EXPECT_EQUAL(U.readconsole.count, 0);
    EXPECT_ERR(readconsole((void *)UNMAPPED, 100, false, false, 0), EFAULT);
    EXPECT_ERR(readconsole((void *)HV_PRIVATE, 100, false, false, 0), EFAULT);
    EXPECT_OK(readconsole(buf, 150, true, false, 0));
    EXPECT_EQUAL(U.readconsole.count, 150);
    EXPECT_OK(readconsole(buf, sizeof(buf), true, false, 0));
    EXPECT_EQUAL(U.readconsole.count, all - 150);
    EXPECT_OK(readconsole(buf, sizeof(buf), false, false, 0));
    EXPECT_EQUAL(U.readconsole.count, 0);
}

static long keys(const void *k, unsigned n)
{
    return SYSCTL(debug_keys, U.debug_keys.keys.p = k; U.debug_keys.nr_keys = n);
}

static void check_debug_keys(void)
{
    uint64_t until = time_now() + 3000000000ul;
    unsigned n = 0;

    EXPECT_OK(keys("\377\200\1", 3)); /* no such keys */
    EXPECT_OK(keys("h", 0));
    EXPECT_ERR(keys((void *)UNMAPPED, 1), EFAULT);
    EXPECT_OK(readconsole(buf, sizeof(buf), true, false, 0));
    EXPECT_OK(keys("h", 1));
    for (; !n && time_now() < until; hypercall(sched_op, SCHEDOP_yield))
        if (EXPECT_OK(readconsole(buf, sizeof(buf), false, false, 0)))
            n = U.readconsole.count;
    EXPECT_TRUE(n > 20 && contains(buf, n, "'h'", 3));
}

/* ---- Domains ---- */

static long list(void *to, unsigned first, unsigned max)
{
    return SYSCTL(getdomaininfolist, U.getdomaininfolist.buffer.p = to; U.getdomaininfolist.first_domain = (domid_t)first;
                  U.getdomaininfolist.max_domains = max);
}

static void check_list(void)
{
    struct xen_domctl_getdomaininfo *d = (void *)buf;

    memset(buf, 0x5a, 4096);
    EXPECT_OK(list(buf, 0, 10));
    EXPECT_EQUAL(U.getdomaininfolist.num_domains, 1);
    EXPECT_EQUAL(d->domain, 0);
    EXPECT_TRUE(d->flags & XEN_DOMINF_running);
    EXPECT_EQUAL(d->flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown | XEN_DOMINF_paused | XEN_DOMINF_hvm_guest), 0);
    EXPECT_EQUAL(d->tot_pages, start_info->nr_pages);
    EXPECT_TRUE(d->max_pages >= d->tot_pages);
    EXPECT_EQUAL(d->shared_info_frame, start_info->shared_info >> 12);
    EXPECT_EQUAL(d->nr_online_vcpus, 1);
    EXPECT_EQUAL(d->max_vcpu_id, 1);
    EXPECT_EQUAL(d->cpupool, 0);
    EXPECT_TRUE(d->cpu_time > 0);
    EXPECT_EQUAL((unsigned char)buf[sizeof(*d)], 0x5a);
    EXPECT_OK(list(buf, 0, 0));
    EXPECT_EQUAL(U.getdomaininfolist.num_domains, 0);
    EXPECT_OK(list(buf, 1, 10));
    EXPECT_EQUAL(U.getdomaininfolist.num_domains, 0);
    EXPECT_OK(list(buf, 0xffff, 10));
    EXPECT_EQUAL(U.getdomaininfolist.num_domains, 0);
    EXPECT_ERR(list((void *)UNMAPPED, 0, 10), EFAULT);
    EXPECT_ERR(list((void *)HV_PRIVATE, 0, 10), EFAULT);
}

/* ---- CPUs ---- */

static void check_physinfo(void)
{
    struct xen_sysctl_physinfo *p = &U.physinfo;

    EXPECT_OK(SYSCTL(physinfo, memset(&U, 0x5a, sizeof(U))));
    EXPECT_EQUAL(p->nr_cpus, 2);
    EXPECT_EQUAL(p->max_cpu_id, 1);
    EXPECT_EQUAL(p->threads_per_core, 1);
    EXPECT_EQUAL(p->cores_per_socket, 2);
    EXPECT_EQUAL(p->nr_nodes, 1);
    EXPECT_EQUAL(p->max_node_id, 63);
    EXPECT_TRUE(p->cpu_khz > 10000);
    EXPECT_TRUE(p->capabilities & XEN_SYSCTL_PHYSCAP_pv);
    EXPECT_TRUE(p->capabilities & XEN_SYSCTL_PHYSCAP_gnttab_v1);
    EXPECT_EQUAL(p->arch_capabilities, 0);
    EXPECT_TRUE(p->total_pages > 0xe000 && p->total_pages <= 0x10000); /* of 256 MiB */
    EXPECT_TRUE(p->free_pages > 0 && p->free_pages < p->total_pages);
    EXPECT_EQUAL(p->scrub_pages, 0);
    EXPECT_EQUAL(p->outstanding_pages, 0);
    EXPECT_TRUE(p->max_mfn >= 0xff00 && p->max_mfn < 0x10000);
    EXPECT_EQUAL(p->hw_cap[0] & 0x07808111, 0x07808111); /* FPU, TSC, CX8, CMOV, MMX, FXSR, SSE, SSE2 */
    EXPECT_EQUAL(p->hw_cap[2] & 0x20000800, 0x20000800); /* LM, SYSCALL */
}

static void check_cpuinfo(void)
{
    uint64_t *idle = (void *)buf, before;

    EXPECT_OK(SYSCTL(getcpuinfo, U.getcpuinfo.info.p = (void *)buf; U.getcpuinfo.max_cpus = 100));
    EXPECT_EQUAL(U.getcpuinfo.nr_cpus, 2);
    before = idle[1];
    EXPECT_TRUE(before > 0);
    for (uint64_t until = time_now() + 2000000; time_now() < until;) {}
    EXPECT_OK(SYSCTL(getcpuinfo, U.getcpuinfo.info.p = (void *)buf; U.getcpuinfo.max_cpus = 2));
    EXPECT_TRUE(idle[1] > before); /* nothing runs there */
    EXPECT_OK(SYSCTL(getcpuinfo, U.getcpuinfo.info.p = (void *)buf; U.getcpuinfo.max_cpus = 1));
    EXPECT_EQUAL(U.getcpuinfo.nr_cpus, 1);
    EXPECT_OK(SYSCTL(getcpuinfo, U.getcpuinfo.info.p = (void *)UNMAPPED));
    EXPECT_EQUAL(U.getcpuinfo.nr_cpus, 0);
    EXPECT_ERR(SYSCTL(getcpuinfo, U.getcpuinfo.info.p = (void *)UNMAPPED; U.getcpuinfo.max_cpus = 2), EFAULT);
}

static void check_cputopo(void)
{
    xen_sysctl_cputopo_t *t = (void *)buf;

    EXPECT_OK(SYSCTL(cputopoinfo));
    EXPECT_EQUAL(U.cputopoinfo.num_cpus, 2);
    memset(buf, 0x5a, 64);
    EXPECT_OK(SYSCTL(cputopoinfo, U.cputopoinfo.cputopo.p = t; U.cputopoinfo.num_cpus = 8));
    EXPECT_EQUAL(U.cputopoinfo.num_cpus, 2);
    EXPECT_EQUAL(t[0].core, 0);
    EXPECT_EQUAL(t[1].core, 1);
    EXPECT_EQUAL(t[0].socket, 0);
    EXPECT_EQUAL(t[1].socket, 0);
    EXPECT_EQUAL(t[0].node | t[1].node, 0);
    EXPECT_EQUAL(t[2].core, 0x5a5a5a5a);
    EXPECT_OK(SYSCTL(cputopoinfo, U.cputopoinfo.cputopo.p = t; U.cputopoinfo.num_cpus = 1));
    EXPECT_EQUAL(U.cputopoinfo.num_cpus, 1);
    EXPECT_ERR(SYSCTL(cputopoinfo, U.cputopoinfo.cputopo.p = (void *)UNMAPPED; U.cputopoinfo.num_cpus = 8), EFAULT);
}

static long hotplug(unsigned cpu, unsigned op)
{
    return SYSCTL(cpu_hotplug, U.cpu_hotplug.cpu = cpu; U.cpu_hotplug.op = op);
}

static void check_hotplug(void)
{
    EXPECT_ERR(hotplug(1, XEN_SYSCTL_CPU_HOTPLUG_ONLINE), EEXIST);
    EXPECT_ERR(hotplug(2, XEN_SYSCTL_CPU_HOTPLUG_ONLINE), EINVAL);
    EXPECT_ERR(hotplug(4711, XEN_SYSCTL_CPU_HOTPLUG_ONLINE), EINVAL);
    EXPECT_ERR(hotplug(0, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE), EINVAL);
    EXPECT_ERR(hotplug(~0u, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE), EINVAL);
    EXPECT_ERR(hotplug(1, 4), EOPNOTSUPP);
    EXPECT_ERR(hotplug(0, XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE), EOPNOTSUPP); /* there are no threads */
    EXPECT_ERR(hotplug(0, XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE), EOPNOTSUPP);
}

/* ---- Memory, nodes, devices ---- */

static long avail(int node, unsigned min, unsigned max)
{
    return SYSCTL(availheap, U.availheap.node = node; U.availheap.min_bitwidth = min; U.availheap.max_bitwidth = max)
        ?: (long)U.availheap.avail_bytes;
}

static void check_availheap(void)
{
    long all = avail(-1, 0, 0), low = avail(-1, 0, 27);

    EXPECT_TRUE(all > 1 << 20 && all < 256 << 20 && all % PAGE_SIZE == 0);
    EXPECT_EQUAL(avail(0, 0, 0), all);
    EXPECT_EQUAL(avail(-1, 0, 32), all);
    EXPECT_EQUAL(avail(-1, 0, 200), all);
    EXPECT_EQUAL(low + avail(-1, 28, 0), all);
    EXPECT_EQUAL(avail(-1, 32, 0), 0);
    EXPECT_EQUAL(avail(-1, 65, 0), 0);
    EXPECT_EQUAL(avail(-1, 28, 27), 0);
    EXPECT_EQUAL(avail(1, 0, 0), 0);
    EXPECT_EQUAL(avail(4711, 0, 0), 0);
    EXPECT_EQUAL(avail(-2, 0, 0), 0);
}

static void check_numainfo(void)
{
    xen_sysctl_meminfo_t *m = (void *)buf;
    uint32_t *d = (void *)(buf + 64);

    EXPECT_OK(SYSCTL(numainfo));
    EXPECT_EQUAL(U.numainfo.num_nodes, 1);
    EXPECT_OK(SYSCTL(numainfo, U.numainfo.num_nodes = 8; U.numainfo.meminfo.p = m; U.numainfo.distance.p = d));
    EXPECT_EQUAL(U.numainfo.num_nodes, 1);
    EXPECT_EQUAL(d[0], 10);
    EXPECT_TRUE(m->memsize >= 250ul << 20 && m->memsize <= 256ul << 20);
    EXPECT_TRUE(m->memfree > 0 && m->memfree < m->memsize);
    EXPECT_OK(SYSCTL(numainfo, U.numainfo.num_nodes = 1; U.numainfo.distance.p = d));
    EXPECT_OK(SYSCTL(numainfo, U.numainfo.meminfo.p = m));
    EXPECT_EQUAL(U.numainfo.num_nodes, 0);
    EXPECT_ERR(SYSCTL(numainfo, U.numainfo.num_nodes = 1; U.numainfo.meminfo.p = (void *)UNMAPPED), EFAULT);
    EXPECT_ERR(SYSCTL(numainfo, U.numainfo.num_nodes = 1; U.numainfo.distance.p = (void *)UNMAPPED), EFAULT);
}

static void check_pcitopo(void)
{
    physdev_pci_device_t devs[2] = { { .devfn = 0 }, { .bus = 0x77, .devfn = 0xf8 } };

    for (uint32_t done = 0; done < 2; done += U.pcitopoinfo.num_devs) { /* the call may stop early, after one at least */
        EXPECT_OK(SYSCTL(pcitopoinfo, U.pcitopoinfo.num_devs = 2 - done; U.pcitopoinfo.devs.p = devs + done;
                         U.pcitopoinfo.nodes.p = words + done));
        if (!EXPECT_TRUE(U.pcitopoinfo.num_devs >= 1 && U.pcitopoinfo.num_devs <= 2 - done))
            return;
    }
    EXPECT_TRUE(words[0] == 0 || words[0] == XEN_INVALID_DEV); /* Xen knows those that dom0 told it */
    EXPECT_EQUAL(words[1], XEN_INVALID_DEV);
    EXPECT_OK(SYSCTL(pcitopoinfo, U.pcitopoinfo.devs.p = devs; U.pcitopoinfo.nodes.p = words));
    EXPECT_ERR(SYSCTL(pcitopoinfo, U.pcitopoinfo.num_devs = 2; U.pcitopoinfo.devs.p = devs), EINVAL);
    EXPECT_ERR(SYSCTL(pcitopoinfo, U.pcitopoinfo.num_devs = 2; U.pcitopoinfo.nodes.p = words), EINVAL);
    EXPECT_ERR(SYSCTL(pcitopoinfo, U.pcitopoinfo.num_devs = 2; U.pcitopoinfo.devs.p = (void *)UNMAPPED;
                      U.pcitopoinfo.nodes.p = words), EFAULT);
    EXPECT_ERR(SYSCTL(pcitopoinfo, U.pcitopoinfo.num_devs = 2; U.pcitopoinfo.devs.p = devs;
                      U.pcitopoinfo.nodes.p = (void *)UNMAPPED), EFAULT);
}

static long page_op(unsigned cmd, unsigned long first, unsigned long last, void *status)
{
    return SYSCTL(page_offline_op, U.page_offline.cmd = cmd; U.page_offline.start = (uint32_t)first;
                  U.page_offline.end = (uint32_t)last; U.page_offline.status.p = status);
}

static void check_page_offline(void)
{
    unsigned long m = virt_to_mfn(buf);

    words[0] = 0x5a5a5a5a;
    EXPECT_OK(page_op(sysctl_query_page_offline, m, m, words));
    EXPECT_EQUAL(words[0], 0); /* none of PG_OFFLINE_STATUS_*: as it always was */
    EXPECT_OK(page_op(sysctl_page_online, m, m, words));
    EXPECT_EQUAL(words[0], 0);
    EXPECT_ERR(page_op(sysctl_query_page_offline, 0xa0, 0xa1, words), EINVAL); /* no RAM */
    EXPECT_EQUAL(words[0] & words[1] & PG_OFFLINE_INVALID, PG_OFFLINE_INVALID);
    EXPECT_ERR(page_op(sysctl_query_page_offline, 0x7ffffff, 0x7ffffff, words), EINVAL);
    EXPECT_ERR(page_op(sysctl_query_page_offline, m, m - 1, words), EINVAL);
    EXPECT_ERR(page_op(sysctl_query_page_offline, m, m, (void *)UNMAPPED), EFAULT);
    EXPECT_ERR(page_op(0, m, m, words), EINVAL);
    EXPECT_ERR(page_op(4, m, m, words), EINVAL);
    if (!test_on_xen()) /* which does not survive it */
        EXPECT_ERR(page_op(sysctl_query_page_offline, 0, 0xffffffff, words), E2BIG);
}

/* ---- The scheduler and its pool ---- */

static long pool(unsigned op, unsigned id, unsigned domid, unsigned cpu)
{
    return SYSCTL(cpupool_op, U.cpupool_op.op = op; U.cpupool_op.cpupool_id = id; U.cpupool_op.domid = domid;
                  U.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT2; U.cpupool_op.cpu = cpu;
                  U.cpupool_op.cpumap.bitmap.p = (void *)buf; U.cpupool_op.cpumap.nr_bits = 64);
}

#define POOL(op, ...) pool(XEN_SYSCTL_CPUPOOL_OP_##op, __VA_ARGS__)

static void check_pool(void)
{
    memset(buf, 0x5a, 16);
    EXPECT_OK(POOL(INFO, 0, 0, 0));
    EXPECT_EQUAL(U.cpupool_op.cpupool_id, 0);
    EXPECT_EQUAL(U.cpupool_op.sched_id, XEN_SCHEDULER_CREDIT2);
    EXPECT_EQUAL(U.cpupool_op.n_dom, 1);
    EXPECT_EQUAL(*(uint64_t *)(void *)buf, 3);
    EXPECT_EQUAL(buf[8], 0x5a);
    EXPECT_OK(POOL(FREEINFO, 0, 0, 0));
    EXPECT_EQUAL(*(uint64_t *)(void *)buf, 0);
    EXPECT_ERR(POOL(INFO, 9, 0, 0), ENOENT);
    EXPECT_ERR(POOL(INFO, XEN_SYSCTL_CPUPOOL_PAR_ANY, 0, 0), ENOENT);
    EXPECT_ERR(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO; U.cpupool_op.cpumap.nr_bits = 64;
                      U.cpupool_op.cpumap.bitmap.p = (void *)UNMAPPED), EFAULT);
    EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO)); /* no room: no map */
    EXPECT_ERR(POOL(DESTROY, 0, 0, 0), EBUSY);
    EXPECT_ERR(POOL(DESTROY, 9, 0, 0), ENOENT);
    EXPECT_ERR(POOL(CREATE, 0, 0, 0), EEXIST);
    EXPECT_ERR(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE; U.cpupool_op.cpupool_id = ~0u;
                      U.cpupool_op.sched_id = 99), ENOENT);
    EXPECT_ERR(POOL(ADDCPU, 0, 0, 0), ENODEV);
    EXPECT_ERR(POOL(ADDCPU, 0, 0, ~0u), ENODEV);
    EXPECT_ERR(POOL(ADDCPU, 0, 0, 77), EINVAL);
    EXPECT_ERR(POOL(ADDCPU, 9, 0, 0), ENOENT);
    EXPECT_ERR(POOL(RMCPU, 0, 0, 77), EINVAL);
    EXPECT_ERR(POOL(RMCPU, 9, 0, 0), ENOENT);
    EXPECT_ERR(POOL(MOVEDOMAIN, 0, 0, 0), EPERM); /* dom0 must not be moved */
    EXPECT_ERR(POOL(MOVEDOMAIN, 0, 77, 0), ESRCH);
    EXPECT_ERR(POOL(MOVEDOMAIN, 0, DOMID_SELF, 0), ESRCH);
    EXPECT_ERR(pool(0, 0, 0, 0), ENOSYS);
    EXPECT_ERR(pool(8, 0, 0, 0), ENOSYS);
}

static long scheduler(unsigned pool_id, unsigned sched, unsigned cmd, unsigned us)
{
    return SYSCTL(scheduler_op, U.scheduler_op.cpupool_id = pool_id; U.scheduler_op.sched_id = sched; U.scheduler_op.cmd = cmd;
                  U.scheduler_op.u.sched_credit2.ratelimit_us = us);
}

static void check_scheduler(void)
{
    unsigned before;

    EXPECT_OK(SYSCTL(sched_id));
    EXPECT_EQUAL(U.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
    EXPECT_OK(scheduler(0, XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_getinfo, 4711));
    before = U.scheduler_op.u.sched_credit2.ratelimit_us;
    EXPECT_TRUE(before == 250 || before == 1000);
    EXPECT_OK(scheduler(0, XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, 2000));
    EXPECT_OK(scheduler(0, XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_getinfo, 0));
    EXPECT_EQUAL(U.scheduler_op.u.sched_credit2.ratelimit_us, 2000);
    EXPECT_ERR(scheduler(0, XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, XEN_SYSCTL_SCHED_RATELIMIT_MIN - 1), EINVAL);
    EXPECT_ERR(scheduler(0, XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, XEN_SYSCTL_SCHED_RATELIMIT_MAX + 1), EINVAL);
    EXPECT_OK(scheduler(0, XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, 0));
    EXPECT_OK(scheduler(0, XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_putinfo, before));
    EXPECT_ERR(scheduler(0, XEN_SCHEDULER_CREDIT2, 2, 0), EINVAL);
    EXPECT_ERR(scheduler(0, XEN_SCHEDULER_CREDIT, XEN_SYSCTL_SCHEDOP_getinfo, 0), EINVAL);
    EXPECT_ERR(scheduler(0, XEN_SCHEDULER_RTDS, XEN_SYSCTL_SCHEDOP_getinfo, 0), EINVAL);
    EXPECT_ERR(scheduler(0, 99, XEN_SYSCTL_SCHEDOP_putinfo, 0), EINVAL);
    EXPECT_ERR(scheduler(5, XEN_SCHEDULER_CREDIT2, XEN_SYSCTL_SCHEDOP_getinfo, 0), ESRCH);
}

/* ---- Power ---- */

static long pmstat(unsigned type, unsigned cpu, unsigned nr, void *triggers, void *residencies)
{
    return SYSCTL(get_pmstat, U.get_pmstat.type = type; U.get_pmstat.cpuid = cpu; U.get_pmstat.u.getcx.nr = nr;
                  U.get_pmstat.u.getcx.triggers.p = triggers; U.get_pmstat.u.getcx.residencies.p = residencies);
}

static void check_pmstat(void)
{
    uint64_t *triggers = (void *)buf, *residencies = triggers + 8;

    EXPECT_OK(pmstat(PMSTAT_get_max_cx, 0, 0, 0, 0));
    EXPECT_EQUAL(U.get_pmstat.u.getcx.nr, 2);
    EXPECT_OK(pmstat(PMSTAT_get_cxstat, 1, 2, triggers, residencies));
    EXPECT_EQUAL(U.get_pmstat.u.getcx.nr, 2);
    EXPECT_TRUE(U.get_pmstat.u.getcx.idle_time > 0);
    EXPECT_TRUE(residencies[0] + residencies[1] > 0 && triggers[1] > 0);
    EXPECT_OK(pmstat(PMSTAT_get_cxstat, 1, 4711, triggers, residencies));
    EXPECT_ERR(pmstat(PMSTAT_get_cxstat, 0, 2, (void *)UNMAPPED, residencies), EFAULT);
    EXPECT_ERR(pmstat(PMSTAT_get_cxstat, 0, 2, triggers, (void *)UNMAPPED), EFAULT);
    EXPECT_OK(pmstat(PMSTAT_reset_cxstat, 0, 0, 0, 0));
    EXPECT_ERR(pmstat(PMSTAT_CX, 0, 0, 0, 0), ENOSYS);
    EXPECT_ERR(pmstat(PMSTAT_get_max_cx, 7, 0, 0, 0), EINVAL);
    EXPECT_ERR(pmstat(PMSTAT_get_max_px, ~0u, 0, 0, 0), EINVAL);
    for (unsigned type = PMSTAT_PX; type < PMSTAT_PX + 5; type++)
        EXPECT_ERR(pmstat(type, 0, 0, 0, 0), ENODEV);
}

static long pm_op(unsigned cmd, unsigned cpu, unsigned value)
{
    return SYSCTL(pm_op, U.pm_op.cmd = cmd; U.pm_op.cpuid = cpu; U.pm_op.u.set_max_cstate = value);
}

static void check_pm_op(void)
{
    for (unsigned cmd = CPUFREQ_PARA; cmd < CPUFREQ_PARA + 6; cmd++)
        EXPECT_ERR(pm_op(cmd, 0, 0), EINVAL);
    EXPECT_OK(pm_op(XEN_SYSCTL_pm_op_get_max_cstate, 0, 77));
    EXPECT_EQUAL(U.pm_op.u.get_max_cstate, 1);
    EXPECT_OK(pm_op(XEN_SYSCTL_pm_op_get_max_cstate, 1, 77));
    EXPECT_EQUAL(U.pm_op.u.get_max_cstate, XEN_SYSCTL_CX_UNLIMITED);
    EXPECT_OK(pm_op(XEN_SYSCTL_pm_op_set_max_cstate, 0, 3));
    EXPECT_OK(pm_op(XEN_SYSCTL_pm_op_get_max_cstate, 0, 77));
    EXPECT_EQUAL(U.pm_op.u.get_max_cstate, 3);
    EXPECT_OK(pm_op(XEN_SYSCTL_pm_op_set_max_cstate, 0, 1));
    EXPECT_OK(pm_op(XEN_SYSCTL_pm_op_set_max_cstate, 1, XEN_SYSCTL_CX_UNLIMITED));
    EXPECT_ERR(pm_op(XEN_SYSCTL_pm_op_get_max_cstate, 7, 0), EINVAL);
    EXPECT_ERR(pm_op(XEN_SYSCTL_pm_op_set_max_cstate, 7, 0), EINVAL);
    EXPECT_OK(pm_op(XEN_SYSCTL_pm_op_set_sched_opt_smt, 0, 0));
    EXPECT_EQUAL(U.pm_op.u.set_sched_opt_smt, 0);
    EXPECT_ERR(pm_op(XEN_SYSCTL_pm_op_set_vcpu_migration_delay, 0, 0), ENOSYS);
    EXPECT_ERR(pm_op(XEN_SYSCTL_pm_op_get_vcpu_migration_delay, 0, 0), ENOSYS);
    EXPECT_ERR(pm_op(XEN_SYSCTL_pm_op_enable_turbo, 0, 0), EACCES);
    EXPECT_ERR(pm_op(XEN_SYSCTL_pm_op_disable_turbo, 1, 0), EACCES);
    EXPECT_ERR(pm_op(XEN_SYSCTL_pm_op_disable_turbo, 7, 0), EINVAL);
    EXPECT_ERR(pm_op(0x28, 0, 0), ENOSYS);
    EXPECT_ERR(pm_op(0, 7, 0), EINVAL);
}

/* ---- What there isn't ---- */

static void check_absent(void)
{
    for (unsigned cmd = 0; cmd < 6; cmd++) {
        if (test_on_xen()) /* Debian's; ours: test_perfc */
            EXPECT_ERR(SYSCTL(perfc_op, U.perfc_op.cmd = cmd), ENOSYS);
        EXPECT_ERR(SYSCTL(lockprof_op, U.lockprof_op.cmd = cmd), ENOSYS);
        EXPECT_ERR(SYSCTL(coverage_op, U.coverage_op.cmd = cmd), EOPNOTSUPP);
        EXPECT_ERR(SYSCTL(psr_cmt_op, U.psr_cmt_op.cmd = cmd), ENODEV);
    }
    for (unsigned cmd = 0; cmd < 3; cmd++)
        EXPECT_ERR(SYSCTL(psr_alloc, U.psr_alloc.cmd = cmd), ENODEV);
    EXPECT_ERR(SYSCTL(psr_alloc, U.psr_alloc.cmd = 3), EOPNOTSUPP);
    if (!test_on_xen())
        EXPECT_ERR(SYSCTL(livepatch_op, U.livepatch.cmd = XEN_SYSCTL_LIVEPATCH_LIST), ENOSYS);
}

void test_main(void)
{
    check_call();
    check_readconsole();
    check_debug_keys();
    check_list();
    check_physinfo();
    check_cpuinfo();
    check_cputopo();
    check_hotplug();
    check_availheap();
    check_numainfo();
    check_pcitopo();
    check_page_offline();
    check_pool();
    check_scheduler();
    check_pmstat();
    check_pm_op();
    check_absent();
}
