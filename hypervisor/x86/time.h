/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's clocks: TSC scale, platform counter, hardware timer, CMOS clock.  Guests' clocks are in kern/vtime.h.
 */
#pragma once

#include "core/types.h"

/* Where the platform's counters are, from ACPI; 0: none. */
struct time_hw {
    uint64_t hpet;      /* maddr of its registers */
    uint16_t pm_timer;  /* I/O port */
    bool pm_timer_32;   /* its counter has 32 bits, else 24 */
    bool no_cmos_rtc;   /* FADT says that there is no CMOS clock */
    uint8_t cmos_century; /* CMOS index of the century, 0: none */
};

/* Options clocksource=hpet|acpi|pit|tsc, tsc=stable|unstable.  As log_option(). */
bool time_option(const char *name, const char *value);

/* BSP, when ioremap() works: choose the platform clock, measure the TSC roughly (10 ms), system time starts. */
void time_init(const struct time_hw *hw);
/* Each other CPU, on itself, interrupts off, after time_init(). */
void time_init_cpu(void);
/*
 * BSP, all CPUs online, before the first guest: measure the TSC again over all the time since time_init(),
 * check that the CPUs' TSCs agree, and start the periodic correction if the TSC can't be relied on.
 */
void time_init_late(void);

/* System time: monotonic, the same on all CPUs. */
/* ns since boot.  Any context. */
uint64_t time_now(void);

uint64_t tsc_hz(void);
bool tsc_is_stable(void);

/* Busy-wait.  Any context, also before time_init() (then a guess: rather longer). */
void delay_us(unsigned us);

/* This CPU's hardware timer: interrupt at system time `deadline`, or a little earlier.  False: it is past, nothing has
 * changed.  Interrupts off. */
bool hwtimer_set(uint64_t deadline);
/* This CPU's, before hwtimer_set(): interrupts off.  BSP first. */
/* This CPU goes out of use, in which its clock isn't corrected, or is back.  Interrupts off. */
void time_leave_cpu(void);
void time_return_cpu(void);
void hwtimer_init_cpu(void);

/* The wall clock at system time 0, ns since 1970 (UTC). */
uint64_t wallclock_base(void);

/* Debug keys. */
void time_dump(void);
