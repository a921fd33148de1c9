/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl: making domains and ending them, and what they may have.
 *
 * A new domain is paused once by the toolstack (ctl_pauses), which unpauses it when it has been built.  Destroying begins by
 * marking it (is_dying) and stopping its vCPUs, then takes it apart in pieces (domain_kill()); what others still
 * hold of it (frames that a backend has mapped) goes with the last reference.
 */
#include "ctl/domctl.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/grant.h"
#include "kern/pages.h"
#include "kern/sched.h"

/* ---- Making ---- */

static long config_check(const struct xen_domctl_createdomain *c)
{
    const uint32_t known = (XEN_DOMCTL_CDF_MAX << 1) - 1;
    const uint32_t absent = XEN_DOMCTL_CDF_hap | XEN_DOMCTL_CDF_iommu | XEN_DOMCTL_CDF_nested_virt |
                            XEN_DOMCTL_CDF_vpmu | XEN_DOMCTL_CDF_s3_integrity;

    if (c->flags & XEN_DOMCTL_CDF_hvm)
        return -XEN_EOPNOTSUPP;
    if ((c->flags & (~known | absent)) || c->iommu_opts || c->vmtrace_size || (c->arch.misc_flags & ~XEN_X86_MSR_RELAXED))
        return -XEN_EINVAL;
    if (c->arch.emulation_flags)
        return -XEN_EOPNOTSUPP;
    if (!c->max_vcpus || c->max_vcpus > MAX_VCPUS)
        return -XEN_EINVAL;
    if (c->max_grant_frames < -1 || c->max_maptrack_frames < -1)
        return -XEN_EINVAL;
    if (XEN_DOMCTL_GRANT_version(c->grant_opts) < 1 || XEN_DOMCTL_GRANT_version(c->grant_opts) > 2 ||
        (c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask))
        return -XEN_EINVAL;
    return 0;
}

static struct domain *create_as(const struct xen_domctl_createdomain *c, domid_t id, int *rc)
{
    const struct domain_config cfg = {
        .id = id, .max_vcpus = c->max_vcpus, .cpupool = c->cpupool_id,
        .max_grant_frames = c->max_grant_frames, .max_maptrack_frames = c->max_maptrack_frames,
        .max_grant_version = XEN_DOMCTL_GRANT_version(c->grant_opts),
    };

    return domain_create(&cfg, rc);
}

/* Numbers go round, so that a dead domain's is not another's at once. */
static struct domain *create_anywhere(const struct xen_domctl_createdomain *c, int *rc)
{
    static uint32_t last; /* [atomic] */

    for (unsigned tries = 1; tries < DOMID_FIRST_RESERVED; tries++) {
        uint32_t id = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED) % DOMID_FIRST_RESERVED;
        struct domain *d;

        if (!id || domain_peek((domid_t)id))
            continue;
        d = create_as(c, (domid_t)id, rc);
        if (d || *rc != -XEN_EEXIST)
            return d;
    }
    *rc = -XEN_ENOMEM;
    return NULL;
}

long domctl_create(struct domctl *x)
{
    const struct xen_domctl_createdomain *c = &x->op->u.createdomain;
    bool any = x->op->domain == 0 || x->op->domain >= DOMID_FIRST_RESERVED;
    int rc = (int)config_check(c);
    struct domain *d;

    if (rc)
        return rc;
    d = any ? create_anywhere(c, &rc) : create_as(c, x->op->domain, &rc);
    if (!d)
        return rc;
    memcpy(d->handle, c->handle, sizeof(d->handle));
    d->ctl_pauses = 1;
    d->is_xenstore = c->flags & XEN_DOMCTL_CDF_xs_domain;
    if (c->max_evtchn_port)
        event_set_max_port(d, MIN(c->max_evtchn_port, (uint32_t)INT32_MAX));
    x->op->domain = d->id;
    domain_publish(d);
    return 0;
}

long domctl_max_vcpus(struct domctl *x)
{
    struct domain *d = x->d;
    long rc = 0;

    if (x->op->u.max_vcpus.max != d->max_vcpus)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < d->max_vcpus && rc == 0; i++) {
        if (d->vcpu[i])
            continue;
        rc = vcpu_create(d, i);
        if (rc == 0 && i + 1 < d->max_vcpus && preempt_needed())
            return -XEN_EAGAIN;
    }
    return rc;
}

long domctl_max_mem(struct domctl *x)
{
    struct domain_pages *p = x->d->pages;

    lock(&p->lock);
    p->max = x->op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);
    unlock(&p->lock);
    return 0;
}

long domctl_set_handle(struct domctl *x)
{
    memcpy(x->d->handle, x->op->u.setdomainhandle.handle, sizeof(x->d->handle));
    return 0;
}

/* ---- Pausing ---- */

long domctl_pause(struct domctl *x)
{
    long rc;

    if (READ_ONCE(x->d->ctl_pauses) >= PAUSES_MAX)
        return -XEN_EOVERFLOW;
    rc = domain_pause(x->d);
    if (rc == 0)
        __atomic_add_fetch(&x->d->ctl_pauses, 1, __ATOMIC_SEQ_CST);
    return rc;
}

/* One of the toolstack's own pauses is taken back, not a domain's death or shutdown. */
long domctl_unpause(struct domctl *x)
{
    struct domain *d = x->d;
    unsigned n = READ_ONCE(d->ctl_pauses);

    do {
        if (!n)
            return -XEN_EINVAL;
    } while (!__atomic_compare_exchange_n(&d->ctl_pauses, &n, n - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    domain_unpause(d);
    return 0;
}

long domctl_resume(struct domctl *x)
{
    domain_resume(x->d);
    return 0;
}

/* Port at which x->d is told that it has shut down for suspending; 0 for none. */
long domctl_subscribe(struct domctl *x)
{
    x->d->suspend_port = x->op->u.subscribe.port;
    return 0;
}

long domctl_set_virq_handler(struct domctl *x)
{
    return virq_set_handler(x->d, x->op->u.set_virq_handler.virq);
}

/* ---- Looking ---- */

/* The domain of that number, or else the next one: tools list domains so. */
long domctl_info(struct domctl *x)
{
    struct domain *d = domain_from(x->op->domain);

    if (!d)
        return -XEN_ESRCH;
    domain_info(d, &x->op->u.getdomaininfo);
    x->op->domain = d->id;
    domain_put(d);
    return 0;
}

/* ---- Ending ---- */

/* Mark d as dying and stop it, once.  0, or -XEN_EAGAIN. */
static int dying_begin(struct domain *d)
{
    int rc = 0;

    if (READ_ONCE(d->is_dying))
        return 0;
    rc = domain_pause(d);
    if (rc)
        return rc;
    if (__atomic_exchange_n(&d->is_dying, true, __ATOMIC_SEQ_CST))
        domain_unpause(d); /* another was faster */
    return 0;
}

long domctl_destroy(struct domctl *x)
{
    struct domain *d = x->d;
    int rc;

    if (d->is_privileged)
        return -XEN_EINVAL;
    rc = dying_begin(d);
    if (rc == 0)
        rc = domain_kill(d);
    if (rc == 0)
        virq_raise_global(VIRQ_DOM_EXC);
    return rc;
}
