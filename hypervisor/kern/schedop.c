/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCHEDOP_*: what a guest may ask of the scheduler (<xen/sched.h>).  Each decodes and checks, then calls kern/sched.c.
 * Locks: a domain's watchdogs have sched_domain.lock; the timer functions run without it.
 */
#include "core/port.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/sched.h"
#include "kern/sched_state.h"
#include "x86/softirq.h"
#include "x86/time.h"
#include "x86/trace.h"
#include <xen/sched.h>

#define POLL_PORTS_MAX 128
#define NS_PER_S       1000000000ull

static long op_block(void)
{
    WRITE_ONCE(current->info->evtchn_upcall_mask, 0);
    vcpu_block(current);
    return 0;
}

static long op_shutdown(uint64_t arg)
{
    struct sched_shutdown s;

    if (copy_from_guest(&s, arg, sizeof(s)))
        return -XEN_EFAULT;
    TRACE(TRC_SCHED_SHUTDOWN, current->domain->id, current->id, s.reason);
    domain_shutdown(current->domain, (uint8_t)s.reason);
    return 0;
}

void sched_poll_finish(struct sched_vcpu *sv)
{
    sv->polling = false;
    timer_stop(&sv->poll_timer);
    event_poll_end(sv->v);
}

/* Sleep until a port is pending, a wake-up for another reason, or the deadline (system time, 0: none).  Marked blocked
 * before the ports are looked at, so that no wake-up is lost; schedule() ends the poll when the vCPU goes on. */
static long poll_sleep(struct sched_vcpu *sv, const evtchn_port_t *ports, unsigned n, uint64_t deadline)
{
    int r;

    sv->polling = true;
    __atomic_store_n(&sv->blocked, true, __ATOMIC_SEQ_CST);
    r = event_poll_begin(sv->v, ports, n);
    if (r || event_pending(sv->v)) {
        sched_poll_finish(sv);
        vcpu_wake(sv->v);
        return r < 0 ? r : 0;
    }
    if (deadline) {
        timer_migrate(&sv->poll_timer, cpu_id());
        timer_set(&sv->poll_timer, deadline);
    }
    sched_reconsider(sv);
    softirq_raise(SOFTIRQ_SCHEDULE);
    return 0;
}

static long op_poll(uint64_t arg)
{
    evtchn_port_t ports[POLL_PORTS_MAX];
    struct sched_poll p;

    if (copy_from_guest(&p, arg, sizeof(p)))
        return -XEN_EFAULT;
    if (p.nr_ports > POLL_PORTS_MAX)
        return -XEN_EINVAL;
    if (copy_from_guest(ports, guest_addr(p.ports), p.nr_ports * sizeof(ports[0])))
        return -XEN_EFAULT;
    return poll_sleep(current->sched, ports, p.nr_ports, p.timeout);
}

static long op_remote_shutdown(uint64_t arg)
{
    struct sched_remote_shutdown s;
    struct domain *d;

    if (copy_from_guest(&s, arg, sizeof(s)))
        return -XEN_EFAULT;
    if (s.domain_id == DOMID_SELF)
        return -XEN_ESRCH;
    d = domain_get(s.domain_id);
    if (!d)
        return -XEN_ESRCH;
    if (current->domain->is_privileged)
        domain_shutdown(d, (uint8_t)s.reason);
    domain_put(d);
    return current->domain->is_privileged ? 0 : -XEN_EPERM;
}

static long op_shutdown_code(uint64_t arg)
{
    struct domain *d = current->domain;
    struct sched_shutdown s;

    if (copy_from_guest(&s, arg, sizeof(s)))
        return -XEN_EFAULT;
    TRACE(TRC_SCHED_SHUTDOWN_CODE, d->id, current->id, s.reason);
    WRITE_ONCE(d->shutdown_code, (uint8_t)s.reason);
    return 0;
}

static void watchdog_bites(void *data)
{
    struct domain *d = data;

    log_warn("d%d: watchdog\n", d->id);
    domain_shutdown(d, SHUTDOWN_watchdog);
}

static void watchdog_start(struct watchdog *w, uint32_t seconds)
{
    w->used = true;
    timer_set(&w->timer, time_now() + seconds * NS_PER_S);
}

/* id 0: a new one, gives its id.  [sd->lock] */
static long watchdog_new(struct sched_domain *sd, uint32_t seconds)
{
    if (!seconds)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < NR_WATCHDOGS; i++)
        if (!sd->watchdog[i].used) {
            watchdog_start(&sd->watchdog[i], seconds);
            return i + 1;
        }
    return -XEN_ENOSPC;
}

/* Another deadline, or none any more.  [sd->lock] */
static long watchdog_change(struct sched_domain *sd, uint32_t id, uint32_t seconds)
{
    struct watchdog *w = id <= NR_WATCHDOGS ? &sd->watchdog[id - 1] : NULL;

    if (!w || !w->used)
        return -XEN_EINVAL;
    if (seconds) {
        watchdog_start(w, seconds);
    } else {
        w->used = false;
        timer_stop(&w->timer);
    }
    return 0;
}

static long op_watchdog(uint64_t arg)
{
    struct sched_domain *sd = current->domain->sched;
    struct sched_watchdog w;
    long r;

    if (copy_from_guest(&w, arg, sizeof(w)))
        return -XEN_EFAULT;
    lock(&sd->lock);
    r = w.id ? watchdog_change(sd, w.id, w.timeout) : watchdog_new(sd, w.timeout);
    unlock(&sd->lock);
    return r;
}

void watchdogs_init(struct domain *d)
{
    for (unsigned i = 0; i < NR_WATCHDOGS; i++)
        timer_init(&d->sched->watchdog[i].timer, watchdog_bites, d, cpu_id());
}

void watchdogs_kill(struct domain *d)
{
    for (unsigned i = 0; i < NR_WATCHDOGS; i++)
        timer_kill(&d->sched->watchdog[i].timer);
}

static long op_pin_override(uint64_t arg)
{
    struct sched_pin_override p;

    if (!current->domain->is_privileged)
        return -XEN_EPERM;
    if (copy_from_guest(&p, arg, sizeof(p)))
        return -XEN_EFAULT;
    return sched_pin_override(current->sched, p.pcpu);
}

long do_sched_op(struct hcall *c)
{
    uint64_t arg = c->arg[1];

    switch (c->arg[0]) {
    case SCHEDOP_yield:
        vcpu_yield();
        return 0;
    case SCHEDOP_block:
        return op_block();
    case SCHEDOP_shutdown:
        return op_shutdown(arg);
    case SCHEDOP_poll:
        return op_poll(arg);
    case SCHEDOP_remote_shutdown:
        return op_remote_shutdown(arg);
    case SCHEDOP_shutdown_code:
        return op_shutdown_code(arg);
    case SCHEDOP_watchdog:
        return op_watchdog(arg);
    case SCHEDOP_pin_override:
        return op_pin_override(arg);
    default:
        return -XEN_ENOSYS;
    }
}

/* Hypercall 6, as it was before there were argument structures. */
long do_sched_op_compat(struct hcall *c)
{
    switch (c->arg[0]) {
    case SCHEDOP_yield:
        vcpu_yield();
        return 0;
    case SCHEDOP_block:
        return op_block();
    case SCHEDOP_shutdown:
        TRACE(TRC_SCHED_SHUTDOWN, current->domain->id, current->id, (uint32_t)c->arg[1]);
        domain_shutdown(current->domain, (uint8_t)c->arg[1]);
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}
