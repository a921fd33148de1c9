/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine for core/ptype.c: two domains (the second may map the first's memory), a few hundred frames in RAM ranges
 * with holes, three CPUs that walk page tables and keep what they have seen until they flush.
 *
 * world_step() takes bytes (from a generator or a fuzzer) and makes one operation of them.  After each:
 *   - recount():  every reference and use of every frame is accounted for, exactly (P3, P5-P8);
 *   - cpus_look(): whatever a CPU can reach by the hardware's rules, fresh or stale, is harmless (P1, P2, P4).  CPUs
 *     look also in the middle of operations: in each port that ptype.c calls;
 *   - ptype_audit() agrees.
 * In strict mode each operation is carried through to its end, and a naive model (plain recursion, nothing
 * resumable) must have come to the same answer and the same counters.  Otherwise operations are abandoned at random.
 */
#ifndef PTYPE_WORLD_H
#define PTYPE_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sanitizer/asan_interface.h>
#include "port_host.h"
#include "core/ptype.h"

/* Another world: test_ptype_all.c defines these otherwise. */
#ifndef FRAMES
#define FRAMES       356
#define CPUS         3
#define HV_AREA      340 /* RAM of the hypervisor's own: from here on */
#define ROOT         4   /* the level that CR3 leads to */
#define RAM_RANGES   { { 1, 100 }, { 120, 200 }, { 300, FRAMES } }
#define USED_ENTRIES 0, 1, 2, 63, 127, 128, 129, 255, 256, 257, 271, 272, 273, 400, 510, 511
#endif
#define D1      1
#define D2      2
#define NOWHERE (~0ull)

#define MUST(cond) \
    ((cond) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond), abort()))

struct frame *frames;
uint64_t nr_frames;
struct frame_range ram_ranges[RAM_RANGES_MAX];
unsigned nr_ram_ranges;

/* Entries that the tests use; all others stay 0. */
static const uint16_t used_entries[] = { USED_ENTRIES };
static const struct frame_range world_ranges[] = RAM_RANGES;
#define USED ARRAY_SIZE(used_entries)

struct cpu {
    uint16_t domain;
    uint64_t cr3;                    /* frame or NOWHERE */
    uint64_t last_flush;
    uint8_t table[FRAMES][5];        /* cached as table walked at a level: 1 read-only path, 2 writable path */
    uint8_t types[FRAMES];           /* ... and what it was (1 << type) */
    uint8_t leaf[FRAMES];            /* cached as page: 1 readable, 2 writable */
};

struct mframe { /* the model's idea of a frame */
    uint64_t refs, uses;
    unsigned linear_from, linear_to; /* entries of this table to others of its level; and others' to it */
    enum frame_type type;
    uint16_t owner;
};

static struct {
    struct cpu cpu[CPUS];
    uint64_t clock;
    bool strict, scribble;
    uint32_t held_refs[FRAMES], held_uses[FRAMES]; /* by the test itself */
    bool pinned[FRAMES];
    mfn_t deferred;
    uint16_t deferred_owner;
    unsigned flushes, iomem_asked;
    uint64_t linear_seen, cache_flushes;
    uint32_t flush_stamp;            /* of the last flush: what was asked for */
    bool flush_everywhere, flushing;
    mfn_t intruder;                  /* when flushing: another CPU asks for a writable use of this frame */
    int intruder_rc;
    unsigned eagains;
    uint64_t ops_done[16];
    struct mframe model[FRAMES];
} W;

struct bytes {
    const uint8_t *p, *end;
};

static unsigned byte(struct bytes *b)
{
    return b->p < b->end ? *b->p++ : 0;
}

static uint64_t *entries(uint64_t m)
{
    return host_frame(MFN(m));
}

static bool is_ram(uint64_t m)
{
    for (unsigned i = 0; i < ARRAY_SIZE(world_ranges); i++)
        if (m >= world_ranges[i].first && m < world_ranges[i].end)
            return true;
    return false;
}

static bool iomem_rule(uint64_t m, bool writable)
{
    return m % (writable ? 4 : 2) == 0;
}

static uint64_t word(uint64_t m)
{
    return frames[m].type;
}

static uint64_t refs_of(uint64_t m)
{
    return frames[m].ref & REF_COUNT_MASK;
}

static bool in_use_as(uint64_t m, enum frame_type t)
{
    return (word(m) & TYPE_COUNT_MASK) && TYPE_OF(word(m)) == t;
}

static bool is_table_type(uint64_t w)
{
    return (w & TYPE_COUNT_MASK) && TYPE_OF(w) >= FT_L1 && TYPE_OF(w) <= FT_L4;
}

/* ---- The processors ---- */

static void cpu_flush(struct cpu *c)
{
    c->last_flush = ++W.clock;
    memset(c->table, 0, sizeof(c->table));
    memset(c->types, 0, sizeof(c->types));
    memset(c->leaf, 0, sizeof(c->leaf));
}

/* A page that a walk ends at.  Fresh walks must be right wherever they lead; of stale ones see cpu_check(). */
static void cpu_see_leaf(struct cpu *c, uint64_t *slot, bool rw, bool stale)
{
    uint64_t to = pte_mfn(*slot).n;

    if (!is_ram(to)) {
        MUST(iomem_rule(to, rw));
        return;
    }
    if (to >= HV_AREA) { /* through a linear map: the entries that the hypervisor put in an L4 */
        MUST(!rw);
        return;
    }
    if (rw)
        *slot |= PTE_D;
    if (!stale) {
        MUST(!rw || in_use_as(to, FT_WRITABLE));
        MUST(refs_of(to));
        MUST(ref_owner(frames[to].ref) == c->domain || c->domain == D2);
    }
    c->leaf[to] |= rw ? 2 : 1;
}

