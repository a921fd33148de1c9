/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XENPF_* <xen/platform.h>: what dom0 does to the machine as a whole. */
#pragma once

#include "core/types.h"
#include <xen/platform.h>

/* Boot.  Machine address of the 64-bit EFI system table, and the memory map that boot loader or firmware left (kept,
 * not copied; entries of desc_size bytes), so that dom0 finds its tables.  Not called: not an EFI machine. */
void platform_set_efi(uint64_t system_table, const void *mmap, uint32_t mmap_size, uint32_t desc_size);

/* ctl/efiinfo.c: what dom0 may learn of EFI firmware (XEN_FW_EFI_INFO).  Boot: as platform_set_efi() says. */
void efiinfo_init(uint64_t system_table, const void *mmap, uint32_t mmap_size, uint32_t desc_size);
bool efiinfo_present(void);
/* 0, -XEN_ENOSYS (not an EFI machine), -XEN_EINVAL (no such index), -XEN_EOPNOTSUPP, -XEN_ENOENT, -XEN_ESRCH, -XEN_EFAULT. */
long efiinfo_get(uint32_t index, union xenpf_efi_info *info);

/* ctl/efiruntime.c: the firmware's runtime services for dom0.  Boot, after efiinfo_init(): keep what the variable store has room for
 * now. */
void efiruntime_init(void);
/* XENPF_efi_runtime_call.  0: the firmware was asked, its answer is in c->status; -XEN_ENOSYS: no firmware, or a function that is
 * not passed on. */
long efiruntime_call(struct xen_platform_op *op);
