/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GNTTABOP_cache_flush: write a piece of a frame back from the caches; the frame is the caller's, or it has it
 * mapped by a grant. */
#include "kern/grant_parts.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "x86/cpu.h"

/* Has d a granted frame mapped?  1, 0, or -XEN_EAGAIN with *pos where to go on. */
static int maps_find(const struct domain *d, mfn_t m, uint64_t *pos)
{
    const struct grant_maps *maps = &d->grant->maps;
    uint64_t start = *pos;

    for (; *pos < grant_maps_limit(maps); ++*pos) {
        const struct grant_map *map = grant_map_at(maps, (grant_handle_t)*pos);

        if (__atomic_load_n(&map->state, __ATOMIC_ACQUIRE) == GRANT_MAP_LIVE && READ_ONCE(map->frame.n) == m.n)
            return 1;
        if (*pos > start && *pos % GRANT_MAPS_PER_CHUNK == 0 && preempt_needed())
            return -XEN_EAGAIN;
    }
    return 0;
}

static void cache_write_back(mfn_t m, unsigned offset, unsigned length)
{
    const char *page = frame_map(m);

    for (unsigned at = offset & ~63u; at < offset + length; at += 64)
        clflush(page + at);
    mb();
    frame_unmap(page);
}

static int cache_check(const gnttab_cache_flush_t *op)
{
    if (op->offset >= PAGE_SIZE || (uint32_t)op->offset + op->length > PAGE_SIZE)
        return -XEN_EINVAL;
    if (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL))
        return -XEN_EOPNOTSUPP;
    if (op->op == GNTTAB_CACHE_INVAL && op->length) /* x86 cannot throw dirty lines away */
        return -XEN_EOPNOTSUPP;
    return 0;
}

static int cache_flush_one(struct domain *d, const gnttab_cache_flush_t *op, uint64_t *pos)
{
    mfn_t m = maddr_to_mfn(op->a.dev_bus_addr);
    struct domain *owner;
    int rc = cache_check(op);

    if (rc || !op->length || !op->op)
        return rc;
    owner = frame_owner(m); /* only compared, not followed */
    if (!owner)
        return -XEN_EPERM;
    if (owner == d) {
        if (!frame_get(m, d))
            return -XEN_EPERM;
        cache_write_back(m, op->offset, op->length);
        frame_put(m);
        return 0;
    }
    rc = maps_find(d, m, pos);
    if (rc == 1)
        cache_write_back(m, op->offset, op->length); /* harmless even if it is unmapped this moment */
    return rc == 1 ? 0 : rc ? rc : -XEN_EPERM;
}

long grant_cache_flush(struct hcall *c)
{
    uint64_t pos = (uint64_t)((uint32_t)c->arg[0] >> GRANT_CMD_BITS) * GRANT_MAPS_PER_CHUNK;

    while (c->arg[2]) {
        gnttab_cache_flush_t op;
        int rc;

        if (copy_from_guest(&op, c->arg[1], sizeof(op)))
            return -XEN_EFAULT;
        rc = cache_flush_one(current->domain, &op, &pos);
        if (rc == -XEN_EAGAIN) {
            c->arg[0] = (uint32_t)(GNTTABOP_cache_flush | pos / GRANT_MAPS_PER_CHUNK << GRANT_CMD_BITS);
            return hcall_again(c);
        }
        if (rc)
            return rc;
        pos = 0;
        c->arg[0] = GNTTABOP_cache_flush;
        c->arg[1] += sizeof(op);
        if (--c->arg[2] && preempt_needed())
            return hcall_again(c);
    }
    return 0;
}
