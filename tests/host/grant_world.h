/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world for the grant tables: three domains with a few frames and page-table entries each, the real
 * kern/grant.c between them and core/grant.c, and a naive model that says what each operation must answer.
 *
 * world_step() takes bytes (from a generator or a fuzzer), makes one operation of them, runs it as hypercall
 * and compares; world_check() recomputes every counter.  What a wrong hypervisor would do stops the program (abort or panic).
 *
 * The fakes are strict: locks check their order, a frame's references may not be dropped while a TLB may hold a
 * translation to it (P4), page-table functions are called without lock, pins are only touched under the right lock.
 */
#ifndef GRANT_WORLD_H
#define GRANT_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "port_host.h"
#include "kern/domain.h"
#include "check/grant_audit.h"
#include "kern/grant.h"
#include "kern/grant_host.h"
#include "kern/guest.h"
#include "x86/lock.h"
#include "kern/pages.h"
#include "x86/alloc.h"
#include "x86/counters.h"
#include "x86/smp.h"
#include "x86/trace.h"

static struct vcpu *world_current;
static void *world_frame_map(mfn_t m);
static void world_frame_unmap(const void *p);
#undef current
#undef COUNT /* per-CPU data hangs on the stack pointer */
#define COUNT(name) ((void)0)
#define current world_current
#define frame_map world_frame_map
#define frame_unmap world_frame_unmap
#include "../../hypervisor/kern/grant.c"
#include "../../hypervisor/kern/grant_cache.c"
#include "../../hypervisor/kern/grant_copy.c"
#include "../../hypervisor/kern/grant_table.c"

/* Nobody traces. */
uint32_t trace_events;
void trace_put(uint32_t event, uint32_t n, const uint32_t *word)
{
    (void)event, (void)n, (void)word;
}

#define DOMS     3
#define RAM      6      /* frames a domain starts with */
#define RAM_MAX  8
#define SLOTS    8      /* page-table entries a domain has for grants */
#define FIRST    0x100ul /* so that some frame numbers are references too */
#define FRAMES   48
#define POOL     (FIRST + 24) /* frames of ours */
#define NOBODY   (-1)   /* taken from its owner, given to none yet */
#define FREE     (-2)
#define ARENA    0x7000 /* guest address of the arguments */
#define MAX_FRAMES 2
#define VA_BASE  0x40000000ul
#define PTE_BASE 0x9000ul

#define MUST(cond) \
    ((cond) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort()))

struct pte { bool present, writable; uint64_t mfn; uint32_t avail; };

struct mapping {        /* the model's map-track entry */
    bool used;
    int mapper, granter;
    uint32_t ref, handle;
    bool readonly, host, dev, by_pte;
    uint64_t mfn;
    struct mapping *next;
};

static struct world {
    struct domain d[DOMS];
    struct vcpu v[DOMS];
    bool exists[DOMS];
    bool tampered[DOMS];          /* its guest wrote what it must not: in-use bits are its own problem */
    struct pte pte[DOMS][SLOTS];
    bool stale[DOMS][FRAMES];     /* a TLB may hold a translation to the frame */
    struct { int owner; unsigned refs, writers; bool table; uint64_t m2p; } f[FRAMES];
    unsigned char arena[4096];
    size_t arena_size;            /* what of it is mapped */
    unsigned locks[8], nr_locks;
    unsigned flushes, mapped;
    unsigned refs_max;            /* a frame takes no more references; 0: no limit */
    struct mapping *maps;
} W;

static unsigned char world_memory[FRAMES][4096] __attribute__((aligned(4096)));

static void *world_frame(uint64_t m)
{
    MUST(m >= FIRST && m < FIRST + FRAMES);
    return world_memory[m - FIRST];
}

static int dom_index(const struct domain *d)
{
    int i = (int)(d - W.d);

    MUST(i >= 0 && i < DOMS && d->refs);
    return i;
}

static bool frame_in(uint64_t m)
{
    return m >= FIRST && m < FIRST + FRAMES;
}

/* ---- fakes: locks, guest memory, domains ---- */

void lock(spinlock_t *l)
{
    MUST(!l->next);
    for (unsigned i = 0; i < W.nr_locks; i++)
        MUST(W.locks[i] < l->rank);
    MUST(W.nr_locks < ARRAY_SIZE(W.locks));
    W.locks[W.nr_locks++] = l->rank;
    l->next = 1;
}

void unlock(spinlock_t *l)
{
    MUST(l->next && W.nr_locks && W.locks[W.nr_locks - 1] == l->rank);
    W.nr_locks--;
    l->next = 0;
}

int copy_from_guest(void *dst, uint64_t gva, size_t n)
{
    if (gva < ARENA || gva - ARENA + n > W.arena_size)
        return -XEN_EFAULT;
    memcpy(dst, W.arena + (gva - ARENA), n);
    return 0;
}

int copy_to_guest(uint64_t gva, const void *src, size_t n)
{
    if (gva < ARENA || gva - ARENA + n > W.arena_size)
        return -XEN_EFAULT;
    memcpy(W.arena + (gva - ARENA), src, n);
    return 0;
}

struct domain *domain_get(domid_t id)
{
    struct domain *d = id == DOMID_SELF ? world_current->domain : id < DOMS && W.exists[id] ? &W.d[id] : NULL;

    MUST(!W.nr_locks);
    if (d)
        d->refs++;
    return d;
}

void domain_hold(struct domain *d)
{
    MUST(d->refs);
    d->refs++;
}

static void world_domain_gone(struct domain *d);

void domain_put(struct domain *d)
{
    MUST(d->refs);
    if (!--d->refs)
        world_domain_gone(d);
}

/* ---- fakes: frames ---- */

static void *world_frame_map(mfn_t m)
{
    W.mapped++;
    return world_frame(m.n);
}

static void world_frame_unmap(const void *p)
{
    MUST(p && W.mapped--);
}

struct domain *frame_owner(mfn_t m)
{
    return frame_in(m.n) && W.f[m.n - FIRST].owner >= 0 ? &W.d[W.f[m.n - FIRST].owner] : NULL;
}

