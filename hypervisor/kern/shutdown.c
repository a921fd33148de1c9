/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends that a guest brings about: shutdown, crash; and NMIs for it.  Declared in kern/domain.h.  No locks. */
#include "core/format.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/sched.h"
#include "x86/log.h"
#include "x86/machine.h"
#include "x86/traps.h"
#include <xen/sched.h>

static void dom0_shutdown(uint8_t reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        log_info("dom0 has halted: powering off\n");
        machine_power_off();
    case SHUTDOWN_crash:
        if (current->domain == dom0)
            regs_print(&current->regs);
        panic("dom0 has crashed (vCPU %u)\n", current->id);
    case SHUTDOWN_watchdog:
        log_err("dom0's watchdog has run out: rebooting\n");
        machine_restart();
    case SHUTDOWN_reboot:
    case SHUTDOWN_soft_reset:
    default:
        log_info("dom0 has shut down (reason %u): rebooting\n", reason);
        machine_restart();
    }
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    uint8_t none = SHUTDOWN_CODE_INVALID;

    if (!__atomic_compare_exchange_n(&d->shutdown_code, &none, reason, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        reason = none; /* SCHEDOP_shutdown_code latched another */
    if (d == dom0)
        dom0_shutdown(reason);
    /* The first reason stands.  No lock: this is called from any context. */
    if (__atomic_exchange_n(&d->is_shut_down, true, __ATOMIC_SEQ_CST)) {
        domain_reconsider(d); /* whoever was first may not have come to the vCPU that called us */
        return;
    }
    domain_reconsider(d);
    if (reason == SHUTDOWN_suspend && READ_ONCE(d->suspend_port))
        event_send(d, READ_ONCE(d->suspend_port));
    virq_raise_global(VIRQ_DOM_EXC);
}

void domain_resume(struct domain *d)
{
    WRITE_ONCE(d->shutdown_code, SHUTDOWN_CODE_INVALID);
    if (__atomic_exchange_n(&d->is_shut_down, false, __ATOMIC_SEQ_CST))
        domain_reconsider(d);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
    char why[160];
    va_list args;

    va_start(args, fmt);
    format_print(why, sizeof(why), fmt, args);
    va_end(args);
    if (!d->is_shut_down && log_guest(LOG_ERR, "d%u crashes: %s", d->id, why) && current->domain == d)
        regs_print(&current->regs);
    domain_shutdown(d, SHUTDOWN_crash);
}

void vcpu_nmi(struct vcpu *v)
{
    v->nmi_pending = true;
    __atomic_or_fetch(&v->exit_work, VCPU_WORK_NMI, __ATOMIC_SEQ_CST);
    vcpu_kick(v);
}
