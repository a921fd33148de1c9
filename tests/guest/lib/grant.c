/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A grant table of our own domain. */
#include "check.h"
#include "grant.h"
#include "hypercall.h"
#include "mem.h"

void grant_init(unsigned n)
{
    static xen_pfn_t frames[16];
    struct gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = n };

    set_xen_guest_handle(s.frame_list, frames);
    if (hypercall(grant_table_op, GNTTABOP_setup_table, &s, 1) || s.status)
        test_abort("setup_table");
    for (unsigned i = 0; i < n; i++)
        if (map_page(NULL, GRANT_VA + i * PAGE_SIZE, frames[i], PTE_RW))
            test_abort("cannot map the grant table");
}

void grant_v1_set(unsigned ref, domid_t dom, unsigned long mfn, unsigned flags)
{
    grant_v1[ref].domid = dom;
    grant_v1[ref].frame = (uint32_t)mfn;
    barrier();
    grant_v1[ref].flags = (uint16_t)flags;
}

void grant_v1_clear(unsigned ref)
{
    grant_v1[ref].flags = 0;
}

int grant_map(unsigned ref, unsigned long addr, unsigned flags, grant_handle_t *handle)
{
    struct gnttab_map_grant_ref m = { .host_addr = addr, .flags = flags, .ref = ref, .dom = 0, .status = 99 };

    if (hypercall(grant_table_op, GNTTABOP_map_grant_ref, &m, 1))
        return 98;
    *handle = m.handle;
    return m.status;
}

int grant_unmap(unsigned long addr, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref u = { .host_addr = addr, .handle = handle, .status = 99 };

    if (hypercall(grant_table_op, GNTTABOP_unmap_grant_ref, &u, 1))
        return 98;
    return u.status;
}

long grant_set_version(unsigned v)
{
    struct gnttab_set_version s = { .version = v };

    return hypercall(grant_table_op, GNTTABOP_set_version, &s, 1);
}
