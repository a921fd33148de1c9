/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a boot module holds: a Linux bzImage, a compressed ELF file or a plain one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum packing { PACKING_NONE, PACKING_GZIP, PACKING_XZ, PACKING_LZ4, PACKING_ZSTD };

struct bzimage {
    enum packing packing;
    const void *payload; /* inside the file: what decompress() takes */
    size_t len;
    size_t unpacked; /* bytes it says it will have unpacked; len if not packed */
};

/*
 * Find the kernel in the n bytes at p: the payload of a bzImage (boot protocol 2.08 or
 * later, Linux Documentation/arch/x86/boot.rst), a gzip file, or anything else that
 * starts like an ELF file.  0, or -XEN_ENOEXEC with *why (a static text) set.
 * The contents are not looked at: unpacked is what the file claims, at most 1 GiB.
 */
int bzimage_parse(struct bzimage *z, const void *p, size_t n, const char **why);

/* "xz" and so on, for the log. */
const char *packing_name(enum packing packing);
