/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's virtual NUMA nodes: the toolstack sets them once or again, the domain reads them. */
#pragma once

#include "core/types.h"

struct domain;

/* XENMEM_get_vnumainfo; arg: the guest's struct. */
long vnuma_get(uint64_t arg);
/* The machine's node where d's virtual node lies; NODE_ANY if it has none, -XEN_EINVAL if not that one. */
int vnuma_place(struct domain *d, unsigned node);
