/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The boot loader's tables (see bootinfo.h): first the memory map, then each of
 * the two protocols.  Numbers are from the Multiboot Specification 0.6.96 section 3.3,
 * the Multiboot2 Specification 2.0 section 3.6 and UEFI 2.10 section 7.2.3.
 */
#include "core/bootinfo.h"
#include "core/port.h"
#include "core/string.h"
#include "core/types.h"

#define INFO_MAX (1u << 20) /* a loader's table larger than this is damage */

/* ---- memory map ---- */

static int type_caution(uint32_t type)
{
    switch (type) {
    case E820_RAM: return 0;
    case E820_ACPI: return 1;
    case E820_NVS: return 2;
    case E820_UNUSABLE: return 4;
    default: return 3;
    }
}

static uint64_t range_end(const struct e820_range *r)
{
    return r->start + r->size;
}

static bool range_insert(struct boot_info *b, unsigned int i, uint64_t start, uint64_t end,
                         uint32_t type)
{
    if (start == end)
        return true;
    if (b->nr_e820 == BOOT_E820_MAX)
        return false;
    memmove(&b->e820[i + 1], &b->e820[i], (b->nr_e820 - i) * sizeof(b->e820[0]));
    b->nr_e820++;
    b->e820[i] = (struct e820_range){ .start = start, .size = end - start, .type = type };
    return true;
}

/*
 * Give [start, end) inside range i another, more cautious type; the rest of it stays.
 * Without room in the table all of it gets that type: memory may be lost, but never misused.
 */
static bool range_split(struct boot_info *b, unsigned int i, uint64_t start, uint64_t end,
                        uint32_t type)
{
    struct e820_range old = b->e820[i];

    if (b->nr_e820 + 2 > BOOT_E820_MAX) {
        b->e820[i].type = type;
        return true;
    }
    b->e820[i] = (struct e820_range){ .start = start, .size = end - start, .type = type };
    return range_insert(b, i + 1, end, range_end(&old), old.type) &&
           range_insert(b, i, old.start, start, old.type);
}

static void ranges_merge(struct boot_info *b)
{
    unsigned int n = 0;

    for (unsigned int i = 0; i < b->nr_e820; i++) {
        struct e820_range *last = n ? &b->e820[n - 1] : NULL;

        if (last && last->type == b->e820[i].type && range_end(last) == b->e820[i].start)
            last->size += b->e820[i].size;
        else
            b->e820[n++] = b->e820[i];
    }
    b->nr_e820 = n;
}

bool e820_add(struct boot_info *b, uint64_t start, uint64_t size, uint32_t type)
{
    uint64_t end = size > UINT64_MAX - start ? UINT64_MAX : start + size, stop;
    unsigned int i = 0;
    bool ok = true;

    for (; ok && start < end; start = stop) {
        const struct e820_range *r;

        while (i < b->nr_e820 && range_end(&b->e820[i]) <= start)
            i++;
        r = &b->e820[i];
        stop = end;
        if (i == b->nr_e820 || r->start >= end)
            ok = range_insert(b, i, start, end, type);
        else if (r->start > start)
            ok = range_insert(b, i, start, stop = r->start, type);
        else {
            stop = MIN(range_end(r), end);
            if (type_caution(type) > type_caution(r->type))
                ok = range_split(b, i, start, stop, type);
        }
    }
    ranges_merge(b);
    return ok;
}

static void range_add(struct boot_info *b, uint64_t start, uint64_t size, uint32_t type)
{
    if (!e820_add(b, start, size, type))
        log_warn("memory map: no room for %#lx bytes at %#lx, type %u: left out\n",
                 (unsigned long)size, (unsigned long)start, type);
}

/* ---- texts ---- */

