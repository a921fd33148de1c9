/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_op: how domains get, give back and exchange memory, and what they may know of it. */
#pragma once

#include "core/types.h"
#include "x86/alloc.h"

struct domain;

/* The domain that the caller may act on (DOMID_SELF: itself), held; -XEN_ESRCH, -XEN_EPERM. */
long memory_target(domid_t id, struct domain **d);
/* What XENMEMF flags ask for, for memory of d.  0, or -XEN_EINVAL: no such node, or only that and the caller may not choose. */
int memory_where(struct domain *d, uint32_t flags, struct frames_where *where);
