/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A vCPU's GDT and LDT lie in 32 pages of the per-domain area: 14 pages of the guest's GDT, one of the CPU it runs on,
 * 16 of its LDT.  Guest frames in there are of type SEG (core/ptype.h): checked, and written through us only.
 * The LDT's pages are mapped on first use (the fault is ours: pv_ldt_fault()), since guests set LDTs
 * that they hardly touch.  All under the domain's pt_lock.
 */
#include "pv/desc.h"
#include "kern/hypercall.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/segdesc.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/pages.h"
#include "pv/mmu.h"
#include "pv/pv.h"
#include "x86/cpu.h"
#include "x86/desc.h"
#include "x86/layout.h"
#include "x86/tlb.h"
#include "x86/trace.h"
#include "x86/uaccess.h"

static struct ptype_ctx own(const struct vcpu *v)
{
    return (struct ptype_ctx){ v->domain->id, v->domain->id };
}

static void desc_flush(struct vcpu *v, uint64_t va, unsigned pages)
{
    if (v == current)
        for (unsigned i = 0; i < pages; i++)
            tlb_flush_page_local(va + i * PAGE_SIZE);
    else
        tlb_flush_mask(&v->domain->dirty_cpus);
}

/* What the GDT has where the guest gave no frame: null descriptors, so that a selector there is a #GP. */
static uint64_t empty_page(void)
{
    static const uint64_t zeroes[PAGE_SIZE / 8] __attribute__((aligned(4096)));

    return virt_to_maddr(zeroes) | PTE_P | PTE_A | PTE_NX;
}

void pv_gdt_init(struct vcpu *v)
{
    for (unsigned i = 0; i < PV_GDT_GUEST_PAGES; i++)
        v->pv->desc_ptes[i] = empty_page();
}

/* [pt_lock] */
static void gdt_drop(struct vcpu *v)
{
    struct pv_vcpu *pv = v->pv;
    struct ptype_ctx ctx = own(v);
    bool any = false;

    for (unsigned i = 0; i < PV_GDT_GUEST_PAGES; i++) {
        any |= pv->gdt_frames[i] != 0;
        WRITE_ONCE(pv->desc_ptes[i], empty_page());
    }
    pv->gdt_entries = 0;
    if (!any)
        return;
    desc_flush(v, pv->gdt_va, PV_GDT_GUEST_PAGES);
    for (unsigned i = 0; i < PV_GDT_GUEST_PAGES; i++) {
        if (pv->gdt_frames[i])
            ptype_put(&ctx, MFN(pv->gdt_frames[i]));
        pv->gdt_frames[i] = 0;
    }
}

void pv_gdt_clear(struct vcpu *v)
{
    lock(&v->domain->pv->pt_lock);
    gdt_drop(v);
    unlock(&v->domain->pv->pt_lock);
}

int pv_gdt_set(struct vcpu *v, const uint64_t *mfns, unsigned entries)
{
    struct pv_vcpu *pv = v->pv;
    struct ptype_ctx ctx = own(v);
    unsigned n = DIV_UP(entries, 512), got;
    int rc = 0;

    if (entries > PV_GDT_GUEST_PAGES * 512)
        return -XEN_EINVAL;
    lock(&v->domain->pv->pt_lock);
    for (got = 0; got < n && rc == 0; got++)
        rc = ptype_get(&ctx, MFN(mfns[got]), FT_SEG);
    if (rc) {
        for (got--; got > 0; got--)
            ptype_put(&ctx, MFN(mfns[got - 1]));
    } else {
        gdt_drop(v);
        for (unsigned i = 0; i < n; i++) {
            pv->gdt_frames[i] = mfns[i];
            WRITE_ONCE(pv->desc_ptes[i], mfns[i] << PAGE_SHIFT | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX);
        }
        pv->gdt_entries = entries;
        if (n)
            desc_flush(v, pv->gdt_va, n);
    }
    unlock(&v->domain->pv->pt_lock);
    return rc ? -XEN_EINVAL : 0;
}

long do_set_gdt(struct hcall *c)
{
    uint64_t mfns[PV_GDT_GUEST_PAGES];
    unsigned entries = (unsigned)c->arg[1];

    if (entries > PV_GDT_GUEST_PAGES * 512)
        return -XEN_EINVAL;
    if (copy_from_guest(mfns, c->arg[0], DIV_UP(entries, 512) * sizeof(mfns[0])))
        return -XEN_EFAULT;
    return pv_gdt_set(current, mfns, entries);
}

