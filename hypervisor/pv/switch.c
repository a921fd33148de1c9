/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The world switch: one para-virtual vCPU's hardware state for another's.  General registers need no care: they are
 * pushed to, and popped from, struct vcpu itself (x86/entry.S).  Idle vCPUs have no state at all.
 */
#include "core/ptype.h"
#include "kern/domain.h"
#include "kern/sched.h"
#include "kern/vtime.h"
#include "pv/msr.h"
#include "pv/pti.h"
#include "pv/pv.h"
#include "pv/registers.h"
#include "pv/traps.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/desc.h"
#include "x86/features.h"
#include "x86/fpu.h"
#include "x86/paging.h"
#include "x86/spec.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"

void pv_selectors_save(struct vcpu *v)
{
    struct cpu_user_regs *r = &v->regs;

    /* A failsafe callback that is still due shows the selectors that could not be loaded. */
    if (!(v->exit_work & VCPU_WORK_FAILSAFE))
        __asm__ volatile("movw %%ds, %0; movw %%es, %1; movw %%fs, %2; movw %%gs, %3"
                         : "=m"(r->ds), "=m"(r->es), "=m"(r->fs), "=m"(r->gs));
}

static void segments_save(struct vcpu *v)
{
    struct pv_vcpu *pv = v->pv;
    uint64_t active, other;

    pv_selectors_save(v);
    pv->fs_base = rdmsr(MSR_FS_BASE);
    active = rdmsr(MSR_GS_BASE);
    other = rdmsr(MSR_KERNEL_GS_BASE);
    pv->gs_base_kernel = v->kernel_mode ? active : other;
    pv->gs_base_user = v->kernel_mode ? other : active;
}

static void segments_load(struct vcpu *v)
{
    struct cpu_user_regs *r = &v->regs;
    struct pv_vcpu *pv = v->pv;
    int bad = 0;

    bad |= seg_load_ds(r->ds);
    bad |= seg_load_es(r->es);
    bad |= seg_load_fs(r->fs);
    bad |= seg_load_gs(r->gs);
    if (bad) /* the failsafe frame shows the selectors as they were wanted */
        __atomic_or_fetch(&v->exit_work, VCPU_WORK_FAILSAFE, __ATOMIC_SEQ_CST);
    wrmsr(MSR_FS_BASE, pv->fs_base);
    wrmsr(MSR_GS_BASE, v->kernel_mode ? pv->gs_base_kernel : pv->gs_base_user);
    wrmsr(MSR_KERNEL_GS_BASE, v->kernel_mode ? pv->gs_base_user : pv->gs_base_kernel);
}

static void leave(struct vcpu *v)
{
    segments_save(v);
    fpu_switch_from(v->fpu);
    if (v->pv->dr[7] & 0xff)
        WRITE_DR(7, 0x400);
    vtime_switch_from(v);
}

/* prev's translations are gone once another L4 is loaded; before that nobody may think so. */
static void tables_load(struct vcpu *prev, uint64_t cr3)
{
    tlb_load_cr3(cr3);
    if (!prev->is_idle && (current->is_idle || current->domain != prev->domain))
        cpumask_clear(&prev->domain->dirty_cpus, cpu_id());
}

static void enter(struct vcpu *prev, struct vcpu *v)
{
    struct pv_vcpu *pv = v->pv;

    cpumask_set(&v->domain->dirty_cpus, cpu_id());
    pv->desc_ptes[PV_GDT_GUEST_PAGES] = desc_gdt_page() | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX;
    tables_load(prev, pv->cr3[v->kernel_mode]);
    desc_load_gdt(pv->gdt_va);
    desc_load_ldt(pv->ldt_va, pv->ldt_entries);
    WRITE_CR(4, pv_cr4(v));
    fpu_switch_to(v->fpu);
    if (pv->ts)
        WRITE_CR(0, READ_CR(0) | CR0_TS);
    if (pv->dr[7] & 0xff)
        pv_load_debugregs(pv);
    segments_load(v);
    spec_switch_to(v->domain->pv->spec_tag, pv->spec_ctrl);
    pv_msr_switch_to(v);
    vtime_switch_to(v);
}

void vcpu_switch(struct vcpu *prev, struct vcpu *next)
{
    COUNT(context_switch);
    if (!prev->is_idle)
        leave(prev);
    cpu_block()->curr = next;
    next->cpu_stack = cpu_block();
    if (next->is_idle) {
        desc_load_own_gdt();
        desc_load_ldt(0, 0);
        tables_load(prev, hv_l4_maddr);
        return;
    }
    desc_set_frame(pti_frame_end(next));
    enter(prev, next);
}
