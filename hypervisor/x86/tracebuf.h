/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What x86/trace.c, which fills the trace buffers, and kern/trace.c, which makes them, share. */
#pragma once

#include "core/trace.h"
#include "x86/cpumask.h"

/* What a CPU has; kern/trace.c makes an array of them, once and for good. */
struct trace_cpu {
    struct trace_ring ring; /* [by its own CPU, interrupts off] */
    bool busy;              /* a record is being put: an NMI's has no place [by its own CPU] */
};
extern struct trace_cpu *trace_cpus; /* [nr_cpus], NULL before there are buffers [atomic] */
extern cpumask_t trace_cpus_wanted;  /* who puts records there [atomic; written by kern/trace.c] */

/* Port, provided by kern/trace.c: whose vCPU runs here. */
void trace_port_who(uint32_t *domain, uint32_t *vcpu);
