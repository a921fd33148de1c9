/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The granting side: see grants.h.  Entries of both versions, written and withdrawn while they are in use.  The calls are the grammar's. */
#include "grants.h"
#include "fuzz.h"
#include "grammar.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"
#include "pages.h"
#include "random.h"
#include <xen/memory.h>

#define TABLE 4u            /* frames of it */
#define DATA  16u

/* References first to first + n - 1 are good for what the letter says. */
static const struct part { char kind; uint8_t first, n; } parts[] = {
    { 'R', 8, 8 }, { 'Q', 16, 4 }, { 'J', 20, 4 }, { 'B', 24, 4 }, { 'V', 28, 4 }, { 'T', 32, 8 },
};

static unsigned long data_mfn[DATA];
static unsigned slot, version = 1;  /* the layout of our table, as far as known */

domid_t grant_self(void)
{
    return report.known[slot];
}

static domid_t peer(void)
{
    return report.known[1 - slot];
}

domid_t grant_peer(void)
{
    return report.met ? peer() : grant_self();
}

unsigned long grant_data(void)
{
    return data_mfn[rnd(DATA)];
}

unsigned grant_ref(char kind)
{
    if (kind == 'Q' && rnd(2))
        kind = 'R';
    if ((kind == 'R' || kind == 'Q') && !report.met)
        kind = 'J';
    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
        if (parts[i].kind == kind)
            return parts[i].first + rnd(parts[i].n);
    return rnd(GRANT_REFS);
}

static char kind_of(unsigned ref)
{
    for (unsigned i = 0; i < ARRAY_SIZE(parts); i++)
        if (ref - parts[i].first < parts[i].n)
            return parts[i].kind;
    return 0;
}

/* An entry of either version, before it is written. */
struct entry { uint16_t flags, offset, length; domid_t who, via; uint32_t gref; unsigned long frame; };

static struct entry entry_random(void)
{
    static const uint16_t good[] = { GTF_permit_access, GTF_permit_access | GTF_readonly, GTF_accept_transfer, 0, GTF_transitive,
                                     GTF_permit_access | GTF_sub_page };

    return (struct entry){
        .flags = one_in(16) ? (uint16_t)wild() : good[rnd(ARRAY_SIZE(good))], .offset = (uint16_t)value('l'), .length = (uint16_t)value('l'),
        .who = rnd(4) ? domain_any() : (domid_t)value('d'), .via = domain_any(), .gref = rnd(GRANT_REFS), .frame = any_mfn(),
    };
}

/* As agreed. */
static struct entry entry_agreed(char kind)
{
    struct entry e = { .flags = GTF_permit_access, .who = peer(), .frame = one_in(4) ? arena_mfn[table_any(0)] : grant_data() };

    switch (kind) {
    case 'R': break;
    case 'Q': e.flags |= GTF_readonly; break;
    case 'J': e.who = grant_self(); break;
    case 'B':
        e.flags |= GTF_sub_page;
        e.offset = (uint16_t)rnd(1024);
        e.length = (uint16_t)(PAGE_SIZE - e.offset);
        break;
    case 'V':
        e.flags = GTF_transitive;
        e.via = one_in(8) ? domain_any() : peer();
        e.gref = parts[0].first + rnd(parts[0].n);
        break;
    case 'T':
        e.flags = GTF_accept_transfer;
        e.frame = virt_to_pfn(arena_va[rnd(ARENA)]);
        break;
    default: return entry_random();
    }
    return e;
}

static void entry_write(unsigned ref, const struct entry *e, bool v2)
{
    volatile grant_entry_v2_t *g = &grant_v2[ref];

    if (!v2) {
        grant_v1_set(ref, e->who, e->frame, e->flags & ~GTF_sub_page);
        return;
    }
    g->hdr.domid = e->who;
    if ((e->flags & GTF_type_mask) == GTF_transitive) {
        g->transitive.trans_domid = e->via;
        g->transitive.gref = e->gref;
    } else {
        g->sub_page.page_off = e->offset;
        g->sub_page.length = e->length;
        g->sub_page.frame = e->frame;
    }
    barrier();
    g->hdr.flags = e->flags;
}

