/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NMIs (nmi.h, vcpu.h send_nmi): dom0's vCPU 0 registers a handler, gets the NMI there with events masked, not a second one before the iret of the first;
 * refusals.
 */
#include <xen/nmi.h>
#include <xen/vcpu.h>
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "smp.h"
#include "trap.h"

static volatile unsigned nmis, depth, deepest, again;
static volatile uint8_t mask_in, mask_at;

static bool on_nmi(struct regs *r)
{
    nmis++;
    depth++;
    deepest = depth > deepest ? depth : deepest;
    mask_in = vcpu_info_self()->evtchn_upcall_mask;
    mask_at = REGS_MASK(r);
    if (again) {
        again = 0;
        EXPECT_OK(vcpu_op(VCPUOP_send_nmi, 0, NULL));
        hypercall(xen_version, 0, NULL);
    }
    depth--;
    return true;
}

static long reg(uint64_t address)
{
    struct xennmi_callback c = { .handler_address = address };

    return hypercall(nmi_op, XENNMI_register_callback, &c);
}

/* The handler is the trap table's entry 2, whoever writes it; an entry's flags hold for NMIs as for traps. */
static void by_trap_table(void)
{
    unsigned before = nmis;

    trap_handle(2, on_nmi);
    vcpu_info_self()->evtchn_upcall_mask = 0;
    for (uint8_t flags = 0; flags < 8; flags += 4) {
        EXPECT_OK(trap_gate(2, flags));
        EXPECT_OK(vcpu_op(VCPUOP_send_nmi, 0, NULL));
        EXPECT_EQUAL(nmis, ++before);
        EXPECT_EQUAL(mask_in, flags / 4);
    }
    EXPECT_OK(reg(trap_entry(VEC_NMI_CB)));
    EXPECT_OK(hypercall(set_trap_table, NULL));
    EXPECT_OK(vcpu_op(VCPUOP_send_nmi, 0, NULL));
    EXPECT_EQUAL(nmis, before);
    EXPECT_OK(trap_table_set(NULL));
    EXPECT_OK(hypercall(nmi_op, XENNMI_unregister_callback, NULL));
    EXPECT_OK(vcpu_op(VCPUOP_send_nmi, 0, NULL));
    EXPECT_EQUAL(nmis, before);
}

void test_main(void)
{
    trap_handle(VEC_NMI_CB, on_nmi);
    EXPECT_OK(reg(trap_entry(VEC_NMI_CB)));
    vcpu_info_self()->evtchn_upcall_mask = 0;
    EXPECT_OK(vcpu_op(VCPUOP_send_nmi, 0, NULL));
    EXPECT_EQUAL(nmis, 1);
    EXPECT_EQUAL(mask_in, 1);
    EXPECT_EQUAL(mask_at, 0);
    EXPECT_EQUAL(vcpu_info_self()->evtchn_upcall_mask, 0);
    /* Events masked: an NMI comes all the same, and the mask is as before after it. */
    vcpu_info_self()->evtchn_upcall_mask = 1;
    EXPECT_OK(vcpu_op(VCPUOP_send_nmi, 0, NULL));
    EXPECT_EQUAL(nmis, 2);
    EXPECT_EQUAL(mask_at, 1);
    EXPECT_EQUAL(vcpu_info_self()->evtchn_upcall_mask, 1);
    /* Sent from inside its handler: held until the iret. */
    again = 1;
    EXPECT_OK(vcpu_op(VCPUOP_send_nmi, 0, NULL));
    hypercall(xen_version, 0, NULL);
    EXPECT_EQUAL(nmis, 4);
    EXPECT_EQUAL(deepest, 1);
    EXPECT_OK(hypercall(nmi_op, XENNMI_unregister_callback, NULL));
    EXPECT_REFUSED(reg(NONCANON));
    EXPECT_ERR(hypercall(nmi_op, XENNMI_register_callback, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(nmi_op, 2, NULL), ENOSYS);
    EXPECT_REFUSED(vcpu_op(VCPUOP_send_nmi, 77, NULL));
    EXPECT_REFUSED(vcpu_op(VCPUOP_send_nmi, 0, (void *)&nmis));
    EXPECT_EQUAL(nmis, 4);
    by_trap_table();
}
