/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vcpu_op register_vcpu_info (vcpu.h): the structure moves with its content, events and CR2 then use the new place; only once; not over a page
 * border, not in frames that are not ours or not writable.
 */
#include <xen/vcpu.h>
#include "boot.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"
#include "trap.h"

static long set(unsigned long mfn, unsigned offset)
{
    struct vcpu_register_vcpu_info r = { .mfn = mfn, .offset = offset };

    return vcpu_op(VCPUOP_register_vcpu_info, 0, &r);
}

static void check_refusals(unsigned long mfn)
{
    struct vcpu_register_vcpu_info r = { .mfn = mfn };

    EXPECT_REFUSED(set(mfn, PAGE_SIZE - sizeof(struct vcpu_info) + 8));
    EXPECT_REFUSED(set(mfn, PAGE_SIZE));
    EXPECT_REFUSED(set(mfn, ~0u));
    if (!test_on_xen()) { /* it takes any, and updates it by accesses that cross cache lines */
        EXPECT_REFUSED(set(mfn, 4));
        EXPECT_REFUSED(set(mfn, 63));
    }
    EXPECT_REFUSED(set(0xffffffffful, 0));
    EXPECT_REFUSED(set(virt_to_mfn(pt_root()), 0));
    EXPECT_REFUSED(vcpu_op(VCPUOP_register_vcpu_info, 77, &r));
    EXPECT_ERR(vcpu_op(VCPUOP_register_vcpu_info, 0, (void *)UNMAPPED), EFAULT);
}

void test_main(void)
{
    char *page = page_alloc();
    struct vcpu_info *v = (struct vcpu_info *)(page + 128);
    struct trap t;
    long port = event_bind_ipi(0);
    unsigned long sum = 0;

    REQUIRE(port > 0);
    check_refusals(virt_to_mfn(page));
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        sum += (unsigned char)page[i];
    EXPECT_EQUAL(sum, 0);
    REQUIRE(!set(virt_to_mfn(page), 128));
    vcpu_info_at[0] = v;
    EXPECT_EQUAL(v->evtchn_upcall_mask, 1);
    EXPECT_TRUE(v->time.tsc_to_system_mul != 0);
    EXPECT_TRUE(time_now() > 0);
    EXPECT_REFUSED(set(virt_to_mfn(page), 256));
    /* All channels may be made pending by the move (they must not be lost). */
    events_on();
    event_unmask(port);
    event_count[port] = 0;
    EXPECT_OK(event_send(port));
    EXPECT_EQUAL(event_count[port], 1);
    events_off();
    EXPECT_OK(event_send(port));
    EXPECT_EQUAL(v->evtchn_upcall_pending, 1);
    EXPECT_EQUAL(v->evtchn_pending_sel, 1ul << (port / 64));
    events_on();
    EXPECT_EQUAL(event_count[port], 2);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, UNMAPPED + 0x777), VEC_PF);
    EXPECT_EQUAL(t.cr2, UNMAPPED + 0x777);
    EXPECT_EQUAL(v->arch.cr2, UNMAPPED + 0x777);
    /* The frame is held writable: it can not become a page table. */
    EXPECT_OK(page_make_ro(page));
    EXPECT_REFUSED(pin(1, virt_to_mfn(page)));
    EXPECT_OK(page_make_rw(page));
}
