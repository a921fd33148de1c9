/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What CPUID tells a para-virtual guest: the machine's leaf, cut down to what the ABI's list of features
 * (xen/arch-x86/cpufeatureset.h, those marked for all guests) allows.  Pure.
 * docs/processor.md lists where this differs from Xen's answers.
 */
#pragma once

#include "core/types.h"

struct cpuid_regs {
    uint32_t a, b, c, d;
};

enum cpu_vendor { VENDOR_OTHER, VENDOR_INTEL, VENDOR_AMD }; /* Hygon counts as AMD */

/* About its TSC. */
struct cpuid_time {
    uint32_t mode, khz, incarnation; /* struct xen_domctl_tsc_info */
    uint32_t machine_khz;
    bool emulated, stable;           /* stable: the machine's CPUs agree */
    uint64_t offset;                 /* system time, ns, at which it was 0 */
    uint32_t mul;                    /* to ns, as in struct vcpu_time_info */
    int8_t shift;
};

struct cpuid_guest {
    uint64_t xcr0_mask;         /* 0: no XSAVE */
    enum cpu_vendor vendor;
    bool osxsave;               /* show OSXSAVE */
    bool is_privileged;
    bool has_rdtscp;            /* the machine has */
    bool lfence_serialises;     /* AMD: as set in the machine's MSR */
    bool has_arch_caps;         /* it has that MSR, the processor's or ours */
    uint8_t maddr_bits;         /* enough for all of the machine's memory */
    struct cpuid_time time;     /* for the leaf of time only */
};

/* What the processor says. */
struct cpuid_host {
    struct cpuid_regs leaf; /* to (leaf, sub); zeroes behind its last leaf */
    uint32_t max_basic;     /* its last basic leaf */
    uint32_t leaf1_d;       /* EDX of leaf 1 */
    uint32_t xsave_size;    /* bytes for all of xcr0_mask */
};

/* The hypervisor's own leaves, from 0x40000000. */
#define CPUID_XEN_BASE 0x40000000u
#define CPUID_XEN_TIME (CPUID_XEN_BASE + 3)
#define CPUID_XEN_LAST (CPUID_XEN_BASE + 5)

/* From leaf 0. */
enum cpu_vendor cpuid_vendor(struct cpuid_regs leaf0);
/* The answer for the guest. */
struct cpuid_regs cpuid_for_guest(const struct cpuid_guest *g, uint32_t leaf, uint32_t sub, const struct cpuid_host *host);
/* The same for the MSR ARCH_CAPABILITIES. */
uint64_t arch_caps_for_guest(uint64_t host);
