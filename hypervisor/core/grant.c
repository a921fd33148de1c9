/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables: entries of both versions, pins, map tracking.  Purpose, invariants and locks: core/grant.h.
 *
 * Version 1: flags and domain id of an entry are one aligned 32-bit word; the in-use bits are set by comparing and
 * exchanging that word, so a grant that is being revoked is never used, and after a few lost races the guest gets an error.
 * Version 2: the in-use bits are in the status frame, which only we write; they are set first and the entry is
 * looked at again (the guest clears the entry first and then looks at the status).
 */
#include "core/grant_entry.h"
#include "core/port.h"
#include "core/string.h"

#define RACES_MAX 4 /* lost against the guest's own writes before we give up */

typedef uint32_t __attribute__((may_alias)) word_t;
#define WORD(flags, who) ((uint32_t)(flags) | (uint32_t)(who) << 16)
#define WORD_FLAGS(w)    ((uint16_t)(w))
#define WORD_WHO(w)      ((domid_t)((w) >> 16))

/* Flags and domain id: the first word of an entry of either version. */
static word_t *entry_word(const struct grant_table *t, grant_ref_t ref)
{
    return t->version == 1 ? (word_t *)entry_v1(t, ref) : (word_t *)entry_v2(t, ref);
}

uint32_t grant_table_entries(const struct grant_table *t)
{
    return t->retired ? 0 : table_entries(t);
}

void grant_table_retire(struct grant_table *t)
{
    t->retired = true;
}

unsigned grant_status_needed(unsigned n)
{
    return (unsigned)DIV_UP(n * GRANT_V2_PER_FRAME, GRANT_STATUS_PER_FRAME);
}

int grant_table_init(struct grant_table *t, unsigned max_frames, unsigned max_version)
{
    if (!max_frames || max_version < 1 || max_version > 2)
        return -XEN_EINVAL;
    *t = (struct grant_table){ .version = 1, .max_version = max_version, .max_frames = max_frames,
                               .max_status = grant_status_needed(max_frames) };
    t->shared = mem_alloc(max_frames * sizeof(*t->shared));
    t->active = mem_alloc(max_frames * sizeof(*t->active));
    t->status = mem_alloc(t->max_status * sizeof(*t->status));
    if (t->shared && t->active && t->status)
        return 0;
    grant_table_free(t);
    return -XEN_ENOMEM;
}

void grant_table_free(struct grant_table *t)
{
    for (unsigned i = 0; i < t->nr_frames; i++)
        mem_free(t->active[i]);
    mem_free(t->active);
    mem_free(t->shared);
    mem_free(t->status);
    *t = (struct grant_table){ 0 };
}

int grant_table_add(struct grant_table *t, void *shared)
{
    if (t->retired)
        return -XEN_EINVAL;
    if (t->nr_frames == t->max_frames)
        return -XEN_E2BIG;
    if (t->version == 2 && t->nr_status < grant_status_needed(t->nr_frames + 1))
        return -XEN_ENOMEM;
    t->active[t->nr_frames] = mem_alloc(GRANT_V1_PER_FRAME * sizeof(struct grant_active));
    if (!t->active[t->nr_frames])
        return -XEN_ENOMEM;
    t->shared[t->nr_frames++] = shared;
    return 0;
}

int grant_table_add_status(struct grant_table *t, grant_status_t *status)
{
    if (t->nr_status == t->max_status)
        return -XEN_E2BIG;
    t->status[t->nr_status++] = status;
    return 0;
}

/* Does an entry with this first word permit the use? */
static inline bool word_permits(const struct grant_table *t, uint32_t word, const struct grant_want *w)
{
    uint16_t flags = WORD_FLAGS(word);

    if (WORD_WHO(word) != w->who || (!w->readonly && (flags & GTF_readonly)))
        return false;
    if ((flags & GTF_type_mask) == GTF_transitive)
        return t->version == 2 && w->use == GRANT_FOR_COPY;
    if ((flags & GTF_type_mask) != GTF_permit_access)
        return false;
    return t->version == 1 || w->use != GRANT_FOR_MAP || !(flags & GTF_sub_page);
}

