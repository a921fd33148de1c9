/* SPDX-License-Identifier: GPL-2.0-or-later */
/* core/cmdline.c: every kind of option, in every spelling, and what is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "core/cmdline.h"
#include "core/types.h"
#include "port_host.h"

static bool flag;
static unsigned int number;
static uint64_t size;
static char custom[64];

static bool size_take(const char *value)
{
    uint64_t v;

    if (!cmdline_size(&value, &v) || *value)
        return false;
    size = v;
    return true;
}

static bool custom_take(const char *value)
{
    if (!strcmp(value, "bad"))
        return false;
    strncpy(custom, value, sizeof(custom) - 1);
    return true;
}

static const struct cmdline_option table[] = {
    CMDLINE_FLAG("smt", &flag),
    CMDLINE_NUMBER("dom0_max_vcpus", &number),
    CMDLINE_CALL("dom0_mem", size_take),
    CMDLINE_CALL("console", custom_take),
    CMDLINE_FLAG("no-real", &flag),
};

static int setup(void **state)
{
    (void)state;
    host_reset();
    flag = false;
    number = 77;
    size = 77;
    strcpy(custom, "old");
    return 0;
}

static const char *parse(const char *line)
{
    return cmdline_parse(line, table, ARRAY_SIZE(table));
}

static void check_warned(const char *line, const char *part)
{
    unsigned long before = host_log_count(LOG_WARN);

    parse(line);
    assert_int_equal(host_log_count(LOG_WARN), before + 1);
    assert_non_null(strstr(host_log_last(), part));
}

static void test_bool(void **state)
{
    static const char *const yes[] = { "smt", "smt=1", "smt=yes", "smt=on", "smt=true", "smt=enable", "smt=", "no-smt=no" };
    static const char *const no[] = { "no-smt", "no_smt", "smt=0", "smt=no", "smt=off", "smt=false", "smt=disable", "no-smt=1" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
    {
        flag = false;
        parse(yes[i]);
        assert_true(flag);
        parse(no[i]);
        assert_false(flag);
    }
    parse("no-real");
    assert_true(flag);
    assert_int_equal(host_log_count(LOG_WARN), 0);
    check_warned("smt=perhaps", "bad value in \"smt=perhaps\"");
    assert_true(flag);
}

static void test_number(void **state)
{
    (void)state;
    parse("dom0_max_vcpus=4");
    assert_int_equal(number, 4);
    parse("dom0-max-vcpus=0x1F");
    assert_int_equal(number, 31);
    parse("dom0_max_vcpus=017 dom0_max_vcpus=4294967295");
    assert_int_equal(number, 4294967295u);
    parse("dom0_max_vcpus=0");
    assert_int_equal(number, 0);
    assert_int_equal(host_log_count(LOG_WARN), 0);
    number = 5;
    check_warned("dom0_max_vcpus=4294967296", "bad value");
    check_warned("dom0_max_vcpus=99999999999999999999", "bad value");
    check_warned("dom0_max_vcpus=0xfffffffffffffffff", "bad value");
    check_warned("dom0_max_vcpus", "bad value");
    check_warned("dom0_max_vcpus=", "bad value");
    check_warned("dom0_max_vcpus=4x", "bad value");
    check_warned("dom0_max_vcpus=-1", "bad value");
    check_warned("dom0_max_vcpus=0x", "bad value");
    check_warned("dom0_max_vcpus=09", "bad value");
    check_warned("no-dom0_max_vcpus=9", "bad value");
    assert_int_equal(number, 5);
}

static void test_size(void **state)
{
    static const struct { const char *line; uint64_t size; } cases[] = {
        { "dom0_mem=512M", 512ul << 20 }, { "dom0_mem=512m", 512ul << 20 }, { "dom0_mem=1024", 1ul << 20 },
        { "dom0_mem=5B", 5 }, { "dom0_mem=5k", 5120 }, { "dom0_mem=16T", 16ul << 40 }, { "dom0_mem=0x2G", 2ul << 30 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
    {
        parse(cases[i].line);
        assert_int_equal(size, cases[i].size);
    }
    size = 5;
    check_warned("dom0_mem=99999999T", "bad value");
    check_warned("dom0_mem=M", "bad value");
    check_warned("dom0_mem=1MM", "bad value");
    assert_int_equal(size, 5);
}

static void test_custom(void **state)
{
    (void)state;
    parse("console=com1,vga");
    assert_string_equal(custom, "com1,vga");
    parse("console=\"a b\"");
    assert_string_equal(custom, "a b");
    parse("console=a=b");
    assert_string_equal(custom, "a=b");
    parse("console");
    assert_string_equal(custom, "");
    parse("console=");
    assert_string_equal(custom, "");
    parse("no-console");
    assert_string_equal(custom, "no");
    check_warned("console=bad", "bad value");
}

static void test_line(void **state)
{
    (void)state;
    assert_string_equal(parse(" \tplaceholder  smt\n dom0_max_vcpus=2 --  root=/dev/vda -- x"), "root=/dev/vda -- x");
    assert_true(flag);
    assert_int_equal(number, 2);
    assert_int_equal(host_log_count(LOG_WARN), 0);
    assert_string_equal(parse(""), "");
    assert_string_equal(parse("smt --"), "");
    assert_string_equal(parse("\"\" \"smt=off"), "");
    assert_false(flag);
    assert_int_equal(host_log_count(LOG_WARN), 0);
}

static void test_unknown(void **state)
{
    static char longer[2 * CMDLINE_OPTION_MAX];

    (void)state;
    check_warned("smtx", "unknown option \"smtx\"");
    check_warned("sm", "unknown option");
    check_warned("=5", "unknown option");
    check_warned("no-", "unknown option");
    check_warned("--smt", "unknown option");
    check_warned("a\033[2J\377b", "\"a?[2J?b\"");
    memset(longer, 'a', sizeof(longer) - 1);
    check_warned(longer, "too long");
    memcpy(longer, "smt ", 4);
    check_warned(longer, "too long");
    assert_true(flag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_bool, setup),
        cmocka_unit_test_setup(test_number, setup),
        cmocka_unit_test_setup(test_size, setup),
        cmocka_unit_test_setup(test_custom, setup),
        cmocka_unit_test_setup(test_line, setup),
        cmocka_unit_test_setup(test_unknown, setup),
    };

    return cmocka_run_group_tests_name("cmdline", tests, NULL, NULL);
}
