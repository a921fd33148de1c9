/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is free holds a pattern, and behind each object in use is a redzone.
 *   Z1  Free frames and objects hold FREED (an object but for the link of core/slab.c): else somebody wrote there after they were freed.
 *       Not so frames that guests had, whose type words are not 0: until they are taken again a CPU may have a translation (x86/alloc.c).
 *   Z2  The bytes from an object's end to the end of its place hold RED, and in the last word how many bytes were asked for.
 * Looked at when memory is taken and given back, and by the audit.  The frames that carry no object (pages_alloc) have no redzone.
 */
#include "check/heap.h"
#include "core/buddy.h"
#include "core/port.h"
#include "core/slab.h"
#include "x86/alloc.h"
#include "x86/cpu.h"
#include "x86/layout.h"

#define FREED    0x6b
#define RED      0xbd
#define WORD(b)  ((b) * 0x0101010101010101ul)
#define MAGIC    0x5afe0b1ec7000000ul /* with the size in the last word */
#define REDZONE  (2 * sizeof(uint64_t))
#define LINK     sizeof(uint16_t)

static uint64_t live_objects, live_bytes; /* [atomic] */
static uint32_t busy;                     /* [atomic] objects are being cut, or looked at by the audit; innermost */

mfn_t __real_buddy_alloc(struct buddy *b, unsigned order, unsigned min_bits, unsigned max_bits);
void __real_buddy_free(struct buddy *b, mfn_t m, unsigned order);
void __real_buddy_add(struct buddy *b, uint64_t first, uint64_t end);
unsigned __real_buddy_audit(const struct buddy *b);
void *__real_slab_take(struct slab *s);
void *__real_slab_take_from(struct slab *s, mfn_t page);
bool __real_slab_give(struct slab *s, mfn_t page, void *p);
void *__real_mem_alloc(size_t size);
void __real_mem_free(void *p);
unsigned __real_heap_audit(void);
mfn_t __wrap_buddy_alloc(struct buddy *b, unsigned order, unsigned min_bits, unsigned max_bits);
void __wrap_buddy_free(struct buddy *b, mfn_t m, unsigned order);
void __wrap_buddy_add(struct buddy *b, uint64_t first, uint64_t end);
unsigned __wrap_buddy_audit(const struct buddy *b);
void *__wrap_slab_take(struct slab *s);
void *__wrap_slab_take_from(struct slab *s, mfn_t page);
bool __wrap_slab_give(struct slab *s, mfn_t page, void *p);
void *__wrap_mem_alloc(size_t size);
void __wrap_mem_free(void *p);
unsigned __wrap_heap_audit(void);

__attribute__((weak)) void shadow_set(const void *p, size_t n, enum shadow what)
{
}

void heap_live(uint64_t *objects, uint64_t *bytes)
{
    *objects = __atomic_load_n(&live_objects, __ATOMIC_SEQ_CST);
    *bytes = __atomic_load_n(&live_bytes, __ATOMIC_SEQ_CST);
}

/* Not memset: that is checked. */
static void fill(void *p, size_t n, uint8_t byte)
{
    size_t words = n / 8, rest = n % 8;

    __asm__ volatile("rep stosq" : "+D"(p), "+c"(words) : "a"(WORD((uint64_t)byte)) : "memory");
    __asm__ volatile("rep stosb" : "+D"(p), "+c"(rest) : "a"(byte) : "memory");
}

/* The first byte of [p, p + n) that isn't `byte`; NULL: all are. */
static const uint8_t *odd_byte(const void *p, size_t n, uint8_t byte)
{
    const uint8_t *b = p, *end = b + n;

    for (; b < end && ((uint64_t)b & 7); b++)
        if (*b != byte)
            return b;
    for (; end - b >= 8 && *(const uint64_t *)(const void *)b == WORD(byte); b += 8)
        ;
    for (; b < end; b++)
        if (*b != byte)
            return b;
    return NULL;
}

static void busy_begin(void)
{
    while (__atomic_exchange_n(&busy, 1, __ATOMIC_ACQUIRE))
        cpu_relax();
}

