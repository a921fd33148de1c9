/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls a PV guest may call and gets an answer from, present or not: hvm_op, xsm_op, xenoprof_op, xenpmu_op, kexec_op, tmem_op, argo_op,
 * dm_op, hypfs_op, domctl and sysctl with a wrong version.  None may crash; bad pointers, domains and commands are refused.
 */
#define __XEN_TOOLS__ 1
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/pmu.h>
#include <xen/xen.h>
#include "check.h"
#include "hypercall.h"

static void check_hvm(void)
{
    struct xen_hvm_param p = { .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ };

    EXPECT_REFUSED(hypercall(hvm_op, HVMOP_get_param, &p));     /* we are not such a guest */
    EXPECT_REFUSED(hypercall(hvm_op, HVMOP_set_param, &p));
    p.index = HVM_NR_PARAMS;
    EXPECT_REFUSED(hypercall(hvm_op, HVMOP_get_param, &p));
    p.index = ~0u;
    EXPECT_REFUSED(hypercall(hvm_op, HVMOP_set_param, &p));
    p.domid = 4711;
    EXPECT_REFUSED(hypercall(hvm_op, HVMOP_get_param, &p));
    EXPECT_REFUSED(hypercall(hvm_op, HVMOP_get_param, UNMAPPED));
    EXPECT_REFUSED(hypercall(hvm_op, HVMOP_set_param, HV_PRIVATE));
    EXPECT_REFUSED(hypercall(hvm_op, 4711, &p));
}

static void check_control(void)
{
    static uint32_t words[64] = { 1, 0x1234 };

    /* -EACCES is how a wrong version is refused, -ENOSYS a whole hypercall that is not there. */
    if (hypercall(domctl, words) != -XEN_ENOSYS) {
        EXPECT_ERR(hypercall(domctl, words), EACCES);
        EXPECT_ERR(hypercall(domctl, UNMAPPED), EFAULT);
    }
    if (hypercall(sysctl, words) != -XEN_ENOSYS) {
        EXPECT_ERR(hypercall(sysctl, words), EACCES);
        EXPECT_ERR(hypercall(sysctl, HV_PRIVATE), EFAULT);
    }
}

static void check_rest(void)
{
    static unsigned long zero[32];

    EXPECT_REFUSED(hypercall(xsm_op, zero));
    EXPECT_REFUSED(hypercall(xsm_op, UNMAPPED));
    EXPECT_REFUSED(hypercall(xenoprof_op, 4711, zero));
    EXPECT_REFUSED(hypercall(xenpmu_op, 4711, zero));
    EXPECT_REFUSED(hypercall(xenpmu_op, XENPMU_init, UNMAPPED));
    EXPECT_REFUSED(hypercall(tmem_op, zero));
    EXPECT_REFUSED(hypercall(argo_op, 4711, zero, zero, 0, 0));
    EXPECT_REFUSED(hypercall(dm_op, 4711, 1, zero));
    (void)hypercall(kexec_op, 4711, zero);
    EXPECT_REFUSED(hypercall(hypfs_op, 4711, zero, 8, zero, 8));
}

void test_main(void)
{
    check_hvm();
    check_control();
    check_rest();
}