static volatile uint16_t *entry_flags_at(unsigned ref)
{
    return version == 2 ? &grant_v2[ref].hdr.flags : &grant_v1[ref].flags;
}

static bool received(unsigned ref)
{
    return kind_of(ref) == 'T' && *entry_flags_at(ref) & GTF_transfer_committed;
}

static void agreed_write(unsigned ref)
{
    struct entry e = entry_agreed(kind_of(ref));

    entry_write(ref, &e, version == 2);
}

static void version_look(void)
{
    struct gnttab_get_version v = { .dom = DOMID_SELF };

    if (!hypercall(grant_table_op, GNTTABOP_get_version, &v, 1))
        version = v.version;
}

static void all_write(void)
{
    for (unsigned ref = 8; ref < GRANT_REFS; ref++)
        if (!received(ref))
            agreed_write(ref);
}

void grants_follow(void)
{
    if (report.grants_to == peer())
        return;
    all_write();
    report.grants_to = peer();
}

void grants_init(void)
{
    slot = (unsigned)option("slot", 0) & 1;
    grant_init(TABLE);
    for (unsigned i = 0; i < TABLE; i++)
        special_add((*pt_entry(NULL, GRANT_VA + i * PAGE_SIZE, 1) & PTE_ADDR) >> PAGE_SHIFT);
    for (unsigned i = 0; i < DATA; i++)
        data_mfn[i] = virt_to_mfn(page_alloc());
    if (rnd(2))
        grant_set_version(2);
    version_look();
    all_write();
    report.grants_to = peer();
}

/* A page of the arena's, if it is data, goes to the other. */
static void frame_give(void)
{
    unsigned i = rnd(ARENA);
    gnttab_transfer_t t = { .mfn = arena_mfn[i], .domid = peer(), .ref = grant_ref('T') };

    if (page_protect(arena_va[i], PTE_RW) || hypercall(update_va_mapping, arena_va[i], 0, UVMF_INVLPG | UVMF_ALL))
        return;
    if (!hypercall(grant_table_op, GNTTABOP_transfer, &t, 1))
        grant_count(GNTTABOP_transfer, t.status);
    if (t.status != GNTST_okay)
        page_protect(arena_va[i], PTE_RW);
}

/* What came is mapped in some place of the arena; what was there is given back. */
static void frame_take(void)
{
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
    unsigned ref = grant_ref('T'), i = rnd(ARENA);
    unsigned long mfn = version == 2 ? grant_v2[ref].full_page.frame : grant_v1[ref].frame;
    xen_pfn_t old = arena_mfn[i];

    if (!(*entry_flags_at(ref) & GTF_transfer_completed))
        return;
    if (!hypercall(update_va_mapping, arena_va[i], pte_make(mfn, PTE_RW), UVMF_INVLPG | UVMF_ALL)) {
        arena_mfn[i] = mfn;
        set_xen_guest_handle(r.extent_start, &old);
        hypercall(memory_op, XENMEM_decrease_reservation, &r);
    }
    agreed_write(ref);
}

static void entry_any(void)
{
    unsigned ref = rnd(one_in(16) ? 512 : GRANT_REFS);
    struct entry e = entry_random();

    if (one_in(3))
        entry_write(ref, &e, (version == 2) ^ one_in(8));
    else if (one_in(3))
        *entry_flags_at(ref) = 0;
    else if (!received(ref))
        agreed_write(ref);
}

void grant_step(void)
{
    unsigned before = version;

    version_look();
    switch (rnd(16)) {
    case 0:  grant_set_version(1 + rnd(2)); version_look(); break;
    case 1: case 2: case 3: frame_give(); break;
    case 4: case 5: case 6: frame_take(); break;
    case 7:  all_write(); break;
    default: entry_any(); break;
    }
    if (version != before)
        all_write();
}
