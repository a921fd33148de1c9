/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/bootinfo.c: both protocols as loaders write them, damaged ones, and the memory map's arithmetic. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include "core/bootinfo.h"
#include "core/types.h"
#include "fake_phys.h"
#include "port_host.h"

static struct boot_info info;
static struct writer w;
static const char *why;

static int setup(void **state)
{
    (void)state;
    host_reset();
    fake_phys_reset();
    memset(&info, 0, sizeof(info));
    memset(&w, 0, sizeof(w));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_phys_reset();
    return 0;
}

static int parse(uint32_t magic, uint64_t maddr)
{
    return bootinfo_parse(&info, magic, maddr, fake_phys_map, &why);
}

static void check_range(unsigned int i, uint64_t start, uint64_t size, uint32_t type)
{
    assert_true(i < info.nr_e820);
    assert_int_equal(info.e820[i].start, start);
    assert_int_equal(info.e820[i].size, size);
    assert_int_equal(info.e820[i].type, type);
}

/* ---- Multiboot 1 ---- */

enum { MB1_AT = 0x9000, MODS_AT = 0xa000, MMAP_AT = 0xb000, TEXT_AT = 0xcff8 };

/* Info, two modules, a map, texts that cross a page: as QEMU and GRUB leave them. */
static uint8_t *mb1_build(uint32_t flags)
{
    static const char texts[] = "hospes dom0_mem=512M\0vmlinuz root=/dev/vda\0initrd\0qemu";

    put(&w, 0, 4); put(&w, 0, 4); put(&w, 0x1000, 8); put(&w, 0x1010, 0);
    put(&w, 20, 4); put(&w, 0, 8); put(&w, 0x9fc00, 8); put(&w, 1, 4);
    put(&w, 20, 4); put(&w, 0x100000, 8); put(&w, 0x3ff00000, 8); put(&w, 1, 4);
    fake_phys_put(MMAP_AT, w.bytes + 16, w.n - 16);
    w.n = 0;
    put(&w, 0x200000, 4); put(&w, 0x300000, 4); put(&w, TEXT_AT + 21, 4); put(&w, 0, 4);
    put(&w, 0x300000, 4); put(&w, 0x380001, 4); put(&w, TEXT_AT + 43, 4); put(&w, 0, 4);
    fake_phys_put(MODS_AT, w.bytes, w.n);
    fake_phys_put(TEXT_AT, texts, sizeof(texts));
    memset(&w, 0, sizeof(w));
    put(&w, flags, 4); put(&w, 639, 4); put(&w, 64512, 4); put(&w, 0, 4);
    put(&w, TEXT_AT, 4); put(&w, 2, 4); put(&w, MODS_AT, 4);
    w.n = 44;
    put(&w, 48, 4); put(&w, MMAP_AT, 4);
    put_at(&w, 64, TEXT_AT + 50, 4);
    return fake_phys_put(MB1_AT, w.bytes, 88);
}

