/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XEN_SYSCTL_perfc_op (sysctl.h): names and values of the counters, one value a CPU or an array; what is counted; reset; refusals.  Debian's Xen has
 * none: ENOSYS.
 */
/* qemu: -smp 2 */
/* hv: dom0_vcpus_pin */
/* hv-only: hospes */
#define __XEN_TOOLS__ 1
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"
#include "trap.h"

#define CPUS 2u
#define MAX_DESCS 200u
#define MAX_VALS  2000u

static struct xen_sysctl_perfc_desc descs[MAX_DESCS];
static uint32_t vals[MAX_VALS], nr_descs, nr_vals;

static long perfc(uint32_t cmd, void *desc, void *val)
{
    return SYSCTL(perfc_op, U.perfc_op.cmd = cmd; U.perfc_op.desc.p = desc; U.perfc_op.val.p = val);
}

static void query(void)
{
    EXPECT_OK(perfc(XEN_SYSCTL_PERFCOP_query, descs, vals));
}

/* Values of the counter with that name. */
static const uint32_t *values(const char *name, uint32_t n)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < nr_descs; i++) {
        if (!strcmp(descs[i].name, name)) {
            EXPECT_EQUAL(descs[i].nr_vals, n);
            return vals + at;
        }
        at += descs[i].nr_vals;
    }
    test_abort(name);
}

static void check_shape(void)
{
    uint32_t sum = 0;

    EXPECT_OK(perfc(XEN_SYSCTL_PERFCOP_query, NULL, NULL));
    nr_descs = U.perfc_op.nr_counters;
    nr_vals = U.perfc_op.nr_vals;
    REQUIRE(nr_descs > 20 && nr_descs <= MAX_DESCS && nr_vals <= MAX_VALS);
    memset(descs, 0xff, sizeof(descs));
    memset(vals, 0xff, sizeof(vals));
    query();
    EXPECT_EQUAL(U.perfc_op.nr_counters, nr_descs);
    EXPECT_EQUAL(U.perfc_op.nr_vals, nr_vals);
    for (uint32_t i = 0; i < nr_descs; i++) {
        EXPECT_TRUE(memchr_nul(descs[i].name, sizeof(descs[i].name)) && descs[i].name[0]);
        EXPECT_EQUAL(descs[i].name[sizeof(descs[i].name) - 1], 0);
        sum += descs[i].nr_vals;
    }
    EXPECT_EQUAL(sum, nr_vals);
    if (nr_descs < MAX_DESCS)
        EXPECT_EQUAL(descs[nr_descs].nr_vals, ~0u);
    EXPECT_EQUAL(vals[nr_vals], ~0u);
}

static void check_counts(void)
{
    uint32_t versions, faults, irets;
    struct trap t;

    query();
    versions = values("hypercalls", 64)[__HYPERVISOR_xen_version];
    irets = values("hypercalls", 64)[__HYPERVISOR_iret];
    faults = values("exceptions", 32)[VEC_PF];
    for (unsigned i = 0; i < 100; i++)
        hypercall(xen_version, XENVER_pagesize);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, UNMAPPED), VEC_PF);
    trap_catch(&t, insn_read8, NONCANON);
    EXPECT_OK(pt_write(pt_entry_maddr(NULL, (unsigned long)vals, 1), *pt_entry(NULL, (unsigned long)vals, 1)));
    query();
    EXPECT_EQUAL(values("hypercalls", 64)[__HYPERVISOR_xen_version], versions + 100);
    EXPECT_EQUAL(values("exceptions", 32)[VEC_PF], faults + 1);
    EXPECT_TRUE(values("exceptions", 32)[VEC_GP] > 0);
    EXPECT_TRUE(values("hypercalls", 64)[__HYPERVISOR_iret] >= irets);
    EXPECT_TRUE(values("mmu_update", CPUS)[0] > 0 && values("mmu_update", CPUS)[1] == 0);
    EXPECT_TRUE(values("bounce", CPUS)[0] >= 2);
}

static void check_reset(void)
{
    EXPECT_OK(perfc(XEN_SYSCTL_PERFCOP_reset, NULL, NULL));
    EXPECT_EQUAL(U.perfc_op.nr_counters, nr_descs);
    query();
    EXPECT_TRUE(values("hypercalls", 64)[__HYPERVISOR_xen_version] == 0);
    EXPECT_EQUAL(values("mmu_update", CPUS)[0], 0);
    EXPECT_EQUAL(values("exceptions", 32)[VEC_PF], 0);
    EXPECT_TRUE(values("hypercalls", 64)[__HYPERVISOR_sysctl] >= 1);
}

static void check_refusals(void)
{
    EXPECT_ERR(perfc(0, NULL, NULL), EINVAL);
    EXPECT_ERR(perfc(3, NULL, NULL), EINVAL);
    EXPECT_ERR(perfc(XEN_SYSCTL_PERFCOP_query, (void *)UNMAPPED, NULL), EFAULT);
    EXPECT_ERR(perfc(XEN_SYSCTL_PERFCOP_query, NULL, (void *)HV_PRIVATE), EFAULT);
    EXPECT_OK(perfc(XEN_SYSCTL_PERFCOP_query, descs, NULL));
    EXPECT_OK(perfc(XEN_SYSCTL_PERFCOP_query, NULL, vals));
}

void test_main(void)
{
    check_shape();
    check_counts();
    check_reset();
    check_refusals();
}
