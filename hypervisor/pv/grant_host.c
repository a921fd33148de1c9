/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of a para-virtual guest's tables that map granted frames: the contract is in kern/grant_host.h. */
#include "core/port.h"
#include "core/ptype.h"
#include "kern/domain.h"
#include "kern/grant_host.h"
#include "kern/pages.h"
#include "pv/mmu.h"
#include "pv/pv.h"
#include "x86/layout.h"
#include <xen/grant_table.h>

/* The entry at a machine address. */
static __attribute__((noinline)) int entry_at(struct domain *d, uint64_t host_addr, mfn_t *table, unsigned *index)
{
    bool is_table;

    *table = maddr_to_mfn(host_addr);
    *index = (host_addr & ~PAGE_MASK) / 8;
    if ((host_addr & 7) || !frame_get(*table, d)) /* held: or it might be another domain's table when its type is looked at */
        return -XEN_EINVAL;
    is_table = ptype_level(*table) == 1;
    frame_put(*table);
    return is_table ? 0 : -XEN_EINVAL;
}

/* Where the entry lies. [pt_lock: so it stays]  d is current's, the table an L1 of it. */
static inline int entry_find(struct domain *d, uint64_t host_addr, bool contains_pte, mfn_t *table, unsigned *index)
{
    if (unlikely(contains_pte))
        return entry_at(d, host_addr, table, index);
    return pv_find_l1e(current, host_addr, table, index) && ptype_level(*table) == 1 ? 0 : -XEN_EINVAL;
}

static uint64_t entry_swap(mfn_t table, unsigned index, uint64_t e)
{
    uint64_t *t = frame_map(table);
    uint64_t old = __atomic_exchange_n(&t[index], e, __ATOMIC_SEQ_CST);

    frame_unmap(t);
    return old;
}

static bool entry_maps(uint64_t e, mfn_t frame, bool readonly)
{
    return (e & PTE_P) && mfn_eq(pte_mfn(e), frame) && !(e & PTE_RW) == readonly;
}

int grant_host_map(struct domain *d, uint64_t host_addr, bool contains_pte, mfn_t frame, bool readonly,
                   uint32_t gntmap_flags)
{
    uint64_t e = mfn_to_maddr(frame) | PTE_P | PTE_US | PTE_A | (readonly ? 0 : PTE_RW | PTE_D) |
                 ((uint64_t)(gntmap_flags & GNTMAP_guest_avail_mask) >> 16 << 9 & PTE_AVAIL);
    uint64_t old = 0;
    unsigned index;
    mfn_t table;
    int rc;

    lock(&d->pv->pt_lock);
    rc = entry_find(d, host_addr, contains_pte, &table, &index);
    if (rc == 0) {
        if (ref_owner(READ_ONCE(frame_of(frame)->ref)) != d->id)
            __atomic_or_fetch(&frame_of(frame)->ref, REF_FOREIGN, __ATOMIC_SEQ_CST);
        old = entry_swap(table, index, e);
        ptype_leaf_put(old);
    }
    unlock(&d->pv->pt_lock);
    return rc ? rc : (old & PTE_P) != 0;
}

/* Replace the entry, if it is what it should be, by `e`. */
static inline int entry_replace(struct domain *d, uint64_t host_addr, bool contains_pte, mfn_t frame, bool readonly,
                                uint64_t e)
{
    unsigned index;
    mfn_t table;
    int rc = entry_find(d, host_addr, contains_pte, &table, &index);

    if (rc)
        return rc;
    if (!entry_maps(pv_entry_read(table, index), frame, readonly))
        return -XEN_EINVAL;
    entry_swap(table, index, e);
    return 0;
}

int grant_host_unmap(struct domain *d, uint64_t host_addr, bool contains_pte, mfn_t frame, bool readonly)
{
    int rc;

    lock(&d->pv->pt_lock);
    rc = entry_replace(d, host_addr, contains_pte, frame, readonly, 0);
    unlock(&d->pv->pt_lock);
    return rc;
}

int grant_host_replace(struct domain *d, uint64_t host_addr, mfn_t frame, bool readonly, uint64_t new_addr)
{
    unsigned index;
    mfn_t table;
    int rc;

    lock(&d->pv->pt_lock);
    rc = new_addr >> PAGE_SHIFT == host_addr >> PAGE_SHIFT ? -XEN_EINVAL
                                                            : entry_find(d, new_addr, false, &table, &index);
    if (rc == 0)
        rc = entry_replace(d, host_addr, false, frame, readonly, pv_entry_read(table, index));
    if (rc == 0)
        entry_swap(table, index, 0);
    unlock(&d->pv->pt_lock);
    return rc;
}

void grant_host_frame_moved(struct domain *to, mfn_t frame, gfn_t slot)
{
    ((uint64_t *)M2P_START)[frame.n] = slot.n;
}
