/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory: machine frames (core/buddy.c, one for each NUMA node), and the hypervisor's small objects.
 *
 * One lock for all nodes: what is claimed and what is free is counted over all of them, who finds nothing on one goes
 * on to the next, and the lock is not held for long.
 *
 * P4 (core/ptype.h) at this place: a frame that comes out of here again has been flushed from every CPU that could
 * still hold a translation of it: freeing stamps it, allocating flushes whoever hasn't flushed since.  Objects are seen
 * through the direct map only, which stays: they leave nothing to flush, and so no call waits for other CPUs for their sake.
 *
 * Frames out of use: their ref word is REF_OFFLINE alone, they are on no list; those that will be have a mark.
 *
 * Small objects (core/slab.c): sizes are powers of two from 16 to 2048, each cut from pages of its own.  Bigger ones are
 * whole pages.
 */
#include "x86/alloc.h"
#include "core/buddy.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/slab.h"
#include "core/string.h"
#include "x86/cpumask.h"
#include "x86/layout.h"
#include "x86/lock.h"
#include "x86/numa.h"
#include "x86/tlb.h"

#define SMALL_MIN_SHIFT 4
#define SMALL_MAX_SHIFT 11

struct frame *frames = (struct frame *)FRAMES_START;
uint64_t nr_frames;
struct frame_range ram_ranges[RAM_RANGES_MAX];
unsigned nr_ram_ranges;

static struct buddy boot_heap = { .tag = OWNER_NONE - NUMA_NODES }, *heaps = &boot_heap; /* a node each [heap_lock] */
static unsigned nr_heaps = 1;                   /* [const after boot] */
static unsigned low_bits;                       /* shorter addresses than that are for who needs them [const after boot] */
static uint64_t nr_free;                        /* frames [heap_lock, read anywhere] */
static uint64_t claimed;                        /* frames promised, not yet allocated [heap_lock] */
static struct heap_share ours;
static spinlock_t heap_lock = LOCK_INIT(RANK_HEAP);

static uint64_t *leaving;                       /* a bit a frame: goes out of use when it is freed; NULL: none did yet [heap_lock] */

#define SLAB(n) [n] = { .memory = (char *)DIRECT_START, .shift = (n) }
static struct slab slabs[SMALL_MAX_SHIFT + 1] = { /* [small_lock] */
    SLAB(4), SLAB(5), SLAB(6), SLAB(7), SLAB(8), SLAB(9), SLAB(10), SLAB(11),
};
static spinlock_t small_lock = LOCK_INIT(RANK_HEAP);

/* The heap to which the frames of m's chunk belong. */
static struct buddy *heap_of(mfn_t m)
{
    return &heaps[nr_heaps > 1 ? numa_node_of(m) : 0];
}

/* [heap_lock] */
static void free_chunk(mfn_t m, unsigned order)
{
    nr_free += 1ul << order;
    buddy_free(heap_of(m), m, order);
}

void heap_add(uint64_t first, uint64_t end)
{
    first = MAX(first, 1ul); /* as buddy_add() has it */
    lock(&heap_lock);
    while (first < end) {
        uint64_t piece_end = numa_piece(first, end);

        buddy_add(heap_of(MFN(first)), first, piece_end);
        nr_free += piece_end - first;
        first = piece_end;
    }
    unlock(&heap_lock);
}

/* Low addresses, up to a quarter of what the node that has them has, are not given to who can have others from another node:
 * devices may need them. */
static unsigned low_bits_choose(void)
{
    uint64_t quarter = numa_frames(numa_node_of(MFN(ram_ranges[0].first))) / 4;

    return quarter > 1 ? MIN(64u - (unsigned)__builtin_clzl(quarter - 1) + PAGE_SHIFT, 32u) : 0;
}

void heap_divide(void)
{
    struct buddy *parts = mem_alloc(numa_nodes() * sizeof(*parts));

    if (!parts)
        panic("no memory for the heaps of %u nodes\n", numa_nodes());
    for (unsigned node = 0; node < numa_nodes(); node++)
        parts[node].tag = (uint16_t)(OWNER_NONE - node); /* no domain's id */
    nr_heaps = numa_nodes();
    heaps = parts;
    nr_free = 0;
    low_bits = low_bits_choose();
    for (unsigned order = BUDDY_MAX_ORDER + 1; order-- > 0;)
        for (mfn_t m; !mfn_eq(m = buddy_alloc(&boot_heap, order, 0, 64), MFN_NONE);)
            heap_add(m.n, m.n + (1ul << order));
    for (unsigned node = 0; node < nr_heaps; node++)
        log_info("NUMA node %u: %lu MiB, %lu free\n", node, numa_frames(node) >> 8, frames_free_between(node, 0, 64) >> 8);
}

/* The first of these nodes, from the owner's turn on, that has what is wanted. [heap_lock] */
static mfn_t nodes_alloc(struct heap_share *owner, uint64_t nodes, unsigned order, unsigned min_bits, unsigned max_bits)
{
    mfn_t m = MFN_NONE;

    for (unsigned i = 0, node = owner->turn; i < nr_heaps && mfn_eq(m, MFN_NONE); i++) {
        if (nodes >> node & 1)
            m = buddy_alloc(&heaps[node], order, min_bits, max_bits);
        node = node + 1 < nr_heaps ? node + 1 : 0;
        if (!mfn_eq(m, MFN_NONE))
            owner->turn = node;
    }
    return m;
}

