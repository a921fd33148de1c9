/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects of one size: purpose and invariants are in core/slab.h. */
#include "core/slab.h"
#include "core/port.h"

static void word_set(const struct slab *s, uint32_t page, unsigned used, unsigned first)
{
    uint32_t word = s->shift << SLAB_SHIFT_AT | first << SLAB_FREE_AT | used;

    WRITE_ONCE(frames[page].type, (uint64_t)word << 32 | frame_prev(page));
}

/* The page has a free object; its first. */
static void *object_take(struct slab *s, uint32_t page)
{
    unsigned used = slab_used(MFN(page)) + 1, first = slab_first(MFN(page));
    uint16_t *object = (uint16_t *)(void *)(s->memory + page * PAGE_SIZE + ((size_t)first << s->shift));

    if (*object == SLAB_END)
        frame_list_remove(&s->partial, page);
    word_set(s, page, used, *object);
    return object;
}

void *slab_take(struct slab *s)
{
    return s->partial ? object_take(s, s->partial) : NULL;
}

void *slab_take_from(struct slab *s, mfn_t page)
{
    unsigned count = (unsigned)(PAGE_SIZE >> s->shift);
    char *p = s->memory + page.n * PAGE_SIZE;

    for (unsigned i = 0; i < count; i++)
        *(uint16_t *)(void *)(p + ((size_t)i << s->shift)) = (uint16_t)(i + 1 < count ? i + 1 : SLAB_END);
    frame_of(page)->ref = OWNER_NONE << REF_OWNER_SHIFT;
    word_set(s, (uint32_t)page.n, 0, 0);
    frame_list_add(&s->partial, (uint32_t)page.n);
    return object_take(s, (uint32_t)page.n);
}

bool slab_give(struct slab *s, mfn_t page, void *p)
{
    uint32_t n = (uint32_t)page.n;
    unsigned used = slab_used(page), first = slab_first(page);

    assert(used > 0 && slab_shift(page) == s->shift && !((uint64_t)p & ((1ul << s->shift) - 1)));
    *(uint16_t *)p = (uint16_t)first;
    word_set(s, n, used - 1, (unsigned)(((uint64_t)p & (PAGE_SIZE - 1)) >> s->shift));
    if (first == SLAB_END)
        frame_list_add(&s->partial, n);
    if (used > 1)
        return false;
    frame_list_remove(&s->partial, n);
    return true;
}
