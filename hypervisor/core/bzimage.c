/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux's bzImage (see bzimage.h): a real-mode part of some sectors with the boot
 * protocol's header at 0x1f1, then the 32-bit code, and in it the packed kernel.
 * Behind the packed kernel stand four bytes with its unpacked size; gzip's own end
 * has it already.
 */
#include "core/bzimage.h"
#include "core/blob.h"
#include "core/types.h"

#define UNPACKED_MAX (1ul << 30)

enum {
    HDR_SETUP_SECTS = 0x1f1,
    HDR_BOOT_FLAG = 0x1fe,
    HDR_MAGIC = 0x202,
    HDR_VERSION = 0x206,
    HDR_PAYLOAD_OFFSET = 0x248,
    HDR_PAYLOAD_LENGTH = 0x24c,
    SIZE_LEN = 4,
};

static const struct {
    const char *magic;
    size_t len;
    enum packing packing;
    const char *unsupported;
} magics[] = {
    { "\177ELF", 4, PACKING_NONE, NULL },
    { "\x1f\x8b", 2, PACKING_GZIP, NULL },
    { "\xfd" "7zXZ\0", 6, PACKING_XZ, NULL },
    { "\x02\x21\x4c\x18", 4, PACKING_LZ4, NULL },
    { "\x28\xb5\x2f\xfd", 4, PACKING_ZSTD, NULL },
    { "BZh", 3, PACKING_NONE, "a kernel packed by bzip2, which is not supported" },
    { "\x5d\0\0", 3, PACKING_NONE, "a kernel packed by lzma (not xz), which is not supported" },
    { "\x89LZO", 4, PACKING_NONE, "a kernel packed by lzo, which is not supported" },
};

const char *packing_name(enum packing packing)
{
    switch (packing) {
    case PACKING_NONE: return "not packed";
    case PACKING_GZIP: return "gzip";
    case PACKING_XZ: return "xz";
    case PACKING_LZ4: return "lz4";
    case PACKING_ZSTD: return "zstd";
    }
    return "?";
}

static const char *packing_find(struct blob payload, enum packing *packing)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(magics); i++)
        if (blob_equals(payload, 0, magics[i].magic, magics[i].len)) {
            *packing = magics[i].packing;
            return magics[i].unsupported;
        }
    return "a kernel packed in an unknown way";
}

/* Where the payload ends and the size that stands there. */
static const char *size_find(struct bzimage *z, struct blob payload)
{
    z->payload = payload.p;
    z->len = z->unpacked = payload.n;
    if (z->packing == PACKING_NONE)
        return NULL;
    if (payload.n <= SIZE_LEN)
        return "the packed kernel is cut off";
    z->unpacked = blob_u32(payload, payload.n - SIZE_LEN);
    if (z->packing != PACKING_GZIP)
        z->len -= SIZE_LEN;
    if (!z->unpacked || z->unpacked > UNPACKED_MAX)
        return "the packed kernel states an impossible size";
    return NULL;
}

static const char *payload_find(struct blob file, struct blob *payload)
{
    unsigned int sects = blob_u8(file, HDR_SETUP_SECTS);
    uint64_t code, offset = blob_u32(file, HDR_PAYLOAD_OFFSET), len = blob_u32(file, HDR_PAYLOAD_LENGTH);

    if (blob_u16(file, HDR_VERSION) < 0x0208)
        return "a bzImage too old to find the kernel in (boot protocol before 2.08)";
    code = ((sects ? sects : 4) + 1) * 512ul;
    if (!len || !blob_has(file, code + offset, len))
        return "the bzImage is cut off";
    *payload = blob_cut(file, code + offset, len);
    return NULL;
}

static bool file_is_bzimage(struct blob file)
{
    return blob_u16(file, HDR_BOOT_FLAG) == 0xaa55 && blob_equals(file, HDR_MAGIC, "HdrS", 4);
}

static const char *file_read(struct bzimage *z, struct blob file)
{
    struct blob payload = file;
    const char *bad;

    if (file_is_bzimage(file)) {
        bad = payload_find(file, &payload);
        if (!bad)
            bad = packing_find(payload, &z->packing);
    } else {
        bad = packing_find(payload, &z->packing);
        if (bad || (z->packing != PACKING_NONE && z->packing != PACKING_GZIP))
            bad = "neither a bzImage nor an ELF file";
    }
    return bad ? bad : size_find(z, payload);
}

int bzimage_parse(struct bzimage *z, const void *p, size_t n, const char **why)
{
    const char *bad;

    *z = (struct bzimage){ .packing = PACKING_NONE };
    bad = file_read(z, blob_make(p, n));
    if (!bad)
        return 0;
    *why = bad;
    return -XEN_ENOEXEC;
}
