/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/microcode.c: the right update out of a file, and damaged files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xen/errno.h>
#include "core/microcode.h"

static uint8_t file[16384];
static size_t len;

static void put32(size_t at, uint32_t v)
{
    memcpy(file + at, &v, 4);
}

/* On the heap at its exact size, so that ASan sees every byte read too many. */
static int find(int (*fn)(struct blob, const struct microcode_cpu *, struct microcode_update *), uint32_t signature,
                uint32_t platform, uint32_t have, uint32_t *revision, size_t *size)
{
    uint8_t *copy = malloc(len ? len : 1);
    struct microcode_cpu cpu = { signature, platform, have };
    struct microcode_update u = { .revision = 0 };
    int rc;

    memcpy(copy, file, len);
    rc = fn(blob_make(copy, len), &cpu, &u);
    *revision = u.revision;
    *size = u.patch.n;
    free(copy);
    return rc;
}

static void sum_fix(size_t from, size_t n, size_t at)
{
    uint32_t s = 0, w;

    put32(at, 0);
    for (size_t i = from; i < from + n; i += 4) {
        memcpy(&w, file + i, 4);
        s += w;
    }
    put32(at, -s);
}

/* One more Intel update with 64 bytes of data; `more`: another signature in an extended table. */
static void intel_put(uint32_t revision, uint32_t signature, uint32_t platforms, uint32_t more)
{
    size_t at = len, total = 48 + 64 + (more ? 20 + 12 : 0);

    memset(file + at, 0, total);
    put32(at, 1);
    put32(at + 4, revision);
    put32(at + 12, signature);
    put32(at + 20, 1);
    put32(at + 24, platforms);
    put32(at + 28, 64);
    put32(at + 32, (uint32_t)total);
    memset(file + at + 48, 0x5a, 64);
    sum_fix(at, 48 + 64, at + 16);
    if (more) {
        put32(at + 112, 1);
        put32(at + 132, more);
        put32(at + 136, platforms);
        sum_fix(at + 112, 32, at + 116);
    }
    len += total;
}

static void test_intel(void **state)
{
    uint32_t rev;
    size_t size;

    (void)state;
    len = 0;
    assert_int_equal(find(microcode_find_intel, 0x306c3, 2, 0, &rev, &size), -XEN_EINVAL);
    intel_put(5, 0x306c3, 0x32, 0);
    intel_put(9, 0x306c3, 0x32, 0x40651);
    intel_put(7, 0x306c3, 0x32, 0);
    intel_put(99, 0x306c3, 0x40, 0);
    assert_int_equal(find(microcode_find_intel, 0x306c3, 2, 5, &rev, &size), 0);
    assert_int_equal(rev, 9);
    assert_int_equal(size, 64);
    assert_int_equal(find(microcode_find_intel, 0x40651, 2, 5, &rev, &size), 0);
    assert_int_equal(rev, 9);
    assert_int_equal(find(microcode_find_intel, 0x306c3, 0x40, 5, &rev, &size), 0);
    assert_int_equal(rev, 99);
    assert_int_equal(find(microcode_find_intel, 0x306c3, 2, 9, &rev, &size), -XEN_ENOENT);
    assert_int_equal(find(microcode_find_intel, 0x306c3, 4, 0, &rev, &size), -XEN_ENOENT);
    assert_int_equal(find(microcode_find_intel, 0x12345, 2, 0, &rev, &size), -XEN_ENOENT);
}

static void test_intel_damaged(void **state)
{
    uint32_t rev;
    size_t size, full;

    (void)state;
    len = 0;
    intel_put(5, 0x306c3, 0x32, 0x40651);
    full = len;
    for (len = 0; len < full; len++)
        assert_int_equal(find(microcode_find_intel, 0x306c3, 2, 0, &rev, &size), -XEN_EINVAL);
    for (size_t i = 0; i < full; i++) {
        file[i] ^= 0x10;
        assert_int_equal(find(microcode_find_intel, 0x306c3, 2, 0, &rev, &size), -XEN_EINVAL);
        file[i] ^= 0x10;
    }
    put32(28, 0xfffffffc);
    put32(32, 0xfffffffc);
    assert_int_equal(find(microcode_find_intel, 0x306c3, 2, 0, &rev, &size), -XEN_EINVAL);
}

static void amd_start(void)
{
    static const uint32_t head[] = { 0x00414d44, 0, 48, 0x600f12, 0, 0, 0x6012, 0x800f11, 0, 0, 0x8011, 0, 0, 0, 0 };

    memcpy(file, head, sizeof(head));
    len = sizeof(head);
}

static void amd_put(uint32_t revision, uint16_t id, uint32_t size)
{
    memset(file + len, 0, 8 + size);
    put32(len, 1);
    put32(len + 4, size);
    put32(len + 8 + 4, revision);
    memcpy(file + len + 8 + 24, &id, 2);
    len += 8 + size;
}

static void test_amd(void **state)
{
    uint32_t rev;
    size_t size, full;

    (void)state;
    len = 0;
    assert_int_equal(find(microcode_find_amd, 0x800f11, 0, 0, &rev, &size), -XEN_EINVAL);
    amd_start();
    amd_put(0x100, 0x8011, 96);
    amd_put(0x200, 0x8011, 128);
    amd_put(0x300, 0x6012, 64);
    assert_int_equal(find(microcode_find_amd, 0x800f11, 0, 0, &rev, &size), 0);
    assert_int_equal(rev, 0x200);
    assert_int_equal(size, 128);
    assert_int_equal(find(microcode_find_amd, 0x600f12, 0, 0, &rev, &size), 0);
    assert_int_equal(rev, 0x300);
    assert_int_equal(find(microcode_find_amd, 0x800f11, 0, 0x200, &rev, &size), -XEN_ENOENT);
    assert_int_equal(find(microcode_find_amd, 0x800f12, 0, 0, &rev, &size), -XEN_ENOENT);
    full = len;
    for (len = 0; len < full; len++)
        assert_true(find(microcode_find_amd, 0x600f12, 0, 0, &rev, &size) < 0);
    amd_start(); /* two files in one */
    amd_put(0x100, 0x6012, 64);
    full = len;
    memmove(file + full, file, full);
    put32(full + 12 + 48 + 8 + 4, 0x900);
    len = 2 * full;
    assert_int_equal(find(microcode_find_amd, 0x600f12, 0, 0, &rev, &size), 0);
    assert_int_equal(rev, 0x900);
    amd_start();
    amd_put(0x100, 0x8011, 32); /* shorter than its header */
    assert_int_equal(find(microcode_find_amd, 0x800f11, 0, 0, &rev, &size), -XEN_EINVAL);
    amd_start();
    put32(8, 0xfffffff0);
    assert_int_equal(find(microcode_find_amd, 0x800f11, 0, 0, &rev, &size), -XEN_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intel), cmocka_unit_test(test_intel_damaged), cmocka_unit_test(test_amd),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
