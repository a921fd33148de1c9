/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other privileged instructions of a guest kernel: wbinvd works, invlpg and hlt work or are #GP (Xen's way), rdtsc counts up, cli and sti never touch the machine's
 * interrupts, the descriptor-table loads and the like are #GP.
 */
/* clock: virtual */
#include <xen/vcpu.h>
#include "boot.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"
#include "trap.h"

#define VA 0x0000100000000000ul

static char table[16];

static void wbinvd(unsigned long a) { (void)a; __asm__ volatile("wbinvd" : : : "memory"); }
static void invlpg(unsigned long a) { __asm__ volatile("invlpg (%0)" : : "r"(a) : "memory"); }
static void hlt(unsigned long a) { (void)a; __asm__ volatile("hlt" : : : "memory"); }
static void cli(unsigned long a) { (void)a; __asm__ volatile("cli"); }
static void sti(unsigned long a) { (void)a; __asm__ volatile("sti"); }
static void lgdt(unsigned long a) { (void)a; __asm__ volatile("lgdt %0" : : "m"(table)); }
static void lidt(unsigned long a) { (void)a; __asm__ volatile("lidt %0" : : "m"(table)); }
static void lldt(unsigned long a) { __asm__ volatile("lldt %w0" : : "r"(a)); }
static void ltr(unsigned long a) { __asm__ volatile("ltr %w0" : : "r"(a)); }
static void swapgs(unsigned long a) { (void)a; __asm__ volatile("swapgs"); }
static void sysret(unsigned long a) { __asm__ volatile("sysretq" : : "c"(a) : "r11"); }
static void invd(unsigned long a) { (void)a; __asm__ volatile("invd"); }

static void check_allowed(void)
{
    unsigned long *a = page_alloc(), *b = page_alloc();
    struct trap t;

    EXPECT_EQUAL(trap_catch(&t, wbinvd, 0), VEC_NONE);
    *a = 0xaaaa;
    *b = 0xbbbb;
    EXPECT_OK(map_page(NULL, VA, virt_to_mfn(a), PTE_RW));
    EXPECT_EQUAL(*(volatile long *)VA, 0xaaaa);
    EXPECT_OK(map_page(NULL, VA, virt_to_mfn(b), PTE_RW));
    if (trap_catch(&t, invlpg, VA) == VEC_NONE)
        EXPECT_EQUAL(*(volatile long *)VA, 0xbbbb);
    else
        EXPECT_EQUAL(t.vector, VEC_GP);
}

static void check_hlt(unsigned port)
{
    uint64_t at = time_now() + 20000000;
    unsigned n = event_count[port];
    struct trap t;

    EXPECT_OK(hypercall(set_timer_op, at));
    if (trap_catch(&t, hlt, 0) == VEC_GP) {
        EXPECT_EQUAL(t.regs.error, 0);
        EXPECT_TRUE(event_wait(port, n + 1, PATIENT));
        return;
    }
    EXPECT_EQUAL(t.vector, VEC_NONE);
    EXPECT_TRUE(time_now() >= at);
    EXPECT_EQUAL(event_count[port], n + 1);
}

/* Whatever cli does (#GP without virtual IOPL), timer events keep coming. */
static void check_cli(unsigned port)
{
    struct trap t;
    unsigned n = event_count[port];
    int v = trap_catch(&t, cli, 0);

    EXPECT_TRUE(v == VEC_GP || v == VEC_NONE);
    WRITE_ONCE(vcpu_info_self()->evtchn_upcall_mask, 0);
    EXPECT_OK(hypercall(set_timer_op, time_now() + 5000000));
    EXPECT_TRUE(event_wait(port, n + 1, PATIENT));
    v = trap_catch(&t, sti, 0);
    EXPECT_TRUE(v == VEC_GP || v == VEC_NONE);
}

static void check_no(void)
{
    struct trap t;

    EXPECT_EQUAL(trap_catch(&t, lgdt, 0), VEC_GP);
    EXPECT_EQUAL(trap_catch(&t, lidt, 0), VEC_GP);
    EXPECT_EQUAL(trap_catch(&t, lldt, 0), VEC_GP);
    EXPECT_EQUAL(trap_catch(&t, ltr, 0xe040), VEC_GP);
    EXPECT_EQUAL(trap_catch(&t, swapgs, 0), VEC_GP);
    EXPECT_EQUAL(trap_catch(&t, sysret, 0), VEC_GP);
    EXPECT_TRUE(trap_catch(&t, invd, 0) == VEC_GP || t.vector == VEC_NONE);
}

static void check_tsc(void)
{
    uint64_t first = tsc_read();

    for (unsigned i = 0; i < 1000; i++) {
        uint64_t now = tsc_read();

        if (now < first) {
            EXPECT_TRUE(now >= first);
            return;
        }
        first = now;
    }
}

void test_main(void)
{
    long port = event_bind_virq(VIRQ_TIMER, 0);

    REQUIRE(port > 0);
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    event_unmask((unsigned)port);
    events_on();
    check_allowed();
    check_hlt((unsigned)port);
    check_cli((unsigned)port);
    check_no();
    check_tsc();
}
