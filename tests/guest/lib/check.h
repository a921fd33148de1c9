/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Assertions.  Each counts, prints file:line when it fails, and the test goes on; they
 * return whether they held.  test_skip() and test_abort() end the guest at once.
 */
#ifndef GUEST_CHECK_H
#define GUEST_CHECK_H

#include "types.h"

/* Each test_*.c is one of these; the kit calls it on vCPU 0 with traps and the event upcall set up. */
void test_main(void);

bool check_equal(const char *where, const char *a, const char *b, long x, long y);
bool check_refused(const char *where, const char *a, long x);
bool check_true(const char *where, const char *what, bool ok);
_Noreturn void test_skip(const char *why);
_Noreturn void test_abort(const char *why);
/* Is this Xen (the runner says so on the command line)?  Only to leave out what it or the emulator under it gets wrong. */
bool test_on_xen(void);
/* Print the RESULT line and power off. */
_Noreturn void test_end(void);
/* A test whose end is the machine's reset (the `ends: reset` directive): say that all is well so far. */
void test_expect_reset(void);
/* The same for `ends: off`. */
void test_expect_off(void);

#define CHECK_STR_(x) #x
#define CHECK_STR(x)  CHECK_STR_(x)
#define CHECK_WHERE   __FILE__ ":" CHECK_STR(__LINE__)

#define EXPECT_EQUAL(a, b) check_equal(CHECK_WHERE, #a, #b, (long)(a), (long)(b))
#define EXPECT_OK(a)       check_equal(CHECK_WHERE, #a, "0", (long)(a), 0)
/* EXPECT_ERR(call, EINVAL): the call answers -XEN_EINVAL. */
#define EXPECT_ERR(a, e)   check_equal(CHECK_WHERE, #a, "-" #e, (long)(a), -(long)XEN_##e)
/* Refused with some error (which one is not written down). */
#define EXPECT_REFUSED(a)  check_refused(CHECK_WHERE, #a, (long)(a))
#define EXPECT_TRUE(c)     check_true(CHECK_WHERE, #c, !!(c))
#define REQUIRE(c)         do { if (!EXPECT_TRUE(c)) test_abort(#c); } while (0)

#endif
