/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the hypervisor itself needs of the firmware's ACPI tables.  All the rest is dom0's. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "core/blob.h"

#define ACPI_TABLES_MAX    128
#define ACPI_CPUS_MAX      1024
#define ACPI_IOAPICS_MAX   64
#define ACPI_OVERRIDES_MAX 64
#define ACPI_NMIS_MAX      64
#define ACPI_MCFG_MAX      64
#define ACPI_MEMS_MAX      256
#define ACPI_NODES_MAX     64

#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO     1
#define ACPI_SPACE_PCI    2

#define ACPI_FADT_PWR_BUTTON     (1u << 4) /* no fixed power button (a control method instead) */
#define ACPI_FADT_TMR_VAL_EXT    (1u << 8) /* PM timer is 32 bits wide, else 24 */
#define ACPI_FADT_RESET_REG      (1u << 10)
#define ACPI_FADT_APIC_PHYSICAL  (1u << 19)
#define ACPI_FADT_APIC_CLUSTER   (1u << 18)
#define ACPI_FADT_HW_REDUCED     (1u << 20)
#define ACPI_BOOT_LEGACY_DEVICES (1u << 0)
#define ACPI_BOOT_8042           (1u << 1)
#define ACPI_BOOT_NO_VGA         (1u << 2)
#define ACPI_BOOT_NO_MSI         (1u << 3)
#define ACPI_BOOT_NO_CMOS_RTC    (1u << 5)

/* A register of fixed hardware (ACPI 6.5 5.2.3.2); addr 0: it isn't there. */
struct acpi_reg {
    uint8_t space, bits;
    uint64_t addr;
};

struct acpi_table {
    char signature[5];
    uint64_t maddr;
    uint32_t len; /* with its header */
};

struct acpi_cpu {
    uint32_t apic_id, acpi_id;
    bool enabled; /* else it may only be plugged in later */
    bool x2apic;  /* named by an x2APIC entry */
    bool has_node;
    uint32_t node; /* proximity domain, if has_node */
};

struct acpi_ioapic {
    uint8_t id;
    uint32_t addr, gsi_base;
};

/* ISA interrupt irq arrives at gsi.  Polarity and trigger as MPS flags: 0 as the bus has it,
 * polarity 1 high 3 low, trigger 1 edge 3 level. */
struct acpi_override {
    uint8_t irq, polarity, trigger;
    uint32_t gsi;
};

/* An NMI at a local APIC's pin (acpi_id ~0u: of each), or if gsi_source at an I/O APIC's. */
struct acpi_nmi {
    bool gsi_source;
    uint32_t acpi_id, gsi;
    uint8_t lint, polarity, trigger;
};

struct acpi_mcfg {
    uint64_t base;
    uint16_t segment;
    uint8_t bus_first, bus_last;
};

struct acpi_mem {
    uint64_t start, size;
    uint32_t node; /* proximity domain */
    bool hotplug, nonvolatile;
};

struct acpi_info {
    uint64_t rsdp;   /* machine address where it was found; 0: the loader's copy was used */
    uint8_t revision; /* of the RSDP */
    unsigned int nr_tables;
    struct acpi_table tables[ACPI_TABLES_MAX]; /* checksums are good; the DSDT is one of them */

    bool has_madt;
    uint64_t lapic_addr;
    bool has_8259;
    unsigned int nr_cpus;
    struct acpi_cpu cpus[ACPI_CPUS_MAX]; /* in the table's order, each APIC once */
    unsigned int nr_ioapics;
    struct acpi_ioapic ioapics[ACPI_IOAPICS_MAX];
    unsigned int nr_overrides;
    struct acpi_override overrides[ACPI_OVERRIDES_MAX];
    unsigned int nr_nmis;
    struct acpi_nmi nmis[ACPI_NMIS_MAX];

    bool has_fadt;
    uint16_t sci_irq, boot_arch;
    uint32_t flags; /* ACPI_FADT_ */
    uint32_t smi_cmd;
    uint8_t acpi_enable, acpi_disable;
    struct acpi_reg pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm_tmr, reset; /* reset: only if flags has it */
    uint8_t pm1_evt_len, reset_value;
    uint64_t facs;

    bool has_hpet;
    uint64_t hpet_addr;
    uint32_t hpet_id;
    uint8_t hpet_number;

    unsigned int nr_mcfg;
    struct acpi_mcfg mcfg[ACPI_MCFG_MAX];

    unsigned int nr_mems;
    struct acpi_mem mems[ACPI_MEMS_MAX];
    unsigned int nr_distances; /* SLIT: distances[from * nr_distances + to]; 0: none */
    uint8_t distances[ACPI_NODES_MAX * ACPI_NODES_MAX];
};

/*
 * Find the root (copy, copy_len: the boot loader's copy, if copy_len is not 0; else it's looked
 * for where a BIOS puts it) and read the tables below it into *a (40 KiB: not for the stack).
 * map reaches machine memory.  A table with a bad checksum or length, or an entry that makes no sense,
 * is left out with a warning in the log; so is what exceeds the arrays.
 * 0, or -XEN_ENOENT if there is no usable root: *a is all zero then.
 */
int acpi_parse(struct acpi_info *a, const void *copy, unsigned int copy_len, phys_map_fn *map);

/* The nth (from 0) table of this signature, or NULL. */
const struct acpi_table *acpi_table_find(const struct acpi_info *a, const char *signature, unsigned int nth);
