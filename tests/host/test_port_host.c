/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake machine itself must be right before anything tested on it counts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include "port_host.h"

static int setup(void **state)
{
    (void)state;
    host_reset();
    return 0;
}

static void test_frames(void **state)
{
    unsigned char *p, *q;

    (void)state;
    host_frames_init(MFN(0x100), 4);
    p = frame_map(MFN(0x103));
    q = frame_map(MFN(0x103));
    assert_ptr_equal(p, q);
    p[4095] = 0x5a;
    assert_int_equal(((unsigned char *)host_frame(MFN(0x103)))[4095], 0x5a);
    frame_unmap(p);
    assert_int_equal(q[4095], 0x5a);
    assert_int_equal(host_frames_mapped(), 1);
    frame_unmap(q + 8);
    assert_int_equal(host_frames_mapped(), 0);
}

static void test_frames_refused(void **state)
{
    (void)state;
    host_frames_init(MFN(0x100), 4);
    assert_true(host_panics(frame_map(MFN(0xff))));
    assert_true(host_panics(frame_map(MFN(0x104))));
    assert_true(host_panics(frame_unmap(host_frame(MFN(0x100)))));
    for (int i = 0; i < 8; i++)
        frame_map(MFN(0x100));
    assert_true(host_panics(frame_map(MFN(0x101))));
}

static void test_memory(void **state)
{
    char *p = mem_alloc(100), *big;

    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    big = mem_alloc(PAGE_SIZE + 1);
    assert_int_equal((uintptr_t)big & ~PAGE_MASK, 0);
    assert_int_equal(host_mem_live(), 2);
    mem_free(p);
    mem_free(big);
    mem_free(NULL);
    assert_int_equal(host_mem_live(), 0);
}

static void test_memory_fails(void **state)
{
    void *p;

    (void)state;
    host_mem_fail_at(2);
    mem_free(p = mem_alloc(1));
    assert_non_null(p);
    assert_null(mem_alloc(1));
    mem_free(p = mem_alloc(1));
    assert_non_null(p);
    host_mem_fail_from(2);
    mem_free(p = mem_alloc(1));
    assert_non_null(p);
    assert_null(mem_alloc(1));
    assert_null(mem_alloc(1));
}

static void test_preempt(void **state)
{
    unsigned int said = 0;

    (void)state;
    assert_false(preempt_needed());
    host_preempt_every(3);
    for (int i = 0; i < 9; i++)
        said += preempt_needed();
    assert_int_equal(said, 3);
    assert_int_equal(host_preempt_calls(), 9);
}

static void test_log_and_panic(void **state)
{
    (void)state;
    log_warn("value %d\n", 7);
    assert_int_equal(host_log_count(LOG_WARN), 1);
    assert_string_equal(host_log_last(), "value 7\n");
    assert_true(host_panics(panic("so %s\n", "it ends")));
    assert_string_equal(host_panic_message(), "so it ends\n");
    assert_false(host_panics((void)0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_frames, setup),
        cmocka_unit_test_setup(test_frames_refused, setup),
        cmocka_unit_test_setup(test_memory, setup),
        cmocka_unit_test_setup(test_memory_fails, setup),
        cmocka_unit_test_setup(test_preempt, setup),
        cmocka_unit_test_setup(test_log_and_panic, setup),
    };

    return cmocka_run_group_tests_name("port_host", tests, NULL, NULL);
}
