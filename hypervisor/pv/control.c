/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest kernel's control and debug registers, by their own instructions.  Of CR0 only TS is really its own, of CR4 what
 * cr4_guest allows; CR2 is what its vcpu_info shows, CR3 its page table.
 */
#include "pv/control.h"
#include "core/insn.h"
#include "kern/domain.h"
#include "kern/hypercall.h"
#include "pv/mmu.h"
#include "pv/pv.h"
#include "pv/registers.h"
#include "pv/traps.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/paging.h"

#define CR0_SHOWN (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG)
#define CR4_SHOWN (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)

static bool set_cr0(struct vcpu *v, uint64_t val)
{
    if ((val ^ CR0_SHOWN) & ~(CR0_TS | CR0_AM | CR0_MP | CR0_WP | CR0_NE))
        return false; /* nothing but TS is really the guest's */
    pv_set_ts(v, val & CR0_TS);
    return true;
}

/* *repeat: there is more to do than fits in here; the guest is to try again. */
static bool set_cr3(struct vcpu *v, uint64_t val, bool *repeat)
{
    int rc = pv_set_table(v, MFN(val >> PAGE_SHIFT), false);

    *repeat = rc == -XEN_EAGAIN;
    return rc == 0 || *repeat;
}

/* TSD: the guest is not to read the processor's TSC; reading it comes to us (pv/emulate.c). */
uint64_t pv_cr4(const struct vcpu *v)
{
    return cr4_base | v->pv->cr4 | (v->domain->tsc_emulated ? CR4_TSD : 0);
}

static bool set_cr4(struct vcpu *v, uint64_t val)
{
    v->pv->cr4 = val & cr4_guest;
    v->pv->osxsave = val & cr4_base & CR4_OSXSAVE;
    WRITE_CR(4, pv_cr4(v));
    return true;
}

bool pv_read_cr(const struct vcpu *v, unsigned nr, uint64_t *val)
{
    switch (nr) {
    case 0:
        *val = CR0_SHOWN | (v->pv->ts ? CR0_TS : 0);
        return true;
    case 2:
        *val = v->info->arch.cr2;
        return true;
    case 3:
        *val = mfn_to_maddr(v->pv->table);
        return true;
    case 4:
        *val = CR4_SHOWN | v->pv->cr4 | (v->pv->osxsave ? CR4_OSXSAVE : 0);
        return true;
    case 8:
        *val = 0;
        return true;
    default:
        return false;
    }
}

static bool write_cr(struct vcpu *v, unsigned nr, uint64_t val, bool *repeat)
{
    switch (nr) {
    case 0:
        return set_cr0(v, val);
    case 2:
        v->info->arch.cr2 = val;
        return true;
    case 3:
        return set_cr3(v, val, repeat);
    case 4:
        return set_cr4(v, val);
    default:
        return false;
    }
}

bool pv_mov_cr_dr(struct vcpu *v, const struct insn *i, bool *repeat)
{
    uint64_t *reg = insn_reg(&v->regs, i->rm);
    struct hcall get = { .arg = { i->reg } };

    if (i->mod != 3)
        return false;
    switch (i->opcode) {
    case 0x20:
        return pv_read_cr(v, i->reg, reg);
    case 0x22:
        return write_cr(v, i->reg, *reg, repeat);
    case 0x21:
        if (i->reg > 7)
            return false;
        *reg = (uint64_t)do_get_debugreg(&get);
        return true;
    default:
        return pv_set_debugreg(v, i->reg, *reg) == 0;
    }
}

bool pv_clts(struct vcpu *v)
{
    return set_cr0(v, CR0_SHOWN);
}

bool pv_lmsw(struct vcpu *v, uint64_t val)
{
    return set_cr0(v, (CR0_SHOWN & ~0xeul) | (val & 0xe) | CR0_MP);
}
