/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unpacking a kernel, by Debian's own static libraries (liblz4, liblzma, libzstd, zlib); xz in the usual shape by core/xz.c.
 * On the machine they need x86/libc_shim.c's memory and the vector registers: see there
 * what must be set up before.
 */
#pragma once

#include <stddef.h>
#include "core/bzimage.h"

/*
 * How much working memory decompress() will allocate for these bytes, at most.
 * Reads headers only: needs nothing of what decompress() itself does.
 */
size_t decompress_memory(enum packing packing, const void *in, size_t inlen);

/*
 * Unpack inlen bytes at in to out, which has room for outcap.  0 with *outlen set;
 * or -XEN_EINVAL (damaged), -XEN_ENOSPC (out is too small; liblzma says so of a cut-off end too), -XEN_ENOMEM (no working
 * memory) or -XEN_EOPNOTSUPP (nothing to unpack), with *why (a static text) set and out in any state.
 */
int decompress(enum packing packing, const void *in, size_t inlen, void *out, size_t outcap,
               size_t *outlen, const char **why);
