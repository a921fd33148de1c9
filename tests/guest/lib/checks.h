/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checking builds' hypercall (hypervisor/check/abi.h).  A test that needs it says `build: checks` (or san) to the runner. */
#ifndef GUEST_CHECKS_H
#define GUEST_CHECKS_H

#include "../../../hypervisor/check/abi.h"
#include "hypercall.h"

static inline long check_call(enum check_op op, unsigned long arg, void *more)
{
    return hypercall5(__HYPERVISOR_arch_7, op, (long)arg, (long)more, 0, 0);
}

#endif
