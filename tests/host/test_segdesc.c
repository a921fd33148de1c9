/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segment descriptors of guests: every access byte and flag there is, by a table of what is dangerous and why. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "core/segdesc.h"

#define DESC(access, flags) \
    (0x12ul << 56 | (uint64_t)(flags) << 52 | 0xful << 48 | (uint64_t)(access) << 40 | 0x3456789abcul)

static void test_dangerous(void **state)
{
    static const struct { const char *what; uint8_t access, flags; } bad[] = {
        { "16-bit TSS", 0xe1, 0 }, { "LDT", 0xe2, 0 }, { "busy 16-bit TSS", 0xe3, 0 }, { "16-bit call gate", 0xe4, 0 },
        { "task gate", 0xe5, 0 }, { "16-bit interrupt gate", 0xe6, 0 }, { "16-bit trap gate", 0xe7, 0 },
        { "TSS", 0xe9, 0 }, { "busy TSS", 0xeb, 0 }, { "call gate", 0xec, 0 }, { "interrupt gate", 0xee, 0 },
        { "trap gate", 0xef, 0 }, { "call gate, DPL 0", 0x8c, 0 }, { "upper half, type 0", 0xe0, 0 },
        { "conforming code, DPL 0", 0x9e, 0xa }, { "conforming code, DPL 1", 0xbf, 0xc },
        { "conforming code, DPL 2", 0xde, 0xa }, { "code both 64-bit and 32-bit", 0xfa, 0x6 },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint64_t d = DESC(bad[i].access, bad[i].flags);

        if (segdesc_check(&d))
            fail_msg("%s was let through", bad[i].what);
        assert_true(d == DESC(bad[i].access, bad[i].flags));
    }
}

static void test_fixed_up(void **state)
{
    static const struct { uint8_t access, flags, becomes; } good[] = {
        { 0xfb, 0xa, 0xfb }, { 0xf3, 0xc, 0xf3 },   /* user's 64-bit code, data */
        { 0x9a, 0xa, 0xfb }, { 0x92, 0xc, 0xf3 },   /* a kernel's: ring 3 here, accessed */
        { 0xba, 0xc, 0xfb }, { 0xfe, 0xa, 0xff },   /* ring 1; conforming of ring 3 */
        { 0x96, 0x4, 0xf7 },                        /* expand-down */
        { 0x00, 0x0, 0x00 }, { 0x0c, 0xf, 0x0c }, { 0x7e, 0x6, 0x7e }, /* not present: whatever it is */
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        uint64_t d = DESC(good[i].access, good[i].flags);

        assert_true(segdesc_check(&d));
        assert_true(d == DESC(good[i].becomes, good[i].flags));
    }
}

/* Whatever comes through is not present, or a code or data segment of ring 3 whose loading writes nothing. */
static void test_all(void **state)
{
    (void)state;
    for (unsigned access = 0; access < 256; access++)
        for (unsigned flags = 0; flags < 16; flags++) {
            uint64_t d = DESC(access, flags), out;
            unsigned a;

            if (!segdesc_check(&d)) {
                assert_true(access & 0x80);
                continue;
            }
            out = d;
            a = (unsigned)(d >> 40) & 0xff;
            if (a & 0x80)
                assert_int_equal(a & 0x71, 0x71);
            else
                assert_int_equal(a, access);
            assert_int_equal(a & ~0x61u, access & ~0x61u);
            assert_true(((d ^ DESC(access, flags)) & ~(0xfful << 40)) == 0);
            assert_true(segdesc_check(&d) && d == out); /* once is enough */
        }
}

static void test_page(void **state)
{
    static uint64_t page[512], was[512];

    (void)state;
    for (unsigned i = 0; i < 512; i++)
        page[i] = DESC(0x92, 0xc);
    assert_true(segdesc_page_check(page));
    for (unsigned i = 0; i < 512; i++)
        assert_true(page[i] == DESC(0xf3, 0xc));
    for (unsigned i = 0; i < 512; i++) {
        page[i] = DESC(0xec, 0);
        memcpy(was, page, sizeof(was));
        assert_false(segdesc_page_check(page));
        assert_memory_equal(page, was, sizeof(was));
        page[i] = DESC(0xf3, 0xc);
    }
    memset(page, 0, sizeof(page));
    assert_true(segdesc_page_check(page));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dangerous), cmocka_unit_test(test_fixed_up), cmocka_unit_test(test_all),
        cmocka_unit_test(test_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
