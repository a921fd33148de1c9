/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/rtc.c against the C library's calendar. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <time.h>
#include <cmocka.h>
#include "core/rtc.h"

static uint8_t bcd(int v)
{
    return (uint8_t)(v / 10 << 4 | v % 10);
}

static void test_days(void **state)
{
    (void)state;
    assert_int_equal(date_to_days(1970, 1, 1), 0);
    assert_int_equal(date_to_days(2000, 2, 29), 11016);
    assert_int_equal(date_to_days(2100, 3, 1), 47541);
}

/* Both number formats and both hour formats, every 6 hours and some of 130 years. */
static void test_against_libc(void **state)
{
    (void)state;
    for (time_t t = 0; t < 4102444800; t += 6 * 3600 + 7 * 60 + 11) {
        struct tm tm;
        struct rtc_regs r = { .status_b = (uint8_t)(t % 4 << 1) };
        bool h24 = r.status_b & 2, bin = r.status_b & 4;
        uint64_t got;
        int h;

        gmtime_r(&t, &tm);
        h = h24 ? tm.tm_hour : (tm.tm_hour + 11) % 12 + 1;
#define PUT(v) (bin ? (uint8_t)(v) : bcd(v))
        r.second = PUT(tm.tm_sec);
        r.minute = PUT(tm.tm_min);
        r.hour = (uint8_t)(PUT(h) | (!h24 && tm.tm_hour >= 12 ? 0x80 : 0));
        r.day = PUT(tm.tm_mday);
        r.month = PUT(tm.tm_mon + 1);
        r.year = PUT(tm.tm_year % 100);
        r.century = t < 3155760000 && t % 3 ? 0 : PUT((tm.tm_year + 1900) / 100);
        assert_true(rtc_decode(&r, &got));
        assert_int_equal(got, t);
    }
}

static void test_refusals(void **state)
{
    const struct rtc_regs good = { 1, 2, 3, 4, 5, 6, 20, 6 };
    struct rtc_regs r;
    uint64_t got;

    (void)state;
    assert_true(rtc_decode(&good, &got));
    r = good, r.month = 13;
    assert_false(rtc_decode(&r, &got));
    r = good, r.month = 0;
    assert_false(rtc_decode(&r, &got));
    r = good, r.day = 0;
    assert_false(rtc_decode(&r, &got));
    r = good, r.hour = 24;
    assert_false(rtc_decode(&r, &got));
    r = good, r.minute = 60;
    assert_false(rtc_decode(&r, &got));
    r = good, r.second = 0xff;
    assert_false(rtc_decode(&r, &got));
    r = good, r.status_b = 4, r.hour = 13;
    assert_false(rtc_decode(&r, &got));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_against_libc),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
