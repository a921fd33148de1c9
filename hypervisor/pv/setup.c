/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making and ending the para-virtual part of domains and vCPUs, and what core/ptype.c asks of the machine.
 */
#include "core/port.h"
#include "core/ptype.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/ioaccess.h"
#include "kern/pages.h"
#include "pv/desc.h"
#include "pv/mmu.h"
#include "pv/pti.h"
#include "pv/pv.h"
#include "x86/alloc.h"
#include "x86/cpu.h"
#include "x86/layout.h"
#include "x86/msi.h"
#include "x86/paging.h"
#include "x86/selectors.h"
#include "x86/spec.h"
#include "x86/tlb.h"

/* ---- Ports of core/ptype.h ---- */

bool ptype_port_iomem_ok(uint16_t domid, mfn_t m, bool writable)
{
    struct domain *d = domain_peek(domid);

    if (!d || m.n >> (maddr_bits - PAGE_SHIFT))
        return false;
    /* Where a device's MSI-X table lies, only we write: else a guest could raise any vector anywhere. */
    if (writable && msix_table_frame(m))
        return false;
    return io_mem_permitted(d, m.n, m.n);
}

void ptype_port_init_l4(uint16_t table_owner, uint64_t *table)
{
    struct domain *d = domain_peek(table_owner);

    hv_fill_l4(table, mfn_to_maddr(d->pv->perdomain_l3_mfn) | PTE_P | PTE_RW | PTE_A | PTE_D);
    table[HV_L4_FIRST] = 0; /* the M2P is shown to the guest's kernel only: pv_table_install() */
}

void ptype_port_flush(uint16_t owner, bool everywhere, uint32_t stamp)
{
    struct domain *d = domain_peek(owner);

    tlb_flush_older(everywhere || !d ? &cpu_online : &d->dirty_cpus, stamp);
}

void ptype_port_cache_flush(mfn_t m)
{
    const char *p = frame_map(m);

    mb();
    for (unsigned at = 0; at < PAGE_SIZE; at += 64)
        clflush(p + at);
    mb();
    frame_unmap(p);
}

uint32_t ptype_port_stamp(void)
{
    return tlb_stamp();
}

/* ---- Domains ---- */

int pv_domain_create(struct domain *d)
{
    void *l3;

    d->pv = mem_alloc(sizeof(*d->pv));
    l3 = pages_alloc(0);
    if (!d->pv || !l3) {
        pages_free(l3, 0);
        mem_free(d->pv);
        d->pv = NULL;
        return -XEN_ENOMEM;
    }
    lock_init(&d->pv->pt_lock, RANK_PT);
    d->pv->deferred = MFN_NONE;
    d->pv->spec_tag = spec_new_tag();
    d->pv->perdomain_l3 = l3;
    d->pv->perdomain_l3_mfn = virt_to_mfn(l3);
    return 0;
}

static void perdomain_free(uint64_t *table, unsigned level)
{
    for (unsigned i = 0; i < PTE_ENTRIES && level > 1; i++)
        if (table[i] & PTE_P)
            perdomain_free(maddr_to_virt(table[i] & PTE_ADDR), level - 1);
    pages_free(table, 0);
}

void pv_domain_free(struct domain *d)
{
    if (!d->pv)
        return;
    perdomain_free(d->pv->perdomain_l3, 3);
    mem_free(d->pv);
    d->pv = NULL;
}

/* ---- vCPUs ---- */

static uint64_t *perdomain_table(uint64_t *entry)
{
    if (!(*entry & PTE_P)) {
        void *t = pages_alloc(0);

        if (!t)
            return NULL;
        WRITE_ONCE(*entry, virt_to_maddr(t) | PTE_P | PTE_RW | PTE_A | PTE_D);
    }
    return maddr_to_virt(*entry & PTE_ADDR);
}

/* The L1 entries of the vCPU's descriptor pages. */
static uint64_t *desc_ptes(struct vcpu *v)
{
    uint64_t off = (uint64_t)v->id * PV_DESC_PAGES * PAGE_SIZE;
    uint64_t *t;

    lock(&v->domain->pv->pt_lock);
    t = perdomain_table(&v->domain->pv->perdomain_l3[off >> 30]);
    if (t)
        t = perdomain_table(&t[off >> 21 & 511]);
    unlock(&v->domain->pv->pt_lock);
    return t ? &t[off >> PAGE_SHIFT & 511] : NULL;
}

static void state_init(struct vcpu *v)
{
    v->pv->table = v->pv->table_user = MFN_NONE;
    v->kernel_mode = true;
    v->pv->dr[6] = 0xffff0ff0;
    v->pv->dr[7] = 0x400;
    pv_kernel_stack(v->pv, GUEST_SS, 0);
}

int pv_vcpu_create(struct vcpu *v)
{
    struct pv_vcpu *pv = mem_alloc(sizeof(*pv));

    if (!pv)
        return -XEN_ENOMEM;
    v->pv = pv;
    pv->traps = mem_alloc(PV_TRAPS * sizeof(*pv->traps));
    if (!pv->traps)
        return -XEN_ENOMEM;
    state_init(v);
    pv->gdt_va = PERDOMAIN_START + (uint64_t)v->id * PV_DESC_PAGES * PAGE_SIZE;
    pv->ldt_va = pv->gdt_va + 16 * PAGE_SIZE;
    pv->desc_ptes = desc_ptes(v);
    if (!pv->desc_ptes)
        return -XEN_ENOMEM;
    pv_gdt_init(v);
    pti_vcpu_init(v);
    return 0;
}

int pv_vcpu_kill(struct vcpu *v)
{
    int rc;

    if (!v->pv || !v->pv->desc_ptes)
        return 0;
    pv_gdt_clear(v);
    pv_ldt_unmap(v);
    rc = pv_set_table(v, MFN_NONE, true);
    return rc ? rc : pv_set_table(v, MFN_NONE, false); /* what is left of it is parked: pv_table_kill() */
}

int pv_vcpu_reset(struct vcpu *v)
{
    struct pv_vcpu *pv = v->pv;
    int rc = pv_vcpu_kill(v);

    if (rc)
        return rc;
    *pv = (struct pv_vcpu){ .traps = pv->traps, .desc_ptes = pv->desc_ptes, .gdt_va = pv->gdt_va, .ldt_va = pv->ldt_va };
    memset(pv->traps, 0, PV_TRAPS * sizeof(*pv->traps));
    memset(&v->regs, 0, sizeof(v->regs));
    state_init(v);
    return 0;
}

int pv_table_kill(struct domain *d, mfn_t m)
{
    struct ptype_ctx ctx = { d->id, d->id };
    int rc;

    lock(&d->pv->pt_lock);
    rc = ptype_unpin(&ctx, m);
    unlock(&d->pv->pt_lock);
    return rc == -XEN_EAGAIN ? rc : 0; /* else somebody was faster */
}

void pv_vcpu_free(struct vcpu *v)
{
    if (v->pv)
        mem_free(v->pv->traps);
    mem_free(v->pv);
    v->pv = NULL;
}