static void test_mb1(void **state)
{
    (void)state;
    mb1_build(1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
    assert_int_equal(parse(BOOT_MULTIBOOT1, MB1_AT), 0);
    assert_string_equal(info.cmdline, "hospes dom0_mem=512M");
    assert_string_equal(boot_args(&info, info.cmdline), "dom0_mem=512M");
    assert_string_equal(info.loader, "qemu");
    assert_int_equal(info.nr_mods, 2);
    assert_int_equal(info.mods[0].start, 0x200000);
    assert_int_equal(info.mods[0].end, 0x300000);
    assert_string_equal(info.mods[0].cmdline, "vmlinuz root=/dev/vda");
    assert_int_equal(info.mods[1].end, 0x380001);
    assert_string_equal(info.mods[1].cmdline, "initrd");
    assert_int_equal(info.nr_e820, 2);
    check_range(0, 0, 0x9fc00, E820_RAM);
    check_range(1, 0x100000, 0x3ff00000, E820_RAM);
    assert_null(why);
}

static void test_mb1_meminfo_only(void **state)
{
    (void)state;
    mb1_build(1 << 0);
    assert_int_equal(parse(BOOT_MULTIBOOT1, MB1_AT), 0);
    assert_string_equal(info.cmdline, "");
    assert_int_equal(info.nr_mods, 0);
    check_range(0, 0, 639 << 10, E820_RAM);
    check_range(1, 1 << 20, 64512 << 10, E820_RAM);
}

static void check_refused(uint32_t magic, uint64_t maddr)
{
    assert_int_equal(parse(magic, maddr), -XEN_EINVAL);
    assert_non_null(why);
}

static void test_mb1_damaged(void **state)
{
    uint8_t *mb = mb1_build(1 << 3 | 1 << 6);

    (void)state;
    check_refused(BOOT_MULTIBOOT1, 0x123456789000);
    mb[44] = 47; /* the map ends inside an entry */
    check_refused(BOOT_MULTIBOOT1, MB1_AT);
    mb[44] = 48;
    mb[46] = 0x7f; /* and this one is too large */
    check_refused(BOOT_MULTIBOOT1, MB1_AT);
    mb[46] = 0;
    mb[27] = 0xf0; /* modules where there is nothing */
    check_refused(BOOT_MULTIBOOT1, MB1_AT);
    mb[27] = 0;
    assert_int_equal(parse(BOOT_MULTIBOOT1, MB1_AT), 0);
    mb[0] = 0; /* neither map nor memory size */
    check_refused(BOOT_MULTIBOOT1, MB1_AT);
    check_refused(0x12345678, MB1_AT);
}

static void test_mb1_bad_module(void **state)
{
    uint8_t mod[16] = { 0, 0, 0x20, 0, 0xff, 0xff, 0x1f };
    uint8_t *mb;

    (void)state;
    fake_phys_put(MODS_AT, mod, sizeof(mod)); /* ends one byte before it starts */
    mb = mb1_build(1 << 3 | 1 << 6);
    mb[20] = 1;
    check_refused(BOOT_MULTIBOOT1, MB1_AT);
    assert_string_equal(why, "a boot module ends before it starts");
}

static void test_mb1_long_text(void **state)
{
    static char text[3 * 4096];
    uint8_t *mb;

    (void)state;
    memset(text, 'x', sizeof(text));
    fake_phys_put(0x20000, text, sizeof(text));
    mb = mb1_build(1 << 2 | 1 << 6);
    mb[17] = 0x00;
    mb[18] = 0x02;
    mb[16] = 0x00;
    assert_int_equal(parse(BOOT_MULTIBOOT1, MB1_AT), 0);
    assert_string_equal(info.cmdline, "");
    assert_int_equal(host_log_count(LOG_WARN), 1);
}

static void test_mb1_many_mods(void **state)
{
    static uint8_t mods[100 * 16];
    uint8_t *mb;

    (void)state;
    fake_phys_put(MODS_AT, mods, sizeof(mods));
    mb = mb1_build(1 << 3 | 1 << 6);
    mb[20] = 100;
    assert_int_equal(parse(BOOT_MULTIBOOT1, MB1_AT), 0);
    assert_int_equal(info.nr_mods, BOOT_MODS_MAX);
    assert_int_equal(host_log_count(LOG_WARN), 1);
}

/* ---- Multiboot 2 ---- */

static void tag(uint32_t type, const void *p, uint32_t n)
{
    put_align(&w, 8);
    put(&w, type, 4);
    put(&w, 8 + n, 4);
    put_bytes(&w, p, n);
}

static void tag_text(uint32_t type, const char *s)
{
    tag(type, s, (uint32_t)strlen(s) + 1);
}

static void tag_mod(uint32_t start, uint32_t end, const char *s)
{
    uint32_t head[2] = { start, end };

    tag(3, head, sizeof(head));
    put_at(&w, w.n - 12, 8 + 8 + strlen(s) + 1, 4);
    put_bytes(&w, s, strlen(s) + 1);
}

static void tag_mmap(void)
{
    struct { uint32_t size, version; struct { uint64_t a, n; uint32_t type, zero; } e[3]; } m = {
        24, 0, { { 0x100000, 0x700000, 1, 0 }, { 0, 0xa0000, 1, 0 }, { 0x200000, 0x1000, 2, 0 } }
    };

    tag(6, &m, sizeof(m));
}

static void tags_begin(void)
{
    memset(&w, 0, sizeof(w));
    put(&w, 0, 8);
}

static uint8_t *tags_end(void)
{
    tag(0, NULL, 0);
    put_at(&w, 0, w.n, 4);
    return fake_phys_put(0x7000, w.bytes, w.n);
}

static void test_mb2(void **state)
{
    uint8_t rsdp[36] = "RSD PTR ";
    uint64_t efi = 0x7fed0018;

    (void)state;
    tags_begin();
    tag_text(1, "placeholder console=com1");
    tag_text(2, "GRUB 2.06-13+deb12u1");
    tag(15, rsdp, 36);
    tag(14, rsdp, 20);
    tag_mod(0x1000000, 0x2000000, "placeholder root=/dev/vda");
    tag(99, "?", 1);
    tag_mod(0x2000000, 0x2000000, "");
    tag_mmap();
    tag(12, &efi, 8);
    tags_end();
    assert_int_equal(parse(BOOT_MULTIBOOT2, 0x7000), 0);
    assert_string_equal(boot_args(&info, info.cmdline), "placeholder console=com1");
    assert_int_equal(info.rsdp_len, 36);
    assert_memory_equal(info.rsdp, rsdp, 36);
    assert_int_equal(info.efi_system_table, efi);
    assert_false(info.efi_boot_services);
    assert_int_equal(info.nr_mods, 2);
    assert_int_equal(info.mods[0].end, 0x2000000);
    assert_string_equal(info.mods[0].cmdline, "placeholder root=/dev/vda");
    assert_string_equal(info.mods[1].cmdline, "");
    assert_int_equal(info.nr_e820, 4);
    check_range(0, 0, 0xa0000, E820_RAM);
    check_range(1, 0x100000, 0x100000, E820_RAM);
    check_range(2, 0x200000, 0x1000, E820_RESERVED);
    check_range(3, 0x201000, 0x5ff000, E820_RAM);
}

static void test_mb2_efi_map(void **state)
{
    struct { uint32_t size, version; struct { uint32_t type, pad; uint64_t start, virt, pages, attr, more; } e[6]; } m = {
        48, 1, {
            { 7, 0, 0x100000, 0, 0x100, 0xf, 0 }, /* conventional */
            { 4, 0, 0x200000, 0, 0x100, 0xf, 0 }, /* boot services data */
            { 7, 0, 0x300000, 0, 0x100, 0x1, 0 }, /* can't be cached */
            { 6, 0, 0x400000, 0, 0x001, 0x800000000000000f, 0 }, /* runtime services data */
            { 9, 0, 0x500000, 0, 0x001, 0xf, 0 },
            { 10, 0, 0x501000, 0, 0x001, 0xf, 0 },
        }
    };

    (void)state;
    tags_begin();
    tag(17, &m, sizeof(m));
    tag(18, NULL, 0);
    tags_end();
    assert_int_equal(parse(BOOT_MULTIBOOT2, 0x7000), 0);
    assert_true(info.efi_boot_services);
    assert_int_equal(info.efi_mmap, 0x7000 + 8 + 16);
    assert_int_equal(info.efi_mmap_size, sizeof(m.e));
    assert_int_equal(info.efi_desc_size, 48);
    assert_int_equal(info.nr_e820, 4);
    check_range(0, 0x100000, 0x200000, E820_RAM);
    check_range(1, 0x300000, 0x101000, E820_RESERVED);
    check_range(2, 0x500000, 0x1000, E820_ACPI);
    check_range(3, 0x501000, 0x1000, E820_NVS);
}

static void test_mb2_damaged(void **state)
{
    uint8_t *p;
    size_t n;

    (void)state;
    tags_begin();
    tag_mmap();
    p = tags_end();
    n = w.n;
    assert_int_equal(parse(BOOT_MULTIBOOT2, 0x7000), 0);
    p[12] = 7; /* a tag shorter than its head */
    check_refused(BOOT_MULTIBOOT2, 0x7000);
    p[12] = 0xff; /* longer than the rest */
    check_refused(BOOT_MULTIBOOT2, 0x7000);
    p[12] = 8 + 8 + 72;
    p[16] = 23; /* map entries too short */
    check_refused(BOOT_MULTIBOOT2, 0x7000);
    p[16] = 24;
    p[0] = (uint8_t)(n - 8); /* no end tag */
    check_refused(BOOT_MULTIBOOT2, 0x7000);
    p[0] = 8;
    check_refused(BOOT_MULTIBOOT2, 0x7000);
    p[3] = 0xff;
    check_refused(BOOT_MULTIBOOT2, 0x7000);
    check_refused(BOOT_MULTIBOOT2, 0x77000);
}

static void test_args(void **state)
{
    static const struct { const char *loader, *line, *args; } cases[] = {
        { "qemu", "", "" },
        { "qemu", "  hospes", "" },
        { "qemu", " /a/b\t x  y", "x  y" },
        { "GRUB 2.06", "  x y", "x y" },
        { "GNU GRUB 0.97", "/xen x", "x" },
        { "GRUB ", "/xen x", "x" },
        { "", "/xen x", "x" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
    {
        info.loader = cases[i].loader;
        assert_string_equal(boot_args(&info, cases[i].line), cases[i].args);
    }
}

/* ---- the memory map ---- */

enum { CELLS = 64 };

static int caution(uint32_t type)
{
    static const int of[] = { -1, 0, 3, 1, 2, 4, 3, 3 };

    return of[type];
}

static void check_normal(const uint32_t *cells)
{
    for (unsigned int i = 0; i < info.nr_e820; i++)
    {
        const struct e820_range *r = &info.e820[i];

        assert_true(r->size > 0);
        if (i)
        {
            assert_true(r[-1].start + r[-1].size <= r->start);
            assert_true(r[-1].start + r[-1].size < r->start || r[-1].type != r->type);
        }
        for (uint64_t c = r->start; c < r->start + r->size; c++)
            assert_int_equal(cells[c], r->type);
    }
}

/* Against a map with one cell a byte: the first of equally cautious types stays. */
static void test_e820_model(void **state)
{
    (void)state;
    srand(7);
    for (int round = 0; round < 2000; round++)
    {
        uint32_t cells[CELLS] = { 0 };
        unsigned int used = 0, seen = 0;

        info.nr_e820 = 0;
        for (int n = rand() % 20; n; n--)
        {
            uint64_t start = (uint64_t)rand() % CELLS, size = (uint64_t)rand() % (CELLS + 1 - start);
            uint32_t type = 1 + (uint32_t)rand() % 7;

            assert_true(e820_add(&info, start, size, type));
            for (uint64_t c = start; c < start + size; c++)
                if (caution(type) > caution(cells[c]))
                    cells[c] = type;
            check_normal(cells);
        }
        for (int c = 0; c < CELLS; c++)
            used += cells[c] != 0;
        for (unsigned int i = 0; i < info.nr_e820; i++)
            seen += (unsigned int)info.e820[i].size;
        assert_int_equal(used, seen);
    }
}

static void test_e820_edges(void **state)
{
    (void)state;
    assert_true(e820_add(&info, UINT64_MAX, 5, E820_RAM));
    assert_int_equal(info.nr_e820, 0);
    assert_true(e820_add(&info, 16, UINT64_MAX, E820_RAM));
    check_range(0, 16, UINT64_MAX - 16, E820_RAM);
    assert_true(e820_add(&info, UINT64_MAX - 1, UINT64_MAX, E820_UNUSABLE));
    check_range(1, UINT64_MAX - 1, 1, E820_UNUSABLE);
}

static void test_e820_full(void **state)
{
    (void)state;
    assert_true(e820_add(&info, 0, 1 << 20, E820_RAM));
    for (uint64_t a = 1; info.nr_e820 + 2 <= BOOT_E820_MAX; a += 2)
        assert_true(e820_add(&info, a, 1, E820_RESERVED));
    assert_true(e820_add(&info, 1 << 19, 1, E820_RESERVED));
    for (unsigned int i = 0; i < info.nr_e820; i++)
        assert_false(info.e820[i].type == E820_RAM && info.e820[i].start <= 1 << 19 &&
                     info.e820[i].start + info.e820[i].size > 1 << 19);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_mb1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mb1_meminfo_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mb1_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mb1_bad_module, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mb1_long_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mb1_many_mods, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mb2, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mb2_efi_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mb2_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_args, setup, teardown),
        cmocka_unit_test_setup_teardown(test_e820_model, setup, teardown),
        cmocka_unit_test_setup_teardown(test_e820_edges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_e820_full, setup, teardown),
    };

    return cmocka_run_group_tests_name("bootinfo", tests, NULL, NULL);
}
