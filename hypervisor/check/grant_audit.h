/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The invariants G1-G5 of core/grant.h, recomputed from tables that rest. */
#pragma once

#include "core/grant_entry.h"

struct grant_party {
    domid_t id;
    const struct grant_table *table;
    const struct grant_maps *maps;
    bool bits;          /* its guest keeps to the protocol: check G2 too */
};

/* G3 for one entry: uses by party p's maps. */
static void audit_count(const struct grant_party *p, domid_t granter, grant_ref_t ref, uint32_t uses[2])
{
    for (grant_handle_t h = 0; h < grant_maps_limit(p->maps); h++) {
        const struct grant_map *m = grant_map_at(p->maps, h);

        if (m->state == GRANT_MAP_LIVE && m->dom == granter && m->ref == ref)
            uses[!!(m->flags & GNTMAP_readonly)] += grant_map_uses(m->flags);
    }
}

static const char *audit_entry(const struct grant_party *all, unsigned n, const struct grant_party *g, grant_ref_t ref)
{
    const struct grant_active *a = active_at(g->table, ref);
    uint32_t uses[2] = { 0, 0 };
    uint16_t bits;

    for (unsigned i = 0; i < n; i++)
        if (all[i].id == a->who)
            audit_count(&all[i], g->id, ref, uses);
    if (a->writers != uses[0] || a->readers != uses[1])
        return "G3: pins differ from live maps";
    if (!g->bits || g->table->retired)
        return NULL;
    bits = g->table->version == 2 ? READ_ONCE(*status_at(g->table, ref)) : READ_ONCE(entry_v1(g->table, ref)->flags);
    return (bits & (GTF_reading | GTF_writing)) == active_bits(a) ? NULL : "G2: in-use bits differ from pins";
}

static const char *audit_table(const struct grant_party *all, unsigned n, const struct grant_party *g)
{
    const char *broken = NULL;
    unsigned pinned = 0;

    for (grant_ref_t ref = 0; !broken && grant_next_pinned(g->table, &ref); ref++) {
        pinned++;
        broken = audit_entry(all, n, g, ref);
    }
    return broken ? broken : pinned != g->table->pinned ? "G4: count of pinned entries" : NULL;
}

/* Does a live map of domain `mapper` have its pin? */
static const char *audit_map(const struct grant_party *all, unsigned n, domid_t mapper, const struct grant_map *m)
{
    for (unsigned i = 0; i < n; i++) {
        const struct grant_active *a;

        if (all[i].id != m->dom)
            continue;
        if (m->ref >= table_entries(all[i].table))
            return "G3: a map's entry does not exist";
        a = active_at(all[i].table, m->ref);
        if (!active_pinned(a) || a->who != mapper)
            return "G3: a map without pin";
        return a->content.frame == m->frame.n ? NULL : "G1: a map's frame is not its entry's";
    }
    return "G3: a map without granter";
}

static const char *audit_maps(const struct grant_party *all, unsigned n, const struct grant_party *p)
{
    grant_handle_t limit = grant_maps_limit(p->maps), free = 0, h;

    for (h = p->maps->free; h != GRANT_NO_HANDLE && free <= limit; free++) {
        const struct grant_map *m = grant_map_at(p->maps, h);

        if (!m || m->state != GRANT_MAP_FREE)
            return "G5: free list";
        h = m->next;
    }
    if (free + p->maps->used != limit)
        return "G5: count of free map-track entries";
    for (h = 0; h < limit; h++) {
        const struct grant_map *m = grant_map_at(p->maps, h);
        const char *broken = m->state == GRANT_MAP_LIVE ? audit_map(all, n, p->id, m) : NULL;

        if (broken)
            return broken;
    }
    return NULL;
}

/* Check all invariants across these domains (all that have grants).  NULL, or which is broken. */
static const char *grant_audit(const struct grant_party *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const char *broken = audit_table(p, n, &p[i]);

        if (!broken)
            broken = audit_maps(p, n, &p[i]);
        if (broken)
            return broken;
    }
    return NULL;
}
