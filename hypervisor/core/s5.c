/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks for  Name (_S5_, Package (n) { a, b, ... })  as bytes: 08 ['\\'] "_S5_" 12 PkgLength n a b.
 * A false hit would need those bytes within other code; then the machine just doesn't switch itself off.
 */
#include "core/s5.h"
#include "core/string.h"

enum { OP_NAME = 0x08, OP_BYTE = 0x0a, OP_WORD = 0x0b, OP_DWORD = 0x0c, OP_PACKAGE = 0x12, OP_ROOT = '\\' };

/* An integer constant at *pos; false: something else. */
static bool number_read(const uint8_t *aml, size_t n, size_t *pos, uint8_t *value)
{
    unsigned extra;

    if (*pos >= n)
        return false;
    switch (aml[*pos]) {
    case 0x00: /* ZeroOp */
    case 0x01: /* OneOp */
        *value = aml[(*pos)++];
        return true;
    case OP_BYTE:
        extra = 1;
        break;
    case OP_WORD:
        extra = 2;
        break;
    case OP_DWORD:
        extra = 4;
        break;
    default:
        return false;
    }
    if (n - *pos <= extra)
        return false;
    *value = aml[*pos + 1]; /* little-endian: the low byte */
    *pos += 1 + extra;
    return true;
}

static bool package_read(const uint8_t *aml, size_t n, uint8_t *type_a, uint8_t *type_b)
{
    size_t pos = 1;

    if (n < 4 || aml[0] != OP_PACKAGE)
        return false;
    pos += 1u + (aml[1] >> 6); /* PkgLength: as many bytes more as its first says */
    if (pos >= n || !aml[pos++])
        return false;
    if (!number_read(aml, n, &pos, type_a))
        return false;
    if (!number_read(aml, n, &pos, type_b))
        *type_b = *type_a;
    return *type_a < 8 && *type_b < 8;
}

bool s5_find(const uint8_t *aml, size_t n, uint8_t *type_a, uint8_t *type_b)
{
    for (size_t i = 1; i + 4 <= n; i++) {
        if (memcmp(aml + i, "_S5_", 4))
            continue;
        if (aml[i - 1] != OP_NAME && !(i >= 2 && aml[i - 1] == OP_ROOT && aml[i - 2] == OP_NAME))
            continue;
        if (package_read(aml + i + 4, n - i - 4, type_a, type_b))
            return true;
    }
    return false;
}
