/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pirq tables of domains.
 *
 * Invariants: Q1 a bound pirq's line calls event_send_pirq() for the domain, no other does; Q2 a line's messages belong to
 * one domain (who maps creates the line, who unmaps destroys it), GSIs may be in several; Q3 the guest's EOI page has a
 * bit set for each bound pirq that needs PHYSDEVOP_eoi, before its first interrupt.
 * Locks: pd->lock (RANK_PIRQ) guards the table; pirq_eoi() and pirq_move() look a line up without it: lines are never
 * freed, and a line asks whether the domain is bound to it.
 */
#include "kern/pirq.h"
#include <xen/physdev.h>
#include "core/nospec.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/ioaccess.h"
#include "kern/pages.h"
#include "x86/irqline.h"
#include "x86/msi.h"

#define PIRQS_MAX   (PAGE_SIZE * 8) /* bits of the EOI page */
#define PIRQS_GUEST 256u            /* an unprivileged domain's messages */

struct pirq {
    struct irq_line *line; /* [lock], read anywhere; NULL: not mapped */
    bool is_bound;         /* [lock] an event channel has it (the line may have gone meanwhile) */
    bool is_reserved;      /* [lock] given out by PHYSDEVOP_get_free_pirq, to be mapped by that number */
};

struct pirq_domain {
    spinlock_t lock;       /* RANK_PIRQ */
    unsigned count;        /* [const] */
    bool auto_unmask;      /* [lock] */
    uint64_t *eoi_map;     /* [set once] guest's page, a bit a pirq */
    struct pirq *table;    /* [set once] made when first used */
};

int pirq_domain_create(struct domain *d)
{
    struct pirq_domain *pd = mem_alloc(sizeof(*pd));

    if (!pd)
        return -XEN_ENOMEM;
    lock_init(&pd->lock, RANK_PIRQ);
    pd->count = d->is_privileged ? irq_nr_lines() : irq_nr_gsis() + PIRQS_GUEST;
    pd->count = (unsigned)MIN(MAX(pd->count, 256u), PIRQS_MAX);
    d->pirq = pd;
    return 0;
}

void pirq_domain_free(struct domain *d)
{
    struct pirq_domain *pd = d->pirq;

    if (!pd)
        return;
    mem_free(pd->table);
    mem_free(pd);
    d->pirq = NULL;
}

unsigned pirq_count(const struct domain *d)
{
    return d->pirq->count;
}

bool pirq_auto_unmask(const struct domain *d)
{
    return READ_ONCE(d->pirq->auto_unmask);
}

/* [lock] The table, made if need be. */
static struct pirq *table_get(struct pirq_domain *pd)
{
    if (!pd->table)
        __atomic_store_n(&pd->table, mem_alloc(pd->count * sizeof(struct pirq)), __ATOMIC_RELEASE);
    return pd->table;
}

static struct pirq *pirq_at(const struct pirq_domain *pd, unsigned pirq)
{
    return &pd->table[index_clamp(pirq, pd->count)];
}

/* Without the lock: a line that is or just was mapped, or NULL. */
static struct irq_line *line_peek(const struct pirq_domain *pd, unsigned pirq)
{
    return __atomic_load_n(&pd->table, __ATOMIC_ACQUIRE) && pirq < pd->count ? READ_ONCE(pirq_at(pd, pirq)->line) : NULL;
}

/* Level lines need it; any GSI may become one. */
static bool needs_eoi(const struct irq_line *l)
{
    return l->irq < irq_nr_gsis();
}

static void eoi_bit_set(struct pirq_domain *pd, unsigned pirq, bool on)
{
    uint64_t bit = 1ul << (pirq % 64);

    if (!pd->eoi_map)
        return;
    if (on)
        __atomic_or_fetch(&pd->eoi_map[pirq / 64 % (PIRQS_MAX / 64)], bit, __ATOMIC_SEQ_CST);
    else
        __atomic_and_fetch(&pd->eoi_map[pirq / 64 % (PIRQS_MAX / 64)], ~bit, __ATOMIC_SEQ_CST);
}

/* [lock] dom0's GSIs are there without asking. */
static void map_implicit(struct domain *d, struct pirq *p, unsigned pirq)
{
    if (!p->line && d->is_privileged && pirq < irq_nr_gsis())
        WRITE_ONCE(p->line, irq_line(pirq));
}

static unsigned cpu_near(const struct domain *d)
{
    const struct vcpu *v = domain_vcpu(d, 0);

    return v ? READ_ONCE(v->cpu) : 0;
}

