/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC of this CPU, in xAPIC or x2APIC mode: registers, interrupts to other CPUs, timer. */
#pragma once

#include "core/types.h"

/* Command line `x2apic=`: -1 not given, 0 off, 1 on even where the machine gives no reason to. Set before apic_init_bsp(). */
extern int opt_x2apic;

/* BSP, once, after ioremap() works: silences the 8259s, chooses the mode, maps the registers, then apic_init_cpu(). */
void apic_init_bsp(void);
/* Each other CPU, on itself, interrupts off: same mode as the BSP; enabled, all lines but the timer's own masked. */
void apic_init_cpu(void);

uint32_t apic_id(void); /* of this CPU */
void apic_eoi(void);
/* Is `vector` in service on this CPU? */
bool apic_in_service(unsigned vector);
/* Is `vector` waiting for this CPU? */
bool apic_requested(unsigned vector);
uint64_t apic_error_count(void);

/* One interrupt to one CPU, by physical destination. Any context; what this CPU wrote to memory before is visible to the handler. */
void apic_send_ipi(uint32_t apicid, uint8_t vector);
/* INIT, then two start-up IPIs: the CPU begins in real mode at startup_vector << 12.  Takes 10 ms. */
void apic_start_cpu(uint32_t apicid, uint8_t startup_vector);

/*
 * The timer, VECTOR_TIMER, one shot.  apic_timer_init() on each CPU; it uses TSC deadlines where the CPU has them
 * (apic_timer_is_deadline()), else a counter that runs at the bus clock, undivided.
 */
void apic_timer_init(void);
bool apic_timer_is_deadline(void);
/* Deadline mode: fire when the TSC reaches v.  Counter mode: fire after v ticks (at most 2^32-1, which the caller must
 * take as "look again then").  0 stops it.  Replaces what was set. */
void apic_timer_oneshot(uint64_t v);
/* Counter mode: ticks still to go.  For calibration. */
uint32_t apic_timer_count(void);
/* Counter mode even if there are deadlines, not raising interrupts: for calibrating. */
void apic_timer_count_from(uint32_t ticks);