bool frame_get(mfn_t m, struct domain *owner)
{
    if (!frame_in(m.n) || m.n >= POOL || W.f[m.n - FIRST].owner != owner - W.d ||
        (W.refs_max && W.f[m.n - FIRST].refs >= W.refs_max))
        return false;
    W.f[m.n - FIRST].refs++;
    return true;
}

void frame_put(mfn_t m)
{
    MUST(frame_in(m.n) && W.f[m.n - FIRST].refs);
    for (int i = 0; i < DOMS; i++)
        MUST(!W.stale[i][m.n - FIRST]);
    if (!--W.f[m.n - FIRST].refs)
        W.f[m.n - FIRST].owner = FREE;
}

bool frame_get_writable(mfn_t m, struct domain *owner)
{
    if (!frame_in(m.n) || W.f[m.n - FIRST].table || !frame_get(m, owner))
        return false;
    W.f[m.n - FIRST].writers++;
    return true;
}

void frame_put_writable(mfn_t m)
{
    MUST(frame_in(m.n) && W.f[m.n - FIRST].writers);
    W.f[m.n - FIRST].writers--;
    frame_put(m);
}

bool gfn_to_mfn_get(struct domain *d, gfn_t g, bool writable, mfn_t *out)
{
    *out = MFN(g.n);
    return writable ? frame_get_writable(*out, d) : frame_get(*out, d);
}

mfn_t shared_frame_alloc(struct domain *d, bool writable)
{
    MUST(writable);
    for (uint64_t m = POOL; m < FIRST + FRAMES; m++) {
        if (W.f[m - FIRST].owner == FREE) {
            W.f[m - FIRST].owner = dom_index(d);
            W.f[m - FIRST].refs = 1;
            d->refs++; /* each frame holds its owner */
            memset(world_frame(m), 0, PAGE_SIZE);
            return MFN(m);
        }
    }
    return MFN_NONE;
}

void shared_frame_free(struct domain *d, mfn_t m)
{
    MUST(m.n >= POOL && frame_in(m.n) && W.f[m.n - FIRST].owner == d - W.d);
    W.f[m.n - FIRST].owner = FREE;
    W.f[m.n - FIRST].refs = 0;
    memset(world_frame(m.n), 0xdb, PAGE_SIZE);
    domain_put(d);
}

int frame_steal(struct domain *from, mfn_t m)
{
    if (!frame_in(m.n) || m.n >= POOL || W.f[m.n - FIRST].owner != from - W.d || W.f[m.n - FIRST].refs != 1 ||
        W.f[m.n - FIRST].table)
        return -XEN_EINVAL;
    W.f[m.n - FIRST].owner = NOBODY;
    W.f[m.n - FIRST].refs = 0;
    W.stale[from - W.d][m.n - FIRST] = true;
    return 0;
}

static unsigned dom_frames(int i)
{
    unsigned n = 0;

    for (unsigned j = 0; j < FRAMES; j++)
        n += j + FIRST < POOL && W.f[j].owner == i;
    return n;
}

int frame_assign(struct domain *to, mfn_t m)
{
    MUST(W.f[m.n - FIRST].owner == NOBODY);
    for (int i = 0; i < DOMS; i++) /* it flushes: tests/host/test_pages.c */
        W.stale[i][m.n - FIRST] = false;
    if (dom_frames(dom_index(to)) >= RAM_MAX)
        return -XEN_E2BIG;
    W.f[m.n - FIRST].owner = dom_index(to);
    W.f[m.n - FIRST].refs = 1;
    return 0;
}

void frames_free(mfn_t m, unsigned order)
{
    MUST(!order && W.f[m.n - FIRST].owner == NOBODY);
    for (int i = 0; i < DOMS; i++) /* who gets it out of the heap again flushes */
        W.stale[i][m.n - FIRST] = false;
    W.f[m.n - FIRST].owner = FREE;
}

/* ---- fakes: page tables ---- */

void tlb_flush_mask(const cpumask_t *mask)
{
    struct domain *d = container_of(mask, struct domain, dirty_cpus);

    MUST(!W.nr_locks);
    memset(W.stale[dom_index(d)], 0, sizeof(W.stale[0]));
    W.flushes++;
}

static struct pte *pte_at(struct domain *d, uint64_t addr, bool contains_pte)
{
    uint64_t slot = contains_pte ? (addr - PTE_BASE) / 8 : (addr - VA_BASE) >> PAGE_SHIFT;

    MUST(!W.nr_locks && d == world_current->domain);
    if (addr < (contains_pte ? PTE_BASE : VA_BASE) || slot >= SLOTS || (contains_pte && addr % 8))
        return NULL;
    return &W.pte[dom_index(d)][slot];
}

/* The guest takes its entry away by other means: references go as for any entry. */
static void pte_zap(struct pte *p)
{
    if (!p->present)
        return;
    p->present = false;
    if (p->writable)
        frame_put_writable(MFN(p->mfn));
    else
        frame_put(MFN(p->mfn));
}

int grant_host_map(struct domain *d, uint64_t host_addr, bool contains_pte, mfn_t frame, bool readonly,
                   uint32_t gntmap_flags)
{
    struct pte *p = pte_at(d, host_addr, contains_pte);
    int was;

    if (!p)
        return -XEN_EINVAL;
    was = p->present;
    pte_zap(p);
    *p = (struct pte){ .present = true, .writable = !readonly, .mfn = frame.n,
                       .avail = gntmap_flags >> _GNTMAP_guest_avail0 };
    return was;
}

int grant_host_unmap(struct domain *d, uint64_t host_addr, bool contains_pte, mfn_t frame, bool readonly)
{
    struct pte *p = pte_at(d, host_addr, contains_pte);

    if (!p || !p->present || p->mfn != frame.n || p->writable == readonly)
        return -XEN_EINVAL;
    p->present = false;
    W.stale[dom_index(d)][frame.n - FIRST] = true;
    return 0;
}