static void busy_end(void)
{
    __atomic_store_n(&busy, 0, __ATOMIC_RELEASE);
}

/* ---- Frames ---- */

static bool frames_reach(uint64_t first, uint64_t n)
{
    return (first + n) << PAGE_SHIFT <= DIRECT_SIZE;
}

static void frames_poison(uint64_t first, uint64_t n)
{
    void *p = maddr_to_virt(first << PAGE_SHIFT);

    if (!frames_reach(first, n))
        return;
    fill(p, n << PAGE_SHIFT, FREED);
    shadow_set(p, n << PAGE_SHIFT, SHADOW_FREE_FRAME);
}

static const uint8_t *frames_odd(uint64_t first, uint64_t n)
{
    const uint8_t *odd = NULL;

    for (uint64_t m = first; frames_reach(first, n) && m < first + n && !odd; m++)
        if (!(frames[m].type & ~LINK_MASK))
            odd = odd_byte(maddr_to_virt(m << PAGE_SHIFT), PAGE_SIZE, FREED);
    return odd;
}

mfn_t __wrap_buddy_alloc(struct buddy *b, unsigned order, unsigned min_bits, unsigned max_bits)
{
    mfn_t m = __real_buddy_alloc(b, order, min_bits, max_bits);
    const uint8_t *odd;

    if (mfn_eq(m, MFN_NONE))
        return m;
    if (frames_reach(m.n, 1ul << order))
        shadow_set(maddr_to_virt(mfn_to_maddr(m)), PAGE_SIZE << order, SHADOW_GOOD);
    odd = frames_odd(m.n, 1ul << order);
    if (odd)
        panic("heap: frame %lx was written at %#lx after it was freed: %#x\n", virt_to_mfn(odd).n, (uint64_t)odd & ~PAGE_MASK, *odd);
    return m;
}

void __wrap_buddy_free(struct buddy *b, mfn_t m, unsigned order)
{
    frames_poison(m.n, 1ul << order);
    __real_buddy_free(b, m, order);
}

void __wrap_buddy_add(struct buddy *b, uint64_t first, uint64_t end)
{
    frames_poison(first, end - first);
    __real_buddy_add(b, first, end);
}

static unsigned chunk_faults;

static void chunk_look(mfn_t m, unsigned order)
{
    const uint8_t *odd = frames_odd(m.n, 1ul << order);

    if (!odd)
        return;
    log_err("heap: free frame %lx holds %#x at %#lx\n", virt_to_mfn(odd).n, *odd, (uint64_t)odd & ~PAGE_MASK);
    chunk_faults++;
}

/* [heap_lock] */
unsigned __wrap_buddy_audit(const struct buddy *b)
{
    chunk_faults = 0;
    buddy_each(b, chunk_look);
    return chunk_faults + __real_buddy_audit(b);
}

/* ---- Objects ---- */

static size_t place_of(const void *p)
{
    unsigned shift = slab_shift(virt_to_mfn(p));

    return shift >= PAGE_SHIFT ? PAGE_SIZE << (shift - PAGE_SHIFT) : 1ul << shift;
}

static uint64_t *last_word(const void *p, size_t place)
{
    return (uint64_t *)((uint64_t)p + place) - 1;
}

static void object_poison(void *p, size_t place)
{
    fill((char *)p + LINK, place - LINK, FREED);
    shadow_set(p, place, SHADOW_FREE_OBJECT);
}

void *__wrap_slab_take(struct slab *s)
{
    size_t place = 1ul << s->shift;
    const uint8_t *odd = NULL;
    void *p;

    busy_begin();
    p = __real_slab_take(s);
    if (p) {
        odd = odd_byte((char *)p + LINK, place - LINK, FREED);
        *last_word(p, place) = 0;
        shadow_set(p, place, SHADOW_GOOD);
    }
    busy_end();
    if (odd)
        panic("heap: object %p of %lu bytes was written at %p after it was freed: %#x\n", p, place, (const void *)odd, *odd);
    return p;
}