/* What the hardware does in frame m on level `level` of a walk; rw: all entries so far allowed writing. */
static void cpu_walk(struct cpu *c, uint64_t m, unsigned level, bool rw, bool stale)
{
    uint64_t *t = entries(m), w;

    if (m >= HV_AREA) {
        MUST(!rw || level == 3);
        return;
    }
    MUST(is_ram(m));
    w = word(m);
    if (stale) /* in use as what it was, or unused and unchanged since, or just being flushed */
        MUST(W.flushing || refs_of(m) == 0 || (TYPE_OF(w) >= FT_L1 && TYPE_OF(w) <= FT_L4));
    else
        MUST(is_table_type(w) && (w & TYPE_VALIDATED) && TYPE_OF(w) >= level && ref_owner(frames[m].ref) == c->domain);
    if (refs_of(m) && !W.flushing)
        c->types[m] |= (uint8_t)(1u << TYPE_OF(w));
    c->table[m][level] |= rw ? 2 : 1;
    for (unsigned i = 0; i < USED; i++) {
        uint64_t *slot = &t[used_entries[i]];
        bool way = rw && (*slot & PTE_RW);

        if (!(*slot & PTE_P))
            continue;
        *slot |= PTE_A;
        if (level == 1)
            cpu_see_leaf(c, slot, way, stale);
        else if (!(c->table[pte_mfn(*slot).n][level - 1] & (way ? 2 : 1)))
            cpu_walk(c, pte_mfn(*slot).n, level - 1, way, stale);
    }
}

/* Walk from CR3, and on from every table that is still in the caches. */
static void cpu_look(struct cpu *c)
{
    static uint8_t before[FRAMES][5];

    if (c->cr3 != NOWHERE) {
        struct cpu saved = *c;

        memset(c->table, 0, sizeof(c->table));
        cpu_walk(c, c->cr3, ROOT, true, false);
        for (unsigned m = 0; m < FRAMES; m++)
            for (unsigned l = 1; l < 5; l++)
                c->table[m][l] |= saved.table[m][l];
    }
    for (unsigned m = 1; m < HV_AREA; m++) /* segment tables: a GDT that it may have loaded */
        if (is_ram(m) && in_use_as(m, FT_SEG) && ref_owner(frames[m].ref) == c->domain && !W.flushing)
            c->types[m] |= 1u << FT_SEG;
    memcpy(before, c->table, sizeof(before));
    for (unsigned m = 1; m < HV_AREA; m++)
        for (unsigned l = 1; l < 5; l++)
            for (unsigned way = 1; way <= 2; way++)
                if (before[m][l] & way)
                    cpu_walk(c, m, l, way == 2, true);
}

/* P4: what a CPU may hold must not contradict what the frame is now. */
static void cpu_check(const struct cpu *c)
{
    for (unsigned m = 1; m < HV_AREA; m++) {
        uint64_t w = is_ram(m) ? word(m) : 0;

        if (!(w & TYPE_COUNT_MASK))
            continue;
        if (c->types[m])
            MUST(c->types[m] == 1u << TYPE_OF(w));
        if (c->leaf[m] & 2)
            MUST(TYPE_OF(w) == FT_WRITABLE);
    }
}

static void cpus_look(void)
{
    for (unsigned i = 0; i < CPUS; i++) {
        cpu_look(&W.cpu[i]);
        cpu_check(&W.cpu[i]);
    }
}

/* ---- The ports ---- */

bool ptype_port_iomem_ok(uint16_t domid, mfn_t m, bool writable)
{
    MUST(!is_ram(m.n));
    MUST(domid == D1 || domid == D2);
    W.iomem_asked++;
    cpus_look();
    return iomem_rule(m.n, writable);
}

static uint64_t hv_entry(unsigned i)
{
    return (uint64_t)(HV_AREA + i % 16) << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US | PTE_A;
}

void ptype_port_init_l4(uint16_t table_owner, uint64_t *table)
{
    MUST(table_owner == D1 || table_owner == D2);
    cpus_look();
    for (unsigned i = 256; i < 272; i++)
        table[i] = hv_entry(i);
}

/* A guest that still has a writable translation uses it, while it can. */
static void scribble(const struct cpu *c)
{
    for (unsigned m = 1; m < HV_AREA; m++)
        if ((c->leaf[m] & 2) && is_table_type(word(m)))
            for (unsigned i = 0; i < USED; i++)
                entries(m)[used_entries[i]] = (uint64_t)(m + i) << PAGE_SHIFT | PTE_P | PTE_RW | PTE_US;
}

void ptype_port_flush(uint16_t owner, bool everywhere, uint32_t stamp)
{
    mfn_t intruder = W.intruder;

    W.flushes++;
    W.flush_stamp = stamp;
    W.flush_everywhere = everywhere;
    W.flushing = true;
    MUST(stamp <= W.clock);
    for (unsigned i = 0; i < CPUS; i++) {
        cpu_look(&W.cpu[i]);
        if (W.scribble)
            scribble(&W.cpu[i]);
    }
    W.flushing = false;
    if (intruder.n) {
        W.intruder = MFN(0);
        W.intruder_rc = ptype_get_writable(intruder);
        if (W.intruder_rc == 0)
            for (unsigned i = 0; i < CPUS; i++)
                MUST(!W.cpu[i].types[intruder.n]);
    }
    for (unsigned i = 0; i < CPUS; i++)
        if ((everywhere || W.cpu[i].domain == owner) && W.cpu[i].last_flush <= stamp)
            cpu_flush(&W.cpu[i]);
}

/* Nobody may be able to write there any more, by whatever entry. */
void ptype_port_cache_flush(mfn_t m)
{
    MUST(frames[m.n].ref & REF_UNCACHED);
    cpus_look();
    for (unsigned i = 0; i < CPUS; i++)
        MUST(!(W.cpu[i].leaf[m.n] & 2));
    W.cache_flushes++;
}

uint32_t ptype_port_stamp(void)
{
    cpus_look();
    return (uint32_t)W.clock;
}