/* [lock] */
static int bind_locked(struct domain *d, unsigned pirq, bool will_share)
{
    struct pirq_domain *pd = d->pirq;
    struct pirq *p;
    int rc;

    if (!table_get(pd))
        return -XEN_ENOMEM;
    p = pirq_at(pd, pirq);
    if (p->is_bound) /* perhaps to a line that has gone: then to no other (Q1) */
        return -XEN_EBUSY;
    map_implicit(d, p, pirq);
    if (!p->line)
        return -XEN_EINVAL;
    eoi_bit_set(pd, pirq, needs_eoi(p->line));
    rc = irq_line_bind(p->line, &(struct irq_guest){ .domain = d, .domid = d->id, .pirq = pirq }, cpu_near(d), will_share);
    p->is_bound = !rc;
    return rc;
}

int pirq_bind(struct domain *d, unsigned pirq, bool will_share)
{
    int rc;

    if (pirq >= d->pirq->count)
        return -XEN_EINVAL;
    lock(&d->pirq->lock);
    rc = bind_locked(d, pirq, will_share);
    unlock(&d->pirq->lock);
    return rc;
}

/* [lock] */
static void unbind_locked(struct domain *d, unsigned pirq)
{
    struct pirq *p = pirq_at(d->pirq, pirq);

    if (!p->is_bound)
        return;
    if (p->line)
        irq_line_unbind(p->line, d);
    p->is_bound = false;
    eoi_bit_set(d->pirq, pirq, false);
}

void pirq_unbind(struct domain *d, unsigned pirq)
{
    struct pirq_domain *pd = d->pirq;

    if (!pd || pirq >= pd->count)
        return;
    lock(&pd->lock);
    if (pd->table)
        unbind_locked(d, pirq);
    unlock(&pd->lock);
}

void pirq_move(struct domain *d, unsigned pirq, unsigned cpu)
{
    struct irq_line *l = line_peek(d->pirq, pirq);

    if (l)
        irq_line_move(l, cpu);
}

int pirq_eoi(struct domain *d, unsigned pirq)
{
    struct irq_line *l;

    if (pirq >= d->pirq->count)
        return -XEN_EINVAL;
    l = line_peek(d->pirq, pirq);
    if (l)
        irq_line_eoi(l, d);
    return 0;
}

int pirq_status(struct domain *d, unsigned pirq)
{
    struct irq_line *l;

    if (pirq >= d->pirq->count)
        return -XEN_EINVAL;
    l = line_peek(d->pirq, pirq);
    if (!l)
        return XENIRQSTAT_needs_eoi;
    return (needs_eoi(l) ? XENIRQSTAT_needs_eoi : 0) | (irq_line_is_shared(l) ? XENIRQSTAT_shared : 0);
}

/* [lock] */
static void eoi_map_fill(struct pirq_domain *pd)
{
    for (unsigned i = 0; pd->table && i < pd->count; i++)
        if (pd->table[i].is_bound && pd->table[i].line)
            eoi_bit_set(pd, i, needs_eoi(pd->table[i].line));
}

int pirq_eoi_map_set(struct domain *d, uint64_t gmfn, bool auto_unmask)
{
    struct pirq_domain *pd = d->pirq;
    void *page;

    if (pd->eoi_map)
        return -XEN_EBUSY;
    page = guest_frame_map_shared(d, GFN(gmfn));
    if (!page)
        return -XEN_EINVAL;
    lock(&pd->lock);
    if (!pd->eoi_map) {
        pd->eoi_map = page;
        WRITE_ONCE(pd->auto_unmask, auto_unmask);
        page = NULL;
        eoi_map_fill(pd);
    }
    unlock(&pd->lock);
    if (!page)
        return 0;
    guest_frame_unmap_shared(d, page);
    return -XEN_EBUSY;
}

/* ---- Mapping [lock] ---- */

static bool pirq_is_free(const struct pirq *p)
{
    return !p->line && !p->is_bound;
}

static void pirq_fill(struct pirq *p, struct irq_line *l)
{
    WRITE_ONCE(p->line, l);
    p->is_reserved = false;
}

/* n pirqs in a row that are free, from `from` on; or -XEN_ENOSPC. */
static int run_find(const struct pirq_domain *pd, unsigned from, unsigned n)
{
    unsigned run = 0;

    for (unsigned i = from; i < pd->count; i++) {
        run = pirq_is_free(&pd->table[i]) && !pd->table[i].is_reserved ? run + 1 : 0;
        if (run == n)
            return (int)(i + 1 - n);
    }
    return -XEN_ENOSPC;
}

static unsigned first_msi(void)
{
    return MAX(irq_nr_gsis(), 16u);
}

static int map_find(const struct pirq_domain *pd, const struct irq_line *l)
{
    for (unsigned i = 0; i < pd->count; i++)
        if (pd->table[i].line == l)
            return (int)i;
    return -XEN_EINVAL;
}

