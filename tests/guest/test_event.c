/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events to oneself by the 2-level ABI: pending bit, selector word, upcall flag and the upcall itself; the
 * channel's mask and the vCPU's mask hold it back.  (event_channel.h, xen.h struct shared_info.)
 */
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"

void test_main(void)
{
    struct vcpu_info *v = vcpu_info_self();
    long port = event_bind_ipi(0);
    unsigned long upcalls;

    REQUIRE(port > 0);
    EXPECT_TRUE(!event_pending(port));

    /* Channel masked: only the pending bit. */
    events_on();
    event_mask(port);
    upcalls = cpu_self()->upcalls;
    EXPECT_OK(event_send(port));
    EXPECT_TRUE(event_pending(port));
    EXPECT_EQUAL(event_count[port], 0);
    EXPECT_EQUAL(cpu_self()->upcalls, upcalls);

    /* Unmask by hypercall: delivered. */
    struct evtchn_unmask u = { .port = (evtchn_port_t)port };
    EXPECT_OK(hypercall(event_channel_op, EVTCHNOP_unmask, &u));
    EXPECT_EQUAL(event_count[port], 1);
    EXPECT_TRUE(!event_masked(port));
    EXPECT_TRUE(!event_pending(port));

    /* vCPU masked: pending, selector and flag are set, no upcall. */
    events_off();
    EXPECT_OK(event_send(port));
    EXPECT_TRUE(event_pending(port));
    EXPECT_EQUAL(v->evtchn_pending_sel, 1ul << (port / 64));
    EXPECT_EQUAL(v->evtchn_upcall_pending, 1);
    EXPECT_EQUAL(event_count[port], 1);
    events_on();
    EXPECT_EQUAL(event_count[port], 2);

    /* Sent twice while pending: one event. */
    events_off();
    EXPECT_OK(event_send(port));
    EXPECT_OK(event_send(port));
    events_on();
    EXPECT_EQUAL(event_count[port], 3);

    /* Nothing masked: the upcall comes before the hypercall is back. */
    EXPECT_OK(event_send(port));
    EXPECT_EQUAL(event_count[port], 4);

    /* Block with an event pending and the vCPU masked: comes back at once, unmasked. */
    events_off();
    EXPECT_OK(event_send(port));
    EXPECT_OK(hypercall(sched_op, SCHEDOP_block));
    EXPECT_EQUAL(event_count[port], 5);
    EXPECT_EQUAL(v->evtchn_upcall_mask, 0);

    EXPECT_OK(event_close(port));
    EXPECT_ERR(event_send(port), EINVAL);
}