void ptype_port_frame_free(mfn_t m)
{
    MUST(is_ram(m.n) && m.n < HV_AREA);
    MUST(refs_of(m.n) == 0 && !(word(m.n) & TYPE_COUNT_MASK) && !(frames[m.n].ref & REF_ALLOCATED));
    cpus_look();
    frames[m.n].ref = 0;
    frames[m.n].type = (uint64_t)FT_WRITABLE << TYPE_SHIFT | W.clock << TYPE_AUX_SHIFT;
}

/* As kern/alloc.c and kern/pages.c do it. */
static void frame_give(uint64_t m, uint16_t owner)
{
    if (frames[m].type)
        for (unsigned i = 0; i < CPUS; i++)
            if (W.cpu[i].last_flush <= TYPE_AUX(frames[m].type))
                cpu_flush(&W.cpu[i]);
    frames[m].type = 0;
    frames[m].ref = (uint64_t)owner << REF_OWNER_SHIFT | REF_ALLOCATED | 1;
}

/* ---- Exact accounting ---- */

struct count {
    uint32_t refs[FRAMES], uses[FRAMES], linear_from[FRAMES], linear_to[FRAMES];
};

static void count_entry(struct count *n, uint64_t m, enum frame_type type, uint64_t e, bool last_partial)
{
    uint64_t to = pte_mfn(e).n;

    if (!(e & PTE_P) || !is_ram(to) || (type != FT_L1 && to == m)) {
        MUST(!(e & PTE_P) || type == FT_L1 || (to == m && !(e & PTE_RW)));
        return;
    }
    n->refs[to]++;
    if (type != FT_L1 && in_use_as(to, type)) {
        n->uses[to]++;
        n->linear_from[m]++;
        n->linear_to[to]++;
        MUST(!(e & PTE_RW) && (last_partial || (word(to) & TYPE_VALIDATED)));
    } else if (type != FT_L1) {
        n->uses[to]++;
        MUST(in_use_as(to, (enum frame_type)(type - 1)));
        MUST(last_partial || (word(to) & TYPE_VALIDATED));
        MUST(!(e & (PTE_PS | PTE_G)));
    } else {
        MUST(!(e & (PTE_GNTTAB | PTE_G)));
        if (e & PTE_RW) {
            n->uses[to]++;
            MUST(in_use_as(to, FT_WRITABLE) && (word(to) & TYPE_VALIDATED));
        }
    }
    MUST(e & PTE_US);
}

static void count_table(struct count *n, uint64_t m)
{
    uint64_t w = word(m);
    enum frame_type type = TYPE_OF(w);
    unsigned end = w & TYPE_VALIDATED ? PTE_ENTRIES : TYPE_FILLED(w);

    MUST(!(w & TYPE_VALIDATED) != !(w & TYPE_PARTIAL));
    MUST(end <= PTE_ENTRIES);
    for (unsigned i = 0; i < USED; i++) {
        unsigned at = used_entries[i];

        if (type == FT_L4 && at >= 256 && at < 272)
            MUST(!(w & TYPE_VALIDATED) || entries(m)[at] == hv_entry(at) ||
                 entries(m)[at] == (hv_entry(at) | PTE_D));
        else if (at < end)
            count_entry(n, m, type, entries(m)[at], (w & TYPE_PARTIAL) && at + 1 == end);
    }
}

static void recount(void)
{
    static struct count n;

    memset(&n, 0, sizeof(n));
    for (unsigned m = 1; m < HV_AREA; m++)
        if (is_ram(m) && is_table_type(word(m)))
            count_table(&n, m);
    for (unsigned m = 1; m < FRAMES; m++) {
        uint64_t w, refs, uses;

        if (!is_ram(m))
            continue;
        w = word(m);
        MUST(W.pinned[m] == !!((w & TYPE_PINNED) && (w & TYPE_COUNT_MASK)));
        MUST(!(w & TYPE_PARKED) || ((w & TYPE_PARTIAL) && !W.pinned[m]));
        refs = n.refs[m] + W.held_refs[m] + W.pinned[m] + !!(w & TYPE_PARKED) + !!(frames[m].ref & REF_ALLOCATED);
        uses = n.uses[m] + W.held_uses[m] + W.pinned[m] + !!(w & TYPE_PARKED);
        MUST(refs == refs_of(m));
        MUST(uses == (w & TYPE_COUNT_MASK));
        if (is_table_type(w) && TYPE_OF(w) != FT_L1) {
            MUST(!n.linear_from[m] || !n.linear_to[m]);
            MUST(TYPE_LINEAR(w) == n.linear_from[m] + n.linear_to[m]);
            MUST(!(w & TYPE_SOURCE) == !n.linear_from[m]);
            W.linear_seen += n.linear_from[m];
        }
        if (uses == 0)
            MUST(!(w & (TYPE_PARTIAL | TYPE_PARKED | TYPE_PINNED | TYPE_VALIDATED)));
    }
    MUST(host_frames_mapped() == 0);
}

static void world_check(void)
{
    recount();
    cpus_look();
    recount();
    MUST(ptype_audit(D1) == 0);
    MUST(ptype_audit(D2) == 0);
}

/* ---- The naive model: counts only, on the frames' present contents ---- */

static int model_get(struct ptype_ctx c, uint64_t m, enum frame_type type);
static void model_put(uint64_t m);

static void model_load(void)
{
    for (unsigned m = 1; m < FRAMES; m++) {
        unsigned linear = is_ram(m) && is_table_type(word(m)) && TYPE_OF(word(m)) != FT_L1 ? TYPE_LINEAR(word(m)) : 0;

        W.model[m] = is_ram(m) ? (struct mframe){ .refs = refs_of(m), .uses = word(m) & TYPE_COUNT_MASK,
                                                  .linear_from = word(m) & TYPE_SOURCE ? linear : 0,
                                                  .linear_to = word(m) & TYPE_SOURCE ? 0 : linear,
                                                  .type = TYPE_OF(word(m)),
                                                  .owner = (uint16_t)ref_owner(frames[m].ref) }
                               : (struct mframe){ 0 };
    }
}

