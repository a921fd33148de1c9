/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * EFI facts for dom0, read once at boot from the system table (UEFI 2.9, 4.3).  dom0's kernel finds
 * ACPI's and SMBIOS's tables by the configuration table; the runtime services are ctl/efiruntime.c's.
 * The firmware's memory is read only below 4 GiB, where the direct map has everything.
 */
#include "ctl/platform.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/guest.h"
#include "x86/efirt.h"
#include "x86/layout.h"

#define EFI_SIGNATURE 0x5453595320494249ul /* "IBI SYST" */
#define VENDOR_MAX    64u
#define LOW_END       0x100000000ul

struct efi_system_table {
    uint64_t signature;
    uint32_t revision, header_size, crc32, reserved;
    uint64_t vendor;
    uint32_t vendor_revision, pad;
    uint64_t consoles[6];
    uint64_t runtime_services, boot_services;
    uint64_t nr_tables;
    uint64_t tables;
};

static struct efi_system_table table; /* [const after boot] signature 0: no EFI */
static uint16_t vendor[VENDOR_MAX];   /* [const after boot] ends with 0 */
static const char *map;               /* [const after boot] */
static uint32_t map_size, map_step;   /* [const after boot] */

static void vendor_read(uint64_t maddr)
{
    if (!maddr || maddr & 1 || maddr > LOW_END - sizeof(vendor))
        return;
    memcpy(vendor, maddr_to_virt(maddr), sizeof(vendor));
    vendor[VENDOR_MAX - 1] = 0;
}

void efiinfo_init(uint64_t system_table, const void *mmap, uint32_t mmap_size, uint32_t desc_size)
{
    if (!system_table || system_table > LOW_END - sizeof(table))
        return;
    memcpy(&table, maddr_to_virt(system_table), sizeof(table));
    if (table.signature != EFI_SIGNATURE) {
        log_warn("EFI system table at %#lx has no signature: ignored\n", system_table);
        table.signature = 0;
        return;
    }
    vendor_read(table.vendor);
    if (mmap && desc_size >= sizeof(struct efi_memory)) {
        map = mmap;
        map_size = mmap_size;
        map_step = desc_size;
        efirt_init(table.runtime_services, mmap, mmap_size, desc_size);
    }
}

bool efiinfo_present(void)
{
    return table.signature;
}

/* The name as far as it fits, always ended. */
static long vendor_get(union xenpf_efi_info *info)
{
    uint32_t room = info->vendor.bufsz / 2, n = 0;
    static const uint16_t end;

    while (n + 1 < room && vendor[n])
        n++;
    if (copy_to_guest(guest_addr(info->vendor.name), vendor, n * 2))
        return -XEN_EFAULT;
    if (room && copy_to_guest_at(guest_addr(info->vendor.name), n, &end, sizeof(end)))
        return -XEN_EFAULT;
    info->vendor.revision = table.vendor_revision;
    return 0;
}

/* What the map says of the address, and for how much of the size that holds. */
static long mem_get(union xenpf_efi_info *info)
{
    uint64_t addr = info->mem.addr;
    struct efi_memory m;

    for (uint32_t at = 0; map_size >= map_step && map && at <= map_size - map_step; at += map_step) {
        memcpy(&m, map + at, sizeof(m));
        if (addr < m.start || (addr - m.start) >> PAGE_SHIFT >= m.pages)
            continue;
        info->mem.size = MIN(info->mem.size, m.start + (m.pages << PAGE_SHIFT) - addr);
        info->mem.type = m.type;
        info->mem.attr = m.attributes;
        return 0;
    }
    return -XEN_ESRCH;
}

long efiinfo_get(uint32_t index, union xenpf_efi_info *info)
{
    if (!efiinfo_present())
        return -XEN_ENOSYS;
    switch (index) {
    case XEN_FW_EFI_VERSION:
        info->version = table.revision;
        return 0;
    case XEN_FW_EFI_RT_VERSION:
        info->version = efirt_revision();
        return info->version ? 0 : -XEN_EOPNOTSUPP;
    case XEN_FW_EFI_CONFIG_TABLE:
        info->cfg.addr = table.tables;
        info->cfg.nent = (uint32_t)table.nr_tables;
        return 0;
    case XEN_FW_EFI_VENDOR:
        return vendor_get(info);
    case XEN_FW_EFI_MEM_INFO:
        return mem_get(info);
    case XEN_FW_EFI_PCI_ROM:
    case XEN_FW_EFI_APPLE_PROPERTIES:
        return -XEN_ENOENT;
    default:
        return -XEN_EINVAL;
    }
}
