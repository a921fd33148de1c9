/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * core/s5.c: any bytes as AML.  To get anywhere, one byte of the input stands for a whole beginning of the package.  The answer
 * must be that of a second reader, which is written another way: it takes the bytes one at a time, and any of them may be missing.
 */
/* fuzz-options: -max_len=256 */
#include <stdlib.h>
#include <string.h>
#include "core/s5.h"

struct reader {
    const uint8_t *p;
    size_t n, at;
    bool bad;
};

static uint8_t next(struct reader *r)
{
    if (r->at >= r->n) {
        r->bad = true;
        return 0;
    }
    return r->p[r->at++];
}

static bool peek_is(const struct reader *r, uint8_t byte)
{
    return r->at < r->n && r->p[r->at] == byte;
}

/* An integer constant's low byte. */
static uint8_t number(struct reader *r)
{
    static const uint8_t bytes[256] = { [0x0a] = 1, [0x0b] = 2, [0x0c] = 4 };
    uint8_t op = next(r), low = op;

    if (op > 1 && !bytes[op])
        r->bad = true;
    for (unsigned i = 0; i < bytes[op]; i++) {
        uint8_t v = next(r);

        low = i ? low : v;
    }
    return low;
}

static bool package(struct reader r, uint8_t *a, uint8_t *b)
{
    struct reader second;

    if (next(&r) != 0x08)
        return false;
    if (peek_is(&r, '\\'))
        next(&r);
    for (const char *name = "_S5_\x12"; *name; name++)
        if (next(&r) != (uint8_t)*name)
            return false;
    for (unsigned more = next(&r) >> 6; more; more--)
        next(&r);
    if (!next(&r)) /* how many elements */
        return false;
    *a = number(&r);
    second = r;
    *b = number(&second);
    if (second.bad)
        *b = *a;
    return !r.bad && *a < 8 && *b < 8;
}

static size_t unfold(uint8_t *aml, const uint8_t *data, size_t size)
{
    static const struct { const char *bytes; size_t n; } whole[] = {
        { "\x08_S5_\x12\x06\x04", 8 }, { "\x08\\_S5_\x12\x47\x01\x04\x0a", 11 }, { "_S5_", 4 }, { "\x08_S5_\x12", 6 },
    };
    size_t n = 0;

    for (size_t i = 0; i < size; i++)
        if (data[i] >= 0xf0 && data[i] < 0xf4) {
            memcpy(aml + n, whole[data[i] - 0xf0].bytes, whole[data[i] - 0xf0].n);
            n += whole[data[i] - 0xf0].n;
        } else {
            aml[n++] = data[i];
        }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *room = malloc(size * 11 + 1), *aml, a = 9, b = 9, want_a = 9, want_b = 9;
    size_t n = unfold(room, data, size);
    bool want = false;

    aml = malloc(n ? n : 1); /* ends where the bytes end */
    memcpy(aml, room, n);
    for (size_t i = 0; i < n && !want; i++)
        want = package((struct reader){ aml, n, i, false }, &want_a, &want_b);
    if (s5_find(aml, n, &a, &b) != want || (want && (a != want_a || b != want_b)))
        abort();
    free(aml);
    free(room);
    return 0;
}
