/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dates from the CMOS clock.  No state. */
#include "core/rtc.h"

#define RTC_24H    2
#define RTC_BINARY 4
#define RTC_PM     0x80

uint64_t date_to_days(unsigned year, unsigned month, unsigned day)
{
    /* Years that start in March: the leap day is the last. */
    uint64_t y = month > 2 ? year : year - 1;
    uint64_t m = month > 2 ? month - 3 : month + 9;

    return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static unsigned number(const struct rtc_regs *r, unsigned v)
{
    return r->status_b & RTC_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static unsigned hours(const struct rtc_regs *r)
{
    unsigned h;

    if (r->status_b & RTC_24H)
        return number(r, r->hour);
    h = number(r, r->hour & 0x7fu);
    if (h < 1 || h > 12)
        return 24;
    return h % 12 + (r->hour & RTC_PM ? 12 : 0);
}

bool rtc_decode(const struct rtc_regs *r, uint64_t *seconds)
{
    unsigned century = number(r, r->century), year = number(r, r->year);
    unsigned month = number(r, r->month), day = number(r, r->day), hour = hours(r);
    unsigned minute = number(r, r->minute), second = number(r, r->second);

    if (century < 19 || century > 29)
        century = year < 70 ? 20 : 19;
    year += century * 100;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return false;
    *seconds = ((date_to_days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    return true;
}
