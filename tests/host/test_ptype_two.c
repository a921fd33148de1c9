/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_ptype_all.c with two frames, whose tables have two entries that are used: a world of which all states are visited each time. */
#define FRAMES       3
#define SLOTS        2
#define USED_ENTRIES 0, 1
#define VISIT        STATES_MAX
#include "test_ptype_all.c"
