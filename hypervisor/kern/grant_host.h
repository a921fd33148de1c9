/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What grant tables ask of the guest kind: entries of the CURRENT domain's page tables that map granted frames.
 * Called by kern/grant.c, implemented by pv/.
 *
 * Who owns the references.  A host mapping of a granted frame has the same references as an L1 entry that the
 * guest had written itself: one existence reference, and one writable-type reference if the entry is writable.
 * They belong to the L1 ENTRY from a successful grant_host_map() until a successful grant_host_unmap() or
 * _replace(), which hand them back to kern/grant.c (it drops them after the TLB flush).  So whatever else removes the
 * entry (mmu_update, page-table teardown at death) drops them exactly as for an ordinary entry; the grant's own unmap
 * then fails, and kern/grant.c never drops them a second time (grant_domain_kill() doesn't touch them either).
 *
 * d is current->domain.  Called without locks (RANK_PT is taken inside).  None of these flushes a TLB: the caller does,
 * once a batch.  They only edit one L1 entry each, and fail without any change.
 */
#pragma once

#include "core/types.h"

struct domain;

/*
 * Make the L1 entry for virtual address host_addr in the current page tables (contains_pte: the L1 entry at MACHINE
 * address host_addr, 8-byte aligned, in a frame of d's that has type L1) map `frame`: present, accessed, writable (and
 * dirty) unless readonly, user-accessible (for PV: always, the kernel is in ring 3; GNTMAP_application_map asks for it
 * too), the bits of gntmap_flags & GNTMAP_guest_avail_mask, from bit 16 on, as its available bits.
 * The frame is another domain's as a rule: no ownership check, and the frame is marked as mapped by foreigners
 * (REF_FOREIGN).  The entry takes over the references described above. An entry that was present is replaced as
 * mmu_update replaces it (its references dropped by the callee's own rules for stale translations). Gives 0; 1 if a
 * present entry was replaced (the caller then flushes); -XEN_EINVAL or -XEN_EFAULT for an address without (own,
 * writable) L1 entry, not canonical, or in the hypervisor's area.
 */
int grant_host_map(struct domain *d, uint64_t host_addr, bool contains_pte, mfn_t frame, bool readonly,
                   uint32_t gntmap_flags);

/*
 * Clear that entry.  It must be present, map `frame`, and be writable exactly if !readonly (else its references
 * are not those that are handed back).  0, or -XEN_EINVAL / -XEN_EFAULT.
 */
int grant_host_unmap(struct domain *d, uint64_t host_addr, bool contains_pte, mfn_t frame, bool readonly);

/*
 * GNTTABOP_unmap_and_replace: as unmap (by virtual address), but the entry gets the content of the L1 entry for
 * virtual address new_addr, which becomes empty; the references of that content move with it.
 */
int grant_host_replace(struct domain *d, uint64_t host_addr, mfn_t frame, bool readonly, uint64_t new_addr);

/*
 * A transferred frame arrived in domain `to`, which wants it at guest frame number `slot` (any value: from the guest).
 * PV: write the machine-to-physical table.  Called with to's grant lock held: takes no lock below RANK_PAGES.
 */
void grant_host_frame_moved(struct domain *to, mfn_t frame, gfn_t slot);
