/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processors out of use, and back.
 *
 * A CPU out of use goes on to sit in its idle loop, in hlt, and to take interrupts and calls; but nothing sends it any:
 * H1  it is in no pool that domains can be in, so its current vCPU is the idle one;
 * H2  no timer is in its heap, and none comes there (x86/timer.c);
 * H3  it is not in cpu_online: nobody flushes its TLB or waits for it to do so; it flushes all of it when it comes back;
 * H4  no interrupt line is newly routed to it; one that can't be moved at once moves with its next interrupt or EOI, and until
 *     then is served where it is.
 * So there is no moment at which something on its way to it could be lost, or waited for in vain.
 *
 * Steps out: its pool gives it up (what ran there leaves); once it is idle it clears itself from cpu_online; timers and lines
 * leave.  Each step may be repeated: who finds the CPU not idle yet asks to be called again, from a vCPU that may be just the one
 * that has to leave.
 * Locks: `busy` instead of one, since calls to other CPUs are made with it.
 */
#include "kern/sched.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/schedpool.h"
#include "x86/cpu.h"
#include "x86/cpumask.h"
#include "x86/irqline.h"
#include "x86/smp.h"
#include "x86/time.h"
#include "x86/timer.h"
#include "x86/tlb.h"

static bool busy; /* [atomic] */

static void call_on(unsigned cpu, void (*fn)(void *), void *data)
{
    cpumask_t one = { { 0 } };

    one.bits[cpu / 64] = 1ul << (cpu % 64);
    smp_call(&one, fn, data);
}

/* On the CPU itself: it still may be on its way out of a guest. */
static void leave(void *left)
{
    if (!current->is_idle)
        return;
    cpumask_clear(&cpu_online, cpu_id());
    time_leave_cpu();
    *(bool *)left = true;
}

/* In cpu_online first: what is to be flushed from now on is flushed here, and what was before is by this. */
static void come_back(void *unused)
{
    cpumask_set(&cpu_online, cpu_id());
    mb();
    tlb_flush_all_local();
    timer_return_cpu();
    time_return_cpu();
}

static int offline(unsigned cpu)
{
    int rc = pool_cpu_park(cpu);
    bool left = false;

    if (rc)
        return rc;
    if (cpu == cpu_id())
        return -XEN_EAGAIN; /* our own vCPU leaves it on the way back */
    call_on(cpu, leave, &left);
    if (!left)
        return -XEN_EAGAIN;
    timer_leave_cpu(cpu, 0);
    irq_lines_leave(cpu);
    log_info("CPU %u is out of use\n", cpu);
    virq_raise_global(VIRQ_PCPU_STATE);
    return 0;
}

static int online(unsigned cpu)
{
    call_on(cpu, come_back, NULL);
    sched_return_cpu(cpu);
    pool_cpu_unpark(cpu);
    log_info("CPU %u is back in use\n", cpu);
    virq_raise_global(VIRQ_PCPU_STATE);
    return 0;
}

static int one_at_a_time(int (*fn)(unsigned cpu), unsigned cpu)
{
    int rc = -XEN_EAGAIN;

    if (!__atomic_exchange_n(&busy, true, __ATOMIC_SEQ_CST)) {
        rc = fn(cpu);
        __atomic_store_n(&busy, false, __ATOMIC_SEQ_CST);
    }
    return rc;
}

static int offline_checked(unsigned cpu)
{
    return cpu_is_online(cpu) ? offline(cpu) : -XEN_EEXIST;
}

static int online_checked(unsigned cpu)
{
    if (cpu_is_online(cpu)) /* but perhaps on its way out, if who wanted that gave up */
        return pool_cpu_unpark(cpu) ? 0 : -XEN_EEXIST;
    return cpumask_test(&cpu_up, cpu) ? online(cpu) : -XEN_EIO;
}

int cpu_take_offline(unsigned cpu)
{
    return cpu && cpu < nr_cpus ? one_at_a_time(offline_checked, cpu) : -XEN_EINVAL;
}

int cpu_bring_online(unsigned cpu)
{
    return cpu < nr_cpus ? one_at_a_time(online_checked, cpu) : -XEN_EINVAL;
}