int grant_host_replace(struct domain *d, uint64_t host_addr, mfn_t frame, bool readonly, uint64_t new_addr)
{
    struct pte *n = pte_at(d, new_addr, false), *p = pte_at(d, host_addr, false);

    if (!n || !p || n == p || grant_host_unmap(d, host_addr, false, frame, readonly))
        return -XEN_EINVAL;
    *p = *n;
    n->present = false;
    return 0;
}

void grant_host_frame_moved(struct domain *to, mfn_t frame, gfn_t slot)
{
    MUST(W.f[frame.n - FIRST].owner == dom_index(to) && W.nr_locks == 1);
    W.f[frame.n - FIRST].m2p = slot.n;
}

/* ---- life ---- */

static void world_domain_create(int i)
{
    struct domain *d = &W.d[i];

    memset(d, 0, sizeof(*d));
    d->id = (domid_t)i;
    d->is_privileged = i == 0;
    d->refs = 1;
    W.v[i].domain = d;
    W.tampered[i] = false;
    memset(W.pte[i], 0, sizeof(W.pte[i]));
    for (unsigned j = 0, n = 0; j < POOL - FIRST && n < RAM; j++) {
        if (W.f[j].owner == FREE) {
            W.f[j].owner = i;
            W.f[j].refs = 1;
            W.f[j].table = false;
            n++;
        }
    }
    MUST(!grant_domain_create(d, MAX_FRAMES, 1, 2));
    W.exists[i] = true;
}

static void world_domain_gone(struct domain *d)
{
    grant_domain_free(d);
}

static void model_forget(int mapper)
{
    for (struct mapping **p = &W.maps; *p;) {
        struct mapping *m = *p;

        if (m->mapper != mapper) {
            p = &m->next;
            continue;
        }
        *p = m->next;
        free(m);
    }
}

/* As domain_kill() would: page tables, grants, frames (each with its allocation's reference). */
static void world_domain_kill(int i)
{
    struct domain *d = &W.d[i];
    int rc;

    world_current = &W.v[i];
    d->is_dying = true;
    for (unsigned s = 0; s < SLOTS; s++)
        pte_zap(&W.pte[i][s]);
    do
        rc = grant_domain_kill(d);
    while (rc == -XEN_EAGAIN);
    MUST(!rc);
    model_forget(i);
    for (unsigned j = 0; j < POOL - FIRST; j++)
        if (W.f[j].owner == i)
            frame_put(MFN(FIRST + j));
    W.exists[i] = false;
    domain_put(d);
}

static void world_start(void)
{
    host_reset();
    memset(&W, 0, sizeof(W));
    memset(world_memory, 0, sizeof(world_memory));
    for (unsigned j = 0; j < FRAMES; j++)
        W.f[j].owner = FREE;
    for (int i = 0; i < DOMS; i++)
        world_domain_create(i);
    world_current = &W.v[0];
    W.arena_size = sizeof(W.arena);
}

static void world_end(void)
{
    host_preempt_every(0);
    for (int i = 0; i < DOMS; i++)
        if (W.exists[i])
            world_domain_kill(i);
    for (unsigned j = 0; j < FRAMES; j++)
        MUST(W.f[j].owner == FREE && !W.f[j].refs && !W.f[j].writers);
    MUST(!host_mem_live() && !W.mapped && !W.nr_locks);
    host_reset();
}

/* ---- what a guest does with its table ---- */

static struct grant_table *table_of(int i)
{
    return &W.d[i].grant->table;
}

static uint32_t entries_of(int i)
{
    return table_of(i)->nr_frames * (table_of(i)->version == 1 ? 512 : 256);
}

static struct grant_entry_v1 *v1_of(int i, uint32_t ref)
{
    return (struct grant_entry_v1 *)table_of(i)->shared[ref / 512] + ref % 512;
}

static union grant_entry_v2 *v2_of(int i, uint32_t ref)
{
    return (union grant_entry_v2 *)table_of(i)->shared[ref / 256] + ref % 256;
}

struct seen { uint16_t flags, who, start, len; uint16_t via; uint32_t via_ref; uint64_t frame; };

static struct seen entry_see(int i, uint32_t ref)
{
    struct seen s = { .len = PAGE_SIZE };

    if (table_of(i)->version == 1) {
        s.flags = v1_of(i, ref)->flags;
        s.who = v1_of(i, ref)->domid;
        s.frame = v1_of(i, ref)->frame;
        return s;
    }
    s.flags = v2_of(i, ref)->hdr.flags;
    s.who = v2_of(i, ref)->hdr.domid;
    s.frame = v2_of(i, ref)->full_page.frame;
    s.via = v2_of(i, ref)->transitive.trans_domid;
    s.via_ref = v2_of(i, ref)->transitive.gref;
    if (s.flags & GTF_sub_page) {
        s.start = v2_of(i, ref)->sub_page.page_off;
        s.len = v2_of(i, ref)->sub_page.length;
    }
    return s;
}

static uint16_t entry_bits(int i, uint32_t ref)
{
    uint16_t b = table_of(i)->version == 1 ? v1_of(i, ref)->flags : table_of(i)->status[0][ref];

    return b & (GTF_reading | GTF_writing);
}

static void guest_grant(int i, uint32_t ref, uint16_t flags, int to, uint64_t frame)
{
    if (table_of(i)->version == 1) {
        *v1_of(i, ref) = (struct grant_entry_v1){ flags, (domid_t)to, (uint32_t)frame };
    } else {
        memset(v2_of(i, ref), 0, sizeof(union grant_entry_v2));
        v2_of(i, ref)->full_page.frame = frame;
        v2_of(i, ref)->hdr.domid = (domid_t)to;
        v2_of(i, ref)->hdr.flags = flags;
    }
}

/* ---- hypercalls ---- */

static long world_call(int i, uint64_t cmd, const void *args, void *back, size_t size, uint64_t count)
{
    struct hcall c = { .op = 29, .arg = { cmd, ARENA, count } };
    long rc;
    unsigned turns = 0;

    MUST(size <= sizeof(W.arena) / 2);
    world_current = &W.v[i];
    memcpy(W.arena, args, size);
    do {
        c.again = false;
        rc = do_grant_table_op(&c);
        MUST(!W.nr_locks && turns++ < 10000);
    } while (c.again);
    if (back)
        memcpy(back, W.arena, size);
    return rc;
}

