/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/bzimage.c and core/decompress.c: images packed here by the encoders of the same libraries. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <lz4hc.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include "core/bzimage.h"
#include "core/decompress.h"
#include "core/types.h"

enum { SETUP_SECTS = 3, CODE = (SETUP_SECTS + 1) * 512, OFFSET = 0x2cc, KERNEL = 300000 };

static uint8_t kernel[KERNEL], packed[2 * KERNEL], file[3 * KERNEL];
static size_t packed_len, file_len;
static struct bzimage z;
static const char *why;

static int make_kernel(void **state)
{
    (void)state;
    srand(3);
    memcpy(kernel, "\177ELF", 4);
    for (size_t i = 4; i < KERNEL; i++)
        kernel[i] = (uint8_t)(rand() % 8 ? kernel[i - 4] : rand());
    return 0;
}

/* ---- packing ---- */

static void pack_gzip(void)
{
    z_stream s = { .next_in = kernel, .avail_in = KERNEL, .next_out = packed, .avail_out = sizeof(packed) };

    assert_int_equal(deflateInit2(&s, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&s, Z_FINISH), Z_STREAM_END);
    packed_len = s.total_out;
    deflateEnd(&s);
}

/* As Linux's scripts/xz_wrap.sh does: the x86 filter, LZMA2, CRC32. */
static void pack_xz(void)
{
    lzma_options_lzma options;
    lzma_filter filters[] = { { LZMA_FILTER_X86, NULL }, { LZMA_FILTER_LZMA2, &options }, { LZMA_VLI_UNKNOWN, NULL } };

    lzma_lzma_preset(&options, 6);
    packed_len = 0;
    assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, kernel, KERNEL, packed,
                                               &packed_len, sizeof(packed)), LZMA_OK);
}

static void pack_zstd(void)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();

    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 19);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
    packed_len = ZSTD_compress2(c, packed, sizeof(packed), kernel, KERNEL);
    ZSTD_freeCCtx(c);
    assert_false(ZSTD_isError(packed_len));
}

/* Legacy frame; the blocks are smaller than the real ones' 8 MiB so that there are several. */
static void pack_lz4(void)
{
    memcpy(packed, "\x02\x21\x4c\x18", 4);
    packed_len = 4;
    for (size_t at = 0; at < KERNEL; at += 100000)
    {
        int n = LZ4_compress_HC((const char *)kernel + at, (char *)packed + packed_len + 4, 100000, 100000, 9);

        assert_true(n > 0);
        memcpy(packed + packed_len, &n, 4);
        packed_len += 4 + (size_t)n;
    }
}

static void pack_none(void)
{
    memcpy(packed, kernel, KERNEL);
    packed_len = KERNEL;
}

/* Wrap what is packed in a bzImage; size 0: no size behind it. */
static void wrap(uint32_t size)
{
    uint32_t len, offset = OFFSET;

    memcpy(packed + packed_len, &size, 4);
    len = (uint32_t)packed_len + (size ? 4 : 0);
    memset(file, 0x90, sizeof(file));
    file[0x1f1] = SETUP_SECTS;
    memcpy(file + 0x1fe, "\x55\xaa\xeb\x66HdrS\x0f\x02", 10);
    memcpy(file + 0x248, &offset, 4);
    memcpy(file + 0x24c, &len, 4);
    memcpy(file + CODE + OFFSET, packed, len);
    file_len = CODE + OFFSET + len + 100;
}

/* ---- tests ---- */

static int unpack(const void *in, size_t n, size_t cap, size_t *len)
{
    uint8_t *copy = malloc(n ? n : 1), *out = malloc(cap ? cap : 1);
    int rc;

    memcpy(copy, in, n);
    why = NULL;
    rc = decompress(z.packing, copy, n, out, cap, len, &why);
    if (!rc && *len == KERNEL)
        assert_memory_equal(out, kernel, KERNEL);
    else
        assert_int_equal(!rc, !why);
    free(copy);
    free(out);
    return rc;
}

/* Damage of the packed bytes must never go unnoticed as a good kernel, and never overrun. */
static void check_damage(void)
{
    for (int i = 0; i < 400; i++)
    {
        size_t at = (size_t)rand() % z.len, len = 0;
        uint8_t *byte = (uint8_t *)(uintptr_t)z.payload + at, old = *byte;
        int rc;

        *byte ^= (uint8_t)(1 << rand() % 8);
        rc = decompress(z.packing, z.payload, z.len, packed, KERNEL, &len, &why);
        assert_true(len <= KERNEL);
        /* lz4's legacy format has no checksum: content may differ there. */
        if (!rc && z.packing != PACKING_LZ4 && len == KERNEL)
            assert_memory_equal(packed, kernel, KERNEL);
        *byte = old;
    }
}

static void check_packing(void (*pack)(void), enum packing packing, bool has_size)
{
    size_t len = 0;

    pack();
    wrap(has_size ? KERNEL : 0);
    assert_int_equal(bzimage_parse(&z, file, file_len, &why), 0);
    assert_int_equal(z.packing, packing);
    assert_int_equal(z.len, packed_len);
    assert_int_equal(z.unpacked, KERNEL);
    assert_int_equal(unpack(z.payload, z.len, z.unpacked, &len), 0);
    assert_int_equal(len, KERNEL);
    assert_int_equal(unpack(z.payload, z.len, KERNEL - 1, &len), -XEN_ENOSPC);
    assert_int_equal(unpack(z.payload, z.len, 0, &len) != 0, 1);
    assert_true(unpack(z.payload, z.len - 1, KERNEL, &len) != 0);
    assert_true(unpack(z.payload, 5, KERNEL, &len) != 0);
    check_damage();
}

