/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event counters, one set a CPU.  COUNT(name) is one instruction on this CPU's own memory: fit for the hottest
 * paths, and right in any context (an interrupt can't split it).
 */
#pragma once

#include "x86/percpu.h"

#define COUNTER_HYPERCALLS 64
#define COUNTER_EXCEPTIONS 32

/* X(name, what it counts) */
#define COUNTERS(X) \
    X(guest_syscall,     "system calls bounced to a guest's kernel") \
    X(hypercall_again,   "hypercalls interrupted to be issued again") \
    X(guest_interrupt,   "interrupts in guests") \
    X(hv_trap,           "exceptions in the hypervisor (guest memory accesses that fault)") \
    X(nmi,               "NMIs") \
    X(bounce,            "exceptions bounced to a guest's kernel") \
    X(upcall,            "event upcalls") \
    X(emulate,           "privileged instructions emulated") \
    X(iret,              "iret hypercalls") \
    X(context_switch,    "switches between vCPUs") \
    X(ibpb,              "branch predictions thrown away") \
    X(idle,              "times a CPU went to sleep") \
    X(tlb_flush_local,   "whole TLB flushed here") \
    X(tlb_flush_page,    "one page flushed here") \
    X(tlb_flush_remote,  "flushes sent to other CPUs") \
    X(ipi_sent,          "interrupts sent to other CPUs") \
    X(mmu_update,        "page-table entries by mmu_update") \
    X(update_va_mapping, "page-table entries by update_va_mapping") \
    X(pt_write_emulated, "page-table entries by emulated writes") \
    X(pin,               "page tables pinned") \
    X(unpin,             "page tables unpinned") \
    X(virq,              "virtual interrupts raised") \
    X(device_irq,        "device interrupts") \
    X(grant_map,         "grants mapped") \
    X(grant_unmap,       "grants unmapped") \
    X(grant_copy,        "grants copied") \
    X(timer_interrupt,   "hardware timer interrupts") \
    X(timer_fired,       "timers that ran") \
    X(timer_program,     "hardware timer set") \
    X(clock_update,      "guests' clocks published") \
    X(console_write,     "console writes by guests")

#define COUNTER_FIELD(name, what) uint64_t name;
struct counters {
    COUNTERS(COUNTER_FIELD)
    uint64_t hypercalls[COUNTER_HYPERCALLS]; /* by number; iret counts for itself, if it stays in the assembly */
    uint64_t exceptions[COUNTER_EXCEPTIONS]; /* of guests, by vector */
};
#undef COUNTER_FIELD

DECLARE_PERCPU(struct counters, counters);

#define COUNT(name) __asm__ volatile("incq %0" : "+m"(this_cpu(counters).name))
#define COUNT_ADD(name, n) \
    __asm__ volatile("addq %1, %0" : "+m"(this_cpu(counters).name) : "er"((uint64_t)(n)))
/* nr < COUNTER_HYPERCALLS */
#define COUNT_HYPERCALL(nr) COUNT(hypercalls[nr])

/* For those who read them: a counter's name and its values, one a CPU, or, of an array, the sums over all CPUs. */
struct counter_info {
    const char *name;
    uint32_t values;
    bool is_array;
    size_t offset; /* in struct counters */
};
/* The index-th.  False: there are no more. */
bool counter_get(unsigned index, struct counter_info *info);
uint64_t counter_value(const struct counter_info *info, uint32_t n);

/* The sums over all CPUs to the log; zeroes are left out. */
void counters_dump(void);
void counters_reset(void);
