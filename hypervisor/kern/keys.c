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
#include "kern/pages.h"
#include "kern/sched.h"
#include "x86/counters.h"
#include "x86/irqline.h"
#include "x86/lock.h"
#include "x86/log.h"
#include "x86/machine.h"
#include "x86/numa.h"
#include "x86/softirq.h"
#include "x86/time.h"
#include "x86/timer.h"
#include <xen/vcpu.h>

#define WAITING KEYS_WAITING

static spinlock_t keys_lock = LOCK_INIT(RANK_CONSOLE);
static char waiting[WAITING];
static unsigned head, tail;

static void key_help(void);

static void key_restart(void)
{
    console_flush();
    machine_restart();
}

static void key_crash(void)
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

static void key_nodes(void)
{
    for (unsigned node = 0; node < numa_nodes(); node++)
        log_always("NODE%u size->%lu free->%lu\n", node, numa_frames(node), frames_free_between(node, 0, 64));
    cpumask_each(cpu, &cpu_online)
        log_always("CPU%u -> NODE%u\n", cpu, numa_node_of_cpu(cpu));
}

static void domain_nodes_show(struct domain *d)
{
    log_always("Domain %u (total: %lu):\n", d->id, READ_ONCE(d->pages->count));
    for (unsigned node = 0; node < numa_nodes(); node++)
        log_always("    Node %u: %lu\n", node, pages_on_node(d, node));
}

/* [const after boot]; other rooms have more */
static struct {
    const char *what;
    key_fn *fn;
    void (*each)(struct domain *d); /* then; either may be NULL */
    bool in_irq;
} keys[128] = {
    ['h'] = { .what = "this list", .fn = key_help },
    ['R'] = { .what = "restart the machine", .fn = key_restart, .in_irq = true },
    ['C'] = { .what = "crash the hypervisor", .fn = key_crash, .in_irq = true },
    ['q'] = { .what = "domains and their vCPUs", .each = domain_show },
    ['r'] = { .what = "run queues", .fn = sched_dump },
    ['e'] = { .what = "event channels", .each = event_dump },
    ['g'] = { .what = "grant tables", .each = grant_dump },
    ['a'] = { .what = "timers", .fn = timer_dump },
    ['i'] = { .what = "interrupt lines", .fn = irq_lines_dump },
    ['p'] = { .what = "counters", .fn = counters_dump },
    ['P'] = { .what = "set the counters to 0", .fn = counters_reset },
    ['t'] = { .what = "clocks", .fn = time_dump },
    ['u'] = { .what = "NUMA nodes, and what domains have of them", .fn = key_nodes, .each = domain_nodes_show },
};

static void key_help(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].what)
            log_always("  '%c'  %s\n", (char)i, keys[i].what);
}

/* ---- Keys that come ---- */

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
    if (keys[i].fn)
        keys[i].fn();
    for (struct domain *d = keys[i].each ? domain_next(NULL) : NULL; d; d = domain_next(d))
        keys[i].each(d);
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

    if (i >= ARRAY_SIZE(keys) || !keys[i].what) {
        if (i > ' ' && i < 127)
            log_always("'%c' does nothing: 'h' for help\n", key);
        return;
    }
    if (keys[i].in_irq)
        key_run(key);
    else
        waiting_put(key);
}

void keys_init(void)
{
    softirq_register(SOFTIRQ_KEY, keys_softirq);
}
