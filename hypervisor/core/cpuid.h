/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUID tells a para-virtual guest: the machine's leaf, cut down to what the ABI's list of features
 * (xen/arch-x86/cpufeatureset.h, those marked for all guests) allows.  Pure.
 */
#ifndef CORE_CPUID_H
#define CORE_CPUID_H

#include "core/types.h"

struct cpuid_regs {
    uint32_t a, b, c, d;
};

struct cpuid_guest {
    uint64_t xcr0_mask; /* 0: no XSAVE */
    bool osxsave;       /* the guest turned CR4.OSXSAVE on */
    bool is_privileged;
    uint32_t tsc_khz;
};

/* The hypervisor's own leaves, from 0x40000000. */
#define CPUID_XEN_BASE 0x40000000u
#define CPUID_XEN_LAST (CPUID_XEN_BASE + 4)

/* `host` is what the processor says to (leaf, sub); the answer for the guest. */
struct cpuid_regs cpuid_for_guest(const struct cpuid_guest *g, uint32_t leaf, uint32_t sub, struct cpuid_regs host);

#endif
