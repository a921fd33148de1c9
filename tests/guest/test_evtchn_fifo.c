/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The FIFO ABI (event_channel.h): init_control, expand_array, the event words' bits, order within a queue, priorities across queues, masked
 * and unmasked events, ports past the 2-level limit, reset back to 2-level; refusals.
 */
#include "boot.h"
#include "check.h"
#include "console.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"

#define WORDS (PAGE_SIZE / sizeof(event_word_t))

static event_word_t *words[8];
static struct evtchn_fifo_control_block *control;
static unsigned order[64], taken;

static event_word_t *word(unsigned port)
{
    return &words[port / WORDS][port % WORDS];
}

static long expand(void *page)
{
    struct evtchn_expand_array e = { .array_gfn = virt_to_mfn(page) };

    for (unsigned i = 0; i < WORDS; i++)
        ((event_word_t *)page)[i] = 1u << EVTCHN_FIFO_MASKED;
    return hypercall(event_channel_op, EVTCHNOP_expand_array, &e);
}

static long init_at(unsigned long mfn, unsigned offset, unsigned vcpu, unsigned *bits)
{
    struct evtchn_init_control c = { .control_gfn = mfn, .offset = offset, .vcpu = vcpu };
    long rc = hypercall(event_channel_op, EVTCHNOP_init_control, &c);

    if (bits)
        *bits = c.link_bits;
    return rc;
}

/* Take one event off queue q: the head's link is the next head; LINKED and PENDING go. */
static void take(unsigned q)
{
    unsigned port = control->head[q];
    event_word_t *w = word(port), old = __atomic_fetch_and(w, ~((1u << EVTCHN_FIFO_LINKED) | EVTCHN_FIFO_LINK_MASK), __ATOMIC_SEQ_CST);

    control->head[q] = old & EVTCHN_FIFO_LINK_MASK;
    if (!control->head[q])
        __atomic_and_fetch(&control->ready, ~(1u << q), __ATOMIC_SEQ_CST);
    if ((old >> EVTCHN_FIFO_PENDING & 1) && !(old >> EVTCHN_FIFO_MASKED & 1)) {
        __atomic_and_fetch(w, ~(1u << EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);
        if (taken < ARRAY_SIZE(order))
            order[taken++] = port;
    }
}

static bool on_event(struct regs *r)
{
    struct vcpu_info *v = vcpu_info_self();
    uint32_t ready;

    (void)r;
    WRITE_ONCE(v->evtchn_upcall_pending, 0);
    ready = __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);
    while (ready) {
        unsigned q = (unsigned)__builtin_ctz(ready);

        ready &= ~(1u << q);
        while (control->head[q])
            take(q);
        ready |= __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);
    }
    return true;
}

static long priority(unsigned port, unsigned p)
{
    struct evtchn_set_priority s = { .port = port, .priority = p };

    return hypercall(event_channel_op, EVTCHNOP_set_priority, &s);
}

static void unmask(unsigned port)
{
    struct evtchn_unmask u = { .port = port };

    EXPECT_OK(hypercall(event_channel_op, EVTCHNOP_unmask, &u));
}

static bool bit(unsigned port, unsigned b)
{
    return READ_ONCE(*word(port)) >> b & 1;
}

static void check_init(void)
{
    unsigned bits = 0;

    EXPECT_REFUSED(init_at(virt_to_mfn(control), 4, 0, NULL));                  /* not aligned to 8 */
    EXPECT_REFUSED(init_at(virt_to_mfn(control), PAGE_SIZE - 64, 0, NULL));     /* over the page's end */
    EXPECT_REFUSED(init_at(virt_to_mfn(control), ~7u, 0, NULL));
    EXPECT_REFUSED(init_at(virt_to_mfn(control), 0, 77, NULL));
    EXPECT_REFUSED(init_at(0xffffffffful, 0, 0, NULL));
    EXPECT_REFUSED(init_at(virt_to_mfn(pt_root()), 0, 0, NULL));
    EXPECT_ERR(hypercall(event_channel_op, EVTCHNOP_init_control, UNMAPPED), EFAULT);
    EXPECT_REFUSED(hypercall(event_channel_op, EVTCHNOP_expand_array, UNMAPPED));
    REQUIRE(!init_at(virt_to_mfn(control), 64, 0, &bits));
    control = (void *)((char *)control + 64);
    EXPECT_EQUAL(bits, EVTCHN_FIFO_LINK_BITS);
    words[0] = page_alloc();
    REQUIRE(!expand(words[0]));
}

