/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kit keeps of each vCPU, found by the stack it runs on (stacks are aligned to their size). */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include "trap.h"

#define CPUS_MAX 8

struct cpu {
    unsigned id;
    struct trap *catch;             /* armed by trap_catch() */
    struct context catch_context;
    struct regs *user;              /* armed by user_run() */
    struct context user_context;
    unsigned long upcalls;          /* event upcalls taken */
};

extern struct cpu cpus[CPUS_MAX];

static inline struct cpu *cpu_self(void)
{
    unsigned long sp;

    __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
    return *(struct cpu **)(sp & ~(STACK_SIZE - 1));
}

/* The stack that traps from user mode land on. */
extern char user_trap_stack[CPUS_MAX][STACK_SIZE];
/* Top of a stack of STACK_SIZE aligned bytes, marked as belonging to cpu. */
unsigned long stack_prepare(char *stack, struct cpu *cpu);

#endif