#define CALL(i, cmd, ops, n) world_call(i, GNTTABOP_##cmd, ops, ops, sizeof(*(ops)) * (n), n)

/* ---- the model ---- */

static struct mapping *model_find(int mapper, uint32_t handle)
{
    struct mapping *m = W.maps;

    while (m && (m->mapper != mapper || m->handle != handle))
        m = m->next;
    return m;
}

struct pins { unsigned readers, writers; int who; uint64_t mfn; };

static struct pins model_pins(int granter, uint32_t ref)
{
    struct pins p = { .who = -1 };

    for (struct mapping *m = W.maps; m; m = m->next) {
        if (m->granter != granter || m->ref != ref)
            continue;
        *(m->readonly ? &p.readers : &p.writers) += m->host + m->dev;
        p.who = m->mapper;
        p.mfn = m->mfn;
    }
    return p;
}

enum model_use { M_MAP, M_COPY, M_DIRECT };

static bool model_permits(int granter, const struct seen *s, int who, bool readonly, enum model_use use)
{
    unsigned type = s->flags & GTF_type_mask;
    bool v2 = table_of(granter)->version == 2;

    if (s->who != who || (!readonly && (s->flags & GTF_readonly)))
        return false;
    if (type == GTF_transitive)
        return v2 && use == M_COPY;
    return type == GTF_permit_access && !(v2 && use == M_MAP && (s->flags & GTF_sub_page));
}

static int model_frame(int owner, uint64_t mfn, bool readonly)
{
    if (!frame_in(mfn) || mfn >= POOL || W.f[mfn - FIRST].owner != owner)
        return GNTST_bad_page;
    return !readonly && W.f[mfn - FIRST].table ? GNTST_general_error : GNTST_okay;
}

struct range { uint64_t mfn; uint32_t start, end; };

/* What using entry (granter, ref) gives. */
static int model_use(int granter, uint32_t ref, int who, bool readonly, enum model_use use, struct range *r)
{
    struct pins p;
    struct seen s;

    if (granter < 0 || granter >= DOMS || !W.exists[granter])
        return GNTST_bad_domain;
    if (ref >= entries_of(granter))
        return GNTST_bad_gntref;
    p = model_pins(granter, ref);
    s = entry_see(granter, ref);
    if (p.who >= 0 && p.who != who)
        return GNTST_general_error;
    if ((p.who < 0 || (!readonly && !p.writers)) && !model_permits(granter, &s, who, readonly, use))
        return GNTST_general_error;
    if (p.who >= 0) {
        *r = (struct range){ p.mfn, 0, PAGE_SIZE };
        return model_frame(granter, p.mfn, readonly) ? GNTST_general_error : GNTST_okay;
    }
    if (table_of(granter)->version == 2 && (s.flags & GTF_type_mask) == GTF_transitive) {
        int rc = GNTST_general_error;

        if (s.via < DOMS && s.via != granter && W.exists[s.via])
            rc = model_use(s.via, s.via_ref, granter, readonly, M_DIRECT, r);
        return rc;
    }
    *r = (struct range){ s.frame, s.start, (uint32_t)s.start + s.len };
    return model_frame(granter, s.frame, readonly);
}

/* ---- operations made of bytes ---- */

struct bytes { const uint8_t *p, *end; };

static unsigned take(struct bytes *b)
{
    return b->p < b->end ? *b->p++ : 0;
}

static uint32_t take_ref(struct bytes *b)
{
    static const uint32_t refs[] = { 0, 1, 2, 3, 4, 7, 8, 9, 255, 256, 511, 512, 700, 1023, 1024, 0xffffffff };

    return refs[take(b) % ARRAY_SIZE(refs)];
}

static uint64_t take_frame(struct bytes *b)
{
    unsigned x = take(b);

    return x < 0xf0 ? FIRST + x % (POOL - FIRST) : x < 0xf8 ? POOL + x % 4 : x < 0xfc ? 0 : ~0ul >> (x % 4 * 8);
}

static int take_dom(struct bytes *b)
{
    unsigned x = take(b);

    return x < 0xf8 ? (int)(x % DOMS) : x < 0xfc ? 77 : (int)DOMID_SELF;
}

static int take_live(struct bytes *b)
{
    int i = (int)(take(b) % DOMS);

    return W.exists[i] ? i : W.exists[0] ? 0 : -1;
}

static uint64_t take_addr(struct bytes *b, bool by_pte)
{
    unsigned slot = take(b) % (SLOTS + 1);

    return by_pte ? PTE_BASE + slot * 8 : VA_BASE + slot * PAGE_SIZE;
}

/* The guest grants (honestly: an entry that is not in use) or scribbles. */
static void step_grant(struct bytes *b)
{
    static const uint16_t kinds[] = { GTF_permit_access, GTF_permit_access, GTF_permit_access | GTF_readonly,
                                      GTF_permit_access | GTF_sub_page, GTF_transitive, GTF_accept_transfer,
                                      GTF_invalid, GTF_transitive | GTF_readonly };
    int i = take_live(b);
    uint32_t ref = take_ref(b);
    unsigned how = take(b);
    int to = take_dom(b);
    uint64_t frame = take_frame(b);

    if (i < 0 || ref >= entries_of(i))
        return;
    if (how >= 0xe0) {
        W.tampered[i] = true;
        if (table_of(i)->version == 2 && how >= 0xf0)
            table_of(i)->status[0][ref] = (uint16_t)(frame ^ how);
        how = to & 0xff;
    } else if (model_pins(i, ref).who >= 0) {
        return;
    }
    guest_grant(i, ref, kinds[how % ARRAY_SIZE(kinds)], to, frame);
    if (table_of(i)->version == 1)
        return;
    if ((kinds[how % ARRAY_SIZE(kinds)] & GTF_type_mask) == GTF_transitive) {
        v2_of(i, ref)->transitive.trans_domid = (domid_t)take_dom(b);
        v2_of(i, ref)->transitive.gref = take_ref(b);
    } else if (kinds[how % ARRAY_SIZE(kinds)] & GTF_sub_page) {
        v2_of(i, ref)->sub_page.page_off = (uint16_t)(take(b) * 16);
        v2_of(i, ref)->sub_page.length = (uint16_t)(take(b) * 32);
    }
}

