/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains: making them from their subsystems' parts, finding them, ending them.
 *
 * Found by id through a two-level table; an entry is set once a domain is whole and cleared when it is killed.
 * References: the table's own (dropped by domain_kill), one for each frame, and those of callers in between.
 * What the last reference frees is only memory of ours; all that the guest had is given back before.
 */
#include "kern/domain.h"
#include "core/frame.h"
#include "core/port.h"
#include "kern/event.h"
#include "kern/grant.h"
#include "kern/ioaccess.h"
#include "kern/pages.h"
#include "kern/pirq.h"
#include "kern/sched.h"
#include "kern/schedpool.h"
#include "kern/tsc.h"
#include "kern/vcpu.h"
#include "kern/vtime.h"
#include "x86/alloc.h"
#include "x86/fpu.h"
#include "x86/layout.h"
#include "x86/softirq.h"
#include "x86/trace.h"

#define TABLE_ENTRIES (PAGE_SIZE / sizeof(struct domain *))

struct domain *dom0;
struct domain idle_domain = { .id = DOMID_IDLE };

static struct domain **table[DIV_UP(DOMID_FIRST_RESERVED, TABLE_ENTRIES)]; /* [table_lock] to change */
static spinlock_t table_lock = LOCK_INIT(RANK_DOMLIST);

/* ---- Finding ---- */

struct domain *domain_peek(domid_t id)
{
    struct domain **page;

    if (id >= DOMID_FIRST_RESERVED)
        return NULL;
    page = READ_ONCE(table[id / TABLE_ENTRIES % ARRAY_SIZE(table)]);
    return page ? READ_ONCE(page[id % TABLE_ENTRIES]) : NULL;
}

static bool findable(const struct domain *d)
{
    return __atomic_load_n(&d->is_whole, __ATOMIC_ACQUIRE) && !__atomic_load_n(&d->is_gone, __ATOMIC_ACQUIRE);
}

struct domain *domain_get(domid_t id)
{
    struct domain *d;

    if (id == DOMID_SELF) {
        domain_hold(current->domain);
        return current->domain;
    }
    lock(&table_lock);
    d = domain_peek(id);
    if (d && findable(d))
        domain_hold(d);
    else
        d = NULL;
    unlock(&table_lock);
    return d;
}

struct domain *domain_target(domid_t id, int *rc)
{
    struct domain *d = domain_get(id);

    *rc = !d ? -XEN_ESRCH : d != current->domain && !current->domain->is_privileged ? -XEN_EPERM : 0;
    if (d && *rc) {
        domain_put(d);
        d = NULL;
    }
    return d;
}

/* From here on a count is stuck: the domain is never freed, which is better than too early. */
#define REFS_STUCK (1u << 31)

static bool refs_stuck(struct domain *d, uint32_t now)
{
    if (unlikely(now >= REFS_STUCK))
        __atomic_store_n(&d->refs, REFS_STUCK + REFS_STUCK / 2, __ATOMIC_SEQ_CST);
    return now >= REFS_STUCK;
}

void domain_hold(struct domain *d)
{
    refs_stuck(d, __atomic_add_fetch(&d->refs, 1, __ATOMIC_SEQ_CST));
}

/* Domains without a reference, to be freed where no lock is held: the last one may be dropped under any. [atomic] */
static struct domain *dead;

