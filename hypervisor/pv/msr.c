/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSRs of para-virtual guests: their own segment bases; a few read-only facts; for dom0, some of the machine's.
 * Speculation controls are the guest's to use where the processor has them.
 */
#include "pv/msr.h"
#include "core/cpuid.h"
#include "kern/domain.h"
#include "kern/tsc.h"
#include "pv/pv.h"
#include "pv/registers.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/paging.h"
#include "x86/percpu.h"
#include "x86/spec.h"
#include "x86/uaccess.h"

#define MSR_TSC             0x10
#define MSR_PLATFORM_ID     0x17
#define MSR_FEATURE_CONTROL 0x3a
#define MSR_SPEC_CTRL       0x48
#define MSR_PRED_CMD        0x49
#define MSR_UCODE_REV       0x8b
#define MSR_PLATFORM_INFO   0xce
#define MSR_ARCH_CAPS       0x10a
#define MSR_FEATURES        0x140
#define MSR_MCG_CAP         0x179
#define MSR_MCG_STATUS      0x17a
#define MSR_MCG_CTL         0x17b
#define MSR_PERF_STATUS     0x198
#define MSR_PERF_CTL        0x199
#define MSR_THERM_STATUS    0x19c
#define MSR_MISC_ENABLE     0x1a0
#define MSR_MC_CTL2         0x280
#define MSR_PERF_CAPS       0x345
#define MSR_MC_CTL          0x400
#define MSR_K8_SYSCFG       0xc0010010
#define MSR_K8_HWCR         0xc0010015
#define MSR_K8_PSTATE_LIMIT 0xc0010061
#define MSR_K8_PSTATE_LAST  0xc001006b
#define MSR_AMD_DE_CFG      0xc0011029

#define EFER_SHOWN (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)
#define MC_BANKS   2    /* machine-check banks of a guest: they never report anything; do_mca does */

/* ---- Registers that are there and do nothing ---- */

enum still_kind {
    STILL_RO,    /* can't be written */
    STILL_SAME,  /* what is there may be written again */
    STILL_ANY,   /* writes are ignored */
    STILL_REAL,  /* dom0 reads the machine's; can't be written */
    STILL_REAL_SAME, /* ... but what is there already may be */
};

static const struct {
    uint32_t first, last;
    uint8_t vendors;            /* 1 << enum cpu_vendor */
    uint8_t kind;
    uint64_t value;
} still[] = {
#define INTEL (1u << VENDOR_INTEL)
#define AMD   (1u << VENDOR_AMD)
#define ALL   0xff
    { 0x0, 0x1, ALL, STILL_RO, 0 },                             /* machine checks of the Pentium */
    { MSR_PLATFORM_ID, MSR_PLATFORM_ID, INTEL, STILL_REAL, 0 },
    { MSR_FEATURE_CONTROL, MSR_FEATURE_CONTROL, INTEL, STILL_RO, 1 }, /* locked, without VMX */
    { 0xc1, 0xc8, INTEL, STILL_SAME, 0 },                       /* performance counters */
    { MSR_PLATFORM_INFO, MSR_PLATFORM_INFO, ALL, STILL_RO, 0 },
    { MSR_FEATURES, MSR_FEATURES, ALL, STILL_SAME, 0 },
    { MSR_MCG_CAP, MSR_MCG_CAP, ALL, STILL_ANY, MC_BANKS },
    { MSR_MCG_STATUS, MSR_MCG_CTL, ALL, STILL_ANY, 0 },
    { 0x186, 0x189, INTEL, STILL_SAME, 0 },
    { MSR_PERF_STATUS, MSR_PERF_STATUS, INTEL, STILL_RO, 0 },
    { MSR_PERF_CTL, MSR_PERF_CTL, INTEL, STILL_SAME, 0 },
    { MSR_THERM_STATUS, MSR_THERM_STATUS, INTEL, STILL_REAL, 0 },
    { MSR_MC_CTL2, MSR_MC_CTL2 + 31, ALL, STILL_ANY, 0 },
    { 0x309, 0x30b, INTEL, STILL_SAME, 0 },
    { MSR_PERF_CAPS, MSR_PERF_CAPS, ALL, STILL_RO, 0 },
    { 0x38d, 0x390, INTEL, STILL_SAME, 0 },
    { MSR_MC_CTL, MSR_MC_CTL + 127, ALL, STILL_ANY, 0 },
    { 0xc0010000, 0xc0010007, AMD, STILL_SAME, 0 },
    { MSR_K8_SYSCFG, MSR_K8_SYSCFG, AMD, STILL_REAL, 0 },
    { MSR_K8_HWCR, MSR_K8_HWCR, AMD, STILL_REAL_SAME, 0 },
    { 0xc0010016, 0xc001001a, AMD, STILL_RO, 0 },               /* where memory ends */
    { 0xc001001d, 0xc001001d, AMD, STILL_RO, 0 },
    { 0xc001001f, 0xc001001f, ALL, STILL_SAME, 0 },
    { 0xc0010041, 0xc0010042, AMD, STILL_SAME, 0 },
    { MSR_K8_PSTATE_LIMIT, MSR_K8_PSTATE_LAST, AMD, STILL_REAL_SAME, 0 },
    { 0xc0010112, 0xc0010113, AMD, STILL_RO, 0 },
    { 0xc0010200, 0xc001020b, AMD, STILL_SAME, 0 },
};

