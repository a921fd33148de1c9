/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A trap without a handler in the table crashes the domain (not the hypervisor): dom0's registers on the console, then the restart. */
/* ends: reset */
/* console: [Cc]rash */
#include "check.h"
#include "hypercall.h"

void test_main(void)
{
    struct trap_info none[2] = { { .vector = 6 } };

    EXPECT_OK(hypercall(set_trap_table, NULL));             /* no table: all entries are cleared */
    (void)none;
    test_expect_reset();
    __asm__ volatile("ud2");
    for (;;)
        ;
}
