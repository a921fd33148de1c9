/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Unpacking (see decompress.h).  Each library is entered by its one-shot decoder, which
 * drags in no encoder and (but for xz) no window; input and output are whole buffers.
 * The libraries' headers are of a hosted C library: this file is built with it in reach.
 */
#include <limits.h>
#include <stdlib.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>
#include "core/decompress.h"
#include "core/blob.h"
#include "core/types.h"
#include "core/xz.h"

#define LZ4_LEGACY_MAGIC 0x184c2102u
#define LZ4_BLOCK_MAX    (8u << 20) /* unpacked, in the legacy format */

struct job {
    struct blob in;
    uint8_t *out;
    size_t outcap, outlen;
    const char *why;
};

static int fail(struct job *j, int rc)
{
    j->why = rc == -XEN_ENOSPC ? "the unpacked kernel is larger than it states"
             : rc == -XEN_ENOMEM ? "no memory to unpack the kernel"
                                 : "the packed kernel is damaged";
    return rc;
}

static int gzip_unpack(struct job *j)
{
    z_stream z = { 0 };
    int rc;

    if (j->in.n > UINT_MAX || j->outcap > UINT_MAX)
        return fail(j, -XEN_ENOSPC);
    z.next_in = (Bytef *)(uintptr_t)j->in.p;
    z.avail_in = (uInt)j->in.n;
    z.next_out = j->out;
    z.avail_out = (uInt)j->outcap;
    if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
        return fail(j, -XEN_ENOMEM);
    rc = inflate(&z, Z_FINISH);
    j->outlen = z.total_out;
    inflateEnd(&z);
    if (rc == Z_STREAM_END)
        return 0;
    if (rc == Z_MEM_ERROR)
        return fail(j, -XEN_ENOMEM);
    return fail(j, rc == Z_BUF_ERROR && z.avail_in ? -XEN_ENOSPC : -XEN_EINVAL);
}

/* The usual shape of a kernel, by our own code, which is faster.  Only what has the right CRC counts. */
static bool xz_unpack_usual(struct job *j)
{
    void *work = malloc(xz_work_size());
    struct xz_unpacked u;
    bool ok = work && xz_block_unpack(j->in, j->out, j->outcap, work, &u) && lzma_crc32(j->out, u.len, 0) == u.crc;

    free(work);
    if (ok)
        j->outlen = u.len;
    return ok;
}

static int xz_unpack(struct job *j)
{
    uint64_t limit = UINT64_MAX;
    size_t in_pos = 0;
    lzma_ret rc;

    if (xz_unpack_usual(j))
        return 0;
    rc = lzma_stream_buffer_decode(&limit, 0, NULL, j->in.p, &in_pos, j->in.n, j->out, &j->outlen, j->outcap);
    if (rc == LZMA_OK)
        return 0;
    if (rc == LZMA_MEM_ERROR)
        return fail(j, -XEN_ENOMEM);
    return fail(j, rc == LZMA_BUF_ERROR ? -XEN_ENOSPC : -XEN_EINVAL);
}

static int zstd_unpack(struct job *j)
{
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    size_t n;

    if (!ctx)
        return fail(j, -XEN_ENOMEM);
    n = ZSTD_decompressDCtx(ctx, j->out, j->outcap, j->in.p, j->in.n);
    ZSTD_freeDCtx(ctx);
    if (!ZSTD_isError(n)) {
        j->outlen = n;
        return 0;
    }
    /* The stable API names no error codes; the frame's own header tells the one that matters. */
    n = ZSTD_getFrameContentSize(j->in.p, j->in.n);
    return fail(j, n < ZSTD_CONTENTSIZE_ERROR && n > j->outcap ? -XEN_ENOSPC : -XEN_EINVAL);
}

static int lz4_block_unpack(struct job *j, struct blob block)
{
    size_t room = MIN(j->outcap - j->outlen, (size_t)LZ4_BLOCK_MAX);
    int n = LZ4_decompress_safe((const char *)block.p, (char *)j->out + j->outlen, (int)block.n,
                                (int)room);

    if (n < 0)
        return fail(j, room < LZ4_BLOCK_MAX ? -XEN_ENOSPC : -XEN_EINVAL);
    j->outlen += (size_t)n;
    return 0;
}

/* The legacy frame: the magic, then blocks with their length before each, to the end. */
static int lz4_unpack(struct job *j)
{
    struct blob rest = j->in;
    uint32_t len;
    int rc = 0;

    if (blob_u32(rest, 0) != LZ4_LEGACY_MAGIC)
        return fail(j, -XEN_EINVAL);
    for (; !rc && rest.n; rest = blob_from(rest, len + 4ul)) {
        len = blob_u32(rest, 0);
        if (rest.n >= 4 && len == LZ4_LEGACY_MAGIC)
            len = 0; /* also the start of another frame */
        else if (!len || len > INT_MAX || !blob_has(rest, 4, len))
            rc = fail(j, -XEN_EINVAL);
        else
            rc = lz4_block_unpack(j, blob_cut(rest, 4, len));
    }
    return rc;
}

/* The first block's LZMA2 dictionary (the .xz file format 1.1.0, 3.1 and 5.3.1); 0 if there is none. */
static uint64_t xz_dictionary(struct blob in)
{
    const uint64_t lzma2 = 0x21;
    uint64_t off = 14; /* behind stream header, block header size and flags */
    uint8_t flags = blob_u8(in, 13), bits;

    if (flags & 0x40)
        xz_number(in, &off);
    if (flags & 0x80)
        xz_number(in, &off);
    for (unsigned int filters = (flags & 3) + 1u; filters; filters--) {
        uint64_t id = xz_number(in, &off), props = xz_number(in, &off);

        bits = blob_u8(in, off);
        if (id == lzma2 && props == 1)
            return bits >= 40 ? UINT32_MAX : (2 | (bits & 1ull)) << (bits / 2 + 11);
        if (props > 64)
            break;
        off += props;
    }
    return 0;
}

size_t decompress_memory(enum packing packing, const void *in, size_t inlen)
{
    const size_t decoder = 512 << 10; /* each one's own state, generously */

    switch (packing) {
    case PACKING_XZ: return decoder + xz_dictionary(blob_make(in, inlen));
    case PACKING_GZIP:
    case PACKING_LZ4:
    case PACKING_ZSTD:
    case PACKING_NONE: break;
    }
    return decoder;
}

int decompress(enum packing packing, const void *in, size_t inlen, void *out, size_t outcap,
               size_t *outlen, const char **why)
{
    struct job j = { .in = blob_make(in, inlen), .out = out, .outcap = outcap };
    int rc = -XEN_EOPNOTSUPP;

    switch (packing) {
    case PACKING_NONE: j.why = "nothing to unpack"; break;
    case PACKING_GZIP: rc = gzip_unpack(&j); break;
    case PACKING_XZ: rc = xz_unpack(&j); break;
    case PACKING_LZ4: rc = lz4_unpack(&j); break;
    case PACKING_ZSTD: rc = zstd_unpack(&j); break;
    }
    if (rc)
        *why = j.why;
    *outlen = j.outlen;
    return rc;
}
