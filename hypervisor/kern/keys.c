/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Debug keys.  A key that need not run at once waits in a small ring for SOFTIRQ_KEY on the CPU it came to; what
 * does not fit is dropped.
 * Locks: keys_lock guards the ring.
 */
#include "kern/keys.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/grant.h"
#include "kern/sched.h"
#include "x86/counters.h"
#include "x86/irqline.h"
#include "x86/lock.h"
#include "x86/log.h"
#include "x86/machine.h"
#include "x86/softirq.h"
#include "x86/spec.h"
#include "x86/time.h"
#include "x86/timer.h"
#include <xen/vcpu.h>

#define WAITING KEYS_WAITING

static struct {
    key_fn *fn;
    const char *what;
    bool in_irq;
} keys[128]; /* [const after boot] */

static spinlock_t keys_lock = LOCK_INIT(RANK_CONSOLE);
static char waiting[WAITING];
static unsigned head, tail;

void key_register(char key, key_fn *fn, const char *what, bool in_irq)
{
    unsigned i = (unsigned char)key & 127;

    keys[i].what = what;
    keys[i].in_irq = in_irq;
    keys[i].fn = fn;
}

static void waiting_put(char key)
{
    uint64_t flags = lock_irqsave(&keys_lock);

    if (head - tail < WAITING)
        waiting[head++ % WAITING] = key;
    unlock_irqrestore(&keys_lock, flags);
    softirq_raise(SOFTIRQ_KEY);
}

static bool waiting_get(char *key)
{
    uint64_t flags = lock_irqsave(&keys_lock);
    bool some = head != tail;

    if (some)
        *key = waiting[tail++ % WAITING];
    unlock_irqrestore(&keys_lock, flags);
    return some;
}

static void key_run(char key)
{
    unsigned i = (unsigned char)key;

    log_always("'%c': %s\n", key, keys[i].what);
    keys[i].fn(key);
}

static void keys_softirq(void)
{
    char key;

    while (waiting_get(&key))
        key_run(key);
}

void key_press(char key)
{
    unsigned i = (unsigned char)key;

    if (i >= ARRAY_SIZE(keys) || !keys[i].fn) {
        if (i > ' ' && i < 127)
            log_always("'%c' does nothing: 'h' for help\n", key);
        return;
    }
    if (keys[i].in_irq)
        key_run(key);
    else
        waiting_put(key);
}

/* ---- keys of kern/ ---- */

static void key_help(char key)
{
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].fn)
            log_always("  '%c'  %s\n", (char)i, keys[i].what);
}

static void key_restart(char key)
{
    console_flush();
    machine_restart();
}

static void key_crash(char key)
{
    panic("asked for by the debug key\n");
}

static void vcpu_show(struct vcpu *v)
{
    static const char *const names[] = { "running", "runnable", "blocked", "offline" };
    struct vcpu_runstate_info r;

    vcpu_runstate(v, &r);
    log_always("  vcpu %u: CPU %u, %s%s, upcall pending %u mask %u, ran %lu ms, waited %lu ms\n", v->id, v->cpu,
               vcpu_is_up(v) ? "" : "down, ", names[r.state & 3], v->info->evtchn_upcall_pending,
               v->info->evtchn_upcall_mask, r.time[RUNSTATE_running] / 1000000, r.time[RUNSTATE_runnable] / 1000000);
}

static void domain_show(struct domain *d)
{
    log_always("Domain %u%s%s%s: refs %u, pauses %u, %u vCPUs at most, shutdown code %u\n", d->id,
               d->is_privileged ? " (privileged)" : "", d->is_dying ? " dying" : "",
               d->is_shut_down ? " shut down" : "", d->refs, d->pause_count, d->max_vcpus, d->shutdown_code);
    domain_each_vcpu(d, v)
        vcpu_show(v);
}

static void key_domains(char key)
{
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        domain_show(d);
}

static void key_events(char key)
{
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        event_dump(d);
}

static void key_grants(char key)
{
    for (struct domain *d = domain_next(NULL); d; d = domain_next(d))
        grant_dump(d);
}

static void key_sched(char key)
{
    sched_dump();
}

static void key_timers(char key)
{
    timer_dump();
}

static void key_irqs(char key)
{
    irq_lines_dump();
}

static void key_counters(char key)
{
    counters_dump();
}

static void key_counters_reset(char key)
{
    counters_reset();
}

static void key_clocks(char key)
{
    time_dump();
}

static void key_spec(char key)
{
    spec_dump();
}

void keys_init(void)
{
    softirq_register(SOFTIRQ_KEY, keys_softirq);
    key_register('h', key_help, "this list", false);
    key_register('R', key_restart, "restart the machine", true);
    key_register('C', key_crash, "crash the hypervisor", true);
    key_register('q', key_domains, "domains and their vCPUs", false);
    key_register('r', key_sched, "run queues", false);
    key_register('e', key_events, "event channels", false);
    key_register('g', key_grants, "grant tables", false);
    key_register('a', key_timers, "timers", false);
    key_register('i', key_irqs, "interrupt lines", false);
    key_register('p', key_counters, "counters", false);
    key_register('P', key_counters_reset, "set the counters to 0", false);
    key_register('t', key_clocks, "clocks", false);
    key_register('S', key_spec, "speculation controls", false);
}
