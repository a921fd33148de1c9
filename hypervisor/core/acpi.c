/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ACPI tables (see acpi.h): the root, the list, then each table that we use.  Numbers
 * are offsets from ACPI 6.5 chapter 5.  Firmware is not trusted: all reading is by
 * blob.h, lengths only ever make what is read smaller, and each list has an end.
 */
#include "core/acpi.h"
#include "core/port.h"
#include "core/string.h"
#include "core/types.h"

#define HEADER_LEN 36u
#define TABLE_MAX  (16u << 20) /* larger is damage */

static bool sum_is_zero(struct blob b)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < b.n; i++)
        sum = (uint8_t)(sum + b.p[i]);
    return !sum;
}

/* ---- the root: 5.2.5 ---- */

static bool rsdp_is_good(struct blob r)
{
    return r.n >= 20 && blob_equals(r, 0, "RSD PTR ", 8) && sum_is_zero(blob_cut(r, 0, 20));
}

/* 16-byte steps through [start, start + len). */
static uint64_t rsdp_scan(uint64_t start, size_t len, phys_map_fn *map)
{
    struct blob area = blob_map(map, start, len);

    for (size_t off = 0; off + 20 <= area.n; off += 16)
        if (rsdp_is_good(blob_cut(area, off, 20)))
            return start + off;
    return 0;
}

/* The first KiB of the extended BIOS data area, then the BIOS itself. */
static uint64_t rsdp_find(phys_map_fn *map)
{
    uint64_t ebda = (uint64_t)blob_u16(blob_map(map, 0x40e, 2), 0) << 4;
    uint64_t found = ebda >= 0x400 && ebda < 0xa0000 ? rsdp_scan(ebda, 1024, map) : 0;

    return found ? found : rsdp_scan(0xe0000, 0x20000, map);
}

/* ---- the list of tables: 5.2.7, 5.2.8 ---- */

/* The whole table at maddr if all about it is right (signature NULL: any), else nothing. */
static struct blob table_map(uint64_t maddr, const char *signature, phys_map_fn *map)
{
    struct blob none = blob_make(NULL, 0), t = blob_map(map, maddr, HEADER_LEN);
    uint32_t len = blob_u32(t, 4);

    if (!maddr || !t.p || (signature && !blob_equals(t, 0, signature, 4)))
        return none;
    if (len < HEADER_LEN || len > TABLE_MAX) {
        log_warn("ACPI: table at %#lx has an impossible length: ignored\n", (unsigned long)maddr);
        return none;
    }
    t = blob_map(map, maddr, len);
    if (!t.p || !sum_is_zero(t)) {
        log_warn("ACPI: table at %#lx has a wrong checksum: ignored\n", (unsigned long)maddr);
        return none;
    }
    return t;
}

static bool table_add(struct acpi_info *a, uint64_t maddr, phys_map_fn *map)
{
    struct blob t = table_map(maddr, NULL, map);
    struct acpi_table *e = &a->tables[a->nr_tables];

    if (!t.n)
        return true;
    if (a->nr_tables == ACPI_TABLES_MAX) {
        log_warn("ACPI: more than %d tables: the rest is ignored\n", ACPI_TABLES_MAX);
        return false;
    }
    a->nr_tables++;
    e->maddr = maddr;
    e->len = (uint32_t)t.n;
    for (int i = 0; i < 4; i++)
        e->signature[i] = t.p[i] >= ' ' && t.p[i] <= '~' ? (char)t.p[i] : '?';
    return true;
}

static bool list_read(struct acpi_info *a, struct blob list, unsigned int entry_len, phys_map_fn *map)
{
    for (uint64_t off = HEADER_LEN; blob_has(list, off, entry_len); off += entry_len)
        if (!table_add(a, blob_number(list, off, entry_len), map))
            break;
    return list.n;
}

