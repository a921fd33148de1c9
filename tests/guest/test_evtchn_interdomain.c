/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Interdomain channels (event_channel.h), here a domain with itself: alloc_unbound, bind_interdomain, status, send in both directions, close and
 * what it leaves at the other end; refusals.
 */
#include "check.h"
#include "event.h"
#include "hypercall.h"

static struct evtchn_status status(unsigned port)
{
    struct evtchn_status s = { .dom = DOMID_SELF, .port = port };

    if (hypercall(event_channel_op, EVTCHNOP_status, &s))
        s.status = ~0u;
    return s;
}

static void check_pair(void)
{
    long a = event_alloc_unbound(DOMID_SELF, DOMID_SELF), b;
    struct evtchn_status s;

    REQUIRE(a > 0);
    s = status(a);
    EXPECT_EQUAL(s.status, EVTCHNSTAT_unbound);
    EXPECT_EQUAL(s.vcpu, 0);
    EXPECT_EQUAL(s.u.unbound.dom, 0);
    EXPECT_OK(event_send(a));                               /* nobody there: no harm */
    b = event_bind_interdomain(DOMID_SELF, (unsigned)a);
    REQUIRE(b > 0 && b != a);
    s = status(a);
    EXPECT_EQUAL(s.status, EVTCHNSTAT_interdomain);
    EXPECT_EQUAL(s.u.interdomain.port, b);
    s = status(b);
    EXPECT_EQUAL(s.status, EVTCHNSTAT_interdomain);
    EXPECT_EQUAL(s.u.interdomain.port, a);
    EXPECT_TRUE(event_pending(b));                          /* always, after a bind */
    event_clear(b);
    event_clear(a);
    event_unmask(a);
    event_unmask(b);
    event_count[a] = event_count[b] = 0;
    EXPECT_OK(event_send(a));
    EXPECT_EQUAL(event_count[b], 1);
    EXPECT_EQUAL(event_count[a], 0);
    EXPECT_OK(event_send(b));
    EXPECT_EQUAL(event_count[a], 1);
    EXPECT_EQUAL(event_count[b], 1);
    EXPECT_REFUSED(event_bind_interdomain(DOMID_SELF, (unsigned)a));    /* taken */
    EXPECT_OK(event_close(a));
    EXPECT_EQUAL(status(a).status, EVTCHNSTAT_closed);
    EXPECT_EQUAL(status(b).status, EVTCHNSTAT_unbound);
    a = event_bind_interdomain(DOMID_SELF, (unsigned)b);    /* and again */
    EXPECT_TRUE(a > 0);
    EXPECT_OK(event_close(b));
    EXPECT_OK(event_close(a));
    EXPECT_REFUSED(event_close(a));
}

static void check_refusals(void)
{
    struct evtchn_status s = { .dom = 4711, .port = 1 };
    long other;

    EXPECT_ERR(event_alloc_unbound(4711, DOMID_SELF), ESRCH);
    /* The far end need not exist yet, but nobody else may take such a port. */
    other = event_alloc_unbound(DOMID_SELF, 4711);
    if (other > 0) {
        EXPECT_REFUSED(event_bind_interdomain(DOMID_SELF, (unsigned)other));
        EXPECT_OK(event_close((unsigned)other));
    }
    EXPECT_ERR(event_bind_interdomain(4711, 1), ESRCH);
    EXPECT_REFUSED(event_bind_interdomain(DOMID_SELF, 4095));
    EXPECT_REFUSED(event_bind_interdomain(DOMID_SELF, 0x7fffffff));
    EXPECT_REFUSED(event_bind_interdomain(DOMID_SELF, 0));
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_status, &s), ESRCH);
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_alloc_unbound, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_bind_interdomain, HV_PRIVATE), EFAULT);
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_status, UNMAPPED), EFAULT);
}

void test_main(void)
{
    events_on();
    check_pair();
    check_refusals();
}