static int model_map(int i, const gnttab_map_grant_ref_t *op, struct mapping *m)
{
    struct range r;
    int rc;
    unsigned used = 0;

    if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)))
        return GNTST_bad_gntref;
    if (op->dom >= DOMS || !W.exists[op->dom])
        return GNTST_bad_domain;
    for (struct mapping *o = W.maps; o; o = o->next)
        used += o->mapper == i;
    if (used == GRANT_MAPS_PER_CHUNK)
        return GNTST_no_space;
    rc = model_use(op->dom, op->ref, i, op->flags & GNTMAP_readonly, M_MAP, &r);
    if (rc)
        return rc;
    *m = (struct mapping){ .mapper = i, .granter = op->dom, .ref = op->ref, .readonly = op->flags & GNTMAP_readonly,
                           .host = op->flags & GNTMAP_host_map, .dev = op->flags & GNTMAP_device_map,
                           .by_pte = op->flags & GNTMAP_contains_pte, .mfn = r.mfn };
    if (m->host && (op->host_addr - (m->by_pte ? PTE_BASE : VA_BASE)) / (m->by_pte ? 8 : PAGE_SIZE) >= SLOTS)
        return GNTST_general_error;
    return GNTST_okay;
}

static void step_map(struct bytes *b)
{
    int i = take_live(b);
    gnttab_map_grant_ref_t op = { .status = 99 };
    struct mapping m = { 0 }, *n;
    int want;

    if (i < 0)
        return;
    op.dom = (domid_t)take_dom(b);
    op.ref = take_ref(b);
    op.flags = take(b) & 0x1f;
    op.host_addr = take_addr(b, op.flags & GNTMAP_contains_pte);
    op.flags |= take(b) << _GNTMAP_guest_avail0;
    want = model_map(i, &op, &m);
    MUST(CALL(i, map_grant_ref, &op, 1) == 0);
    MUST(op.status == want);
    if (want)
        return;
    MUST(op.dev_bus_addr == m.mfn << PAGE_SHIFT && !model_find(i, op.handle));
    if (m.host) {
        const struct pte *p = pte_at(&W.d[i], op.host_addr, m.by_pte);

        MUST(p->present && p->mfn == m.mfn && p->writable == !m.readonly && p->avail == op.flags >> 16);
    }
    n = malloc(sizeof(*n));
    *n = m;
    n->handle = op.handle;
    n->next = W.maps;
    W.maps = n;
}

static void model_drop(struct mapping *m)
{
    struct mapping **p = &W.maps;

    if (m->host || m->dev)
        return;
    while (*p != m)
        p = &(*p)->next;
    *p = m->next;
    free(m);
}

static int model_unmap(int i, uint32_t handle, uint64_t host, uint64_t dev)
{
    struct mapping *m = model_find(i, handle);

    if (!m)
        return GNTST_bad_handle;
    if (dev && dev != m->mfn << PAGE_SHIFT)
        return GNTST_general_error;
    if (host && m->host) {
        const struct pte *p = pte_at(&W.d[i], host, m->by_pte);

        if (!p || !p->present || p->mfn != m->mfn || p->writable == m->readonly)
            return GNTST_general_error;
    }
    return GNTST_okay;
}

/* The n-th of i's mappings, or a wrong handle. */
static uint32_t take_handle(struct bytes *b, int i)
{
    unsigned n = take(b);

    if (n < 0xf0)
        for (struct mapping *m = W.maps; m; m = m->next)
            if (m->mapper == i && !(n-- % 4))
                return m->handle;
    return n < 0xf8 ? n : ~n;
}

static void step_unmap(struct bytes *b)
{
    int i = take_live(b), want[3];
    gnttab_unmap_grant_ref_t op[3];
    unsigned n = take(b) % 3 + 1, before = W.flushes;

    if (i < 0)
        return;
    memset(op, 0, sizeof(op));
    for (unsigned k = 0; k < n; k++) {
        uint32_t h = take_handle(b, i);
        struct mapping *m = model_find(i, h);
        unsigned how = take(b);

        op[k].handle = h;
        op[k].host_addr = how & 1 ? take_addr(b, m && m->by_pte) : 0;
        op[k].dev_bus_addr = how & 2 && m ? m->mfn << PAGE_SHIFT : how & 4 ? 0x5000 : 0;
    }
    /* The model goes element by element; the page table must too, so say beforehand what will be cleared. */
    struct pte saved[SLOTS];

    memcpy(saved, W.pte[i], sizeof(saved));
    for (unsigned k = 0; k < n; k++) {
        struct mapping *m = model_find(i, op[k].handle);

        world_current = &W.v[i];
        want[k] = model_unmap(i, op[k].handle, op[k].host_addr, op[k].dev_bus_addr);
        if (want[k])
            continue;
        if (op[k].host_addr && m->host) {
            pte_at(&W.d[i], op[k].host_addr, m->by_pte)->present = false;
            m->host = false;
        }
        if (op[k].dev_bus_addr)
            m->dev = false;
        model_drop(m);
    }
    memcpy(W.pte[i], saved, sizeof(saved));
    MUST(CALL(i, unmap_grant_ref, op, n) == 0);
    for (unsigned k = 0; k < n; k++)
        MUST(op[k].status == want[k]);
    MUST(W.flushes - before <= n);
}

