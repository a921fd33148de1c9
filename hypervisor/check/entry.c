/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must be so at the ways in and out.
 *   B1  No lock is held where a guest is gone back to, where work for it begins, and around each softirq.
 *   B2  Interrupts are on after a hypercall as they were before, and off where the way out asks for what is left to do.
 *   B3  Whoever may be told to stop (preempt_needed) has interrupts on, else nothing could tell him.
 *   B4  Guest memory, which may fault, is touched with no lock held that interrupts take or that is held for moments, and in no handler.
 */
#include "check/abi.h"
#include "check/call.h"
#include "check/catch.h"
#include "check/held.h"
#include "check/leak.h"
#include "core/port.h"
#include "kern/domain.h"
#include "x86/cpu.h"
#include "x86/traps.h"

void __real_hypercall_entry(struct cpu_user_regs *r);
void __real_trap_from_guest(struct cpu_user_regs *r);
void __real_exit_work(void);
void __real_pv_upcall(struct vcpu *v);
void __real_softirq_run(void);
bool __real_preempt_needed(void);
uint64_t __real_uaccess_clear(void __guest *dst, size_t n);
uint64_t __real_uaccess_read(void *dst, const void __guest *src, size_t n);
uint64_t __real_uaccess_write(void __guest *dst, const void *src, size_t n);
void __wrap_hypercall_entry(struct cpu_user_regs *r);
void __wrap_trap_from_guest(struct cpu_user_regs *r);
void __wrap_exit_work(void);
void __wrap_pv_upcall(struct vcpu *v);
void __wrap_softirq_run(void);
bool __wrap_preempt_needed(void);
uint64_t __wrap_uaccess_read(void *dst, const void __guest *src, size_t n);
uint64_t __wrap_uaccess_write(void __guest *dst, const void *src, size_t n);
uint64_t __wrap_uaccess_clear(void __guest *dst, size_t n);

__attribute__((weak)) void leak_begin(void)
{
}

__attribute__((weak)) void leak_look(const void *dst, const void *src, size_t n)
{
}

__attribute__((weak)) void leak_brought(const void *dst, size_t n)
{
}

static void irqs_must_be(bool on, const char *where)
{
    if (irq_enabled() != on)
        panic("%s with interrupts %s\n", where, on ? "off" : "on");
}

static void call_checked(struct cpu_user_regs *r)
{
    held_none("a hypercall begins");
    irqs_must_be(true, "a hypercall begins");
    leak_begin();
    if (r->rax == __HYPERVISOR_arch_7 && current->domain->is_privileged)
        r->rax = (uint64_t)check_call(r->rdi, r->rsi);
    else
        __real_hypercall_entry(r);
    held_none("a hypercall ends");
    irqs_must_be(true, "a hypercall ends");
}

void __wrap_hypercall_entry(struct cpu_user_regs *r)
{
    if (r->rax == __HYPERVISOR_arch_7 && r->rdi == CHECK_PROVOKE && r->rsi != PROVOKE_STACK && current->domain->is_privileged)
        r->rax = (uint64_t)catch_panic(call_checked, r);
    else
        call_checked(r);
}

void __wrap_trap_from_guest(struct cpu_user_regs *r)
{
    held_none("a trap begins");
    leak_begin();
    __real_trap_from_guest(r);
    held_none("a trap ends");
}

void __wrap_exit_work(void)
{
    held_none("the way out begins");
    irqs_must_be(false, "the way out begins");
    __real_exit_work();
    held_none("the way out ends");
    irqs_must_be(false, "the way out ends");
}

void __wrap_pv_upcall(struct vcpu *v)
{
    held_none("an upcall begins");
    irqs_must_be(false, "an upcall begins");
    __real_pv_upcall(v);
    held_none("an upcall ends");
    irqs_must_be(false, "an upcall ends");
}

void __wrap_softirq_run(void)
{
    held_none("softirqs begin");
    __real_softirq_run();
    held_none("softirqs end");
}

bool __wrap_preempt_needed(void)
{
    irqs_must_be(true, "a preemption point");
    held_at_most(RANK_PAGES, "a preemption point");
    return __real_preempt_needed();
}

static void guest_access_check(void)
{
    held_at_most(RANK_IOACCESS, "guest memory is touched");
    if (held_in_irq())
        panic("guest memory is touched by an interrupt handler\n");
}

uint64_t __wrap_uaccess_read(void *dst, const void __guest *src, size_t n)
{
    uint64_t left;

    guest_access_check();
    leak_look(dst, (const void __force *)src, n);
    left = __real_uaccess_read(dst, src, n);
    leak_brought(dst, n - left);
    return left;
}

uint64_t __wrap_uaccess_write(void __guest *dst, const void *src, size_t n)
{
    guest_access_check();
    leak_look((const void __force *)dst, src, n);
    return __real_uaccess_write(dst, src, n);
}

uint64_t __wrap_uaccess_clear(void __guest *dst, size_t n)
{
    guest_access_check();
    return __real_uaccess_clear(dst, n);
}
