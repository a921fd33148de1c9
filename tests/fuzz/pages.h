/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arena: frames that the generator plays with.  Each becomes data, page table of any level, descriptor table, granted, given
 * away and got anew.  Its pages lie in the boot mapping; WINDOW is a range where anything may be mapped.
 */
#ifndef FUZZ_PAGES_H
#define FUZZ_PAGES_H

#include "types.h"

#define ARENA        192u
#define WINDOW       0x0000200000000000ul
#define WINDOW_SLOTS 1024u
#define SPECIAL      32u

extern char *arena_va[ARENA];
extern unsigned long arena_mfn[ARENA];
extern uint8_t arena_level[ARENA];      /* the level that it last had as page table, 0: data; a guess, not a lock */
extern unsigned long special_mfn[SPECIAL];  /* frames of other sorts: shared info, grant table ... */
extern unsigned specials;

void pages_init(void);
void special_add(unsigned long mfn);
/* Any frame, a good one mostly. */
unsigned long any_mfn(void);
/* A frame of the arena. */
unsigned long arena_any(void);
/* A place of the arena whose frame was made a table of that level (0: data), if there is one. */
unsigned table_any(unsigned level);
/* Machine address of some page-table entry, and a value for one. */
uint64_t any_entry_address(void);
uint64_t any_entry(void);
uint64_t window_address(void);

/* One step: a table made, linked, pinned, taken apart; frames given back and got. */
void pages_step(void);
/* Back to tables that let this vCPU live. */
void pages_repair(void);

#endif
