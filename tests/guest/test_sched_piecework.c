/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain makes pieces of work for another on the same CPU, with an event for each, as a guest does that sends packets. With
 * the rate limit that a pool has at first, whoever works them off finds several at a time; without one he is there for each, at
 * once. Either way all is worked off, and he who sleeps is not kept waiting longer than the limit says.
 */
/* clock: virtual */
/* build: plain */
#include "domain.h"
#include "boot.h"
#include "check.h"
#include "console.h"
#include "event.h"
#include "hypercall.h"
#include "sysctl.h"
#include "time.h"
#include "trap.h"
#include <xen/sched.h>

#define PIECES  300u
#define US      1000ul
#define CALL(nr) "mov $" #nr ", %eax\n syscall\n"

/* data[16]: struct evtchn_alloc_unbound { SELF, 0, port }.  data[0]: 1 + what that answered.  data[1]: 1 starts PIECES pieces of 2,500
 * instructions each (20 us by the virtual clock), counted in data[2] and announced by an event, and is cleared after them; 2 ends it. */
DOMAIN_ASM(maker,
    "mov $0x401000, %ebx\n movb $1, 0x403001\n" /* events masked */
    "movl $0x7ff0, 128(%rbx)\n lea 128(%rbx), %rsi\n mov $6, %edi\n" CALL(32)
    "inc %rax\n mov %rax, (%rbx)\n mov 132(%rbx), %eax\n mov %eax, 136(%rbx)\n"
    "1: xor %edi, %edi\n" CALL(29) "cmpq $1, 8(%rbx)\n jb 1b\n ja 9f\n"
    "mov $300, %r12d\n"
    "3: mov $1250, %ecx\n"
    "4: dec %ecx\n jnz 4b\n"
    "incq 16(%rbx)\n lea 136(%rbx), %rsi\n mov $4, %edi\n" CALL(32)
    "dec %r12d\n jnz 3b\n movq $0, 8(%rbx)\n jmp 1b\n"
    "9: push $0\n mov %rsp, %rsi\n mov $2, %edi\n" CALL(29));

static struct domain d;
static unsigned port;

static long limit(unsigned cmd, unsigned us)
{
    return SYSCTL(scheduler_op, U.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2; U.scheduler_op.cmd = cmd;
                  U.scheduler_op.u.sched_credit2.ratelimit_us = us);
}

static void next_event(unsigned after)
{
    while (event_count[port] == after) {
        events_off();
        if (event_count[port] == after && !event_pending(port))
            hypercall(sched_op, SCHEDOP_block, NULL); /* lets events in */
        events_on();
    }
}

/* Work the pieces off, 10 us each; how often there was something to do. */
static unsigned work(void)
{
    unsigned long done = 0;
    unsigned times = 0, seen = event_count[port];

    d.data[2] = 0;
    d.data[1] = 1;
    while (done < PIECES) {
        unsigned long made;

        next_event(seen);
        seen = event_count[port];
        made = d.data[2];
        times += made != done;
        time_spin((made - done) * 10 * US);
        done = made;
    }
    EXPECT_EQUAL(d.data[2], PIECES);
    while (d.data[1])
        domain_wait(&d, 1);
    return times;
}

static void check_limits(void)
{
    unsigned first, none, at_first, without, wide;

    EXPECT_OK(limit(XEN_SYSCTL_SCHEDOP_getinfo, 0));
    first = U.scheduler_op.u.sched_credit2.ratelimit_us;
    EXPECT_TRUE(first >= XEN_SYSCTL_SCHED_RATELIMIT_MIN);
    work(); /* both have had their share */
    at_first = work();
    EXPECT_OK(limit(XEN_SYSCTL_SCHEDOP_putinfo, 0));
    without = work();
    EXPECT_OK(limit(XEN_SYSCTL_SCHEDOP_putinfo, 2000));
    wide = work();
    EXPECT_OK(limit(XEN_SYSCTL_SCHEDOP_putinfo, first));
    none = work();
    printf("limit %u us: %u and %u times, none: %u, 2000 us: %u\n", first, at_first, none, without, wide);
    EXPECT_TRUE(at_first < PIECES / 5 && none < PIECES / 5);
    EXPECT_TRUE(without > 2 * at_first);
    EXPECT_TRUE(wide <= at_first);
}

void test_main(void)
{
    long bound;

    domain_make(&d, DOMAIN_CODE_OF(maker));
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    events_on();
    for (unsigned i = 0; i < 1000 && !d.data[0]; i++)
        domain_wait(&d, 1);
    REQUIRE(d.data[0] == 1);
    bound = event_bind_interdomain(d.id, (unsigned)(d.data[16] >> 32));
    REQUIRE(bound > 0);
    port = (unsigned)bound;
    event_unmask(port);
    check_limits();
    d.data[1] = 2;
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_poweroff);
    EXPECT_OK(domain_destroy(&d));
}
