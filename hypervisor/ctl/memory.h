/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_op: how domains get, give back and exchange memory, and what they may know of it. */
#pragma once

#include "core/types.h"

struct domain;

/* The domain that the caller may act on (DOMID_SELF: itself), held; -XEN_ESRCH, -XEN_EPERM. */
long memory_target(domid_t id, struct domain **d);
