/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the parts of a grant table's entries lie: for core/grant.c and for the audit of the checking builds. */
#pragma once

#include "core/grant.h"
#include "core/nospec.h"

static inline struct grant_active *active_at(const struct grant_table *t, grant_ref_t ref)
{
    if (likely(t->version == 1)) /* the compiler divides by shifts */
        return &t->active[index_clamp(ref / GRANT_V1_PER_FRAME, t->nr_frames)][ref % GRANT_V1_PER_FRAME];
    return &t->active[index_clamp(ref / GRANT_V2_PER_FRAME, t->nr_frames)][ref % GRANT_V2_PER_FRAME];
}

static inline struct grant_entry_v1 *entry_v1(const struct grant_table *t, grant_ref_t ref)
{
    return (struct grant_entry_v1 *)t->shared[index_clamp(ref / GRANT_V1_PER_FRAME, t->nr_frames)] + ref % GRANT_V1_PER_FRAME;
}

static inline union grant_entry_v2 *entry_v2(const struct grant_table *t, grant_ref_t ref)
{
    return (union grant_entry_v2 *)t->shared[index_clamp(ref / GRANT_V2_PER_FRAME, t->nr_frames)] + ref % GRANT_V2_PER_FRAME;
}

static inline grant_status_t *status_at(const struct grant_table *t, grant_ref_t ref)
{
    return &t->status[index_clamp(ref / GRANT_STATUS_PER_FRAME, t->nr_status)][ref % GRANT_STATUS_PER_FRAME];
}

static inline uint32_t table_entries(const struct grant_table *t)
{
    return t->nr_frames * (uint32_t)(t->version == 1 ? GRANT_V1_PER_FRAME : GRANT_V2_PER_FRAME);
}

static inline bool active_pinned(const struct grant_active *a)
{
    return a->readers || a->writers;
}

static inline uint16_t active_bits(const struct grant_active *a)
{
    return (uint16_t)((active_pinned(a) ? GTF_reading : 0) | (a->writers ? GTF_writing : 0));
}
