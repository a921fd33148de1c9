/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels are packed with xz in one shape: a stream of one block, LZMA2 with or without the filter for x86 code, checked
 * by a CRC32.  That shape is unpacked here, straight into its place; whatever is different is left to the library.
 */
#pragma once

#include "core/blob.h"

struct xz_unpacked {
    size_t len;
    uint32_t crc; /* what the CRC32 of the unpacked bytes must be: the caller checks it, and trusts nothing before */
};

/* Bytes of working memory, aligned to 16. */
size_t xz_work_size(void);
/* False: not of that shape, damaged, or more than outcap; out is then in any state.  work needs no preparation. */
bool xz_block_unpack(struct blob in, void *out, size_t outcap, void *work, struct xz_unpacked *result);
/* A number of xz's: 7 bits a byte, the last without the top bit.  *off is moved behind it. */
uint64_t xz_number(struct blob b, uint64_t *off);
