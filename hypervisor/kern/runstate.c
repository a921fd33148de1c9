/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runstates: how long each vCPU ran, waited, slept, was stopped; and the copy of that in the guest's memory.
 * The times always add up to the time since the vCPU was made.
 * Locks: a vCPU's runstate is guarded by the lock of its run queue; the guest's copy is written only by the
 * CPU that the vCPU runs on, without locks.
 */
#include "core/string.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/sched.h"
#include "kern/sched_state.h"
#include "x86/time.h"
#include "x86/trace.h"
#include "x86/cpu.h"
#include <xen/vcpu.h>

/* The event's number has the states in it. */
static void __attribute__((cold)) runstate_trace(const struct sched_vcpu *sv, unsigned from, unsigned to)
{
    const uint32_t who = sv->v->id | (uint32_t)sv->v->domain->id << 16;

    trace_put(TRC_SCHED_RUNSTATE_CHANGE | from << 8 | to << 4, 1, &who);
}

void runstate_enter(struct sched_vcpu *sv, int state, uint64_t now)
{
    struct vcpu_runstate_info *r = &sv->runstate;

    if (r->state == state)
        return;
    if (TRACE_WANTED(TRC_SCHED_RUNSTATE_CHANGE))
        runstate_trace(sv, (unsigned)r->state, (unsigned)state);
    if (now > r->state_entry_time) {
        r->time[r->state] += now - r->state_entry_time;
        r->state_entry_time = now;
    }
    r->state = state;
}

/* Its padding goes to guests. */
static void runstate_copy(struct vcpu_runstate_info *to, const struct sched_vcpu *sv)
{
    memset(to, 0, sizeof(*to));
    to->state = sv->runstate.state;
    to->state_entry_time = sv->runstate.state_entry_time;
    memcpy(to->time, sv->runstate.time, sizeof(to->time));
}

void vcpu_runstate(struct vcpu *v, struct vcpu_runstate_info *out)
{
    uint64_t flags, now = time_now();
    struct sched_rq *rq = sched_lock(v->sched, &flags);

    runstate_copy(out, v->sched);
    sched_unlock(rq, flags);
    if (now > out->state_entry_time)
        out->time[out->state] += now - out->state_entry_time;
}

uint64_t cpu_idle_time(unsigned cpu)
{
    struct vcpu_runstate_info r;

    vcpu_runstate(idle_domain.vcpu[cpu], &r);
    return r.time[RUNSTATE_running];
}

/* The area says when the vCPU was last given a CPU: header <xen/vcpu.h>, VCPUOP_register_runstate_memory_area. */
static int area_write(struct vcpu *v, struct vcpu_runstate_info *r)
{
    uint64_t gva = v->sched->runstate_gva;
    uint64_t entry_gva = gva + offsetof(struct vcpu_runstate_info, state_entry_time);
    uint64_t entry = r->state_entry_time;

    if (!(READ_ONCE(v->domain->vm_assist) & 1ul << VMASST_TYPE_runstate_update_flag))
        return copy_to_guest(gva, r, sizeof(*r));
    r->state_entry_time = entry | XEN_RUNSTATE_UPDATE;
    if (copy_to_guest(entry_gva, &r->state_entry_time, sizeof(uint64_t)))
        return -XEN_EFAULT;
    wmb();
    if (copy_to_guest(gva, r, sizeof(*r)))
        return -XEN_EFAULT;
    wmb();
    return copy_to_guest(entry_gva, &entry, sizeof(uint64_t));
}

void runstate_publish(struct vcpu *v)
{
    struct vcpu_runstate_info r;

    if (!v->sched->runstate_gva)
        return;
    runstate_copy(&r, v->sched);
    /* The tables of its processes needn't have the area; those of its kernel should. */
    if (area_write(v, &r) && !v->kernel_mode)
        __atomic_or_fetch(&v->exit_work, VCPU_WORK_RUNSTATE, __ATOMIC_SEQ_CST);
}

void runstate_retry(void)
{
    __atomic_and_fetch(&current->exit_work, (uint8_t)~VCPU_WORK_RUNSTATE, __ATOMIC_SEQ_CST);
    runstate_publish(current);
}
