/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched_op (sched.h): yield, block, poll (pending port, masked port, timeout), shutdown_code, remote_shutdown and its refusals,
 * pin_override, the legacy sched_op_compat, unknown commands and bad pointers.
 */
#include <xen/sched.h>
#include <xen/vcpu.h>
#include "boot.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"

#define MS 1000000ul

static long poll(evtchn_port_t *ports, unsigned n, uint64_t timeout)
{
    struct sched_poll p = { .nr_ports = n, .timeout = timeout };

    set_xen_guest_handle(p.ports, ports);
    return hypercall(sched_op, SCHEDOP_poll, &p);
}

static void check_poll(evtchn_port_t port)
{
    evtchn_port_t ports[2] = { port, port };
    uint64_t t;

    /* Already pending (and masked): at once. */
    event_mask(port);
    EXPECT_OK(event_send(port));
    t = time_now();
    EXPECT_OK(poll(ports, 2, 0));
    EXPECT_TRUE(time_now() - t < 1000 * MS);
    EXPECT_TRUE(event_pending(port));
    event_clear(port);
    /* Nothing comes: the timeout, an absolute time. */
    t = time_now() + 30 * MS;
    EXPECT_OK(poll(ports, 1, t));
    EXPECT_TRUE(time_now() >= t);
    EXPECT_TRUE(!event_pending(port));
    t = time_now() + 20 * MS;
    EXPECT_OK(poll(NULL, 0, t));
    EXPECT_TRUE(time_now() >= t);
    EXPECT_OK(poll(ports, 1, 1));                           /* a time long past */
    EXPECT_ERR(poll(ports, 129, t), EINVAL);
    EXPECT_ERR(poll(ports, ~0u, t), EINVAL);
    EXPECT_REFUSED(poll((void *)UNMAPPED, 1, t));
    EXPECT_REFUSED(poll((void *)HV_PRIVATE, 2, t));
    ports[0] = 0x7fffffff;
    EXPECT_REFUSED(poll(ports, 1, t));
    EXPECT_ERR(hypercall(sched_op, SCHEDOP_poll, UNMAPPED), EFAULT);
}

/* A masked timer channel ends a poll: how a kernel waits with interrupts off. */
static void check_poll_wakes(void)
{
    evtchn_port_t port = (evtchn_port_t)event_bind_virq(VIRQ_TIMER, 0);
    uint64_t t = time_now() + 20 * MS;

    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    event_mask(port);
    event_clear(port);
    events_off();
    EXPECT_OK(hypercall(set_timer_op, t));
    EXPECT_OK(poll(&port, 1, 0));
    EXPECT_TRUE(time_now() >= t);
    EXPECT_TRUE(event_pending(port));
    EXPECT_EQUAL(vcpu_info_self()->evtchn_upcall_mask, 1);  /* poll leaves the mask alone */
    events_on();
    EXPECT_EQUAL(event_count[port], 0);
}

static void check_others(void)
{
    struct sched_remote_shutdown r = { .domain_id = 4711, .reason = SHUTDOWN_poweroff };
    struct sched_pin_override pin_to = { .pcpu = 0 };
    struct sched_shutdown s = { .reason = SHUTDOWN_poweroff }; /* as which the end of the test is then reported */

    EXPECT_OK(hypercall(sched_op, SCHEDOP_yield));
    EXPECT_ERR(hypercall(sched_op, SCHEDOP_remote_shutdown, &r), ESRCH);
    EXPECT_ERR(hypercall(sched_op, SCHEDOP_remote_shutdown, UNMAPPED), EFAULT);
    EXPECT_OK(hypercall(sched_op, SCHEDOP_shutdown_code, &s));
    s.reason = SHUTDOWN_poweroff;                           /* the latched one is what our end will report */
    EXPECT_OK(hypercall(sched_op, SCHEDOP_shutdown_code, &s));
    EXPECT_ERR(hypercall(sched_op, SCHEDOP_shutdown_code, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(sched_op, SCHEDOP_shutdown, UNMAPPED), EFAULT);
    EXPECT_OK(hypercall(sched_op, SCHEDOP_pin_override, &pin_to));
    EXPECT_REFUSED(hypercall(sched_op, SCHEDOP_pin_override, &pin_to));     /* one override at a time */
    pin_to.pcpu = -1;
    EXPECT_OK(hypercall(sched_op, SCHEDOP_pin_override, &pin_to));
    pin_to.pcpu = 4000;
    EXPECT_REFUSED(hypercall(sched_op, SCHEDOP_pin_override, &pin_to));
    EXPECT_ERR(hypercall(sched_op, SCHEDOP_pin_override, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(sched_op, 8, NULL), ENOSYS);
    EXPECT_ERR(hypercall(sched_op, 4711, NULL), ENOSYS);
}

static void check_compat(void)
{
    long port = event_bind_ipi(0);

    EXPECT_OK(hypercall(sched_op_compat, SCHEDOP_yield, 0));
    event_unmask(port);
    events_off();
    EXPECT_OK(event_send(port));
    EXPECT_OK(hypercall(sched_op_compat, SCHEDOP_block, 0));
    EXPECT_EQUAL(event_count[port], 1);
    EXPECT_ERR(hypercall(sched_op_compat, 77, 0), ENOSYS);
}

void test_main(void)
{
    long port = event_bind_ipi(0);

    REQUIRE(port > 0);
    events_on();
    check_poll((evtchn_port_t)port);
    check_poll_wakes();
    check_others();
    check_compat();
}