/* Rather far away than at a low address. [heap_lock] */
static mfn_t near_alloc(struct heap_share *owner, uint64_t nodes, unsigned order, struct frames_where w)
{
    const uint64_t tries[] = { w.node < NUMA_NODES ? 1ul << w.node : nodes, w.exact ? 0 : nodes, w.exact ? 0 : ~0ul };
    mfn_t m = MFN_NONE;

    for (unsigned low = low_bits;; low = 0) {
        for (unsigned i = 0; i < ARRAY_SIZE(tries) && mfn_eq(m, MFN_NONE); i++)
            m = nodes_alloc(owner, tries[i], order, low + 1, w.below_bits);
        if (!low || !mfn_eq(m, MFN_NONE))
            return m;
    }
}

/* What others have claimed stays; what the owner's own claim covers comes off it. */
static mfn_t claimed_alloc(struct heap_share *owner, uint64_t nodes, unsigned order, struct frames_where w)
{
    uint64_t n = 1ul << order, covered;
    mfn_t m = MFN_NONE;

    lock(&heap_lock);
    covered = MIN(owner->claim, n);
    if (claimed - covered + n <= nr_free)
        m = near_alloc(owner, nodes, order, w);
    if (!mfn_eq(m, MFN_NONE)) {
        owner->claim -= covered;
        claimed -= covered;
        nr_free -= n;
    }
    unlock(&heap_lock);
    return m;
}

int frames_claim(struct heap_share *owner, uint64_t n)
{
    uint64_t others;
    int rc = -XEN_ENOMEM;

    lock(&heap_lock);
    others = claimed - owner->claim;
    if (n <= nr_free - MIN(others, nr_free)) {
        claimed = others + n;
        owner->claim = n;
        rc = 0;
    }
    unlock(&heap_lock);
    return rc;
}

mfn_t frames_alloc(unsigned order, unsigned below_bits)
{
    return frames_alloc_for(&ours, 1ul << numa_node_of_cpu(cpu_id()), order,
                            (struct frames_where){ .below_bits = (uint8_t)below_bits, .node = NODE_ANY });
}

mfn_t frames_alloc_for(struct heap_share *owner, uint64_t nodes, unsigned order, struct frames_where where)
{
    uint32_t flushed = ~0u;
    mfn_t m = claimed_alloc(owner, nodes, order, where);

    if (mfn_eq(m, MFN_NONE))
        return m;
    for (uint64_t i = 0; i < 1ul << order; i++) {
        struct frame *f = frame_of(MFN(m.n + i));

        if (f->type && TYPE_AUX(f->type) != flushed) {
            flushed = TYPE_AUX(f->type);
            tlb_flush_older(&cpu_online, flushed);
        }
        f->type = 0;
    }
    return m;
}

/* Does any of these go out of use? [heap_lock] */
static bool leaves_any(mfn_t m, unsigned order)
{
    bool any = false;

    for (uint64_t i = m.n; leaving && i < m.n + (1ul << order) && !any; i++)
        any = leaving[i / 64] >> (i % 64) & 1;
    return any;
}

/* It does, and is marked no longer. [heap_lock] */
static bool leave_take(mfn_t m)
{
    if (!leaves_any(m, 0))
        return false;
    leaving[m.n / 64] &= ~(1ul << (m.n % 64));
    return true;
}

/* [heap_lock] */
static void free_or_leave(mfn_t m)
{
    if (leave_take(m))
        frame_of(m)->ref = REF_OFFLINE;
    else
        free_chunk(m, 0);
}

/* `type` says what to flush for before they are used again. */
static void frames_give(mfn_t m, unsigned order, uint64_t type)
{
    for (uint64_t i = 0; i < 1ul << order; i++) {
        frame_of(MFN(m.n + i))->ref = 0;
        frame_of(MFN(m.n + i))->type = type;
    }
    lock(&heap_lock);
    if (likely(!leaves_any(m, order)))
        free_chunk(m, order);
    else
        for (uint64_t i = 0; i < 1ul << order; i++)
            free_or_leave(MFN(m.n + i));
    unlock(&heap_lock);
}

void frames_free(mfn_t m, unsigned order)
{
    frames_give(m, order, (uint64_t)FT_WRITABLE << TYPE_SHIFT | (uint64_t)tlb_stamp() << TYPE_AUX_SHIFT);
}

/* ---- Out of use ---- */