static bool root_read(struct acpi_info *a, struct blob rsdp, phys_map_fn *map)
{
    bool extended = rsdp.n >= 36 && blob_u8(rsdp, 15) >= 2;

    a->revision = blob_u8(rsdp, 15);
    if (extended && !sum_is_zero(blob_cut(rsdp, 0, 36)))
        log_warn("ACPI: the root's extended checksum is wrong\n");
    else if (extended && list_read(a, table_map(blob_u64(rsdp, 24), "XSDT", map), 8, map))
        return true;
    return list_read(a, table_map(blob_u32(rsdp, 16), "RSDT", map), 4, map);
}

const struct acpi_table *acpi_table_find(const struct acpi_info *a, const char *signature, unsigned int nth)
{
    for (unsigned int i = 0; i < a->nr_tables; i++)
        if (!memcmp(a->tables[i].signature, signature, 4) && !nth--)
            return &a->tables[i];
    return NULL;
}

static struct blob table_open(const struct acpi_info *a, const char *signature, phys_map_fn *map)
{
    const struct acpi_table *t = acpi_table_find(a, signature, 0);

    return t ? blob_map(map, t->maddr, t->len) : blob_make(NULL, 0);
}

static void full_warn(const char *what)
{
    log_warn("ACPI: too many %s: one ignored\n", what);
}

/* Walk entries of type (1 byte), length (1 byte), content. */
static void entries_walk(struct acpi_info *a, struct blob list,
                         void (*take)(struct acpi_info *, unsigned int type, struct blob))
{
    while (list.n >= 2) {
        uint8_t len = blob_u8(list, 1);

        if (len < 2 || len > list.n) {
            log_warn("ACPI: a table's entry has a wrong length: the rest is ignored\n");
            return;
        }
        take(a, blob_u8(list, 0), blob_cut(list, 0, len));
        list = blob_from(list, len);
    }
}

/* ---- MADT: 5.2.12 ---- */

static void cpu_add(struct acpi_info *a, uint32_t apic_id, uint32_t acpi_id, uint32_t flags, bool x2apic)
{
    if (apic_id == (x2apic ? ~0u : 0xffu))
        return;
    for (unsigned int i = 0; i < a->nr_cpus; i++)
        if (a->cpus[i].apic_id == apic_id) {
            a->cpus[i].enabled |= flags & 1;
            return;
        }
    if (a->nr_cpus == ACPI_CPUS_MAX) {
        full_warn("CPUs");
        return;
    }
    a->cpus[a->nr_cpus++] = (struct acpi_cpu){
        .apic_id = apic_id, .acpi_id = acpi_id, .enabled = flags & 1, .x2apic = x2apic,
    };
}

static void ioapic_add(struct acpi_info *a, struct blob e)
{
    if (a->nr_ioapics == ACPI_IOAPICS_MAX) {
        full_warn("I/O APICs");
        return;
    }
    a->ioapics[a->nr_ioapics++] = (struct acpi_ioapic){
        .id = blob_u8(e, 2), .addr = blob_u32(e, 4), .gsi_base = blob_u32(e, 8),
    };
}

static void override_add(struct acpi_info *a, struct blob e)
{
    uint16_t flags = blob_u16(e, 8);

    if (a->nr_overrides == ACPI_OVERRIDES_MAX) {
        full_warn("interrupt overrides");
        return;
    }
    a->overrides[a->nr_overrides++] = (struct acpi_override){
        .irq = blob_u8(e, 3), .gsi = blob_u32(e, 4), .polarity = flags & 3, .trigger = flags >> 2 & 3,
    };
}

static void nmi_add(struct acpi_info *a, struct acpi_nmi nmi, uint16_t flags)
{
    if (a->nr_nmis == ACPI_NMIS_MAX) {
        full_warn("NMI lines");
        return;
    }
    nmi.polarity = flags & 3;
    nmi.trigger = flags >> 2 & 3;
    a->nmis[a->nr_nmis++] = nmi;
}

static void lapic_nmi_add(struct acpi_info *a, uint32_t acpi_id, uint8_t lint, uint16_t flags)
{
    nmi_add(a, (struct acpi_nmi){ .acpi_id = acpi_id, .lint = lint }, flags);
}

