/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypercall table, and the one place that calls a handler: from a guest's system call (hypercall_entry)
 * or from a multicall's entry.
 */
#include "kern/hypercall.h"
#include "core/nospec.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/trace.h"
#include "x86/counters.h"
#include "x86/softirq.h"
#include "x86/traps.h"
#include "x86/uaccess.h"
#include <xen/arch-x86/xen-mca.h>

#define HYPERCALLS 64

static hcall_fn *const table[HYPERCALLS] = {
    [__HYPERVISOR_set_trap_table] = do_set_trap_table,
    [__HYPERVISOR_mmu_update] = do_mmu_update,
    [__HYPERVISOR_set_gdt] = do_set_gdt,
    [__HYPERVISOR_stack_switch] = do_stack_switch,
    [__HYPERVISOR_set_callbacks] = do_set_callbacks,
    [__HYPERVISOR_fpu_taskswitch] = do_fpu_taskswitch,
    [__HYPERVISOR_sched_op_compat] = do_sched_op_compat,
    [__HYPERVISOR_platform_op] = do_platform_op,
    [__HYPERVISOR_set_debugreg] = do_set_debugreg,
    [__HYPERVISOR_get_debugreg] = do_get_debugreg,
    [__HYPERVISOR_update_descriptor] = do_update_descriptor,
    [__HYPERVISOR_memory_op] = do_memory_op,
    [__HYPERVISOR_multicall] = do_multicall,
    [__HYPERVISOR_update_va_mapping] = do_update_va_mapping,
    [__HYPERVISOR_set_timer_op] = do_set_timer_op,
    [__HYPERVISOR_event_channel_op_compat] = do_event_channel_op_compat,
    [__HYPERVISOR_xen_version] = do_xen_version,
    [__HYPERVISOR_console_io] = do_console_io,
    [__HYPERVISOR_physdev_op_compat] = do_physdev_op_compat,
    [__HYPERVISOR_grant_table_op] = do_grant_table_op,
    [__HYPERVISOR_vm_assist] = do_vm_assist,
    [__HYPERVISOR_update_va_mapping_otherdomain] = do_update_va_mapping_otherdomain,
    [__HYPERVISOR_iret] = do_iret,
    [__HYPERVISOR_vcpu_op] = do_vcpu_op,
    [__HYPERVISOR_set_segment_base] = do_set_segment_base,
    [__HYPERVISOR_mmuext_op] = do_mmuext_op,
    [__HYPERVISOR_nmi_op] = do_nmi_op,
    [__HYPERVISOR_sched_op] = do_sched_op,
    [__HYPERVISOR_callback_op] = do_callback_op,
    [__HYPERVISOR_event_channel_op] = do_event_channel_op,
    [__HYPERVISOR_physdev_op] = do_physdev_op,
    [__HYPERVISOR_hvm_op] = do_hvm_op,
    [__HYPERVISOR_domctl] = do_domctl,
    [__HYPERVISOR_sysctl] = do_sysctl,
    [__HYPERVISOR_xenpmu_op] = do_xenpmu_op,
    [__HYPERVISOR_hypfs_op] = do_hypfs_op,
    [__HYPERVISOR_mca] = do_mca,
};

/* A guest-controlled number indexes the table: also a mispredicted one stays inside. */
static hcall_fn *handler_of(uint64_t nr)
{
    return nr < HYPERCALLS ? table[index_clamp(nr, HYPERCALLS)] : NULL;
}

/* Out of line, this and the next: hypercall_entry() has less to keep over the call. */
static __attribute__((cold, noinline)) long call_traced(hcall_fn *fn, struct hcall *c)
{
    trace_hypercall(TRC_PV_HYPERCALL_V2, c);
    return fn(c);
}