/* Make room for the marks.  False: no memory. */
static bool marks_make(void)
{
    uint64_t *none = NULL, *marks;

    if (__atomic_load_n(&leaving, __ATOMIC_ACQUIRE))
        return true;
    marks = mem_alloc(DIV_UP(nr_frames, 64) * sizeof(*marks));
    if (marks && !__atomic_compare_exchange_n(&leaving, &none, marks, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        mem_free(marks);
    return marks;
}

int frame_take_offline(mfn_t m, domid_t *owner)
{
    struct frame *f = frame_of(m);
    int rc = FRAME_OFFLINE;
    uint64_t ref;

    if (!marks_make())
        return -XEN_ENOMEM;
    lock(&heap_lock);
    ref = READ_ONCE(f->ref);
    if (buddy_take(heap_of(m), m)) {
        nr_free--;
        f->ref = REF_OFFLINE;
    } else if (ref_used(ref) && !(ref & REF_SHARED)) {
        leaving[m.n / 64] |= 1ul << (m.n % 64);
        rc = FRAME_PENDING;
        if (owner)
            *owner = (domid_t)ref_owner(ref);
    } else if (ref != REF_OFFLINE) {
        rc = -XEN_EPERM;
    }
    unlock(&heap_lock);
    return rc;
}

bool frame_bring_online(mfn_t m)
{
    struct frame *f = frame_of(m);
    bool was;

    lock(&heap_lock);
    was = f->ref == REF_OFFLINE;
    if (was) {
        f->ref = 0;
        free_chunk(m, 0);
    } else {
        was = leave_take(m);
    }
    unlock(&heap_lock);
    return was;
}

enum frame_use frame_use(mfn_t m)
{
    enum frame_use use;

    lock(&heap_lock);
    use = frame_of(m)->ref == REF_OFFLINE ? FRAME_OFFLINE : leaves_any(m, 0) ? FRAME_PENDING : FRAME_ONLINE;
    unlock(&heap_lock);
    return use;
}

uint64_t frames_free_count(void)
{
    return READ_ONCE(nr_free);
}

uint64_t frames_free_between(unsigned node, unsigned min_bits, unsigned max_bits)
{
    uint64_t n = 0;

    lock(&heap_lock);
    for (unsigned i = 0; i < nr_heaps; i++)
        if (i == node || node == NODE_ANY)
            n += buddy_free_between(&heaps[i], min_bits, max_bits);
    unlock(&heap_lock);
    return n;
}

uint64_t frames_claimed(void)
{
    return READ_ONCE(claimed);
}

unsigned heap_audit(void)
{
    unsigned faults = 0;
    uint64_t free = 0;

    lock(&heap_lock);
    for (unsigned i = 0; i < nr_heaps; i++) {
        faults += buddy_audit(&heaps[i]);
        free += buddy_free_between(&heaps[i], 0, 64);
    }
    if (free != nr_free) {
        log_err("heap: %lu frames on the lists, %lu counted\n", free, nr_free);
        faults++;
    }
    unlock(&heap_lock);
    return faults;
}

void *pages_alloc(unsigned order)
{
    mfn_t m = frames_alloc(order, 42); /* inside the direct map */
    void *p;

    if (mfn_eq(m, MFN_NONE))
        return NULL;
    p = maddr_to_virt(mfn_to_maddr(m));
    memset(p, 0, PAGE_SIZE << order);
    return p;
}

void pages_free(void *p, unsigned order)
{
    if (p)
        frames_free(virt_to_mfn(p), order);
}

/* ---- Objects ---- */

unsigned pages_order(size_t bytes)
{
    unsigned order = 0;

    while (PAGE_SIZE << order < bytes)
        order++;
    return order;
}

static void *pages_alloc_marked(size_t size)
{
    unsigned order = pages_order(size);
    void *p = order <= BUDDY_MAX_ORDER ? pages_alloc(order) : NULL;

    if (p)
        slab_mark(virt_to_mfn(p), SMALL_MAX_SHIFT + 1 + order);
    return p;
}

/* Two who find no page may both bring one. */
static void *small_alloc(struct slab *s)
{
    void *page, *p;

    lock(&small_lock);
    p = slab_take(s);
    unlock(&small_lock);
    page = p ? NULL : pages_alloc(0);
    if (page) {
        lock(&small_lock);
        p = slab_take_from(s, virt_to_mfn(page));
        unlock(&small_lock);
    }
    return p;
}

void *mem_alloc(size_t size)
{
    unsigned shift = SMALL_MIN_SHIFT;
    void *p;

    if (size > 1ul << SMALL_MAX_SHIFT)
        return pages_alloc_marked(size);
    while (1ul << shift < size)
        shift++;
    p = small_alloc(&slabs[shift]);
    if (p)
        memset(p, 0, 1ul << shift);
    return p;
}

void mem_free(void *p)
{
    mfn_t page;
    unsigned shift;
    bool empty;

    if (!p)
        return;
    page = virt_to_mfn(p);
    shift = slab_shift(page);
    if (shift > SMALL_MAX_SHIFT) {
        frames_give(page, shift - SMALL_MAX_SHIFT - 1, 0);
        return;
    }
    lock(&small_lock);
    empty = slab_give(&slabs[shift], page, p);
    unlock(&small_lock);
    if (empty)
        frames_give(page, 0, 0);
}

void *frame_map(mfn_t m)
{
    return maddr_to_virt(mfn_to_maddr(m));
}

void frame_unmap(const void *p)
{
}
