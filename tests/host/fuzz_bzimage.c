/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a bzImage, and what is found in it to the decompressor. */
/* fuzz-options: -max_len=2048 */
/* fuzz-weight: 2 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "core/bzimage.h"
#include "core/decompress.h"

/* Half of the inputs are payloads: a header is put before them. */
static size_t file_make(uint8_t *file, const uint8_t *data, size_t size)
{
    uint32_t len = (uint32_t)size;

    memset(file, 0, 1024);
    file[0x1f1] = 1;
    memcpy(file + 0x1fe, "\x55\xaa\0\0HdrS\x0f\x02", 10);
    memcpy(file + 0x24c, &len, 4);
    memcpy(file + 1024, data, size);
    return 1024 + size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file, *out;
    const char *why = NULL;
    struct bzimage z;
    size_t len = 0;

    if (!size)
        return 0;
    file = malloc(size + 1024);
    if (data[0] & 1)
        size = file_make(file, data + 1, size - 1);
    else
        memcpy(file, data, size);
    if (bzimage_parse(&z, file, size, &why))
    {
        if (!why)
            abort();
    }
    else if (z.packing != PACKING_NONE)
    {
        size_t cap = z.unpacked % 5000;

        out = malloc(cap + 1);
        (void)decompress_memory(z.packing, z.payload, z.len);
        if (!decompress(z.packing, z.payload, z.len, out, cap, &len, &why) && len > cap)
            abort();
        free(out);
    }
    free(file);
    return 0;
}
