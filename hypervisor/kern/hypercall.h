/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls.  The table (kern/hypercall.c) is data; a handler is named do_<the ABI's name> and takes one
 * struct hcall.  Its return value is what the guest sees.
 *
 * Long work: when preempt_needed() says so, the handler stores the REST of the work in c->arg[] (as if the
 * guest had asked for just that) and returns hcall_again(c).  The one place that called the handler then
 * puts the arguments back into the guest's registers (or into the multicall entry) and lets the guest
 * issue the same call again.  Progress thus lives in the guest's own call: interrupts and other calls may come between.
 */
#ifndef KERN_HYPERCALL_H
#define KERN_HYPERCALL_H

#include "core/types.h"

struct hcall {
    uint32_t op;
    bool again;
    uint64_t arg[6];
};

typedef long hcall_fn(struct hcall *c);

/* Ask for the call to be issued again with c->arg[] as it is now. */
static inline long hcall_again(struct hcall *c)
{
    c->again = true;
    return 0;
}

/* Each handler is declared in its own room's header; the table includes them. */
hcall_fn do_multicall;

struct cpu_user_regs;
/* A guest kernel's system call: r are current's registers.  Interrupts on. */
void hypercall_entry(struct cpu_user_regs *r);

#endif
