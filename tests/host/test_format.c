/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/format.c against the C library's snprintf, and at the edges of its buffer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "core/format.h"

/* By pointers, so that the compiler does not judge formats that are odd on purpose. */
static int (*volatile ours)(char *, size_t, const char *, ...) = format_text;
static int (*volatile libc)(char *, size_t, const char *, ...) = snprintf;

/* Both formatters must agree on text and length, for every size of buffer. */
#define CHECK(...) do {                                             \
    char want_[128], got_[128];                                     \
    int n_ = libc(want_, sizeof(want_), __VA_ARGS__);           \
    assert_int_equal(ours(got_, sizeof(got_), __VA_ARGS__), n_); \
    assert_string_equal(got_, want_);                               \
    for (size_t s_ = 0; s_ < 40; s_++)                            \
    {                                                               \
        memset(want_, '#', sizeof(want_));                          \
        memset(got_, '#', sizeof(got_));                            \
        libc(want_, s_, __VA_ARGS__);                           \
        assert_int_equal(ours(got_, s_, __VA_ARGS__), n_);   \
        assert_memory_equal(got_, want_, sizeof(got_));             \
    }                                                               \
} while (0)

static void test_numbers(void **state)
{
    static const char *const flags[] = { "", "-", "0", "#", "+", " ", "-#", "0#", "+0", "- " };
    static const char *const widths[] = { "", "1", "5", "20", ".0", ".1", ".7", "9.4", "3.12" };
    static const struct { const char *mod; } mods[] = { { "" }, { "h" }, { "hh" } };
    static const int values[] = { 0, 1, -1, 7, 8, 255, 256, -128, 65535, 65536, INT_MIN, INT_MAX };
    static const char kinds[] = "diuxXo";

    (void)state;
    for (size_t f = 0; f < sizeof(flags) / sizeof(*flags); f++)
        for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++)
            for (size_t m = 0; m < 3; m++)
                for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++)
                    for (const char *k = kinds; *k; k++)
                    {
                        char fmt[32];

                        snprintf(fmt, sizeof(fmt), "<%%%s%s%s%c>", flags[f], widths[w], mods[m].mod, *k);
                        CHECK(fmt, values[v]);
                    }
}

static void test_long_numbers(void **state)
{
    (void)state;
    CHECK("%ld %lu %lx", LONG_MIN, ULONG_MAX, ULONG_MAX);
    CHECK("%lld %llu %llx %#llX", LLONG_MIN, ULLONG_MAX, 1ull << 63, 0xabcdefull);
    CHECK("%zu %zx %td %jd", (size_t)-1, (size_t)77, (ptrdiff_t)-5, (long)-9);
    CHECK("%lo", ULONG_MAX);
    CHECK("%*d|%-*d|%.*d", 9, 5, 9, 5, 4, 5);
    CHECK("%*d|%.*d", -9, 5, -1, 5);
}

static void test_texts(void **state)
{
    char unended[3] = { 'a', 'b', 'c' };

    (void)state;
    CHECK("plain");
    CHECK("");
    CHECK("100%%");
    CHECK("%s|%10s|%-10s|%.2s|%10.1s", "abc", "abc", "abc", "abc", "abc");
    CHECK("%.3s", unended);
    CHECK("%.0s|", "x");
    CHECK("%c%5c%-5c|", 'a', 'b', 'c');
    CHECK("%p %20p", (void *)0x1234, (void *)0xffff82d080000000ul);
}

static void test_own_rules(void **state)
{
    char buf[64];

    (void)state;
    ours(buf, sizeof(buf), "%s", (char *)NULL);
    assert_string_equal(buf, "(null)");
    ours(buf, sizeof(buf), "%p", NULL);
    assert_string_equal(buf, "0x0");
    assert_int_equal(ours(buf, sizeof(buf), "a %d %k %d", 1, 2), 9);
    assert_string_equal(buf, "a 1 %k %d");
    ours(buf, sizeof(buf), "end %");
    assert_string_equal(buf, "end %");
    ours(buf, sizeof(buf), "end %-08.3ll");
    assert_string_equal(buf, "end %-08.3ll");
    assert_int_equal(ours(NULL, 0, "%d", 12345), 5);
    assert_int_equal(ours(buf, sizeof(buf), "%99999999999d", 1), 4096);
    assert_int_equal(ours(buf, sizeof(buf), "%.99999999999d", 1), 4096);
    assert_int_equal(ours(buf, sizeof(buf), "%*d", INT_MIN, 1), 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_long_numbers),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_own_rules),
    };

    return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