static void model_compare(void)
{
    for (unsigned m = 1; m < FRAMES; m++) {
        if (!is_ram(m))
            continue;
        MUST(!(word(m) & TYPE_COUNT_MASK) || !(word(m) & TYPE_PARTIAL));
        MUST(W.model[m].refs == refs_of(m));
        MUST(W.model[m].uses == (word(m) & TYPE_COUNT_MASK));
        if (is_table_type(word(m)) && TYPE_OF(word(m)) != FT_L1)
            MUST(W.model[m].linear_from + W.model[m].linear_to == TYPE_LINEAR(word(m)));
        MUST(!W.model[m].uses || W.model[m].type == TYPE_OF(word(m)));
    }
}

static bool model_exists(uint64_t m, uint16_t owner)
{
    return is_ram(m) && W.model[m].refs && W.model[m].owner == owner;
}

static bool model_is_linear(uint64_t to, enum frame_type type)
{
    return type != FT_L1 && is_ram(to) && W.model[to].uses && W.model[to].type == type;
}

static bool model_linear_get(struct ptype_ctx c, uint64_t m, uint64_t to)
{
    if (!model_exists(to, c.table_owner) || W.model[to].linear_from || W.model[m].linear_to)
        return false;
    W.model[m].linear_from++;
    W.model[to].linear_to++;
    W.model[to].refs++;
    W.model[to].uses++;
    return true;
}

static bool model_entry_get(struct ptype_ctx c, uint64_t m, enum frame_type type, uint64_t e)
{
    uint64_t to = pte_mfn(e).n;

    if (!(e & PTE_P))
        return true;
    if (type != FT_L1) {
        if (e & (PTE_PS | PTE_G | PTE_PWT | PTE_PCD))
            return false;
        if (to == m)
            return !(e & PTE_RW);
        if (model_is_linear(to, type))
            return !(e & PTE_RW) && model_linear_get(c, m, to);
        return model_get(c, to, (enum frame_type)(type - 1)) == 0;
    }
    if (e & PTE_GNTTAB)
        return false;
    if (!is_ram(to))
        return iomem_rule(to, false);
    if (!model_exists(to, c.frame_owner))
        return false;
    if (e & PTE_RW) {
        if (W.model[to].uses && W.model[to].type != FT_WRITABLE)
            return false;
        W.model[to].type = FT_WRITABLE;
        W.model[to].uses++;
    }
    W.model[to].refs++;
    return true;
}

static void model_entry_put(uint64_t m, enum frame_type type, uint64_t e)
{
    uint64_t to = pte_mfn(e).n;

    if (!(e & PTE_P) || !is_ram(to) || (type != FT_L1 && to == m))
        return;
    if (type != FT_L1) {
        if (model_is_linear(to, type)) {
            W.model[m].linear_from--;
            W.model[to].linear_to--;
        }
        model_put(to);
        return;
    }
    if (e & PTE_RW)
        W.model[to].uses--;
    W.model[to].refs--;
}

static bool model_entry_counts(enum frame_type type, unsigned at)
{
    return type != FT_L4 || at < 256 || at >= 272;
}

/* The same frame in the same way again: nothing to ask. */
static bool model_same_use(enum frame_type type, uint64_t m, uint64_t old, uint64_t e)
{
    if (type == FT_NONE || !(old & e & PTE_P) || ((old ^ e) & PTE_ADDR) ||
        (type != FT_L1 && (pte_mfn(e).n == m || model_is_linear(pte_mfn(e).n, type))))
        return false;
    return type == FT_L1 ? !((old ^ e) & PTE_RW) && !(e & PTE_GNTTAB) : !(e & (PTE_PS | PTE_G | PTE_PWT | PTE_PCD));
}

static bool model_fill(struct ptype_ctx c, uint64_t m, enum frame_type type)
{
    for (unsigned i = 0; i < USED; i++) {
        if (!model_entry_counts(type, used_entries[i]) ||
            model_entry_get(c, m, type, entries(m)[used_entries[i]]))
            continue;
        while (i-- > 0)
            if (model_entry_counts(type, used_entries[i]))
                model_entry_put(m, type, entries(m)[used_entries[i]]);
        return false;
    }
    return true;
}

static bool model_segments_ok(uint64_t m)
{
    for (unsigned i = 0; i < USED; i++) {
        uint64_t d = entries(m)[used_entries[i]];
        bool present = d >> 47 & 1, app = d >> 44 & 1, code = d >> 43 & 1;

        if (present && (!app || (code && (d >> 53 & 1) && (d >> 54 & 1)) ||
                        (code && (d >> 42 & 1) && (d >> 45 & 3) != 3)))
            return false;
    }
    return true;
}

static int model_get(struct ptype_ctx c, uint64_t m, enum frame_type type)
{
    if (!model_exists(m, c.table_owner) || (W.model[m].uses && W.model[m].type != type))
        return -XEN_EINVAL;
    W.model[m].refs++;
    if (W.model[m].uses++)
        return 0;
    W.model[m].type = type;
    if (type == FT_SEG ? model_segments_ok(m) : model_fill(c, m, type))
        return 0;
    W.model[m].uses--;
    W.model[m].refs--;
    return -XEN_EINVAL;
}

static void model_put(uint64_t m)
{
    if (--W.model[m].uses == 0 && W.model[m].type != FT_SEG)
        for (unsigned i = USED; i-- > 0;)
            if (model_entry_counts(W.model[m].type, used_entries[i]))
                model_entry_put(m, W.model[m].type, entries(m)[used_entries[i]]);
    W.model[m].refs--;
}

/* ---- Beginning and end ---- */

