/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rest of event_channel_op (event_channel.h), 2-level ABI: unmask, reset, bind_pirq's refusals, priorities without FIFO, how many ports there are,
 * unknown commands, and the old hypercall with the command in the structure.
 */
#include "boot.h"
#include "check.h"
#include "console.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"

static unsigned state(unsigned port)
{
    struct evtchn_status s = { .dom = DOMID_SELF, .port = port };

    return hypercall(event_channel_op, EVTCHNOP_status, &s) ? ~0u : s.status;
}

static long unmask(unsigned port)
{
    struct evtchn_unmask u = { .port = port };

    return hypercall(event_channel_op, EVTCHNOP_unmask, &u);
}

static void check_unmask(void)
{
    long port = event_bind_ipi(0);
    unsigned long upcalls;

    event_mask((unsigned)port);
    upcalls = cpu_self()->upcalls;
    EXPECT_OK(unmask((unsigned)port));                      /* nothing pending: no upcall */
    EXPECT_TRUE(!event_masked((unsigned)port));
    EXPECT_EQUAL(cpu_self()->upcalls, upcalls);
    EXPECT_OK(unmask((unsigned)port));
    EXPECT_REFUSED(unmask(~0u));
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_unmask, UNMAPPED), EFAULT);
    EXPECT_REFUSED(event_send(0));
    EXPECT_REFUSED(event_send(4095));
    EXPECT_REFUSED(event_send(1u << 20));
    EXPECT_REFUSED(event_send(~0u));
    EXPECT_REFUSED(event_close(~0u));
    EXPECT_EQUAL(state(~0u), ~0u);
    EXPECT_EQUAL(state(0), EVTCHNSTAT_closed);              /* nobody's */
}

static void check_pirq(void)
{
    struct evtchn_bind_pirq b = { .pirq = 100000 };

    EXPECT_REFUSED(hypercall(event_channel_op, EVTCHNOP_bind_pirq, &b));
    b.pirq = ~0u;
    EXPECT_REFUSED(hypercall(event_channel_op, EVTCHNOP_bind_pirq, &b));
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_bind_pirq, UNMAPPED), EFAULT);
}

static void check_priority(void)
{
    long port = event_bind_ipi(0);
    struct evtchn_set_priority p = { .port = (evtchn_port_t)port, .priority = 3 };

    EXPECT_REFUSED(hypercall(event_channel_op, EVTCHNOP_set_priority, &p));
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_set_priority, UNMAPPED), EFAULT);
}

static void check_reset(void)
{
    long a = event_bind_ipi(0), b = event_alloc_unbound(DOMID_SELF, DOMID_SELF);
    struct evtchn_reset r = { .dom = 4711 };

    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_reset, &r), ESRCH);
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_reset, UNMAPPED), EFAULT);
    EXPECT_EQUAL(state((unsigned)a), EVTCHNSTAT_ipi);
    r.dom = DOMID_SELF;
    EXPECT_OK(hypercall(event_channel_op, EVTCHNOP_reset, &r));
    EXPECT_EQUAL(state((unsigned)a), EVTCHNSTAT_closed);
    EXPECT_EQUAL(state((unsigned)b), EVTCHNSTAT_closed);
    a = event_bind_ipi(0);
    REQUIRE(a > 0);
    event_count[a] = 0;
    event_clear((unsigned)a);
    event_unmask((unsigned)a);
    EXPECT_OK(event_send((unsigned)a));
    EXPECT_EQUAL(event_count[a], 1);
}

/* All ports there are: each works, one more is -ENOSPC, closing makes room. */
static void check_many(void)
{
    struct evtchn_reset r = { .dom = DOMID_SELF };
    long port = 0, last = 0;
    unsigned n = 0;

    EXPECT_OK(hypercall(event_channel_op, EVTCHNOP_reset, &r));
    while (n < 5000 && (port = event_bind_ipi(0)) > 0) {
        last = port;
        n++;
    }
    printf("%u ports\n", n);
    EXPECT_EQUAL(port, -XEN_ENOSPC);
    EXPECT_TRUE(n >= 1023 && n < EVTCHN_2L_NR_CHANNELS);
    events_off();
    event_unmask((unsigned)last);
    EXPECT_OK(event_send((unsigned)last));
    EXPECT_EQUAL(vcpu_info_self()->evtchn_pending_sel, 1ul << (last / 64));
    EXPECT_TRUE(event_pending((unsigned)last));
    events_on();
    EXPECT_TRUE(!event_pending((unsigned)last));
    EXPECT_OK(event_close(7));
    EXPECT_EQUAL(event_bind_ipi(0), 7);
    EXPECT_OK(hypercall(event_channel_op, EVTCHNOP_reset, &r));
    EXPECT_TRUE(event_bind_ipi(0) > 0);
}

static void check_compat(void)
{
    struct evtchn_op op = { .cmd = EVTCHNOP_bind_ipi };
    unsigned port;

    EXPECT_OK(hypercall(event_channel_op_compat, &op));
    port = op.u.bind_ipi.port;
    EXPECT_EQUAL(state(port), EVTCHNSTAT_ipi);
    op.cmd = EVTCHNOP_close;
    op.u.close.port = port;
    EXPECT_OK(hypercall(event_channel_op_compat, &op));
    EXPECT_EQUAL(state(port), EVTCHNSTAT_closed);
    op.cmd = 99;
    EXPECT_REFUSED(hypercall(event_channel_op_compat, &op));
    EXPECT_ERR(hypercall(event_channel_op_compat, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(event_channel_op, 15, &op), ENOSYS);
    EXPECT_ERR(hypercall(event_channel_op, 99, &op), ENOSYS);
}

void test_main(void)
{
    events_on();
    check_unmask();
    check_pirq();
    check_priority();
    check_reset();
    check_many();
    check_compat();
}
