/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory maps as the BIOS gives them (E820): the machine's, for dom0, and the one a domain was given. */
#pragma once

#include "core/types.h"

struct boot_info;

/* The machine's memory map. Boot. */
void memory_map_set(const struct boot_info *bi);

/* XENMEM_machine_memory_map, _memory_map, _set_memory_map; arg: the guest's struct. */
long memmap_machine(uint64_t arg);
long memmap_get(uint64_t arg);
long memmap_set(uint64_t arg);
