/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's NMIs go on to dom0's first vCPU, with their reasons in its shared info. */
#include "kern/nmi.h"
#include "core/port.h"
#include "kern/domain.h"
#include "x86/nmi.h"
#include "x86/softirq.h"

static void nmi_softirq(void)
{
    uint8_t reason = nmi_reason_take();
    struct vcpu *v = dom0 ? domain_vcpu(dom0, 0) : NULL;

    log_warn("NMI, reason port %02x\n", reason);
    if (!v)
        return;
    if (reason & 0x80)
        __atomic_or_fetch(&dom0->shared->arch.nmi_reason, 1ul << 1, __ATOMIC_SEQ_CST); /* parity */
    if (reason & 0x40)
        __atomic_or_fetch(&dom0->shared->arch.nmi_reason, 1ul << 0, __ATOMIC_SEQ_CST); /* I/O check */
    vcpu_nmi(v);
}

void nmi_init(void)
{
    softirq_register(SOFTIRQ_NMI, nmi_softirq);
}
