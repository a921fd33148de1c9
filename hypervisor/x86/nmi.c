/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NMIs: the machine's reasons (port 0x61: memory parity, I/O check) and the watchdog or button.
 * An NMI is only counted and noted at once; the rest is done by a softirq, where it is safe: it goes on to dom0 as
 * the `nmi=` option says (dom0: pass on; fatal: stop; ignore).
 * Machine checks: banks are read and logged; an uncorrected error whose context is lost stops the machine.
 */
#include "x86/nmi.h"
#include "core/port.h"
#include "kern/counters.h"
#include "kern/domain.h"
#include "kern/sched.h"
#include "kern/softirq.h"
#include "x86/cpu.h"
#include "x86/traps.h"
#include "x86/uaccess.h"

#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MCG_CTL    0x17b
#define MSR_MC0_CTL    0x400
#define MSR_MC0_STATUS 0x401
#define MSR_MC0_ADDR   0x402
#define MCG_CTL_P      (1ul << 8)
#define MCG_RIPV       1ul
#define MC_VALID       (1ul << 63)
#define MC_UC          (1ul << 61)
#define MC_ADDRV       (1ul << 58)
#define MC_PCC         (1ul << 57)

static uint8_t nmi_reason_seen; /* [atomic] bits 6, 7 of port 0x61 */

static void nmi_note(void)
{
    uint8_t reason = cpu_id() == 0 ? inb(0x61) & 0xc0 : 0;

    COUNT(nmi);
    if (reason) {
        __atomic_or_fetch(&nmi_reason_seen, reason, __ATOMIC_SEQ_CST);
        outb(0x61, (inb(0x61) & 0x0f) | 0x0c); /* acknowledge: disable the sources */
    }
    if (cpu_id() == 0)
        softirq_raise(SOFTIRQ_NMI);
}

void nmi_in_hypervisor(struct cpu_user_regs *regs)
{
    (void)regs;
    nmi_note();
}

void nmi_in_guest(struct cpu_user_regs *regs)
{
    (void)regs;
    nmi_note();
}

static void nmi_softirq(void)
{
    uint8_t reason = __atomic_exchange_n(&nmi_reason_seen, 0, __ATOMIC_SEQ_CST);
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

static void bank_report(unsigned bank, uint64_t status)
{
    uint64_t addr = 0;

    if (status & MC_ADDRV)
        addr = rdmsr(MSR_MC0_ADDR + 4 * bank);
    log_err("machine check on CPU %u: bank %u status %016lx address %016lx\n", cpu_id(), bank, status, addr);
    if (status & MC_PCC)
        panic("machine check: processor context corrupt\n");
    wrmsr(MSR_MC0_STATUS + 4 * bank, 0);
}

void mce_handle(struct cpu_user_regs *regs)
{
    unsigned banks = rdmsr(MSR_MCG_CAP) & 0xff;
    uint64_t mcg = rdmsr(MSR_MCG_STATUS);

    for (unsigned i = 0; i < banks; i++) {
        uint64_t status = rdmsr(MSR_MC0_STATUS + 4 * i);

        if (status & MC_VALID)
            bank_report(i, status);
    }
    if (!(mcg & MCG_RIPV)) {
        regs_print(regs);
        panic("machine check: can't go on\n");
    }
    wrmsr(MSR_MCG_STATUS, 0);
}

void mce_init_cpu(void)
{
    uint64_t cap;

    if (rdmsr_safe(MSR_MCG_CAP, &cap))
        return;
    if (cap & MCG_CTL_P)
        wrmsr(MSR_MCG_CTL, ~0ul);
    for (unsigned i = 0; i < (cap & 0xff); i++) {
        wrmsr_safe(MSR_MC0_CTL + 4 * i, ~0ul);
        wrmsr_safe(MSR_MC0_STATUS + 4 * i, 0);
    }
}
