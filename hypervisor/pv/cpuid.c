/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID for the running guest: the processor asked, core/cpuid.c's policy applied. */
#include "pv/cpuid.h"
#include "core/cpuid.h"
#include "kern/domain.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/fpu.h"
#include "x86/time.h"

void pv_cpuid(struct vcpu *v)
{
    struct cpu_user_regs *r = &v->regs;
    uint32_t leaf = (uint32_t)r->rax, sub = (uint32_t)r->rcx;
    struct cpuid_leaf h = cpuid_count(leaf, sub);
    struct cpuid_guest g = {
        .xcr0_mask = fpu_xcr0_mask(), .osxsave = v->pv->osxsave, .is_privileged = v->domain->is_privileged,
        .tsc_khz = (uint32_t)(tsc_hz() / 1000),
    };
    struct cpuid_regs a = cpuid_for_guest(&g, leaf, sub, (struct cpuid_regs){ h.a, h.b, h.c, h.d });

    r->rax = a.a;
    r->rbx = a.b;
    r->rcx = a.c;
    r->rdx = a.d;
}
