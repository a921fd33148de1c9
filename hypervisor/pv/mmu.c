/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mmu_update and update_va_mapping: changes of page-table entries.  What is allowed is core/ptype.c's business; here
 * are the guest's words, the locks, and the TLB.
 *
 * Locks: the pt_lock of the tables' owner around each change.
 * A change can leave a table to be taken apart that is too big for one go: it is kept in pv_domain.deferred, and
 * no further page-table work of that domain is done before it is finished, by whoever comes: so a guest never meets
 * the remains of a call that has ended.
 */
#include "pv/mmu.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "pv/mmu_context.h"
#include "pv/pti.h"
#include "pv/pv.h"
#include "x86/counters.h"
#include "x86/layout.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"

/* Our mark in mmu_update's count: this is the rest of a call, *pdone has been started. */
#define COUNT_CONTINUED (1u << 31)

/* ---- Walking ---- */

/* The entry for gva in the table that entry e leads to.  If present, it leads to a table, too: these have been validated. */
static inline uint64_t walk(uint64_t e, uint64_t gva, unsigned level)
{
    const uint64_t *t = maddr_to_virt(e & PTE_ADDR);

    e = READ_ONCE(t[gva >> (3 + 9 * level) & 511]);
    if (!(e & PTE_P))
        return 0;
    assert(!(e & PTE_PS) && frame_is_ram(pte_mfn(e)));
    return e;
}

inline bool pv_find_l1e(struct vcpu *v, uint64_t gva, mfn_t *table, unsigned *index)
{
    uint64_t e = mfn_to_maddr(v->pv->table);

    if (!guest_range_ok(gva, 8) || !(e = walk(e, gva, 4)) || !(e = walk(e, gva, 3)) || !(e = walk(e, gva, 2)))
        return false;
    *table = pte_mfn(e);
    *index = gva >> 12 & 511;
    return true;
}

uint64_t pv_read_l1e(struct vcpu *v, uint64_t gva)
{
    unsigned index;
    mfn_t m;

    return pv_find_l1e(v, gva, &m, &index) ? pv_entry_read(m, index) : 0;
}

/* ---- Whose tables, whose frames ---- */

/* A domain that the caller may name in page-table work, held if it isn't his own, which lives as long as he does. */
static long context_domain(domid_t id, struct domain **d)
{
    struct domain *self = current->domain;

    if (id == DOMID_SELF || id == self->id) {
        *d = self;
        return 0;
    }
    if (!self->is_privileged)
        return -XEN_EPERM;
    *d = domain_get(id);
    return *d ? 0 : -XEN_ESRCH;
}

static struct mmu_context mmu_context_self(void)
{
    struct domain *d = current->domain;

    return (struct mmu_context){ .d = d, .ctx = { d->id, d->id } };
}

static void context_domain_put(struct domain *d)
{
    if (d && unlikely(d != current->domain))
        domain_put(d);
}

long mmu_context_get(struct mmu_context *x, uint32_t foreign)
{
    uint16_t frames_of = (uint16_t)foreign, tables_of = (uint16_t)(foreign >> 16);
    struct domain *frame_domain = NULL;
    long rc;

    if (likely(foreign == DOMID_SELF)) {
        *x = mmu_context_self();
        return 0;
    }
    rc = context_domain(tables_of ? (domid_t)(tables_of - 1) : DOMID_SELF, &x->d);
    if (rc)
        return rc;
    x->ctx.table_owner = x->d->id;
    if (frames_of == DOMID_IO || frames_of == DOMID_XEN) {
        x->ctx.frame_owner = frames_of;
        rc = frames_of == DOMID_XEN && !current->domain->is_privileged ? -XEN_EPERM : 0;
    } else if (frames_of == DOMID_SELF) {
        x->ctx.frame_owner = current->domain->id;
    } else {
        rc = context_domain(frames_of, &frame_domain);
        x->ctx.frame_owner = frames_of;
    }
    if (rc) {
        context_domain_put(x->d);
        return rc;
    }
    x->frame_domain = frame_domain;
    return 0;
}

void mmu_context_put(struct mmu_context *x)
{
    context_domain_put(x->frame_domain);
    context_domain_put(x->d);
}

