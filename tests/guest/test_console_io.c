/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * console_io (xen.h): write for the hardware domain prints every character at once; read gives what was typed, announced by
 * VIRQ_CONSOLE; bad pointers and unknown commands are refused.
 */
/* console: one two\r*\nthree */
/* input: hello */
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "console.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"

static void check_write(void)
{
    char *pages = page_alloc();
    char *second = page_alloc();

    console_write("one ", 4);
    console_write("two\nthree\n", 10);
    EXPECT_OK(hypercall(console_io, CONSOLEIO_write, 0, "x"));
    /* Over a page border. */
    EXPECT_EQUAL(second, pages + PAGE_SIZE);
    memset(pages, '.', 2 * PAGE_SIZE);
    pages[2 * PAGE_SIZE - 1] = '\n';
    EXPECT_OK(hypercall(console_io, CONSOLEIO_write, 200, pages + 2 * PAGE_SIZE - 200));
    pages[PAGE_SIZE + 99] = '\n';
    EXPECT_OK(hypercall(console_io, CONSOLEIO_write, 200, pages + PAGE_SIZE - 100));
}

static void check_refusals(void)
{
    EXPECT_ERR(hypercall(console_io, CONSOLEIO_write, 4, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(console_io, CONSOLEIO_write, 4, HV_PRIVATE), EFAULT);
    EXPECT_ERR(hypercall(console_io, CONSOLEIO_write, 4, NONCANON), EFAULT);
    EXPECT_REFUSED(hypercall(console_io, CONSOLEIO_write, 0xffffffff, UNMAPPED));
    EXPECT_ERR(hypercall(console_io, 2, 4, "abcd"), ENOSYS);
    EXPECT_ERR(hypercall(console_io, 77, 4, "abcd"), ENOSYS);
}

static void check_read(void)
{
    char buf[64];
    long n, got = 0, port = event_bind_virq(VIRQ_CONSOLE, 0);
    uint64_t end = time_now() + 10000000000ul;

    REQUIRE(port > 0);
    EXPECT_OK(hypercall(console_io, CONSOLEIO_read, 0, buf));
    EXPECT_OK(hypercall(console_io, CONSOLEIO_read, sizeof(buf), buf));
    events_on();
    event_unmask(port);
    printf("INPUT?\n");
    EXPECT_TRUE(event_wait(port, 1, PATIENT));
    memset(buf, 0, sizeof(buf));
    while (got < 5 && time_now() < end) {
        n = hypercall(console_io, CONSOLEIO_read, 2, buf + got);
        if (n < 0 || n > 2)
            break;
        got += n;
    }
    EXPECT_TRUE(!strncmp(buf, "hello", 5));
}

void test_main(void)
{
    check_write();
    check_refusals();
    check_read();
}
