/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fuzzer's input, taken from its beginning; what is behind its end is zeros. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

static const uint8_t *data;
static size_t left;

/* A number of so many bytes, the highest first. */
static uint32_t take(unsigned bytes)
{
    uint32_t v = 0;

    while (bytes-- && left) {
        v = v << 8 | *data++;
        left--;
    }
    return v;
}

#endif
