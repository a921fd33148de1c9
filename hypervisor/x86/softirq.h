/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that an interrupt leaves for the way back to the guest (or for the idle loop).
 * Handlers run with interrupts on, no lock held, on the CPU's one stack.
 */
#pragma once

#include "core/types.h"

/* The first one pending is served first. */
enum softirq {
    SOFTIRQ_TIMER,    /* timers are due (x86/timer.c) */
    SOFTIRQ_KEY,      /* a debug key was pressed (kern/keys.c) */
    SOFTIRQ_NMI,      /* an NMI left work (x86/nmi.c) */
    SOFTIRQ_MCE,      /* a machine check was recorded (kern/mce.c) */
    SOFTIRQ_TRACE,    /* a trace buffer is half full (kern/trace.c) */
    SOFTIRQ_SCHEDULE, /* choose again who runs here (kern/sched.c); after all that wakes somebody */
    SOFTIRQ_RCU,      /* what is freed where no lock is held, in pieces */
    NR_SOFTIRQS,
};

typedef void softirq_fn(void);

/* Each CPU, before anybody raises one for it from elsewhere (sched_init_cpu() does it). */
void softirq_init_cpu(void);
/* Boot time only. */
void softirq_register(enum softirq nr, softirq_fn *fn);
/* On this CPU; any context. */
void softirq_raise(enum softirq nr);
/* On any CPU; sends an IPI if it is another. Any context. */
void softirq_raise_cpu(unsigned cpu, enum softirq nr);
/* Serve all that is pending here.  Interrupts on, no lock held. */
void softirq_run(void);
bool softirq_pending(void);
