/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hypercall that only checking builds have (__HYPERVISOR_arch_7; dom0's alone): for the tests, which include this, too. */
#pragma once

#include <stdint.h>

/* The first argument; others answer -ENOSYS, as does the whole call in a production build. */
enum check_op {
    CHECK_BUILD = 1,/* CHECK_HAS_SAN or 0 */
    CHECK_FAIL,     /* the arg'th allocation from now on that this vCPU causes fails, 0: none.  Where the one ordered before failed, 0: it didn't */
    CHECK_STATE,    /* *arg = struct check_state, of the domain that it names */
    CHECK_AUDIT,    /* how many faults the audits find: heap, page types, grants, event channels, mappings of devices */
    CHECK_PROVOKE,  /* do wrong: enum check_provoke.  1: found, and the third argument points to what was said (256 bytes) */
};
#define CHECK_HAS_SAN 1

struct check_state {
    uint64_t domid;                       /* IN */
    uint64_t free_frames, claimed;
    uint64_t objects, bytes;              /* of the small-object heap, in use */
    uint64_t refs, frames, shared_frames; /* the domain's; ~0: there is none */
};

enum check_provoke {
    PROVOKE_STACK /* (not caught) */, PROVOKE_LOCK_ORDER, PROVOKE_LOCK_KEPT, PROVOKE_IRQS_OFF, PROVOKE_COPY_LOCKED, PROVOKE_PAST_END,
    PROVOKE_DOUBLE_FREE, PROVOKE_WRITE_FREED, PROVOKE_FRAME_FREED, PROVOKE_REFS,
    PROVOKE_CHECK, /* these in every checking build; with SAN=1 also: */
    PROVOKE_READ_FREED = PROVOKE_CHECK, PROVOKE_READ_PAST, PROVOKE_COPY_PAST, PROVOKE_OVERFLOW, PROVOKE_SHIFT, PROVOKE_INDEX,
    PROVOKE_BOOL, PROVOKE_SMASH, PROVOKE_LEAK, PROVOKE_LEAK_PADDING,
};
