/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses a guest may mean, and where faults on its account go on: see uaccess.S. */
#include "x86/uaccess.h"
#include "x86/features.h"
#include "x86/paging.h"
#include "x86/patch.h"

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

extern const int32_t smap_open_start[], smap_open_end[], smap_close_start[], smap_close_end[];

static void sites_make(const int32_t *site, const int32_t *end, uint8_t last)
{
    for (; site < end; site++) {
        const uint8_t code[3] = { 0x0f, 0x01, last };

        text_patch((uint64_t)site + (uint64_t)(int64_t)*site, code, sizeof(code));
    }
}

void smap_init(void)
{
    if (!(cr4_base & CR4_SMAP))
        return;
    sites_make(smap_open_start, smap_open_end, 0xcb);   /* stac */
    sites_make(smap_close_start, smap_close_end, 0xca); /* clac */
}
