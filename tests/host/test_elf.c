/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/elf.c: images built like Linux's, like older kernels', and broken in each way that is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <xen/elfnote.h>
#include <xen/features.h>
#include "core/blob.h"
#include "core/elf.h"
#include "core/types.h"
#include "fake_phys.h"
#include "port_host.h"

#define BASE 0xffffffff80000000ul

enum {
    PHOFF = 64, SHOFF = 0x200, NOTES = 0x400, TEXT = 0x1000, SIZE = 0x3000,
    PH0 = PHOFF, PH1 = PHOFF + 56, PH2 = PHOFF + 2 * 56,
    /* fields of a program header */
    F_TYPE = 0, F_OFFSET = 8, F_VADDR = 16, F_PADDR = 24, F_FILESZ = 32, F_MEMSZ = 40,
};

static struct writer w;
static struct elf_image img;
static const char *why;

static void phdr(uint32_t type, uint64_t offset, uint64_t paddr, uint64_t filesz, uint64_t memsz)
{
    put(&w, type, 4); put(&w, 7, 4); put(&w, offset, 8); put(&w, 0, 8);
    put(&w, paddr, 8); put(&w, filesz, 8); put(&w, memsz, 8); put(&w, 0x1000, 8);
}

/* Two segments (the second ends in zeros) and a note segment that still is empty. */
static void elf_begin(void)
{
    memset(&w, 0, sizeof(w));
    put_bytes(&w, "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0", 16);
    put(&w, 2, 2); put(&w, 62, 2); put(&w, 1, 4);
    put(&w, BASE + 0x1000010, 8); put(&w, PHOFF, 8); put(&w, 0, 8); put(&w, 0, 4);
    put(&w, 64, 2); put(&w, 56, 2); put(&w, 3, 2); put(&w, 64, 2); put(&w, 0, 2); put(&w, 0, 2);
    phdr(1, TEXT, 0x1000000, 0x1000, 0x1000);
    phdr(1, TEXT + 0x1000, 0x1200000, 0x800, 0x5000);
    phdr(4, NOTES, 0, 0, 0);
    w.n = NOTES;
}

static void note(uint32_t type, const void *desc, uint32_t n)
{
    put(&w, 4, 4); put(&w, n, 4); put(&w, type, 4); put(&w, 0x6e6558, 4);
    put_bytes(&w, desc, n);
    put_align(&w, 4);
}

static void note_text(uint32_t type, const char *s)
{
    note(type, s, (uint32_t)strlen(s) + 1);
}

static void note_number(uint32_t type, uint64_t v)
{
    note(type, &v, 8);
}

static void elf_end(void)
{
    put_at(&w, PH2 + F_FILESZ, w.n - NOTES, 8);
    w.n = SIZE;
}

