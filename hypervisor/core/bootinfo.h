/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the boot loader told us, in one form whichever protocol it spoke:
 * Multiboot 0.6.96 or Multiboot2 2.0.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "core/blob.h"

#define BOOT_MULTIBOOT1 0x2badb002u /* the loader's magic in %eax */
#define BOOT_MULTIBOOT2 0x36d76289u

#define BOOT_MODS_MAX  16
#define BOOT_E820_MAX  1024
#define BOOT_TEXT_MAX  4096 /* of one command line */
#define BOOT_TEXTS_MAX 32768

enum e820_type {
    E820_RAM = 1,
    E820_RESERVED = 2,
    E820_ACPI = 3,
    E820_NVS = 4,
    E820_UNUSABLE = 5,
    E820_PMEM = 7,
};

struct e820_range {
    uint64_t start, size;
    uint32_t type; /* an e820_type, or a number only the firmware knows */
};

struct boot_mod {
    uint64_t start, end; /* end is the first byte behind it */
    const char *cmdline; /* as the loader gave it, see boot_args() */
};

struct boot_info {
    const char *cmdline; /* as the loader gave it, see boot_args() */
    const char *loader;  /* its name, "" if it has none */
    unsigned int nr_mods;
    struct boot_mod mods[BOOT_MODS_MAX];
    /* Sorted, no overlaps, no empty ranges, neighbours of one type merged. */
    unsigned int nr_e820;
    struct e820_range e820[BOOT_E820_MAX];
    uint8_t rsdp[36];     /* the loader's copy of ACPI's root pointer ... */
    unsigned int rsdp_len; /* ... 0 if it gave none, else 20 or 36 */
    uint64_t efi_system_table; /* 64-bit EFI; 0: none */
    uint64_t efi_mmap;         /* maddr of the EFI memory map, still where the loader put it; 0: none */
    uint32_t efi_mmap_size, efi_desc_size, efi_desc_version;
    bool efi_boot_services;    /* not yet terminated */
    uint64_t info_start, info_end; /* where the loader's own tables lie; needed only for efi_mmap */
    /* private: the texts that the pointers above lead to */
    char texts[BOOT_TEXTS_MAX];
    unsigned int texts_used;
};

/*
 * Read the tables at maddr that a loader with this magic left.  All is copied
 * to *b (30 KiB and more: not for the stack), except the EFI memory map.
 * map reaches machine memory.  0, or -XEN_EINVAL with *why (a static text) set:
 * unknown magic, unreadable or damaged tables, no memory map at all.
 * Too many modules, ranges or texts: those beyond are dropped with a warning in the log.
 */
int bootinfo_parse(struct boot_info *b, uint32_t magic, uint64_t maddr, phys_map_fn *map,
                   const char **why);

/*
 * The arguments in a command line of this loader: GRUB 2 gives just the arguments,
 * all others put the image's name first, which is skipped.
 */
const char *boot_args(const struct boot_info *b, const char *cmdline);

/*
 * Lay a range over the map.  Where it overlaps others the more cautious type wins
 * (unusable > reserved and unknown > NVS > ACPI > RAM).  False if the table is full:
 * the range, or the end of it, is missing.  A full table never shows reserved memory as RAM.
 */
bool e820_add(struct boot_info *b, uint64_t start, uint64_t size, uint32_t type);
