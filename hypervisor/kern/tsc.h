/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time-stamp counter that a domain sees: the processor's, or one made up from system time (core/vtsc.h).  Made up are
 * those of which the toolstack wants it; and, unless it wants the processor's, those of domains that were saved where the
 * counter had another frequency, and all where the processors' counters disagree.  dom0 has the processor's.
 */
#pragma once

#include "core/types.h"

struct clock_line;
struct domain;

/* XEN_DOMCTL_gettscinfo, settscinfo; CPUID tells it too. */
enum tsc_mode { TSC_MODE_DEFAULT, TSC_MODE_ALWAYS_EMULATE, TSC_MODE_NEVER_EMULATE };
struct tsc_info {
    uint32_t mode;        /* enum tsc_mode */
    uint32_t khz;         /* what the domain counts by; set: 0 for the processor's */
    uint32_t incarnation; /* how often it has been moved or restored */
    uint64_t elapsed;     /* ns that its counter has counted */
};

int tsc_domain_create(struct domain *d);
void tsc_domain_free(struct domain *d);

void domain_tsc_get(struct domain *d, struct tsc_info *i);
/* None of d's vCPUs runs.  0 or -XEN_EINVAL: no such mode. */
int domain_tsc_set(struct domain *d, const struct tsc_info *i);

/* What reading the counter gives to d's guest now. */
uint64_t domain_tsc_read(const struct domain *d);
/* The line from its counter to system time, for a vCPU of d that runs here; gives a number that is another whenever the
 * line is.  Interrupts off. */
uint64_t domain_tsc_line(const struct domain *d, struct clock_line *line);
