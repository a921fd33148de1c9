/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes from outside (a file, a firmware table), read without trust.  A blob
 * never reads beyond its end: what lies outside is 0, and cutting outside gives
 * an empty blob.  Offsets are 64 bits wide and never wrap.  Little-endian.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob {
    const uint8_t *p;
    size_t n;
};

static inline struct blob blob_make(const void *p, size_t n)
{
    return (struct blob){ .p = p, .n = p ? n : 0 };
}

/* Are the len bytes at off inside? */
static inline bool blob_has(struct blob b, uint64_t off, uint64_t len)
{
    return off <= b.n && len <= b.n - off;
}

/* The len bytes at off, or as many of them as there are. */
static inline struct blob blob_cut(struct blob b, uint64_t off, uint64_t len)
{
    if (off >= b.n)
        return (struct blob){ .p = b.p, .n = 0 };
    return (struct blob){ .p = b.p + off, .n = len < b.n - off ? (size_t)len : b.n - (size_t)off };
}

/* Everything from off on. */
static inline struct blob blob_from(struct blob b, uint64_t off)
{
    return blob_cut(b, off, UINT64_MAX);
}

/* The little-endian number of len (at most 8) bytes at off; 0 unless all of it is inside. */
static inline uint64_t blob_number(struct blob b, uint64_t off, unsigned int len)
{
    uint64_t v = 0;

    if (!blob_has(b, off, len))
        return 0;
    while (len--)
        v = v << 8 | b.p[off + len];
    return v;
}

static inline uint8_t blob_u8(struct blob b, uint64_t off)
{
    return (uint8_t)blob_number(b, off, 1);
}

static inline uint16_t blob_u16(struct blob b, uint64_t off)
{
    return (uint16_t)blob_number(b, off, 2);
}

static inline uint32_t blob_u32(struct blob b, uint64_t off)
{
    return (uint32_t)blob_number(b, off, 4);
}

static inline uint64_t blob_u64(struct blob b, uint64_t off)
{
    return blob_number(b, off, 8);
}

/* Do the len bytes at off equal those of what? */
static inline bool blob_equals(struct blob b, uint64_t off, const void *what, size_t len)
{
    return blob_has(b, off, len) && !__builtin_memcmp(b.p + off, what, len);
}

/* The NUL-terminated text at off; NULL if it has no end inside. */
static inline const char *blob_text(struct blob b, uint64_t off)
{
    for (size_t i = off < b.n ? (size_t)off : b.n; i < b.n; i++)
        if (!b.p[i])
            return (const char *)b.p + off;
    return NULL;
}

/*
 * How parsers at boot reach machine memory: a pointer to the len bytes at maddr,
 * or NULL if they can't all be read.  It stays good until the parser returns.
 */
typedef const void *phys_map_fn(uint64_t maddr, size_t len);

static inline struct blob blob_map(phys_map_fn *map, uint64_t maddr, size_t len)
{
    return blob_make(map(maddr, len), len);
}
