/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Types of frames, every way: a world of ptype_world.h that is so small that all its states can be visited.
 *
 * Three frames of one domain, of which a guest makes L1 and L2 tables, segment tables and plain memory; tables have
 * one entry that is used (test_ptype_two.c: two frames, two entries); one CPU, whose CR3 leads to an L2, remembers everything that it could
 * ever have walked since it last flushed.  From the start, breadth first, each operation is tried in each state found, carried through and
 * stopped at its first chance to stop, and after each the world is checked as ever (P1 to P9).  What a guest wrote into a frame is
 * chosen when the frame is first read as a table, each possibility in turn.  States that differ only by the
 * frames' numbers are one.  What a bigger world adds is depth: the code knows levels by a table of constants alone.
 *
 * PTYPE_STATES=N visits N states; the default, 15,000, holds all ways of four operations.  2,000,000 is enough for all there are.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>
#include <cmocka.h>

#ifndef SLOTS
#define FRAMES       4
#define SLOTS        1
#define USED_ENTRIES 0
#define VISIT        15000u
#endif
#define CPUS         1
#define HV_AREA      FRAMES
#define ROOT         2
#define RAM_RANGES   { { 1, FRAMES } }
#include "ptype_world.h"

#define N (FRAMES - 1)

/* A state, without what makes no difference: the time, and accessed and dirty bits. */
struct state {
    struct fstate {
        uint64_t ref, type, entry[SLOTS];
        uint8_t pinned, held_refs, held_uses, cached[ROOT], types, leaf;
    } f[N];
    uint8_t cr3, deferred; /* frame numbers; 0: none */
};

struct visit {
    struct state s;
    uint32_t from, op;
};

/* ---- From the world and back ---- */

#define NOW 100ul /* the clock in a world that is put up again, and the CPU's last flush */

static uint64_t since_flush(uint64_t stamp)
{
    return stamp >= W.cpu[0].last_flush ? NOW : NOW - 1;
}

static uint64_t type_timeless(uint64_t w)
{
    if (w & TYPE_COUNT_MASK) {
        if (TYPE_OF(w) != FT_L1)
            return w;
        return (w & ~TYPE_LINEAR_MASK) | since_flush(TYPE_LINEAR(w)) << TYPE_LINEAR_SHIFT;
    }
    if (!w)
        return 0;
    return (w & ~TYPE_AUX_MASK) | since_flush(TYPE_AUX(w)) << TYPE_AUX_SHIFT;
}

/* Nobody has written to it since it was a table. */
static bool was_table(uint64_t m)
{
    return TYPE_OF(word(m)) >= FT_L1 && TYPE_OF(word(m)) <= FT_L4;
}

static struct state state_save(void)
{
    struct state s;

    memset(&s, 0, sizeof(s));
    for (unsigned i = 0; i < N; i++) {
        struct fstate *f = &s.f[i];
        unsigned m = i + 1;

        f->ref = frames[m].ref;
        f->type = type_timeless(frames[m].type);
        for (unsigned k = 0; k < SLOTS; k++)
            f->entry[k] = was_table(m) ? entries(m)[used_entries[k]] & ~(PTE_A | PTE_D) : 0;
        f->pinned = W.pinned[m];
        f->held_refs = (uint8_t)W.held_refs[m];
        f->held_uses = (uint8_t)W.held_uses[m];
        for (unsigned l = 0; l < ROOT; l++)
            f->cached[l] = W.cpu[0].table[m][l + 1];
        f->types = W.cpu[0].types[m];
        f->leaf = W.cpu[0].leaf[m];
    }
    s.cr3 = W.cpu[0].cr3 == NOWHERE ? 0 : (uint8_t)W.cpu[0].cr3;
    s.deferred = mfn_eq(W.deferred, MFN_NONE) ? 0 : (uint8_t)W.deferred.n;
    return s;
}

static void state_put_up(const struct state *s)
{
    struct cpu *c = &W.cpu[0];

    W.clock = NOW;
    c->last_flush = NOW;
    for (unsigned i = 0; i < N; i++) {
        const struct fstate *f = &s->f[i];
        unsigned m = i + 1;

        frames[m].ref = f->ref;
        frames[m].type = f->type;
        for (unsigned k = 0; k < SLOTS; k++)
            entries(m)[used_entries[k]] = f->entry[k];
        W.pinned[m] = f->pinned;
        W.held_refs[m] = f->held_refs;
        W.held_uses[m] = f->held_uses;
        for (unsigned l = 0; l < ROOT; l++)
            c->table[m][l + 1] = f->cached[l];
        c->types[m] = f->types;
        c->leaf[m] = f->leaf;
    }
    c->cr3 = s->cr3 ? s->cr3 : NOWHERE;
    W.deferred = s->deferred ? MFN(s->deferred) : MFN_NONE;
    W.deferred_owner = D1;
}