static uint16_t home_of(uint64_t m)
{
    return m >= HV_AREA || m % 32 == 31 ? 0 : m < 150 ? D1 : D2;
}

static void world_start(bool strict, unsigned preempt_every)
{
    static bool made;

    if (!made) {
        host_reset();
        host_frames_init(MFN(0), FRAMES);
        frames = calloc(FRAMES, sizeof(*frames));
        for (unsigned m = 0; m < FRAMES; m++)
            if (!is_ram(m))
                ASAN_POISON_MEMORY_REGION(&frames[m], sizeof(frames[m]));
        nr_frames = FRAMES;
        nr_ram_ranges = ARRAY_SIZE(world_ranges);
        memcpy(ram_ranges, world_ranges, sizeof(world_ranges));
        made = true;
    }
    host_preempt_every(preempt_every);
    memset(&W, 0, sizeof(W));
    W.clock = 1;
    W.strict = strict;
    W.scribble = !strict;
    W.deferred = MFN_NONE;
    for (unsigned i = 0; i < CPUS; i++)
        W.cpu[i] = (struct cpu){ .domain = i == 2 ? D2 : D1, .cr3 = NOWHERE };
    for (unsigned m = 1; m < FRAMES; m++) {
        if (!is_ram(m))
            continue;
        frames[m] = (struct frame){ 0 };
        for (unsigned i = 0; i < USED; i++)
            entries(m)[used_entries[i]] = 0;
        if (home_of(m))
            frame_give(m, home_of(m));
    }
}

static struct ptype_ctx own(uint16_t d)
{
    return (struct ptype_ctx){ d, d };
}

/* Work that an operation left: on with it. */
static bool deferred_finish(bool to_the_end)
{
    struct ptype_ctx c = own(W.deferred_owner);
    unsigned rounds = 0;
    int rc;

    if (mfn_eq(W.deferred, MFN_NONE))
        return true;
    while ((rc = ptype_unpark(&c, W.deferred)) == -XEN_EAGAIN && to_the_end)
        MUST(++rounds < 100000);
    MUST(rc == 0 || rc == -XEN_EAGAIN);
    if (rc)
        return false;
    W.deferred = MFN_NONE;
    return true;
}

/* m is parked and to be taken apart. */
static void deferred_set(uint16_t d, uint64_t m)
{
    MUST(mfn_eq(W.deferred, MFN_NONE) && (word(m) & TYPE_PARKED));
    W.deferred = MFN(m);
    W.deferred_owner = d;
    recount();
    deferred_finish(W.strict);
}

static void put_to_end(uint16_t d, uint64_t m)
{
    struct ptype_ctx c = own(d);
    unsigned rounds = 0;
    int rc;

    while ((rc = ptype_put(&c, MFN(m))) == -XEN_EAGAIN)
        MUST(++rounds < 100000);
    MUST(rc == 0);
}

static void ref_release(uint64_t m)
{
    if (frame_ref_put(MFN(m)))
        ptype_port_frame_free(MFN(m));
}

static void held_release(uint64_t m)
{
    while (W.held_uses[m]) {
        W.held_uses[m]--;
        W.held_refs[m]--;
        if (TYPE_OF(word(m)) == FT_WRITABLE) {
            ptype_put_writable(MFN(m));
            ref_release(m);
        } else {
            put_to_end((uint16_t)ref_owner(frames[m].ref), m);
        }
    }
    while (W.held_refs[m]) {
        W.held_refs[m]--;
        ref_release(m);
    }
}

/* Everything is given back; then nothing may be left. */
static inline void world_end(void)
{
    while (!deferred_finish(true))
        ;
    for (unsigned i = 0; i < CPUS; i++)
        W.cpu[i].cr3 = NOWHERE; /* its hold goes below */
    for (unsigned m = 1; m < HV_AREA; m++) {
        uint16_t d;
        struct ptype_ctx c;
        unsigned rounds = 0;

        if (!is_ram(m) || !refs_of(m))
            continue;
        d = (uint16_t)ref_owner(frames[m].ref);
        c = own(d);
        if ((word(m) & TYPE_COUNT_MASK) && (word(m) & (TYPE_PINNED | TYPE_PARKED)))
            while (ptype_unpin(&c, MFN(m)) == -XEN_EAGAIN)
                MUST(++rounds < 100000);
        W.pinned[m] = false;
        held_release(m);
        if (frames[m].ref & REF_ALLOCATED) {
            frames[m].ref &= ~REF_ALLOCATED;
            ref_release(m);
        }
    }
    recount();
    cpus_look();
    for (unsigned m = 1; m < FRAMES; m++)
        if (is_ram(m))
            MUST(refs_of(m) == 0 && !(word(m) & TYPE_COUNT_MASK));
    MUST(host_mem_live() == 0);
}

/* ---- Operations ---- */

static enum frame_type role_of(uint64_t m)
{
    static const uint8_t roles[] = { FT_L1, FT_L1, FT_L2, FT_L1, FT_L3, FT_WRITABLE, FT_WRITABLE, FT_L4,
                                     FT_L2, FT_WRITABLE, FT_WRITABLE, FT_SEG, FT_WRITABLE };

    return (enum frame_type)roles[m % sizeof(roles)];
}

/* A frame number, mostly of domain d with the role wanted (FT_NONE: any). */
static uint64_t pick_frame(struct bytes *b, uint16_t d, enum frame_type role)
{
    unsigned x = byte(b), start = d == D1 ? 1 : 150, len = d == D1 ? 148 : 189;
    uint64_t m = start + x % 10 * (len / 10);

    if (x >= 225 && x < 250) /* of the tables that there were at the start */
        return start + 9 + x % 15;

    if (x >= 250)
        return (uint64_t)byte(b) + (x & 1) * 100; /* anything: holes, others', beyond the end */
    for (unsigned i = 0; i < 60; i++, m++)
        if (is_ram(m) && home_of(m) == d && (role == FT_NONE || role_of(m) == role))
            return m;
    return start;
}

