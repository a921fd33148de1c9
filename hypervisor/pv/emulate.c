/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Privileged instructions of para-virtual guests.  Control and debug registers, MSRs (pv/msr.c), CPUID (pv/cpuid.c), I/O
 * ports (pv/ports.c).  Only the guest's kernel, except where a process may use the instruction on real hardware too.
 * What isn't carried out is a #GP for the guest, as on a machine without it.
 */
#include "pv/emulate.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/hypercall.h"
#include "pv/cpuid.h"
#include "pv/fetch.h"
#include "pv/mmu.h"
#include "pv/msr.h"
#include "pv/ports.h"
#include "pv/pv.h"
#include "pv/registers.h"
#include "pv/traps.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/fpu.h"
#include "x86/paging.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"

#define CR0_SHOWN (CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG)
#define CR4_SHOWN (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)

static bool set_cr0(struct vcpu *v, uint64_t val)
{
    if ((val ^ CR0_SHOWN) & ~(CR0_TS | CR0_AM | CR0_MP | CR0_WP | CR0_NE))
        return false; /* nothing but TS is really the guest's */
    v->pv->ts = val & CR0_TS;
    if (v->pv->ts)
        WRITE_CR(0, READ_CR(0) | CR0_TS);
    else
        __asm__ volatile("clts");
    return true;
}

/* *repeat: there is more to do than fits in here; the guest is to try again. */
static bool set_cr3(struct vcpu *v, uint64_t val, bool *repeat)
{
    int rc = pv_set_table(v, MFN(val >> PAGE_SHIFT), false);

    *repeat = rc == -XEN_EAGAIN;
    return rc == 0 || *repeat;
}

static bool set_cr4(struct vcpu *v, uint64_t val)
{
    v->pv->cr4 = val & cr4_guest;
    v->pv->osxsave = val & cr4_base & CR4_OSXSAVE;
    WRITE_CR(4, cr4_base | v->pv->cr4);
    return true;
}

static bool read_cr(struct vcpu *v, unsigned nr, uint64_t *val)
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

static bool mov_cr_dr(struct vcpu *v, const struct insn *i, bool *repeat)
{
    uint64_t *reg = insn_reg(&v->regs, i->rm);
    struct hcall get = { .arg = { i->reg } };

    if (i->mod != 3)
        return false;
    switch (i->opcode) {
    case 0x20:
        return read_cr(v, i->reg, reg);
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

/* 0f 01: invlpg, lmsw, xsetbv, rdtscp. */
static bool group7(struct vcpu *v, const struct insn *i)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t tsc;

    if (i->mod == 3 && i->reg == 2 && i->rm == 1) /* xsetbv */
        return (uint32_t)r->rcx == 0 && v->pv->osxsave &&
               fpu_set_xcr0(v->fpu, (r->rdx & 0xffffffff) << 32 | (uint32_t)r->rax) == 0;
    if (i->mod == 3 && i->reg == 7 && i->rm == 1) { /* rdtscp */
        tsc = rdtsc();
        r->rax = (uint32_t)tsc;
        r->rdx = tsc >> 32;
        r->rcx = v->pv->tsc_aux;
        return true;
    }
    if (i->mod != 3 && i->reg == 7) { /* invlpg */
        uint64_t va = insn_address(i, r);

        if (guest_range_ok(va, 1))
            tlb_flush_page_local(va);
        return true;
    }
    if (i->mod == 3 && i->reg == 6) /* lmsw: can set PE, MP, EM, TS; not clear PE */
        return set_cr0(v, (CR0_SHOWN & ~0xeul) | (*insn_reg(r, i->rm) & 0xe) | CR0_MP);
    return false;
}

static bool rdtsc_insn(struct vcpu *v)
{
    uint64_t tsc = rdtsc();

    if ((v->pv->cr4 & CR4_TSD) && !v->pv->kernel_mode)
        return false;
    v->regs.rax = (uint32_t)tsc;
    v->regs.rdx = tsc >> 32;
    return true;
}

static bool two_byte(struct vcpu *v, const struct insn *i, bool *repeat)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t val;

    switch (i->opcode) {
    case 0x01:
        return group7(v, i);
    case 0x06: /* clts */
        return set_cr0(v, CR0_SHOWN);
    case 0x08: /* invd: its effect would be on others' memory too; the cautious form is wbinvd */
    case 0x09:
        if (v->domain->is_privileged)
            __asm__ volatile("wbinvd" ::: "memory");
        return true;
    case 0x20 ... 0x23:
        return mov_cr_dr(v, i, repeat);
    case 0x30: /* wrmsr */
        return pv_msr_write(v, (uint32_t)r->rcx, (r->rdx & 0xffffffff) << 32 | (uint32_t)r->rax);
    case 0x31:
        return rdtsc_insn(v);
    case 0x32: /* rdmsr */
        if (!pv_msr_read(v, (uint32_t)r->rcx, &val))
            return false;
        r->rax = (uint32_t)val;
        r->rdx = val >> 32;
        return true;
    case 0xa2:
        pv_cpuid(v, false);
        return true;
    default:
        return false;
    }
}

static bool one_byte(struct vcpu *v, const struct insn *i, bool *repeat)
{
    switch (i->opcode) {
    case 0x6c ... 0x6f:
        return pv_port_string(v, i, repeat);
    case 0xe4 ... 0xe7:
    case 0xec ... 0xef:
        return pv_port_access(v, i);
    case 0xfa: /* cli, sti: the guest's interrupt flag isn't this one */
    case 0xfb:
        return pv_iopl_allows(v);
    default:
        return false;
    }
}

/* May a process, too, have it? (Ports decide for themselves.) */
static bool user_may(const struct insn *i)
{
    if (i->map == 0)
        return true;
    return i->opcode == 0xa2 || i->opcode == 0x31 || (i->opcode == 0x01 && i->mod == 3 && i->reg == 7 && i->rm == 1);
}

bool pv_emulate_privileged(struct vcpu *v)
{
    bool repeat = false, ok;
    struct insn i;

    if (!pv_fetch(v, 0, &i) || i.lock || (!v->pv->kernel_mode && !user_may(&i)))
        return false;
    ok = i.map ? two_byte(v, &i, &repeat) : one_byte(v, &i, &repeat);
    if (!ok)
        return false;
    COUNT(emulate);
    if (!repeat)
        pv_insn_done(v, i.length);
    return true;
}