static __attribute__((cold, noinline)) void issue_again(struct cpu_user_regs *r, const uint64_t *arg)
{
    COUNT(hypercall_again);
    r->rdi = arg[0];
    r->rsi = arg[1];
    r->rdx = arg[2];
    r->r10 = arg[3];
    r->r8 = arg[4];
    r->r9 = arg[5];
    r->rip -= 2; /* syscall, once more; rax still has the number */
}

void hypercall_entry(struct cpu_user_regs *r)
{
    hcall_fn *fn = handler_of(r->rax);
    struct hcall c = { .op = (uint32_t)r->rax, .arg = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 } };
    long rc;

    if (!fn) {
        r->rax = (uint64_t)-XEN_ENOSYS;
        return;
    }
    COUNT_HYPERCALL(c.op);
    rc = TRACE_WANTED(TRC_PV_HYPERCALL_V2) ? call_traced(fn, &c) : fn(&c);
    if (likely(!c.again))
        r->rax = (uint64_t)rc;
    else
        issue_again(r, c.arg);
}

/* ---- Multicalls ---- */

/* An entry's words, each read once.  False: not the guest's memory. */
static ALWAYS_INLINE bool entry_read(uint64_t e, uint64_t *op, struct hcall *c)
{
    guest_access_begin();
    guest_get(*op, e + offsetof(struct multicall_entry, op), fault);
    guest_get(c->arg[0], e + offsetof(struct multicall_entry, args[0]), fault);
    guest_get(c->arg[1], e + offsetof(struct multicall_entry, args[1]), fault);
    guest_get(c->arg[2], e + offsetof(struct multicall_entry, args[2]), fault);
    guest_get(c->arg[3], e + offsetof(struct multicall_entry, args[3]), fault);
    guest_get(c->arg[4], e + offsetof(struct multicall_entry, args[4]), fault);
    guest_get(c->arg[5], e + offsetof(struct multicall_entry, args[5]), fault);
    guest_access_end();
    return true;
fault:
    guest_access_end();
    return false;
}

static ALWAYS_INLINE bool result_write(uint64_t e, long rc)
{
    guest_access_begin();
    guest_put(e + offsetof(struct multicall_entry, result), rc, fault);
    guest_access_end();
    return true;
fault:
    guest_access_end();
    return false;
}

/* Run one entry, which is in the guest's range.  0, -XEN_EFAULT, or 1: it, and so the multicall, is to be issued again. */
static int entry_run(uint64_t e)
{
    struct hcall c = { .again = false };
    long rc = -XEN_ENOSYS;
    hcall_fn *fn;
    uint64_t op;

    if (!entry_read(e, &op, &c))
        return -XEN_EFAULT;
    fn = handler_of(op);
    c.op = (uint32_t)op;
    if (fn && op != __HYPERVISOR_multicall && op != __HYPERVISOR_iret) {
        COUNT_HYPERCALL(c.op);
        TRACE_HYPERCALL(TRC_PV_HYPERCALL_SUBCALL, &c);
        rc = fn(&c);
    }
    if (unlikely(c.again) && copy_to_guest(e + offsetof(struct multicall_entry, args), c.arg, sizeof(c.arg)))
        return -XEN_EFAULT;
    if (!result_write(e, rc))
        return -XEN_EFAULT;
    return c.again;
}

long do_multicall(struct hcall *c)
{
    uint64_t list = guest_clamp(c->arg[0]);
    uint32_t count = (uint32_t)c->arg[1], done;
    int rc = 0;

    if (!guest_range_ok(c->arg[0], (uint64_t)count * sizeof(struct multicall_entry)))
        return -XEN_EFAULT;
    for (done = 0; done < count; done++) {
        if (done && preempt_needed())
            break;
        rc = entry_run(list + done * sizeof(struct multicall_entry));
        if (rc)
            break;
    }
    if (rc < 0 || done == count)
        return rc;
    c->arg[0] += done * sizeof(struct multicall_entry);
    c->arg[1] = count - done;
    return hcall_again(c);
}
