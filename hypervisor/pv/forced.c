/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The forced-emulation prefix of <xen/arch-x86/xen.h>: how a guest's kernel asks us, not the processor, for cpuid. */
#include "kern/domain.h"
#include "kern/guest.h"
#include "pv/cpuid.h"
#include "pv/emulate.h"
#include "pv/fetch.h"
#include "pv/traps.h"
#include "x86/trace.h"

/* ud2, "xen", cpuid: nothing else may follow. */
#define FORCED_CPUID       0xa20f6e65780b0ful
#define FORCED_CPUID_BYTES 7u

bool pv_emulate_forced(struct vcpu *v)
{
    uint64_t bytes = 0;

    if (copy_from_guest(&bytes, v->regs.rip, FORCED_CPUID_BYTES) || bytes != FORCED_CPUID)
        return false;
    TRACE(TRC_PV_FORCED_INVALID_OP | TRC_64_FLAG, TRACE_64(v->regs.rip));
    pv_cpuid(v, true);
    pv_insn_done(v, FORCED_CPUID_BYTES);
    return true;
}
