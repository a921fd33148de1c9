/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grant tables themselves: their frames, the operations that ask for them or change them, their life and end.
 * Locks: kern/grant.c.
 */
#include "kern/grant.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/grant_parts.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "x86/alloc.h"
#include <xen/memory.h>

#define DUMP_LINES 200
#define FRAMES_LIMIT 65536u /* no command line may ask for more frames of a table */
#define KILL_STRIDE 64u

unsigned grant_opt_max_frames = 64, grant_opt_max_maptrack = 1024, grant_opt_max_version = 2;

/* ---- the table's frames ---- */

/* Status frames for n frames of a version-2 table. [g->lock] */
static int status_grow(struct domain *d, unsigned n)
{
    struct grant_domain *g = d->grant;

    while (g->table.nr_status < grant_status_needed(n)) {
        mfn_t m = shared_frame_alloc(d, true);

        if (mfn_eq(m, MFN_NONE))
            return -XEN_ENOMEM;
        g->status[g->table.nr_status] = m;
        grant_table_add_status(&g->table, frame_map(m));
    }
    return 0;
}

/* One frame more. [g->lock] */
static int table_grow_one(struct domain *d)
{
    struct grant_domain *g = d->grant;
    int rc = g->table.version == 2 ? status_grow(d, g->table.nr_frames + 1) : 0;
    void *page;
    mfn_t m;

    if (rc)
        return rc;
    m = shared_frame_alloc(d, true);
    if (mfn_eq(m, MFN_NONE))
        return -XEN_ENOMEM;
    page = frame_map(m);
    g->shared[g->table.nr_frames] = m;
    rc = grant_table_add(&g->table, page);
    if (rc) {
        frame_unmap(page);
        shared_frame_free(d, m);
    }
    return rc;
}

/* At least n frames.  -XEN_EINVAL above the limit, -XEN_ENOMEM; preemptible: -XEN_EAGAIN = call again. */
static int table_grow(struct domain *d, uint64_t n)
{
    struct grant_domain *g = d->grant;

    if (n > g->table.max_frames)
        return -XEN_EINVAL;
    for (;;) {
        int rc = 0;

        lock(&g->lock);
        if (g->table.retired)
            rc = -XEN_EINVAL;
        else
            rc = g->table.nr_frames < n ? table_grow_one(d) : 1;
        unlock(&g->lock);
        if (rc)
            return MIN(rc, 0);
        if (preempt_needed())
            return -XEN_EAGAIN;
    }
}

/* Enough frames that there are n status frames: as table_grow(). */
static int status_ensure(struct domain *d, uint64_t n)
{
    const struct grant_table *t = &d->grant->table;

    if (READ_ONCE(t->version) != 2 || n > t->max_status)
        return -XEN_EINVAL;
    if (n <= READ_ONCE(t->nr_status))
        return 0;
    return table_grow(d, MIN((n - 1) * (GRANT_STATUS_PER_FRAME / GRANT_V2_PER_FRAME) + 1, (uint64_t)t->max_frames));
}

int grant_resource_frames(struct domain *d, unsigned id, uint64_t first, unsigned n, mfn_t *out)
{
    bool status = id == XENMEM_resource_grant_table_id_status;
    int rc;

    if (!d->grant || id > XENMEM_resource_grant_table_id_status || first + n < first)
        return -XEN_EINVAL;
    rc = status ? status_ensure(d, first + n) : table_grow(d, first + n);
    if (!rc)
        memcpy(out, (status ? d->grant->status : d->grant->shared) + first, n * sizeof(*out));
    return rc;
}

unsigned grant_resource_max(const struct domain *d, unsigned id)
{
    if (!d->grant || id > XENMEM_resource_grant_table_id_status)
        return 0;
    return id == XENMEM_resource_grant_table_id_status ? d->grant->table.max_status : d->grant->table.max_frames;
}

/* ---- operations on a table ---- */

/* A table that an operation names, its own or (privileged) another's; held.  GNTST_* */
static int16_t target_get(domid_t id, struct domain **d)
{
    struct domain *me = current->domain;

    *d = NULL;
    if (id != DOMID_SELF && id != me->id && !me->is_privileged)
        return GNTST_permission_denied;
    *d = domain_get(id == DOMID_SELF ? me->id : id);
    if (*d && (*d)->grant)
        return GNTST_okay;
    if (*d)
        domain_put(*d);
    *d = NULL;
    return GNTST_bad_domain;
}

/* What an operation does with table d, and its status; an error beyond that gives *rc. */
typedef int16_t table_fn(struct hcall *c, struct domain *d, void *op, long *rc);