static void madt_take(struct acpi_info *a, unsigned int type, struct blob e)
{
    static const uint8_t min_len[] = { 8, 12, 10, 8, 6, 12, 0, 0, 0, 16, 12 };
    uint8_t id = blob_u8(e, 2);

    if (type < ARRAY_SIZE(min_len) && e.n < min_len[type]) {
        log_warn("ACPI: an interrupt controller's entry is too short: ignored\n");
        return;
    }
    switch (type) {
    case 0: cpu_add(a, blob_u8(e, 3), id, blob_u32(e, 4), false); break;
    case 1: ioapic_add(a, e); break;
    case 2: override_add(a, e); break;
    case 3: nmi_add(a, (struct acpi_nmi){ .gsi_source = true, .gsi = blob_u32(e, 4) }, blob_u16(e, 2)); break;
    case 4: lapic_nmi_add(a, id == 0xff ? ~0u : id, blob_u8(e, 5), blob_u16(e, 3)); break;
    case 5: a->lapic_addr = blob_u64(e, 4); break;
    case 9: cpu_add(a, blob_u32(e, 4), blob_u32(e, 12), blob_u32(e, 8), true); break;
    case 10: lapic_nmi_add(a, blob_u32(e, 4), blob_u8(e, 8), blob_u16(e, 2)); break;
    default: break;
    }
}

static void madt_read(struct acpi_info *a, struct blob t)
{
    if (t.n < 44)
        return;
    a->has_madt = true;
    a->lapic_addr = blob_u32(t, 36);
    a->has_8259 = blob_u32(t, 40) & 1;
    entries_walk(a, blob_from(t, 44), madt_take);
}

/* ---- FADT: 5.2.9 ---- */

static struct acpi_reg reg_read(struct blob t, uint64_t off)
{
    return (struct acpi_reg){
        .space = blob_u8(t, off), .bits = blob_u8(t, off + 1), .addr = blob_u64(t, off + 4),
    };
}

/* The extended register if it is given, else the old I/O port. */
static struct acpi_reg reg_choose(struct blob t, uint64_t ext, uint64_t old, uint8_t bytes)
{
    struct acpi_reg r = reg_read(t, ext);

    if (r.addr)
        return r;
    return (struct acpi_reg){ .space = ACPI_SPACE_IO, .bits = (uint8_t)(8 * bytes), .addr = blob_u32(t, old) };
}

static void fadt_read(struct acpi_info *a, struct blob t, phys_map_fn *map)
{
    uint64_t dsdt = blob_u64(t, 140), facs = blob_u64(t, 132);

    if (t.n < 116)
        return;
    a->has_fadt = true;
    a->sci_irq = blob_u16(t, 46);
    a->smi_cmd = blob_u32(t, 48);
    a->acpi_enable = blob_u8(t, 52);
    a->acpi_disable = blob_u8(t, 53);
    a->boot_arch = blob_u16(t, 109);
    a->flags = blob_u32(t, 112);
    a->pm1_evt_len = blob_u8(t, 88);
    a->pm1a_evt = reg_choose(t, 148, 56, blob_u8(t, 88));
    a->pm1b_evt = reg_choose(t, 160, 60, blob_u8(t, 88));
    a->pm1a_cnt = reg_choose(t, 172, 64, blob_u8(t, 89));
    a->pm1b_cnt = reg_choose(t, 184, 68, blob_u8(t, 89));
    a->pm_tmr = reg_choose(t, 208, 76, blob_u8(t, 91));
    if (a->flags & ACPI_FADT_RESET_REG)
        a->reset = reg_read(t, 116);
    a->reset_value = blob_u8(t, 128);
    a->facs = facs ? facs : blob_u32(t, 36);
    table_add(a, dsdt ? dsdt : blob_u32(t, 40), map);
}

/* ---- HPET (IA-PC HPET 1.0a 3.2.4), MCFG (PCI firmware 3.0 4.1.2) ---- */

static void hpet_read(struct acpi_info *a, struct blob t)
{
    if (t.n < 56 || blob_u8(t, 40) != ACPI_SPACE_MEMORY || !blob_u64(t, 44))
        return;
    a->has_hpet = true;
    a->hpet_id = blob_u32(t, 36);
    a->hpet_addr = blob_u64(t, 44);
    a->hpet_number = blob_u8(t, 52);
}

