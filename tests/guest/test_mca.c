/* SPDX-License-Identifier: GPL-2.0-or-later */
/* qemu: -smp 2 */
/*
 * __HYPERVISOR_mca (arch-x86/xen-mca.h): how many processors and what they are, no records on a healthy machine,
 * refusals.
 */
#include <xen/xen.h>
#include <xen/arch-x86/xen-mca.h>
#include "check.h"
#include "console.h"
#include "hypercall.h"

static struct xen_mc op;
static xen_mc_logical_cpu_t cpu[8];
static struct mc_info info;

static long mca(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XEN_MCA_INTERFACE_VERSION;
    return hypercall(mca, &op);
}

static void check_processors(void)
{
    memset(&op, 0, sizeof(op));
    EXPECT_OK(mca(XEN_MC_physcpuinfo));
    EXPECT_EQUAL(op.u.mc_physcpuinfo.ncpus, 2);
    set_xen_guest_handle(op.u.mc_physcpuinfo.info, cpu);
    op.u.mc_physcpuinfo.ncpus = 8;
    memset(cpu, 0xff, sizeof(cpu));
    EXPECT_OK(mca(XEN_MC_physcpuinfo));
    EXPECT_EQUAL(op.u.mc_physcpuinfo.ncpus, 2);
    EXPECT_EQUAL(cpu[0].mc_cpunr, 0);
    EXPECT_EQUAL(cpu[1].mc_cpunr, 1);
    EXPECT_TRUE(cpu[0].mc_apicid != cpu[1].mc_apicid);
    EXPECT_EQUAL(cpu[0].mc_family, cpu[1].mc_family);
    EXPECT_TRUE(cpu[0].mc_cpu_caps[MC_CAPS_STD_EDX] & 1);
    EXPECT_TRUE(cpu[0].mc_vendorid[0] != 0 && cpu[0].mc_vendorid[12] == 0);
    EXPECT_EQUAL(cpu[0].mc_nmsrvals, 1);
    EXPECT_EQUAL(cpu[0].mc_msrvalues[0].reg, 0x179);
    printf("cpu %s '%s' family %u model %u step %u level %u cache %u align %u vendor %u\n", cpu[1].mc_vendorid,
           cpu[1].mc_brandid, cpu[1].mc_family, cpu[1].mc_model, cpu[1].mc_step, cpu[1].mc_cpuid_level,
           cpu[1].mc_cache_size, cpu[1].mc_cache_alignment, cpu[1].mc_vendor);
    printf("chip %u core %u thread %u apic %u cluster %u cores %u/%u threads %u mcg %lx\n", cpu[1].mc_chipid,
           cpu[1].mc_coreid, cpu[1].mc_threadid, cpu[1].mc_apicid, cpu[1].mc_clusterid, cpu[1].mc_ncores,
           cpu[1].mc_ncores_active, cpu[1].mc_nthreads, cpu[1].mc_msrvalues[0].value);
    if (test_on_xen())
        return; /* with fewer than all, Xen 4.17 writes past its buffer, and dies */
    op.u.mc_physcpuinfo.ncpus = 1;
    memset(cpu, 0xff, sizeof(cpu));
    EXPECT_OK(mca(XEN_MC_physcpuinfo));
    EXPECT_EQUAL(op.u.mc_physcpuinfo.ncpus, 1);
    EXPECT_EQUAL(cpu[1].mc_cpunr, ~0u);
    op.u.mc_physcpuinfo.ncpus = 0;
    EXPECT_ERR(mca(XEN_MC_physcpuinfo), EINVAL);
}

static void check_fetch(uint32_t kind)
{
    memset(&op, 0, sizeof(op));
    set_xen_guest_handle(op.u.mc_fetch.data, &info);
    op.u.mc_fetch.flags = kind;
    EXPECT_OK(mca(XEN_MC_fetch));
    EXPECT_EQUAL(op.u.mc_fetch.flags, XEN_MC_NODATA);
}

static void check_refusals(void)
{
    memset(&op, 0, sizeof(op));
    op.u.mc_fetch.flags = 0;
    EXPECT_ERR(mca(XEN_MC_fetch), EINVAL);
    op.u.mc_fetch.flags = XEN_MC_NONURGENT | XEN_MC_URGENT;
    EXPECT_ERR(mca(XEN_MC_fetch), EINVAL);
    EXPECT_ERR(mca(99), EINVAL);
    EXPECT_ERR(mca(0), EINVAL);
    op.interface_version = 1;
    op.cmd = XEN_MC_physcpuinfo;
    EXPECT_ERR(hypercall(mca, &op), EACCES);
    EXPECT_ERR(hypercall(mca, HV_PRIVATE), EFAULT);
    EXPECT_ERR(hypercall(mca, NULL), EFAULT);
    memset(&op, 0, sizeof(op));
    EXPECT_REFUSED(mca(XEN_MC_notifydomain));
}

void test_main(void)
{
    check_processors();
    check_fetch(XEN_MC_NONURGENT);
    check_fetch(XEN_MC_URGENT);
    check_refusals();
}
