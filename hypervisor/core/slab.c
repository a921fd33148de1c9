/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Objects of one size: purpose and invariants are in core/slab.h. */
#include "core/slab.h"
#include "core/port.h"

static void page_list(struct slab *s, uint32_t page)
{
    frames[page].prev = 0;
    frames[page].next = s->partial;
    if (s->partial)
        frames[s->partial].prev = page;
    s->partial = page;
}

static void page_unlist(struct slab *s, uint32_t page)
{
    struct frame *f = &frames[page];

    if (f->prev)
        frames[f->prev].next = f->next;
    else
        s->partial = f->next;
    if (f->next)
        frames[f->next].prev = f->prev;
    f->next = f->prev = 0;
}

static void word_set(const struct slab *s, uint32_t page, unsigned used, unsigned first)
{
    frames[page].type = (uint64_t)s->shift << SLAB_SHIFT_AT | (uint64_t)first << SLAB_FREE_AT | used;
}

/* The page has a free object; its first. */
static void *object_take(struct slab *s, uint32_t page)
{
    uint64_t word = frames[page].type;
    unsigned used = (unsigned)(word & SLAB_USED) + 1, first = (unsigned)(word >> SLAB_FREE_AT) & SLAB_END;
    uint16_t *object = (uint16_t *)(void *)(s->memory + page * PAGE_SIZE + ((size_t)first << s->shift));

    if (*object == SLAB_END)
        page_unlist(s, page);
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
    word_set(s, (uint32_t)page.n, 0, 0);
    page_list(s, (uint32_t)page.n);
    return object_take(s, (uint32_t)page.n);
}

bool slab_give(struct slab *s, mfn_t page, void *p)
{
    uint32_t n = (uint32_t)page.n;
    unsigned used = (unsigned)(frames[n].type & SLAB_USED), first = (unsigned)(frames[n].type >> SLAB_FREE_AT) & SLAB_END;

    assert(used > 0 && slab_shift(page) == s->shift && !((uint64_t)p & ((1ul << s->shift) - 1)));
    *(uint16_t *)p = (uint16_t)first;
    word_set(s, n, used - 1, (unsigned)(((uint64_t)p & (PAGE_SIZE - 1)) >> s->shift));
    if (first == SLAB_END)
        page_list(s, n);
    if (used > 1)
        return false;
    page_unlist(s, n);
    return true;
}
