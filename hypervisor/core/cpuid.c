/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID policy of para-virtual guests: see cpuid.h. build/gen/cpuid_pv.h has one mask for each feature word of the ABI. */
#include "core/cpuid.h"
#include <xen/arch-x86/cpuid.h>
#include "cpuid_pv.h"

enum feature_word {
    FW_1D, FW_1C, FW_E1D, FW_E1C, FW_DA1, FW_7B0, FW_7C0, FW_E7D, FW_E8B, FW_7D0, FW_7A1, FW_E21A, FW_7B1, FW_COUNT
};

static const uint32_t pv_features[FW_COUNT] = { CPUID_PV_FEATURES };

#define F1C_XSAVE      (1u << 26)
#define F1C_OSXSAVE    (1u << 27)
#define F1C_HYPERVISOR (1u << 31)
#define F1C_NEEDS_XSAVE (1u << 12 | 1u << 28 | 1u << 29) /* FMA, AVX, F16C */

static struct cpuid_regs xen_leaf(const struct cpuid_guest *g, uint32_t leaf, uint32_t sub)
{
    switch (leaf - CPUID_XEN_BASE) {
    case 0:
        return (struct cpuid_regs){ CPUID_XEN_LAST, XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
                                    XEN_CPUID_SIGNATURE_EDX };
    case 1:
        return (struct cpuid_regs){ 4 << 16 | 17, 0, 0, 0 };
    case 2:
        return (struct cpuid_regs){ 1, 0x40000000, XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD, 0 };
    case 3: /* time: TSC not emulated, its frequency */
        if (sub == 0)
            return (struct cpuid_regs){ 0, 0, g->tsc_khz, 0 };
        return (struct cpuid_regs){ 0, 0, 0, 0 };
    default:
        return (struct cpuid_regs){ 0, 0, 0, 0 };
    }
}

static struct cpuid_regs leaf_1(const struct cpuid_guest *g, struct cpuid_regs r)
{
    r.b &= 0x00ffffff; /* no APIC of its own */
    r.c &= pv_features[FW_1C] & ~F1C_OSXSAVE;
    r.d &= pv_features[FW_1D];
    if (!g->xcr0_mask)
        r.c &= ~(F1C_XSAVE | F1C_NEEDS_XSAVE);
    if (g->osxsave)
        r.c |= F1C_OSXSAVE;
    r.c |= F1C_HYPERVISOR;
    return r;
}

static struct cpuid_regs leaf_7(const struct cpuid_guest *g, uint32_t sub, struct cpuid_regs r)
{
    const uint32_t needs_xsave = 1u << 5 | 0xdc230000u; /* AVX2, AVX512 */

    if (sub == 0) {
        r.a = MIN(r.a, 1u);
        r.b &= pv_features[FW_7B0] & (g->xcr0_mask & 4 ? ~0u : ~needs_xsave);
        r.c &= pv_features[FW_7C0];
        r.d &= pv_features[FW_7D0];
        return r;
    }
    if (sub == 1)
        return (struct cpuid_regs){ r.a & pv_features[FW_7A1], r.b & pv_features[FW_7B1], 0, 0 };
    return (struct cpuid_regs){ 0, 0, 0, 0 };
}

static struct cpuid_regs leaf_d(const struct cpuid_guest *g, uint32_t sub, struct cpuid_regs r)
{
    if (!g->xcr0_mask)
        return (struct cpuid_regs){ 0, 0, 0, 0 };
    if (sub == 0) {
        r.a &= (uint32_t)g->xcr0_mask;
        r.d = 0;
        return r;
    }
    if (sub == 1)
        return (struct cpuid_regs){ r.a & pv_features[FW_DA1], r.b, 0, 0 };
    if (sub < 64 && (g->xcr0_mask >> sub & 1))
        return r;
    return (struct cpuid_regs){ 0, 0, 0, 0 };
}

static struct cpuid_regs leaf_extended(uint32_t leaf, struct cpuid_regs r)
{
    switch (leaf) {
    case 0x80000001:
        r.c &= pv_features[FW_E1C];
        r.d &= pv_features[FW_E1D];
        return r;
    case 0x80000007:
        return (struct cpuid_regs){ 0, 0, 0, r.d & pv_features[FW_E7D] };
    case 0x80000008:
        r.b &= pv_features[FW_E8B];
        r.d = 0;
        return r;
    case 0x8000000a: /* SVM */
    case 0x8000001f: /* SEV */
        return (struct cpuid_regs){ 0, 0, 0, 0 };
    case 0x80000021:
        return (struct cpuid_regs){ r.a & pv_features[FW_E21A], 0, 0, 0 };
    default:
        return r;
    }
}

struct cpuid_regs cpuid_for_guest(const struct cpuid_guest *g, uint32_t leaf, uint32_t sub, struct cpuid_regs host)
{
    if (leaf >= CPUID_XEN_BASE && leaf < CPUID_XEN_BASE + 0x100)
        return leaf <= CPUID_XEN_LAST ? xen_leaf(g, leaf, sub) : (struct cpuid_regs){ 0, 0, 0, 0 };
    if (leaf >= 0x80000000)
        return leaf_extended(leaf, host);
    switch (leaf) {
    case 0x1:
        return leaf_1(g, host);
    case 0x7:
        return leaf_7(g, sub, host);
    case 0xd:
        return leaf_d(g, sub, host);
    case 0x5: /* monitor and mwait */
    case 0x6: /* power and thermal */
    case 0xa: /* performance counters */
    case 0xf ... 0x1f:
        return (struct cpuid_regs){ 0, 0, 0, 0 };
    default:
        return host;
    }
}
