/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmuext_op: pins, table switches, flushes, and the odd rest of page-table work.  Locks as in pv/mmu.c. */
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "pv/desc.h"
#include "pv/mmu.h"
#include "pv/mmu_context.h"
#include "pv/pv.h"
#include "x86/counters.h"
#include "x86/layout.h"
#include "x86/paging.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"

/* ---- Tables in use ---- */

/* The M2P is for the guest's kernel, not for its processes: the entry comes and goes with the use of the L4. */
static void table_show_m2p(mfn_t l4, bool show)
{
    uint64_t *t = frame_map(l4);

    WRITE_ONCE(t[HV_L4_FIRST], show ? hv_l4_entry(HV_L4_FIRST) : 0);
    frame_unmap(t);
}

void pv_table_install(struct vcpu *v, mfn_t m, bool user)
{
    mfn_t *slot = user ? &v->pv->table_user : &v->pv->table;

    *slot = m;
    v->pv->cr3[!user] = mfn_eq(m, MFN_NONE) ? 0 : tlb_cr3(m, user);
    if (!mfn_eq(m, MFN_NONE))
        table_show_m2p(m, !user);
    if (v != current)
        return;
    if (user != v->kernel_mode)
        tlb_load_cr3(v->pv->cr3[!user]);
    else if (tlb_keep()) /* loading it later drops nothing of the former one */
        tlb_flush_local();
}

/* The new table's references, and what is left if it turns out bad. [pt_lock] */
static int table_get(struct domain *d, const struct ptype_ctx *ctx, mfn_t m)
{
    int rc = mfn_eq(m, MFN_NONE) ? 0 : ptype_get(ctx, m, FT_L4);

    if (rc == -XEN_EAGAIN || rc == -XEN_ENOTEMPTY)
        ptype_park(m);
    if (rc != -XEN_ENOTEMPTY)
        return rc;
    pv_defer(d, m);
    return -XEN_EINVAL;
}

static void table_put(struct domain *d, const struct ptype_ctx *ctx, mfn_t m)
{
    if (mfn_eq(m, MFN_NONE) || ptype_put(ctx, m) != -XEN_EAGAIN)
        return;
    ptype_park(m);
    pv_defer(d, m);
}

int pv_set_table(struct vcpu *v, mfn_t m, bool user)
{
    struct domain *d = v->domain;
    struct ptype_ctx ctx = { d->id, d->id };
    mfn_t old;
    int rc;

    lock(&d->pv->pt_lock);
    old = user ? v->pv->table_user : v->pv->table;
    rc = pv_finish_deferred(d);
    if (rc == 0 && !mfn_eq(old, m)) {
        rc = table_get(d, &ctx, m);
        if (rc == 0) {
            pv_table_install(v, m, user);
            table_put(d, &ctx, old);
        }
    }
    unlock(&d->pv->pt_lock);
    if (rc == 0 && mfn_eq(old, m) && v == current)
        tlb_flush_local(); /* as a load of CR3 does */
    return rc;
}

static int new_baseptr(uint64_t mfn)
{
    return frame_is_ram(MFN(mfn)) ? pv_set_table(current, MFN(mfn), false) : -XEN_EINVAL;
}

static int new_user_baseptr(uint64_t mfn)
{
    if (mfn && !frame_is_ram(MFN(mfn)))
        return -XEN_EINVAL;
    return pv_set_table(current, mfn ? MFN(mfn) : MFN_NONE, true);
}

/* ---- Pins ---- */

static int table_pin(const struct ptype_ctx *ctx, struct domain *d, uint64_t mfn, enum frame_type type)
{
    int rc;

    lock(&d->pv->pt_lock);
    rc = d->is_dying ? -XEN_EINVAL : pv_finish_deferred(d); /* dying: nobody would take the pin away again */
    if (rc == 0)
        rc = ptype_pin(ctx, MFN(mfn), type);
    if (rc == -XEN_ENOTEMPTY) {
        pv_defer(d, MFN(mfn));
        rc = -XEN_EINVAL;
    }
    unlock(&d->pv->pt_lock);
    return rc;
}

static int table_unpin(const struct ptype_ctx *ctx, struct domain *d, uint64_t mfn)
{
    int rc;

    lock(&d->pv->pt_lock);
    rc = pv_finish_deferred(d);
    if (rc == 0 && (rc = ptype_unpin(ctx, MFN(mfn))) == -XEN_EAGAIN) {
        pv_defer(d, MFN(mfn)); /* unpinned it is */
        rc = 0;
    }
    unlock(&d->pv->pt_lock);
    return rc;
}

/* ---- Pages ---- */

static int page_clear(struct domain *d, uint64_t mfn)
{
    void *p;

    if (!frame_get_writable(MFN(mfn), d))
        return -XEN_EINVAL;
    p = frame_map(MFN(mfn));
    memset(p, 0, PAGE_SIZE);
    frame_unmap(p);
    frame_put_writable(MFN(mfn));
    return 0;
}

