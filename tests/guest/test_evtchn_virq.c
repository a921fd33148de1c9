/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bind_virq and bind_ipi (event_channel.h), two vCPUs: per-vCPU VIRQs one channel a vCPU, global ones on vCPU 0, IPIs to the vCPU they name, rebind
 * rules of bind_vcpu, what can be sent to; refusals.
 */
/* qemu: -smp 2 */
#include <xen/sched.h>
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "smp.h"

static volatile unsigned started;

static void second(void)
{
    events_on();
    started = 1;
    for (;;)
        hypercall(sched_op, SCHEDOP_block);
}

static long bind_vcpu(unsigned port, unsigned vcpu)
{
    struct evtchn_bind_vcpu b = { .port = port, .vcpu = vcpu };

    return hypercall(event_channel_op, EVTCHNOP_bind_vcpu, &b);
}

static struct evtchn_status status(unsigned port)
{
    struct evtchn_status s = { .dom = DOMID_SELF, .port = port };

    if (hypercall(event_channel_op, EVTCHNOP_status, &s))
        s.status = ~0u;
    return s;
}

static void check_virq(void)
{
    long timer0 = event_bind_virq(VIRQ_TIMER, 0), timer1, global;

    REQUIRE(timer0 > 0);
    EXPECT_EQUAL(status(timer0).status, EVTCHNSTAT_virq);
    EXPECT_EQUAL(status(timer0).u.virq, VIRQ_TIMER);
    EXPECT_ERR(event_bind_virq(VIRQ_TIMER, 0), EEXIST);
    timer1 = event_bind_virq(VIRQ_TIMER, 1);
    EXPECT_TRUE(timer1 > 0 && timer1 != timer0);
    EXPECT_EQUAL(status(timer1).vcpu, 1);
    EXPECT_REFUSED(bind_vcpu((unsigned)timer1, 0));
    EXPECT_REFUSED(event_send((unsigned)timer0));
    global = event_bind_virq(VIRQ_CON_RING, 1);
    EXPECT_REFUSED(global);
    global = event_bind_virq(VIRQ_CON_RING, 0);
    REQUIRE(global > 0);
    EXPECT_ERR(event_bind_virq(VIRQ_CON_RING, 0), EEXIST);
    EXPECT_OK(bind_vcpu((unsigned)global, 1));
    EXPECT_EQUAL(status(global).vcpu, 1);
    EXPECT_OK(event_close((unsigned)global));
    EXPECT_OK(event_close((unsigned)timer0));
    timer0 = event_bind_virq(VIRQ_TIMER, 0);
    EXPECT_TRUE(timer0 > 0);
    EXPECT_ERR(event_bind_virq(NR_VIRQS, 0), EINVAL);
    EXPECT_ERR(event_bind_virq(~0u, 0), EINVAL);
    EXPECT_REFUSED(event_bind_virq(VIRQ_DEBUG, 77));
    EXPECT_REFUSED(event_bind_virq(VIRQ_DEBUG, ~0u));
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_bind_virq, UNMAPPED), EFAULT);
}

static void check_ipi(void)
{
    long to0 = event_bind_ipi(0), to1 = event_bind_ipi(1), another = event_bind_ipi(1);

    REQUIRE(to0 > 0 && to1 > 0 && another > 0 && another != to1);
    EXPECT_EQUAL(status(to1).status, EVTCHNSTAT_ipi);
    EXPECT_EQUAL(status(to1).vcpu, 1);
    event_unmask((unsigned)to0);
    event_unmask((unsigned)to1);
    EXPECT_OK(event_send((unsigned)to1));
    EXPECT_TRUE(event_wait((unsigned)to1, 1, PATIENT));
    EXPECT_EQUAL(event_cpu[to1], 1);
    EXPECT_OK(event_send((unsigned)to0));
    EXPECT_EQUAL(event_count[to0], 1);
    EXPECT_EQUAL(event_cpu[to0], 0);
    EXPECT_REFUSED(bind_vcpu((unsigned)to1, 0));
    EXPECT_REFUSED(event_bind_ipi(77));
    EXPECT_REFUSED(event_bind_ipi(~0u));
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_bind_ipi, UNMAPPED), EFAULT);
}

/* An interdomain channel can move to another vCPU. */
static void check_move(void)
{
    long a = event_alloc_unbound(DOMID_SELF, DOMID_SELF), b = event_bind_interdomain(DOMID_SELF, (unsigned)a);

    REQUIRE(a > 0 && b > 0);
    EXPECT_OK(bind_vcpu((unsigned)b, 1));
    EXPECT_EQUAL(status(b).vcpu, 1);
    event_clear((unsigned)b);
    event_unmask((unsigned)b);
    event_count[b] = 0;
    EXPECT_OK(event_send((unsigned)a));
    EXPECT_TRUE(event_wait((unsigned)b, 1, PATIENT));
    EXPECT_EQUAL(event_cpu[b], 1);
    EXPECT_OK(bind_vcpu((unsigned)b, 0));
    EXPECT_OK(event_send((unsigned)a));
    EXPECT_TRUE(event_wait((unsigned)b, 2, PATIENT));
    EXPECT_EQUAL(event_cpu[b], 0);
    EXPECT_REFUSED(bind_vcpu((unsigned)b, 77));
    EXPECT_REFUSED(bind_vcpu(4095, 0));
    EXPECT_REFUSED(bind_vcpu(~0u, 0));
    /* A port used again notifies vCPU 0. */
    EXPECT_OK(bind_vcpu((unsigned)b, 1));
    EXPECT_OK(event_close((unsigned)b));
    b = event_bind_interdomain(DOMID_SELF, (unsigned)a);
    EXPECT_EQUAL(status(b).vcpu, 0);
}

void test_main(void)
{
    REQUIRE(vcpu_count() == 2);
    events_on();
    REQUIRE(!vcpu_start(1, second));
    REQUIRE(wait_for(&started, 1, PATIENT));
    check_virq();
    check_ipi();
    check_move();
}