static void dead_add(struct domain *d)
{
    d->next = __atomic_load_n(&dead, __ATOMIC_SEQ_CST);
    while (!__atomic_compare_exchange_n(&dead, &d->next, d, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    softirq_raise(SOFTIRQ_RCU);
}

void domain_put(struct domain *d)
{
    uint32_t left = __atomic_sub_fetch(&d->refs, 1, __ATOMIC_SEQ_CST);

    if (!refs_stuck(d, left) && !left)
        dead_add(d);
}

struct domain *domain_from(unsigned id)
{
    struct domain *d = NULL;

    for (; id < DOMID_FIRST_RESERVED && !d; id++)
        if (!READ_ONCE(table[id / TABLE_ENTRIES]))
            id |= TABLE_ENTRIES - 1;
        else if (domain_peek((domid_t)id))
            d = domain_get((domid_t)id);
    return d;
}

struct domain *domain_next(struct domain *d)
{
    struct domain *next = domain_from(d ? d->id + 1u : 0);

    if (d)
        domain_put(d);
    return next;
}

static int table_insert(struct domain *d)
{
    int rc = -XEN_EEXIST;
    struct domain **page;

    lock(&table_lock);
    page = table[d->id / TABLE_ENTRIES];
    if (!page)
        page = table[d->id / TABLE_ENTRIES] = mem_alloc(PAGE_SIZE);
    if (!page) {
        rc = -XEN_ENOMEM;
    } else if (!page[d->id % TABLE_ENTRIES]) {
        page[d->id % TABLE_ENTRIES] = d;
        rc = 0;
    }
    unlock(&table_lock);
    return rc;
}

static void table_remove(struct domain *d)
{
    lock(&table_lock);
    if (domain_peek(d->id) == d)
        table[d->id / TABLE_ENTRIES][d->id % TABLE_ENTRIES] = NULL;
    unlock(&table_lock);
}

/* ---- Making ---- */

static int parts_create(struct domain *d, const struct domain_config *cfg)
{
    mfn_t m;
    int rc;

    d->vcpu = mem_alloc(cfg->max_vcpus * sizeof(*d->vcpu));
    if (!d->vcpu)
        return -XEN_ENOMEM;
    d->max_vcpus = cfg->max_vcpus;
    rc = pages_domain_create(d, cfg->max_pages);
    if (rc)
        return rc;
    m = shared_frame_alloc(d, true);
    if (mfn_eq(m, MFN_NONE))
        return -XEN_ENOMEM;
    d->shared = frame_map(m);
    if ((rc = event_domain_create(d)) || (rc = sched_domain_create(d, cfg->cpupool)) || (rc = pirq_domain_create(d)) ||
        (rc = io_domain_create(d)) || (rc = tsc_domain_create(d)) || (rc = pv_domain_create(d)))
        return rc;
    return grant_domain_create(d, cfg->max_grant_frames, cfg->max_maptrack_frames,
                               cfg->max_grant_version ? cfg->max_grant_version : grant_opt_max_version);
}

struct domain *domain_create(const struct domain_config *cfg, int *rc)
{
    struct domain *d;

    if (cfg->id >= DOMID_FIRST_RESERVED || cfg->max_vcpus == 0 || cfg->max_vcpus > MAX_VCPUS) {
        *rc = -XEN_EINVAL;
        return NULL;
    }
    d = mem_alloc(sizeof(*d));
    if (!d) {
        *rc = -XEN_ENOMEM;
        return NULL;
    }
    d->id = cfg->id;
    d->is_privileged = cfg->is_privileged;
    d->is_pv = true;
    d->refs = 1;
    d->pause_count = 1;
    d->shutdown_code = SHUTDOWN_CODE_INVALID;
    lock_init(&d->ctl_lock, RANK_CTL);
    *rc = table_insert(d);
    if (*rc) {
        mem_free(d);
        return NULL;
    }
    *rc = parts_create(d, cfg);
    if (*rc == 0)
        return d;
    d->is_dying = true;
    while (domain_kill(d) == -XEN_EAGAIN)
        ;
    return NULL;
}

void domain_publish(struct domain *d)
{
    __atomic_store_n(&d->is_whole, true, __ATOMIC_RELEASE);
    TRACE(TRC_DOM0_DOM_ADD, d->id);
}

/* In a page of its own: nothing else is mapped with its registers where page tables are isolated. */
static struct vcpu *vcpu_alloc(void)
{
    _Static_assert(sizeof(struct vcpu) <= PAGE_SIZE, "a vCPU fits a page");
    return pages_alloc(0);
}

int vcpu_create(struct domain *d, unsigned id)
{
    struct vcpu *v;
    int rc;

    if (id >= d->max_vcpus)
        return -XEN_EINVAL;
    if (d->vcpu[id])
        return -XEN_EEXIST;
    v = vcpu_alloc();
    if (!v)
        return -XEN_ENOMEM;
    v->domain = d;
    v->id = id;
    lock_init(&v->lock, RANK_VCPU);
    if (id < XEN_LEGACY_MAX_VCPUS)
        v->info = &d->shared->vcpu_info[id];
    else
        v->info = v->own_info = mem_alloc(sizeof(*v->info));
    if (!v->info) {
        pages_free(v, 0);
        return -XEN_ENOMEM;
    }
    v->info->evtchn_upcall_mask = 1;
    if ((rc = fpu_vcpu_create(&v->fpu)) || (rc = event_vcpu_create(v)) || (rc = vtime_vcpu_create(v)) ||
        (rc = pv_vcpu_create(v)) || (rc = sched_vcpu_create(v))) {
        vcpu_free(v);
        return rc;
    }
    WRITE_ONCE(d->vcpu[id], v);
    return 0;
}

void vcpu_free(struct vcpu *v)
{
    sched_vcpu_destroy(v);
    pv_vcpu_free(v);
    vtime_vcpu_destroy(v);
    event_vcpu_free(v);
    fpu_vcpu_free(v->fpu);
    mem_free(v->own_info);
    pages_free(v, 0);
}

static void dead_softirq(void);

void domain_init(void)
{
    softirq_register(SOFTIRQ_RCU, dead_softirq);
    idle_domain.vcpu = mem_alloc(nr_cpus * sizeof(*idle_domain.vcpu));
    idle_domain.max_vcpus = nr_cpus;
    idle_domain.refs = 1;
    if (!idle_domain.vcpu)
        panic("no memory for the idle domain\n");
}

int idle_vcpu_create(unsigned cpu)
{
    struct vcpu *v = vcpu_alloc();
    int rc;

    if (!v)
        return -XEN_ENOMEM;
    v->domain = &idle_domain;
    v->id = v->cpu = cpu;
    v->is_idle = true;
    v->info = v->own_info = mem_alloc(sizeof(*v->info));
    lock_init(&v->lock, RANK_VCPU);
    rc = v->info ? sched_vcpu_create(v) : -XEN_ENOMEM;
    if (rc == 0)
        idle_domain.vcpu[cpu] = v;
    return rc;
}

/* ---- Ending ---- */

#define VCPUS_AT_ONCE 16 /* that are freed without a break */

/* A piece of what d still has.  False: there is more. */
static bool domain_free(struct domain *d)
{
    unsigned n = 0;

    table_remove(d);
    if (d->sched)
        sched_domain_stop(d);
    domain_each_vcpu(d, v) {
        if (n++ == VCPUS_AT_ONCE)
            return false;
        d->vcpu[v->id] = NULL;
        vcpu_free(v);
    }
    if (d->grant)
        grant_domain_free(d);
    pv_domain_free(d);
    tsc_domain_free(d);
    io_domain_free(d);
    pirq_domain_free(d);
    sched_domain_destroy(d);
    event_domain_free(d);
    if (d->pages)
        pages_domain_free(d);
    mem_free(d->map);
    mem_free(d->vnuma);
    mem_free(d->vcpu);
    mem_free(d->cpu_policy);
    mem_free(d);
    return true;
}

static void dead_softirq(void)
{
    struct domain *d = __atomic_exchange_n(&dead, NULL, __ATOMIC_SEQ_CST);

    while (d) {
        struct domain *next = d->next;

        if (!domain_free(d))
            dead_add(d);
        d = next;
    }
}

static int vcpus_kill(struct domain *d)
{
    domain_each_vcpu(d, v) {
        int rc = pv_vcpu_kill(v);

        if (rc)
            return rc;
        vcpu_info_release(v);
    }
    return 0;
}

/* Nobody finds d any more: under the lock, so that who found it before has its reference by now.  True: once. */
static bool go(struct domain *d)
{
    bool first;

    lock(&table_lock);
    first = !__atomic_exchange_n(&d->is_gone, true, __ATOMIC_SEQ_CST);
    unlock(&table_lock);
    return first;
}

int domain_kill(struct domain *d)
{
    int rc;

    if (d->sched)
        pool_domain_dying(d);
    rc = event_domain_kill(d);
    if (rc == 0)
        pirq_domain_kill(d);
    if (rc == 0 && d->vcpu)
        rc = vcpus_kill(d);
    if (rc == 0 && d->pages)
        rc = pages_domain_kill(d);
    if (rc == 0 && d->grant) /* after the page tables: a granter sees its frames unused when nothing maps them */
        rc = grant_domain_kill(d);
    if (rc)
        return rc;
    if (go(d)) {
        if (d->shared)
            shared_frame_free(d, virt_to_mfn(vtime_shared_gone(d)));
        TRACE(TRC_DOM0_DOM_REM, d->id);
        domain_put(d);
    }
    return 0;
}