static void test_gzip(void **state)
{
    (void)state;
    check_packing(pack_gzip, PACKING_GZIP, false);
}

static void test_xz(void **state)
{
    (void)state;
    check_packing(pack_xz, PACKING_XZ, true);
}

static void test_lz4(void **state)
{
    (void)state;
    check_packing(pack_lz4, PACKING_LZ4, true);
}

static void test_zstd(void **state)
{
    (void)state;
    check_packing(pack_zstd, PACKING_ZSTD, true);
}

/* Not less than the library itself says it needs, and not much more. */
static void check_xz_memory(unsigned int preset, bool filter)
{
    lzma_options_lzma options;
    lzma_filter all[] = { { LZMA_FILTER_X86, NULL }, { LZMA_FILTER_LZMA2, &options }, { LZMA_VLI_UNKNOWN, NULL } };
    lzma_filter *filters = filter ? all : all + 1;
    uint64_t needed;
    size_t asked;

    lzma_lzma_preset(&options, preset);
    needed = lzma_raw_decoder_memusage(filters);
    packed_len = 0;
    assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, kernel, 1000, packed,
                                               &packed_len, sizeof(packed)), LZMA_OK);
    asked = decompress_memory(PACKING_XZ, packed, packed_len);
    assert_in_range(asked, needed + (64 << 10), needed + (1 << 20));
    assert_true(asked > options.dict_size);
}

static void test_memory_asked(void **state)
{
    (void)state;
    for (unsigned int preset = 0; preset <= 9; preset++)
    {
        check_xz_memory(preset, false);
        check_xz_memory(preset, true);
    }
    for (size_t n = 0; n < 40; n++)
        assert_in_range(decompress_memory(PACKING_XZ, packed, n), 512 << 10, 5ul << 30);
    assert_in_range(decompress_memory(PACKING_ZSTD, packed, 3), ZSTD_estimateDCtxSize() + 65536, 1 << 20);
}

static void test_plain(void **state)
{
    size_t len = 0;

    (void)state;
    pack_none();
    wrap(0);
    assert_int_equal(bzimage_parse(&z, file, file_len, &why), 0);
    assert_int_equal(z.packing, PACKING_NONE);
    assert_int_equal(z.unpacked, KERNEL);
    assert_int_equal(bzimage_parse(&z, kernel, KERNEL, &why), 0);
    assert_ptr_equal(z.payload, kernel);
    assert_int_equal(z.len, KERNEL);
    assert_int_equal(unpack(kernel, KERNEL, KERNEL, &len), -XEN_EOPNOTSUPP);
    pack_gzip();
    assert_int_equal(bzimage_parse(&z, packed, packed_len, &why), 0);
    assert_int_equal(z.packing, PACKING_GZIP);
    assert_int_equal(z.unpacked, KERNEL);
}

static void check_refused(const char *part)
{
    assert_int_equal(bzimage_parse(&z, file, file_len, &why), -XEN_ENOEXEC);
    assert_non_null(strstr(why, part));
}

static void test_refused(void **state)
{
    static const struct { const char *magic; size_t n; const char *part; } magics[] = {
        { "BZh9", 4, "bzip2" }, { "\x5d\0\0\0", 4, "lzma" }, { "\x89LZO", 4, "lzo" }, { "abcd", 4, "unknown way" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
    {
        pack_xz();
        memcpy(packed, magics[i].magic, magics[i].n);
        wrap(KERNEL);
        check_refused(magics[i].part);
    }
    pack_xz();
    wrap(KERNEL);
    file[0x206] = 7;
    check_refused("too old");
    file[0x206] = 15;
    file_len -= 101;
    check_refused("cut off");
    file_len += 101;
    file[0x24b] = 0xff;
    check_refused("cut off");
    wrap((1u << 30) + 1);
    check_refused("impossible size");
    file[0x202] = 'h';
    check_refused("neither");
    file_len = 0;
    check_refused("neither");
    memcpy(file, "\xfd" "7zXZ\0", 6);
    file_len = 6;
    check_refused("neither");
    packed_len = 0;
    memcpy(packed, "\x1f\x8b\x1f\x8b", 4);
    wrap(0);
    memcpy(file + 0x24c, "\4\0\0\0", 4);
    memcpy(file + CODE + OFFSET, "\x1f\x8b\1\1", 4);
    check_refused("cut off");
}

static void test_cut(void **state)
{
    (void)state;
    pack_gzip();
    wrap(0);
    for (size_t n = 0; n < CODE + OFFSET + 16; n++)
    {
        uint8_t *copy = malloc(n ? n : 1);

        memcpy(copy, file, n);
        assert_int_equal(bzimage_parse(&z, copy, n, &why), -XEN_ENOEXEC);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gzip),
        cmocka_unit_test(test_xz),
        cmocka_unit_test(test_lz4),
        cmocka_unit_test(test_zstd),
        cmocka_unit_test(test_memory_asked),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests_name("bzimage", tests, make_kernel, NULL);
}
