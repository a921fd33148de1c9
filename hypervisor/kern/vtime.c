/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests' clocks and timers.
 *
 * V1: a vCPU's periodic timer is armed only while the vCPU runs, and on its CPU.
 * V2: the one-shot timer is armed whether it runs or not, and moves to the CPU where it runs.
 * V3: a clock in shared memory is written only by the CPU that runs its vCPU (the wall clock: under wall_lock),
 *     with an odd version around it.
 * V4: a domain whose vCPU runs has the wall clock that was set last: the CPUs are told when it is set, and the others
 *     find out when they are given a CPU.
 */
#include "kern/vtime.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/tsc.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/lock.h"
#include "x86/percpu.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/timeline.h"
#include "x86/timer.h"
#include "x86/uaccess.h"
#include <xen/vcpu.h>

#define NS_PER_S   1000000000ul
#define NS_PER_MS  1000000ul
#define PERIOD_MIN NS_PER_MS
#define PERIOD_PV  (10 * NS_PER_MS)
#define PERIOD_MAX (NS_PER_S << 30)
/* Linux's jiffies once wrapped into timeouts far ahead: such a one means "soon". */
#define FAR_AHEAD  (1ul << 50)

struct time_vcpu {
    struct timer periodic, singleshot;
    uint64_t period;      /* ns, 0: off [atomic] */
    uint64_t last_tick;   /* system time [by its own CPU] */
    uint64_t area;        /* address of the registered copy of its time, 0: none [atomic] */
    /* What was published last, to leave out what changes nothing [by its own CPU]. */
    uint64_t seen_line;
    const void *seen_info;
    uint64_t seen_area;
};

static spinlock_t wall_lock = LOCK_INIT(RANK_CONSOLE);

/* ---- clocks ---- */

/* False: not mapped now (the vCPU is in user mode, say); to be tried again. */
static bool area_write(uint64_t gva, struct vcpu_time_info *t)
{
    uint32_t version = t->version;

    t->version--;
    if (copy_to_guest(gva, &t->version, sizeof(version)))
        return false;
    wmb();
    if (copy_to_guest(gva, t, sizeof(*t)))
        return false;
    wmb();
    return !copy_to_guest(gva, &version, sizeof(version));
}

static void info_write(struct vcpu_time_info *to, struct vcpu_time_info *t)
{
    uint32_t version = READ_ONCE(to->version) | 1;

    WRITE_ONCE(to->version, version);
    wmb();
    WRITE_ONCE(to->tsc_timestamp, t->tsc_timestamp);
    WRITE_ONCE(to->system_time, t->system_time);
    WRITE_ONCE(to->tsc_to_system_mul, t->tsc_to_system_mul);
    WRITE_ONCE(to->tsc_shift, t->tsc_shift);
    WRITE_ONCE(to->flags, t->flags);
    wmb();
    WRITE_ONCE(to->version, version + 1);
    t->version = version + 1;
}

void time_update_vcpu(struct vcpu *v)
{
    struct time_vcpu *tv = v->time;
    struct vcpu_time_info t = { 0 };
    uint64_t flags = irq_save(), area = READ_ONCE(tv->area);
    struct clock_line line;
    uint64_t id = domain_tsc_line(v->domain, &line);

    if (id != tv->seen_line || v->info != tv->seen_info || area != tv->seen_area) {
        COUNT(clock_update);
        t.tsc_timestamp = line.tsc;
        t.system_time = line.ns;
        t.tsc_to_system_mul = line.scale.mul;
        t.tsc_shift = line.scale.shift;
        t.flags = tsc_is_stable() ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
        info_write(&v->info->time, &t);
        tv->seen_line = id;
        tv->seen_info = v->info;
        tv->seen_area = !area || (v == current && area_write(area, &t)) ? area : 0;
    }
    irq_restore(flags);
}

void time_update_wallclock(struct domain *d)
{
    uint64_t flags = lock_irqsave(&wall_lock);
    struct shared_info *s = d->shared;
    uint64_t wall = wallclock_base(), secs = wall / NS_PER_S;
    uint32_t version;

    if (!s) {
        unlock_irqrestore(&wall_lock, flags);
        return;
    }
    WRITE_ONCE(d->wall_told, wall);
    version = READ_ONCE(s->wc_version) | 1;
    secs += (uint64_t)READ_ONCE(d->wall_offset);
    WRITE_ONCE(s->wc_version, version);
    wmb();
    WRITE_ONCE(s->wc_sec, (uint32_t)secs);
    WRITE_ONCE(s->wc_sec_hi, (uint32_t)(secs >> 32));
    WRITE_ONCE(s->wc_nsec, (uint32_t)(wall % NS_PER_S));
    wmb();
    WRITE_ONCE(s->wc_version, version + 1);
    unlock_irqrestore(&wall_lock, flags);
}

struct shared_info *vtime_shared_gone(struct domain *d)
{
    uint64_t flags = lock_irqsave(&wall_lock);
    struct shared_info *s = d->shared;

    d->shared = NULL;
    unlock_irqrestore(&wall_lock, flags);
    return s;
}

static void wallclock_follow(void *unused)
{
    if (READ_ONCE(current->domain->wall_told) != wallclock_base())
        time_update_wallclock(current->domain);
}

void wallclock_set(uint64_t secs, uint32_t nsecs, uint64_t at)
{
    wallclock_base_set(secs * NS_PER_S + nsecs - at);
    smp_call(&cpu_online, wallclock_follow, NULL);
}

