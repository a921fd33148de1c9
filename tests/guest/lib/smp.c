/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secondary vCPUs of a micro-guest. */
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"

static char stacks[CPUS_MAX][STACK_SIZE] __attribute__((aligned(32768)));
extern struct trap_info trap_table[257];

long vcpu_op(unsigned cmd, unsigned id, void *arg)
{
    return hypercall(vcpu_op, cmd, id, arg);
}

unsigned vcpu_count(void)
{
    unsigned n = 1;

    while (n < CPUS_MAX && vcpu_op(VCPUOP_is_up, n, NULL) >= 0)
        n++;
    return n;
}

void vcpu_context(struct vcpu_guest_context *c, unsigned id, void (*fn)(void))
{
    memset(c, 0, sizeof(*c));
    c->flags = VGCF_IN_KERNEL;
    c->user_regs.rip = (uint64_t)fn;
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->user_regs.rsp = stack_prepare(stacks[id], &cpus[id]) - 8;
    c->user_regs.rflags = 2;
    memcpy(c->trap_ctxt, trap_table, sizeof(c->trap_ctxt));
    c->kernel_ss = FLAT_KERNEL_SS;
    c->kernel_sp = (unsigned long)user_trap_stack[id] + STACK_SIZE;
    c->ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(pt_root()));
    c->event_callback_eip = trap_entry(VEC_EVENT);
    c->failsafe_callback_eip = trap_entry(VEC_FAILSAFE);
    c->syscall_callback_eip = trap_entry(VEC_SYSCALL);
}

long vcpu_start(unsigned id, void (*fn)(void))
{
    static struct vcpu_guest_context c;
    long rc;

    vcpu_context(&c, id, fn);
    rc = vcpu_op(VCPUOP_initialise, id, &c);
    return rc ? rc : vcpu_op(VCPUOP_up, id, NULL);
}

void vcpu_stop(void)
{
    for (;;)
        vcpu_op(VCPUOP_down, cpu_self()->id, NULL);
}

bool wait_for(volatile unsigned *flag, unsigned want, unsigned ms)
{
    uint64_t end = time_now() + ms * 1000000ul;

    while (*flag < want && time_now() < end)
        hypercall(sched_op, SCHEDOP_yield);
    return *flag >= want;
}
