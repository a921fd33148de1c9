/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/xz.c against liblzma: what that packs in many ways comes out the same; damaged or cut input never hurts, and never passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <lzma.h>
#include "core/xz.h"

struct bytes {
    uint8_t *p;
    size_t n;
};

static struct bytes bytes_make(size_t n)
{
    return (struct bytes){ malloc(n ? n : 1), n };
}

static uint32_t random_next(void)
{
    static uint64_t s = 88172645463325252ull;

    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return (uint32_t)(s >> 16);
}

/* kind 0: noise; 1: one byte; 2: words that come again; 3: like code, calls and jumps with near targets; 4: all of it */
static struct bytes sample(unsigned kind, size_t n)
{
    struct bytes b = bytes_make(n);

    for (size_t i = 0; i < n; i++) {
        unsigned k = kind == 4 ? (unsigned)(i >> 13) % 4 : kind;

        b.p[i] = k == 0 ? (uint8_t)random_next() : k == 1 ? 7 : (uint8_t)(random_next() % 5);
        if (k == 2 && i > 300 && random_next() % 40 == 0)
            for (size_t from = i - random_next() % 300, len = random_next() % 60; len && i < n; len--)
                b.p[i++ % n] = b.p[from++];
        if (k == 3 && random_next() % 3 == 0)
            b.p[i] = (uint8_t)(0xe8 + random_next() % 2);
        else if (k == 3)
            b.p[i] = random_next() % 2 ? 0 : random_next() % 2 ? 0xff : b.p[i];
    }
    return b;
}

static struct bytes packed(struct bytes plain, uint32_t lc, uint32_t lp, uint32_t pb, uint32_t dict, int x86, lzma_check check)
{
    lzma_options_lzma o;
    lzma_filter f[3] = { { LZMA_FILTER_X86, NULL }, { LZMA_FILTER_LZMA2, &o }, { LZMA_VLI_UNKNOWN, NULL } };
    struct bytes b = bytes_make(lzma_stream_buffer_bound(plain.n)), exact;
    size_t n = 0;

    lzma_lzma_preset(&o, 6);
    o.lc = lc;
    o.lp = lp;
    o.pb = pb;
    o.dict_size = dict;
    assert_int_equal(lzma_stream_buffer_encode(x86 ? f : f + 1, check, NULL, plain.p, plain.n, b.p, &n, b.n), LZMA_OK);
    exact = bytes_make(n);
    memcpy(exact.p, b.p, n);
    free(b.p);
    return exact;
}

/* Unpacked and with the right CRC? */
static int passes(struct bytes in, struct bytes out, size_t *len)
{
    void *work = aligned_alloc(64, (xz_work_size() + 63) / 64 * 64);
    struct xz_unpacked u;
    int ok;

    memset(work, 0x5a, xz_work_size());
    ok = xz_block_unpack(blob_make(in.p, in.n), out.p, out.n, work, &u) && lzma_crc32(out.p, u.len, 0) == u.crc;
    free(work);
    *len = ok ? u.len : 0;
    return ok;
}

static void check_one(struct bytes plain, struct bytes in)
{
    struct bytes out = bytes_make(plain.n);
    size_t len;

    assert_true(passes(in, out, &len));
    assert_int_equal(len, plain.n);
    assert_memory_equal(out.p, plain.p, plain.n);
    free(out.p);
    out = bytes_make(plain.n - 1);
    assert_false(passes(in, out, &len)); /* no room for the last byte */
    free(out.p);
}

static void test_like_the_library(void **state)
{
    static const size_t sizes[] = { 1, 4, 5, 100, 4097, 70000, 300000, 2500000 };

    (void)state;
    for (unsigned kind = 0; kind < 5; kind++)
        for (unsigned i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
            for (int x86 = 0; x86 < 2; x86++) {
                struct bytes plain = sample(kind, sizes[i]);
                struct bytes in = packed(plain, (kind + i) % 5, 0, (kind + i) % 5, 1 << 16, x86, LZMA_CHECK_CRC32);

                check_one(plain, in);
                free(in.p);
                in = packed(plain, i % 3, 2 - i % 3, 4 - kind, 1 << 20, x86, LZMA_CHECK_CRC32);
                check_one(plain, in);
                free(plain.p);
                free(in.p);
            }
}

static void test_damaged(void **state)
{
    struct bytes plain = sample(4, 60000), in = packed(plain, 3, 0, 2, 1 << 20, 1, LZMA_CHECK_CRC32), out = bytes_make(plain.n);
    size_t len;

    (void)state;
    for (unsigned i = 0; i < 4000; i++) {
        struct bytes bad = bytes_make(i & 1 ? random_next() % in.n : in.n);

        memcpy(bad.p, in.p, bad.n);
        if (bad.n == in.n)
            bad.p[i < 400 ? i / 2 : random_next() % bad.n] ^= (uint8_t)(1u << random_next() % 8);
        if (passes(bad, out, &len)) /* only what isn't looked at was changed */
            assert_memory_equal(out.p, plain.p, plain.n);
        free(bad.p);
    }
    free(out.p);
    free(in.p);
    free(plain.p);
}

static void test_other_shapes(void **state)
{
    struct bytes plain = sample(2, 5000), in = packed(plain, 3, 0, 2, 1 << 20, 0, LZMA_CHECK_CRC64), out = bytes_make(plain.n);
    size_t len;

    (void)state;
    assert_false(passes(in, out, &len));
    free(in.p);
    in = packed((struct bytes){ plain.p, 0 }, 3, 0, 2, 1 << 20, 0, LZMA_CHECK_CRC32);
    assert_false(passes(in, out, &len)); /* no block */
    in.n = 0;
    assert_false(passes(in, out, &len));
    free(in.p);
    free(out.p);
    free(plain.p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_like_the_library),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_other_shapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