static int gsi_map_locked(struct domain *d, int *pirq, struct irq_line *l)
{
    struct pirq_domain *pd = d->pirq;
    int present;

    if (!table_get(pd))
        return -XEN_ENOMEM;
    present = map_find(pd, l);
    if (present >= 0) {
        if (*pirq >= 0 && *pirq != present)
            return -XEN_EEXIST;
        *pirq = present;
        return 0;
    }
    if (*pirq < 0)
        *pirq = d->is_privileged && !pd->table[l->irq].line ? (int)l->irq : run_find(pd, 16, 1);
    if (*pirq < 0)
        return -XEN_ENOSPC;
    if (!pirq_is_free(pirq_at(pd, (unsigned)*pirq)))
        return -XEN_EEXIST;
    pirq_fill(pirq_at(pd, (unsigned)*pirq), l);
    return 0;
}

int pirq_map_gsi(struct domain *d, int *pirq, unsigned gsi)
{
    struct irq_line *l = gsi < irq_nr_gsis() ? irq_line(gsi) : NULL;
    int rc;

    if (!l || (*pirq >= 0 && (unsigned)*pirq >= d->pirq->count) || !io_irq_permitted(d, gsi))
        return -XEN_EINVAL;
    lock(&d->pirq->lock);
    rc = gsi_map_locked(d, pirq, l);
    unlock(&d->pirq->lock);
    return rc;
}

static bool run_is_free(const struct pirq_domain *pd, unsigned first, unsigned n)
{
    for (unsigned i = first; i < first + n; i++)
        if (!pirq_is_free(&pd->table[i]))
            return false;
    return true;
}

static int msi_place(struct pirq_domain *pd, int *pirq, unsigned n)
{
    if (!table_get(pd))
        return -XEN_ENOMEM;
    if (*pirq < 0) {
        *pirq = run_find(pd, first_msi(), n);
        return *pirq < 0 ? -XEN_ENOSPC : 0;
    }
    if ((unsigned)*pirq >= pd->count || n > pd->count - (unsigned)*pirq)
        return -XEN_EINVAL;
    return run_is_free(pd, (unsigned)*pirq, n) ? 0 : -XEN_EEXIST;
}

int pirq_map_msi(struct domain *d, int *pirq, const struct msi_request *r, unsigned *available)
{
    struct irq_line *lines[MSI_MAX_MESSAGES];
    struct pirq_domain *pd = d->pirq;
    int rc;

    if (!r->count || r->count > MSI_MAX_MESSAGES)
        return -XEN_EINVAL;
    lock(&pd->lock);
    rc = msi_place(pd, pirq, r->count);
    if (!rc)
        rc = msi_setup(r, cpu_near(d), lines, available);
    for (unsigned i = 0; !rc && i < r->count; i++)
        pirq_fill(&pd->table[(unsigned)*pirq + i], lines[i]);
    unlock(&pd->lock);
    return rc;
}

static void unmap_one(struct domain *d, unsigned pirq)
{
    struct pirq *p = pirq_at(d->pirq, pirq);
    struct irq_line *l = p->line;

    irq_line_unbind(l, d);
    WRITE_ONCE(p->line, NULL);
    if (l->msi)
        msi_teardown(l);
}

static int unmap_locked(struct domain *d, unsigned pirq)
{
    struct pirq_domain *pd = d->pirq;
    unsigned index, n;

    if (!pd->table || !pirq_at(pd, pirq)->line)
        return -XEN_EINVAL;
    n = msi_block(pirq_at(pd, pirq)->line, &index);
    if (index)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < n; i++)
        unmap_one(d, pirq + i);
    return 0;
}

int pirq_unmap(struct domain *d, unsigned pirq)
{
    int rc;

    if (pirq >= d->pirq->count)
        return -XEN_EINVAL;
    lock(&d->pirq->lock);
    rc = unmap_locked(d, pirq);
    unlock(&d->pirq->lock);
    return rc;
}

int pirq_reserve(struct domain *d, bool msi)
{
    struct pirq_domain *pd = d->pirq;
    int rc = -XEN_ENOMEM;

    lock(&pd->lock);
    if (table_get(pd))
        rc = run_find(pd, msi ? first_msi() : 16, 1);
    if (!msi && rc >= (int)first_msi())
        rc = -XEN_ENOSPC;
    if (rc >= 0)
        pd->table[rc].is_reserved = true;
    unlock(&pd->lock);
    return rc;
}

int pirq_to_irq(struct domain *d, unsigned pirq)
{
    const struct irq_line *l = line_peek(d->pirq, pirq);

    return l ? (int)l->irq : -XEN_EINVAL;
}

void pirq_domain_kill(struct domain *d)
{
    struct pirq_domain *pd = d->pirq;

    if (!pd)
        return;
    lock(&pd->lock);
    for (unsigned i = 0; pd->table && i < pd->count; i++) {
        unbind_locked(d, i);
        unmap_locked(d, i);
    }
    if (pd->eoi_map) {
        guest_frame_unmap_shared(d, pd->eoi_map);
        pd->eoi_map = NULL;
    }
    unlock(&pd->lock);
}
