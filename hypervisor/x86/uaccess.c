/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses a guest may mean, and where faults on its account go on: see uaccess.S. */
#include "x86/uaccess.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/layout.h"
#include "x86/paging.h"

struct extable_entry {
    int32_t at, to;
};

extern const struct extable_entry extable_start[], extable_end[];

uint64_t extable_find(uint64_t rip)
{
    for (const struct extable_entry *e = extable_start; e < extable_end; e++)
        if ((uint64_t)&e->at + (uint64_t)(int64_t)e->at == rip)
            return (uint64_t)&e->to + (uint64_t)(int64_t)e->to;
    return 0;
}

bool guest_range_ok(uint64_t gva, uint64_t n)
{
    uint64_t end = gva + n;

    if (end < gva)
        return false;
    return end <= 1ul << 47 || gva >= HV_END;
}

void guest_access_begin(void)
{
    if (cr4_base & CR4_SMAP)
        __asm__ volatile("stac" ::: "memory");
}

void guest_access_end(void)
{
    if (cr4_base & CR4_SMAP)
        __asm__ volatile("clac" ::: "memory");
}
