/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loading microcode updates. */
#pragma once

#include "core/types.h"

/* Load the update for this machine's processors out of a vendor's file (16-byte aligned, at direct-map addresses) on
 * all CPUs. 0, -XEN_EINVAL (damaged), -XEN_ENOENT (nothing newer for them), -XEN_EIO (a processor refused it),
 * -XEN_EOPNOTSUPP, -XEN_ENOMEM. */
int microcode_load(const void *file, size_t size);
