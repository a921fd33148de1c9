/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as an instruction: the same as another decoder has it, nothing read beyond the end, and no shorter one is it. */
/* fuzz-options: -max_len=18 */
/* fuzz-weight: 5 */
#include <assert.h>
#include "insn_compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct insn i, again;
    bool compat;
    uint8_t *exact;

    if (size < 2)
        return 0;
    compat = *data & 1;
    data++;
    size--;
    exact = malloc(size); /* so that a byte too far is seen */
    memcpy(exact, data, size);
    compare_decoders(exact, size, compat);
    if (insn_decode(exact, size, compat, &i)) {
        if (i.length == 0 || i.length > INSN_MAX || i.length > size)
            abort();
        for (unsigned n = 0; n < i.length; n++)
            if (insn_decode(exact, n, compat, &again))
                abort();
        if (!insn_decode(exact, i.length, compat, &again) || memcmp(&i, &again, sizeof(i)))
            abort();
    }
    free(exact);
    return 0;
}
