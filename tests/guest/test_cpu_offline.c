/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU out of use and back (sysctl.h, platform.h): what runs there goes on elsewhere, timers go off, interrupts come, flushes of TLBs
 * don't wait for it; dom0 is told, and sees it in all lists; what can't go is refused.
 */
#define __XEN_TOOLS__ 1
/* qemu: -smp 3 -device edu */
/* hv: dom0_max_vcpus=3 */
/* timeout: 120 */
/* not-bochs: no such device */
#include <xen/event_channel.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "pci.h"
#include "smp.h"
#include "sysctl.h"
#include "time.h"
#include "trap.h"

#define MS        1000000ul
#define EDU_ID    0x11e81234u
#define EDU_RAISE (0x60 / 4)
#define EDU_ACK   (0x64 / 4)

static char page[PAGE_SIZE] __attribute__((aligned(4096)));
static volatile uint32_t *edu;
static long told, device;
static unsigned irq;
static volatile unsigned up, stop;
static volatile unsigned long turns[3];

static long hotplug(unsigned op, unsigned cpu)
{
    return SYSCTL(cpu_hotplug, U.cpu_hotplug.op = op; U.cpu_hotplug.cpu = cpu);
}

#define ONLINE(cpu)  hotplug(XEN_SYSCTL_CPU_HOTPLUG_ONLINE, cpu)
#define OFFLINE(cpu) hotplug(XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, cpu)

static long platform(uint32_t cmd, unsigned cpu)
{
    static struct xen_platform_op op;

    memset(&op, 0, sizeof(op));
    op.cmd = cmd;
    op.interface_version = XENPF_INTERFACE_VERSION;
    if (cmd == XENPF_get_cpuinfo)
        op.u.pcpu_info.xen_cpuid = cpu;
    else
        op.u.cpu_ol.cpuid = cpu;
    return hypercall(platform_op, &op) ? -1 : (long)op.u.pcpu_info.flags;
}

static uint64_t pool_cpus(unsigned op)
{
    uint64_t map = 0;

    EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = op; U.cpupool_op.cpumap.bitmap.p = (void *)&map;
                     U.cpupool_op.cpumap.nr_bits = 64));
    return map;
}

static void expect_cpus(unsigned n, uint64_t map)
{
    xen_sysctl_cputopo_t topo[4];

    EXPECT_OK(SYSCTL(physinfo));
    EXPECT_EQUAL(U.physinfo.nr_cpus, n);
    EXPECT_EQUAL(U.physinfo.max_cpu_id, 2);
    EXPECT_EQUAL(pool_cpus(XEN_SYSCTL_CPUPOOL_OP_INFO), map);
    EXPECT_EQUAL(pool_cpus(XEN_SYSCTL_CPUPOOL_OP_FREEINFO), 0);
    EXPECT_OK(SYSCTL(cputopoinfo, U.cputopoinfo.cputopo.p = topo; U.cputopoinfo.num_cpus = 4));
    EXPECT_EQUAL(U.cputopoinfo.num_cpus, 3);
    for (unsigned cpu = 0; cpu < 3; cpu++) {
        EXPECT_EQUAL(platform(XENPF_get_cpuinfo, cpu) & XEN_PCPU_FLAGS_ONLINE, map >> cpu & 1);
        EXPECT_EQUAL(topo[cpu].core == XEN_INVALID_CORE_ID, !(map >> cpu & 1));
    }
}

static void check_refusals(void)
{
    EXPECT_ERR(OFFLINE(0), EINVAL);
    EXPECT_ERR(OFFLINE(3), EINVAL);
    EXPECT_ERR(OFFLINE(~0u), EINVAL);
    EXPECT_ERR(ONLINE(3), EINVAL);
    EXPECT_ERR(ONLINE(0), EEXIST);
    EXPECT_ERR(ONLINE(2), EEXIST);
    EXPECT_ERR(hotplug(XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE, 0), EOPNOTSUPP);
    EXPECT_ERR(hotplug(XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE, 0), EOPNOTSUPP);
    EXPECT_ERR(hotplug(4, 0), EOPNOTSUPP);
}

