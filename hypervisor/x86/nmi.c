/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NMIs: the machine's reasons (port 0x61: memory parity, I/O check) and the watchdog or button.
 * An NMI is only counted and noted at once; the rest is done by a softirq, where it is safe: it goes on to dom0 as
 * the `nmi=` option says (dom0: pass on; fatal: stop; ignore).
 */
#include "x86/nmi.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/softirq.h"

static uint8_t nmi_reason_seen; /* [atomic] bits 6, 7 of port 0x61 */

void nmi_note(void)
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

uint8_t nmi_reason_take(void)
{
    return __atomic_exchange_n(&nmi_reason_seen, 0, __ATOMIC_SEQ_CST);
}
