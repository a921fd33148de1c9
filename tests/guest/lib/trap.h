/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traps and callbacks of a micro-guest.  All 256 vectors and every callback of the ABI arrive in one
 * dispatcher with the whole frame.  What then happens, in this order: a handler that a test set
 * with trap_handle(); for a frame from user mode, the end of user_run(); for a fault inside
 * trap_catch(), its end; else the test fails with the registers printed.
 */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include "types.h"

/* The frame on the kernel stack, lowest address first (from `rip` on as the hypervisor wrote it). */
struct regs {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* The low half of the CS slot is the selector, the byte above the upcall mask at the time of the trap. */
#define REGS_CS(r)   ((uint16_t)(r)->cs)
#define REGS_MASK(r) ((uint8_t)((r)->cs >> 32))

enum {
    VEC_DE = 0, VEC_DB = 1, VEC_NMI = 2, VEC_BP = 3, VEC_OF = 4, VEC_BR = 5, VEC_UD = 6, VEC_NM = 7,
    VEC_DF = 8, VEC_TS = 10, VEC_NP = 11, VEC_SS = 12, VEC_GP = 13, VEC_PF = 14, VEC_MF = 16,
    VEC_AC = 17, VEC_XM = 19,
    /* Callbacks, numbered behind the vectors. */
    VEC_EVENT = 256, VEC_FAILSAFE, VEC_SYSCALL, VEC_NMI_CB, VEC_SYSCALL32, VEC_SYSENTER,
    VEC_COUNT,
    VEC_NONE = -1
};

/* A place to come back to, like setjmp. */
struct context { uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip; };
int context_save(struct context *c) __attribute__((returns_twice));
_Noreturn void context_load(const struct context *c);

/* What ended trap_catch(): the vector (VEC_NONE if the function returned), the frame, CR2 from vcpu_info. */
struct trap { int vector; struct regs regs; uint64_t cr2; uint8_t mask; };

/* Selectors the failsafe callback found on its stack. */
struct failsafe { uint64_t ds, es, fs, gs; };
extern struct failsafe failsafe_frame;

typedef bool (*trap_fn)(struct regs *r);

/* Handle vector v by fn (NULL: none).  fn may change the frame; true: go on from there. */
void trap_handle(int v, trap_fn fn);
/* Call fn(arg); a trap inside ends it.  Gives the vector.  Does not nest on one vCPU. */
int trap_catch(struct trap *t, void (*fn)(unsigned long), unsigned long arg);
/* Set the whole trap table: vector v gets flags[v] (NULL: all 0). */
long trap_table_set(const uint8_t *flags);
void trap_init(void);
uint64_t trap_entry(int v);
void regs_print(const struct regs *r);
/* One vector's gate gets these TI_ flags. */
long trap_gate(int v, uint8_t flags);

/* Faults of single instructions, for trap_catch(). */
void insn_read8(unsigned long va);
void insn_write8(unsigned long va);
void insn_call(unsigned long va);

#endif
