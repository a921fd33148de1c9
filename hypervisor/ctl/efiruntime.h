/* SPDX-License-Identifier: GPL-2.0-or-later */
/* XENPF_efi_runtime_call: the firmware's runtime services for dom0. */
#pragma once

#include "core/types.h"
#include <xen/platform.h>

/* Boot, after efiinfo_init(): keep what the variable store has room for now. */
void efiruntime_init(void);
/* 0: the firmware was asked, its answer is in c->status; -XEN_ENOSYS: no firmware, or a function that is not passed
 * on. */
long efiruntime_call(struct xenpf_efi_runtime_call *c);
