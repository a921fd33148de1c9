/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The granting side: entries of both versions, written and withdrawn while they are in use.  The calls are the grammar's. */
#include "grammar.h"
#include "grant.h"
#include "hypercall.h"
#include "hostile.h"
#include "mem.h"
#include "pages.h"
#include "random.h"

#define REFS   24u
#define FRAMES 4u

static unsigned long frame(void)
{
    return rnd(8) ? arena_any() : any_mfn();
}

static uint16_t flags(void)
{
    static const uint16_t good[] = { GTF_permit_access, GTF_permit_access, GTF_permit_access | GTF_readonly, GTF_accept_transfer, 0,
                                     GTF_transitive, GTF_permit_access | GTF_sub_page };

    return one_in(16) ? (uint16_t)wild() : good[rnd(ARRAY_SIZE(good))];
}

static domid_t grantee(void)
{
    return rnd(4) ? domain_any() : (domid_t)value('d');
}

static void write_v1(unsigned ref)
{
    grant_v1_set(ref, grantee(), frame(), flags());
}

static void write_v2(unsigned ref)
{
    volatile grant_entry_v2_t *e = &grant_v2[ref];
    uint16_t f = flags();

    e->hdr.domid = grantee();
    if ((f & GTF_type_mask) == GTF_transitive) {
        e->transitive.trans_domid = grantee();
        e->transitive.gref = rnd(REFS);
    } else if (f & GTF_sub_page) {
        e->sub_page.page_off = (uint16_t)value('l');
        e->sub_page.length = (uint16_t)value('l');
        e->sub_page.frame = frame();
    } else {
        e->full_page.frame = frame();
    }
    barrier();
    e->hdr.flags = f;
}

/* Which layout the table has, as far as this vCPU knows. */
static unsigned version[CPUS_MAX];

static void version_look(void)
{
    struct gnttab_get_version v = { .dom = DOMID_SELF };

    if (!hypercall(grant_table_op, GNTTABOP_get_version, &v, 1))
        version[cpu_self()->id] = v.version;
}

void grants_init(void)
{
    grant_init(FRAMES);
    for (unsigned i = 0; i < FRAMES; i++)
        special_add((*pt_entry(NULL, GRANT_VA + i * PAGE_SIZE, 1) & PTE_ADDR) >> PAGE_SHIFT);
    for (unsigned ref = 8; ref < REFS; ref++)
        write_v1(ref);
}

void grant_step(void)
{
    unsigned ref = rnd(one_in(16) ? 512 : REFS);
    bool v2 = (version[cpu_self()->id] == 2) ^ one_in(32);

    switch (rnd(16)) {
    case 0:  version_look(); break;
    case 1:  grant_set_version(1 + rnd(2)); version_look(); break;
    case 2:
        if (v2)
            grant_v2[ref].hdr.flags = 0;
        else
            grant_v1_clear(ref);
        break;
    default:
        if (v2)
            write_v2(ref);
        else
            write_v1(ref);
        break;
    }
}
