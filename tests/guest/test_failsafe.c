/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The failsafe callback (callback.h: "when guest state cannot be restored by Xen"): a data selector whose descriptor has gone by the time the
 * vCPU is scheduled again (here two vCPUs on one processor); the callback finds the selectors on its stack.
 */
/* hv: dom0_max_vcpus=2 */
#include <xen/callback.h>
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "trap.h"
#include "time.h"

#define DATA3 0x00cff3000000ffffull

static uint64_t *gdt;
static volatile unsigned running, failsafes, kills;
static volatile uint64_t seen_es;
static uint8_t mask_seen;

static bool on_failsafe(struct regs *r)
{
    (void)r;
    failsafes++;
    seen_es = failsafe_frame.es;
    mask_seen = vcpu_info_self()->evtchn_upcall_mask;
    __asm__ volatile("mov %w0, %%es" : : "r"(0));
    return true;
}

/* The other vCPU: takes the descriptor away while we are not running. */
static void other(void)
{
    for (;;) {
        running++;
        if (kills) {
            hypercall(update_descriptor, virt_to_maddr(gdt + 5), 0);
            kills = 0;
        }
        hypercall(sched_op, SCHEDOP_yield);
    }
}

static void once(void)
{
    uint64_t end = time_now() + PATIENT * 1000000ul;
    unsigned before = failsafes;

    EXPECT_OK(hypercall(update_descriptor, virt_to_maddr(gdt + 5), DATA3));
    __asm__ volatile("mov %w0, %%es" : : "r"(5 * 8 + 3));
    kills = 1; /* not before: the other vCPU may run at any moment */
    while (failsafes == before && time_now() < end)
        hypercall(sched_op, SCHEDOP_yield);
    EXPECT_EQUAL(failsafes, before + 1);
    EXPECT_EQUAL(seen_es & 0xffff, 5 * 8 + 3);
    __asm__ volatile("mov %w0, %%es" : : "r"(0));
}

void test_main(void)
{
    struct callback_register c = { .type = CALLBACKTYPE_failsafe, .address = trap_entry(VEC_FAILSAFE) };
    unsigned long frames[1];

    if (vcpu_count() < 2)
        test_skip("one vCPU only");
    gdt = page_alloc();
    frames[0] = virt_to_mfn(gdt);
    REQUIRE(!page_make_ro(gdt));
    REQUIRE(!hypercall(set_gdt, frames, 512));
    trap_handle(VEC_FAILSAFE, on_failsafe);
    REQUIRE(!vcpu_start(1, other));
    REQUIRE(wait_for(&running, 1, PATIENT));
    vcpu_info_self()->evtchn_upcall_mask = 0;
    EXPECT_OK(hypercall(callback_op, CALLBACKOP_register, &c));
    once();
    EXPECT_EQUAL(mask_seen, 0);
    c.flags = CALLBACKF_mask_events;
    EXPECT_OK(hypercall(callback_op, CALLBACKOP_register, &c));
    once();
    EXPECT_EQUAL(mask_seen, 1);
}
