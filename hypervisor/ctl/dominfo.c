/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the toolstack sees of a domain.  A picture taken in passing: nothing is locked over all of it. */
#include "ctl/domctl.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/pages.h"
#include "kern/sched.h"
#include "kern/schedpool.h"
#include "x86/layout.h"
#include "x86/paging.h"
#include <xen/vcpu.h>

static uint32_t domain_flags(const struct domain *d)
{
    uint32_t flags = 0;

    if (READ_ONCE(d->is_dying))
        flags |= XEN_DOMINF_dying;
    if (READ_ONCE(d->is_shut_down))
        flags |= XEN_DOMINF_shutdown | (uint32_t)READ_ONCE(d->shutdown_code) << XEN_DOMINF_shutdownshift;
    if (d->is_xenstore)
        flags |= XEN_DOMINF_xs_domain;
    if (READ_ONCE(d->debugger_attached))
        flags |= XEN_DOMINF_debugged;
    if (READ_ONCE(d->ctl_pauses))
        flags |= XEN_DOMINF_paused;
    return flags;
}

/* A domain blocks if all of its vCPUs do that are up. */
static void vcpus_add_up(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    bool all_blocked = true;

    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    domain_each_vcpu(d, v) {
        struct vcpu_runstate_info r;

        vcpu_runstate(v, &r);
        info->cpu_time += r.time[RUNSTATE_running];
        info->max_vcpu_id = v->id;
        if (!vcpu_is_up(v))
            continue;
        info->nr_online_vcpus++;
        all_blocked &= vcpu_is_blocked(v);
        if (r.state == RUNSTATE_running)
            info->flags |= XEN_DOMINF_running;
    }
    if (all_blocked && info->nr_online_vcpus && !(info->flags & XEN_DOMINF_running))
        info->flags |= XEN_DOMINF_blocked;
}

void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    const struct shared_info *shared = READ_ONCE(d->shared);

    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->flags = domain_flags(d);
    vcpus_add_up(d, info);
    info->tot_pages = READ_ONCE(d->pages->count);
    info->max_pages = READ_ONCE(d->pages->max);
    info->outstanding_pages = READ_ONCE(d->pages->heap.claim);
    info->shared_info_frame = shared ? virt_to_mfn(shared).n : ~0ul;
    memcpy(info->handle, d->handle, sizeof(info->handle));
    info->cpupool = pool_of_domain(d);
    info->gpaddr_bits = (uint8_t)maddr_bits;
}
