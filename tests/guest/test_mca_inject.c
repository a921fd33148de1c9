/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Errors made up (arch-x86/xen-mca.h): XEN_MC_msrinject shows the hypervisor register values, XEN_MC_mceinject and
 * XEN_MC_inject_v2 raise the exception; dom0 gets VIRQ_MCA and can fetch what was injected.  Refusals.
 */
/* qemu: -smp 2 */
/* hv-only: hospes */
#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/arch-x86/xen-mca.h>
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "time.h"

#define MCG_STATUS    0x17a
#define MC_STATUS(b)  (0x401u + 4u * (b))
#define MC_ADDR(b)    (0x402u + 4u * (b))
#define SOFTWARE_ONE  0x9400000000000152ul /* valid, enabled, address valid: corrected */

static struct xen_mc op;
static struct mc_info info;

static long mca(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XEN_MCA_INTERFACE_VERSION;
    return hypercall(mca, &op);
}

static long inject(unsigned cpu, uint64_t reg, uint64_t value)
{
    memset(&op, 0, sizeof(op));
    op.u.mc_msrinject.mcinj_cpunr = cpu;
    op.u.mc_msrinject.mcinj_flags = MC_MSRINJ_F_INTERPOSE;
    op.u.mc_msrinject.mcinj_count = 1;
    op.u.mc_msrinject.mcinj_msr[0].reg = reg;
    op.u.mc_msrinject.mcinj_msr[0].value = value;
    return mca(XEN_MC_msrinject);
}

/* The oldest record of the kind, acknowledged: its bank, or NULL. */
static const struct mcinfo_bank *fetch(uint32_t kind)
{
    struct mcinfo_global *g = (struct mcinfo_global *)info.mi_data;
    uint64_t id;

    memset(&op, 0, sizeof(op));
    set_xen_guest_handle(op.u.mc_fetch.data, &info);
    op.u.mc_fetch.flags = kind;
    if (!EXPECT_OK(mca(XEN_MC_fetch)) || op.u.mc_fetch.flags != XEN_MC_OK)
        return NULL;
    id = op.u.mc_fetch.fetch_id;
    memset(&op, 0, sizeof(op));
    op.u.mc_fetch.flags = kind | XEN_MC_ACK;
    op.u.mc_fetch.fetch_id = id;
    EXPECT_OK(mca(XEN_MC_fetch));
    EXPECT_EQUAL(g->common.type, MC_TYPE_GLOBAL);
    EXPECT_EQUAL(info.mi_nentries, 2);
    return (const struct mcinfo_bank *)((char *)g + g->common.size);
}

static void prepare(unsigned cpu)
{
    EXPECT_OK(inject(cpu, MCG_STATUS, 5)); /* in progress, can go on */
    EXPECT_OK(inject(cpu, MC_STATUS(2), SOFTWARE_ONE));
    EXPECT_OK(inject(cpu, MC_ADDR(2), 0x12345000));
}

static void expect_record(uint32_t kind)
{
    const struct mcinfo_bank *b = fetch(kind);

    if (!EXPECT_TRUE(b != NULL))
        return;
    EXPECT_EQUAL(b->mc_bank, 2);
    EXPECT_EQUAL(b->mc_status, SOFTWARE_ONE);
    EXPECT_EQUAL(b->mc_addr, 0x12345000);
    EXPECT_TRUE(fetch(kind) == NULL);
}

static void check_exception(unsigned port)
{
    for (unsigned cpu = 0; cpu < 2; cpu++) {
        unsigned before = event_count[port];

        prepare(cpu);
        memset(&op, 0, sizeof(op));
        op.u.mc_mceinject.mceinj_cpunr = cpu;
        EXPECT_OK(mca(XEN_MC_mceinject));
        EXPECT_TRUE(event_wait(port, before + 1, 2000));
        expect_record(XEN_MC_URGENT);
        op.u.mc_mceinject.mceinj_cpunr = cpu; /* it is cleared: nothing to report */
        EXPECT_ERR(mca(XEN_MC_mceinject), EINVAL);
    }
}