static void mcfg_read(struct acpi_info *a, struct blob t)
{
    for (uint64_t off = 44; blob_has(t, off, 16); off += 16) {
        struct acpi_mcfg m = {
            .base = blob_u64(t, off), .segment = blob_u16(t, off + 8),
            .bus_first = blob_u8(t, off + 10), .bus_last = blob_u8(t, off + 11),
        };

        if (m.bus_first > m.bus_last || !m.base)
            log_warn("ACPI: PCI configuration space at %#lx makes no sense: ignored\n", (unsigned long)m.base);
        else if (a->nr_mcfg == ACPI_MCFG_MAX)
            full_warn("PCI configuration spaces");
        else
            a->mcfg[a->nr_mcfg++] = m;
    }
}

/* ---- SRAT: 5.2.16, SLIT: 5.2.17 ---- */

static void cpu_set_node(struct acpi_info *a, uint32_t apic_id, uint32_t node)
{
    for (unsigned int i = 0; i < a->nr_cpus; i++)
        if (a->cpus[i].apic_id == apic_id) {
            a->cpus[i].has_node = true;
            a->cpus[i].node = node;
        }
}

static void mem_add(struct acpi_info *a, struct blob e)
{
    uint32_t flags = blob_u32(e, 28);
    struct acpi_mem m = {
        .start = blob_u64(e, 8), .size = blob_u64(e, 16), .node = blob_u32(e, 2),
        .hotplug = flags & 2, .nonvolatile = flags & 4,
    };

    if (!(flags & 1) || !m.size)
        return;
    if (m.size > UINT64_MAX - m.start)
        log_warn("ACPI: a node's memory at %#lx has no end: ignored\n", (unsigned long)m.start);
    else if (a->nr_mems == ACPI_MEMS_MAX)
        full_warn("ranges of node memory");
    else
        a->mems[a->nr_mems++] = m;
}

static void srat_take(struct acpi_info *a, unsigned int type, struct blob e)
{
    uint32_t node = blob_u8(e, 2) | (uint32_t)blob_number(e, 9, 3) << 8;

    if (type == 0 && e.n >= 16 && blob_u32(e, 4) & 1)
        cpu_set_node(a, blob_u8(e, 3), node);
    else if (type == 1 && e.n >= 40)
        mem_add(a, e);
    else if (type == 2 && e.n >= 24 && blob_u32(e, 12) & 1)
        cpu_set_node(a, blob_u32(e, 8), blob_u32(e, 4));
}

static void slit_read(struct acpi_info *a, struct blob t)
{
    uint64_t n = blob_u64(t, 36);

    if (!t.n)
        return;
    if (!n || n > ACPI_NODES_MAX || !blob_has(t, 44, n * n)) {
        log_warn("ACPI: the table of node distances makes no sense: ignored\n");
        return;
    }
    a->nr_distances = (unsigned int)n;
    memcpy(a->distances, t.p + 44, n * n);
}

int acpi_parse(struct acpi_info *a, const void *copy, unsigned int copy_len, phys_map_fn *map)
{
    struct blob rsdp = blob_make(copy, copy_len);

    memset(a, 0, sizeof(*a));
    if (!rsdp_is_good(rsdp)) {
        a->rsdp = rsdp_find(map);
        rsdp = a->rsdp ? blob_map(map, a->rsdp, 36) : blob_make(NULL, 0);
    }
    if (!rsdp_is_good(rsdp) || !root_read(a, rsdp, map)) {
        memset(a, 0, sizeof(*a));
        return -XEN_ENOENT;
    }
    madt_read(a, table_open(a, "APIC", map));
    fadt_read(a, table_open(a, "FACP", map), map);
    hpet_read(a, table_open(a, "HPET", map));
    mcfg_read(a, table_open(a, "MCFG", map));
    entries_walk(a, blob_from(table_open(a, "SRAT", map), 48), srat_take);
    slit_read(a, table_open(a, "SLIT", map));
    return 0;
}
