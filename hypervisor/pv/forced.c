/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forced-emulation prefix of <xen/arch-x86/xen.h>: how a guest's kernel asks us, not the processor, for cpuid. */
#include "kern/domain.h"
#include "kern/guest.h"
#include "pv/cpuid.h"
#include "pv/emulate.h"
#include "pv/fetch.h"
#include "pv/traps.h"
#include "x86/trace.h"

bool pv_emulate_forced(struct vcpu *v)
{
    static const uint8_t prefix[5] = { 0x0f, 0x0b, 'x', 'e', 'n' };
    uint8_t bytes[7];

    if (copy_from_guest(bytes, v->regs.rip, sizeof(bytes)))
        return false;
    for (unsigned n = 0; n < sizeof(prefix); n++)
        if (bytes[n] != prefix[n])
            return false;
    if (bytes[5] != 0x0f || bytes[6] != 0xa2) /* only cpuid may follow */
        return false;
    TRACE(TRC_PV_FORCED_INVALID_OP | TRC_64_FLAG, TRACE_64(v->regs.rip));
    pv_cpuid(v, true);
    pv_insn_done(v, sizeof(bytes));
    return true;
}
