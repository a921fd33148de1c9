/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's power: restart, off, halt. */
#pragma once

#include "core/types.h"

/* From ACPI's FADT and DSDT; zeroes for what isn't there. */
struct machine_acpi {
    uint8_t reset_space;     /* ACPI address space: 0 memory, 1 I/O, 2 PCI configuration */
    bool has_reset;          /* the FADT flag RESET_REG_SUP */
    uint64_t reset_address;
    uint8_t reset_value;
    uint16_t pm1a_control, pm1b_control; /* I/O ports */
    uint64_t sleep_control;  /* hardware-reduced ACPI's register (I/O port), 0: none */
    const uint8_t *dsdt;     /* its byte code (behind the table's header), readable now; NULL: none */
    size_t dsdt_size;
};

/* Option reboot=a|p|k|t|e|n (ACPI, port CF9, keyboard controller, triple fault, EFI = ACPI, none): as log_option(). */
bool machine_option(const char *name, const char *value);
/* Boot, after ioremap() works. */
void machine_init(const struct machine_acpi *acpi);

/* Any CPU, any context, interrupts on or off; panic too. */
_Noreturn void machine_restart(void);
/* Off by ACPI's S5; if the machine has no such thing, or stays on, halt. */
_Noreturn void machine_power_off(void);

/* XENPF_enter_acpi_sleep for S5 with dom0's register values.  Returns only with -XEN_EPERM: no such register. */
int machine_sleep_off(uint16_t val_a, uint16_t val_b, bool extended);