static int page_copy(struct domain *d, uint64_t to, uint64_t from)
{
    void *dst, *src;

    if (!frame_get(MFN(from), d))
        return -XEN_EINVAL;
    if (!frame_get_writable(MFN(to), d)) {
        frame_put(MFN(from));
        return -XEN_EINVAL;
    }
    dst = frame_map(MFN(to));
    src = frame_map(MFN(from));
    memcpy(dst, src, PAGE_SIZE);
    frame_unmap(src);
    frame_unmap(dst);
    frame_put_writable(MFN(to));
    frame_put(MFN(from));
    return 0;
}

/* ---- Flushes ---- */

static int flush_multi(const struct mmuext_op *op)
{
    struct domain *d = current->domain;
    cpumask_t mask;

    if (mmu_vcpumask_read(d, guest_addr(op->arg2.vcpumask), &mask))
        return -XEN_EINVAL;
    if (op->cmd == MMUEXT_TLB_FLUSH_MULTI)
        tlb_flush_mask(&mask);
    else if (guest_range_ok(op->arg1.linear_addr, 1))
        tlb_flush_page_mask(&mask, op->arg1.linear_addr);
    return 0;
}

static int flush_op(const struct mmuext_op *op)
{
    struct domain *d = current->domain;

    switch (op->cmd) {
    case MMUEXT_TLB_FLUSH_LOCAL:
        tlb_flush_local();
        return 0;
    case MMUEXT_INVLPG_LOCAL:
        if (guest_range_ok(op->arg1.linear_addr, 1))
            tlb_flush_page_local(op->arg1.linear_addr);
        return 0;
    case MMUEXT_TLB_FLUSH_ALL:
        tlb_flush_mask(&d->dirty_cpus);
        return 0;
    case MMUEXT_INVLPG_ALL:
        if (guest_range_ok(op->arg1.linear_addr, 1))
            tlb_flush_page_mask(&d->dirty_cpus, op->arg1.linear_addr);
        return 0;
    default:
        return flush_multi(op);
    }
}

static int flush_cache(const struct domain *d)
{
    if (!d->is_privileged)
        return -XEN_EACCES;
    __asm__ volatile("wbinvd" ::: "memory");
    return 0;
}

/* ---- The hypercall ---- */

static int ext_op(const struct mmu_context *x, const struct mmuext_op *op, struct domain *frames_of)
{
    struct ptype_ctx pin = { frames_of->id, frames_of->id };
    struct domain *self = current->domain;

    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
        COUNT(pin);
        return table_pin(&pin, frames_of, op->arg1.mfn, (enum frame_type)(FT_L1 + op->cmd - MMUEXT_PIN_L1_TABLE));
    case MMUEXT_UNPIN_TABLE:
        COUNT(unpin);
        return table_unpin(&pin, frames_of, op->arg1.mfn);
    case MMUEXT_NEW_BASEPTR:
        return frames_of == self ? new_baseptr(op->arg1.mfn) : -XEN_EPERM;
    case MMUEXT_NEW_USER_BASEPTR:
        return frames_of == self ? new_user_baseptr(op->arg1.mfn) : -XEN_EPERM;
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
        return frames_of == self ? flush_op(op) : -XEN_EPERM;
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        return frames_of == self ? flush_cache(self) : -XEN_EPERM;
    case MMUEXT_SET_LDT:
        return frames_of == self ? pv_ldt_set(current, op->arg1.linear_addr, op->arg2.nr_ents) : -XEN_EPERM;
    case MMUEXT_CLEAR_PAGE:
        return page_clear(frames_of, op->arg1.mfn);
    case MMUEXT_COPY_PAGE:
        return page_copy(frames_of, op->arg1.mfn, op->arg2.src_mfn);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER:
        return -XEN_EOPNOTSUPP; /* superpages of PV guests are not offered: no XENFEAT for them */
    default:
        return -XEN_ENOSYS;
    }
}

/* What the last operation left to be taken apart: who did it for another domain may want the frames at once. */
static int finish(struct domain *d)
{
    int rc = 0;

    if (d->pv && !mfn_eq(READ_ONCE(d->pv->deferred), MFN_NONE)) {
        lock(&d->pv->pt_lock);
        rc = pv_finish_deferred(d);
        unlock(&d->pv->pt_lock);
    }
    return rc;
}

long do_mmuext_op(struct hcall *c)
{
    uint32_t count, before, done = 0;
    struct mmu_context x;
    struct mmuext_op op;
    struct domain *d;
    long rc;

    if (mmu_list_begin(c, &count, &before))
        return -XEN_EFAULT;
    rc = mmu_context_get(&x, (uint16_t)c->arg[3]);
    if (rc)
        return mmu_list_end(c, count, before, 0, 0, rc);
    if (x.ctx.frame_owner == DOMID_IO || x.ctx.frame_owner == DOMID_XEN)
        rc = -XEN_EPERM;
    d = x.frame_domain ? x.frame_domain : current->domain;
    while (rc == 0 && done < count) {
        rc = copy_from_guest_at(&op, c->arg[0], done, sizeof(op));
        if (rc == 0)
            rc = ext_op(&x, &op, d);
        if (rc)
            break;
        if (++done < count && preempt_needed())
            rc = -XEN_EAGAIN;
    }
    if (rc == 0)
        rc = finish(d);
    mmu_context_put(&x);
    return mmu_list_end(c, count, before, done, sizeof(op), rc);
}
