/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restarting the machine and switching it off.  Tried in turn, gentlest first, because any of them may be missing.
 * No locks: the callers may be in a panic.
 * Manual: ACPI 4.8.3.2 (PM1 control), 4.8.3.6 (reset register).
 */
#include "x86/machine.h"
#include "core/s5.h"
#include "core/string.h"
#include "x86/cpu.h"
#include "x86/log.h"
#include "x86/paging.h"
#include "x86/smp.h"
#include "x86/time.h"

#define SLP_EN       0x2000u
#define SLP_TYP(t)   ((unsigned)(t) << 10)
#define SCI_EN       0x1u
#define SPACE_MEMORY 0
#define SPACE_IO     1
#define SPACE_PCI    2

static struct machine_acpi hw;          /* [const after boot] */
static volatile uint8_t *reset_memory;  /* [const after boot] */
static bool has_s5;                     /* [const after boot] */
static uint8_t s5_a, s5_b;              /* [const after boot] */
static char reboot_first;               /* [const after boot] 0: ACPI */

bool machine_option(const char *name, const char *value)
{
    if (strcmp(name, "reboot") || !*value || !strchr("apkten", *value))
        return false;
    reboot_first = *value;
    return true;
}

void machine_init(const struct machine_acpi *acpi)
{
    hw = *acpi;
    hw.dsdt = NULL;
    if (hw.has_reset && hw.reset_space == SPACE_MEMORY)
        reset_memory = ioremap(hw.reset_address, 1);
    if (acpi->dsdt)
        has_s5 = s5_find(acpi->dsdt, acpi->dsdt_size, &s5_a, &s5_b);
}

/* For good, with the console's last lines out. */
static void stop_others(void)
{
    irq_disable();
    smp_stop_others();
    console_flush();
}

static _Noreturn void machine_halt(void)
{
    stop_others();
    cpu_stop();
}

/* The address of a PCI register as ACPI writes it: bus 0, device 32-47, function 16-31, offset 0-15.  By the raw
 * ports: the lock may be held by a CPU that was stopped. */
static void reset_by_pci(void)
{
    uint64_t a = hw.reset_address;
    unsigned reg = a & 0xff;

    outl(0xcf8, 0x80000000u | (uint32_t)(a >> 32 & 31) << 11 | (uint32_t)(a >> 16 & 7) << 8 | (reg & 0xfc));
    outb((uint16_t)(0xcfc + (reg & 3)), hw.reset_value);
}

static void reset_by_acpi(void)
{
    if (!hw.has_reset)
        return;
    if (hw.reset_space == SPACE_IO)
        outb((uint16_t)hw.reset_address, hw.reset_value);
    else if (hw.reset_space == SPACE_PCI)
        reset_by_pci();
    else if (reset_memory)
        *reset_memory = hw.reset_value;
    delay_us(50000);
}

static void reset_by_cf9(void)
{
    uint8_t v = inb(0xcf9) & ~6u;

    outb(0xcf9, v | 2); /* hard reset chosen ... */
    delay_us(50);
    outb(0xcf9, v | 6); /* ... and done */
    delay_us(50000);
}

static void reset_by_keyboard(void)
{
    for (int i = 0; i < 10; i++) {
        for (unsigned wait = 0; wait < 10000 && (inb(0x64) & 2); wait++)
            delay_us(2);
        outb(0x64, 0xfe);
        delay_us(1000);
    }
}

static void reset_by_fault(void)
{
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } none = { 0, 0 };

    __asm__ volatile("lidt %0; int3" :: "m"(none));
}

_Noreturn void machine_restart(void)
{
    stop_others();
    if (reboot_first == 'n')
        machine_halt();
    if (reboot_first == 't')
        reset_by_fault();
    if (reboot_first == 'k')
        reset_by_keyboard();
    if (reboot_first == 'p')
        reset_by_cf9();
    reset_by_acpi();
    reset_by_cf9();
    reset_by_keyboard();
    reset_by_fault();
    machine_halt();
}

/* Off, if the machine obeys. */
static void pm1_write(unsigned val_a, unsigned val_b)
{
    outw(hw.pm1a_control, (uint16_t)val_a);
    if (hw.pm1b_control)
        outw(hw.pm1b_control, (uint16_t)val_b);
    delay_us(1000000);
}

static unsigned pm1_value(uint16_t port, uint8_t type)
{
    return (port ? inw(port) & SCI_EN : 0u) | SLP_TYP(type) | SLP_EN;
}

_Noreturn void machine_power_off(void)
{
    stop_others();
    if (has_s5 && hw.pm1a_control)
        pm1_write(pm1_value(hw.pm1a_control, s5_a), pm1_value(hw.pm1b_control, s5_b));
    else if (has_s5 && hw.sleep_control)
        outb((uint16_t)hw.sleep_control, (uint8_t)(s5_a << 2 | 0x20));
    log_info("The machine stays on; halted.\n");
    machine_halt();
}

int machine_sleep_off(uint16_t val_a, uint16_t val_b, bool extended)
{
    if (extended ? !hw.sleep_control : !hw.pm1a_control)
        return -XEN_EPERM;
    stop_others();
    if (extended)
        outb((uint16_t)hw.sleep_control, (uint8_t)val_a);
    else
        pm1_write(val_a | SLP_EN, val_b | SLP_EN);
    machine_power_off();
}
