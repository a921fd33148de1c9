/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memory_op: how domains get, give back and exchange memory, and what they may know of it.  ctl/memory.c has the table of operations.
 * What it says of one (its argument is copied in, is about a domain, goes back ...) is done by the handler's caller.
 */
#pragma once

#include "core/types.h"
#include "x86/alloc.h"
#include <xen/memory.h>

#define EXTENT_ORDER_MAX 9 /* 2 MiB */

struct boot_info;
struct domain;
struct hcall;

struct memop {
    struct hcall *c;
    unsigned op;
    uint64_t arg;     /* where the argument is the caller's */
    struct domain *d; /* whom it is about, held; the caller may act on it */
    union {
        domid_t domid;
        struct xen_machphys_mfn_list list;
        struct xen_machphys_mapping mapping;
        struct xen_memory_map map;
        struct xen_foreign_memory_map foreign_map;
        struct xen_memory_reservation reservation;
        struct xen_reserved_device_memory_map rdm;
        struct xen_vnuma_topology_info vnuma;
        struct xen_mem_acquire_resource resource;
        char any[96];
    } u;
};

typedef long memop_fn(struct memop *m);

/* What XENMEMF flags ask for, for memory of d.  0, or -XEN_EINVAL: no such node, or only that and the caller may not choose. */
int memory_where(struct domain *d, uint32_t flags, struct frames_where *where);
/* ctl/exchange.c */
long memory_exchange(struct hcall *c);
/* ctl/memmap.c: memory maps as the BIOS gives them (E820), the machine's, for dom0, and the one a domain was given. */
memop_fn memmap_machine, memmap_get, memmap_set;
/* The machine's memory map.  Boot. */
void memory_map_set(const struct boot_info *bi);
/* ctl/vnuma.c: a domain's virtual NUMA nodes: the toolstack sets them once or again, the domain reads them. */
memop_fn vnuma_get;
/* The machine's node where d's virtual node lies; NODE_ANY if it has none, -XEN_EINVAL if not that one. */
int vnuma_place(struct domain *d, unsigned node);
