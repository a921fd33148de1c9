/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of CPUs and nodes in the toolstack's form: struct xenctl_bitmap <xen/xen.h>, any number of bits. */
#pragma once

#include "core/types.h"

struct xenctl_bitmap;

/* To and from `bits` bits of ours: what the caller's lacks is clear, what ours lacks is left out, or cleared.  0, -XEN_EFAULT,
 * -XEN_EINVAL (no bits). */
int bitmap_from_guest(uint64_t *to, unsigned bits, const struct xenctl_bitmap *from);
int bitmap_to_guest(const struct xenctl_bitmap *to, const uint64_t *from, unsigned bits);
