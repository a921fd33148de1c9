/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/xz.c with any bytes: no access outside, and no more output than there is room. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "core/xz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t start[] = { 0xfd, '7', 'z', 'X', 'Z', 0, 0, 1, 0, 0, 0, 0, 2, 0, 0x21, 1, 0x16, 0, 0, 0, 0, 0, 0, 0 };
    const size_t cap = 70000, skip = size && data[0] & 1 ? sizeof(start) : 0;
    uint8_t *in = malloc(size + skip + 1), *out = malloc(cap);
    void *work = aligned_alloc(64, (xz_work_size() + 63) / 64 * 64);
    struct xz_unpacked u;

    /* Half of the inputs begin behind a good header, with the first chunk. */
    memcpy(in, start, skip);
    memcpy(in + skip, data, size);
    if (xz_block_unpack(blob_make(in, size + skip), out, cap, work, &u))
        assert(u.len <= cap);
    free(work);
    free(in);
    free(out);
    return 0;
}
