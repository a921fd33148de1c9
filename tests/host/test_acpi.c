/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/acpi.c: a machine's worth of tables built here, then each way in which firmware can be wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "core/acpi.h"
#include "core/types.h"
#include "fake_phys.h"
#include "port_host.h"

enum { RSDP = 0xf5ad0, RSDT = 0x7fe1000, XSDT = 0x7fe1800, TABLES = 0x7fe2000, STEP = 0x1000 };

static struct acpi_info acpi;
static struct writer w;
static uint8_t rsdp[36];
static uint64_t tables[8];
static unsigned int nr_tables;

static int setup(void **state)
{
    (void)state;
    host_reset();
    fake_phys_reset();
    nr_tables = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_phys_reset();
    return 0;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
    uint8_t s = 0;

    while (n--)
        s = (uint8_t)(s + *p++);
    return s;
}

/* ---- building ---- */

static void table_begin(const char *signature)
{
    memset(&w, 0, sizeof(w));
    put_bytes(&w, signature, 4);
    w.n = 36;
}

/* Length and checksum, then to memory; each gets the next place in the list. */
static uint8_t *table_put(uint64_t maddr)
{
    put_at(&w, 4, w.n, 4);
    w.bytes[9] = 0;
    w.bytes[9] = (uint8_t)-sum(w.bytes, w.n);
    return fake_phys_put(maddr, w.bytes, w.n);
}

static uint8_t *table_end(void)
{
    tables[nr_tables] = TABLES + nr_tables * STEP;
    nr_tables++;
    return table_put(tables[nr_tables - 1]);
}

static void lapic(uint8_t acpi_id, uint8_t apic_id, uint32_t flags)
{
    put(&w, 0, 1); put(&w, 8, 1); put(&w, acpi_id, 1); put(&w, apic_id, 1); put(&w, flags, 4);
}

static void x2apic(uint32_t acpi_id, uint32_t apic_id, uint32_t flags)
{
    put(&w, 9, 1); put(&w, 16, 1); put(&w, 0, 2); put(&w, apic_id, 4); put(&w, flags, 4); put(&w, acpi_id, 4);
}

static void madt_begin(void)
{
    table_begin("APIC");
    put(&w, 0xfee00000, 4);
    put(&w, 1, 4);
}

static void build_madt(void)
{
    madt_begin();
    lapic(0, 0, 1);
    lapic(1, 2, 1);
    lapic(2, 4, 0);
    lapic(3, 0xff, 1); /* nobody */
    put(&w, 1, 1); put(&w, 12, 1); put(&w, 5, 1); put(&w, 0, 1); put(&w, 0xfec00000, 4); put(&w, 24, 4);
    put(&w, 2, 1); put(&w, 10, 1); put(&w, 0, 1); put(&w, 0, 1); put(&w, 2, 4); put(&w, 0, 2);
    put(&w, 2, 1); put(&w, 10, 1); put(&w, 0, 1); put(&w, 9, 1); put(&w, 9, 4); put(&w, 0xd, 2);
    put(&w, 3, 1); put(&w, 8, 1); put(&w, 0xf, 2); put(&w, 17, 4);
    put(&w, 4, 1); put(&w, 6, 1); put(&w, 0xff, 1); put(&w, 5, 2); put(&w, 1, 1);
    put(&w, 0x77, 1); put(&w, 3, 1); put(&w, 0, 1); /* unknown */
    x2apic(4, 0x300, 1);
    x2apic(5, 2, 1); /* seen already */
    put(&w, 10, 1); put(&w, 12, 1); put(&w, 0, 2); put(&w, 4, 4); put(&w, 1, 1); put(&w, 0, 3);
    table_end();
}