/* Append the n bytes at s to the text begun last; false if there's no room. */
static bool text_append(struct boot_info *b, const char *s, size_t n)
{
    if (n > sizeof(b->texts) - 1 - b->texts_used)
        return false;
    memcpy(b->texts + b->texts_used, s, n);
    b->texts_used += (unsigned int)n;
    return true;
}

/* Close the text begun at first; without room for it all, give the empty one. */
static const char *text_close(struct boot_info *b, unsigned int first, bool ok)
{
    if (!ok) {
        log_warn("a command line from the boot loader is too long: ignored\n");
        b->texts_used = first;
    }
    if (b->texts_used >= sizeof(b->texts) - 1)
        return "";
    b->texts[b->texts_used++] = '\0';
    return b->texts + first;
}

static const char *text_copy(struct boot_info *b, struct blob from)
{
    unsigned int first = b->texts_used;
    size_t n = strnlen((const char *)from.p, from.n);

    return text_close(b, first, n < BOOT_TEXT_MAX && text_append(b, (const char *)from.p, n));
}

/* The text at maddr, page by page since nobody says how long it is. */
static const char *text_fetch(struct boot_info *b, uint64_t maddr, phys_map_fn *map)
{
    unsigned int first = b->texts_used;
    bool ok = true;

    while (ok && b->texts_used - first < BOOT_TEXT_MAX) {
        size_t room = PAGE_SIZE - maddr % PAGE_SIZE, n;
        struct blob page = blob_map(map, maddr, room);

        if (!page.p)
            return text_close(b, first, false);
        n = strnlen((const char *)page.p, room);
        ok = text_append(b, (const char *)page.p, n);
        if (n < room)
            return text_close(b, first, ok);
        maddr += room;
    }
    return text_close(b, first, false);
}

/* ---- modules ---- */

static int mod_add(struct boot_info *b, uint64_t start, uint64_t end, const char *cmdline,
                   const char **why)
{
    if (start > end) {
        *why = "a boot module ends before it starts";
        return -XEN_EINVAL;
    }
    if (b->nr_mods == BOOT_MODS_MAX)
        log_warn("more than %d boot modules: one at %#lx ignored\n", BOOT_MODS_MAX,
                 (unsigned long)start);
    else
        b->mods[b->nr_mods++] = (struct boot_mod){ start, end, cmdline };
    return 0;
}

/* ---- Multiboot 1 ---- */

#define MB1_SIZE 88

static int mb1_mods(struct boot_info *b, struct blob info, phys_map_fn *map, const char **why)
{
    uint32_t count = blob_u32(info, 20), addr = blob_u32(info, 24);
    int rc = 0;

    for (uint32_t i = 0; i < count && i <= BOOT_MODS_MAX && !rc; i++) {
        struct blob mod = blob_map(map, addr + 16ull * i, 16);
        uint32_t text = blob_u32(mod, 8);

        if (!mod.p) {
            *why = "the list of boot modules cannot be read";
            return -XEN_EINVAL;
        }
        rc = mod_add(b, blob_u32(mod, 0), blob_u32(mod, 4), text ? text_fetch(b, text, map) : "",
                     why);
    }
    return rc;
}

static int mb1_mmap(struct boot_info *b, struct blob info, phys_map_fn *map, const char **why)
{
    uint32_t len = blob_u32(info, 44);
    struct blob m = len <= INFO_MAX ? blob_map(map, blob_u32(info, 48), len) : blob_make(NULL, 0);
    uint64_t step;

    *why = "the boot loader's memory map is damaged";
    if (!m.p)
        return -XEN_EINVAL;
    for (; m.n; m = blob_from(m, step)) {
        step = 4ull + blob_u32(m, 0); /* an entry's size does not count the size itself */
        if (step < 24 || !blob_has(m, 0, step))
            return -XEN_EINVAL;
        range_add(b, blob_u64(m, 4), blob_u64(m, 12), blob_u32(m, 20));
    }
    return 0;
}