static int16_t setup_table(struct hcall *c, struct domain *d, void *op, long *rc)
{
    const gnttab_setup_table_t *o = op;
    int grown = table_grow(d, o->nr_frames);

    if (grown == -XEN_EAGAIN)
        *rc = hcall_again(c);
    if (grown)
        return GNTST_general_error;
    if (copy_to_guest(guest_addr(o->frame_list), d->grant->shared, o->nr_frames * sizeof(mfn_t)))
        *rc = -XEN_EFAULT;
    return GNTST_okay;
}

static int16_t query_size(struct hcall *c, struct domain *d, void *op, long *rc)
{
    gnttab_query_size_t *o = op;

    o->nr_frames = READ_ONCE(d->grant->table.nr_frames);
    o->max_nr_frames = d->grant->table.max_frames;
    return GNTST_okay;
}

static int16_t status_frames(struct hcall *c, struct domain *d, void *op, long *rc)
{
    const gnttab_get_status_frames_t *o = op;
    const struct grant_table *t = &d->grant->table;

    if (READ_ONCE(t->version) != 2 || o->nr_frames > READ_ONCE(t->nr_status))
        return GNTST_general_error;
    if (copy_to_guest(guest_addr(o->frame_list), d->grant->status, o->nr_frames * sizeof(mfn_t)))
        *rc = -XEN_EFAULT;
    return GNTST_okay;
}

static int16_t dump_table(struct hcall *c, struct domain *d, void *op, long *rc)
{
    if (!current->domain->is_privileged)
        return GNTST_permission_denied; /* the log is shared by all: only the control domain may fill it */
    grant_dump(d);
    return GNTST_okay;
}

/* One operation; dom and status are fields of its structure. */
static long table_run(struct hcall *c, void *op, size_t size, const domid_t *dom, int16_t *status, table_fn *fn)
{
    struct domain *d;
    long rc = 0;

    if (c->arg[2] != 1)
        return -XEN_EINVAL;
    if (copy_from_guest(op, c->arg[1], size))
        return -XEN_EFAULT;
    *status = target_get(*dom, &d);
    if (d) {
        *status = fn(c, d, op, &rc);
        domain_put(d);
    }
    return rc || c->again ? rc : copy_to_guest(c->arg[1], op, size);
}

static long op_set_version(struct hcall *c)
{
    struct domain *d = current->domain;
    struct grant_domain *g = d->grant;
    gnttab_set_version_t op;
    int rc = 0;

    if (copy_from_guest(&op, c->arg[1], sizeof(op)))
        return -XEN_EFAULT;
    lock(&g->lock);
    if (op.version == 2 && g->table.max_version == 2)
        rc = status_grow(d, g->table.nr_frames);
    if (!rc)
        rc = grant_set_version(&g->table, op.version);
    op.version = g->table.version;
    unlock(&g->lock);
    return copy_to_guest(c->arg[1], &op, sizeof(op)) ? -XEN_EFAULT : rc;
}

static long op_get_version(struct hcall *c)
{
    gnttab_get_version_t op;
    struct domain *d;
    int16_t status;

    if (copy_from_guest(&op, c->arg[1], sizeof(op)))
        return -XEN_EFAULT;
    status = target_get(op.dom, &d);
    if (!d)
        return status == GNTST_permission_denied ? -XEN_EPERM : -XEN_ESRCH;
    op.version = READ_ONCE(d->grant->table.version);
    domain_put(d);
    return copy_to_guest(c->arg[1], &op, sizeof(op));
}

long grant_table_control(struct hcall *c)
{
    union {
        gnttab_setup_table_t setup;
        gnttab_dump_table_t dump;
        gnttab_query_size_t size;
        gnttab_get_status_frames_t frames;
    } op = { .setup.dom = 0 };

    switch ((uint32_t)c->arg[0]) {
    case GNTTABOP_setup_table:       return table_run(c, &op, sizeof(op.setup), &op.setup.dom, &op.setup.status, setup_table);
    case GNTTABOP_dump_table:        return table_run(c, &op, sizeof(op.dump), &op.dump.dom, &op.dump.status, dump_table);
    case GNTTABOP_query_size:        return table_run(c, &op, sizeof(op.size), &op.size.dom, &op.size.status, query_size);
    case GNTTABOP_get_status_frames: return table_run(c, &op, sizeof(op.frames), &op.frames.dom, &op.frames.status, status_frames);
    case GNTTABOP_set_version:       return op_set_version(c);
    case GNTTABOP_get_version:       return op_get_version(c);
    default:                         return -XEN_ENOSYS;
    }
}

/* ---- a domain's life ---- */

static int domain_state_init(struct domain *d, unsigned frames, unsigned maptrack, unsigned version)
{
    struct grant_domain *g = d->grant;
    int rc = grant_table_init(&g->table, frames, version);

    if (!rc)
        rc = grant_maps_init(&g->maps, maptrack);
    if (rc)
        return rc;
    g->shared = mem_alloc(frames * sizeof(mfn_t));
    g->status = mem_alloc(g->table.max_status * sizeof(mfn_t));
    if (!g->shared || !g->status)
        return -XEN_ENOMEM;
    while ((rc = table_grow(d, 1)) == -XEN_EAGAIN) /* there is one, then */
        ;
    return rc;
}