static void check_once(void)
{
    unsigned before = event_count[told];

    expect_cpus(3, 7);
    EXPECT_OK(OFFLINE(2));
    expect_cpus(2, 3);
    EXPECT_TRUE(event_wait((unsigned)told, before + 1, PATIENT));
    EXPECT_ERR(OFFLINE(2), EEXIST);
    EXPECT_EQUAL(platform(XENPF_cpu_offline, 2), 0);
    EXPECT_OK(ONLINE(2));
    expect_cpus(3, 7);
    EXPECT_TRUE(event_wait((unsigned)told, before + 2, PATIENT));
    EXPECT_ERR(ONLINE(2), EEXIST);
    EXPECT_EQUAL(platform(XENPF_cpu_offline, 2), 0);
    expect_cpus(2, 3);
    EXPECT_EQUAL(platform(XENPF_cpu_online, 2), 0);
    EXPECT_EQUAL(platform(XENPF_cpu_online, 2), 0);
    expect_cpus(3, 7);
}

/* With pools: a free CPU may go, and comes back to pool 0; another pool's may not. */
static void check_pools(void)
{
    EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_RMCPU; U.cpupool_op.cpu = 2));
    EXPECT_OK(OFFLINE(2));
    expect_cpus(2, 3);
    EXPECT_ERR(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_ADDCPU; U.cpupool_op.cpu = 2), ENODEV);
    EXPECT_ERR(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_RMCPU; U.cpupool_op.cpu = 2), EINVAL);
    EXPECT_OK(ONLINE(2));
    expect_cpus(3, 7);
    if (test_on_xen()) /* where the CPU is stuck after that */
        return;
    EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE; U.cpupool_op.cpupool_id = 1;
                     U.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT2));
    EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_RMCPU; U.cpupool_op.cpu = 2));
    EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_ADDCPU; U.cpupool_op.cpupool_id = 1;
                     U.cpupool_op.cpu = 2));
    EXPECT_ERR(OFFLINE(2), ENODEV);
    EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_RMCPU; U.cpupool_op.cpupool_id = 1;
                     U.cpupool_op.cpu = 2));
    EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_DESTROY; U.cpupool_op.cpupool_id = 1));
    EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_ADDCPU; U.cpupool_op.cpu = 2));
    expect_cpus(3, 7);
}

static void pinned_to(int cpu)
{
    struct sched_pin_override p = { .pcpu = cpu };

    EXPECT_OK(hypercall(sched_op, SCHEDOP_pin_override, &p));
}

static void check_pinned(void)
{
    pinned_to(1);
    EXPECT_ERR(OFFLINE(1), EADDRINUSE);
    pinned_to(-1);
    expect_cpus(3, 7);
}

/* ---- Under load ---- */

/* Each of the others sleeps by its own timer, asks the first for flushes, and counts. */
static void worker(void)
{
    unsigned id = cpu_self()->id;

    event_callbacks_set();
    __atomic_add_fetch(&up, 1, __ATOMIC_SEQ_CST);
    while (!stop) {
        struct sched_poll p = { .timeout = time_now() + MS / 2 };

        hypercall(sched_op, SCHEDOP_poll, &p);
        for (uint64_t end = time_now() + MS; time_now() < end;)
            mmuext_one(MMUEXT_TLB_FLUSH_ALL, 0, 0);
        turns[id]++;
    }
    __atomic_sub_fetch(&up, 1, __ATOMIC_SEQ_CST);
    vcpu_stop();
}

