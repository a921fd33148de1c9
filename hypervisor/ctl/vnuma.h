/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A domain's virtual NUMA nodes: the toolstack sets them once or again, the domain reads them.  We make nothing of them. */
#pragma once

#include "core/types.h"

/* XENMEM_get_vnumainfo; arg: the guest's struct. */
long vnuma_get(uint64_t arg);