static void step_replace(struct bytes *b)
{
    int i = take_live(b), want;
    gnttab_unmap_and_replace_t op = { 0 };
    struct mapping *m;
    struct pte *p = NULL, *q = NULL, moved = { 0 };

    if (i < 0)
        return;
    op.handle = take_handle(b, i);
    m = model_find(i, op.handle);
    op.host_addr = take_addr(b, m && m->by_pte);
    op.new_addr = take(b) % 8 ? take_addr(b, false) : 0;
    world_current = &W.v[i];
    want = model_unmap(i, op.handle, op.host_addr, 0);
    if (!want && m->host && op.new_addr) {
        p = pte_at(&W.d[i], op.host_addr, m->by_pte);
        q = pte_at(&W.d[i], op.new_addr, false);
        if (m->by_pte || !q || p == q)
            want = GNTST_general_error;
        else
            moved = *q;
    }
    MUST(CALL(i, unmap_and_replace, &op, 1) == 0);
    MUST(op.status == want);
    if (want || !m->host)
        return;
    if (op.new_addr)
        MUST(!q->present && p->present == moved.present && (!moved.present || p->mfn == moved.mfn));
    m->host = false;
    model_drop(m);
}

static int model_side(int i, const struct gnttab_copy_ptr *p, bool is_ref, bool readonly, struct range *r)
{
    if (is_ref)
        return model_use(p->domid == DOMID_SELF ? i : p->domid, p->u.ref, i, readonly, M_COPY, r);
    if (p->domid != DOMID_SELF)
        return GNTST_permission_denied;
    *r = (struct range){ p->u.gmfn, 0, PAGE_SIZE };
    return model_frame(i, p->u.gmfn, readonly);
}

static int model_copy(int i, const gnttab_copy_t *op, struct range *s, struct range *d)
{
    int rc;

    if (op->source.offset + op->len > 4096 || op->dest.offset + op->len > 4096)
        return GNTST_bad_copy_arg;
    rc = model_side(i, &op->source, op->flags & GNTCOPY_source_gref, true, s);
    if (!rc)
        rc = model_side(i, &op->dest, op->flags & GNTCOPY_dest_gref, false, d);
    if (!rc && (op->source.offset < s->start || (uint32_t)op->source.offset + op->len > s->end ||
                op->dest.offset < d->start || (uint32_t)op->dest.offset + op->len > d->end))
        rc = GNTST_general_error;
    return rc;
}

static void take_copy(struct bytes *b, gnttab_copy_t *op)
{
    op->flags = take(b) & 3;
    op->source.domid = (domid_t)(op->flags & GNTCOPY_source_gref ? take_dom(b) : take(b) < 250 ? (int)DOMID_SELF : 1);
    op->dest.domid = (domid_t)(op->flags & GNTCOPY_dest_gref ? take_dom(b) : take(b) < 250 ? (int)DOMID_SELF : 1);
    if (op->flags & GNTCOPY_source_gref)
        op->source.u.ref = take_ref(b);
    else
        op->source.u.gmfn = take_frame(b);
    if (op->flags & GNTCOPY_dest_gref)
        op->dest.u.ref = take_ref(b);
    else
        op->dest.u.gmfn = take_frame(b);
    op->source.offset = (uint16_t)(take(b) * 16);
    op->dest.offset = (uint16_t)(take(b) * 16);
    op->len = (uint16_t)(take(b) * 17);
}

static void step_copy(struct bytes *b)
{
    static unsigned char content[3][FRAMES][4096];
    int i = take_live(b), want[3];
    gnttab_copy_t op[3];
    unsigned n = take(b) % 3 + 1;

    if (i < 0)
        return;
    memset(op, 0, sizeof(op));
    for (unsigned j = 0; j < POOL - FIRST; j++)
        memcpy(content[0][j], world_frame(FIRST + j), 4096);
    for (unsigned k = 0; k < n; k++) {
        struct range s, d;

        if (k && take(b) % 2)
            op[k] = op[k - 1]; /* the same frames again, at other places */
        else
            take_copy(b, &op[k]);
        op[k].dest.offset ^= (uint16_t)(take(b) & 0x1f);
        want[k] = model_copy(i, &op[k], &s, &d);
        if (!want[k])
            memmove(content[0][d.mfn - FIRST] + op[k].dest.offset, content[0][s.mfn - FIRST] + op[k].source.offset,
                    op[k].len);
    }
    MUST(CALL(i, copy, op, n) == 0);
    for (unsigned k = 0; k < n; k++)
        MUST(op[k].status == want[k]);
    for (unsigned j = 0; j < POOL - FIRST; j++)
        MUST(!memcmp(content[0][j], world_frame(FIRST + j), 4096));
}

static int model_transfer(int i, const gnttab_transfer_t *op, bool *stolen)
{
    struct seen s;

    *stolen = !model_frame(i, op->mfn, false) && W.f[op->mfn - FIRST].refs == 1;
    if (!*stolen)
        return GNTST_bad_page;
    if (op->domid >= DOMS || !W.exists[op->domid])
        return GNTST_bad_domain;
    if (op->ref >= entries_of(op->domid) || model_pins(op->domid, op->ref).who >= 0)
        return GNTST_general_error;
    s = entry_see(op->domid, op->ref);
    if (s.flags != GTF_accept_transfer || s.who != i)
        return GNTST_general_error;
    return dom_frames(op->domid) - (op->domid == i) >= RAM_MAX ? -100 : GNTST_okay;
}

static void step_transfer(struct bytes *b)
{
    int i = take_live(b), want;
    gnttab_transfer_t op = { 0 };
    struct seen before = { 0 }, s;
    bool stolen;

    if (i < 0)
        return;
    op.mfn = take_frame(b);
    op.domid = (domid_t)take_dom(b);
    op.ref = take_ref(b);
    want = model_transfer(i, &op, &stolen);
    if (!want)
        before = entry_see(op.domid, op.ref);
    MUST(CALL(i, transfer, &op, 1) == 0);
    MUST(op.status == (want == -100 ? GNTST_general_error : want));
    if (want && stolen)
        MUST(W.f[op.mfn - FIRST].owner == FREE);
    if (want == -100 || !want) {
        s = entry_see(op.domid, op.ref);
        MUST(s.flags == (GTF_accept_transfer | GTF_transfer_committed | GTF_transfer_completed));
        MUST(want ? (uint32_t)s.frame == UINT32_MAX : s.frame == op.mfn);
    }
    if (!want)
        MUST(W.f[op.mfn - FIRST].owner == op.domid && W.f[op.mfn - FIRST].m2p == before.frame);
}

