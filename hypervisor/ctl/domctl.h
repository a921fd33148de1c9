/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One domctl under way: what the handlers in ctl/dom*.c get.  ctl/domctl.c has the table.
 *
 * A handler finds its arguments in op->u and the domain in d, held; it gives 0 or -XEN_E; -XEN_EAGAIN: to be called anew with the
 * same.  What the table says of an operation (whose argument goes back, which domain is paused ...) is done by its caller.
 */
#pragma once

#include "core/types.h"
#include <xen/domctl.h>

struct domain;
struct vcpu;

struct domctl {
    struct xen_domctl *op;
    struct domain *d; /* NULL for the few that look for it themselves */
    struct vcpu *v;   /* where the table says so */
};

typedef long domctl_fn(struct domctl *x);

/* ctl/dominfo.c: what the toolstack may know of d, all of *info, as it is now; d is held.  No lock. */
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* ctl/domlife.c */
domctl_fn domctl_create, domctl_destroy, domctl_pause, domctl_unpause, domctl_resume, domctl_info, domctl_max_mem,
    domctl_max_vcpus, domctl_set_handle, domctl_subscribe, domctl_set_virq_handler;
/* ctl/domvcpu.c */
domctl_fn domctl_set_context, domctl_get_context, domctl_vcpu_info, domctl_set_affinity, domctl_get_affinity,
    domctl_set_ext_context, domctl_get_ext_context, domctl_trigger;
/* ctl/domstate.c */
domctl_fn domctl_get_xstate, domctl_set_xstate, domctl_get_msrs, domctl_set_msrs;
/* ctl/domdebug.c */
domctl_fn domctl_set_debugging, domctl_debug_pause, domctl_debug_unpause, domctl_debug_status, domctl_debug_memory;
/* ctl/vnuma.c */
domctl_fn domctl_set_vnuma;
/* ctl/domabsent.c */
domctl_fn domctl_absent, domctl_shadow, domctl_vm_event, domctl_monitor, domctl_access_required, domctl_memory_mapping,
    domctl_set_target, domctl_psr_alloc;
/* ctl/dompolicy.c */
domctl_fn domctl_get_policy, domctl_set_policy;
/* ctl/domset.c */
domctl_fn domctl_scheduler, domctl_irq_permission, domctl_iomem_permission, domctl_ioport_permission,
    domctl_time_offset, domctl_get_tsc_info, domctl_set_tsc_info, domctl_set_node_affinity, domctl_get_node_affinity,
    domctl_set_address_size, domctl_get_address_size, domctl_hypercall_page, domctl_page_types;
