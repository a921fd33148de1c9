/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers on system time (ns since boot).  One heap a CPU; no periodic tick: the hardware timer is set
 * for the earliest deadline only.  A timer belongs to one CPU at a time; functions run in softirq
 * context on that CPU, interrupts on, no lock held.
 */
#pragma once

#include "core/lheap.h"

struct timer {
    struct lheap_node node; /* key: the deadline, ns [heap lock] */
    void (*fn)(void *data); /* [const] */
    void *data;             /* [const] */
    uint32_t cpu;           /* whose heap [heap lock] */
    uint32_t running;       /* CPU + 1 while fn runs; 0: it does not [heap lock of that CPU] */
    bool dead;              /* killed: can't be armed [heap lock] */
};

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu);
/* (Re)arm.  A deadline in the past fires at once.  Any context but NMI.  Does nothing to a killed timer. */
void timer_set(struct timer *t, uint64_t deadline_ns);
/* After this the function is not started (it may be running on another CPU).  Any context but NMI. */
void timer_stop(struct timer *t);
/* timer_stop() for good and wait until a running function has ended (not if called from that function itself).
 * Before the timer's memory goes.  Interrupts on, no lock held that fn may want. */
void timer_kill(struct timer *t);
/* Move to another CPU's heap, armed or not. */
void timer_migrate(struct timer *t, unsigned cpu);
/* Boot: BSP (after time_init()), then once for each CPU, on itself. */
/* The hardware timers of all CPUs are set anew: ns mean another number of their ticks now.  Interrupts on. */
void timer_reprogram_all(void);
void timer_init_cpu(void);
/* A CPU goes out of use: all its timers move to `to`, and those that were last there and are set again go to CPU 0's. */
void timer_leave_cpu(unsigned cpu, unsigned to);
void timer_return_cpu(void); /* this CPU is back in use */

static inline bool timer_is_set(const struct timer *t)
{
    return lheap_in(&t->node);
}

/* The timers of all CPUs to the log (debug key). */
void timer_dump(void);
