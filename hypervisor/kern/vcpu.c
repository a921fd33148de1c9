/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VCPUOP_*: what a guest may ask about its own vCPUs (<xen/vcpu.h>).
 * Locks: v->lock (RANK_VCPU) for being initialised and for the place of vcpu_info.  v->info is changed only while
 * v does not run, or by v itself.
 */
#include "kern/vcpu.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "kern/sched.h"
#include "kern/sched_state.h"
#include "kern/vtime.h"
#include "x86/cpu.h"
#include "x86/smp.h"
#include "x86/uaccess.h"
#include <xen/vcpu.h>

/* A vCPU beyond those in shared_info has no vcpu_info until it registers one. */
static bool has_info(const struct vcpu *v)
{
    return v->id < XEN_LEGACY_MAX_VCPUS || v->sched->info_before;
}

/* Claim the right to initialise v. */
static int initialise_begin(struct vcpu *v)
{
    int r = 0;

    lock(&v->lock);
    if (!has_info(v))
        r = -XEN_EINVAL;
    else if (v->is_initialised)
        r = -XEN_EEXIST;
    else if (v->sched->initialising)
        r = -XEN_EBUSY;
    else
        v->sched->initialising = true;
    unlock(&v->lock);
    return r;
}

static void initialise_end(struct vcpu *v, bool done)
{
    lock(&v->lock);
    v->is_initialised |= done;
    v->sched->initialising = false;
    unlock(&v->lock);
}

static long op_initialise(struct hcall *c, struct vcpu *v)
{
    struct vcpu_guest_context *ctx = mem_alloc(sizeof(*ctx));
    int r;

    if (!ctx)
        return -XEN_ENOMEM;
    r = copy_from_guest(ctx, c->arg[2], sizeof(*ctx));
    if (!r)
        r = initialise_begin(v);
    if (!r) {
        r = pv_vcpu_set_context(v, ctx);
        initialise_end(v, r == 0);
    }
    mem_free(ctx);
    return r == -XEN_EAGAIN ? hcall_again(c) : r;
}

static long op_up(struct vcpu *v)
{
    bool ok;

    lock(&v->lock);
    ok = v->is_initialised;
    unlock(&v->lock);
    if (!ok)
        return -XEN_EINVAL;
    vcpu_set_up(v, true);
    return 0;
}

static long op_runstate(struct vcpu *v, uint64_t arg)
{
    struct vcpu_runstate_info r;

    vcpu_runstate(v, &r);
    return copy_to_guest(arg, &r, sizeof(r));
}

/* Another vCPU's area gets a first copy now, and is kept up to date when that vCPU runs. */
static long op_register_runstate(struct vcpu *v, uint64_t arg)
{
    struct vcpu_register_runstate_memory_area a;

    if (copy_from_guest(&a, arg, sizeof(a)))
        return -XEN_EFAULT;
    if (!guest_range_ok(a.addr.p, sizeof(struct vcpu_runstate_info)))
        return -XEN_EFAULT;
    WRITE_ONCE(v->sched->runstate_gva, a.addr.p);
    if (!a.addr.p)
        return 0;
    if (v != current)
        return op_runstate(v, a.addr.p);
    runstate_publish(v);
    return 0;
}

/* Fill the new place from the old, and make it v's.  [v->lock; v is current or down] */
static void info_move(struct vcpu *v, struct vcpu_info *to)
{
    if (has_info(v)) {
        memcpy(to, v->info, sizeof(*to));
    } else {
        memset(to, 0, sizeof(*to));
        to->evtchn_upcall_mask = 1;
    }
    v->sched->info_before = v->info;
    wmb();
    WRITE_ONCE(v->info, to);
}

static long op_register_info(struct vcpu *v, uint64_t arg)
{
    struct vcpu_register_vcpu_info a;
    bool taken;
    char *p;

    if (copy_from_guest(&a, arg, sizeof(a)))
        return -XEN_EFAULT;
    if (a.offset > PAGE_SIZE - sizeof(struct vcpu_info) || a.offset % _Alignof(struct vcpu_info) || (v != current && vcpu_is_up(v)))
        return -XEN_EINVAL;
    p = guest_frame_map_shared(v->domain, GFN(a.mfn));
    if (!p)
        return -XEN_EINVAL;
    lock(&v->lock);
    taken = v->sched->info_before;
    if (!taken)
        info_move(v, (struct vcpu_info *)(void *)(p + a.offset));
    unlock(&v->lock);
    if (taken) {
        guest_frame_unmap_shared(v->domain, p);
        return -XEN_EINVAL;
    }
    event_info_moved(v);
    if (v == current)
        time_update_vcpu(v);
    return 0;
}

void vcpu_info_release(struct vcpu *v)
{
    struct vcpu_info *old = NULL;

    lock(&v->lock);
    if (v->sched && v->sched->info_before) {
        old = v->info;
        WRITE_ONCE(v->info, v->sched->info_before);
        v->sched->info_before = NULL;
    }
    unlock(&v->lock);
    if (old)
        guest_frame_unmap_shared(v->domain, (void *)((uint64_t)old & PAGE_MASK));
}

static long op_send_nmi(struct vcpu *v, uint64_t arg)
{
    if (arg)
        return -XEN_EINVAL; /* the ABI gives it no argument */
    if (!READ_ONCE(v->nmi_pending))
        vcpu_nmi(v);
    return 0;
}

/* Only for dom0's vCPUs that are pinned to one CPU. */
static long op_physid(struct vcpu *v, uint64_t arg)
{
    struct vcpu_get_physid p;
    cpumask_t hard, soft;
    unsigned cpu;

    sched_vcpu_get_affinity(v, &hard, &soft);
    cpu = cpumask_next(&hard, 0);
    if (!v->domain->is_privileged || cpu >= nr_cpus || cpumask_next(&hard, cpu + 1) < nr_cpus)
        return -XEN_EINVAL;
    p.phys_id = (uint64_t)smp_acpi_id(cpu) << 32 | smp_apic_id(cpu);
    return copy_to_guest(arg, &p, sizeof(p));
}

long do_vcpu_op(struct hcall *c)
{
    uint64_t cmd = c->arg[0], arg = c->arg[2];
    struct vcpu *v = domain_vcpu(current->domain, (unsigned)c->arg[1]);

    if (!v)
        return -XEN_ENOENT;
    switch (cmd) {
    case VCPUOP_initialise:
        return op_initialise(c, v);
    case VCPUOP_up:
        return op_up(v);
    case VCPUOP_down:
        vcpu_down(v);
        return 0;
    case VCPUOP_is_up:
        return vcpu_is_up(v);
    case VCPUOP_get_runstate_info:
        return op_runstate(v, arg);
    case VCPUOP_register_runstate_memory_area:
        return op_register_runstate(v, arg);
    case VCPUOP_register_vcpu_info:
        return op_register_info(v, arg);
    case VCPUOP_send_nmi:
        return op_send_nmi(v, arg);
    case VCPUOP_get_physid:
        return op_physid(v, arg);
    default:
        return vtime_vcpu_op(v, cmd, arg);
    }
}
