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
#pragma once

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

/* The handlers: ports, each provided by its room. */
hcall_fn do_callback_op, do_console_io, do_domctl, do_event_channel_op, do_event_channel_op_compat, do_fpu_taskswitch,
    do_get_debugreg, do_grant_table_op, do_hvm_op, do_hypfs_op, do_iret, do_mca, do_memory_op, do_mmu_update, do_mmuext_op,
    do_multicall, do_nmi_op, do_physdev_op, do_physdev_op_compat, do_platform_op, do_sched_op, do_sched_op_compat,
    do_set_callbacks, do_set_debugreg, do_set_gdt, do_set_segment_base, do_set_timer_op, do_set_trap_table,
    do_stack_switch, do_sysctl, do_update_descriptor, do_update_va_mapping, do_update_va_mapping_otherdomain, do_vcpu_op,
    do_vm_assist, do_xen_version, do_xenpmu_op;
