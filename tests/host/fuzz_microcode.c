/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a microcode file: nothing outside is read, and what is found lies inside and is newer. */
#include <assert.h>
#include <stdlib.h>
#include "core/microcode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct microcode_cpu cpu = { .signature = 0x600f12, .platform = 2, .revision = 3 };
    struct blob file = blob_make(data, size);

    for (int amd = 0; amd < 2; amd++) {
        struct microcode_update u;

        if (amd ? microcode_find_amd(file, &cpu, &u) : microcode_find_intel(file, &cpu, &u))
            continue;
        assert(u.revision > cpu.revision && u.patch.n);
        assert(u.patch.p >= data && u.patch.p + u.patch.n <= data + size);
    }
    return 0;
}
