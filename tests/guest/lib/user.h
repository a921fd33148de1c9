/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User mode: one user address space (own L4 for user mode, the same low half in the kernel's L4) with a code, a
 * data and a stack page below 4 GB.  user_run() goes there and ends with the next trap or callback from there.
 */
#ifndef GUEST_USER_H
#define GUEST_USER_H

#include "trap.h"

#define USER_CODE  0x400000ul
#define USER_DATA  0x410000ul
#define USER_STACK 0x420000ul           /* top; one page below */

/* Build the address space and load it; once. */
void user_init(void);
extern uint64_t *user_l4;
extern char *user_code, *user_data, *user_stack;    /* the same pages in the boot mapping */

/* Put code at USER_CODE. */
void user_code_set(const char *start, const char *end);
#define USER_CODE_SET(name) user_code_set(name, name##_end)
/* Define position-independent user code in a test: USER_ASM(code, "syscall"); */
#define USER_ASM(name, text)                                    \
    extern const char name[], name##_end[];                     \
    __asm__(".pushsection .rodata\n" #name ":\n" text "\n"      \
            #name "_end:\n.popsection\n")

/* Registers to start user mode at USER_CODE with: 64-bit (or 32-bit) selectors, IF set, stack top. */
void user_regs(struct regs *r);
void user_regs32(struct regs *r);
/* Enter user mode; r is the frame of what ended it.  Gives its vector. */
int user_run(struct regs *r);
/* Enter with this VGCF_ flag word. */
int user_run_flags(struct regs *r, uint64_t vgcf);
_Noreturn void regs_enter(const struct regs *r, uint64_t vgcf);

#endif