void vtime_set_offset(struct domain *d, int64_t seconds)
{
    WRITE_ONCE(d->wall_offset, seconds);
    time_update_wallclock(d);
}

/* ---- timers ---- */

static void tick_due(struct vcpu *v, uint64_t now)
{
    struct time_vcpu *tv = v->time;
    uint64_t period = READ_ONCE(tv->period);

    if (!period)
        return;
    if (now - tv->last_tick >= period) {
        tv->last_tick = now;
        virq_raise_vcpu(v, VIRQ_TIMER);
    }
    timer_set(&tv->periodic, tv->last_tick + period);
}

static void periodic_fired(void *data)
{
    struct vcpu *v = data;

    if (v == current)
        tick_due(v, time_now());
}

static void singleshot_fired(void *data)
{
    virq_raise_vcpu(data, VIRQ_TIMER);
}

int vtime_vcpu_create(struct vcpu *v)
{
    struct time_vcpu *tv = mem_alloc(sizeof(*tv));

    if (!tv)
        return -XEN_ENOMEM;
    timer_init(&tv->periodic, periodic_fired, v, v->cpu);
    timer_init(&tv->singleshot, singleshot_fired, v, v->cpu);
    tv->period = v->domain->is_pv && !v->is_idle ? PERIOD_PV : 0;
    v->time = tv;
    return 0;
}

void vtime_vcpu_destroy(struct vcpu *v)
{
    if (!v->time)
        return;
    timer_kill(&v->time->periodic);
    timer_kill(&v->time->singleshot);
    mem_free(v->time);
    v->time = NULL;
}

void vtime_switch_to(struct vcpu *v)
{
    struct time_vcpu *tv = v->time;

    time_update_vcpu(v);
    wallclock_follow(NULL);
    if (tv->singleshot.cpu != cpu_id())
        timer_migrate(&tv->singleshot, cpu_id());
    if (!READ_ONCE(tv->period))
        return;
    timer_migrate(&tv->periodic, cpu_id());
    tick_due(v, time_now());
}

void vtime_switch_from(struct vcpu *v)
{
    if (timer_is_set(&v->time->periodic))
        timer_stop(&v->time->periodic);
}

/* ---- hypercalls ---- */

long do_set_timer_op(struct hcall *c)
{
    struct time_vcpu *tv = current->time;
    uint64_t timeout = c->arg[0], now;

    if (!timeout) {
        timer_stop(&tv->singleshot);
        return 0;
    }
    now = time_now();
    if ((int64_t)timeout < 0 || (timeout > now && timeout - now >= FAR_AHEAD))
        timeout = now + 100 * NS_PER_MS;
    timer_migrate(&tv->singleshot, cpu_id());
    timer_set(&tv->singleshot, timeout);
    return 0;
}

static void period_set(struct vcpu *v, uint64_t period)
{
    struct time_vcpu *tv = v->time;

    timer_stop(&tv->periodic);
    WRITE_ONCE(tv->period, period);
    if (!period)
        return;
    if (v == current)
        tv->last_tick = time_now();
    timer_migrate(&tv->periodic, READ_ONCE(v->cpu));
    /* Another CPU's vCPU: its own CPU looks at it now, and counts from its last tick. */
    timer_set(&tv->periodic, v == current ? tv->last_tick + period : 0);
}

static long op_set_periodic(struct vcpu *v, uint64_t arg)
{
    struct vcpu_set_periodic_timer set;

    if (copy_from_guest(&set, arg, sizeof(set)))
        return -XEN_EFAULT;
    if (set.period_ns < PERIOD_MIN || set.period_ns > PERIOD_MAX)
        return -XEN_EINVAL;
    period_set(v, set.period_ns);
    return 0;
}

static long op_set_singleshot(struct vcpu *v, uint64_t arg)
{
    struct vcpu_set_singleshot_timer set;

    if (copy_from_guest(&set, arg, sizeof(set)))
        return -XEN_EFAULT;
    if ((set.flags & VCPU_SSHOTTMR_future) && (int64_t)(set.timeout_abs_ns - time_now()) < 0)
        return -XEN_ETIME;
    timer_migrate(&v->time->singleshot, cpu_id());
    timer_set(&v->time->singleshot, set.timeout_abs_ns);
    return 0;
}

static long op_register_area(struct vcpu *v, uint64_t arg)
{
    struct vcpu_register_time_memory_area area;

    if (copy_from_guest(&area, arg, sizeof(area)))
        return -XEN_EFAULT;
    if (area.addr.p && !guest_range_ok(area.addr.p, sizeof(struct vcpu_time_info)))
        return -XEN_EFAULT;
    WRITE_ONCE(v->time->area, area.addr.p);
    if (v == current)
        time_update_vcpu(v);
    return 0;
}

long vtime_vcpu_op(struct vcpu *v, uint64_t cmd, uint64_t arg_gva)
{
    switch (cmd) {
    case VCPUOP_set_periodic_timer:
        return op_set_periodic(v, arg_gva);
    case VCPUOP_stop_periodic_timer:
        period_set(v, 0);
        return 0;
    case VCPUOP_set_singleshot_timer:
        return v == current ? op_set_singleshot(v, arg_gva) : -XEN_EINVAL;
    case VCPUOP_stop_singleshot_timer:
        if (v != current)
            return -XEN_EINVAL;
        timer_stop(&v->time->singleshot);
        return 0;
    case VCPUOP_register_vcpu_time_memory_area:
        return op_register_area(v, arg_gva);
    default:
        return -XEN_ENOSYS;
    }
}
