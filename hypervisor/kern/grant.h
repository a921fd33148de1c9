/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables: the shell around core/grant.c (locks, hypercall 20, frames, references, page tables).
 *
 * Life of a domain's part: grant_domain_create() after pages_domain_create(); grant_domain_kill() when its vCPUs have
 * stopped for good, best after its page tables are gone (then a granter sees its entries unused only when nothing maps
 * them): it frees the shared frames too; grant_domain_free() when the last reference to the domain is dropped: each
 * mapping of a domain's frames by another holds a reference to the granting domain, so the counts outlive all uses.
 */
#pragma once

#include "core/types.h"

struct domain;

/* gnttab_max_frames=, gnttab_max_maptrack_frames=, gnttab=max-ver:<n>: defaults and upper limits. [const after boot] */
extern unsigned grant_opt_max_frames, grant_opt_max_maptrack, grant_opt_max_version;

/*
 * A version-1 table with one frame.  Negative limits: the defaults above.  max_maptrack counts in frames of 256
 * mappings, 0 is allowed.  -XEN_EINVAL (above the defaults, no frames, version not 1 or 2), -XEN_ENOMEM.
 */
int grant_domain_create(struct domain *d, int max_frames, int max_maptrack, unsigned max_version);
/* Release all that d has mapped, and its table's frames.  Preemptible: -XEN_EAGAIN = call again.  No lock held. */
int grant_domain_kill(struct domain *d);
void grant_domain_free(struct domain *d);

/* For XENMEM_acquire_resource with XENMEM_resource_grant_table: n frames from `first` on into out[] of d's table (or of its status
 * frames), which grows if need be.  No reference is taken: a frame_get(m, d) fails if d has just died.  -XEN_EINVAL: above the limit, or
 * status frames of a version-1 table; -XEN_ENOMEM.  Preemptible: -XEN_EAGAIN = call again. */
int grant_resource_frames(struct domain *d, unsigned id, uint64_t first, unsigned n, mfn_t *out);
/* How many frames of that kind there can be (what the call gives for nr_frames = 0); 0: no such id. */
unsigned grant_resource_max(const struct domain *d, unsigned id);

/* Log d's entries in use and its mappings (debug key 'g', GNTTABOP_dump_table).  Bounded. */
void grant_dump(struct domain *d);