static uint64_t pick_entry(struct bytes *b, uint16_t d, uint64_t m, enum frame_type type)
{
    unsigned kind = byte(b);
    uint64_t flags = PTE_P | PTE_US | PTE_RW, to;

    if (kind < 20)
        return kind % 2 ? 0 : (uint64_t)byte(b) << PAGE_SHIFT | PTE_RW;
    if (kind >= 246)
        flags ^= 1ul << byte(b) % 9;
    if (kind == 255)
        flags |= PTE_GNTTAB;
    if (kind % 4 == 3)
        flags ^= PTE_US | PTE_A | PTE_D | PTE_NX;
    if (type == FT_L1) {
        to = kind % 32 == 1 ? 98 + byte(b) % 24 /* device memory, mostly */
           : pick_frame(b, d, kind % 8 < 5 ? FT_WRITABLE : FT_NONE);
        if (kind % 8 > 3)
            flags &= ~PTE_RW;
    } else {
        to = kind % 16 == 9 ? m
           : kind % 8 == 3 ? pick_frame(b, d, type) /* linear */
           : pick_frame(b, d, kind < 230 ? (enum frame_type)(type - 1) : FT_NONE);
        if ((to == m && kind % 32 != 9) || kind % 8 == 3)
            flags &= ~PTE_RW;
    }
    return to << PAGE_SHIFT | flags;
}

static enum frame_type pick_level(struct bytes *b, uint64_t m)
{
    unsigned x = byte(b);

    return x < 220 && role_of(m) <= FT_L4 ? role_of(m) : (enum frame_type)(FT_L1 + x % 4);
}

/* The guest writes its own memory, if it is that. */
static void op_fill(struct bytes *b, uint16_t d)
{
    uint64_t m = pick_frame(b, d, FT_NONE);
    unsigned n = byte(b) % 6;

    if (!frame_ref_get(MFN(m), d))
        return;
    if (ptype_get_writable(MFN(m)) == 0) {
        if (n == 5)
            for (unsigned i = 0; i < USED; i++)
                entries(m)[used_entries[i]] = 0;
        for (unsigned i = 0; i < n; i++)
            entries(m)[used_entries[byte(b) % USED]] =
                role_of(m) == FT_SEG ? (uint64_t)(byte(b) << 8 | 0xff) << 40 : pick_entry(b, d, m, role_of(m));
        ptype_put_writable(MFN(m));
    }
    ref_release(m);
}

/* After -XEN_EAGAIN: ask again? */
static bool again(struct bytes *b, unsigned *rounds)
{
    W.eagains++;
    MUST(++*rounds < 100000);
    return W.strict || byte(b) % 4 != 0;
}

static void op_pin(struct bytes *b, uint16_t d)
{
    uint64_t m = pick_frame(b, d, (enum frame_type)(FT_L1 + byte(b) % 4));
    enum frame_type level = pick_level(b, m);
    struct ptype_ctx c = own(d);
    unsigned rounds = 0;
    int rc, want = 0;

    if (!deferred_finish(W.strict || byte(b) % 2))
        return;
    if (W.strict) {
        model_load();
        want = is_ram(m) && m < FRAMES && W.pinned[m] && model_exists(m, d) ? -XEN_EINVAL : model_get(c, m, level);
    }
    while ((rc = ptype_pin(&c, MFN(m), level)) == -XEN_EAGAIN && again(b, &rounds))
        recount();
    if (rc == 0) {
        MUST(!W.pinned[m]);
        W.pinned[m] = true;
        W.ops_done[level]++;
    }
    if (rc == -XEN_ENOTEMPTY) {
        deferred_set(d, m);
        rc = -XEN_EINVAL;
    }
    if (W.strict) {
        MUST(rc == want);
        model_compare();
    }
}

static void op_unpin(struct bytes *b, uint16_t d)
{
    uint64_t m = pick_frame(b, d, (enum frame_type)(FT_L1 + byte(b) % 4));
    struct ptype_ctx c = own(d);
    bool can;
    int rc;

    if (!deferred_finish(W.strict || byte(b) % 2))
        return;
    can = is_ram(m) && m < FRAMES && ref_owner(frames[m].ref) == d && (W.pinned[m] || (word(m) & TYPE_PARKED));
    model_load();
    rc = ptype_unpin(&c, MFN(m));
    if (can)
        W.pinned[m] = false;
    MUST(can == (rc == 0 || rc == -XEN_EAGAIN));
    if (rc == -XEN_EAGAIN) {
        W.eagains++;
        deferred_set(d, m);
    }
    if (W.strict) {
        if (can)
            model_put(m);
        model_compare();
    }
}

static void set_entry(struct bytes *b, struct ptype_ctx c, uint64_t m, unsigned at, uint64_t val)
{
    enum frame_type type = (enum frame_type)ptype_level(MFN(m));
    uint8_t how = byte(b);
    bool preserve = how & 1, swap = type == FT_L1 && (how & 2), had_level = ptype_level(MFN(m));
    uint64_t old = entries(m)[at], now;
    unsigned rounds = 0;
    mfn_t deferred = MFN_NONE;
    int rc, want = -XEN_EINVAL;

    if (W.strict) {
        model_load();
        if (!had_level || !model_entry_counts(type, at)) {
            want = -XEN_EINVAL;
        } else if (model_same_use(type, m, old, val)) {
            want = 0;
        } else if (model_entry_get(c, m, type, val)) {
            model_entry_put(m, type, old);
            want = 0;
        }
    }
    while ((rc = swap ? ptype_swap_leaf(&c, MFN(m), at, entries(m)[at], val)
                      : ptype_set_entry(&c, MFN(m), at, val, preserve, &deferred)) == -XEN_EAGAIN) {
        MUST(((entries(m)[at] ^ old) & ~(PTE_A | PTE_D)) == 0 && mfn_eq(deferred, MFN_NONE));
        recount();
        if (!again(b, &rounds))
            break;
    }
    now = entries(m)[at];
    if (rc == 0) {
        uint64_t fixed = (val & PTE_P) ? (val | PTE_US) & ~(type == FT_L1 ? PTE_G : 0) : val;

        if (type == FT_L1 && (val & PTE_P) && !is_ram(pte_mfn(val).n) && !iomem_rule(pte_mfn(val).n, true))
            fixed &= ~PTE_RW;
        MUST(((now ^ fixed) & ~(PTE_A | PTE_D)) == 0);
        MUST((now & fixed & (PTE_A | PTE_D)) == (fixed & (PTE_A | PTE_D)));
        W.ops_done[8 + type]++;
    } else {
        MUST(((now ^ old) & ~(PTE_A | PTE_D)) == 0);
    }
    if (!mfn_eq(deferred, MFN_NONE)) {
        MUST(rc == 0 || rc == -XEN_EINVAL);
        W.ops_done[14 + !!rc]++;
        deferred_set(c.table_owner, deferred.n);
    }
    if (W.strict) {
        MUST(rc == want);
        model_compare();
    }
}

