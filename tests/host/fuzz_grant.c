/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Grant operations of three domains, made of the input's bytes; every answer against the model, every counter after each step. */
/* fuzz-options: -max_len=400 */
#include <stdint.h>
#include "grant_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes b = { data, data + size };

    world_start();
    while (b.p < b.end)
        world_step(&b);
    world_end();
    return 0;
}