/* ---- LDT ---- */

/* [pt_lock] */
static void ldt_drop(struct vcpu *v)
{
    struct pv_vcpu *pv = v->pv;
    struct ptype_ctx ctx = own(v);
    uint64_t old[PV_LDT_PAGES];

    if (!pv->ldt_mapped)
        return;
    for (unsigned i = 0; i < PV_LDT_PAGES; i++) {
        old[i] = pv->desc_ptes[16 + i];
        WRITE_ONCE(pv->desc_ptes[16 + i], 0);
    }
    desc_flush(v, pv->ldt_va, PV_LDT_PAGES);
    for (unsigned i = 0; i < PV_LDT_PAGES; i++)
        if (pv->ldt_mapped & 1u << i)
            ptype_put(&ctx, pte_mfn(old[i]));
    pv->ldt_mapped = 0;
}

void pv_ldt_unmap(struct vcpu *v)
{
    lock(&v->domain->pv->pt_lock);
    ldt_drop(v);
    unlock(&v->domain->pv->pt_lock);
}

int pv_ldt_set(struct vcpu *v, uint64_t base, unsigned entries)
{
    struct pv_vcpu *pv = v->pv;

    if (entries > 8192 || (base & ~PAGE_MASK) || (entries && !guest_range_ok(base, entries * 8ul)))
        return -XEN_EINVAL;
    lock(&v->domain->pv->pt_lock);
    ldt_drop(v);
    pv->ldt_base = base;
    pv->ldt_entries = entries;
    unlock(&v->domain->pv->pt_lock);
    if (v == current) {
        uint64_t flags = irq_save();

        desc_load_ldt(pv->ldt_va, entries);
        irq_restore(flags);
    }
    return 0;
}

bool pv_ldt_fault(struct vcpu *v, uint64_t va)
{
    struct pv_vcpu *pv = v->pv;
    unsigned page = (unsigned)((va - pv->ldt_va) >> PAGE_SHIFT);
    struct ptype_ctx ctx = own(v);
    bool done = false;
    uint64_t pte;

    if (va < pv->ldt_va || page >= DIV_UP(pv->ldt_entries, 512))
        return false;
    /* Not had: somebody changes page tables just now.  Try the access again, unless we keep that CPU waiting. */
    if (!lock_try(&v->domain->pv->pt_lock))
        return irq_enabled();
    pte = pv_read_l1e(v, pv->ldt_base + page * PAGE_SIZE);
    if (pv->ldt_mapped & 1u << page) {
        done = true;
    } else if ((pte & PTE_P) && frame_is_ram(pte_mfn(pte)) && ptype_get(&ctx, pte_mfn(pte), FT_SEG) == 0) {
        pv->ldt_mapped |= 1u << page;
        WRITE_ONCE(pv->desc_ptes[16 + page], (pte & PTE_ADDR) | PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX);
        TRACE(TRC_PV_GDT_LDT_MAPPING_FAULT | TRC_64_FLAG, TRACE_64(v->regs.rip), TRACE_64(va - pv->ldt_va));
        done = true;
    }
    unlock(&v->domain->pv->pt_lock);
    return done;
}

/* ---- One descriptor ---- */

long do_update_descriptor(struct hcall *c)
{
    struct domain *d = current->domain;
    mfn_t m = maddr_to_mfn(c->arg[0]);
    uint64_t desc = c->arg[1];
    unsigned index = (c->arg[0] & ~PAGE_MASK) / 8;
    uint64_t *page;
    uint64_t w;
    long rc = -XEN_EINVAL;

    if ((c->arg[0] & 7) || !segdesc_check(&desc) || !frame_get(m, d))
        return -XEN_EINVAL;
    lock(&d->pv->pt_lock);
    w = READ_ONCE(frame_of(m)->type);
    /* In use as segment table, or as plain memory that stays so while we write. */
    if ((w & TYPE_COUNT_MASK) && TYPE_OF(w) == FT_SEG)
        rc = 0;
    else if (ptype_get_writable(m) == 0)
        rc = 1;
    if (rc >= 0) {
        page = frame_map(m);
        WRITE_ONCE(page[index], desc);
        frame_unmap(page);
        if (rc)
            ptype_put_writable(m);
        rc = 0;
    }
    unlock(&d->pv->pt_lock);
    frame_put(m);
    return rc;
}
