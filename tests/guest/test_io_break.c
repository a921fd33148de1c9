/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Breakpoints on I/O ports (SDM3 17.2.4): with CR4.DE set, an access to the port, which the hypervisor carries out,
 * gives #DB behind the instruction with DR6's bit; other ports don't; without CR4.DE the type is refused.
 */
#include <xen/physdev.h>
#include "check.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

#define DE        8ul
#define RTC_DATA  0x71
#define DR7_IO(n) (1ul << ((n) * 2) | 2ul << (16 + (n) * 4))

USER_ASM(user_in, "in $0x71, %al; nop; ud2");

static volatile unsigned hits;
static volatile unsigned long dr6, rip;

static unsigned long cr4(void) { unsigned long v; __asm__ volatile("mov %%cr4, %0" : "=r"(v)); return v; }
static void cr4_set(unsigned long v) { __asm__ volatile("mov %0, %%cr4" : : "r"(v)); }

static bool on_db(struct regs *r)
{
    hits++;
    rip = r->rip;
    dr6 = (unsigned long)hypercall(get_debugreg, 6);
    EXPECT_OK(hypercall(set_debugreg, 6, 0));
    return true;
}

static unsigned long in(unsigned port)
{
    unsigned long behind;

    hits = 0;
    __asm__ volatile("lea 1f(%%rip), %0; inb %w1, %%al; 1: nop" : "=&r"(behind) : "d"(port) : "rax", "memory");
    return behind;
}

/* Each round of a rep. */
static void check_string(void)
{
    char buf[4];
    void *p = buf;
    unsigned long n = 3;

    hits = 0;
    __asm__ volatile("rep insb; nop" : "+D"(p), "+c"(n) : "d"(RTC_DATA) : "memory");
    EXPECT_EQUAL(hits, 3);
    EXPECT_EQUAL(n, 0);
    EXPECT_EQUAL(p, buf + 3);
}

void test_main(void)
{
    struct physdev_set_iopl iopl = { .iopl = 3 };
    unsigned long behind;
    struct regs r;

    trap_handle(VEC_DB, on_db);
    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_set_iopl, &iopl));
    EXPECT_OK(hypercall(set_debugreg, 1, RTC_DATA));
    EXPECT_REFUSED(hypercall(set_debugreg, 7, DR7_IO(1)));
    cr4_set(cr4() | DE);
    EXPECT_EQUAL(cr4() & DE, DE);
    EXPECT_OK(hypercall(set_debugreg, 7, DR7_IO(1)));
    behind = in(RTC_DATA);
    EXPECT_EQUAL(hits, 1);
    EXPECT_EQUAL(rip, behind);
    EXPECT_EQUAL(dr6 & 15, 2);
    in(0x70);
    EXPECT_EQUAL(hits, 0);
    check_string();
    trap_handle(VEC_DB, NULL);
    user_init();
    USER_CODE_SET(user_in);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_DB);
    EXPECT_EQUAL(r.rip, USER_CODE + 2);
    EXPECT_OK(hypercall(set_debugreg, 7, 0));
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_UD);
}
