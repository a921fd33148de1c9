/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a command line. */
/* fuzz-options: -max_len=1200 */
/* fuzz-weight: 3 */
#include <stdlib.h>
#include <string.h>
#include "core/cmdline.h"
#include "core/types.h"

static bool flag;
static unsigned int number;

static bool custom_take(const char *s)
{
    uint64_t v;
    bool b;

    while (*s)
        if (!cmdline_size(&s, &v))
            s++;
    return cmdline_bool(s, &b);
}

static const struct cmdline_option table[] = {
    CMDLINE_FLAG("a", &flag),
    CMDLINE_NUMBER("b", &number),
    CMDLINE_CALL("e", custom_take),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = malloc(size + 1);
    const char *rest;

    memcpy(line, data, size);
    line[size] = '\0';
    rest = cmdline_parse(line, table, ARRAY_SIZE(table));
    if (rest < line || rest > line + strlen(line))
        abort();
    free(line);
    return 0;
}
