/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page-table operations of two domains, made of the input's bytes: see ptype_world.h for what is checked after each. */
/* fuzz-options: -max_len=300 -runs=3000 */
#include <stdint.h>
#include "ptype_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned preempt[] = { 0, 1, 2, 3, 5, 17, 300, 700 };
    struct bytes b = { data, data + size };
    unsigned how = byte(&b);

    world_start(how & 1, preempt[how / 2 % 8]);
    if (how & 16)
        world_populate();
    while (b.p < b.end)
        world_step(&b);
    world_end();
    return 0;
}
