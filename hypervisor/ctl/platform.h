/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XENPF_* <xen/platform.h>: what dom0 does to the machine as a whole. */
#pragma once

#include "core/types.h"

/* Boot.  ACPI's processor ids by CPU number (default: the number itself); kept, not copied. */
void platform_set_acpi_ids(const uint32_t *ids, unsigned n);
/* Boot.  Machine address of the 64-bit EFI system table, and the memory map that boot loader or firmware left (kept,
 * not copied; entries of desc_size bytes), so that dom0 finds its tables.  Not called: not an EFI machine. */
void platform_set_efi(uint64_t system_table, const void *mmap, uint32_t mmap_size, uint32_t desc_size);
