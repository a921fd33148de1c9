/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID policy of para-virtual guests: see cpuid.h. build/gen/cpuid_pv.h has one mask for each feature word of the ABI. */
#include "core/cpuid.h"
#include <xen/arch-x86/cpuid.h>
#include "cpuid_pv.h"

enum feature_word {
    FW_1D, FW_1C, FW_E1D, FW_E1C, FW_DA1, FW_7B0, FW_7C0, FW_E7D, FW_E8B, FW_7D0, FW_7A1, FW_E21A, FW_7B1,
    FW_7D2, FW_7C1, FW_7D1, FW_CAPS_LOW, FW_CAPS_HIGH, FW_E21C, FW_COUNT
};

static const uint32_t pv_features[FW_COUNT] = { CPUID_PV_FEATURES };

#define F1C_XSAVE      (1u << 26)
#define F1C_OSXSAVE    (1u << 27)
#define F1C_HYPERVISOR (1u << 31)
#define F1D_SEP        (1u << 11)
#define F1D_MTRR       (1u << 12)
#define F7D_ARCH_CAPS  (1u << 29)
#define FE1D_COPY_OF_1D 0x0183f3ffu /* on AMD */
#define FE7D_ITSC      (1u << 8)
#define FE21A_LFENCE   (1u << 2)
/* Facts about the FPU that a guest can't but notice. */
#define F7B_FPU_FACTS  (1u << 6 | 1u << 13)
/* ARCH_CAPS: predictions of returns may come from elsewhere (RSBA, RRSBA): guests must know. */
#define CAPS_RSBA      (1ul << 2 | 1ul << 19)

#define XCR0_AVX    4u
#define XCR0_AVX512 0xe0u

/* What of a word needs a state component that the guest can't turn on. */
static const struct {
    uint32_t avx, avx512;
} needs_xcr0[FW_COUNT] = {
    [FW_1C] = { 1u << 12 | 1u << 28 | 1u << 29, 0 },               /* FMA, AVX, F16C */
    [FW_E1C] = { 1u << 11 | 1u << 16, 0 },                         /* XOP, FMA4 */
    [FW_7B0] = { 1u << 5, 0xdc230000u },                           /* AVX2; AVX512* */
    [FW_7C0] = { 1u << 9 | 1u << 10, 1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14 }, /* VAES, VPCLMULQDQ */
    [FW_7D0] = { 0, 1u << 2 | 1u << 3 | 1u << 8 | 1u << 23 },
    [FW_7A1] = { 1u << 4, 1u << 5 },                               /* AVX_VNNI */
};

static const struct cpuid_regs none;

/* The features of a word that this guest may have at all. */
static uint32_t allowed(const struct cpuid_guest *g, enum feature_word word)
{
    uint32_t mask = pv_features[word];

    if (!(g->xcr0_mask & XCR0_AVX))
        mask &= ~needs_xcr0[word].avx;
    if ((g->xcr0_mask & XCR0_AVX512) != XCR0_AVX512)
        mask &= ~needs_xcr0[word].avx512;
    return mask;
}

enum cpu_vendor cpuid_vendor(struct cpuid_regs r)
{
    if (r.b == 0x756e6547 && r.d == 0x49656e69 && r.c == 0x6c65746e)
        return VENDOR_INTEL;
    if ((r.b == 0x68747541 && r.d == 0x69746e65 && r.c == 0x444d4163) ||
        (r.b == 0x6f677948 && r.d == 0x6e65476e && r.c == 0x656e6975))
        return VENDOR_AMD;
    return VENDOR_OTHER;
}

static struct cpuid_regs time_leaf(const struct cpuid_guest *g, const struct cpuid_time *t, uint32_t sub)
{
    switch (sub) {
    case 0:
        return (struct cpuid_regs){ (t->emulated ? 1u : 0) | (t->stable ? 2u : 0) | (g->has_rdtscp ? 4u : 0), t->mode, t->khz,
                                    t->incarnation };
    case 1:
        return (struct cpuid_regs){ (uint32_t)t->offset, (uint32_t)(t->offset >> 32), t->mul, (uint32_t)t->shift };
    case 2:
        return (struct cpuid_regs){ t->machine_khz, 0, 0, 0 };
    default:
        return none;
    }
}

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
    case 3:
        return time_leaf(g, &g->time, sub);
    case 5:
        return sub == 0 ? (struct cpuid_regs){ 0, g->maddr_bits & XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK, 0, 0 } : none;
    default:
        return none;
    }
}

/* Leaf 1's EDX: a 64-bit kernel can't have sysenter on AMD; dom0 may know of MTRRs (platform_op reads them). */
static uint32_t features_1d(const struct cpuid_guest *g, uint32_t host)
{
    uint32_t mask = pv_features[FW_1D];

    if (g->vendor == VENDOR_AMD)
        mask &= ~F1D_SEP;
    if (g->is_privileged)
        mask |= F1D_MTRR;
    return host & mask;
}

static struct cpuid_regs leaf_1(const struct cpuid_guest *g, struct cpuid_regs r)
{
    r.b &= 0x00ffffff; /* no APIC of its own */
    r.c &= allowed(g, FW_1C) & ~F1C_OSXSAVE;
    r.d = features_1d(g, r.d);
    if (!g->xcr0_mask)
        r.c &= ~F1C_XSAVE;
    else if (g->osxsave)
        r.c |= F1C_OSXSAVE;
    r.c |= F1C_HYPERVISOR;
    return r;
}

