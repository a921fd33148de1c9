/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSRs of para-virtual guests: their own segment bases; a few read-only facts; for dom0, some of the machine's.
 * Speculation controls are the guest's to use where the processor has them.
 */
#include "pv/msr.h"
#include "kern/domain.h"
#include "kern/percpu.h"
#include "pv/pv.h"
#include "pv/registers.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/paging.h"
#include "x86/spec.h"
#include "x86/uaccess.h"

#define MSR_TSC             0x10
#define MSR_PLATFORM_ID     0x17
#define MSR_SPEC_CTRL       0x48
#define MSR_PRED_CMD        0x49
#define MSR_UCODE_REV       0x8b
#define MSR_PLATFORM_INFO   0xce
#define MSR_MTRRCAP         0xfe
#define MSR_ARCH_CAPS       0x10a
#define MSR_FEATURES        0x140
#define MSR_MCG_CAP         0x179
#define MSR_MCG_STATUS      0x17a
#define MSR_MISC_ENABLE     0x1a0
#define MSR_K8_SYSCFG       0xc0010010
#define MSR_K8_HWCR         0xc0010015
#define MSR_K8_PSTATE_LIMIT 0xc0010061
#define MSR_K8_PSTATE_LAST  0xc001006b
#define MSR_AMD_PATCH       0xc0010058 /* MMCONF base: dom0 looks for its windows there */
#define MSR_AMD_DE_CFG      0xc0011029
#define EFER_SHOWN (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

/* Registers of the machine that dom0 may read (drivers and reports), if they are there. */
static bool dom0_may_read(uint32_t nr)
{
    switch (nr) {
    case MSR_PLATFORM_ID:
    case MSR_UCODE_REV:
    case MSR_K8_SYSCFG:
    case MSR_K8_HWCR:
    case MSR_K8_PSTATE_LIMIT ... MSR_K8_PSTATE_LAST:
    case MSR_AMD_PATCH:
    case MSR_AMD_DE_CFG:
    case 0x19a: /* clock modulation and thermal readings */
    case 0x19c:
    case 0x1a2:
    case 0x1b1:
    case 0x606: /* energy units and counters */
    case 0x611:
    case 0x619:
        return true;
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
        *val = pv->kernel_mode ? rdmsr(MSR_GS_BASE) : pv->gs_base_kernel;
        return true;
    case MSR_KERNEL_GS_BASE:
        *val = rdmsr(MSR_KERNEL_GS_BASE);
        return true;
    case MSR_EFER:
        *val = EFER_SHOWN;
        return true;
    case MSR_TSC:
        *val = rdtsc();
        return true;
    case MSR_PAT:
        *val = PAT_HOSPES;
        return true;
    case MSR_APIC_BASE:
        *val = rdmsr(MSR_APIC_BASE);
        return v->domain->is_privileged;
    case MSR_PLATFORM_INFO:
    case MSR_FEATURES:
    case MSR_MCG_CAP:
    case MSR_MCG_STATUS:
    case MSR_MTRRCAP:
        *val = 0;
        return true;
    case MSR_MISC_ENABLE:
        if (rdmsr_safe(nr, val))
            *val = 0;
        *val = (*val | 1ul << 11 | 1ul << 12) & ~(1ul << 18); /* no BTS, no PEBS, no MONITOR */
        return true;
    case MSR_ARCH_CAPS:
        *val = spec_guest_arch_caps();
        return spec_has_arch_caps();
    case MSR_SPEC_CTRL:
        *val = pv->spec_ctrl;
        return spec_guest_mask() != 0;
    case MSR_TSC_AUX:
        *val = pv->tsc_aux;
        return has_tsc_aux();
    default:
        return v->domain->is_privileged && dom0_may_read(nr) && rdmsr_safe(nr, val) == 0;
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
    case MSR_FEATURES:
        return val == 0;
    default: /* what is there already may be written again */
        return pv_msr_read(v, nr, &now) && now == val;
    }
}
