/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Privileged instructions of para-virtual guests.  Control and debug registers (pv/control.c), MSRs (pv/msr.c), CPUID (pv/cpuid.c), I/O
 * ports (pv/ports.c).  Only the guest's kernel, except where a process may use the instruction on real hardware too.
 * What isn't carried out is a #GP for the guest, as on a machine without it.
 */
#include "pv/emulate.h"
#include "kern/domain.h"
#include "kern/tsc.h"
#include "pv/control.h"
#include "pv/cpuid.h"
#include "pv/fetch.h"
#include "pv/msr.h"
#include "pv/ports.h"
#include "pv/pv.h"
#include "pv/traps.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/fpu.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"

static bool rdtsc_insn(struct vcpu *v)
{
    uint64_t tsc = domain_tsc_read(v->domain);

    if ((v->pv->cr4 & CR4_TSD) && !v->kernel_mode)
        return false;
    v->regs.rax = (uint32_t)tsc;
    v->regs.rdx = tsc >> 32;
    return true;
}

static bool rdtscp_insn(struct vcpu *v)
{
    if (!rdtsc_insn(v))
        return false;
    v->regs.rcx = v->pv->tsc_aux;
    return true;
}

/* 0f 01: invlpg, lmsw, xsetbv, rdtscp. */
static bool group7(struct vcpu *v, const struct insn *i)
{
    struct cpu_user_regs *r = &v->regs;

    if (i->mod == 3 && i->reg == 2 && i->rm == 1) /* xsetbv */
        return (uint32_t)r->rcx == 0 && v->pv->osxsave &&
               fpu_set_xcr0(v->fpu, (r->rdx & 0xffffffff) << 32 | (uint32_t)r->rax) == 0;
    if (i->mod == 3 && i->reg == 7 && i->rm == 1)
        return rdtscp_insn(v);
    if (i->mod != 3 && i->reg == 7) { /* invlpg */
        uint64_t va = insn_address(i, r);

        if (guest_range_ok(va, 1))
            tlb_flush_page_local(va);
        return true;
    }
    if (i->mod == 3 && i->reg == 6) /* lmsw: can set PE, MP, EM, TS; not clear PE */
        return pv_lmsw(v, *insn_reg(r, i->rm));
    return false;
}

static bool two_byte(struct vcpu *v, const struct insn *i, bool *repeat)
{
    struct cpu_user_regs *r = &v->regs;
    uint64_t val;

    switch (i->opcode) {
    case 0x01:
        return group7(v, i);
    case 0x06: /* clts */
        return pv_clts(v);
    case 0x08: /* invd: its effect would be on others' memory too; the cautious form is wbinvd */
    case 0x09:
        if (v->domain->is_privileged)
            __asm__ volatile("wbinvd" ::: "memory");
        return true;
    case 0x20 ... 0x23:
        return pv_mov_cr_dr(v, i, repeat);
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

    if (!pv_fetch(v, 0, &i) || i.lock || (!v->kernel_mode && !user_may(&i)))
        return false;
    ok = i.map ? two_byte(v, &i, &repeat) : one_byte(v, &i, &repeat);
    if (!ok)
        return false;
    COUNT(emulate);
    if (!repeat || v->pv->port_hits)
        pv_insn_done(v, repeat ? 0 : i.length);
    return true;
}
