/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory maps.  A domain's own is under its ctl_lock; the machine's is constant. */
#include "ctl/memory.h"
#include "core/bootinfo.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/guest.h"

#define ENTRIES_MAX 1024 /* of a domain's map */

struct e820_entry {
    uint64_t addr, size;
    uint32_t type;
} __attribute__((packed));

struct memory_map {
    unsigned n;
    struct e820_entry e[];
};

static const struct boot_info *machine;

void memory_map_set(const struct boot_info *bi)
{
    machine = bi;
}

long memmap_machine(struct memop *op)
{
    struct xen_memory_map *m = &op->u.map;
    unsigned n = MIN(m->nr_entries, machine->nr_e820);

    if (!current->domain->is_privileged)
        return -XEN_EPERM;
    for (unsigned i = 0; i < n && guest_addr(m->buffer); i++) { /* no buffer: only the number is asked */
        struct e820_entry e = { machine->e820[i].start, machine->e820[i].size, machine->e820[i].type };

        if (copy_to_guest_at(guest_addr(m->buffer), i, &e, sizeof(e)))
            return -XEN_EFAULT;
    }
    if (m->nr_entries < machine->nr_e820)
        return -XEN_EINVAL;
    m->nr_entries = n;
    return 0;
}

/* A copy of the caller's own; its lock can't be held over the guest's memory. */
static struct memory_map *own_map(struct domain *d, long *rc)
{
    struct memory_map *copy = mem_alloc(sizeof(*copy) + ENTRIES_MAX * sizeof(*copy->e));

    *rc = copy ? -XEN_ENOSYS : -XEN_ENOMEM;
    if (!copy)
        return NULL;
    lock(&d->ctl_lock);
    if (d->map && d->map->n) {
        memcpy(copy, d->map, sizeof(*copy) + d->map->n * sizeof(*copy->e));
        *rc = 0;
    }
    unlock(&d->ctl_lock);
    return copy;
}

/* As much as there is room for. */
long memmap_get(struct memop *op)
{
    struct xen_memory_map *m = &op->u.map;
    long rc;
    struct memory_map *own = own_map(current->domain, &rc);

    if (!rc) {
        m->nr_entries = MIN(m->nr_entries, own->n);
        rc = copy_to_guest(guest_addr(m->buffer), own->e, m->nr_entries * sizeof(*own->e));
    }
    mem_free(own);
    return rc;
}

long memmap_set(struct memop *op)
{
    const struct xen_memory_map *m = &op->u.foreign_map.map;
    struct memory_map *next, *old;

    if (!current->domain->is_privileged)
        return -XEN_EPERM;
    if (m->nr_entries > ENTRIES_MAX)
        return -XEN_EINVAL;
    next = mem_alloc(sizeof(*next) + m->nr_entries * sizeof(*next->e));
    if (!next)
        return -XEN_ENOMEM;
    next->n = m->nr_entries;
    if (copy_from_guest(next->e, guest_addr(m->buffer), next->n * sizeof(*next->e))) {
        mem_free(next);
        return -XEN_EFAULT;
    }
    lock(&op->d->ctl_lock);
    old = op->d->map;
    op->d->map = next;
    unlock(&op->d->ctl_lock);
    mem_free(old);
    return 0;
}
