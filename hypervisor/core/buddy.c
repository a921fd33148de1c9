/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The buddy allocator: purpose and invariants are in core/buddy.h. */
#include "core/buddy.h"
#include "core/port.h"

#define ADDRESS_BITS (PAGE_SHIFT + BUDDY_ZONES - 1u)

static unsigned zone_of(uint64_t mfn)
{
    return mfn ? 64 - (unsigned)__builtin_clzl(mfn) : 0;
}

/* What the first frame of a free chunk has as ref, but for its link. */
static uint64_t chunk_word(const struct buddy *b, unsigned order)
{
    return (uint64_t)b->tag << REF_OWNER_SHIFT | REF_FREE | (uint64_t)order << REF_ORDER_SHIFT;
}

static void chunk_push(struct buddy *b, uint64_t mfn, unsigned order)
{
    frames[mfn].ref = chunk_word(b, order);
    frame_list_add(&b->heads[zone_of(mfn)][order], (uint32_t)mfn);
}

static void chunk_take(struct buddy *b, uint64_t mfn, unsigned order)
{
    frame_list_remove(&b->heads[zone_of(mfn)][order], (uint32_t)mfn);
    frames[mfn].ref = 0;
}

static bool chunk_is_free(const struct buddy *b, uint64_t mfn, unsigned order)
{
    return frame_is_ram(MFN(mfn)) && (frames[mfn].ref & ~LINK_MASK) == chunk_word(b, order);
}

static mfn_t zone_alloc(struct buddy *b, unsigned zone, unsigned order)
{
    unsigned o = order;
    uint64_t mfn;

    while (o <= BUDDY_MAX_ORDER && !b->heads[zone][o])
        o++;
    if (o > BUDDY_MAX_ORDER)
        return MFN_NONE;
    mfn = b->heads[zone][o];
    chunk_take(b, mfn, o);
    while (o-- > order) /* keep the upper half: low memory is the scarcer */
        chunk_push(b, mfn + (1ul << o), o);
    b->zone_free[zone] -= 1ul << order;
    return MFN(mfn);
}

mfn_t buddy_alloc(struct buddy *b, unsigned order, unsigned min_bits, unsigned max_bits)
{
    mfn_t m = MFN_NONE;

    if (order > BUDDY_MAX_ORDER)
        return m;
    for (unsigned bits = MIN(max_bits, ADDRESS_BITS); bits > PAGE_SHIFT && bits >= min_bits && mfn_eq(m, MFN_NONE); bits--)
        if (b->zone_free[bits - PAGE_SHIFT] >> order)
            m = zone_alloc(b, bits - PAGE_SHIFT, order);
    return m;
}

bool buddy_take(struct buddy *b, mfn_t m)
{
    unsigned order = 0;
    uint64_t first = m.n;

    while (order <= BUDDY_MAX_ORDER && !chunk_is_free(b, first, order))
        first = m.n >> (order + 1) << (order + 1), order++;
    if (order > BUDDY_MAX_ORDER)
        return false;
    chunk_take(b, first, order);
    while (order-- > 0) { /* keep the half without m */
        uint64_t upper = first + (1ul << order);

        chunk_push(b, m.n < upper ? upper : first, order);
        first = m.n < upper ? first : upper;
    }
    b->zone_free[zone_of(m.n)]--;
    return true;
}

void buddy_free(struct buddy *b, mfn_t m, unsigned order)
{
    uint64_t mfn = m.n;

    b->zone_free[zone_of(mfn)] += 1ul << order;
    for (; order < BUDDY_MAX_ORDER; order++) {
        uint64_t buddy = mfn ^ 1ul << order;

        /* A chunk must lie in one zone, so that a width limit holds for all of it. */
        if (zone_of(buddy) != zone_of(mfn) || !chunk_is_free(b, buddy, order))
            break;
        chunk_take(b, buddy, order);
        mfn = MIN(mfn, buddy);
    }
    chunk_push(b, mfn, order);
}

void buddy_add(struct buddy *b, uint64_t first, uint64_t end)
{
    if (first == 0)
        first = 1;
    while (first < end) {
        unsigned aligned = (unsigned)__builtin_ctzl(first), fits = 63 - (unsigned)__builtin_clzl(end - first);
        unsigned order = MIN(MIN(aligned, fits), (unsigned)BUDDY_MAX_ORDER);

        buddy_free(b, MFN(first), order);
        first += 1ul << order;
    }
}

uint64_t buddy_free_between(const struct buddy *b, unsigned min_bits, unsigned max_bits)
{
    uint64_t n = 0;

    for (unsigned zone = 1; zone < BUDDY_ZONES; zone++)
        if (zone + PAGE_SHIFT >= min_bits && zone + PAGE_SHIFT <= max_bits)
            n += b->zone_free[zone];
    return n;
}

void buddy_each(const struct buddy *b, void (*fn)(mfn_t m, unsigned order))
{
    for (unsigned zone = 0; zone < BUDDY_ZONES; zone++)
        for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
            for (uint32_t mfn = b->heads[zone][order]; mfn; mfn = frame_next(mfn))
                fn(MFN(mfn), order);
}

static unsigned chunk_audit(const struct buddy *b, uint64_t mfn, unsigned zone, unsigned order)
{
    if (!chunk_is_free(b, mfn, order) || zone_of(mfn) != zone || mfn % (1ul << order)) {
        log_err("buddy: B1/B2 broken at frame %lx, order %u, zone %u\n", mfn, order, zone);
        return 1;
    }
    if (order < BUDDY_MAX_ORDER && zone_of(mfn ^ 1ul << order) == zone && chunk_is_free(b, mfn ^ 1ul << order, order)) {
        log_err("buddy: B3 broken at frame %lx, order %u\n", mfn, order);
        return 1;
    }
    return 0;
}

static unsigned zone_audit(const struct buddy *b, unsigned zone)
{
    unsigned faults = 0;
    uint64_t n = 0;

    for (unsigned order = 0; order <= BUDDY_MAX_ORDER; order++)
        for (uint32_t mfn = b->heads[zone][order], bad = 0; mfn && !bad; mfn = frame_next(mfn)) {
            bad = chunk_audit(b, mfn, zone, order); /* what it has as link, too, then */
            faults += bad;
            n += 1ul << order;
        }
    if (n != b->zone_free[zone]) {
        log_err("buddy: %lu frames on the lists of zone %u, %lu counted\n", n, zone, b->zone_free[zone]);
        faults++;
    }
    return faults;
}

unsigned buddy_audit(const struct buddy *b)
{
    unsigned faults = 0;

    for (unsigned zone = 0; zone < BUDDY_ZONES; zone++)
        faults += zone_audit(b, zone);
    return faults;
}