static void device_init(void)
{
    struct physdev_setup_gsi setup = { .triggering = 1 };
    int devfn;
    unsigned gsi;

    pci_init();
    devfn = pci_find(EDU_ID);
    REQUIRE(devfn >= 0);
    pci_enable((unsigned)devfn);
    edu = pci_map((unsigned)devfn, 0, UNMAPPED, 0, PAGE_SIZE);
    gsi = pci_read((unsigned)devfn, 0x3c) & 0xff;
    EXPECT_EQUAL(pirq_map_gsi(gsi), gsi);
    irq = gsi;
    setup.gsi = (int)gsi;
    hypercall(physdev_op, PHYSDEVOP_setup_gsi, &setup); /* may be known already */
    device = pirq_bind(gsi, true);
    REQUIRE(device > 0);
    pirq_eoi(gsi);
}

/* An interrupt of the device arrives. */
static void device_asks(void)
{
    unsigned before = event_count[device];

    edu[EDU_RAISE] = 1;
    EXPECT_TRUE(event_wait((unsigned)device, before + 1, PATIENT));
    edu[EDU_ACK] = 1;
    pirq_eoi(irq);
}

static void all_turn(void)
{
    for (unsigned id = 1; id < 3; id++) {
        unsigned long was = turns[id];
        uint64_t until = time_now() + PATIENT * MS;

        while (turns[id] - was < 2 && time_now() < until)
            ;
        EXPECT_TRUE(turns[id] - was >= 2);
    }
}

static void check_load(void)
{
    for (unsigned id = 1; id < 3; id++)
        EXPECT_OK(vcpu_start(id, worker));
    EXPECT_TRUE(wait_for(&up, 2, PATIENT));
    for (unsigned i = 0; i < 12; i++) {
        struct sched_poll p = { .timeout = time_now() + MS };

        EXPECT_OK(OFFLINE(1 + i % 2));
        all_turn();
        device_asks();
        EXPECT_OK(hypercall(sched_op, SCHEDOP_poll, &p)); /* a timer of ours */
        if (i % 3 == 0) {
            EXPECT_OK(OFFLINE(2 - i % 2));
            expect_cpus(1, 1);
            all_turn();
            device_asks();
            EXPECT_OK(ONLINE(2 - i % 2));
        }
        EXPECT_OK(ONLINE(1 + i % 2));
        device_asks();
    }
    stop = 1;
    for (uint64_t until = time_now() + PATIENT * MS; up && time_now() < until;)
        ;
    EXPECT_EQUAL(up, 0);
    expect_cpus(3, 7);
}

/* What changed in the page tables while it was away holds there, too. */
static void check_stale(void)
{
    volatile unsigned *p = (volatile unsigned *)(void *)page;
    struct sched_pin_override o = { .pcpu = 2 };
    struct trap t;

    EXPECT_OK(hypercall(sched_op, SCHEDOP_pin_override, &o));
    *p = 1;
    o.pcpu = -1;
    EXPECT_OK(hypercall(sched_op, SCHEDOP_pin_override, &o));
    EXPECT_OK(OFFLINE(2));
    EXPECT_OK(hypercall(update_va_mapping, (unsigned long)page, pte_make(virt_to_mfn(page), PTE_RO), UVMF_TLB_FLUSH | UVMF_ALL));
    EXPECT_OK(ONLINE(2));
    o.pcpu = 2;
    EXPECT_OK(hypercall(sched_op, SCHEDOP_pin_override, &o));
    EXPECT_EQUAL(trap_catch(&t, insn_write8, (unsigned long)page), VEC_PF);
    o.pcpu = -1;
    EXPECT_OK(hypercall(sched_op, SCHEDOP_pin_override, &o));
}

void test_main(void)
{
    told = event_bind_virq(VIRQ_PCPU_STATE, 0);
    REQUIRE(told > 0);
    event_unmask((unsigned)told);
    events_on();
    device_init();
    check_refusals();
    check_once();
    check_pools();
    if (!test_on_xen()) /* there the CPU stays half way */
        check_pinned();
    check_stale();
    check_load();
}
