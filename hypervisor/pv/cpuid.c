/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID for the running guest: the processor asked, core/cpuid.c's policy applied. */
#include "pv/cpuid.h"
#include "core/cpuid.h"
#include "core/frame.h"
#include "kern/domain.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/fpu.h"
#include "x86/spec.h"
#include "x86/time.h"

static struct cpuid_regs machine_leaf(uint32_t leaf, uint32_t sub)
{
    struct cpuid_leaf l;

    if (leaf > cpuid_count(leaf & 0x80000000, 0).a)
        return (struct cpuid_regs){ 0, 0, 0, 0 };
    l = cpuid_count(leaf, sub);
    return (struct cpuid_regs){ l.a, l.b, l.c, l.d };
}

/* Bits of an address that cover `count` frames. */
static uint8_t address_bits(uint64_t count)
{
    uint8_t n = PAGE_SHIFT;

    while (n < 64 && count > 1ul << (n - PAGE_SHIFT))
        n++;
    return n;
}

void pv_cpuid(struct vcpu *v, bool forced)
{
    struct cpu_user_regs *r = &v->regs;
    uint32_t leaf = (uint32_t)r->rax, sub = (uint32_t)r->rcx;
    struct cpuid_host host = {
        .leaf = machine_leaf(leaf, sub), .max_basic = cpuid_count(0, 0).a, .leaf1_d = cpuid_count(1, 0).d,
        .xsave_size = fpu_xsave_size(),
    };
    struct cpuid_guest g = {
        .xcr0_mask = fpu_xcr0_mask(), .vendor = cpuid_vendor(machine_leaf(0, 0)), .osxsave = forced || v->pv->osxsave,
        .is_privileged = v->domain->is_privileged, .has_rdtscp = cpuid_count(0x80000001, 0).d >> 27 & 1,
        .lfence_serialises = spec_lfence_serialises(), .has_arch_caps = spec_has_arch_caps(),
        .maddr_bits = address_bits(nr_frames), .tsc_khz = (uint32_t)(tsc_hz() / 1000),
    };
    struct cpuid_regs a = cpuid_for_guest(&g, leaf, sub, &host);

    r->rax = a.a;
    r->rbx = a.b;
    r->rcx = a.c;
    r->rdx = a.d;
}