static void step_version(struct bytes *b)
{
    int i = take_live(b);
    gnttab_set_version_t op = { .version = take(b) % 4 };
    struct seen kept[8];
    unsigned was, pinned = 0;
    long rc;

    if (i < 0)
        return;
    was = table_of(i)->version;
    for (struct mapping *m = W.maps; m; m = m->next)
        pinned += m->granter == i;
    for (uint32_t r = 0; r < 8; r++)
        kept[r] = entry_see(i, r);
    rc = CALL(i, set_version, &op, 1);
    MUST(op.version == table_of(i)->version);
    if (rc == 0 && op.version != was)
        W.tampered[i] = false;
    if (rc == -XEN_EINVAL || rc == -XEN_ERANGE || rc == -XEN_EBUSY) {
        MUST(table_of(i)->version == was);
        MUST(rc != -XEN_EBUSY || pinned);
        return;
    }
    MUST(rc == 0 && (!pinned || op.version == was));
    for (uint32_t r = 0; op.version != was && r < entries_of(i); r++) {
        struct seen s = entry_see(i, r);
        bool keep = r < 8 && (kept[r].flags & GTF_type_mask) == GTF_permit_access &&
                    !(was == 2 && (kept[r].flags & GTF_sub_page));

        MUST(keep ? s.frame == kept[r].frame && s.who == kept[r].who &&
                    (s.flags & GTF_readonly) == (kept[r].flags & GTF_readonly) : !s.flags);
    }
}

static void step_swap(struct bytes *b)
{
    int i = take_live(b), want = GNTST_okay;
    gnttab_swap_grant_ref_t op = { .ref_a = take_ref(b), .ref_b = take_ref(b) };
    struct seen x, y, z;

    if (i < 0)
        return;
    if (op.ref_a >= entries_of(i) || op.ref_b >= entries_of(i))
        want = GNTST_bad_gntref;
    else if (op.ref_a != op.ref_b && (model_pins(i, op.ref_a).who >= 0 || model_pins(i, op.ref_b).who >= 0))
        want = GNTST_eagain;
    if (want != GNTST_bad_gntref) {
        x = entry_see(i, op.ref_a);
        y = entry_see(i, op.ref_b);
    }
    MUST(CALL(i, swap_grant_ref, &op, 1) == 0);
    MUST(op.status == want);
    if (want)
        return;
    z = entry_see(i, op.ref_b);
    MUST(z.flags == x.flags && z.frame == x.frame && z.who == x.who);
    z = entry_see(i, op.ref_a);
    MUST(z.flags == y.flags && z.frame == y.frame && z.who == y.who);
}

static void step_sizes(struct bytes *b)
{
    int i = take_live(b);
    gnttab_setup_table_t op = { .dom = (domid_t)take_dom(b), .nr_frames = take(b) % 4 };
    gnttab_query_size_t q = { .dom = op.dom };
    gnttab_get_status_frames_t g = { .dom = op.dom, .nr_frames = take(b) % 3 };
    gnttab_get_version_t v = { .dom = op.dom };
    int want, t = op.dom == DOMID_SELF ? i : op.dom;
    const uint64_t *list = (const uint64_t *)(W.arena + 2048);

    if (i < 0)
        return;
    want = i && t != i ? GNTST_permission_denied : t >= DOMS || !W.exists[t] ? GNTST_bad_domain : GNTST_okay;
    MUST(CALL(i, query_size, &q, 1) == 0 && q.status == want);
    MUST(want || (q.nr_frames == table_of(t)->nr_frames && q.max_nr_frames == MAX_FRAMES));
    MUST(CALL(i, get_version, &v, 1) == (want == GNTST_okay ? 0 : want == GNTST_bad_domain ? -XEN_ESRCH : -XEN_EPERM));
    MUST(want || v.version == table_of(t)->version);
    set_xen_guest_handle(op.frame_list, (xen_pfn_t *)(uintptr_t)(ARENA + 2048));
    MUST(CALL(i, setup_table, &op, 1) == 0);
    MUST(op.status == (want ? want : op.nr_frames > MAX_FRAMES ? GNTST_general_error : GNTST_okay));
    for (unsigned n = 0; !op.status && n < op.nr_frames; n++)
        MUST(world_frame(list[n]) == table_of(t)->shared[n]);
    set_xen_guest_handle(g.frame_list, (uint64_t *)(uintptr_t)(ARENA + 2048));
    MUST(CALL(i, get_status_frames, &g, 1) == 0);
    if (!want)
        want = table_of(t)->version == 1 || g.nr_frames > 1 ? GNTST_general_error : GNTST_okay;
    MUST(g.status == want);
    for (unsigned n = 0; !g.status && n < g.nr_frames; n++)
        MUST(world_frame(list[n]) == table_of(t)->status[n]);
}

static void step_cache(struct bytes *b)
{
    int i = take_live(b);
    gnttab_cache_flush_t op = { .op = take(b) % 5 };
    uint64_t m = take_frame(b);
    bool mapped = false;
    long want = 0;

    if (i < 0)
        return;
    op.a.dev_bus_addr = m << PAGE_SHIFT;
    m = op.a.dev_bus_addr >> PAGE_SHIFT;
    op.offset = (uint16_t)(take(b) * 20);
    op.length = (uint16_t)(take(b) * 20);
    for (struct mapping *o = W.maps; o; o = o->next)
        mapped |= o->mapper == i && o->mfn == m;
    if (op.offset >= 4096 || op.offset + op.length > 4096)
        want = -XEN_EINVAL;
    else if (op.op > 3 || (op.op == GNTTAB_CACHE_INVAL && op.length))
        want = -XEN_EOPNOTSUPP;
    else if (op.op && op.length && !frame_owner(MFN(m)))
        want = -XEN_EPERM;
    else if (op.op && op.length && (frame_owner(MFN(m)) == &W.d[i] ? m >= POOL : !mapped))
        want = -XEN_EPERM;
    MUST(CALL(i, cache_flush, &op, 1) == want);
}