/* ---- Deferred work ---- */

int pv_finish_deferred(struct domain *d)
{
    struct ptype_ctx ctx = { d->id, d->id };

    if (likely(mfn_eq(d->pv->deferred, MFN_NONE)))
        return 0;
    if (ptype_unpark(&ctx, d->pv->deferred))
        return -XEN_EAGAIN;
    d->pv->deferred = MFN_NONE;
    return 0;
}

void pv_defer(struct domain *d, mfn_t m)
{
    if (likely(mfn_eq(m, MFN_NONE)))
        return;
    assert(mfn_eq(d->pv->deferred, MFN_NONE));
    d->pv->deferred = m;
}

/* ---- mmu_update ---- */

/* Not a page table: the guest's plain memory, written for it. */
static int plain_write(mfn_t m, unsigned index, uint64_t val)
{
    uint64_t *t;

    if (ptype_get_writable(m))
        return -XEN_EINVAL;
    t = frame_map(m);
    WRITE_ONCE(t[index], val);
    frame_unmap(t);
    ptype_put_writable(m);
    return 0;
}

static int update_entry(const struct mmu_context *x, uint64_t ptr, uint64_t val, bool preserve_ad)
{
    mfn_t m = maddr_to_mfn(ptr), deferred = MFN_NONE;
    unsigned index = (ptr & ~PAGE_MASK) / 8, level = 0;
    int rc;

    if (!frame_ref_get(m, x->ctx.table_owner))
        return -XEN_EINVAL;
    lock(&x->d->pv->pt_lock);
    rc = pv_finish_deferred(x->d);
    if (rc == 0) {
        level = ptype_level(m);
        rc = level ? ptype_set_entry(&x->ctx, m, index, val, preserve_ad, &deferred) : plain_write(m, index, val);
        pv_defer(x->d, deferred);
    }
    unlock(&x->d->pv->pt_lock);
    if (unlikely(level == 4))
        pti_l4_changed(x->d);
    frame_put(m);
    return rc;
}

static int update_machphys(const struct mmu_context *x, uint64_t ptr, uint64_t val)
{
    mfn_t m = maddr_to_mfn(ptr);
    uint16_t owner = x->frame_domain ? x->frame_domain->id : current->domain->id;

    if (!frame_ref_get(m, owner))
        return -XEN_EINVAL;
    WRITE_ONCE(((uint64_t *)M2P_START)[(uint32_t)m.n], val);
    frame_put(m);
    return 0;
}

static int update_one(const struct mmu_context *x, uint64_t ptr, uint64_t val)
{
    COUNT(mmu_update);
    switch (ptr & 7) {
    case MMU_NORMAL_PT_UPDATE:
    case MMU_PT_UPDATE_NO_TRANSLATE:
        return update_entry(x, ptr & ~7ul, val, false);
    case MMU_PT_UPDATE_PRESERVE_AD:
        return update_entry(x, ptr & ~7ul, val, true);
    case MMU_MACHPHYS_UPDATE:
        return update_machphys(x, ptr & ~7ul, val);
    default:
        return -XEN_ENOSYS;
    }
}

/* ---- Lists of requests ---- */

int mmu_list_begin(const struct hcall *c, uint32_t *count, uint32_t *before)
{
    *count = (uint32_t)c->arg[1] & ~COUNT_CONTINUED;
    *before = 0;
    return ((uint32_t)c->arg[1] & COUNT_CONTINUED) && c->arg[2] ? copy_from_guest(before, c->arg[2], sizeof(*before)) : 0;
}

long mmu_list_end(struct hcall *c, uint32_t count, uint32_t before, uint32_t done, size_t size, long rc)
{
    uint32_t total = before + done;

    /* A guest that names an unusable place gets no count: the call's own result stands. */
    if (c->arg[2] && copy_to_guest(c->arg[2], &total, sizeof(total)))
        log_debug("no place for the count at %lx\n", c->arg[2]);
    if (rc != -XEN_EAGAIN)
        return rc;
    c->arg[0] += done * size;
    c->arg[1] = (count - done) | COUNT_CONTINUED;
    return hcall_again(c);
}

