/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One CPU's trace buffer, as <xen/trace.h> has it: a ring of records in pages that we fill and a tool in dom0, which has them
 * mapped writable, empties.  The first page starts with struct t_buf; the rest is the ring.
 *
 * Invariants:
 *   T1  a record is in one piece.  If the next one doesn't fit before the ring's end, what is left there is one
 *       TRC_TRACE_WRAP_BUFFER record.
 *   T2  the tool may write anything anywhere.  We read back nothing but `cons`, once for each record, and if it is not a
 *       possible place, the ring is as good as full.
 *   T3  a record that finds no room is counted.  The next one that does comes after a TRC_LOST_RECORDS record.
 *   T4  records are whole in memory before `prod` says so.
 * Locks: none; a ring is filled by its own CPU, one record at a time.
 */
#pragma once

#include "core/types.h"
#include <xen/trace.h>

#define TRACE_RECORD_MAX ((3 + TRACE_EXTRA_MAX) * 4u) /* bytes */

struct trace_ring {
    uint32_t **page;  /* mapped for good */
    uint32_t size;    /* bytes in the ring: all pages but the header */
    uint32_t prod;    /* where the next record goes, 0 .. 2 * size - 1, as the ABI counts */
    uint32_t lost;    /* records since the last that had room */
    uint64_t lost_at; /* the first of them [tsc] */
};

struct trace_record {
    uint32_t event;        /* TRC_*, 28 bits */
    uint32_t words;        /* TRACE_EXTRA_MAX at most */
    const uint32_t *word;
    uint64_t tsc;
    uint32_t domain, vcpu; /* who ran: told if records were lost */
};

/* An empty ring in n pages of zeroes (at least one); the array is kept. */
void trace_ring_init(struct trace_ring *r, uint32_t **page, uint32_t n);
/* Append a record, or count it as lost.  True: with this record the ring has become half full. */
bool trace_ring_put(struct trace_ring *r, const struct trace_record *rec);

/* Is the event among those of a mask (<xen/sysctl.h>: evt_mask)?  One class and one subclass must be common. */
static inline bool trace_event_matches(uint32_t mask, uint32_t event)
{
    uint32_t both = mask & event;

    return (both >> TRC_CLS_SHIFT & 0xfff) && (both >> TRC_SUBCLS_SHIFT & 0xf);
}

/*
 * struct t_info: where the rings are, one list of frames a CPU.  An offset has 16 bits and counts 32-bit words.
 */
/* Pages a CPU may have at most. */
uint32_t trace_pages_max(uint32_t cpus);
/* Bytes of a t_info. */
uint32_t trace_info_size(uint32_t cpus, uint32_t pages);
/* Write the header, and the offsets of all lists. */
void trace_info_init(struct t_info *info, uint32_t cpus, uint32_t pages);
/* Put a frame into a list. */
void trace_info_set(struct t_info *info, uint32_t cpu, uint32_t page, mfn_t m);
