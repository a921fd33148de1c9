/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CMOS clock's registers as seconds since 1970 (MC146818A). */
#pragma once

#include "core/types.h"

/* As read; hour's bit 7 is "p.m." in 12-hour mode; century 0: not known. */
struct rtc_regs {
    uint8_t second, minute, hour, day, month, year, century;
    uint8_t status_b; /* bit 1: 24-hour mode, bit 2: binary, else BCD */
};

/* Seconds since 1970-01-01 00:00 UTC, taking the clock as UTC.  False if the registers hold no date. */
bool rtc_decode(const struct rtc_regs *r, uint64_t *seconds);
/* Days since 1970-01-01 of a date of the Gregorian calendar, year >= 1970, month 1-12. */
uint64_t date_to_days(unsigned year, unsigned month, unsigned day);
