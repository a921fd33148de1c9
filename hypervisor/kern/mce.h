/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine checks: exceptions, and a look at the banks of every CPU now and then for what was corrected silently.
 * What is found is kept for dom0 (ctl/mca.c) in a few records; if nobody fetches them, the first ones are kept.
 */
#pragma once

#include "core/types.h"
#include "x86/cpumask.h"

#define MCE_RECORD_BANKS 8

struct mce_bank {
    unsigned bank;
    uint64_t status, address, misc;
};

/* What one look at one CPU's banks found. */
struct mce_record {
    uint64_t id;                /* never 0 */
    bool urgent;                /* by exception */
    bool uncorrected;
    domid_t domid;              /* which guest ran; DOMID_INVALID: none */
    uint16_t vcpu;
    unsigned cpu;
    uint64_t global_status, tsc;
    unsigned nr_banks;
    struct mce_bank bank[MCE_RECORD_BANKS];
};

/* Boot. */
void mce_init(void);
/* Each CPU: enable the banks. */
void mce_init_cpu(void);
/* The oldest record of the kind.  False: none.  Any number of times, until mce_record_done() gives it up. */
bool mce_record_get(bool urgent, struct mce_record *r);
/* False: there is no such record. */
bool mce_record_done(bool urgent, uint64_t id);
/*
 * Errors made up, for tests.  A register's value on a CPU: written to it, or (interpose) only shown to us until the
 * bank is cleared. mce_is_register(): one that can be given.  0, -XEN_EINVAL (the processor refuses) or -XEN_ENOSPC.
 * Interrupts on.
 */
bool mce_is_register(uint32_t reg);
int mce_inject_register(unsigned cpu, uint32_t reg, uint64_t value, bool interpose);
/* The exception, on each of the CPUs; what follows is what follows a real one.  -XEN_EINVAL: a CPU has no error to
 * report, or one after which nothing could go on (MCG_STATUS without RIPV): left out. */
int mce_inject_exception(const cpumask_t *cpus);
/* Look at the banks now. */
void mce_look(const cpumask_t *cpus);
/* MCG_CAP of the machine; 0: no machine checks. */
uint64_t mce_capabilities(void);
