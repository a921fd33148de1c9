/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames taken and given back as the input's bytes say, against the naive model; audit after each step. */
/* fuzz-options: -max_len=400 -runs=10000 */
#include "buddy_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    heap_start();
    for (size_t i = 0; i + 1 < size; i += 2) {
        if (data[i] & 1)
            heap_free(data[i + 1], data[i] & 2);
        else if (data[i] & 4)
            heap_take((data[i] >> 3) * 160u + data[i + 1]);
        else
            heap_alloc(data[i] >> 3 & 1, data[i] >> 4, data[i + 1] & 64 ? 22 : 0, data[i + 1] & 128 ? 64 : data[i + 1] % 32);
        heap_check();
    }
    heap_end();
    return 0;
}