void *__wrap_slab_take_from(struct slab *s, mfn_t page)
{
    size_t place = 1ul << s->shift;
    char *first = s->memory + page.n * PAGE_SIZE;
    void *p;

    busy_begin();
    for (char *o = first; o < first + PAGE_SIZE; o += place)
        object_poison(o, place);
    p = __real_slab_take_from(s, page);
    *last_word(p, place) = 0;
    shadow_set(p, place, SHADOW_GOOD);
    busy_end();
    return p;
}

bool __wrap_slab_give(struct slab *s, mfn_t page, void *p)
{
    bool empty;

    busy_begin();
    object_poison(p, 1ul << s->shift);
    empty = __real_slab_give(s, page, p);
    busy_end();
    return empty;
}

void *__wrap_mem_alloc(size_t size)
{
    char *p = size > SIZE_MAX - REDZONE || fail_now(__builtin_return_address(0)) ? NULL : __real_mem_alloc(size + REDZONE);
    size_t place;

    if (!p)
        return NULL;
    place = place_of(p);
    fill(p + size, place - size - sizeof(uint64_t), RED);
    __atomic_store_n(last_word(p, place), size ^ MAGIC, __ATOMIC_RELEASE);
    shadow_set(p + size, place - size, SHADOW_REDZONE);
    __atomic_add_fetch(&live_objects, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&live_bytes, size, __ATOMIC_SEQ_CST);
    return p;
}

/* What is wrong with the object in use; NULL: nothing. */
static const char *object_fault(const char *p, size_t place)
{
    uint64_t size = *last_word(p, place) ^ MAGIC;

    if (size > place - REDZONE)
        return *last_word(p, place) == WORD(FREED) ? "is free already" : "has lost its size: written past its end, or no object";
    return odd_byte(p + size, place - size - sizeof(uint64_t), RED) ? "was written past its end" : NULL;
}

void __wrap_mem_free(void *p)
{
    size_t place = p ? place_of(p) : 0;
    const char *why;

    if (!p)
        return;
    why = object_fault(p, place);
    if (why)
        panic("heap: object %p in a place of %lu bytes, to be freed, %s\n", p, place, why);
    __atomic_sub_fetch(&live_objects, 1, __ATOMIC_SEQ_CST);
    __atomic_sub_fetch(&live_bytes, *last_word(p, place) ^ MAGIC, __ATOMIC_SEQ_CST);
    __real_mem_free(p);
}

/* ---- The audit ---- */

static unsigned object_audit(const char *p, size_t place)
{
    uint64_t word = *last_word(p, place);
    const char *why = NULL;

    if (word == WORD(FREED))
        why = odd_byte(p + LINK, place - LINK, FREED) ? "was written after it was freed" : NULL;
    else if (word) /* else it is just being made */
        why = object_fault(p, place);
    if (why)
        log_err("heap: object %p in a place of %lu bytes %s\n", (const void *)p, place, why);
    return why ? 1 : 0;
}

/* Is it a page of objects?  (Frames of domains, and free ones, have other words.) */
static bool page_has_objects(const struct frame *f)
{
    uint32_t word = (uint32_t)(READ_ONCE(f->type) >> 32), shift = word >> SLAB_SHIFT_AT;

    return (READ_ONCE(f->ref) & ~LINK_MASK) == OWNER_NONE << REF_OWNER_SHIFT && shift >= 4 && shift < PAGE_SHIFT && (word & SLAB_USED);
}

static unsigned page_audit(mfn_t m)
{
    const char *p = maddr_to_virt(mfn_to_maddr(m));
    unsigned faults = 0;
    size_t place;

    if (!page_has_objects(frame_of(m)))
        return 0;
    busy_begin();
    place = 1ul << slab_shift(m);
    for (size_t at = 0; page_has_objects(frame_of(m)) && at < PAGE_SIZE; at += place)
        faults += object_audit(p + at, place);
    busy_end();
    return faults;
}

unsigned __wrap_heap_audit(void)
{
    unsigned faults = __real_heap_audit();

    for (unsigned i = 0; i < nr_ram_ranges; i++)
        for (uint64_t m = ram_ranges[i].first; m < ram_ranges[i].end; m++)
            faults += page_audit(MFN(m));
    return faults;
}
