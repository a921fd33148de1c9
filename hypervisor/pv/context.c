/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A vCPU's whole context, in and out: VCPUOP_initialise, and the toolstack's set and get. */
#include "pv/context.h"
#include "core/string.h"
#include "core/port.h"
#include "kern/domain.h"
#include "pv/control.h"
#include "pv/desc.h"
#include "pv/mmu.h"
#include "pv/pv.h"
#include "pv/registers.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/fpu.h"
#include "x86/layout.h"
#include "x86/paging.h"
#include "x86/selectors.h"
#include "x86/uaccess.h"
#include <xen/domctl.h>

/* cr3 in the ABI's form: the frame number, its high part folded below. */
static mfn_t cr3_mfn(uint64_t cr3)
{
    return MFN(cr3 >> PAGE_SHIFT);
}

static bool context_ok(const struct vcpu_guest_context *c)
{
    return is_canonical(c->user_regs.rip) && is_canonical(c->event_callback_eip) && is_canonical(c->failsafe_callback_eip) &&
           is_canonical(c->syscall_callback_eip) && is_canonical(c->fs_base) && is_canonical(c->gs_base_kernel) &&
           is_canonical(c->gs_base_user) && ((c->flags & VGCF_in_kernel) || c->ctrlreg[1]) && c->ldt_ents <= 8192 &&
           c->gdt_ents <= PV_GDT_GUEST_PAGES * 512;
}

static void registers_set(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct cpu_user_regs *r = &v->regs;

    *r = c->user_regs;
    r->rflags = (r->rflags & ~(FLAG_IOPL | FLAG_VM | 0xffffffffffc08028ul)) | FLAG_IF | 2;
    r->cs |= 3;
    r->ss |= 3;
    r->error_code = 0;
    r->entry_vector = 0;
}

static void pv_state_set(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct pv_vcpu *pv = v->pv;

    pv_kernel_stack(pv, (uint16_t)c->kernel_ss, c->kernel_sp);
    pv->event.eip = c->event_callback_eip;
    pv->failsafe = (struct pv_callback){ c->failsafe_callback_eip, c->flags & VGCF_failsafe_disables_events };
    pv->syscall = (struct pv_callback){ c->syscall_callback_eip, c->flags & VGCF_syscall_disables_events };
    pv->iopl = c->user_regs.rflags >> 12 & 3;
    pv->fs_base = c->fs_base;
    pv->gs_base_kernel = c->gs_base_kernel;
    pv->gs_base_user = c->gs_base_user;
    pv->ts = c->ctrlreg[0] & CR0_TS;
    pv->cr4 = c->ctrlreg[4] & cr4_guest;
    pv->osxsave = c->ctrlreg[4] & cr4_base & CR4_OSXSAVE;
    memcpy(pv->traps, c->trap_ctxt, sizeof(c->trap_ctxt));
    for (unsigned i = 0; i < 256; i++) {
        pv->traps[i].cs |= 3;
        pv->traps[i].vector = (uint8_t)i;
        if (!is_canonical(pv->traps[i].address))
            pv->traps[i].address = 0;
    }
}

/* v keeps a table for the mode it is in at each step, since the call may end after any. */
static int tables_set(struct vcpu *v, const struct vcpu_guest_context *c)
{
    bool in_kernel = c->flags & VGCF_in_kernel;
    uint64_t user = c->ctrlreg[1];
    int rc = pv_set_table(v, cr3_mfn(c->ctrlreg[3]), false);

    if (rc)
        return rc;
    v->kernel_mode |= in_kernel;
    rc = pv_set_table(v, user ? cr3_mfn(user) : MFN_NONE, true);
    if (rc == 0)
        v->kernel_mode = in_kernel;
    return rc;
}

int pv_vcpu_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    int rc;

    if (!context_ok(c))
        return -XEN_EINVAL;
    rc = tables_set(v, c);
    if (rc)
        return rc;
    rc = pv_gdt_set(v, c->gdt_frames, (unsigned)c->gdt_ents);
    if (rc == 0)
        rc = pv_ldt_set(v, c->ldt_base, (unsigned)c->ldt_ents);
    if (rc)
        return rc;
    pv_state_set(v, c);
    registers_set(v, c);
    for (unsigned i = 0; i < 8; i++)
        if (i != 4 && i != 5 && pv_set_debugreg(v, i, c->debugreg[i]))
            v->pv->dr[i] = 0;
    if (c->flags & VGCF_i387_valid)
        fpu_set_fxsave(v->fpu, &c->fpu_ctxt);
    return 0;
}