/* The frames under other numbers: to[i] is what i is called. */
static struct state state_renamed(const struct state *s, const uint8_t *to)
{
    struct state r;

    memset(&r, 0, sizeof(r));
    for (unsigned i = 0; i < N; i++) {
        struct fstate *f = &r.f[to[i + 1] - 1];

        *f = s->f[i];
        for (unsigned k = 0; k < SLOTS; k++)
            f->entry[k] = (f->entry[k] & ~PTE_ADDR) | (uint64_t)to[pte_mfn(f->entry[k]).n] << PAGE_SHIFT;
    }
    r.cr3 = to[s->cr3];
    r.deferred = to[s->deferred];
    return r;
}

static struct state state_canonical(const struct state *s)
{
    static const uint8_t names[][4] = { { 0, 1, 2, 3 }, { 0, 2, 1, 3 }, { 0, 1, 3, 2 }, { 0, 2, 3, 1 }, { 0, 3, 1, 2 }, { 0, 3, 2, 1 } };
    struct state best = *s;

    for (unsigned i = 1; i < (N == 2 ? 2 : ARRAY_SIZE(names)); i++) {
        struct state r = state_renamed(s, names[i]);

        if (memcmp(&r, &best, sizeof(r)) < 0)
            best = r;
    }
    return best;
}

/* ---- The set of states ---- */

#define STATES_MAX (1u << 21)

static struct visit *visits;
static uint32_t nr_visits, *table;

static uint64_t state_hash(const struct state *s)
{
    const uint8_t *p = (const uint8_t *)s;
    uint64_t h = 0xcbf29ce484222325ul;

    for (unsigned i = 0; i < sizeof(*s); i++)
        h = (h ^ p[i]) * 0x100000001b3ul;
    return h ^ h >> 29;
}

/* Adds it, if it is new. */
static void state_found(const struct state *s, uint32_t from, uint32_t op)
{
    uint32_t at = (uint32_t)state_hash(s) % (2 * STATES_MAX);

    for (; table[at]; at = (at + 1) % (2 * STATES_MAX))
        if (!memcmp(&visits[table[at] - 1].s, s, sizeof(*s)))
            return;
    MUST(nr_visits < STATES_MAX);
    visits[nr_visits] = (struct visit){ *s, from, op };
    table[at] = ++nr_visits;
}

/* ---- Operations ---- */

enum { OP_WRITE, OP_PIN, OP_UNPIN, OP_SET, OP_CR3, OP_HOLD, OP_RELEASE, OP_SEGMENTS, OP_DEFERRED, OP_FLUSH, OPS };

/* x: what is to be in an entry: nothing, or a frame, writable or not. */
#define VALUES (1 + 2 * N)
static uint64_t value(unsigned x)
{
    return x == 0 ? 0 : (uint64_t)((x + 1) / 2) << PAGE_SHIFT | PTE_P | PTE_US | (x & 1 ? PTE_RW : 0);
}

/* Which there are: OP, frame, slot, value, stopped or not; numbered through. */
static const uint8_t shape[OPS][4] = {
    [OP_WRITE] = { N, 1, 1, 1 }, [OP_PIN] = { N, 2, 1, 2 }, [OP_UNPIN] = { N, 1, 1, 2 }, [OP_SET] = { N, SLOTS, VALUES, 2 },
    [OP_CR3] = { N + 1, 1, 1, 2 }, [OP_HOLD] = { N, 2, 1, 1 }, [OP_RELEASE] = { N, 1, 1, 2 }, [OP_SEGMENTS] = { N, 1, 1, 1 },
    [OP_DEFERRED] = { 1, 1, 1, 2 }, [OP_FLUSH] = { 1, 1, 1, 1 },
};

static unsigned shape_size(unsigned op)
{
    return shape[op][0] * shape[op][1] * shape[op][2] * shape[op][3];
}

static unsigned ops_total(void)
{
    unsigned n = 0;

    for (unsigned op = 0; op < OPS; op++)
        n += shape_size(op);
    return n;
}

struct choice {
    unsigned op, m, slot, x;
    bool stop;
};

static struct choice choice_of(unsigned n)
{
    struct choice c = { 0 };