static enum cpu_vendor vendor(void)
{
    struct cpuid_leaf l = cpuid_count(0, 0);

    return cpuid_vendor((struct cpuid_regs){ l.a, l.b, l.c, l.d });
}

/* The register's line; -1: none. */
static int still_find(uint32_t nr)
{
    for (unsigned i = 0; i < ARRAY_SIZE(still); i++)
        if (nr >= still[i].first && nr <= still[i].last)
            return still[i].vendors >> vendor() & 1 ? (int)i : -1;
    return -1;
}

static bool still_read(const struct vcpu *v, uint32_t nr, uint64_t *val)
{
    int i = still_find(nr);

    if (i < 0)
        return false;
    *val = still[i].value;
    if (still[i].kind >= STILL_REAL)
        return v->domain->is_privileged && rdmsr_safe(nr, val) == 0;
    if (nr >= MSR_MC_CTL && nr < MSR_MC_CTL + 4 * MC_BANKS && nr % 4 == 0)
        *val = ~0ul; /* all errors of the bank are on */
    return true;
}

static bool still_write(const struct vcpu *v, uint32_t nr, uint64_t val)
{
    int i = still_find(nr);
    uint64_t now;

    if (i < 0)
        return false;
    switch (still[i].kind) {
    case STILL_ANY:
        return true;
    case STILL_SAME:
    case STILL_REAL_SAME:
        return still_read(v, nr, &now) && val == now;
    default:
        return false;
    }
}

/* ---- TSC_AUX: what RDTSCP and RDPID give to processes ---- */

static DEFINE_PERCPU(uint32_t, tsc_aux_now);

static bool has_tsc_aux(void)
{
    static int8_t known; /* 1: yes, -1: no */

    if (!known)
        known = cpuid_count(0x80000001, 0).d >> 27 & 1 || (cpuid_count(0, 0).a >= 7 && cpuid_count(7, 0).c >> 22 & 1) ? 1 : -1;
    return known > 0;
}

static void tsc_aux_load(uint32_t v)
{
    if (this_cpu(tsc_aux_now) == v)
        return;
    this_cpu(tsc_aux_now) = v;
    wrmsr(MSR_TSC_AUX, v);
}

void pv_msr_switch_to(struct vcpu *v)
{
    tsc_aux_load(v->pv->tsc_aux);
}

static bool tsc_aux_write(struct vcpu *v, uint64_t val)
{
    if (!has_tsc_aux() || val >> 32)
        return false;
    v->pv->tsc_aux = (uint32_t)val;
    tsc_aux_load(v->pv->tsc_aux);
    return true;
}

/* ---- Speculation ---- */

static bool spec_ctrl_write(struct vcpu *v, uint64_t val)
{
    if (!spec_guest_mask() || (val & ~spec_guest_mask()))
        return false;
    v->pv->spec_ctrl = val;
    spec_set_guest(val);
    return true;
}

static bool pred_cmd_write(uint64_t val)
{
    if (!spec_has_ibpb() || (val & ~1ul))
        return false;
    if (val)
        spec_ibpb();
    return true;
}

