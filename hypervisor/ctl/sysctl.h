/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XEN_SYSCTL_* <xen/sysctl.h>: what the toolstack asks of the machine.  ctl/sysctl.c has the table.  A handler gets a copy
 * of the caller's struct, whose version and whose right are checked; what it leaves there goes back to the caller if it succeeds.
 * -XEN_EAGAIN: the call is to be issued again, as it was.
 */
#pragma once

#include "core/types.h"
#include <xen/sysctl.h>

typedef long sysctl_fn(struct xen_sysctl *op);

/* ctl/sysctl_machine.c */
sysctl_fn sysctl_physinfo, sysctl_getcpuinfo, sysctl_availheap, sysctl_cputopoinfo, sysctl_numainfo, sysctl_pcitopoinfo,
    sysctl_cpu_hotplug, sysctl_page_offline_op;
/* ctl/sysctl_power.c */
sysctl_fn sysctl_get_pmstat, sysctl_pm_op;
/* ctl/sysctl_sched.c */
sysctl_fn sysctl_sched_id, sysctl_cpupool_op, sysctl_scheduler_op;
/* ctl/sysctl_trace.c */
sysctl_fn sysctl_tbuf_op, sysctl_perfc_op;
/* ctl/sysctl_cpu.c */
sysctl_fn sysctl_levelling_caps, sysctl_cpu_featureset, sysctl_cpu_policy;
/* The first words of the featureset that we use ourselves. */
void sysctl_hw_cap(uint32_t *words, unsigned n);
