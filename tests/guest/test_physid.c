/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vcpu_op get_physid (vcpu.h): only for a pinned vCPU, which dom0's are with dom0_vcpus_pin; a bad pointer, a bad vCPU. */
/* hv: dom0_vcpus_pin */
/* qemu: -smp 2 */
#include <xen/vcpu.h>
#include "check.h"
#include "hypercall.h"
#include "smp.h"

void test_main(void)
{
    struct vcpu_get_physid a = { .phys_id = ~0ul }, b = { .phys_id = ~0ul };

    EXPECT_OK(vcpu_op(VCPUOP_get_physid, 0, &a));
    EXPECT_OK(vcpu_op(VCPUOP_get_physid, 1, &b));
    EXPECT_EQUAL(xen_vcpu_physid_to_x86_apicid(a.phys_id), 0);
    EXPECT_EQUAL(xen_vcpu_physid_to_x86_apicid(b.phys_id), 1);
    EXPECT_EQUAL(xen_vcpu_physid_to_x86_acpiid(a.phys_id), 0);
    EXPECT_EQUAL(xen_vcpu_physid_to_x86_acpiid(b.phys_id), 1);
    EXPECT_ERR(vcpu_op(VCPUOP_get_physid, 0, (void *)UNMAPPED), EFAULT);
    EXPECT_REFUSED(vcpu_op(VCPUOP_get_physid, 77, &a));
}
