/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's memory by its kernel's addresses, for a debugger outside of it. */
#pragma once

#include "core/types.h"

struct domain;

/*
 * The frame at gva in the kernel tables of d's first vCPU; l3e not 0: where that entry of an L3 leads instead.  With an existence
 * reference, or, writable, as frame_get_writable() has it: never a page table, though perhaps mapped read-only.  False: none.
 */
bool pv_peek_get(struct domain *d, uint64_t gva, uint64_t l3e, bool writable, mfn_t *out);
void pv_peek_put(mfn_t m, bool writable);
