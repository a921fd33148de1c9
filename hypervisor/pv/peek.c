/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See peek.h.  The tables are read under the domain's pt_lock: what they lead to exists as long. */
#include "pv/peek.h"
#include "core/ptype.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/pages.h"
#include "pv/mmu.h"
#include "pv/pv.h"
#include "x86/uaccess.h"

/* The L1 entry for gva below table m of that level; 0: none. */
static uint64_t walk(mfn_t m, unsigned level, uint64_t gva)
{
    uint64_t e;

    for (;; level--, m = pte_mfn(e)) {
        e = pv_entry_read(m, gva >> (PAGE_SHIFT + 9 * (level - 1)) & (PTE_ENTRIES - 1));
        if (!(e & PTE_P) || !frame_is_ram(pte_mfn(e)))
            return 0;
        if (level == 1)
            return e;
        if (e & PTE_PS)
            return 0;
    }
}

/* [pt_lock] */
static uint64_t leaf_entry(struct domain *d, uint64_t gva, uint64_t l3e)
{
    const struct vcpu *v = domain_vcpu(d, 0);
    uint64_t e = 0;

    if (!guest_range_ok(gva, 1))
        return 0;
    if (!l3e)
        return v && !mfn_eq(v->pv->table, MFN_NONE) ? walk(v->pv->table, 4, gva) : 0;
    if (!(l3e & PTE_P) || !frame_get(pte_mfn(l3e), d))
        return 0;
    if (ptype_level(pte_mfn(l3e)) == 2)
        e = walk(pte_mfn(l3e), 2, gva);
    frame_put(pte_mfn(l3e));
    return e;
}

bool pv_peek_get(struct domain *d, uint64_t gva, uint64_t l3e, bool writable, mfn_t *out)
{
    struct domain *owner;
    bool ok = false;
    uint64_t e;

    lock(&d->pv->pt_lock);
    e = leaf_entry(d, gva, l3e);
    if (e) {
        *out = pte_mfn(e);
        owner = frame_owner(*out); /* another's, if it is mapped by a grant; the entry's reference keeps both */
        ok = owner && (writable ? frame_get_writable(*out, owner) : frame_get(*out, owner));
    }
    unlock(&d->pv->pt_lock);
    return ok;
}

void pv_peek_put(mfn_t m, bool writable)
{
    if (writable)
        frame_put_writable(m);
    else
        frame_put(m);
}
