/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The FIFO ABI on two vCPUs (event_channel.h): each has its control block and queues, an event goes to the queue of the vCPU it is bound to, a channel moved to
 * the other vCPU arrives there, and thousands of events sent across are all seen.
 */
/* qemu: -smp 2 */
/* alone: CPUs wait for each other */
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "trap.h"

#define WORDS (PAGE_SIZE / sizeof(event_word_t))

static event_word_t *words;
static struct evtchn_fifo_control_block *control[2];
static volatile unsigned started, taken[2][64];

static void take(unsigned cpu, unsigned q)
{
    unsigned port = READ_ONCE(control[cpu]->head[q]);
    event_word_t old = __atomic_fetch_and(&words[port], ~((1u << EVTCHN_FIFO_LINKED) | EVTCHN_FIFO_LINK_MASK),
                                          __ATOMIC_SEQ_CST);

    WRITE_ONCE(control[cpu]->head[q], old & EVTCHN_FIFO_LINK_MASK);
    if ((old >> EVTCHN_FIFO_PENDING & 1) && !(old >> EVTCHN_FIFO_MASKED & 1)) {
        __atomic_and_fetch(&words[port], ~(1u << EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);
        if (port < 64)
            taken[cpu][port]++;
    }
}

static bool on_event(struct regs *r)
{
    unsigned cpu = cpu_self()->id;
    uint32_t ready;

    (void)r;
    WRITE_ONCE(vcpu_info_self()->evtchn_upcall_pending, 0);
    while ((ready = __atomic_exchange_n(&control[cpu]->ready, 0, __ATOMIC_SEQ_CST)) != 0)
        for (; ready; ready &= ready - 1) {
            unsigned q = (unsigned)__builtin_ctz(ready);

            while (READ_ONCE(control[cpu]->head[q]))
                take(cpu, q);
        }
    return true;
}

static void second(void)
{
    events_on();
    started = 1;
    for (;;) {
        events_off();
        hypercall(sched_op, SCHEDOP_block);
    }
}

static void setup(void)
{
    struct evtchn_expand_array e;

    for (unsigned i = 0; i < 2; i++) {
        struct evtchn_init_control c = { .vcpu = i };

        control[i] = page_alloc();
        c.control_gfn = virt_to_mfn(control[i]);
        REQUIRE(!hypercall(event_channel_op, EVTCHNOP_init_control, &c));
    }
    words = page_alloc();
    for (unsigned i = 0; i < WORDS; i++)
        words[i] = 1u << EVTCHN_FIFO_MASKED;
    e.array_gfn = virt_to_mfn(words);
    REQUIRE(!hypercall(event_channel_op, EVTCHNOP_expand_array, &e));
}

static long unmask(unsigned port)
{
    struct evtchn_unmask u = { .port = port };

    return hypercall(event_channel_op, EVTCHNOP_unmask, &u);
}

static void check_across(unsigned port)
{
    unsigned lost = 0;

    EXPECT_OK(unmask(port));
    for (unsigned n = 1; n <= 2000 && !lost; n++) {
        event_send(port);
        lost += !wait_for(&taken[1][port], n, PATIENT);
    }
    EXPECT_EQUAL(lost, 0);
    EXPECT_EQUAL(taken[1][port], 2000);
    EXPECT_EQUAL(taken[0][port], 0);
}

static void check_move(void)
{
    unsigned a = (unsigned)event_alloc_unbound(DOMID_SELF, DOMID_SELF);
    unsigned b = (unsigned)event_bind_interdomain(DOMID_SELF, a), before[2];
    struct evtchn_bind_vcpu move = { .port = b };

    EXPECT_OK(unmask(b));
    for (unsigned n = 0; n < 20; n++) {
        move.vcpu = n & 1;
        EXPECT_OK(hypercall(event_channel_op, EVTCHNOP_bind_vcpu, &move));
        /* An event that is still linked on the old vCPU would be taken there: none is. */
        before[0] = taken[0][b];
        before[1] = taken[1][b];
        EXPECT_OK(event_send(a));
        EXPECT_TRUE(wait_for(&taken[n & 1][b], before[n & 1] + 1, PATIENT));
        EXPECT_EQUAL(taken[!(n & 1)][b], before[!(n & 1)]);
    }
}

void test_main(void)
{
    long port;

    REQUIRE(vcpu_count() == 2);
    trap_handle(VEC_EVENT, on_event);
    setup();
    events_on();
    REQUIRE(!vcpu_start(1, second));
    REQUIRE(wait_for(&started, 1, PATIENT));
    port = event_bind_ipi(1);
    REQUIRE(port > 0 && port < 64);
    check_across((unsigned)port);
    check_move();
}