static void linux_notes(void)
{
    static const uint64_t l1_valid[2] = { 1, 1 };
    static const uint32_t features = 0x8801, one = 1;

    note_text(XEN_ELFNOTE_GUEST_OS, "linux");
    note_text(XEN_ELFNOTE_GUEST_VERSION, "2.6");
    note_text(XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
    note_number(XEN_ELFNOTE_VIRT_BASE, BASE);
    note_number(XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    note_number(XEN_ELFNOTE_ENTRY, BASE + 0x1200040);
    note(XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb", 41);
    note(XEN_ELFNOTE_SUPPORTED_FEATURES, &features, 4);
    note_text(XEN_ELFNOTE_PAE_MODE, "yes");
    note_text(XEN_ELFNOTE_LOADER, "generic");
    note(XEN_ELFNOTE_L1_MFN_VALID, l1_valid, 16);
    note(XEN_ELFNOTE_SUSPEND_CANCEL, &one, 4);
    note(XEN_ELFNOTE_MOD_START_PFN, &one, 4);
    note_number(XEN_ELFNOTE_HV_START_LOW, 0xffff800000000000);
    note_number(XEN_ELFNOTE_PADDR_OFFSET, 0);
    note_number(XEN_ELFNOTE_PHYS32_ENTRY, 0x1000850);
}

static void build_linux(void)
{
    elf_begin();
    linux_notes();
    elf_end();
}

static void build_minimal(void)
{
    elf_begin();
    note_number(XEN_ELFNOTE_VIRT_BASE, BASE);
    note_number(XEN_ELFNOTE_ENTRY, BASE + 0x1000000);
    elf_end();
}

/* Parse a copy of exactly this size, for ASan. */
static int parse_n(size_t n)
{
    uint8_t *copy = malloc(n);
    int rc;

    memcpy(copy, w.bytes, n);
    why = NULL;
    rc = elf_parse(&img, copy, n, &why);
    free(copy);
    return rc;
}

static int parse(void)
{
    return parse_n(w.n);
}

static void check_refused(const char *part)
{
    assert_int_equal(parse(), -XEN_ENOEXEC);
    assert_non_null(strstr(why, part));
}

static void test_linux(void **state)
{
    (void)state;
    build_linux();
    assert_int_equal(parse(), 0);
    assert_int_equal(img.virt_base, BASE);
    assert_int_equal(img.entry, BASE + 0x1200040);
    assert_false(img.has_hypercall_page);
    assert_true(img.has_init_p2m);
    assert_int_equal(img.init_p2m, 0x8000000000);
    assert_int_equal(img.hv_start_low, 0xffff800000000000);
    assert_int_equal(img.l1_mask, 1);
    assert_int_equal(img.l1_value, 1);
    assert_true(img.has_phys32_entry && img.mod_start_pfn && img.suspend_cancel && !img.bsd_symtab);
    assert_int_equal(img.phys32_entry, 0x1000850);
    assert_int_equal(img.features, 0x8801 | 1 << XENFEAT_pae_pgdir_above_4gb);
    assert_int_equal(img.required, 1 << XENFEAT_writable_page_tables);
    assert_true(img.has_supported_note);
    assert_string_equal(img.guest_os, "linux");
    assert_string_equal(img.guest_version, "2.6");
    assert_string_equal(img.pae_mode, "yes");
    assert_int_equal(img.nr_segs, 2);
    assert_int_equal(img.segs[0].offset, TEXT);
    assert_int_equal(img.segs[0].virt, BASE + 0x1000000);
    assert_int_equal(img.segs[1].filesz, 0x800);
    assert_int_equal(img.segs[1].memsz, 0x5000);
    assert_int_equal(img.virt_start, BASE + 0x1000000);
    assert_int_equal(img.virt_end, BASE + 0x1205000);
}

static void test_paddr_offset(void **state)
{
    (void)state;
    elf_begin();
    note_number(XEN_ELFNOTE_VIRT_BASE, BASE);
    note_number(XEN_ELFNOTE_PADDR_OFFSET, BASE);
    note_number(XEN_ELFNOTE_ENTRY, BASE + 0x1000000);
    note_number(XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x1204000);
    elf_end();
    put_at(&w, PH0 + F_PADDR, BASE + 0x1000000, 8);
    put_at(&w, PH1 + F_PADDR, BASE + 0x1200000, 8);
    assert_int_equal(parse(), 0);
    assert_int_equal(img.virt_start, BASE + 0x1000000);
    assert_true(img.has_hypercall_page);
    assert_int_equal(img.hypercall_page, BASE + 0x1204000);
}

/* Notes only in a section, none in a segment. */
static void test_section_notes(void **state)
{
    size_t n;

    (void)state;
    build_linux();
    n = blob_number(blob_make(w.bytes, w.n), PH2 + F_FILESZ, 8);
    put_at(&w, PH2 + F_TYPE, 6, 4);
    put_at(&w, 40, SHOFF, 8);
    put_at(&w, 60, 2, 2);
    put_at(&w, SHOFF + 64 + 4, 7, 4);
    put_at(&w, SHOFF + 64 + 24, NOTES, 8);
    put_at(&w, SHOFF + 64 + 32, n, 8);
    assert_int_equal(parse(), 0);
    assert_string_equal(img.guest_os, "linux");
    put_at(&w, SHOFF + 64 + 4, 1, 4);
    check_refused("no Xen notes");
    put_at(&w, 60, 0xffff, 2); /* more sections than the file has */
    check_refused("no Xen notes");
    put_at(&w, 40, UINT64_MAX - 10, 8);
    check_refused("no Xen notes");
}

static void build_legacy(const char *text)
{
    static const char names[] = "\0.shstrtab\0__xen_guest";

    elf_begin();
    put_at(&w, PH2 + F_TYPE, 6, 4);
    put_at(&w, 40, SHOFF, 8);
    put_at(&w, 60, 2, 2);
    put_at(&w, 62, 0, 2);
    put_at(&w, SHOFF, 1, 4); put_at(&w, SHOFF + 4, 3, 4);
    put_at(&w, SHOFF + 24, 0x300, 8); put_at(&w, SHOFF + 32, sizeof(names), 8);
    put_at(&w, SHOFF + 64, 11, 4); put_at(&w, SHOFF + 64 + 4, 1, 4);
    put_at(&w, SHOFF + 64 + 24, 0x400, 8); put_at(&w, SHOFF + 64 + 32, strlen(text) + 1, 8);
    memcpy(w.bytes + 0x300, names, sizeof(names));
    memcpy(w.bytes + 0x400, text, strlen(text) + 1);
    w.n = SIZE;
}

static void test_legacy(void **state)
{
    (void)state;
    build_legacy("GUEST_OS=netbsd,GUEST_VER=4.99,XEN_VER=xen-3.0,LOADER=generic,VIRT_BASE=0xffffffff80000000,"
                 "ELF_PADDR_OFFSET=0,VIRT_ENTRY=0xFFFFFFFF81000010,HYPERCALL_PAGE=0x1201,"
                 "FEATURES=pae_pgdir_above_4gb|what,BSD_SYMTAB");
    assert_int_equal(parse(), 0);
    assert_string_equal(img.guest_os, "netbsd");
    assert_int_equal(img.entry, BASE + 0x1000010);
    assert_int_equal(img.hypercall_page, BASE + 0x1201000);
    assert_int_equal(img.features, 1 << XENFEAT_pae_pgdir_above_4gb);
    assert_true(img.bsd_symtab);
    assert_int_equal(img.paddr_offset, 0);
    /* Without an offset it is the base. */
    build_legacy("VIRT_BASE=0xffffffff80000000");
    put_at(&w, PH0 + F_PADDR, BASE + 0x1000000, 8);
    put_at(&w, PH1 + F_PADDR, BASE + 0x1200000, 8);
    assert_int_equal(parse(), 0);
    assert_int_equal(img.paddr_offset, BASE);
    assert_int_equal(img.entry, BASE + 0x1000010);
    build_legacy(",,=,=x,VIRT_BASE,XEN_VER=xen-2.0,");
    check_refused("another version");
}

static void test_bad_header(void **state)
{
    static const struct { size_t at; uint64_t v; unsigned int len; const char *part; } cases[] = {
        { 0, 0x12, 1, "not an ELF" },
        { 4, 1, 1, "32-bit" },
        { 4, 7, 1, "class" },
        { 5, 2, 1, "byte order" },
        { 18, 3, 2, "processor" },
        { 16, 1, 2, "not executable" },
        { 54, 55, 2, "without program headers" },
        { 56, 0, 2, "without program headers" },
        { 56, 0xffff, 2, "too many" },
        { 56, 1000, 2, "cut off" },
        { 32, UINT64_MAX, 8, "cut off" },
        { PH0 + F_FILESZ, 0x1001, 8, "larger in the file" },
        { PH0 + F_FILESZ, UINT64_MAX, 8, "larger in the file" },
        { PH0 + F_OFFSET, SIZE - 0xfff, 8, "not all in the file" },
        { PH0 + F_OFFSET, UINT64_MAX - 5, 8, "not all in the file" },
        { PH0 + F_MEMSZ, UINT64_MAX, 8, "out of the address space" },
        { PH0 + F_MEMSZ, 0x200001, 8, "overlap" },
        { PH1 + F_PADDR, 0x1000fff, 8, "overlap" },
        { PH0 + F_PADDR, -BASE + 0x1000, 8, "hypervisor's or nobody's" },
        { PH2 + F_FILESZ, 17, 8, "runs out" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
    {
        build_minimal();
        assert_int_equal(parse(), 0);
        put_at(&w, cases[i].at, cases[i].v, cases[i].len);
        check_refused(cases[i].part);
    }
}

static void test_nothing_to_load(void **state)
{
    (void)state;
    build_minimal();
    put_at(&w, PH0 + F_TYPE, 6, 4);
    put_at(&w, PH1 + F_TYPE, 6, 4);
    check_refused("nothing to load");
}

static void check_with_note(uint32_t type, const void *desc, uint32_t n, const char *part)
{
    elf_begin();
    linux_notes();
    note(type, desc, n);
    elf_end();
    check_refused(part);
}

static void check_with_number(uint32_t type, uint64_t v, const char *part)
{
    check_with_note(type, &v, 8, part);
}

static void test_bad_notes(void **state)
{
    static const uint8_t long_one[9];

    (void)state;
    check_with_number(XEN_ELFNOTE_ENTRY, BASE, "entry point");
    check_with_number(XEN_ELFNOTE_ENTRY, BASE + 0x1205000, "entry point");
    check_with_number(XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x1000001, "hypercall page");
    check_with_number(XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x1205000, "hypercall page");
    check_with_number(XEN_ELFNOTE_HYPERCALL_PAGE, 0, "hypercall page");
    check_with_number(XEN_ELFNOTE_INIT_P2M, 0x8000000001, "INIT_P2M");
    check_with_number(XEN_ELFNOTE_INIT_P2M, 0xffff800000000000, "INIT_P2M");
    check_with_number(XEN_ELFNOTE_HV_START_LOW, 0xffff800000000001, "address space");
    check_with_number(XEN_ELFNOTE_VIRT_BASE, 0xffff820000000000, "hypervisor's or nobody's");
    check_with_number(XEN_ELFNOTE_VIRT_BASE, 1ul << 47, "hypervisor's or nobody's");
    check_with_note(XEN_ELFNOTE_ENTRY, long_one, 9, "8 bytes");
    check_with_note(XEN_ELFNOTE_XEN_VERSION, "xen-4.0", 8, "another version");
    check_with_note(XEN_ELFNOTE_LOADER, "special", 8, "loader");
    check_with_note(XEN_ELFNOTE_FEATURES, "x|!teleport|", 12, "not known");
    check_with_note(XEN_ELFNOTE_FEATURES, "!supervisor_mode_kernel", 23, "cannot give");
    check_with_note(XEN_ELFNOTE_FEATURES, "!", 1, "not known");
}

static void test_no_entry(void **state)
{
    (void)state;
    elf_begin();
    elf_end();
    check_refused("no Xen notes");
    elf_begin();
    note_number(XEN_ELFNOTE_PHYS32_ENTRY, 0x1000000);
    elf_end();
    check_refused("no Xen ENTRY note");
}

/* Cut off anywhere, the file is refused (or, behind all that counts, accepted) but never overrun. */
static void test_cut(void **state)
{
    (void)state;
    build_linux();
    for (size_t n = 0; n < SIZE; n++)
        assert_true(parse_n(n) == (n < TEXT + 0x1800 ? -XEN_ENOEXEC : 0));
}

static void test_texts_cleaned(void **state)
{
    (void)state;
    elf_begin();
    linux_notes();
    note(XEN_ELFNOTE_GUEST_OS, "a\033[2Jb\377 and much more than there is room for", 43);
    elf_end();
    assert_int_equal(parse(), 0);
    assert_string_equal(img.guest_os, "a?[2Jb? and much more than ther");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linux),
        cmocka_unit_test(test_paddr_offset),
        cmocka_unit_test(test_section_notes),
        cmocka_unit_test(test_legacy),
        cmocka_unit_test(test_bad_header),
        cmocka_unit_test(test_nothing_to_load),
        cmocka_unit_test(test_bad_notes),
        cmocka_unit_test(test_no_entry),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_texts_cleaned),
    };

    return cmocka_run_group_tests_name("elf", tests, NULL, NULL);
}
