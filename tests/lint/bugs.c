/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tools/lint must find: a null pointer followed, a value never set, an array's end passed, a copy that is too short. */
#include "core/types.h"
#include "core/port.h"
#include "core/string.h"

int null_followed(const int *p);
int null_followed(const int *p)
{
    if (p == NULL)
        log_warn("null\n");
    return *p;
}

int never_set(bool asked);
int never_set(bool asked)
{
    int n;

    if (asked)
        n = 1;
    return n;
}

int past_the_end(void);
int past_the_end(void)
{
    int a[4] = { 0 };

    return a[4];
}

void too_short(uint64_t *to, const uint64_t *from);
void too_short(uint64_t *to, const uint64_t *from)
{
    memcpy(to, from, sizeof(from));
}
