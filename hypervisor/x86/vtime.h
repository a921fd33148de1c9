/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time for guests: the clock in struct vcpu_info and struct shared_info (kern/time.h publishes it), and each vCPU's
 * two timers, <xen/vcpu.h>: a periodic one, which ticks only while the vCPU runs, and a one-shot one.  Both
 * raise VIRQ_TIMER.
 */
#ifndef X86_VTIME_H
#define X86_VTIME_H

#include "kern/hypercall.h"
#include "kern/timer.h"

struct vcpu;
struct domain;

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

struct time_domain {
    int64_t offset;       /* seconds from UTC to its wall clock [atomic] */
};

int vtime_domain_create(struct domain *d);
void vtime_domain_destroy(struct domain *d);
/* XEN_DOMCTL_settimeoffset. */
void vtime_set_offset(struct domain *d, int64_t seconds);

/* Timers are on v->cpu; a new vCPU of a PV domain ticks every 10 ms until told otherwise. */
int vtime_vcpu_create(struct vcpu *v);
/* Waits until no timer function runs.  No lock held. */
void vtime_vcpu_destroy(struct vcpu *v);
/* As new (domain reset, VCPUOP_initialise of a used vCPU). */
void vtime_vcpu_reset(struct vcpu *v);

/* v has been given this CPU: v == current, its page tables are loaded, interrupts off. / v leaves it. */
void vtime_switch_to(struct vcpu *v);
void vtime_switch_from(struct vcpu *v);

/* VCPUOP_{set,stop}_{periodic,singleshot}_timer and _register_vcpu_time_memory_area.  The caller has checked that
 * the one-shot commands are for v == current. */
long vtime_vcpu_op(struct vcpu *v, unsigned cmd, uint64_t arg_gva);

hcall_fn do_set_timer_op;

#endif
