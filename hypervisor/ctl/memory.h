/* SPDX-License-Identifier: GPL-2.0-or-later */
/* memory_op: how domains get, give back and exchange memory, and what they may know of it. */
#ifndef CTL_MEMORY_H
#define CTL_MEMORY_H

#include "core/types.h"

struct boot_info;

/* The machine's memory map, for XENMEM_machine_memory_map. Boot. */
void memory_map_set(const struct boot_info *bi);

#endif