void pv_vcpu_get_context(const struct vcpu *v, struct vcpu_guest_context *c)
{
    const struct pv_vcpu *pv = v->pv;

    memset(c, 0, sizeof(*c));
    fpu_get_fxsave(v->fpu, &c->fpu_ctxt);
    c->flags = VGCF_i387_valid | (v->kernel_mode ? VGCF_in_kernel : 0) |
               (pv->failsafe.masks_events ? VGCF_failsafe_disables_events : 0) |
               (pv->syscall.masks_events ? VGCF_syscall_disables_events : 0);
    c->user_regs = v->regs;
    c->user_regs.rflags |= (uint64_t)pv->iopl << 12;
    c->user_regs.error_code = c->user_regs.entry_vector = 0;
    memcpy(c->trap_ctxt, pv->traps, sizeof(c->trap_ctxt));
    c->ldt_base = pv->ldt_base;
    c->ldt_ents = pv->ldt_entries;
    for (unsigned i = 0; i < PV_GDT_GUEST_PAGES; i++)
        c->gdt_frames[i] = pv->gdt_frames[i];
    c->gdt_ents = pv->gdt_entries;
    c->kernel_ss = pv->kernel_ss;
    c->kernel_sp = pv->kernel_sp;
    for (unsigned i = 0; i <= 4; i += 2)
        pv_read_cr(v, i, &c->ctrlreg[i]);
    if (!mfn_eq(pv->table_user, MFN_NONE))
        c->ctrlreg[1] = mfn_to_maddr(pv->table_user) | 1;
    c->ctrlreg[3] = mfn_eq(pv->table, MFN_NONE) ? 0 : mfn_to_maddr(pv->table);
    memcpy(c->debugreg, pv->dr, sizeof(c->debugreg));
    c->event_callback_eip = pv->event.eip;
    c->failsafe_callback_eip = pv->failsafe.eip;
    c->syscall_callback_eip = pv->syscall.eip;
    c->vm_assist = v->domain->vm_assist;
    c->fs_base = pv->fs_base;
    c->gs_base_kernel = pv->gs_base_kernel;
    c->gs_base_user = pv->gs_base_user;
}

void pv_vcpu_set_start(struct vcpu *v, uint64_t entry, uint64_t stack, uint64_t start_info)
{
    v->kernel_mode = true;
    v->regs.rip = entry;
    v->regs.rsp = stack;
    v->regs.rsi = start_info;
    v->regs.rflags = FLAG_IF | 2;
    v->regs.cs = GUEST_CS64;
    v->regs.ss = GUEST_SS;
    pv_kernel_stack(v->pv, GUEST_SS, stack);
    v->is_initialised = true;
}

void pv_vcpu_get_ext(const struct vcpu *v, struct xen_domctl_ext_vcpucontext *e)
{
    const struct pv_vcpu *pv = v->pv;
    uint32_t id = e->vcpu;

    memset(e, 0, sizeof(*e));
    e->vcpu = id;
    e->sysenter_callback_cs = e->syscall32_callback_cs = GUEST_CS64;
    e->sysenter_callback_eip = pv->sysenter.eip;
    e->sysenter_disables_events = pv->sysenter.masks_events;
    e->syscall32_callback_eip = pv->syscall32.eip;
    e->syscall32_disables_events = pv->syscall32.masks_events;
}

int pv_vcpu_set_ext(struct vcpu *v, const struct xen_domctl_ext_vcpucontext *e)
{
    if (!is_canonical(e->sysenter_callback_eip) || !is_canonical(e->syscall32_callback_eip))
        return -XEN_EINVAL;
    v->pv->sysenter = (struct pv_callback){ e->sysenter_callback_eip, e->sysenter_disables_events };
    v->pv->syscall32 = (struct pv_callback){ e->syscall32_callback_eip, e->syscall32_disables_events };
    return 0;
}
