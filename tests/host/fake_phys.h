/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine memory for tests of boot-time parsers: bytes put at any address, read
 * through fake_phys_map().  Each mapping is a fresh copy of exactly the length
 * asked for, so that ASan sees one byte too many; fake_phys_reset() frees them all.
 */
#ifndef FAKE_PHYS_H
#define FAKE_PHYS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FAKE_REGIONS 16

static struct { uint64_t start; size_t n; uint8_t *p; } fake_regions[FAKE_REGIONS];
static unsigned int fake_nr_regions;
static void **fake_copies;
static size_t fake_nr_copies;

static inline void fake_phys_reset(void)
{
    for (size_t i = 0; i < fake_nr_copies; i++)
        free(fake_copies[i]);
    for (unsigned int i = 0; i < fake_nr_regions; i++)
        free(fake_regions[i].p);
    free(fake_copies);
    fake_copies = NULL;
    fake_nr_copies = 0;
    fake_nr_regions = 0;
}

/* Put n bytes at maddr; the later of two that overlap is not seen.  The copy can be changed. */
static inline uint8_t *fake_phys_put(uint64_t maddr, const void *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);

    if (fake_nr_regions == FAKE_REGIONS)
        abort();
    if (n)
        memcpy(copy, p, n);
    fake_regions[fake_nr_regions].start = maddr;
    fake_regions[fake_nr_regions].n = n;
    fake_regions[fake_nr_regions++].p = copy;
    return copy;
}

/* Bytes that no region has are 0, but at least the first must be in one. */
static inline const void *fake_phys_map(uint64_t maddr, size_t len)
{
    for (unsigned int i = 0; i < fake_nr_regions; i++)
    {
        uint64_t off = maddr - fake_regions[i].start;
        uint8_t *copy;

        if (off >= fake_regions[i].n || len > fake_regions[i].n - off + 4096)
            continue;
        copy = calloc(1, len ? len : 1);
        memcpy(copy, fake_regions[i].p + off,
               len < fake_regions[i].n - off ? len : fake_regions[i].n - off);
        fake_copies = realloc(fake_copies, (fake_nr_copies + 1) * sizeof(*fake_copies));
        return fake_copies[fake_nr_copies++] = copy;
    }
    return NULL;
}

/* A buffer to build tables in, little-endian. */
struct writer {
    uint8_t bytes[65536];
    size_t n;
};

static inline size_t put(struct writer *w, uint64_t v, unsigned int len)
{
    size_t at = w->n;

    for (unsigned int i = 0; i < len; i++)
        w->bytes[w->n++] = (uint8_t)(i < 8 ? v >> 8 * i : 0);
    return at;
}

static inline void put_at(struct writer *w, size_t at, uint64_t v, unsigned int len)
{
    for (unsigned int i = 0; i < len; i++)
        w->bytes[at + i] = (uint8_t)(v >> 8 * i);
}

static inline size_t put_bytes(struct writer *w, const void *p, size_t len)
{
    size_t at = w->n;

    if (len)
        memcpy(w->bytes + at, p, len);
    w->n += len;
    return at;
}

static inline void put_align(struct writer *w, size_t align)
{
    while (w->n % align)
        w->bytes[w->n++] = 0;
}

#endif
