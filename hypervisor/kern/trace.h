/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The trace buffers: making them, which events go there, who is told when one fills.  Records: x86/trace.h. */
#pragma once

#include "x86/cpumask.h"
#include "x86/trace.h"

struct hcall;

struct trace_state {
    mfn_t info;         /* first frame of the t_info; MFN_NONE: there are no buffers */
    uint32_t info_size; /* of the t_info, bytes in whole pages */
    uint32_t mask;      /* the events that are put there while tracing is on */
};

void trace_get(struct trace_state *out);
/* Give each CPU a buffer of that many pages (or as many as t_info can tell of).  0; -XEN_EBUSY: they have them
 * already; -XEN_EINVAL: none, or they have them already with another size, which stays; -XEN_ENOMEM; -XEN_EAGAIN: preempted, call again. */
int trace_set_size(uint32_t pages);
void trace_set_mask(uint32_t mask);
void trace_set_cpus(const cpumask_t *cpus);
/* -XEN_EINVAL: there are no buffers.  Interrupts on. */
int trace_enable(bool on);

/* Options tbuf_size=, tevt_mask=, and what they ask for, once all CPUs are up. */
extern unsigned trace_opt_size, trace_opt_mask;
void trace_init(void);
/* A CPU has come up. */
void trace_init_cpu(void);

/* TRC_PV_HYPERCALL_V2 or, for an entry of a multicall, TRC_PV_HYPERCALL_SUBCALL. */
void trace_hypercall(uint32_t event, const struct hcall *c) __attribute__((cold));
#define TRACE_HYPERCALL(event, c)     \
    do {                              \
        if (TRACE_WANTED(event))      \
            trace_hypercall(event, c);\
    } while (0)