/* A dying domain's mapping: the references of a host mapping go with the page tables. */
static void map_release(struct grant_domain *g, struct grant_map *m, grant_handle_t h)
{
    bool readonly = m->flags & GNTMAP_readonly;
    struct domain *granter = m->granter;

    if (m->flags & GNTMAP_device_map)
        grant_frame_unref(m->frame, readonly, 1);
    grant_entry_unpin(granter, m->ref, readonly, grant_map_uses(m->flags));
    lock(&g->maps_lock);
    m->next = GRANT_NO_HANDLE;
    grant_maps_give(&g->maps, h);
    unlock(&g->maps_lock);
    domain_put(granter);
}

static int maps_kill(struct grant_domain *g)
{
    while (g->kill_pos < grant_maps_limit(&g->maps)) {
        grant_handle_t h = g->kill_pos++;
        struct grant_map *m = grant_map_at(&g->maps, h);

        if (grant_map_claim(m))
            map_release(g, m, h);
        if (g->kill_pos % KILL_STRIDE == 0 && preempt_needed())
            return -XEN_EAGAIN;
    }
    return 0;
}

/* The shared frames go (each holds a reference to d); pins of others' mappings may outlive them. */
static int frames_kill(struct domain *d)
{
    struct grant_domain *g = d->grant;
    struct grant_table *t = &g->table;

    lock(&g->lock);
    grant_table_retire(t);
    unlock(&g->lock);
    while (g->kill_frame < t->nr_frames + t->nr_status) {
        unsigned i = g->kill_frame++, s = i - t->nr_frames;
        bool shared = i < t->nr_frames;

        frame_unmap(shared ? t->shared[i] : (void *)t->status[s]);
        shared_frame_free(d, shared ? g->shared[i] : g->status[s]);
        if (g->kill_frame % KILL_STRIDE == 0 && preempt_needed())
            return -XEN_EAGAIN;
    }
    return 0;
}

int grant_domain_kill(struct domain *d)
{
    int rc = d->grant ? maps_kill(d->grant) : 0;

    return rc || !d->grant ? rc : frames_kill(d);
}

void grant_domain_free(struct domain *d)
{
    struct grant_domain *g = d->grant;

    if (!g)
        return;
    assert(!g->table.pinned && !g->maps.used && g->kill_frame == g->table.nr_frames + g->table.nr_status);
    mem_free(g->shared);
    mem_free(g->status);
    grant_table_free(&g->table);
    grant_maps_free(&g->maps);
    mem_free(g);
    d->grant = NULL;
}

int grant_domain_create(struct domain *d, int max_frames, int max_maptrack, unsigned max_version)
{
    unsigned frames = max_frames < 0 ? grant_opt_max_frames : (unsigned)max_frames;
    unsigned maptrack = max_maptrack < 0 ? grant_opt_max_maptrack : (unsigned)max_maptrack;
    int rc;

    if (frames > MIN(grant_opt_max_frames, FRAMES_LIMIT) || maptrack > grant_opt_max_maptrack ||
        max_version > grant_opt_max_version)
        return -XEN_EINVAL;
    d->grant = mem_alloc(sizeof(*d->grant));
    if (!d->grant)
        return -XEN_ENOMEM;
    lock_init(&d->grant->lock, RANK_GRANT);
    lock_init(&d->grant->maps_lock, RANK_GRANT);
    rc = domain_state_init(d, frames, maptrack, max_version);
    if (rc) {
        while (frames_kill(d))
            ;
        grant_domain_free(d);
    }
    return rc;
}

/* ---- debugging ---- */

/* A copy of the next pinned entry from *ref on. */
static bool dump_next(struct grant_domain *g, grant_ref_t *ref, struct grant_active *out)
{
    const struct grant_active *a;

    lock(&g->lock);
    a = grant_next_pinned(&g->table, ref);
    if (a)
        *out = *a;
    unlock(&g->lock);
    return a;
}

void grant_dump(struct domain *d)
{
    struct grant_domain *g = d->grant;
    struct grant_active a;
    unsigned lines = 0;

    if (!g)
        return;
    log_info("d%u grants: version %u, %u of %u frames, %u entries in use, %u mappings of others\n", d->id,
             g->table.version, g->table.nr_frames, g->table.max_frames, g->table.pinned, g->maps.used);
    for (grant_ref_t ref = 0; lines < DUMP_LINES && dump_next(g, &ref, &a); ref++, lines++)
        log_info("  ref %u: by d%u, frame %#lx kind %u, %u readers %u writers\n", ref, a.who, a.content.frame,
                 a.content.kind, a.readers, a.writers);
    if (lines == DUMP_LINES)
        log_info("  ... and more\n");
}