static void op_set_entry(struct bytes *b, uint16_t d)
{
    struct ptype_ctx c = own(d);
    enum frame_type role = (enum frame_type)(FT_L1 + byte(b) % 4);
    uint64_t m = pick_frame(b, d, role);
    unsigned at = used_entries[byte(b) % USED];
    bool foreign = d == D2 && role == FT_L1 && byte(b) % 2;
    uint64_t val = pick_entry(b, foreign ? D1 : d, m, role);

    if (foreign)
        c.frame_owner = byte(b) % 8 ? D1 : DOMID_IO;
    if (!deferred_finish(W.strict || byte(b) % 2) || !frame_ref_get(MFN(m), d))
        return;
    if (byte(b) % 4 == 0) /* only other flags */
        val = entries(m)[at] ^ (1ul << byte(b) % 9 | PTE_NX | PTE_AVAIL);
    W.held_refs[m]++;
    set_entry(b, c, m, at, val);
    W.held_refs[m]--;
    ref_release(m);
}

static void op_set_cr3(struct bytes *b, uint16_t d)
{
    struct cpu *cpu = &W.cpu[d == D2 ? 2 : byte(b) % 2];
    uint64_t m = byte(b) % 4 ? pick_frame(b, d, FT_L4) : NOWHERE, old = cpu->cr3;
    struct ptype_ctx c = own(d);
    unsigned rounds = 0;
    int rc = 0;

    if (!deferred_finish(W.strict) || m == old)
        return;
    while (m != NOWHERE && (rc = ptype_get(&c, MFN(m), FT_L4)) == -XEN_EAGAIN) {
        ptype_park(MFN(m));
        recount();
        if (!again(b, &rounds))
            break;
    }
    if (rc == -XEN_ENOTEMPTY) {
        ptype_park(MFN(m));
        deferred_set(d, m);
    }
    if (rc)
        return;
    if (m != NOWHERE) {
        W.held_refs[m]++;
        W.held_uses[m]++;
    }
    cpu->cr3 = m;
    cpu_flush(cpu);
    if (old == NOWHERE)
        return;
    W.held_refs[old]--;
    W.held_uses[old]--;
    if (ptype_put(&c, MFN(old)) == -XEN_EAGAIN) {
        ptype_park(MFN(old));
        deferred_set(d, old);
    }
}

/* References and uses of others: grants, ours, segment tables. */
static void op_hold(struct bytes *b, uint16_t d)
{
    unsigned kind = byte(b) % 4;
    uint64_t m = pick_frame(b, d, kind == 3 ? FT_SEG : FT_NONE);
    struct ptype_ctx c = own(d);

    if (kind == 0) {
        for (unsigned i = 0; i < CPUS; i++)
            if (m == W.cpu[i].cr3)
                return;
        if (is_ram(m) && m < HV_AREA)
            held_release(m);
        return;
    }
    if (kind == 3) {
        int rc, want = 0;

        if (W.strict) {
            model_load();
            want = model_get(c, m, FT_SEG);
        }
        rc = ptype_get(&c, MFN(m), FT_SEG);
        if (rc == 0) {
            W.held_refs[m]++;
            W.held_uses[m]++;
            W.ops_done[FT_SEG]++;
        }
        if (W.strict) {
            MUST(rc == want);
            model_compare();
        }
        return;
    }
    if (!frame_ref_get(MFN(m), d))
        return;
    W.held_refs[m]++;
    if (kind == 2 && ptype_get_writable(MFN(m)) == 0) {
        W.held_uses[m]++;
        if (byte(b) % 2)
            __atomic_or_fetch(&frames[m].ref, REF_FOREIGN, __ATOMIC_SEQ_CST);
    }
}

static void op_release_or_give(struct bytes *b, uint16_t d)
{
    uint64_t m = pick_frame(b, d, FT_NONE);

    if (!is_ram(m) || m >= HV_AREA)
        return;
    if (refs_of(m) == 0) {
        frame_give(m, byte(b) % 8 ? d : d ^ 3);
    } else if (ref_owner(frames[m].ref) == d && (frames[m].ref & REF_ALLOCATED)) {
        frames[m].ref &= ~REF_ALLOCATED;
        ref_release(m);
    }
}

/* ---- Unmap something that a CPU may have in its caches, and use it otherwise ---- */

static void switch_to(uint16_t d, unsigned cpu, uint64_t m)
{
    struct ptype_ctx c = own(d);
    uint64_t old = W.cpu[cpu].cr3;
    int rc;

    while ((rc = ptype_get(&c, MFN(m), FT_L4)) == -XEN_EAGAIN)
        ptype_park(MFN(m));
    MUST(rc == 0 && old == NOWHERE);
    W.held_refs[m]++;
    W.held_uses[m]++;
    W.cpu[cpu].cr3 = m;
    cpu_flush(&W.cpu[cpu]);
}