static void build_fadt(bool extended)
{
    table_begin("FACP");
    w.n = extended ? 244 : 116;
    put_at(&w, 36, 0x7fe0000, 4);
    put_at(&w, 40, 0x7fd0000, 4);
    put_at(&w, 46, 9, 2);
    put_at(&w, 48, 0xb2, 4);
    put_at(&w, 52, 2, 1);
    put_at(&w, 53, 3, 1);
    put_at(&w, 56, 0x600, 4);
    put_at(&w, 64, 0x604, 4);
    put_at(&w, 76, 0x608, 4);
    put_at(&w, 88, 4, 1); put_at(&w, 89, 2, 1); put_at(&w, 91, 4, 1);
    put_at(&w, 109, 2, 2);
    put_at(&w, 112, 0x84a5, 4);
    if (extended)
    {
        put_at(&w, 116, 1, 1); put_at(&w, 117, 8, 1); put_at(&w, 120, 0xcf9, 8); put_at(&w, 128, 0xf, 1);
        put_at(&w, 172, 0, 1); put_at(&w, 173, 16, 1); put_at(&w, 176, 0xfed12340, 8);
    }
    table_end();
    table_begin("DSDT");
    put_bytes(&w, "\x08_S5_", 5);
    table_put(0x7fd0000);
}

static void build_hpet_mcfg(void)
{
    table_begin("HPET");
    put(&w, 0x8086a201, 4); put(&w, 0, 4); put(&w, 0xfed00000, 8); put(&w, 3, 1); put(&w, 0, 3);
    table_end();
    table_begin("MCFG");
    put(&w, 0, 8);
    put(&w, 0xb0000000, 8); put(&w, 0, 2); put(&w, 0, 1); put(&w, 255, 1); put(&w, 0, 4);
    put(&w, 0xc0000000, 8); put(&w, 1, 2); put(&w, 9, 1); put(&w, 8, 1); put(&w, 0, 4); /* backwards */
    table_end();
}

static void build_numa(void)
{
    table_begin("SRAT");
    put(&w, 1, 4); put(&w, 0, 8);
    put(&w, 0, 1); put(&w, 16, 1); put(&w, 1, 1); put(&w, 2, 1); put(&w, 1, 4); put(&w, 0, 1); put(&w, 0, 3); put(&w, 0, 4);
    put(&w, 2, 1); put(&w, 24, 1); put(&w, 0, 2); put(&w, 7, 4); put(&w, 0x300, 4); put(&w, 1, 4); put(&w, 0, 8);
    for (uint64_t i = 0; i < 3; i++)
    {
        put(&w, 1, 1); put(&w, 40, 1); put(&w, i, 4); put(&w, 0, 2);
        put(&w, i << 32, 8); put(&w, i == 2 ? UINT64_MAX : 1u << 30, 8); put(&w, 0, 4);
        put(&w, i == 1 ? 3 : 1, 4); put(&w, 0, 8);
    }
    table_end();
    table_begin("SLIT");
    put(&w, 2, 8);
    put_bytes(&w, "\x0a\x14\x15\x0a", 4);
    table_end();
}

static void build_list(const char *signature, uint64_t maddr, unsigned int len)
{
    table_begin(signature);
    for (unsigned int i = 0; i < nr_tables; i++)
        put(&w, tables[i], len);
    table_put(maddr);
}

static void rsdp_sum(void)
{
    rsdp[8] = rsdp[32] = 0;
    rsdp[8] = (uint8_t)-sum(rsdp, 20);
    rsdp[32] = (uint8_t)-sum(rsdp, 36);
}

static void build_rsdp(uint8_t revision)
{
    memset(&w, 0, sizeof(w));
    put_bytes(&w, "RSD PTR ", 8);
    w.n = 15;
    put(&w, revision, 1); put(&w, RSDT, 4); put(&w, 36, 4); put(&w, XSDT, 8); put(&w, 0, 4);
    memcpy(rsdp, w.bytes, 36);
    rsdp_sum();
}

static void build_machine(void)
{
    build_madt();
    build_fadt(true);
    build_hpet_mcfg();
    build_numa();
    build_list("XSDT", XSDT, 8);
    build_rsdp(2);
}

static int parse(void)
{
    return acpi_parse(&acpi, rsdp, 36, fake_phys_map);
}

/* ---- what is right ---- */

