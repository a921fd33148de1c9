/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other CPUs: starting them, sending them interrupts and functions. */
#pragma once

#include "x86/cpumask.h"
#include "x86/tlb.h"

/* Run fn(data) on each CPU of the mask that is up (here too, if it is in), and wait until all are done.
 * Interrupts must be on (unless the mask holds this CPU only). fn runs in interrupt context. */
void smp_call(const cpumask_t *mask, void (*fn)(void *), void *data);
/* The same on all CPUs that are up at once: none is in fn before all have arrived, none goes on before all are through. */
void smp_call_together(void (*fn)(void *), void *data);
/* Any context. */
void smp_send_ipi(unsigned cpu, unsigned vector);

/* The APIC id of a CPU. [const after boot] */
uint32_t smp_apic_id(unsigned cpu);
uint32_t smp_acpi_id(unsigned cpu);

/* Boot: name the CPUs (number 0 is the one we run on; apic_ids[0] its id). */
void smp_init(const uint32_t *apic_ids, const uint32_t *acpi_ids, unsigned n);
/* Make the boot CPU's block and percpu area. First thing of all. */
void smp_init_boot_cpu(void);
/* Start all CPUs that smp_init() named: each enters ap_main() (boot/main.c), which ends with smp_cpu_is_up().  Those
 * that don't answer are left out, with a warning. */
void smp_boot_all(void);
void smp_cpu_is_up(void);
/* Stop all other CPUs for good (panic, reboot). Any context. */
void smp_stop_others(void);