/* A present entry of some validated table of `type` of domain d. */
static bool find_entry(struct bytes *b, uint16_t d, enum frame_type type, uint64_t *m, unsigned *at)
{
    unsigned from = byte(b), e = byte(b);

    for (unsigned i = 0; i < FRAMES; i++) {
        *m = (from + i) % FRAMES;
        if (!is_ram(*m) || ptype_level(MFN(*m)) != type || ref_owner(frames[*m].ref) != d)
            continue;
        for (unsigned n = 0; n < USED; n++) {
            *at = used_entries[(e + n) % USED];
            if ((entries(*m)[*at] & PTE_P) && model_entry_counts(type, *at) && is_ram(pte_mfn(entries(*m)[*at]).n))
                return true;
        }
    }
    return false;
}

/* Mapped writable, then a table; or a table, then another table or mapped writable. */
static void op_retype(struct bytes *b, uint16_t d)
{
    unsigned how = byte(b);
    uint64_t m, to;
    unsigned at;
    struct ptype_ctx c = own(d);
    uint16_t owner;

    if (!deferred_finish(W.strict) || !find_entry(b, d, (enum frame_type)(FT_L1 + how % 4 % 3), &m, &at))
        return;
    if (d == D2 && ptype_level(MFN(m)) == 1 && (how & 8)) { /* first map the other's memory there */
        c.frame_owner = D1;
        set_entry(b, c, m, at, pick_frame(b, D1, FT_WRITABLE) << PAGE_SHIFT | PTE_P | PTE_RW);
        cpus_look();
        if (!is_ram(pte_mfn(entries(m)[at]).n))
            return;
    }
    to = pte_mfn(entries(m)[at]).n;
    owner = (uint16_t)ref_owner(frames[to].ref);
    set_entry(b, c, m, at, 0);
    if (!deferred_finish(true))
        return;
    c = own(owner);
    if (W.pinned[to]) {
        int rc = ptype_unpin(&c, MFN(to));

        W.pinned[to] = false;
        while (rc == -XEN_EAGAIN)
            rc = ptype_unpark(&c, MFN(to));
    }
    if ((word(to) & TYPE_COUNT_MASK) || !refs_of(to))
        return;
    W.ops_done[FT_L4 + 3]++;
    if (how & 64)
        memset(entries(to), 0, 4);
    if (how & 128) {
        if (frame_ref_get(MFN(to), owner)) {
            W.held_refs[to]++;
            if (ptype_get_writable(MFN(to)) == 0)
                W.held_uses[to]++;
        }
    } else {
        enum frame_type type = (enum frame_type)(FT_L1 + how / 16 % 4);
        int rc;

        while ((rc = ptype_pin(&c, MFN(to), type)) == -XEN_EAGAIN)
            recount();
        if (rc == 0)
            W.pinned[to] = true;
        if (rc == -XEN_ENOTEMPTY)
            deferred_set(owner, to);
    }
}

/* Tables as a kernel has them, in use on all CPUs: entries are { table, index, where to, writable }. */
static inline void world_populate(void)
{
    static const uint16_t map[][4] = {
        { 10, 0, 11, 1 }, { 10, 511, 10, 0 }, { 10, 273, 12, 1 }, { 11, 0, 13, 1 }, { 11, 511, 14, 1 }, { 12, 1, 13, 1 },
        { 12, 400, 12, 0 }, { 13, 0, 15, 1 }, { 13, 1, 16, 1 }, { 14, 128, 17, 1 }, { 14, 511, 14, 0 },
        { 15, 0, 18, 1 }, { 15, 1, 19, 1 }, { 15, 2, 20, 1 }, { 15, 127, 10, 0 }, { 15, 128, 21, 1 }, { 16, 0, 22, 1 },
        { 16, 511, 15, 0 }, { 16, 129, 23, 1 }, { 17, 0, 24, 1 }, { 17, 1, 18, 1 }, { 17, 2, 108, 1 }, { 17, 63, 106, 0 },
        { 160, 1, 161, 1 }, { 161, 2, 162, 1 }, { 162, 63, 163, 1 }, { 163, 0, 164, 1 }, { 163, 1, 165, 1 }, { 163, 2, 166, 0 },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
        entries(map[i][0])[map[i][1]] = (uint64_t)map[i][2] << PAGE_SHIFT | PTE_P | PTE_US | (map[i][3] ? PTE_RW : 0);
    switch_to(D1, 0, 10);
    switch_to(D1, 1, 10);
    switch_to(D2, 2, 160);
}

static void op_abandon(struct bytes *b, uint16_t d)
{
    uint64_t m = pick_frame(b, d, (enum frame_type)(FT_L1 + byte(b) % 4));
    struct ptype_ctx c = own(d);

    if (is_ram(m) && m < FRAMES)
        (void)ptype_unpark(&c, MFN(m));
}

static inline void world_step(struct bytes *b)
{
    unsigned op = byte(b);
    uint16_t d = op & 128 ? D2 : D1;

    switch (op % 16) {
    case 0: case 1: case 2:
        op_fill(b, d);
        break;
    case 3:
        op_retype(b, d);
        break;
    case 4: case 5:
        op_pin(b, d);
        break;
    case 6:
        op_unpin(b, d);
        break;
    case 7: case 8: case 9:
        op_set_entry(b, d);
        break;
    case 10: case 11:
        op_set_cr3(b, d);
        break;
    case 12:
        op_hold(b, d);
        break;
    case 13:
        op_release_or_give(b, d);
        break;
    case 14:
        op_abandon(b, d);
        break;
    default:
        if (op & 64)
            op_retype(b, d);
        else if (op & 32)
            cpu_flush(&W.cpu[byte(b) % CPUS]);
        else
            (void)deferred_finish(W.strict);
        break;
    }
    world_check();
}

#endif