/* An update's two words, in a range that is the guest's, each read once.  False: not its memory. */
static ALWAYS_INLINE bool update_read(uint64_t gva, uint64_t *ptr, uint64_t *val)
{
    guest_access_begin();
    guest_get(*ptr, gva + offsetof(struct mmu_update, ptr), fault);
    guest_get(*val, gva + offsetof(struct mmu_update, val), fault);
    guest_access_end();
    return true;
fault:
    guest_access_end();
    return false;
}

long do_mmu_update(struct hcall *c)
{
    uint32_t count, before, done = 0;
    uint64_t list = guest_clamp(c->arg[0]);
    struct mmu_context x;
    uint64_t ptr, val;
    long rc;

    if (mmu_list_begin(c, &count, &before) || !guest_range_ok(c->arg[0], (uint64_t)count * sizeof(struct mmu_update)))
        return -XEN_EFAULT;
    rc = mmu_context_get(&x, (uint32_t)c->arg[3]);
    if (rc)
        goto told;
    while (done < count) {
        rc = update_read(list + done * sizeof(struct mmu_update), &ptr, &val) ? update_one(&x, ptr, val) : -XEN_EFAULT;
        if (rc)
            break;
        if (++done < count && preempt_needed()) {
            rc = -XEN_EAGAIN;
            break;
        }
    }
    mmu_context_put(&x);
told:
    return mmu_list_end(c, count, before, done, sizeof(struct mmu_update), rc);
}

/* ---- update_va_mapping ---- */

/* The CPUs where the vCPUs of a guest's bitmap may have translations. */
int mmu_vcpumask_read(struct domain *d, uint64_t gva, cpumask_t *mask)
{
    uint8_t byte = 0;

    memset(mask, 0, sizeof(*mask));
    for (unsigned id = 0; id < d->max_vcpus; id++) {
        const struct vcpu *v = d->vcpu[id];

        if (id % 8 == 0 && copy_from_guest(&byte, gva + id / 8, 1))
            return -XEN_EFAULT;
        if (v && (byte & 1u << (id % 8)) && cpumask_test(&d->dirty_cpus, v->cpu))
            cpumask_set(mask, v->cpu);
    }
    return 0;
}

static long flush_after(uint64_t va, uint64_t flags)
{
    struct domain *d = current->domain;
    uint64_t where = flags & ~UVMF_FLUSHTYPE_MASK;
    cpumask_t mask;

    if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_NONE)
        return 0;
    if (where == UVMF_LOCAL) {
        if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_TLB_FLUSH)
            tlb_flush_local();
        else
            tlb_flush_page_local(va);
        return 0;
    }
    if (where == UVMF_ALL)
        mask = d->dirty_cpus;
    else if (mmu_vcpumask_read(d, where, &mask))
        return -XEN_EFAULT;
    if ((flags & UVMF_FLUSHTYPE_MASK) == UVMF_TLB_FLUSH)
        tlb_flush_mask(&mask);
    else
        tlb_flush_page_mask(&mask, va);
    return 0;
}

static long update_va(struct hcall *c, const struct mmu_context *x)
{
    struct domain *d = current->domain;
    mfn_t table, deferred = MFN_NONE;
    unsigned index;
    int rc;

    COUNT(update_va_mapping);
    lock(&d->pv->pt_lock);
    rc = pv_finish_deferred(d);
    if (rc == 0) {
        rc = pv_find_l1e(current, c->arg[0], &table, &index)
           ? ptype_set_entry(&x->ctx, table, index, c->arg[1], false, &deferred) : -XEN_EINVAL;
        pv_defer(d, deferred);
    }
    unlock(&d->pv->pt_lock);
    if (rc == -XEN_EAGAIN)
        return hcall_again(c);
    return rc ? rc : flush_after(c->arg[0], c->arg[2]);
}

long do_update_va_mapping(struct hcall *c)
{
    struct mmu_context x = mmu_context_self();

    return update_va(c, &x);
}

long do_update_va_mapping_otherdomain(struct hcall *c)
{
    struct mmu_context x;
    long rc = mmu_context_get(&x, (uint16_t)c->arg[3]);

    if (rc)
        return rc;
    rc = update_va(c, &x);
    mmu_context_put(&x);
    return rc;
}
