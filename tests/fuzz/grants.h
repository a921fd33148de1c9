/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the two hostile domains agree on, so that most of what one asks for is there: which reference of either's table is good for
 * what, for the other one.  The content changes all the time; what is granted is data mostly, but not always.
 */
#ifndef FUZZ_GRANTS_H
#define FUZZ_GRANTS_H

#include "types.h"

#define GRANT_REFS 48u      /* those that are used: up to 7 reserved, the last ones by chance */

void grants_init(void);
/* Who grants to us: the other hostile domain, or while that doesn't know us ourselves. */
domid_t grant_peer(void);
domid_t grant_self(void);
/* A reference of the kind that the grammar's letter names. */
unsigned grant_ref(char kind);
/* A frame that stays data. */
unsigned long grant_data(void);

/* Entries of our table written anew, withdrawn; frames given to the other and taken from it; the table's version changed. */
void grant_step(void);
/* All entries anew if the other domain, or the table's version, is another than before. */
void grants_follow(void);

#endif