static void check_one(unsigned port)
{
    EXPECT_TRUE(bit(port, EVTCHN_FIFO_MASKED));
    EXPECT_OK(event_send(port));                            /* masked: pending, not linked */
    EXPECT_TRUE(bit(port, EVTCHN_FIFO_PENDING));
    EXPECT_TRUE(!bit(port, EVTCHN_FIFO_LINKED));
    EXPECT_EQUAL(taken, 0);
    unmask(port);                                           /* delivered now */
    EXPECT_EQUAL(taken, 1);
    EXPECT_EQUAL(order[0], port);
    EXPECT_TRUE(!bit(port, EVTCHN_FIFO_PENDING));
    EXPECT_TRUE(!bit(port, EVTCHN_FIFO_LINKED));
    EXPECT_TRUE(!bit(port, EVTCHN_FIFO_MASKED));
    taken = 0;
    events_off();
    EXPECT_OK(event_send(port));
    EXPECT_TRUE(bit(port, EVTCHN_FIFO_PENDING));
    EXPECT_TRUE(bit(port, EVTCHN_FIFO_LINKED));
    EXPECT_EQUAL(control->ready, 1u << EVTCHN_FIFO_PRIORITY_DEFAULT);
    EXPECT_EQUAL(control->head[EVTCHN_FIFO_PRIORITY_DEFAULT], port);
    EXPECT_OK(event_send(port));
    events_on();
    EXPECT_EQUAL(taken, 1);
}

/* First in, first out within a queue. */
static void check_order(void)
{
    unsigned ports[5];

    for (unsigned i = 0; i < 5; i++) {
        ports[i] = (unsigned)event_bind_ipi(0);
        unmask(ports[i]);
    }
    taken = 0;
    events_off();
    for (unsigned i = 0; i < 5; i++)
        EXPECT_OK(event_send(ports[(i * 3 + 1) % 5]));
    events_on();
    EXPECT_EQUAL(taken, 5);
    for (unsigned i = 0; i < 5; i++)
        EXPECT_EQUAL(order[i], ports[(i * 3 + 1) % 5]);
}

/* Lower numbers first across queues. */
static void check_priority(void)
{
    unsigned ports[4];
    static const unsigned prio[4] = { 9, EVTCHN_FIFO_PRIORITY_MIN, EVTCHN_FIFO_PRIORITY_MAX, 3 };

    for (unsigned i = 0; i < 4; i++) {
        ports[i] = (unsigned)event_bind_ipi(0);
        EXPECT_OK(priority(ports[i], prio[i]));
        unmask(ports[i]);
    }
    taken = 0;
    events_off();
    for (unsigned i = 0; i < 4; i++)
        EXPECT_OK(event_send(ports[i]));
    EXPECT_EQUAL(control->ready, 1u << 0 | 1u << 3 | 1u << 9 | 1u << 15);
    events_on();
    EXPECT_EQUAL(taken, 4);
    EXPECT_EQUAL(order[0], ports[2]);
    EXPECT_EQUAL(order[1], ports[3]);
    EXPECT_EQUAL(order[2], ports[0]);
    EXPECT_EQUAL(order[3], ports[1]);
    EXPECT_REFUSED(priority(ports[0], 16));
    EXPECT_REFUSED(priority(ports[0], ~0u));
    EXPECT_REFUSED(priority(~0u, 3));
}

/* More pages, more ports. */
static void check_expand(void)
{
    struct evtchn_expand_array bad = { .array_gfn = 0xffffffffful };
    long port = 0, got;

    EXPECT_REFUSED(hypercall(event_channel_op, EVTCHNOP_expand_array, &bad));
    bad.array_gfn = virt_to_mfn(pt_root());
    EXPECT_REFUSED(hypercall(event_channel_op, EVTCHNOP_expand_array, &bad));
    for (unsigned i = 1; i < 6; i++) {
        words[i] = page_alloc();
        EXPECT_OK(expand(words[i]));
    }
    while (port < 5000 && (got = event_bind_ipi(0)) > 0)
        port = got;
    printf("highest port %ld\n", port);
    if (port < 2000)
        return; /* a hypervisor may allow a domain fewer */
    unmask((unsigned)port);
    taken = 0;
    EXPECT_OK(event_send((unsigned)port));
    EXPECT_EQUAL(taken, 1);
    EXPECT_EQUAL(order[0], port);
}

static void check_reset(void)
{
    struct evtchn_reset r = { .dom = DOMID_SELF };
    long port;

    EXPECT_OK(hypercall(event_channel_op, EVTCHNOP_reset, &r));
    trap_handle(VEC_EVENT, NULL);
    port = event_bind_ipi(0);
    REQUIRE(port > 0);
    event_unmask((unsigned)port);
    EXPECT_OK(event_send((unsigned)port));
    EXPECT_EQUAL(event_count[port], 1);
    /* The pages are ours again. */
    memset(words[0], 0, PAGE_SIZE);
    EXPECT_OK(page_make_ro(words[0]));
    EXPECT_OK(pin(1, virt_to_mfn(words[0])));
    EXPECT_OK(unpin(virt_to_mfn(words[0])));
}

void test_main(void)
{
    long first;

    control = page_alloc();
    trap_handle(VEC_EVENT, on_event);
    check_init();
    events_on();
    first = event_bind_ipi(0);
    REQUIRE(first > 0);
    check_one((unsigned)first);
    check_order();
    check_priority();
    check_expand();
    check_reset();
}