static void test_madt(void **state)
{
    static const struct acpi_cpu cpus[] = {
        { .apic_id = 0, .acpi_id = 0, .enabled = true },
        { .apic_id = 2, .acpi_id = 1, .enabled = true, .has_node = true, .node = 1 },
        { .apic_id = 4, .acpi_id = 2 },
        { .apic_id = 0x300, .acpi_id = 4, .enabled = true, .x2apic = true, .has_node = true, .node = 7 },
    };

    (void)state;
    build_machine();
    assert_int_equal(parse(), 0);
    assert_true(acpi.has_madt && acpi.has_8259);
    assert_int_equal(acpi.lapic_addr, 0xfee00000);
    assert_int_equal(acpi.nr_cpus, ARRAY_SIZE(cpus));
    for (size_t i = 0; i < ARRAY_SIZE(cpus); i++)
    {
        assert_int_equal(acpi.cpus[i].apic_id, cpus[i].apic_id);
        assert_int_equal(acpi.cpus[i].acpi_id, cpus[i].acpi_id);
        assert_int_equal(acpi.cpus[i].enabled, cpus[i].enabled);
        assert_int_equal(acpi.cpus[i].x2apic, cpus[i].x2apic);
        assert_int_equal(acpi.cpus[i].has_node, cpus[i].has_node);
        assert_int_equal(acpi.cpus[i].node, cpus[i].node);
    }
    assert_int_equal(acpi.nr_ioapics, 1);
    assert_int_equal(acpi.ioapics[0].id, 5);
    assert_int_equal(acpi.ioapics[0].addr, 0xfec00000);
    assert_int_equal(acpi.ioapics[0].gsi_base, 24);
    assert_int_equal(acpi.nr_overrides, 2);
    assert_int_equal(acpi.overrides[0].gsi, 2);
    assert_int_equal(acpi.overrides[1].irq, 9);
    assert_int_equal(acpi.overrides[1].polarity, 1);
    assert_int_equal(acpi.overrides[1].trigger, 3);
    assert_int_equal(acpi.nr_nmis, 3);
    assert_true(acpi.nmis[0].gsi_source && acpi.nmis[0].gsi == 17 && acpi.nmis[0].trigger == 3);
    assert_true(acpi.nmis[1].acpi_id == ~0u && acpi.nmis[1].lint == 1 && acpi.nmis[1].polarity == 1);
    assert_true(acpi.nmis[2].acpi_id == 4 && acpi.nmis[2].lint == 1);
}

static void test_fadt(void **state)
{
    (void)state;
    build_machine();
    assert_int_equal(parse(), 0);
    assert_true(acpi.has_fadt);
    assert_int_equal(acpi.sci_irq, 9);
    assert_int_equal(acpi.smi_cmd, 0xb2);
    assert_int_equal(acpi.acpi_enable, 2);
    assert_int_equal(acpi.boot_arch, 2);
    assert_int_equal(acpi.flags, 0x84a5);
    assert_int_equal(acpi.pm1a_evt.addr, 0x600);
    assert_int_equal(acpi.pm1a_evt.space, ACPI_SPACE_IO);
    assert_int_equal(acpi.pm1a_evt.bits, 32);
    assert_int_equal(acpi.pm1a_cnt.addr, 0xfed12340);
    assert_int_equal(acpi.pm1a_cnt.space, ACPI_SPACE_MEMORY);
    assert_int_equal(acpi.pm1b_cnt.addr, 0);
    assert_int_equal(acpi.pm_tmr.addr, 0x608);
    assert_int_equal(acpi.reset.addr, 0xcf9);
    assert_int_equal(acpi.reset_value, 0xf);
    assert_int_equal(acpi.facs, 0x7fe0000);
    assert_non_null(acpi_table_find(&acpi, "DSDT", 0));
    assert_int_equal(acpi_table_find(&acpi, "DSDT", 0)->maddr, 0x7fd0000);
    assert_null(acpi_table_find(&acpi, "DSDT", 1));
}