static int mb1_parse(struct boot_info *b, uint64_t maddr, phys_map_fn *map, const char **why)
{
    struct blob info = blob_map(map, maddr, MB1_SIZE);
    uint32_t flags = blob_u32(info, 0);
    int rc = 0;

    *why = "the boot loader's tables cannot be read";
    if (!info.p)
        return -XEN_EINVAL;
    b->info_start = maddr;
    b->info_end = maddr + MB1_SIZE;
    if (flags & 1u << 2)
        b->cmdline = text_fetch(b, blob_u32(info, 16), map);
    if (flags & 1u << 9)
        b->loader = text_fetch(b, blob_u32(info, 64), map);
    if (flags & 1u << 3)
        rc = mb1_mods(b, info, map, why);
    if (rc)
        return rc;
    if (flags & 1u << 6)
        return mb1_mmap(b, info, map, why);
    if (flags & 1u << 0) {
        range_add(b, 0, (uint64_t)blob_u32(info, 4) << 10, E820_RAM);
        range_add(b, 1u << 20, (uint64_t)blob_u32(info, 8) << 10, E820_RAM);
    }
    return 0;
}

/* ---- Multiboot 2 ---- */

enum mb2_tag {
    MB2_END = 0,
    MB2_CMDLINE = 1,
    MB2_LOADER = 2,
    MB2_MODULE = 3,
    MB2_MMAP = 6,
    MB2_EFI64 = 12,
    MB2_RSDP1 = 14,
    MB2_RSDP2 = 15,
    MB2_EFI_MMAP = 17,
    MB2_EFI_BS = 18,
};

static int mb2_mmap(struct boot_info *b, struct blob tag, const char **why)
{
    uint32_t step = blob_u32(tag, 8);

    if (step < 24) {
        *why = "the boot loader's memory map is damaged";
        return -XEN_EINVAL;
    }
    for (uint64_t off = 16; blob_has(tag, off, step); off += step)
        range_add(b, blob_u64(tag, off), blob_u64(tag, off + 8), blob_u32(tag, off + 16));
    return 0;
}

static int mb2_efi_mmap(struct boot_info *b, struct blob tag, uint64_t maddr, const char **why)
{
    b->efi_desc_size = blob_u32(tag, 8);
    b->efi_desc_version = blob_u32(tag, 12);
    if (tag.n < 16 || b->efi_desc_size < 40) {
        *why = "the EFI memory map is damaged";
        return -XEN_EINVAL;
    }
    b->efi_mmap = maddr + 16;
    b->efi_mmap_size = (uint32_t)tag.n - 16;
    return 0;
}

/* UEFI 2.10 table 7.10: what each type is once boot services have ended. */
static uint32_t efi_type_e820(uint32_t type, uint64_t attributes)
{
    const uint64_t writeback = 1u << 3;

    switch (type) {
    case 1: /* loader code and data */
    case 2:
    case 3: /* boot services code and data */
    case 4:
    case 7: /* conventional */
        return attributes & writeback ? E820_RAM : E820_RESERVED;
    case 8: return E820_UNUSABLE;
    case 9: return E820_ACPI;
    case 10: return E820_NVS;
    case 14: return E820_PMEM;
    default: return E820_RESERVED;
    }
}

static void efi_mmap_use(struct boot_info *b, struct blob map)
{
    for (uint64_t off = 0; blob_has(map, off, b->efi_desc_size); off += b->efi_desc_size) {
        uint64_t pages = blob_u64(map, off + 24);

        range_add(b, blob_u64(map, off + 8), pages > UINT64_MAX >> 12 ? UINT64_MAX : pages << 12,
                  efi_type_e820(blob_u32(map, off), blob_u64(map, off + 32)));
    }
}

static void mb2_rsdp(struct boot_info *b, struct blob tag, unsigned int len)
{
    if (tag.n < 8 + len || b->rsdp_len >= len)
        return;
    memcpy(b->rsdp, tag.p + 8, len);
    b->rsdp_len = len;
}