static long inject_v2(uint32_t flags, uint8_t cpus)
{
    memset(&op, 0, sizeof(op));
    op.u.mc_inject_v2.flags = flags;
    op.u.mc_inject_v2.cpumap.nr_bits = 8;
    set_xen_guest_handle(op.u.mc_inject_v2.cpumap.bitmap, &cpus);
    return mca(XEN_MC_inject_v2);
}

static void check_v2(unsigned port)
{
    unsigned before = event_count[port];

    prepare(1);
    EXPECT_OK(inject_v2(XEN_MC_INJECT_TYPE_MCE, 2));
    EXPECT_TRUE(event_wait(port, before + 1, 2000));
    expect_record(XEN_MC_URGENT);
    prepare(0);
    EXPECT_OK(inject_v2(XEN_MC_INJECT_TYPE_CMCI | XEN_MC_INJECT_CPU_BROADCAST, 0)); /* found in passing */
    EXPECT_TRUE(event_wait(port, before + 2, 2000));
    expect_record(XEN_MC_NONURGENT);
    EXPECT_ERR(inject_v2(XEN_MC_INJECT_TYPE_MCE, 0), EINVAL);
    EXPECT_ERR(inject_v2(XEN_MC_INJECT_TYPE_MCE, 0xf0), EINVAL);
    EXPECT_ERR(inject_v2(XEN_MC_INJECT_TYPE_LMCE, 3), EINVAL);
    EXPECT_ERR(inject_v2(7, 1), EINVAL);
    EXPECT_ERR(inject_v2(0x10, 1), EINVAL);
    op.u.mc_inject_v2.flags = 0;
    op.u.mc_inject_v2.cpumap.nr_bits = 8;
    set_xen_guest_handle(op.u.mc_inject_v2.cpumap.bitmap, (uint8_t *)UNMAPPED);
    EXPECT_ERR(mca(XEN_MC_inject_v2), EFAULT);
}

static void check_refusals(void)
{
    EXPECT_ERR(inject(99, MC_STATUS(0), 0), EINVAL);
    EXPECT_ERR(inject(0, 0x10, 0), EINVAL);
    EXPECT_ERR(inject(0, MC_STATUS(60), 0), EINVAL);
    EXPECT_ERR(inject(0, 1ul << 32 | MC_STATUS(0), 0), EINVAL);
    memset(&op, 0, sizeof(op));
    op.u.mc_msrinject.mcinj_count = MC_MSRINJ_MAXMSRS + 1;
    EXPECT_ERR(mca(XEN_MC_msrinject), EINVAL);
    memset(&op, 0, sizeof(op));
    op.u.mc_msrinject.mcinj_flags = 0x10000;
    EXPECT_ERR(mca(XEN_MC_msrinject), EINVAL);
    memset(&op, 0, sizeof(op));
    EXPECT_OK(mca(XEN_MC_msrinject)); /* nothing */
    op.u.mc_mceinject.mceinj_cpunr = 99;
    EXPECT_ERR(mca(XEN_MC_mceinject), EINVAL);
    memset(&op, 0, sizeof(op));
    EXPECT_ERR(mca(XEN_MC_notifydomain), EINVAL);
}

static bool has_banks(void)
{
    static xen_mc_logical_cpu_t cpu[8];

    memset(&op, 0, sizeof(op));
    op.u.mc_physcpuinfo.ncpus = 8;
    set_xen_guest_handle(op.u.mc_physcpuinfo.info, cpu);
    return mca(XEN_MC_physcpuinfo) == 0 && (cpu[0].mc_msrvalues[0].value & 0xff) > 2;
}

void test_main(void)
{
    long port = event_bind_virq(VIRQ_MCA, 0);

    if (!has_banks())
        test_skip("no machine-check banks here");
    REQUIRE(port > 0);
    event_unmask((unsigned)port);
    events_on();
    check_refusals();
    check_exception((unsigned)port);
    check_v2((unsigned)port);
}