static void test_others(void **state)
{
    (void)state;
    build_machine();
    assert_int_equal(parse(), 0);
    assert_true(acpi.has_hpet);
    assert_int_equal(acpi.hpet_addr, 0xfed00000);
    assert_int_equal(acpi.hpet_id, 0x8086a201);
    assert_int_equal(acpi.hpet_number, 3);
    assert_int_equal(acpi.nr_mcfg, 1);
    assert_int_equal(acpi.mcfg[0].base, 0xb0000000);
    assert_int_equal(acpi.mcfg[0].bus_last, 255);
    assert_int_equal(acpi.nr_mems, 2);
    assert_int_equal(acpi.mems[1].start, 1ul << 32);
    assert_int_equal(acpi.mems[1].node, 1);
    assert_true(acpi.mems[1].hotplug && !acpi.mems[0].hotplug);
    assert_int_equal(acpi.nr_distances, 2);
    assert_int_equal(acpi.distances[0 * 2 + 1], 20);
    assert_int_equal(acpi.distances[1 * 2 + 0], 21);
}

/* ACPI 1: only an RSDT, a short FADT, no extended root; found by looking for it. */
static void test_old_machine(void **state)
{
    static uint8_t bios[0x20000];
    uint8_t ebda_pointer[2] = { 0xc0, 0x9f };

    (void)state;
    build_fadt(false);
    build_list("RSDT", RSDT, 4);
    build_rsdp(0);
    memset(bios, 0, sizeof(bios));
    memcpy(bios + (RSDP - 0xe0000), rsdp, 36);
    memcpy(bios + 0x100, "RSD PTR ", 8); /* but a wrong checksum */
    fake_phys_put(0x40e, ebda_pointer, 2);
    fake_phys_put(0xe0000, bios, sizeof(bios));
    assert_int_equal(acpi_parse(&acpi, NULL, 0, fake_phys_map), 0);
    assert_int_equal(acpi.rsdp, RSDP);
    assert_true(acpi.has_fadt && !acpi.has_madt);
    assert_int_equal(acpi.pm1a_cnt.addr, 0x604);
    assert_int_equal(acpi.pm1a_cnt.bits, 16);
    assert_int_equal(acpi.reset.addr, 0);
    assert_int_equal(acpi.nr_tables, 2);
    /* The EBDA comes first. */
    memset(bios, 0, 1024);
    memcpy(bios + 0x3e0, rsdp, 20);
    fake_phys_put(0x9fc00, bios, 1024);
    assert_int_equal(acpi_parse(&acpi, NULL, 0, fake_phys_map), 0);
    assert_int_equal(acpi.rsdp, 0x9fc00 + 0x3e0);
}

/* ---- what is wrong ---- */

static void test_bad_root(void **state)
{
    (void)state;
    build_machine();
    rsdp[0] = 'r';
    rsdp_sum();
    assert_int_equal(parse(), -XEN_ENOENT);
    rsdp[0] = 'R';
    rsdp_sum();
    rsdp[9] ^= 1;
    assert_int_equal(parse(), -XEN_ENOENT);
    rsdp[9] ^= 1;
    assert_int_equal(acpi_parse(&acpi, rsdp, 19, fake_phys_map), -XEN_ENOENT);
    /* Without its extended part there's only the RSDT, which isn't here. */
    assert_int_equal(acpi_parse(&acpi, rsdp, 20, fake_phys_map), -XEN_ENOENT);
    assert_int_equal(acpi.nr_tables, 0);
    build_list("RSDT", RSDT, 4);
    assert_int_equal(acpi_parse(&acpi, rsdp, 20, fake_phys_map), 0);
    rsdp[32] ^= 1;
    assert_int_equal(parse(), 0);
    assert_int_equal(acpi.nr_tables, 7 + 0);
}

