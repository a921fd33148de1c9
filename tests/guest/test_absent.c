/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls and operations that a PV guest may call and gets an answer from, present or not.  Where it is known what
 * Xen answers in its default configuration, just that; else some refusal.  None may crash; bad pointers, domains and
 * commands are refused.
 */
#define __XEN_TOOLS__ 1
#include <xen/callback.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/physdev.h>
#include <xen/pmu.h>
#include <xen/trace.h>
#include <xen/xen.h>
#include "check.h"
#include "hypercall.h"
#include "time.h"
#include "trap.h"

static unsigned long zero[32];

static void check_hvm_params(void)
{
    struct xen_hvm_param p = { .domid = DOMID_SELF, .index = HVM_PARAM_CALLBACK_IRQ };

    EXPECT_ERR(hypercall(hvm_op, HVMOP_get_param, &p), EINVAL);     /* we are not such a guest */
    EXPECT_ERR(hypercall(hvm_op, HVMOP_set_param, &p), EINVAL);
    p.index = HVM_NR_PARAMS;
    EXPECT_ERR(hypercall(hvm_op, HVMOP_get_param, &p), EINVAL);
    p.index = ~0u;
    EXPECT_ERR(hypercall(hvm_op, HVMOP_set_param, &p), EINVAL);
    p.domid = 4711;
    EXPECT_REFUSED(hypercall(hvm_op, HVMOP_get_param, &p));
    EXPECT_ERR(hypercall(hvm_op, HVMOP_get_param, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(hvm_op, HVMOP_set_param, HV_PRIVATE), EFAULT);
}

static void check_hvm_time(void)
{
    struct xen_hvm_get_time t = { 0 };
    uint64_t before = time_now();

    EXPECT_OK(hypercall(hvm_op, HVMOP_get_time, &t));
    EXPECT_TRUE(t.now >= before && t.now <= time_now());
    EXPECT_ERR(hypercall(hvm_op, HVMOP_get_time, UNMAPPED), EFAULT);
}

static void check_hvm_trace(void)
{
    static struct xen_hvm_xentrace t;

    t.event = 1;
    EXPECT_OK(hypercall(hvm_op, HVMOP_xentrace, &t));
    t.extra_bytes = 0xffff;
    EXPECT_ERR(hypercall(hvm_op, HVMOP_xentrace, &t), EINVAL);
    t.extra_bytes = 0;
    t.event = 0xffff;
    EXPECT_ERR(hypercall(hvm_op, HVMOP_xentrace, &t), EINVAL);
    EXPECT_ERR(hypercall(hvm_op, HVMOP_xentrace, UNMAPPED), EFAULT);
}

static void check_hvm_rest(void)
{
    static const unsigned gone[] = { 2, 3, 4, 6, 7, 8, 12, 13, 14, 16, 22, 26, 4711 };
    struct xen_hvm_pagetable_dying dying = { .domid = DOMID_SELF };
    struct xen_hvm_get_mem_type type = { .domid = DOMID_SELF };
    struct xen_hvm_evtchn_upcall_vector vector = { .vector = 0x40 };

    for (unsigned i = 0; i < sizeof(gone) / sizeof(*gone); i++)
        EXPECT_ERR(hypercall(hvm_op, gone[i], zero), ENOSYS);
    EXPECT_ERR(hypercall(hvm_op, HVMOP_flush_tlbs, NULL), EINVAL);
    EXPECT_ERR(hypercall(hvm_op, HVMOP_pagetable_dying, &dying), EINVAL);
    EXPECT_ERR(hypercall(hvm_op, HVMOP_pagetable_dying, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(hvm_op, HVMOP_get_mem_type, &type), EINVAL);
    EXPECT_ERR(hypercall(hvm_op, HVMOP_get_mem_type, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(hvm_op, HVMOP_set_evtchn_upcall_vector, &vector), EINVAL);
    EXPECT_OK(hypercall(hvm_op, HVMOP_guest_request_vm_event, NULL));
    EXPECT_ERR(hypercall(hvm_op, HVMOP_guest_request_vm_event, zero), EINVAL);
    EXPECT_ERR(hypercall(hvm_op, HVMOP_altp2m, zero), EOPNOTSUPP);
}

static void check_control(void)
{
    static uint32_t words[64] = { 1, 0x1234 };

    /* -EACCES is how a wrong version is refused, -ENOSYS a whole hypercall that is not there. */
    if (hypercall(domctl, words) != -XEN_ENOSYS) {
        EXPECT_ERR(hypercall(domctl, words), EACCES);
        EXPECT_ERR(hypercall(domctl, UNMAPPED), EFAULT);
    }
    EXPECT_ERR(hypercall(sysctl, words), EACCES);
    EXPECT_ERR(hypercall(sysctl, HV_PRIVATE), EFAULT);
}

static void check_whole(void)
{
    for (unsigned i = 0; i < 9; i++) {
        EXPECT_ERR(hypercall(xenpmu_op, i, zero), EOPNOTSUPP);
        EXPECT_ERR(hypercall(xenpmu_op, i, UNMAPPED), EOPNOTSUPP);
    }
    for (unsigned i = 0; i < 6; i++)
        EXPECT_ERR(hypercall(argo_op, i, zero, zero, 0, 0), ENOSYS);
    EXPECT_ERR(hypercall(xsm_op, zero), ENOSYS);
    EXPECT_ERR(hypercall(xsm_op, UNMAPPED), ENOSYS);
    EXPECT_ERR(hypercall(tmem_op, zero), ENOSYS);
    EXPECT_REFUSED(hypercall(xenoprof_op, 4711, zero));
    EXPECT_REFUSED(hypercall(dm_op, 4711, 1, zero));
    EXPECT_REFUSED(hypercall(dm_op, DOMID_SELF, 1, zero));
    for (unsigned i = 1; i < 7; i++)
        EXPECT_REFUSED(hypercall(kexec_op, i, UNMAPPED));
    EXPECT_REFUSED(hypercall_raw(__HYPERVISOR_arch_1, 0, 0, 0, 0, 0));
    for (unsigned long nr = __HYPERVISOR_arch_2; nr < 70; nr++)
        EXPECT_ERR(hypercall_raw(nr, 0, 0, 0, 0, 0), ENOSYS);
    EXPECT_ERR(hypercall_raw(11, 0, 0, 0, 0, 0), ENOSYS);
    EXPECT_ERR(hypercall_raw(0xffffffff, 0, 0, 0, 0, 0), ENOSYS);
}

static void check_operations(void)
{
    struct callback_register r = { .type = CALLBACKTYPE_sysenter_deprecated, .address = trap_entry(VEC_SYSENTER) };
    struct callback_unregister u = { .type = CALLBACKTYPE_sysenter_deprecated };
    struct physdev_irq irq = { .irq = 5 };
    struct evtchn_reset reset = { .dom = 4711 };

    EXPECT_ERR(hypercall(callback_op, CALLBACKOP_register, &r), ENOSYS);
    EXPECT_ERR(hypercall(callback_op, CALLBACKOP_unregister, &u), ENOSYS);
    EXPECT_ERR(hypercall(physdev_op, PHYSDEVOP_free_irq_vector, &irq), ENOSYS);
    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_IRQ_UNMASK_NOTIFY, NULL));
    EXPECT_ERR(hypercall(physdev_op, 18, &irq), ENOSYS);
    EXPECT_ERR(hypercall(physdev_op, 32, &irq), ENOSYS);
    EXPECT_REFUSED(hypercall(event_channel_op, 14, &reset)); /* EVTCHNOP_reset_cont, hidden from guests */
    EXPECT_ERR(hypercall(event_channel_op, 15, &reset), ENOSYS);
}

void test_main(void)
{
    check_hvm_params();
    check_hvm_time();
    check_hvm_trace();
    check_hvm_rest();
    check_control();
    check_whole();
    check_operations();
}