/* A chain: i may use j's entry through k, which was granted it; then i copies from it. */
static void step_chain(struct bytes *b)
{
    int k = take_live(b), j = take_live(b);
    uint32_t a = take_ref(b), z = take_ref(b);
    uint64_t frame = take_frame(b);

    if (k < 0 || j < 0 || table_of(k)->version != 2 || a >= entries_of(k) || z >= entries_of(j) ||
        model_pins(k, a).who >= 0 || model_pins(j, z).who >= 0)
        return;
    guest_grant(j, z, GTF_permit_access, k, frame);
    guest_grant(k, a, GTF_transitive, take_dom(b), 0);
    v2_of(k, a)->transitive.trans_domid = (domid_t)j;
    v2_of(k, a)->transitive.gref = z;
    step_copy(b);
}

/* One frame of a table, which may have to grow for it. */
static int resource_frame(int i, unsigned id, uint64_t n, mfn_t *m)
{
    int rc;

    do
        rc = grant_resource_frames(&W.d[i], id, n, 1, m);
    while (rc == -XEN_EAGAIN);
    return rc;
}

/* The world around: a page-table entry changed by other means, a frame turned to a table and back, death, rebirth. */
static void step_other(struct bytes *b)
{
    int i = take_live(b);
    unsigned x = take(b), how = take(b);

    if (how >= 0xa0 && how < 0xe0) {
        step_chain(b);
    } else if (how < 0x40 && i >= 0) {
        pte_zap(&W.pte[i][x % SLOTS]);
    } else if (how < 0x80) {
        x %= POOL - FIRST;
        if (W.f[x].owner >= 0 && !W.f[x].writers)
            W.f[x].table = !W.f[x].table;
    } else if (how < 0xa0 && i >= 0) {
        mfn_t m;
        int rc = resource_frame(i, XENMEM_resource_grant_table_id_shared, x % 4, &m);

        MUST(rc == (x % 4 < MAX_FRAMES ? 0 : -XEN_EINVAL));
        MUST(rc || world_frame(m.n) == table_of(i)->shared[x % 4]);
        rc = resource_frame(i, XENMEM_resource_grant_table_id_status, x % 2, &m);
        MUST(rc == (table_of(i)->version == 2 && x % 2 == 0 ? 0 : -XEN_EINVAL));
        MUST(rc || world_frame(m.n) == table_of(i)->status[0]);
    } else if (how >= 0xe0) {
        i = (int)(x % DOMS);
        if (W.exists[i] && x < 0x80)
            world_domain_kill(i);
        else if (!W.exists[i] && !W.d[i].refs)
            world_domain_create(i);
    }
}

/* ---- every counter from scratch ---- */

static void check_frames(void)
{
    unsigned refs[FRAMES] = { 0 }, writers[FRAMES] = { 0 };

    for (int i = 0; i < DOMS; i++) {
        for (unsigned s = 0; s < SLOTS; s++) {
            const struct pte *p = &W.pte[i][s];

            if (p->present) {
                refs[p->mfn - FIRST]++;
                writers[p->mfn - FIRST] += p->writable;
            }
        }
    }
    for (struct mapping *m = W.maps; m; m = m->next) {
        refs[m->mfn - FIRST] += m->dev;
        writers[m->mfn - FIRST] += m->dev && !m->readonly;
    }
    for (unsigned j = 0; j < FRAMES; j++) {
        /* the allocation's own reference: gone if its owner is */
        bool owned = W.f[j].owner >= 0 && W.exists[W.f[j].owner];

        MUST(W.f[j].writers == writers[j]);
        MUST(W.f[j].refs == refs[j] + owned || (j + FIRST >= POOL && W.f[j].refs <= 1));
    }
}

static void check_domains(void)
{
    for (int i = 0; i < DOMS; i++) {
        unsigned refs = W.exists[i];

        for (unsigned j = POOL - FIRST; j < FRAMES; j++)
            refs += W.f[j].owner == i;
        for (struct mapping *m = W.maps; m; m = m->next)
            refs += m->granter == i;
        MUST(W.d[i].refs == refs);
    }
}

static void check_audit(void)
{
    struct grant_party p[DOMS];
    unsigned n = 0;
    const char *broken;

    for (int i = 0; i < DOMS; i++)
        if (W.d[i].refs)
            p[n++] = (struct grant_party){ .id = (domid_t)i, .table = table_of(i), .maps = &W.d[i].grant->maps,
                                           .bits = !W.tampered[i] };
    broken = grant_audit(p, n);
    if (broken) {
        fprintf(stderr, "audit: %s\n", broken);
        abort();
    }
}

/* The pins that the model has are those that the guest sees (the audit compared them with the tables). */
static void check_bits(void)
{
    for (struct mapping *m = W.maps; m; m = m->next) {
        struct pins p = model_pins(m->granter, m->ref);

        if (!W.tampered[m->granter] && W.exists[m->granter])
            MUST(entry_bits(m->granter, m->ref) == (GTF_reading | (p.writers ? GTF_writing : 0)));
    }
}

static void world_check(void)
{
    unsigned kept = 0;

    for (int i = 0; i < DOMS; i++)
        if (W.exists[i])
            kept += table_of(i)->nr_frames + table_of(i)->nr_status;
    MUST(!W.nr_locks && W.mapped == kept);
    check_frames();
    check_domains();
    check_audit();
    check_bits();
}

static void world_step(struct bytes *b)
{
    unsigned op = take(b);

    host_preempt_every(op >> 6);
    switch (op & 15) {
    case 0: case 1: case 2: step_grant(b); break;
    case 3: case 4: case 5: step_map(b); break;
    case 6: case 7: step_unmap(b); break;
    case 8: step_replace(b); break;
    case 9: case 10: step_copy(b); break;
    case 11: step_transfer(b); break;
    case 12: step_version(b); break;
    case 13: step_swap(b); break;
    case 14: step_sizes(b); step_cache(b); break;
    case 15: step_other(b); break;
    }
    host_preempt_every(0);
    world_check();
}

#endif