    for (; n >= shape_size(c.op); c.op++)
        n -= shape_size(c.op);
    c.stop = n % shape[c.op][3];
    n /= shape[c.op][3];
    c.x = n % shape[c.op][2];
    n /= shape[c.op][2];
    c.slot = n % shape[c.op][1];
    c.m = n / shape[c.op][1] + (c.op != OP_CR3);
    return c;
}

/* An interrupted call leaves this frame to be taken apart: before any other work on tables. */
static void left(unsigned m)
{
    MUST(mfn_eq(W.deferred, MFN_NONE) && (word(m) & TYPE_PARKED));
    W.deferred = MFN(m);
}

/* ---- What the guest has written: each possibility in turn ---- */

#define CHOICES_MAX (2 * N * SLOTS)
static struct {
    uint8_t of[CHOICES_MAX];
    unsigned made, open; /* by this run so far; those of the last run that have not been all tried */
    bool read[FRAMES];   /* as a table */
} guess;

static unsigned guess_next(void)
{
    if (guess.made == guess.open)
        guess.of[guess.open++] = 0;
    return guess.of[guess.made++];
}

static void frame_read(mfn_t m)
{
    uint64_t w = word(m.n);

    if (guess.read[m.n] || !(w & TYPE_PARTIAL) || TYPE_OF(w) == FT_SEG)
        return;
    guess.read[m.n] = true;
    for (unsigned k = 0; k < SLOTS; k++)
        entries(m.n)[used_entries[k]] = value(guess_next());
}

/* On to the next possibility.  False: that was all. */
static bool guess_advance(void)
{
    while (guess.open && ++guess.of[guess.open - 1] == VALUES)
        guess.open--;
    return guess.open;
}

/* What is or was a table has been read, and not been written since. */
static void guess_start(void)
{
    guess.made = 0;
    for (unsigned m = 1; m < FRAMES; m++)
        guess.read[m] = was_table(m);
}

/* The guest writes into its own memory, if it is that. */
static void do_write(struct choice k)
{
    if (ptype_get_writable(MFN(k.m)) == 0)
        ptype_put_writable(MFN(k.m));
}

static void do_pin(const struct ptype_ctx *c, struct choice k)
{
    int rc = ptype_pin(c, MFN(k.m), (enum frame_type)(FT_L1 + k.slot));

    if (rc == -XEN_ENOTEMPTY)
        left(k.m);
    if (rc == 0)
        W.pinned[k.m] = true;
}

static void do_unpin(const struct ptype_ctx *c, struct choice k)
{
    int rc = ptype_unpin(c, MFN(k.m));

    if (rc != -XEN_EINVAL)
        W.pinned[k.m] = false;
    if (rc == -XEN_EAGAIN)
        left(k.m);
}

static void do_set(const struct ptype_ctx *c, struct choice k)
{
    mfn_t deferred;

    if (!frame_ref_get(MFN(k.m), D1))
        return;
    (void)ptype_set_entry(c, MFN(k.m), used_entries[k.slot], value(k.x), false, &deferred);
    if (!mfn_eq(deferred, MFN_NONE))
        left((unsigned)deferred.n);
    ref_release(k.m);
}

/* A use that isn't any entry's goes. */
static void use_put(const struct ptype_ctx *c, unsigned m)
{
    if (ptype_put(c, MFN(m)) == -XEN_EAGAIN) {
        ptype_park(MFN(m));
        if (word(m) & TYPE_PARKED)
            left(m);
    }
}

static void do_cr3(const struct ptype_ctx *c, struct choice k)
{
    uint64_t old = W.cpu[0].cr3;
    int rc = 0;

    if (k.m == old || (k.m == 0 && old == NOWHERE))
        return;
    if (k.m)
        rc = ptype_get(c, MFN(k.m), FT_L2);
    if (rc == -XEN_EAGAIN || rc == -XEN_ENOTEMPTY)
        ptype_park(MFN(k.m));
    if (rc == -XEN_ENOTEMPTY && (word(k.m) & TYPE_PARKED))
        left(k.m);
    if (rc)
        return;
    if (k.m) {
        W.held_refs[k.m]++;
        W.held_uses[k.m]++;
    }
    W.cpu[0].cr3 = k.m ? k.m : NOWHERE;
    cpu_flush(&W.cpu[0]);
    if (old == NOWHERE)
        return;
    W.held_refs[old]--;
    W.held_uses[old]--;
    use_put(c, (unsigned)old);
}

/* One reference at most, of a frame, by others: a grant's, a GDT's.  CR3's own is among those that the world counts as held. */
static bool held_by_others(unsigned m)
{
    return W.held_refs[m] > (W.cpu[0].cr3 == m);
}

