/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any format string: integers everywhere, so no conversion may read a pointer. */
/* fuzz-options: -max_len=64 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "core/format.h"

#pragma GCC diagnostic ignored "-Wformat-nonliteral"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char fmt[65], *buf;
    size_t room;
    int n;

    if (size < 1 || size > 64)
        return 0;
    room = data[0];
    memcpy(fmt, data + 1, size - 1);
    fmt[size - 1] = '\0';
    for (char *p = fmt; *p; p++)
        if (*p == 's')
            *p = 'd';
    buf = malloc(room ? room : 1);
    n = format_text(buf, room, fmt, 1l, -2l, 3l, 4l, 5l, 6l, 7l, 8l, 9l, 10l, 11l, 12l, 13l, 14l, 15l, 16l,
                    1l, -2l, 3l, 4l, 5l, 6l, 7l, 8l, 9l, 10l, 11l, 12l, 13l, 14l, 15l, 16l,
                    1l, -2l, 3l, 4l, 5l, 6l, 7l, 8l, 9l, 10l, 11l, 12l, 13l, 14l, 15l, 16l,
                    1l, -2l, 3l, 4l, 5l, 6l, 7l, 8l, 9l, 10l, 11l, 12l, 13l, 14l, 15l, 16l);
    if (n < 0 || (room && strlen(buf) != ((size_t)n < room ? (size_t)n : room - 1)))
        abort();
    free(buf);
    return 0;
}
