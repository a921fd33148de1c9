/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a hostile vCPU does beside the calls of the grammar.  Each step may end in a trap: the vCPU then goes on with its next step. */
#ifndef FUZZ_HOSTILE_H
#define FUZZ_HOSTILE_H

/* A random instruction, or a few, in the kernel or in user mode; a random frame for iret.  It always ends in a trap. */
void instruction_step(void);

/* What a vCPU does for ever. */
_Noreturn void hostile_run(void);
/* Descriptor tables made, loaded, used; a vCPU given random registers. */
void state_step(void);
/* One call of the grammar's. */
void call_random(void);

void instruction_init(unsigned vcpus);

#endif
