/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secondary vCPUs. */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include <xen/vcpu.h>
#include "types.h"

/* How many vCPUs this domain has. */
unsigned vcpu_count(void);
/* Fill in a context that starts vCPU id in the kernel at fn on its own stack, events masked, our traps and callbacks. */
void vcpu_context(struct vcpu_guest_context *c, unsigned id, void (*fn)(void));
/* Initialise and bring up; fn must not return. */
long vcpu_start(unsigned id, void (*fn)(void));
/* vcpu_op on a vCPU. */
long vcpu_op(unsigned cmd, unsigned id, void *arg);
/* Go down for good. */
_Noreturn void vcpu_stop(void);
/* A time limit, in milliseconds, for what happens at once unless the test fails: it must hold on a busy host too. */
#define PATIENT 30000
/* Wait up to ms milliseconds for *flag >= want. */
bool wait_for(volatile unsigned *flag, unsigned want, unsigned ms);

#endif
