/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/s5.c: the package as compilers write it, and damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "core/s5.h"

/* On the heap at its exact size, so that ASan sees every byte read too many. */
static bool find(const char *bytes, size_t n, uint8_t *a, uint8_t *b)
{
    uint8_t *aml = malloc(n ? n : 1);
    bool found;

    memcpy(aml, bytes, n);
    found = s5_find(aml, n, a, b);
    free(aml);
    return found;
}

#define FIND(lit) find(lit, sizeof(lit) - 1, &a, &b)

static void test_forms(void **state)
{
    uint8_t a = 9, b = 9;

    (void)state;
    /* QEMU's: four zeroes. */
    assert_true(FIND("\xff\x08_S5_\x12\x06\x04\x00\x00\x00\x00"));
    assert_int_equal(a, 0);
    assert_int_equal(b, 0);
    assert_true(FIND("\x08\\_S5_\x12\x0a\x04\x0a\x05\x0a\x06\x00\x00"));
    assert_int_equal(a, 5);
    assert_int_equal(b, 6);
    assert_true(FIND("\x08_S5_\x12\x46\x01\x02\x0b\x07\x00\x01"));
    assert_int_equal(a, 7);
    assert_int_equal(b, 1);
    assert_true(FIND("\x08_S5_\x12\x04\x01\x0a\x03"));
    assert_int_equal(a, 3);
    assert_int_equal(b, 3);
}

static void test_refused(void **state)
{
    uint8_t a, b;

    (void)state;
    assert_false(FIND(""));
    assert_false(FIND("_S5_"));
    assert_false(FIND("\x10_S5_\x12\x06\x04\x00\x00\x00\x00"));
    assert_false(FIND("\x08_S5_\x14\x06\x04\x00\x00\x00\x00"));
    assert_false(FIND("\x08_S5_\x12\x06\x00"));
    assert_false(FIND("\x08_S5_\x12\x0a\x04\x0a\x09\x0a\x06"));
    assert_false(FIND("\x08_S5_\x12\x0a\x04" "ABCD"));
    /* The first is damaged, the second good. */
    assert_true(FIND("\x08_S5_\x12\x06\x04Z\x08_S5_\x12\x06\x02\x01\x01"));
}

static void test_cut(void **state)
{
    static const char whole[] = "\x08_S5_\x12\xc6\x01\x02\x03\x04\x0c\x05\x00\x00\x00\x0b\x05\x00";
    uint8_t a, b;

    (void)state;
    for (size_t n = 0; n < sizeof(whole); n++)
        find(whole, n, &a, &b);
    assert_true(find(whole, sizeof(whole) - 1, &a, &b));
    assert_int_equal(a, 5);
    assert_int_equal(b, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
