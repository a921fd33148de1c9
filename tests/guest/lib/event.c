/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Event channels of a micro-guest, 2-level ABI (event_channel.h).  Any vCPU. */
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "time.h"
#include "trap.h"
#include <xen/sched.h>

volatile unsigned event_count[EVENTS_MAX];
volatile unsigned event_cpu[EVENTS_MAX];
volatile uint8_t event_owner[EVENTS_MAX];

long event_callbacks_set(void)
{
    return hypercall(set_callbacks, trap_entry(VEC_EVENT), trap_entry(VEC_FAILSAFE), trap_entry(VEC_SYSCALL));
}

void event_init(void)
{
    memset(shared_info.evtchn_mask, 0xff, sizeof(shared_info.evtchn_mask));
    memset((void *)(uintptr_t)event_owner, EVENT_ANY, sizeof(event_owner));
    if (event_callbacks_set())
        test_abort("set_callbacks");
}

static void event_take(unsigned port)
{
    event_clear(port);
    if (port >= EVENTS_MAX)
        return;
    event_cpu[port] = cpu_self()->id;
    __atomic_add_fetch(&event_count[port], 1, __ATOMIC_SEQ_CST);
}

static void event_scan_word(unsigned w)
{
    unsigned long bits = READ_ONCE(shared_info.evtchn_pending[w]) & ~READ_ONCE(shared_info.evtchn_mask[w]);

    for (; bits; bits &= bits - 1) {
        unsigned port = w * 64 + (unsigned)__builtin_ctzl(bits);

        if (port >= EVENTS_MAX || event_owner[port] == EVENT_ANY || event_owner[port] == cpu_self()->id)
            event_take(port);
    }
}

void event_upcall(void)
{
    struct vcpu_info *v = vcpu_info_self();

    cpu_self()->upcalls++;
    do {
        unsigned long sel;

        WRITE_ONCE(v->evtchn_upcall_pending, 0);
        sel = __atomic_exchange_n(&v->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
        for (; sel; sel &= sel - 1)
            event_scan_word((unsigned)__builtin_ctzl(sel));
    } while (READ_ONCE(v->evtchn_upcall_pending));
}

uint8_t events_off(void)
{
    uint8_t old = READ_ONCE(vcpu_info_self()->evtchn_upcall_mask);

    WRITE_ONCE(vcpu_info_self()->evtchn_upcall_mask, 1);
    barrier();
    return old;
}

void events_on(void)
{
    barrier();
    WRITE_ONCE(vcpu_info_self()->evtchn_upcall_mask, 0);
    barrier();
    /* What came while masked has no upcall of its own; any hypercall would bring it too. */
    if (READ_ONCE(vcpu_info_self()->evtchn_upcall_pending))
        hypercall(xen_version, 0, NULL);
}

void event_mask(unsigned port)
{
    __atomic_or_fetch(&shared_info.evtchn_mask[port / 64], 1ul << (port % 64), __ATOMIC_SEQ_CST);
}

/* An event that came while the port was masked has set no upcall: the hypervisor makes up for that. */
void event_unmask(unsigned port)
{
    struct evtchn_unmask unmask = { .port = port };

    __atomic_and_fetch(&shared_info.evtchn_mask[port / 64], ~(1ul << (port % 64)), __ATOMIC_SEQ_CST);
    if (!event_pending(port))
        return;
    event_mask(port);
    if (hypercall(event_channel_op, EVTCHNOP_unmask, &unmask))
        test_abort("EVTCHNOP_unmask");
}

bool event_masked(unsigned port)
{
    return READ_ONCE(shared_info.evtchn_mask[port / 64]) >> (port % 64) & 1;
}

bool event_pending(unsigned port)
{
    return READ_ONCE(shared_info.evtchn_pending[port / 64]) >> (port % 64) & 1;
}

void event_clear(unsigned port)
{
    __atomic_and_fetch(&shared_info.evtchn_pending[port / 64], ~(1ul << (port % 64)), __ATOMIC_SEQ_CST);
}

/* The port, and whose it is. */
static long event_own(unsigned port, unsigned vcpu)
{
    if (port < EVENTS_MAX)
        event_owner[port] = (uint8_t)vcpu;
    return (long)port;
}

long event_bind_virq(unsigned virq, unsigned vcpu)
{
    struct evtchn_bind_virq b = { .virq = virq, .vcpu = vcpu };
    long rc = hypercall(event_channel_op, EVTCHNOP_bind_virq, &b);

    return rc ? rc : event_own(b.port, vcpu);
}

long event_bind_ipi(unsigned vcpu)
{
    struct evtchn_bind_ipi b = { .vcpu = vcpu };
    long rc = hypercall(event_channel_op, EVTCHNOP_bind_ipi, &b);

    return rc ? rc : event_own(b.port, vcpu);
}

long event_alloc_unbound(domid_t dom, domid_t remote)
{
    struct evtchn_alloc_unbound a = { .dom = dom, .remote_dom = remote };
    long rc = hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &a);

    return rc ? rc : event_own(a.port, EVENT_ANY);
}

long event_bind_interdomain(domid_t remote, unsigned port)
{
    struct evtchn_bind_interdomain b = { .remote_dom = remote, .remote_port = port };
    long rc = hypercall(event_channel_op, EVTCHNOP_bind_interdomain, &b);

    return rc ? rc : event_own(b.local_port, EVENT_ANY);
}

long event_send(unsigned port)
{
    struct evtchn_send s = { .port = port };

    return hypercall(event_channel_op, EVTCHNOP_send, &s);
}

long event_close(unsigned port)
{
    struct evtchn_close c = { .port = port };

    return hypercall(event_channel_op, EVTCHNOP_close, &c);
}

bool event_wait(unsigned port, unsigned n, unsigned ms)
{
    uint64_t end = time_now() + ms * 1000000ul;

    while (event_count[port] < n && time_now() < end)
        hypercall(sched_op, SCHEDOP_yield);
    return event_count[port] >= n;
}
