/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory type range registers, the variable ones (SDM3 11.11, APM2 7.7). */
#pragma once

#include "core/types.h"

struct mtrr_range {
    uint64_t mfn, nr_mfns; /* nr_mfns 0: the register is off */
    uint32_t type;
};

/* How many there are. */
unsigned mtrr_count(void);
void mtrr_get(unsigned reg, struct mtrr_range *r);
/* Give a range a type on all CPUs: the register, or -XEN_EINVAL (no such type, or not one aligned power of two),
 * -XEN_EBUSY (it meets a range of another type), -XEN_ENOSPC, -XEN_EOPNOTSUPP.  What has the type already counts one
 * use more. */
int mtrr_add(const struct mtrr_range *r);
/* One use less of what mtrr_add() gave or the firmware set: with the last the register is off.  0 or -XEN_EINVAL. */
int mtrr_del(unsigned reg);