static int mb2_tag(struct boot_info *b, struct blob tag, uint64_t maddr, const char **why)
{
    switch (blob_u32(tag, 0)) {
    case MB2_CMDLINE: b->cmdline = text_copy(b, blob_from(tag, 8)); break;
    case MB2_LOADER: b->loader = text_copy(b, blob_from(tag, 8)); break;
    case MB2_MODULE:
        return mod_add(b, blob_u32(tag, 8), blob_u32(tag, 12), text_copy(b, blob_from(tag, 16)),
                       why);
    case MB2_MMAP: return mb2_mmap(b, tag, why);
    case MB2_EFI64: b->efi_system_table = blob_u64(tag, 8); break;
    case MB2_RSDP1: mb2_rsdp(b, tag, 20); break;
    case MB2_RSDP2: mb2_rsdp(b, tag, 36); break;
    case MB2_EFI_MMAP: return mb2_efi_mmap(b, tag, maddr, why);
    case MB2_EFI_BS: b->efi_boot_services = true; break;
    default: break;
    }
    return 0;
}

static int mb2_tags(struct boot_info *b, struct blob info, const char **why)
{
    uint64_t off = 8;
    uint32_t size;
    int rc;

    for (; blob_has(info, off, 8); off += ROUND_UP((uint64_t)size, 8)) {
        size = blob_u32(info, off + 4);
        if (size < 8 || !blob_has(info, off, size))
            break;
        if (blob_u32(info, off) == MB2_END)
            return 0;
        rc = mb2_tag(b, blob_cut(info, off, size), b->info_start + off, why);
        if (rc)
            return rc;
    }
    *why = "the boot loader's tags are damaged";
    return -XEN_EINVAL;
}

static int mb2_parse(struct boot_info *b, uint64_t maddr, phys_map_fn *map, const char **why)
{
    uint32_t size = blob_u32(blob_map(map, maddr, 8), 0);
    struct blob info = blob_make(NULL, 0);
    int rc;

    if (size >= 16 && size <= INFO_MAX)
        info = blob_map(map, maddr, size);
    *why = "the boot loader's tables cannot be read";
    if (!info.p)
        return -XEN_EINVAL;
    b->info_start = maddr;
    b->info_end = maddr + size;
    rc = mb2_tags(b, info, why);
    if (!rc && !b->nr_e820 && b->efi_mmap)
        efi_mmap_use(b, blob_cut(info, b->efi_mmap - maddr, b->efi_mmap_size));
    return rc;
}

/* ---- both ---- */

int bootinfo_parse(struct boot_info *b, uint32_t magic, uint64_t maddr, phys_map_fn *map,
                   const char **why)
{
    int rc = -XEN_EINVAL;

    memset(b, 0, sizeof(*b));
    b->cmdline = b->loader = "";
    *why = "not started by a Multiboot loader";
    if (magic == BOOT_MULTIBOOT1)
        rc = mb1_parse(b, maddr, map, why);
    else if (magic == BOOT_MULTIBOOT2)
        rc = mb2_parse(b, maddr, map, why);
    if (rc)
        return rc;
    if (!b->nr_e820) {
        *why = "the boot loader gave no memory map";
        return -XEN_EINVAL;
    }
    *why = NULL;
    return 0;
}

static bool loader_is_grub2(const char *name)
{
    return !strncmp(name, "GRUB ", 5) && name[5] >= '2' && name[5] <= '9';
}

const char *boot_args(const struct boot_info *b, const char *cmdline)
{
    while (*cmdline == ' ' || *cmdline == '\t')
        cmdline++;
    if (loader_is_grub2(b->loader))
        return cmdline;
    while (*cmdline && *cmdline != ' ' && *cmdline != '\t')
        cmdline++;
    while (*cmdline == ' ' || *cmdline == '\t')
        cmdline++;
    return cmdline;
}
