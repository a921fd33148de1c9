/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory: machine frames (core/buddy.c under one lock), and the hypervisor's small objects.
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

static struct buddy buddy;                      /* [heap_lock] */
static uint64_t claimed;                        /* frames promised, not yet allocated [heap_lock] */
static spinlock_t heap_lock = LOCK_INIT(RANK_HEAP);

static uint64_t *leaving;                       /* a bit a frame: goes out of use when it is freed; NULL: none did yet [heap_lock] */

#define SLAB(n) [n] = { .memory = (char *)DIRECT_START, .shift = (n) }
static struct slab slabs[SMALL_MAX_SHIFT + 1] = { /* [small_lock] */
    SLAB(4), SLAB(5), SLAB(6), SLAB(7), SLAB(8), SLAB(9), SLAB(10), SLAB(11),
};
static spinlock_t small_lock = LOCK_INIT(RANK_HEAP);

void heap_add(uint64_t first, uint64_t end)
{
    first = MAX(first, 1ul); /* as buddy_add() has it */
    if (first >= end)
        return;
    lock(&heap_lock);
    buddy_add(&buddy, first, end);
    numa_count_free(MFN(first), end - first, true);
    unlock(&heap_lock);
}

/* What others have claimed stays; what the allocation's own claim covers comes off it. */
static mfn_t claimed_alloc(unsigned order, unsigned below_bits, uint64_t *claim)
{
    uint64_t n = 1ul << order, covered;
    mfn_t m = MFN_NONE;

    lock(&heap_lock);
    covered = claim ? MIN(*claim, n) : 0;
    if (claimed - covered + n <= buddy.free)
        m = buddy_alloc(&buddy, order, below_bits);
    if (!mfn_eq(m, MFN_NONE))
        numa_count_free(m, n, false);
    if (covered && !mfn_eq(m, MFN_NONE)) {
        *claim -= covered;
        claimed -= covered;
    }
    unlock(&heap_lock);
    return m;
}

int frames_claim(uint64_t *claim, uint64_t n)
{
    uint64_t others;
    int rc = -XEN_ENOMEM;

    lock(&heap_lock);
    others = claimed - *claim;
    if (n <= buddy.free - MIN(others, buddy.free)) {
        claimed = others + n;
        *claim = n;
        rc = 0;
    }
    unlock(&heap_lock);
    return rc;
}

mfn_t frames_alloc(unsigned order, unsigned below_bits)
{
    return frames_alloc_for(NULL, order, below_bits);
}

mfn_t frames_alloc_for(uint64_t *claim, unsigned order, unsigned below_bits)
{
    uint32_t flushed = ~0u;
    mfn_t m = claimed_alloc(order, below_bits, claim);

    if (mfn_eq(m, MFN_NONE))
        return m;
    for (uint64_t i = 0; i < 1ul << order; i++) {
        struct frame *f = frame_of(MFN(m.n + i));

        if (f->type && TYPE_AUX(f->type) != flushed) {
            flushed = TYPE_AUX(f->type);
            tlb_flush_older(&cpu_online, flushed);
        }
        f->type = 0;
        f->next = f->prev = 0;
    }
    return m;
}

/* [heap_lock] */
static void free_chunk(mfn_t m, unsigned order)
{
    buddy_free(&buddy, m, order);
    numa_count_free(m, 1ul << order, true);
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
    if (buddy_take(&buddy, m)) {
        numa_count_free(m, 1, false);
        f->ref = REF_OFFLINE;
    } else if ((ref & REF_COUNT_MASK) && !(ref & REF_SHARED)) {
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
    return READ_ONCE(buddy.free);
}

uint64_t frames_free_between(unsigned min_bits, unsigned max_bits)
{
    uint64_t n;

    lock(&heap_lock);
    n = buddy_free_between(&buddy, min_bits, max_bits);
    unlock(&heap_lock);
    return n;
}

static void chunk_count(mfn_t m, unsigned order)
{
    numa_count_free(m, 1ul << order, true);
}

void heap_count_free(void)
{
    lock(&heap_lock);
    buddy_each(&buddy, chunk_count);
    unlock(&heap_lock);
}

uint64_t frames_claimed(void)
{
    return READ_ONCE(claimed);
}

unsigned heap_audit(void)
{
    unsigned faults;

    lock(&heap_lock);
    faults = buddy_audit(&buddy);
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

static unsigned order_of(size_t size)
{
    unsigned order = 0;

    while (PAGE_SIZE << order < size)
        order++;
    return order;
}

static void *pages_alloc_marked(size_t size)
{
    unsigned order = order_of(size);
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