static void do_hold(struct choice k)
{
    if (held_by_others(k.m) || !frame_ref_get(MFN(k.m), D1))
        return;
    W.held_refs[k.m]++;
    if (k.slot && ptype_get_writable(MFN(k.m)) == 0)
        W.held_uses[k.m]++;
}

static void do_segments(const struct ptype_ctx *c, struct choice k)
{
    if (held_by_others(k.m) || ptype_get(c, MFN(k.m), FT_SEG))
        return;
    W.held_refs[k.m]++;
    W.held_uses[k.m]++;
}

static void do_release(const struct ptype_ctx *c, struct choice k)
{
    bool table_type = is_table_type(word(k.m));

    if (!held_by_others(k.m))
        return;
    W.held_refs[k.m]--;
    if (table_type || !W.held_uses[k.m]) {
        ref_release(k.m);
        return;
    }
    W.held_uses[k.m]--;
    if (TYPE_OF(word(k.m)) == FT_WRITABLE) {
        ptype_put_writable(MFN(k.m));
        ref_release(k.m);
    } else {
        use_put(c, k.m);
    }
}

static void do_op(struct choice k)
{
    struct ptype_ctx c = own(D1);
    bool free = mfn_eq(W.deferred, MFN_NONE);

    guess_start();
    host_preempt_every(k.stop);
    host_on_frame_map(frame_read);
    switch (k.op) {
    case OP_WRITE: do_write(k); break;
    case OP_HOLD: do_hold(k); break;
    case OP_FLUSH: cpu_flush(&W.cpu[0]); break;
    case OP_PIN: if (free) do_pin(&c, k); break;
    case OP_UNPIN: if (free) do_unpin(&c, k); break;
    case OP_SET: if (free) do_set(&c, k); break;
    case OP_CR3: if (free) do_cr3(&c, k); break;
    case OP_SEGMENTS: if (free) do_segments(&c, k); break;
    case OP_RELEASE: if (free) do_release(&c, k); break;
    default: deferred_finish(!k.stop); break;
    }
    host_on_frame_map(NULL);
    host_preempt_every(0);
    world_check();
}

/* ---- The walk ---- */

static uint32_t at_visit, at_op;

/* Says how it came to that; frames' numbers change from line to line. */
static void show_way(int signal_number)
{
    static const char *const names[OPS] = { "write", "pin", "unpin", "set_entry", "cr3", "hold", "release", "segments", "deferred", "flush" };
    char line[160];

    (void)signal_number;
    for (uint32_t v = at_visit, op = at_op;; op = visits[v].op, v = visits[v].from) {
        struct choice k = choice_of(op);
        int n = snprintf(line, sizeof(line), "  before: %s frame %u slot %u value %lx stop %d; state %u\n", names[k.op], k.m, k.slot,
                         value(k.x), k.stop, v);

        if (write(2, line, (size_t)n) < 0 || v == 0)
            break;
    }
}

static void test_every_way(void **state)
{
    uint32_t visit_end = getenv("PTYPE_STATES") ? (uint32_t)strtoul(getenv("PTYPE_STATES"), NULL, 0) : VISIT;
    uint32_t depth_end = 1, depth = 0, total = ops_total();
    struct state s;
    uint64_t steps = 0;

    (void)state;
    visits = calloc(STATES_MAX, sizeof(*visits));
    table = calloc(2 * STATES_MAX, sizeof(*table));
    assert_non_null(visits);
    assert_non_null(table);
    world_start(false, 0);
    W.scribble = false;
    signal(SIGABRT, show_way);
    s = state_save();
    state_found(&s, 0, 0);
    for (at_visit = 0; at_visit < nr_visits && at_visit < visit_end; at_visit++) {
        if (at_visit == depth_end) {
            depth++;
            depth_end = nr_visits;
        }
        for (at_op = 0; at_op < total; at_op++) {
            do {
                state_put_up(&visits[at_visit].s);
                do_op(choice_of(at_op));
                s = state_save();
                s = state_canonical(&s);
                state_found(&s, at_visit, at_op);
                steps++;
            } while (guess_advance());
        }
    }
    signal(SIGABRT, SIG_DFL);
    print_message("%lu operations tried in %u states; %u states found: %s\n", steps, at_visit, nr_visits,
                  at_visit == nr_visits ? "there are no others" : "there are others");
    print_message("all ways of %u operations are among them\n", depth);
    assert_true(depth >= 4 || at_visit == nr_visits || visit_end < VISIT);
    free(visits);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_way) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
