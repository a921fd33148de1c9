/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a boot loader's tables; what is accepted must be well-formed. */
/* fuzz-options: -max_len=1024 */
/* fuzz-weight: 4 */
#include "core/bootinfo.h"
#include "fake_phys.h"

static void text_check(const char *s)
{
    if (strlen(s) >= BOOT_TEXT_MAX)
        abort();
}

static void info_check(const struct boot_info *b)
{
    text_check(b->cmdline);
    text_check(b->loader);
    text_check(boot_args(b, b->cmdline));
    if (b->nr_mods > BOOT_MODS_MAX || b->nr_e820 > BOOT_E820_MAX || !b->nr_e820)
        abort();
    for (unsigned int i = 0; i < b->nr_mods; i++)
    {
        text_check(b->mods[i].cmdline);
        if (b->mods[i].start > b->mods[i].end)
            abort();
    }
    for (unsigned int i = 0; i < b->nr_e820; i++)
        if (!b->e820[i].size || (i && b->e820[i - 1].start + b->e820[i - 1].size > b->e820[i].start))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_info info;
    const char *why = NULL;
    uint32_t magic;

    if (size < 1)
        return 0;
    magic = data[0] & 1 ? BOOT_MULTIBOOT1 : BOOT_MULTIBOOT2;
    fake_phys_put(0, data + 1, size - 1);
    if (!bootinfo_parse(&info, magic, 0, fake_phys_map, &why))
        info_check(&info);
    else if (!why)
        abort();
    fake_phys_reset();
    return 0;
}
