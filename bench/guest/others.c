/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of micro.c with somebody else on the same CPU: a domain that answers, one that never runs, a second vCPU of our own.
 * Whoever waits for an event polls for it with events masked, so a round trip is two sends, two that block, two that wake.
 */
#include "domain.h"
#include "boot.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "micro.h"
#include <xen/sched.h>

enum { MADE, YIELDING, ANSWERS, YIELDS };       /* words of the other domain's data */

#define CALL(nr) "mov $" #nr ", %eax\n syscall\n"

/*
 * data[16]: struct evtchn_alloc_unbound { SELF, 0, port }; data[17]: that port; data[18]: struct sched_poll of it.
 * data[MADE]: 1 + what the first call answered. Each event on the port is counted in data[ANSWERS] and answered; while
 * data[YIELDING] is set it yields instead, which data[YIELDS] counts.
 */
DOMAIN_ASM(other,
    "mov $0x401000, %ebx\n movb $1, 0x403001\n"         /* events masked */
    "movl $0x7ff0, 128(%rbx)\n lea 128(%rbx), %rsi\n mov $6, %edi\n" CALL(32)
    "mov 132(%rbx), %ecx\n mov %ecx, 136(%rbx)\n bts %rcx, 0x403a00\n"
    "lea 136(%rbx), %rcx\n mov %rcx, 144(%rbx)\n movl $1, 152(%rbx)\n movq $0, 160(%rbx)\n"
    "inc %rax\n mov %rax, (%rbx)\n"
    "1: lea 144(%rbx), %rsi\n mov $3, %edi\n" CALL(29)
    "2: cmpq $0, 8(%rbx)\n jne 3f\n"
    "mov 136(%rbx), %ecx\n lock btr %rcx, 0x403800\n jnc 1b\n"
    "incq 16(%rbx)\n lea 136(%rbx), %rsi\n mov $4, %edi\n" CALL(32) "jmp 1b\n"
    "3: incq 24(%rbx)\n xor %edi, %edi\n" CALL(29) "jmp 2b\n");

static struct domain answering;
static unsigned port;                   /* ours, to the domain that answers */

/* Wait for an event on a masked port and take it. */
static long take(unsigned p)
{
    struct sched_poll poll = { .nr_ports = 1 };

    set_xen_guest_handle(poll.ports, &p);
    while (!event_pending(p))
        if (hypercall(sched_op, SCHEDOP_poll, &poll))
            return -1;
    event_clear(p);
    return 0;
}

static bool other_made(void)
{
    long bound;

    if (port)
        return true;
    domain_make(&answering, DOMAIN_CODE_OF(other));
    if (domain_start(&answering) || domctl(XEN_DOMCTL_unpausedomain, answering.id))
        return false;
    while (!answering.data[MADE])
        hypercall(sched_op, SCHEDOP_yield);
    bound = answering.data[MADE] == 1 ? event_bind_interdomain(answering.id, *(volatile uint32_t *)&answering.data[17]) : -1;
    if (bound <= 0)
        return false;
    event_mask((unsigned)bound);
    port = (unsigned)bound;
    return !take(port);                 /* both ends of a new channel are pending, and that was answered */
}

uint64_t pingpong_domain(unsigned n)
{
    unsigned long before;
    uint64_t ticks;

    if (!other_made())
        return 0;
    before = answering.data[ANSWERS];
    ticks = CALLS(n, 0, event_send(port) | take(port));
    return answering.data[ANSWERS] - before == n ? ticks : 0;
}

/* For one yield of either: who runs next is the scheduler's, but both must have their turns. */
uint64_t yield_domains(unsigned n)
{
    unsigned long others;
    uint64_t ticks;

    if (!other_made())
        return 0;
    answering.data[YIELDING] = 1;
    if (event_send(port))
        return 0;
    for (others = answering.data[YIELDS]; answering.data[YIELDS] == others;)
        hypercall(sched_op, SCHEDOP_yield);
    others = answering.data[YIELDS];
    ticks = CALLS(n, 0, hypercall(sched_op, SCHEDOP_yield));
    others = answering.data[YIELDS] - others;
    answering.data[YIELDING] = 0;
    return !take(port) && others >= n / 4 ? ticks * n / (n + others) : 0;
}

/* To a domain that does not run, which takes it at once: we clear its bits. */
uint64_t send_domain(unsigned n)
{
    static shared_info_t *info = (void *)0x0000310000000000ul;
    static struct domain still;
    static unsigned to;
    unsigned theirs;

    if (!to) {
        domain_make(&still, DOMAIN_CODE_OF(other));
        theirs = (unsigned)event_alloc_unbound(still.id, DOMID_SELF);
        to = (unsigned)event_bind_interdomain(still.id, theirs);
        if (domctl(XEN_DOMCTL_getdomaininfo, still.id) ||
            domain_map(&still, (unsigned long)info, domctl_op.u.getdomaininfo.shared_info_frame, PTE_RW))
            return 0;
    }
    return CALLS(n, 0, ({
        info->evtchn_pending[0] = 0;
        info->vcpu_info[0].evtchn_pending_sel = 0;
        info->vcpu_info[0].evtchn_upcall_pending = 0;
        event_send(to);
    }) | (info->evtchn_pending[0] == 0));
}

static unsigned ball[2];                /* the port on which vCPU 0 and vCPU 1 wait */
static volatile unsigned long thrown_back;

static void second(void)
{
    for (;;) {
        take(ball[1]);
        thrown_back++;
        event_send(ball[0]);
    }
}

uint64_t pingpong_vcpu(unsigned n)
{
    unsigned long before = thrown_back;
    uint64_t ticks;

    if (!ball[0]) {
        ball[0] = (unsigned)event_bind_ipi(0);
        ball[1] = (unsigned)event_bind_ipi(1);
        event_mask(ball[0]);
        event_mask(ball[1]);
        if (vcpu_start(1, second))
            return 0;
    }
    ticks = CALLS(n, 0, event_send(ball[1]) | take(ball[0]));
    return thrown_back - before == n ? ticks : 0;
}