static int16_t claim_v1(const struct grant_table *t, word_t *p, const struct grant_want *w, uint32_t *word)
{
    uint32_t old = READ_ONCE(*p), bits = w->readonly ? GTF_reading : GTF_reading | GTF_writing;

    for (unsigned i = 0; i < RACES_MAX; i++) {
        if (!word_permits(t, old, w))
            return GNTST_general_error;
        *word = old;
        if (__atomic_compare_exchange_n(p, &old, old | bits, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

static __attribute__((noinline)) int16_t claim_v2(const struct grant_table *t, word_t *p, const struct grant_want *w, uint32_t *word)
{
    grant_status_t *status = status_at(t, w->ref);
    uint16_t before = active_bits(active_at(t, w->ref));
    uint16_t bits = (uint16_t)(before | GTF_reading | (w->readonly ? 0 : GTF_writing));

    if (!word_permits(t, READ_ONCE(*p), w))
        return GNTST_general_error;
    __atomic_store_n(status, bits, __ATOMIC_SEQ_CST);
    *word = __atomic_load_n(p, __ATOMIC_SEQ_CST);
    if (word_permits(t, *word, w))
        return GNTST_okay;
    __atomic_store_n(status, before, __ATOMIC_SEQ_CST);
    return GNTST_general_error;
}

static struct grant_content content_v1(const struct grant_entry_v1 *e)
{
    return (struct grant_content){ .frame = READ_ONCE(e->frame), .length = PAGE_SIZE, .kind = GRANT_FULL };
}

static __attribute__((noinline)) struct grant_content content_v2(const union grant_entry_v2 *e, uint16_t flags)
{
    struct grant_content c = { .length = PAGE_SIZE, .kind = GRANT_FULL };

    if ((flags & GTF_type_mask) == GTF_transitive) {
        c.kind = GRANT_TRANSITIVE;
        c.via = READ_ONCE(e->transitive.trans_domid);
        c.frame = READ_ONCE(e->transitive.gref);
        return c;
    }
    c.frame = READ_ONCE(e->full_page.frame);
    if (flags & GTF_sub_page) {
        c.kind = GRANT_SUB_PAGE;
        c.start = READ_ONCE(e->sub_page.page_off);
        c.length = READ_ONCE(e->sub_page.length);
    }
    return c;
}

/* May an entry that is pinned already be pinned again so? */
static bool active_permits(const struct grant_active *a, const struct grant_want *w)
{
    if (a->who != w->who || a->readers + a->writers > GRANT_USES_MAX)
        return false;
    if (w->use == GRANT_FOR_MAP)
        return a->content.kind == GRANT_FULL;
    return w->use == GRANT_FOR_COPY || a->content.kind != GRANT_TRANSITIVE;
}

static int16_t entry_claim(const struct grant_table *t, const struct grant_want *w, struct grant_active *a)
{
    bool fresh = !active_pinned(a);
    word_t *p, word;
    int16_t rc;

    if (!fresh && !active_permits(a, w))
        return GNTST_general_error;
    if (!fresh && (w->readonly || a->writers))
        return GNTST_okay;
    p = entry_word(t, w->ref);
    rc = t->version == 1 ? claim_v1(t, p, w, &word) : claim_v2(t, p, w, &word);
    if (rc != GNTST_okay || !fresh)
        return rc;
    a->who = w->who;
    a->content = t->version == 1 ? content_v1((const struct grant_entry_v1 *)p)
                                 : content_v2((const union grant_entry_v2 *)p, WORD_FLAGS(word));
    return GNTST_okay;
}

int16_t grant_pin(struct grant_table *t, const struct grant_want *w, struct grant_active **out)
{
    struct grant_active *a;
    int16_t rc;

    if (w->ref >= grant_table_entries(t))
        return GNTST_bad_gntref;
    a = active_at(t, w->ref);
    rc = entry_claim(t, w, a);
    if (rc != GNTST_okay)
        return rc;
    if (!active_pinned(a))
        t->pinned++;
    *(w->readonly ? &a->readers : &a->writers) += w->count;
    *out = a;
    return GNTST_okay;
}

inline void grant_pin_frame(struct grant_active *a, mfn_t m)
{
    assert(active_pinned(a) && !a->content.translated && a->content.kind != GRANT_TRANSITIVE);
    a->content.frame = m.n;
    a->content.translated = true;
}

/* Clear the in-use bits that the pins no longer ask for. */
static void bits_clear(struct grant_table *t, grant_ref_t ref, const struct grant_active *a)
{
    uint16_t keep = active_bits(a);

    if (t->retired)
        return;
    if (t->version == 2)
        __atomic_store_n(status_at(t, ref), keep, __ATOMIC_RELEASE);
    else
        __atomic_and_fetch(&entry_v1(t, ref)->flags, (uint16_t)~((GTF_reading | GTF_writing) & ~keep), __ATOMIC_SEQ_CST);
}

void grant_unpin(struct grant_table *t, grant_ref_t ref, bool readonly, unsigned count)
{
    struct grant_active *a = active_at(t, ref);
    uint32_t *n = readonly ? &a->readers : &a->writers;

    assert(count && *n >= count);
    *n -= count;
    if (*n)
        return;
    bits_clear(t, ref, a);
    if (!active_pinned(a))
        t->pinned--;
}

/* The guest must have left the entry exactly as it offered it. */
static bool transfer_commit(word_t *p, domid_t from)
{
    word_t offered = WORD(GTF_accept_transfer, from);

    return __atomic_compare_exchange_n(p, &offered, offered | GTF_transfer_committed, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

int16_t grant_transfer_begin(struct grant_table *t, grant_ref_t ref, domid_t from, mfn_t m, gfn_t *slot)
{
    if (ref >= grant_table_entries(t) || active_pinned(active_at(t, ref)))
        return GNTST_general_error;
    if (t->version == 1 && m.n > UINT32_MAX)
        return GNTST_address_too_big;
    if (!transfer_commit(entry_word(t, ref), from))
        return GNTST_general_error;
    *slot = GFN(t->version == 1 ? READ_ONCE(entry_v1(t, ref)->frame) : READ_ONCE(entry_v2(t, ref)->full_page.frame));
    return GNTST_okay;
}

void grant_transfer_end(struct grant_table *t, grant_ref_t ref, mfn_t m)
{
    if (t->version == 1)
        WRITE_ONCE(entry_v1(t, ref)->frame, (uint32_t)m.n);
    else
        WRITE_ONCE(entry_v2(t, ref)->full_page.frame, m.n);
    __atomic_or_fetch(entry_word(t, ref), GTF_transfer_completed, __ATOMIC_SEQ_CST);
}

/* A reserved entry as (flags, who, frame), invalid unless it permits access to a whole frame. */
static union grant_entry_v2 reserved_read(const struct grant_table *t, grant_ref_t ref)
{
    uint16_t keep = GTF_type_mask | GTF_readonly | GTF_PWT | GTF_PCD | GTF_PAT;
    uint32_t word = READ_ONCE(*entry_word(t, ref));
    uint16_t flags = WORD_FLAGS(word);
    union grant_entry_v2 e = { .full_page = { .pad0 = 0 } };

    if ((flags & GTF_type_mask) != GTF_permit_access || (t->version == 2 && (flags & GTF_sub_page)))
        return e;
    e.full_page.hdr.flags = flags & keep;
    e.full_page.hdr.domid = WORD_WHO(word);
    e.full_page.frame = t->version == 1 ? READ_ONCE(entry_v1(t, ref)->frame) : READ_ONCE(entry_v2(t, ref)->full_page.frame);
    return e;
}

static void reserved_write(struct grant_table *t, grant_ref_t ref, const union grant_entry_v2 *e)
{
    if (t->version == 1) {
        entry_v1(t, ref)->frame = (uint32_t)e->full_page.frame;
    } else {
        entry_v2(t, ref)->full_page.frame = e->full_page.frame;
    }
    __atomic_store_n(entry_word(t, ref), WORD(e->full_page.hdr.flags, e->full_page.hdr.domid), __ATOMIC_RELEASE);
}

static int version_check(const struct grant_table *t, unsigned version)
{
    if (version < 1 || version > t->max_version || t->retired)
        return -XEN_EINVAL;
    if (version != t->version && t->pinned)
        return -XEN_EBUSY;
    if (version == 2 && t->nr_status < grant_status_needed(t->nr_frames))
        return -XEN_ENOMEM;
    return 0;
}

int grant_set_version(struct grant_table *t, unsigned version)
{
    union grant_entry_v2 kept[GNTTAB_NR_RESERVED_ENTRIES];
    unsigned n = t->nr_frames ? GNTTAB_NR_RESERVED_ENTRIES : 0;
    int rc = version_check(t, version);

    if (rc || version == t->version)
        return rc;
    for (unsigned i = 0; i < n; i++) {
        kept[i] = reserved_read(t, i);
        if (version == 1 && kept[i].full_page.frame > UINT32_MAX)
            return -XEN_ERANGE;
    }
    for (unsigned i = 0; i < t->nr_frames; i++)
        memset(t->shared[i], 0, PAGE_SIZE);
    for (unsigned i = 0; i < t->nr_status; i++)
        memset(t->status[i], 0, PAGE_SIZE);
    t->version = version;
    for (unsigned i = 0; i < n; i++)
        reserved_write(t, i, &kept[i]);
    return 0;
}

int16_t grant_swap(struct grant_table *t, grant_ref_t a, grant_ref_t b)
{
    if (a >= grant_table_entries(t) || b >= grant_table_entries(t))
        return GNTST_bad_gntref;
    if (a == b)
        return GNTST_okay;
    if (active_pinned(active_at(t, a)) || active_pinned(active_at(t, b)))
        return GNTST_eagain;
    if (t->version == 1) {
        struct grant_entry_v1 e = *entry_v1(t, a);

        *entry_v1(t, a) = *entry_v1(t, b);
        *entry_v1(t, b) = e;
    } else {
        union grant_entry_v2 e = *entry_v2(t, a);

        *entry_v2(t, a) = *entry_v2(t, b);
        *entry_v2(t, b) = e;
    }
    return GNTST_okay;
}

const struct grant_active *grant_next_pinned(const struct grant_table *t, grant_ref_t *ref)
{
    for (; *ref < table_entries(t); ++*ref)
        if (active_pinned(active_at(t, *ref)))
            return active_at(t, *ref);
    return NULL;
}

int grant_maps_init(struct grant_maps *s, unsigned max_chunks)
{
    *s = (struct grant_maps){ .max_chunks = max_chunks, .free = GRANT_NO_HANDLE };
    if (max_chunks > GRANT_NO_HANDLE / GRANT_MAPS_PER_CHUNK)
        return -XEN_EINVAL;
    s->chunk = mem_alloc(max_chunks * sizeof(*s->chunk));
    return s->chunk ? 0 : -XEN_ENOMEM;
}

void grant_maps_free(struct grant_maps *s)
{
    for (unsigned i = 0; i < s->nr_chunks; i++)
        mem_free(s->chunk[i]);
    mem_free(s->chunk);
    *s = (struct grant_maps){ .free = GRANT_NO_HANDLE };
}

/* One chunk more, all of it free, lowest handles first. */
static __attribute__((noinline)) bool maps_grow(struct grant_maps *s)
{
    grant_handle_t first = grant_maps_limit(s);
    struct grant_map *c;

    if (s->nr_chunks == s->max_chunks)
        return false;
    c = mem_alloc(GRANT_MAPS_PER_CHUNK * sizeof(*c));
    if (!c)
        return false;
    for (unsigned i = 0; i < GRANT_MAPS_PER_CHUNK; i++)
        c[i].next = i + 1 < GRANT_MAPS_PER_CHUNK ? first + i + 1 : s->free;
    s->chunk[s->nr_chunks] = c;
    s->free = first;
    __atomic_store_n(&s->nr_chunks, s->nr_chunks + 1, __ATOMIC_RELEASE);
    return true;
}

/* One is free. */
static __attribute__((noinline)) grant_handle_t free_take(struct grant_maps *s, unsigned n)
{
    grant_handle_t first = s->free;
    struct grant_map *m;

    do {
        m = grant_map_of(s, s->free);
        s->free = m->next;
        s->used++;
        __atomic_store_n(&m->state, GRANT_MAP_BUSY, __ATOMIC_RELAXED);
    } while (--n && s->free != GRANT_NO_HANDLE);
    m->next = GRANT_NO_HANDLE;
    return first;
}

grant_handle_t grant_maps_take(struct grant_maps *s, unsigned n)
{
    return s->free != GRANT_NO_HANDLE || maps_grow(s) ? free_take(s, n) : GRANT_NO_HANDLE;
}

void grant_maps_give(struct grant_maps *s, grant_handle_t list)
{
    grant_handle_t h = list;
    struct grant_map *m;

    do {
        m = grant_map_of(s, h);
        assert(h < grant_maps_limit(s) && READ_ONCE(m->state) == GRANT_MAP_BUSY);
        __atomic_store_n(&m->state, GRANT_MAP_FREE, __ATOMIC_RELAXED); /* somebody may be trying to claim it */
        s->used--;
    } while ((h = m->next) != GRANT_NO_HANDLE);
    m->next = s->free;
    s->free = list;
}