bool pv_msr_read(struct vcpu *v, uint32_t nr, uint64_t *val)
{
    struct pv_vcpu *pv = v->pv;

    switch (nr) {
    case MSR_FS_BASE:
        *val = rdmsr(MSR_FS_BASE);
        return true;
    case MSR_GS_BASE:
        *val = v->kernel_mode ? rdmsr(MSR_GS_BASE) : pv->gs_base_kernel;
        return true;
    case MSR_KERNEL_GS_BASE:
        *val = rdmsr(MSR_KERNEL_GS_BASE);
        return true;
    case MSR_EFER:
        *val = EFER_SHOWN;
        return true;
    case MSR_TSC:
        *val = domain_tsc_read(v->domain);
        return true;
    case MSR_PAT:
        *val = PAT_HOSPES;
        return true;
    case MSR_APIC_BASE:
        *val = rdmsr(MSR_APIC_BASE);
        return v->domain->is_privileged;
    case MSR_MISC_ENABLE:
        if (rdmsr_safe(nr, val))
            *val = 0;
        *val |= 1ul << 11 | 1ul << 12 | 1ul << 23;  /* no BTS, no PEBS, no xTPR */
        *val &= ~(1ul << 7 | 1ul << 18);            /* no performance counters, no MONITOR */
        return true;
    case MSR_ARCH_CAPS:
        *val = arch_caps_for_guest(spec_arch_caps());
        return spec_has_arch_caps();
    case MSR_SPEC_CTRL:
        *val = pv->spec_ctrl;
        return spec_guest_mask() != 0;
    case MSR_TSC_AUX:
        *val = pv->tsc_aux;
        return has_tsc_aux();
    case MSR_UCODE_REV:
        return v->domain->is_privileged && rdmsr_safe(nr, val) == 0;
    case MSR_AMD_DE_CFG:
        *val = spec_lfence_serialises() ? 2 : 0;
        return vendor() == VENDOR_AMD;
    default:
        return still_read(v, nr, val);
    }
}

bool pv_msr_write(struct vcpu *v, uint32_t nr, uint64_t val)
{
    uint64_t now;

    switch (nr) {
    case MSR_FS_BASE:
        return pv_set_segment_base(v, SEGBASE_FS, val) == 0;
    case MSR_GS_BASE:
        return pv_set_segment_base(v, SEGBASE_GS_KERNEL, val) == 0;
    case MSR_KERNEL_GS_BASE:
        return pv_set_segment_base(v, SEGBASE_GS_USER, val) == 0;
    case MSR_EFER:
        return val == EFER_SHOWN || val == (EFER_SHOWN & ~EFER_LMA);
    case MSR_PAT:
        return val == PAT_HOSPES;
    case MSR_PRED_CMD:
        return pred_cmd_write(val);
    case MSR_SPEC_CTRL:
        return spec_ctrl_write(v, val);
    case MSR_TSC_AUX:
        return tsc_aux_write(v, val);
    case MSR_UCODE_REV: /* written 0 before the revision is read (SDM3 9.11.7) */
        return val == 0;
    case MSR_MISC_ENABLE:
    case MSR_AMD_DE_CFG: /* what is there already may be written again */
        return pv_msr_read(v, nr, &now) && now == val;
    default:
        return still_write(v, nr, val);
    }
}

/* ---- Saving ---- */

const uint32_t pv_saved_msr[PV_SAVED_MSRS] = { MSR_SPEC_CTRL, MSR_TSC_AUX };

bool pv_msr_saved(const struct vcpu *v, unsigned i, uint64_t *val)
{
    *val = i == 0 ? v->pv->spec_ctrl : v->pv->tsc_aux;
    return i == 0 ? spec_guest_mask() != 0 : has_tsc_aux();
}

bool pv_msr_restore(struct vcpu *v, uint32_t nr, uint64_t val)
{
    switch (nr) {
    case MSR_SPEC_CTRL:
        if (val & ~spec_guest_mask())
            return false;
        v->pv->spec_ctrl = val;
        return true;
    case MSR_TSC_AUX:
        if (!has_tsc_aux() || val >> 32)
            return false;
        v->pv->tsc_aux = (uint32_t)val;
        return true;
    default:
        return false;
    }
}
