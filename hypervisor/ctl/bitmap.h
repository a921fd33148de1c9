/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of CPUs and nodes in the toolstack's form: struct xenctl_bitmap <xen/xen.h>, any number of bits; and its arrays. */
#pragma once

#include "core/types.h"

struct xenctl_bitmap;

/* To and from `bits` bits of ours: what the caller's lacks is clear, what ours lacks is left out, or cleared.  0, -XEN_EFAULT,
 * -XEN_EINVAL (no bits). */
int bitmap_from_guest(uint64_t *to, unsigned bits, const struct xenctl_bitmap *from);
int bitmap_to_guest(const struct xenctl_bitmap *to, const uint64_t *from, unsigned bits);

/* n things to a caller that has room for *nr, which becomes n.  -XEN_ENOBUFS: only as many as fit; to address 0 none, and 0. */
int array_to_guest(uint64_t to, uint32_t *nr, const void *from, uint32_t n, size_t size);