static struct cpuid_regs leaf_7(const struct cpuid_guest *g, uint32_t sub, struct cpuid_regs r)
{
    switch (sub) {
    case 0:
        r.a = MIN(r.a, 2u);
        r.b &= allowed(g, FW_7B0) | F7B_FPU_FACTS;
        r.c &= allowed(g, FW_7C0);
        r.d &= allowed(g, FW_7D0) & ~F7D_ARCH_CAPS;
        r.d |= g->has_arch_caps ? F7D_ARCH_CAPS : 0;
        return r;
    case 1:
        return (struct cpuid_regs){ r.a & allowed(g, FW_7A1), r.b & pv_features[FW_7B1], r.c & pv_features[FW_7C1],
                                    r.d & pv_features[FW_7D1] };
    case 2:
        return (struct cpuid_regs){ 0, 0, 0, r.d & pv_features[FW_7D2] };
    default:
        return none;
    }
}

#define DA1_XSAVEC 2u

static struct cpuid_regs leaf_d(const struct cpuid_guest *g, uint32_t sub, struct cpuid_regs r, uint32_t xsave_size)
{
    if (!g->xcr0_mask)
        return none;
    if (sub == 0)
        return (struct cpuid_regs){ r.a & (uint32_t)g->xcr0_mask, r.b, xsave_size, 0 };
    if (sub == 1) {
        r.a &= pv_features[FW_DA1];
        return (struct cpuid_regs){ r.a, r.a & DA1_XSAVEC ? r.b : 0, 0, 0 };
    }
    if (sub > 1 && sub < 63 && (g->xcr0_mask >> sub & 1))
        return (struct cpuid_regs){ r.a, r.b, r.c & ~1u, 0 };
    return none;
}

static struct cpuid_regs leaf_extended_max(const struct cpuid_guest *g, struct cpuid_regs r)
{
    if (r.a >> 16 != 0x8000)
        return none;
    if (g->vendor == VENDOR_INTEL)
        return (struct cpuid_regs){ MIN(r.a, 0x80000008u), 0, 0, 0 };
    r.a = g->lfence_serialises ? 0x80000021u : MIN(r.a, 0x80000021u);
    return r;
}

static struct cpuid_regs leaf_extended_1(const struct cpuid_guest *g, struct cpuid_regs r, uint32_t leaf1_d)
{
    r.c &= allowed(g, FW_E1C);
    r.d &= pv_features[FW_E1D];
    if (g->vendor == VENDOR_AMD)
        r.d |= features_1d(g, leaf1_d) & FE1D_COPY_OF_1D;
    if (g->vendor == VENDOR_INTEL) {
        r.a = r.b = 0;
        r.d |= features_1d(g, leaf1_d) & F1D_MTRR; /* as Xen has it */
    }
    return r;
}

static struct cpuid_regs leaf_extended(const struct cpuid_guest *g, uint32_t leaf, struct cpuid_regs r)
{
    bool intel = g->vendor == VENDOR_INTEL;

    switch (leaf) {
    case 0x80000000:
        return leaf_extended_max(g, r);
    case 0x80000002 ... 0x80000004: /* its name */
        return r;
    case 0x80000005: /* caches, as AMD tells them */
        return intel ? none : r;
    case 0x80000006:
        return intel ? (struct cpuid_regs){ 0, 0, r.c, 0 } : r;
    case 0x80000007:
        return (struct cpuid_regs){ 0, 0, 0, r.d & (pv_features[FW_E7D] | (g->is_privileged ? FE7D_ITSC : 0)) };
    case 0x80000008:
        r.a = (r.a & 0xff) | 48 << 8; /* machine and virtual address bits */
        return (struct cpuid_regs){ r.a, r.b & pv_features[FW_E8B], intel ? 0 : r.c, 0 };
    case 0x80000019: /* TLBs of 1 GiB pages, hints on performance */
    case 0x8000001a:
        return intel ? none : r;
    case 0x80000021:
        if (intel)
            return none;
        r.a = (r.a & pv_features[FW_E21A]) | (g->lfence_serialises ? FE21A_LFENCE : 0);
        return (struct cpuid_regs){ r.a, 0, r.c & pv_features[FW_E21C], 0 };
    default:
        return none;
    }
}

struct cpuid_regs cpuid_for_guest(const struct cpuid_guest *g, uint32_t leaf, uint32_t sub, const struct cpuid_host *host)
{
    struct cpuid_regs r = host->leaf;

    if (leaf >= CPUID_XEN_BASE && leaf < CPUID_XEN_BASE + 0x100)
        return leaf <= CPUID_XEN_LAST ? xen_leaf(g, leaf, sub) : none;
    if (leaf == 0x80000001)
        return leaf_extended_1(g, r, host->leaf1_d);
    if (leaf >= 0x80000000)
        return leaf_extended(g, leaf, r);
    if (leaf > host->max_basic)
        return none;
    switch (leaf) {
    case 0x0:
        r.a = MIN(r.a, 0xdu);
        return r;
    case 0x1:
        return leaf_1(g, r);
    case 0x2: /* caches and TLBs */
    case 0x4:
        return r;
    case 0x7:
        return leaf_7(g, sub, r);
    case 0xd:
        return leaf_d(g, sub, r, host->xsave_size);
    default: /* monitor, power, performance counters, topology, resources, tracing ... */
        return none;
    }
}

uint64_t arch_caps_for_guest(uint64_t host)
{
    return host & (pv_features[FW_CAPS_LOW] | (uint64_t)pv_features[FW_CAPS_HIGH] << 32 | CAPS_RSBA);
}
