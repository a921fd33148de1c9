/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as ACPI tables: a good root and list, then tables whose checksums are made right. */
/* fuzz-options: -max_len=1500 */
#include "core/acpi.h"
#include "fake_phys.h"

enum { XSDT = 0x1000, TABLES = 0x10000, STEP = 0x1000, TABLES_NR = 6 };

static void sum_fix(uint8_t *p, size_t n, size_t at)
{
    uint8_t s = 0;

    p[at] = 0;
    for (size_t i = 0; i < n; i++)
        s = (uint8_t)(s + p[i]);
    p[at] = (uint8_t)-s;
}

/* A table with this content; its length field may lie, if the input says so. */
static void table_put(uint64_t maddr, const char *signature, const uint8_t *data, size_t n, bool lie)
{
    struct writer w = { .n = 0 };

    put_bytes(&w, signature, 4);
    put(&w, 36 + n + (lie ? n * 37 : 0), 4);
    w.n = 36;
    put_bytes(&w, data, n);
    sum_fix(w.bytes, w.n, 9);
    fake_phys_put(maddr, w.bytes, w.n);
}

static void list_put(uint8_t rsdp[36])
{
    uint64_t list[TABLES_NR];

    for (int i = 0; i < TABLES_NR; i++)
        list[i] = TABLES + (uint64_t)i * STEP;
    table_put(XSDT, "XSDT", (const uint8_t *)list, sizeof(list), false);
    memset(rsdp, 0, 36);
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = 2;
    rsdp[25] = XSDT >> 8;
    sum_fix(rsdp, 20, 8);
    sum_fix(rsdp, 36, 32);
}

static void info_check(const struct acpi_info *a)
{
    if (a->nr_cpus > ACPI_CPUS_MAX || a->nr_ioapics > ACPI_IOAPICS_MAX || a->nr_tables > ACPI_TABLES_MAX ||
        a->nr_overrides > ACPI_OVERRIDES_MAX || a->nr_nmis > ACPI_NMIS_MAX || a->nr_mcfg > ACPI_MCFG_MAX ||
        a->nr_mems > ACPI_MEMS_MAX || a->nr_distances > ACPI_NODES_MAX)
        abort();
    for (unsigned int i = 0; i < a->nr_cpus; i++)
        for (unsigned int j = 0; j < i; j++)
            if (a->cpus[i].apic_id == a->cpus[j].apic_id)
                abort();
    for (unsigned int i = 0; i < a->nr_mems; i++)
        if (!a->mems[i].size || a->mems[i].size > UINT64_MAX - a->mems[i].start)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[TABLES_NR] = { "APIC", "FACP", "HPET", "MCFG", "SRAT", "SLIT" };
    static struct acpi_info info;
    uint8_t rsdp[36];

    list_put(rsdp);
    for (int i = 0; i < TABLES_NR && size; i++)
    {
        size_t n = data[0] * 2u < size - 1 ? data[0] * 2u : size - 1;

        table_put(TABLES + (uint64_t)i * STEP, names[i], data + 1, n, data[0] == 99);
        data += 1 + n;
        size -= 1 + n;
    }
    if (!acpi_parse(&info, rsdp, 36, fake_phys_map))
        info_check(&info);
    /* And without any framing. */
    fake_phys_reset();
    fake_phys_put(0xe0000, data, size);
    if (!acpi_parse(&info, NULL, 0, fake_phys_map))
        info_check(&info);
    fake_phys_reset();
    return 0;
}
