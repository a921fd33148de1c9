/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port I/O (physdev.h set_iopl, set_iobitmap): dom0's kernel with virtual IOPL 1, user mode with 3, by bitmap without; else #GP.  Ports the hypervisor
 * keeps for itself read as all ones and swallow writes.  String forms, all widths.
 */
#include <xen/physdev.h>
#include "check.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

#define RTC_INDEX 0x70
#define RTC_DATA  0x71
#define COM1      0x3f8

static long iopl(unsigned level)
{
    struct physdev_set_iopl s = { .iopl = level };

    return hypercall(physdev_op, PHYSDEVOP_set_iopl, &s);
}

static uint8_t inb(unsigned port)
{
    uint8_t v;

    __asm__ volatile("inb %%dx, %%al" : "=a"(v) : "d"(port));
    return v;
}

static void outb(unsigned port, uint8_t v)
{
    __asm__ volatile("outb %%al, %%dx" : : "d"(port), "a"(v));
}

static uint8_t rtc_byte;

/* Status register D of the clock: bit 7 (battery good) is set, the low bits are 0. */
static void read_rtc(unsigned long reg)
{
    outb(RTC_INDEX, (uint8_t)reg);
    rtc_byte = inb(RTC_DATA);
}

static void in_only(unsigned long port) { (void)inb((unsigned)port); }

USER_ASM(user_io, "mov $0x0d, %al; out %al, $0x70; in $0x71, %al; int3");

static int user(struct regs *r)
{
    USER_CODE_SET(user_io);
    user_regs(r);
    return user_run(r);
}

static void check_iopl(void)
{
    struct trap t;
    struct regs r;

    EXPECT_OK(iopl(0));
    EXPECT_EQUAL(trap_catch(&t, read_rtc, 0x0d), VEC_GP);
    EXPECT_EQUAL(t.regs.error, 0);
    EXPECT_OK(iopl(1));
    EXPECT_EQUAL(trap_catch(&t, read_rtc, 0x0d), VEC_NONE);
    EXPECT_EQUAL(rtc_byte, 0x80);
    EXPECT_EQUAL(user(&r), VEC_GP);
    EXPECT_EQUAL(r.rip, USER_CODE + 2);
    EXPECT_OK(iopl(3));
    EXPECT_EQUAL(user(&r), VEC_BP);
    EXPECT_EQUAL(r.rax & 0xff, 0x80);
    EXPECT_OK(iopl(0));
    EXPECT_EQUAL(user(&r), VEC_GP);
    EXPECT_REFUSED(iopl(4));
}

static void check_bitmap(void)
{
    static uint8_t bits[8192];
    struct physdev_set_iobitmap b = { .nr_ports = 65536 };
    struct trap t;
    struct regs r;

    memset(bits, 0xff, sizeof(bits));
    bits[RTC_INDEX / 8] &= (uint8_t)~(3u << (RTC_INDEX % 8));
    set_xen_guest_handle(b.bitmap, bits);
    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_set_iobitmap, &b));
    EXPECT_EQUAL(user(&r), VEC_BP);
    EXPECT_EQUAL(r.rax & 0xff, 0x80);
    EXPECT_EQUAL(trap_catch(&t, in_only, 0x60), VEC_GP);
    b.nr_ports = 16;                                        /* the ports behind are closed */
    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_set_iobitmap, &b));
    EXPECT_EQUAL(user(&r), VEC_GP);
    set_xen_guest_handle(b.bitmap, NULL);
    b.nr_ports = 0;
    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_set_iobitmap, &b));
    EXPECT_EQUAL(trap_catch(&t, in_only, RTC_DATA), VEC_GP);
}

/* The serial line is the hypervisor's console. */
static void check_hidden(void)
{
    uint16_t w;
    uint32_t d;

    EXPECT_OK(iopl(1));
    EXPECT_EQUAL(inb(COM1 + 5), 0xff);
    outb(COM1, '!');
    __asm__ volatile("inw %%dx, %%ax" : "=a"(w) : "d"(COM1));
    EXPECT_EQUAL(w, 0xffff);
    __asm__ volatile("inl %%dx, %%eax" : "=a"(d) : "d"(COM1));
    EXPECT_EQUAL(d, 0xffffffff);
}

/* String output to the delay port, string input from the clock. */
static void check_strings(void)
{
    char buf[8] = { 0 };
    void *p = buf;
    unsigned long n = 5;

    __asm__ volatile("rep outsb" : "+S"(p), "+c"(n) : "d"(0x80) : "memory");
    EXPECT_EQUAL(n, 0);
    EXPECT_EQUAL(p, buf + 5);
    outb(RTC_INDEX, 0x0d);
    p = buf;
    n = 3;
    __asm__ volatile("rep insb" : "+D"(p), "+c"(n) : "d"(RTC_DATA) : "memory");
    EXPECT_EQUAL(n, 0);
    EXPECT_EQUAL((uint8_t)buf[2], 0x80);
    EXPECT_EQUAL(buf[3], 0);
}

void test_main(void)
{
    user_init();
    check_iopl();
    check_bitmap();
    check_hidden();
    check_strings();
}