static void test_bad_tables(void **state)
{
    uint8_t *hpet, *slit;

    (void)state;
    table_begin("HPET");
    w.n = 56;
    put_at(&w, 44, 0xfed00000, 8);
    hpet = table_end();
    table_begin("SLIT");
    put(&w, 65, 8);
    slit = table_end();
    tables[nr_tables++] = 0xdead0000; /* nothing there */
    tables[nr_tables++] = 0;
    build_list("XSDT", XSDT, 8);
    build_rsdp(2);
    assert_int_equal(parse(), 0);
    assert_int_equal(acpi.nr_tables, 2);
    assert_true(acpi.has_hpet && !acpi.nr_distances);
    hpet[50] ^= 4; /* checksum */
    assert_int_equal(parse(), 0);
    assert_false(acpi.has_hpet);
    hpet[50] ^= 4;
    hpet[4] = 35; /* length */
    assert_int_equal(parse(), 0);
    assert_false(acpi.has_hpet);
    hpet[7] = 0xff;
    assert_int_equal(parse(), 0);
    assert_false(acpi.has_hpet);
    slit[36] = 0; /* no nodes, in a table that is right otherwise */
    slit[9] = (uint8_t)(slit[9] + 65);
    assert_int_equal(parse(), 0);
    assert_non_null(acpi_table_find(&acpi, "SLIT", 0));
    assert_int_equal(acpi.nr_distances, 0);
}

static void check_madt_end(unsigned int cpus)
{
    table_end();
    build_list("XSDT", XSDT, 8);
    build_rsdp(2);
    assert_int_equal(parse(), 0);
    assert_int_equal(acpi.nr_cpus, cpus);
    assert_true(host_log_count(LOG_WARN) > 0);
}

static void test_madt_entry_too_long(void **state)
{
    (void)state;
    madt_begin();
    lapic(0, 0, 1);
    lapic(1, 1, 1);
    w.bytes[w.n - 7] = 9;
    check_madt_end(1);
}

static void test_madt_entry_too_short(void **state)
{
    (void)state;
    madt_begin();
    lapic(0, 0, 1);
    put(&w, 1, 1); put(&w, 11, 1); put(&w, 0, 9);
    lapic(1, 1, 1);
    check_madt_end(2);
    assert_int_equal(acpi.nr_ioapics, 0);
}

static void test_madt_entry_empty(void **state)
{
    (void)state;
    madt_begin();
    lapic(0, 0, 1);
    put(&w, 0, 8);
    lapic(1, 1, 1);
    check_madt_end(1);
}

static void test_too_many_cpus(void **state)
{
    (void)state;
    madt_begin();
    for (uint32_t i = 0; i < ACPI_CPUS_MAX + 3; i++)
        x2apic(i, i, 1);
    check_madt_end(ACPI_CPUS_MAX);
    assert_int_equal(host_log_count(LOG_WARN), 3);
}

static void test_short_tables(void **state)
{
    static const char *const names[] = { "APIC", "FACP", "HPET", "MCFG", "SRAT", "SLIT" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
    {
        table_begin(names[i]);
        table_end();
    }
    build_list("XSDT", XSDT, 8);
    build_rsdp(2);
    assert_int_equal(parse(), 0);
    assert_int_equal(acpi.nr_tables, 6);
    assert_false(acpi.has_madt || acpi.has_fadt || acpi.has_hpet || acpi.nr_mcfg || acpi.nr_mems);
}

static void test_too_many_tables(void **state)
{
    (void)state;
    table_begin("SSDT");
    table_end();
    table_begin("XSDT");
    for (int i = 0; i < 1000; i++)
        put(&w, tables[0], 8);
    table_put(XSDT);
    build_rsdp(2);
    assert_int_equal(parse(), 0);
    assert_int_equal(acpi.nr_tables, ACPI_TABLES_MAX);
    assert_int_equal(host_log_count(LOG_WARN), 1);
    assert_non_null(acpi_table_find(&acpi, "SSDT", ACPI_TABLES_MAX - 1));
    assert_null(acpi_table_find(&acpi, "SSDT", ACPI_TABLES_MAX));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest all[] = {
        TEST(test_madt),
        TEST(test_fadt),
        TEST(test_others),
        TEST(test_old_machine),
        TEST(test_bad_root),
        TEST(test_bad_tables),
        TEST(test_madt_entry_too_long),
        TEST(test_madt_entry_too_short),
        TEST(test_madt_entry_empty),
        TEST(test_too_many_cpus),
        TEST(test_short_tables),
        TEST(test_too_many_tables),
    };

    return cmocka_run_group_tests_name("acpi", all, NULL, NULL);
}
