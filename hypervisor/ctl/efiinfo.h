/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dom0 may learn of EFI firmware (XEN_FW_EFI_INFO). */
#pragma once

#include "core/types.h"
#include <xen/platform.h>

/* Boot: as platform_set_efi() says. */
void efiinfo_init(uint64_t system_table, const void *mmap, uint32_t mmap_size, uint32_t desc_size);
bool efiinfo_present(void);
/* 0, -XEN_ENOSYS (not an EFI machine), -XEN_EINVAL (no such index), -XEN_EOPNOTSUPP, -XEN_ENOENT, -XEN_ESRCH, -XEN_EFAULT. */
long efiinfo_get(uint32_t index, union xenpf_efi_info *info);
