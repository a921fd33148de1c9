/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events and the flow of control: an upcall interrupts user mode and kernel mode with the right frame, masks itself, is taken on
 * the iret that unmasks, and interrupts nothing while masked.
 */
/* clock: virtual */
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "smp.h"
#include "time.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_spin, "1: inc %rax; jmp 1b");
USER_ASM(user_bp, "int3");

static volatile unsigned seen;
static volatile uint8_t mask_in;
static struct regs frame;
static unsigned port;

static bool on_event(struct regs *r)
{
    seen++;
    frame = *r;
    mask_in = vcpu_info_self()->evtchn_upcall_mask;
    event_upcall();
    return (r->cs & 3) != 3;
}

static void check_kernel(void)
{
    uint64_t end = time_now() + PATIENT * 1000000ul;

    seen = 0;
    EXPECT_OK(hypercall(set_timer_op, time_now() + 5000000));
    while (!seen && time_now() < end)
        __asm__ volatile("" : : : "memory");
    EXPECT_EQUAL(seen, 1);
    EXPECT_EQUAL(mask_in, 1);
    EXPECT_EQUAL(REGS_MASK(&frame), 0);
    EXPECT_EQUAL(REGS_CS(&frame) & 3, 0);
    EXPECT_EQUAL(frame.rflags & FLAG_IF, FLAG_IF);
    EXPECT_EQUAL(vcpu_info_self()->evtchn_upcall_mask, 0);  /* again, after its iret */
}

static void check_user(void)
{
    struct regs r;

    USER_CODE_SET(user_spin);
    user_regs(&r);
    seen = 0;
    EXPECT_OK(hypercall(set_timer_op, time_now() + 5000000));
    EXPECT_EQUAL(user_run(&r), VEC_EVENT);
    EXPECT_EQUAL(seen, 1);
    EXPECT_TRUE(r.rip >= USER_CODE && r.rip < USER_CODE + 5);
    EXPECT_TRUE(r.rax > 0);
    EXPECT_EQUAL(REGS_CS(&r), FLAT_USER_CS64);
    EXPECT_EQUAL(r.rsp, USER_STACK);
    EXPECT_EQUAL(r.ss, FLAT_USER_SS64);
    EXPECT_EQUAL(r.rflags & FLAG_IF, FLAG_IF);
}

/* Masked in the kernel with an event pending; the iret that clears the mask takes it before user code runs. */
static void check_iret(void)
{
    struct regs r;
    unsigned before = event_count[port];

    events_off();
    EXPECT_OK(hypercall(set_timer_op, 1));
    time_spin(5000000);
    EXPECT_TRUE(event_pending(port));
    EXPECT_EQUAL(event_count[port], before);
    USER_CODE_SET(user_spin);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_EVENT);
    EXPECT_EQUAL(r.rip, USER_CODE);
    EXPECT_EQUAL(r.rax, 0);
    EXPECT_EQUAL(event_count[port], before + 1);
    /* User mode entered with events masked is not interrupted. */
    events_off();
    EXPECT_OK(hypercall(set_timer_op, 1));
    time_spin(5000000);
    USER_CODE_SET(user_bp);
    user_regs(&r);
    r.rflags &= ~FLAG_IF;
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(REGS_MASK(&r), 1);
    EXPECT_EQUAL(event_count[port], before + 1);
    events_on();
    EXPECT_EQUAL(event_count[port], before + 2);
}

void test_main(void)
{
    long p = event_bind_virq(VIRQ_TIMER, 0);

    REQUIRE(p > 0);
    port = (unsigned)p;
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    user_init();
    trap_handle(VEC_EVENT, on_event);
    event_unmask(port);
    events_on();
    check_kernel();
    check_user();
    vcpu_info_self()->evtchn_upcall_mask = 0;
    check_iret();
}
