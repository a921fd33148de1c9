/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: each rule of <xen/event_channel.h> as a case, then random operations of two domains against
 * a naive model: what a port is, and whether an event is owed to it.  After every round of upcalls each owed and unmasked
 * event must have been handled exactly once, and nothing else.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "evtchn_guest.h"
#include "core/evtchn_abi.h"

static struct guest ga, gb;
static struct guest *const guests[2] = { &ga, &gb };

static int setup(void **state)
{
    (void)state;
    host_reset();
    guest_init(&ga, 1);
    guest_init(&gb, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    guest_free(&ga);
    guest_free(&gb);
    return host_mem_live() != 0;
}

static void audit(void)
{
    for (unsigned i = 0; i < 2; i++) {
        const char *bad = evtchn_audit(&guests[i]->t);

        if (bad)
            fail_msg("domain %d: %s", guests[i]->t.id, bad);
    }
}

static uint32_t open_ipi(struct guest *g, uint32_t vcpu)
{
    int port = evtchn_reserve(&g->t);

    assert_true(port > 0);
    evtchn_open_ipi(&g->t, (uint32_t)port, vcpu);
    return (uint32_t)port;
}

static uint32_t open_unbound(struct guest *g, domid_t remote)
{
    int port = evtchn_reserve(&g->t);

    assert_true(port > 0);
    evtchn_open_unbound(&g->t, (uint32_t)port, remote);
    return (uint32_t)port;
}

static int bind(struct guest *g, struct guest *r, uint32_t rport, uint32_t *lport)
{
    struct evtchn_hit hit = { 0 };
    int port = evtchn_reserve(&g->t);

    assert_true(port > 0);
    *lport = (uint32_t)port;
    return evtchn_open_interdomain(&g->t, *lport, &r->t, rport, &hit);
}

static int port_close(struct guest *g, uint32_t port)
{
    struct evtchn_closed was;

    return evtchn_close(&g->t, port, &was);
}

static int send(struct guest *g, uint32_t port, struct evtchn_hit *hit)
{
    memset(hit, 0, sizeof(*hit));
    return evtchn_send(&g->t, port, hit);
}

static struct evtchn_status status(struct guest *g, uint32_t port)
{
    struct evtchn_status s;

    memset(&s, 0xaa, sizeof(s));
    assert_int_equal(evtchn_status(&g->t, port, &s), 0);
    return s;
}

/* Which ports were handled, in order. */
static uint32_t seen[256];
static unsigned seen_vcpu[256], nr_seen;

static void note(struct guest *g, uint32_t port, unsigned vcpu, void *data)
{
    (void)g;
    (void)data;
    seen_vcpu[nr_seen] = vcpu;
    seen[nr_seen++ % 256] = port;
}

static unsigned take(struct guest *g, unsigned vcpu)
{
    nr_seen = 0;
    guest_take(g, vcpu, note, NULL);
    return nr_seen;
}

/* --- cases ----------------------------------------------------------------------------------------------- */

static void test_lowest_free_first(void **state)
{
    (void)state;
    for (uint32_t i = 1; i < 300; i++)
        assert_int_equal(open_ipi(&ga, 0), i);
    assert_int_equal(port_close(&ga, 200), 0);
    assert_int_equal(port_close(&ga, 7), 0);
    assert_int_equal(port_close(&ga, 7), -XEN_EINVAL);
    assert_int_equal(open_ipi(&ga, 0), 7);
    assert_int_equal(open_ipi(&ga, 0), 200);
    assert_int_equal(open_ipi(&ga, 0), 300);
    audit();
}

static void test_bad_ports(void **state)
{
    static const uint32_t bad[] = { 0, 1, 128, 4096, 131071, 131072, 0x80000000, 0xffffffff };
    struct evtchn_status s;
    struct evtchn_hit hit;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(port_close(&ga, bad[i]), -XEN_EINVAL);
        assert_int_equal(send(&ga, bad[i], &hit), -XEN_EINVAL);
        assert_int_equal(evtchn_status(&ga.t, bad[i], &s), bad[i] ? -XEN_EINVAL : 0); /* 0 is there, closed */
        assert_int_equal(evtchn_bind_vcpu(&ga.t, bad[i], 0), -XEN_EINVAL);
        assert_int_equal(evtchn_unmask(&ga.t, bad[i], &hit), -XEN_EINVAL);
        assert_int_equal(evtchn_set_priority(&ga.t, bad[i], 0), -XEN_EINVAL);
        assert_false(evtchn_is_pending(&ga.t, bad[i]));
    }
    assert_int_equal(host_mem_live(), 2 + 2 * GUEST_VCPUS);
}

static void test_limits(void **state)
{
    (void)state;
    ga.t.limit = 10;
    for (uint32_t i = 1; i < 10; i++)
        open_ipi(&ga, 0);
    assert_int_equal(evtchn_reserve(&ga.t), -XEN_ENOSPC);
    ga.t.limit = EVTCHN_MAX_PORTS;
    for (uint32_t i = 10; i < 4096; i++)
        assert_int_equal(open_ipi(&ga, 0), i);
    assert_int_equal(evtchn_reserve(&ga.t), -XEN_ENOSPC);
    audit();
    assert_int_equal(guest_control(&ga, 0), 0);
    for (uint32_t i = 4096; i < EVTCHN_MAX_PORTS; i++)
        assert_int_equal(open_ipi(&ga, 0), i);
    assert_int_equal(evtchn_reserve(&ga.t), -XEN_ENOSPC);
    audit();
    port_close(&ga, 100000);
    assert_int_equal(open_ipi(&ga, 0), 100000);
    ga.t.closed = true;
    port_close(&ga, 3);
    assert_int_equal(evtchn_reserve(&ga.t), -XEN_EINVAL);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned long n = 1; n <= 2; n++) {
        host_mem_fail_at(n);
        assert_int_equal(evtchn_reserve(&ga.t), -XEN_ENOMEM);
        audit();
    }
    assert_int_equal(open_ipi(&ga, 0), 1);
    host_mem_fail_at(1);
    assert_int_equal(evtchn_pirq_check(&ga.t, 5), -XEN_ENOMEM);
    host_mem_fail_at(1);
    assert_int_equal(guest_control(&ga, 0), -XEN_ENOMEM);
    assert_int_equal(evtchn_max_ports(&ga.t), 4096);
    assert_int_equal(guest_control(&ga, 0), 0);
    audit();
}

static void test_interdomain(void **state)
{
    uint32_t pa = open_unbound(&ga, 2), pb, other;
    struct evtchn_hit hit;

    (void)state;
    assert_int_equal(status(&ga, pa).status, EVTCHNSTAT_unbound);
    assert_int_equal(status(&ga, pa).u.unbound.dom, 2);
    assert_int_equal(send(&ga, pa, &hit), 0);
    assert_null(hit.kick);
    assert_int_equal(bind(&ga, &ga, pa, &other), -XEN_EINVAL);    /* waits for domain 2 */
    assert_int_equal(bind(&gb, &ga, pa + 1, &other), -XEN_EINVAL);
    open_ipi(&gb, 0);
    evtchn_find(&ga.t, pa)->flags |= EVTCHN_CLOSING;
    assert_int_equal(bind(&gb, &ga, pa, &other), -XEN_EINVAL);    /* its owner is about to close it */
    evtchn_find(&ga.t, pa)->flags = 0;
    assert_int_equal(bind(&gb, &ga, pa, &pb), 0);
    assert_int_equal(bind(&gb, &ga, pa, &other), -XEN_EINVAL);    /* taken */
    assert_int_equal(take(&gb, 0), 1);                            /* binding makes it pending */
    assert_int_equal(seen[0], pb);
    assert_int_equal(status(&ga, pa).status, EVTCHNSTAT_interdomain);
    assert_int_equal(status(&ga, pa).u.interdomain.dom, 2);
    assert_int_equal(status(&ga, pa).u.interdomain.port, pb);
    assert_int_equal(status(&gb, pb).u.interdomain.dom, 1);
    assert_int_equal(send(&gb, pb, &hit), 0);
    assert_ptr_equal(hit.kick, ga.vc[0]);
    assert_ptr_equal(hit.table, &ga.t);
    assert_int_equal(hit.port, pa);
    assert_true(hit.fresh);
    assert_int_equal(send(&gb, pb, &hit), 0);
    assert_null(hit.kick);
    assert_false(hit.fresh);
    assert_int_equal(take(&ga, 0), 1);
    assert_int_equal(port_close(&ga, pa), 0);
    assert_int_equal(status(&gb, pb).status, EVTCHNSTAT_unbound);
    assert_int_equal(status(&gb, pb).u.unbound.dom, 1);
    assert_int_equal(bind(&ga, &gb, pb, &pa), 0);                 /* it may come back */
    audit();
}

static void test_loopback(void **state)
{
    uint32_t p = open_unbound(&ga, 1), q;
    struct evtchn_hit hit;

    (void)state;
    assert_int_equal(bind(&ga, &ga, p, &q), 0);
    assert_int_equal(take(&ga, 0), 1);
    assert_int_equal(send(&ga, q, &hit), 0);
    assert_int_equal(take(&ga, 0), 1);
    assert_int_equal(seen[0], p);
    assert_int_equal(bind(&ga, &ga, q + 1, &p), -XEN_EINVAL);     /* the port that it would get itself */
    audit();
    assert_int_equal(port_close(&ga, q), 0);
    audit();
}

static int open_virq(struct guest *g, uint32_t virq, uint32_t vcpu)
{
    int port = evtchn_virq_check(&g->t, virq, vcpu);

    if (port)
        return port;
    port = evtchn_reserve(&g->t);
    evtchn_open_virq(&g->t, (uint32_t)port, virq, vcpu);
    return port;
}

static void test_virq(void **state)
{
    struct evtchn_hit hit = { 0 };
    int t0, t1, c;

    (void)state;
    assert_int_equal(open_virq(&ga, NR_VIRQS, 0), -XEN_EINVAL);
    assert_int_equal(open_virq(&ga, VIRQ_CONSOLE, 1), -XEN_EINVAL);
    assert_int_equal(open_virq(&ga, VIRQ_TIMER, GUEST_VCPUS), -XEN_ENOENT);
    t0 = open_virq(&ga, VIRQ_TIMER, 0);
    t1 = open_virq(&ga, VIRQ_TIMER, 1);
    c = open_virq(&ga, VIRQ_CONSOLE, 0);
    assert_true(t0 > 0 && t1 > 0 && c > 0);
    assert_int_equal(open_virq(&ga, VIRQ_TIMER, 1), -XEN_EEXIST);
    assert_int_equal(open_virq(&ga, VIRQ_CONSOLE, 0), -XEN_EEXIST);
    assert_int_equal(evtchn_bind_vcpu(&ga.t, (uint32_t)t0, 1), -XEN_EINVAL);
    assert_int_equal(evtchn_bind_vcpu(&ga.t, (uint32_t)c, 9), -XEN_ENOENT);
    assert_int_equal(evtchn_bind_vcpu(&ga.t, (uint32_t)c, 2), 0);
    assert_int_equal(status(&ga, (uint32_t)c).vcpu, 2);
    assert_int_equal(status(&ga, (uint32_t)c).u.virq, VIRQ_CONSOLE);
    assert_true(evtchn_raise_virq(&ga.t, ga.vc[1], VIRQ_TIMER, &hit));
    assert_ptr_equal(hit.kick, ga.vc[1]);
    assert_false(evtchn_raise_virq(&ga.t, ga.vc[2], VIRQ_TIMER, &hit));
    assert_true(evtchn_raise_global(&ga.t, VIRQ_CONSOLE, &hit));
    assert_ptr_equal(hit.kick, ga.vc[2]);
    assert_false(evtchn_raise_global(&ga.t, VIRQ_DOM_EXC, &hit));
    assert_int_equal(send(&ga, (uint32_t)c, &hit), -XEN_EINVAL);
    audit();
    assert_int_equal(port_close(&ga, (uint32_t)c), 0);
    assert_false(evtchn_raise_global(&ga.t, VIRQ_CONSOLE, &hit));
    assert_int_equal(open_virq(&ga, VIRQ_CONSOLE, 0), c);
    audit();
}

static void test_pirq(void **state)
{
    struct evtchn_hit hit = { 0 };
    struct evtchn_closed was;
    int port;

    (void)state;
    assert_false(evtchn_raise_pirq(&ga.t, 4000, &hit));
    assert_false(evtchn_raise_pirq(&ga.t, 0xffffffff, &hit));
    assert_int_equal(evtchn_pirq_check(&ga.t, EVTCHN_MAX_PIRQS), -XEN_EINVAL);
    assert_int_equal(evtchn_pirq_check(&ga.t, 4000), 0);
    port = evtchn_reserve(&ga.t);
    evtchn_open_pirq(&ga.t, (uint32_t)port, 4000);
    assert_int_equal(evtchn_pirq_check(&ga.t, 4000), -XEN_EEXIST);
    assert_int_equal(evtchn_pirq_check(&ga.t, 4001), 0);
    assert_true(evtchn_raise_pirq(&ga.t, 4000, &hit));
    assert_int_equal(status(&ga, (uint32_t)port).u.pirq, 4000);
    assert_int_equal(evtchn_bind_vcpu(&ga.t, (uint32_t)port, 1), 0);
    take(&ga, 0);
    guest_mask(&ga, (uint32_t)port);
    evtchn_raise_pirq(&ga.t, 4000, &hit);
    memset(&hit, 0, sizeof(hit));
    evtchn_unmask_pirq(&ga.t, 4001, &hit);
    assert_null(hit.kick);
    evtchn_unmask_pirq(&ga.t, 4000, &hit);
    assert_ptr_equal(hit.kick, ga.vc[1]);
    audit();
    assert_int_equal(evtchn_close(&ga.t, (uint32_t)port, &was), 0);
    assert_int_equal(was.state, EVTCHNSTAT_pirq);
    assert_int_equal(was.aux, 4000);
    assert_false(guest_pending(&ga, (uint32_t)port));
    assert_false(evtchn_raise_pirq(&ga.t, 4000, &hit));
    audit();
}

static void test_level_mask(void **state)
{
    uint32_t p = open_ipi(&ga, 1);
    struct evtchn_hit hit;

    (void)state;
    assert_int_equal(evtchn_bind_vcpu(&ga.t, p, 0), -XEN_EINVAL);
    guest_mask(&ga, p);
    assert_int_equal(send(&ga, p, &hit), 0);
    assert_null(hit.kick);
    assert_true(hit.fresh);
    assert_int_equal(ga.info[1]->evtchn_pending_sel, 0);
    assert_int_equal(take(&ga, 1), 0);
    assert_true(evtchn_is_pending(&ga.t, p));
    assert_true(evtchn_is_masked(&ga.t, p));
    assert_int_equal(evtchn_unmask(&ga.t, p, &hit), 0);
    assert_ptr_equal(hit.kick, ga.vc[1]);
    assert_int_equal(take(&ga, 1), 1);
    assert_int_equal(evtchn_unmask(&ga.t, p, &hit), 0);
    assert_int_equal(take(&ga, 1), 0);
}

/* An upcall already pending needs no second kick. */
static void test_one_kick(void **state)
{
    uint32_t p = open_ipi(&ga, 1), q = open_ipi(&ga, 1);
    struct evtchn_hit hit;

    (void)state;
    send(&ga, p, &hit);
    assert_non_null(hit.kick);
    send(&ga, q, &hit);
    assert_null(hit.kick);
    assert_true(hit.fresh);
    assert_int_equal(take(&ga, 1), 2);
}

static void test_info_moves(void **state)
{
    struct vcpu_info *elsewhere = calloc(1, sizeof(*elsewhere));
    uint32_t p = open_ipi(&ga, 0);
    struct evtchn_hit hit;

    (void)state;
    send(&ga, p, &hit);
    evtchn_info_move(ga.vc[0], elsewhere);
    ga.info[0] = elsewhere;
    assert_int_equal(elsewhere->evtchn_upcall_pending, 1);
    assert_int_equal(take(&ga, 0), 1);
    send(&ga, p, &hit);
    assert_int_equal(elsewhere->evtchn_upcall_pending, 1);
    free(elsewhere);
    evtchn_info_move(ga.vc[0], ga.info[0] = &ga.shared->vcpu_info[0]);
}

static void fifo_start(struct guest *g)
{
    for (uint32_t v = 0; v < GUEST_VCPUS; v++)
        assert_int_equal(guest_control(g, v), 0);
    assert_int_equal(guest_expand(g, 0), 0);
}

static void test_fifo_setup(void **state)
{
    (void)state;
    assert_int_equal(evtchn_control_check(0), 0);
    assert_int_equal(evtchn_control_check(4), -XEN_EINVAL);
    assert_int_equal(evtchn_control_check(4096 - sizeof(struct evtchn_fifo_control_block)), 0);
    assert_int_equal(evtchn_control_check(4096 - sizeof(struct evtchn_fifo_control_block) + 8), -XEN_EINVAL);
    assert_int_equal(evtchn_control_check(0xfffffff8), -XEN_EINVAL);
    assert_int_equal(guest_expand(&ga, 0), -XEN_EOPNOTSUPP);
    assert_int_equal(guest_control(&ga, GUEST_VCPUS), -XEN_ENOENT);
    open_ipi(&ga, 0);
    assert_int_equal(evtchn_set_priority(&ga.t, 1, 3), -XEN_ENOSYS);
    assert_int_equal(guest_control(&ga, 0), 0);
    assert_int_equal(guest_control(&ga, 0), -XEN_EINVAL);
    assert_int_equal(evtchn_set_priority(&ga.t, 1, 3), 0);
    assert_int_equal(evtchn_set_priority(&ga.t, 1, 16), -XEN_EINVAL);
    for (unsigned i = 0; i < EVTCHN_FIFO_PAGES; i++)
        assert_int_equal(guest_expand(&ga, 0), 0);
    assert_int_equal(guest_expand(&ga, 0), -XEN_ENOSPC);
    audit();
    guest_reset(&ga);
    audit();
    assert_int_equal(evtchn_max_ports(&ga.t), 4096);
    assert_int_equal(guest_control(&ga, 0), 0);
}

static void test_fifo_order(void **state)
{
    struct evtchn_hit hit;

    (void)state;
    fifo_start(&ga);
    for (uint32_t i = 1; i <= 6; i++)
        open_ipi(&ga, 0);
    evtchn_set_priority(&ga.t, 5, 2);
    for (uint32_t i = 1; i <= 5; i++)
        send(&ga, i, &hit);
    send(&ga, 2, &hit);
    assert_false(hit.fresh);
    assert_int_equal(take(&ga, 0), 5);
    assert_int_equal(seen[0], 5);
    for (unsigned i = 1; i < 5; i++)
        assert_int_equal(seen[i], i);
    send(&ga, 4, &hit);                 /* the former tail again */
    assert_ptr_equal(hit.kick, ga.vc[0]);
    send(&ga, 6, &hit);
    assert_null(hit.kick);
    assert_int_equal(take(&ga, 0), 2);
    audit();
}

/* A port that was the tail of one queue goes to another: the first queue must not append to it. */
static void test_fifo_tail_leaves(void **state)
{
    uint32_t a, c;
    struct evtchn_hit hit;

    (void)state;
    fifo_start(&ga);
    a = open_unbound(&ga, 2);
    c = open_unbound(&ga, 2);
    bind(&gb, &ga, a, &a);
    bind(&gb, &ga, c, &c);
    send(&gb, a, &hit);
    assert_int_equal(take(&ga, 0), 1);
    evtchn_bind_vcpu(&ga.t, a, 1);
    send(&gb, a, &hit);
    assert_ptr_equal(hit.kick, ga.vc[1]);
    send(&gb, c, &hit);
    assert_ptr_equal(hit.kick, ga.vc[0]);
    audit();
    assert_int_equal(take(&ga, 0), 1);
    assert_int_equal(seen[0], c);
    assert_int_equal(take(&ga, 1), 1);
    assert_int_equal(seen[0], a);
}

/* Moved while linked: it is still taken from the old queue, and goes to the new one after that. */
static void test_fifo_moves_while_linked(void **state)
{
    uint32_t a, b;
    struct evtchn_hit hit;

    (void)state;
    fifo_start(&ga);
    a = open_unbound(&ga, 2);
    bind(&gb, &ga, a, &b);
    send(&gb, b, &hit);
    evtchn_bind_vcpu(&ga.t, a, 2);
    evtchn_set_priority(&ga.t, a, 0);
    send(&gb, b, &hit);
    audit();
    assert_int_equal(take(&ga, 2), 0);
    assert_int_equal(take(&ga, 0), 1);
    send(&gb, b, &hit);
    assert_int_equal(ga.cb[2]->ready, 1);
    assert_int_equal(take(&ga, 2), 1);
    audit();
}

static void test_fifo_mask(void **state)
{
    uint32_t p;
    struct evtchn_hit hit;

    (void)state;
    fifo_start(&ga);
    p = open_ipi(&ga, 0);
    guest_mask(&ga, p);
    send(&ga, p, &hit);
    assert_null(hit.kick);
    assert_true(hit.fresh);
    assert_false(guest_try_unmask(&ga, p));
    assert_int_equal(evtchn_unmask(&ga.t, p, &hit), 0);
    assert_int_equal(take(&ga, 0), 1);
    guest_mask(&ga, p);
    assert_true(guest_try_unmask(&ga, p));
    send(&ga, p, &hit);
    guest_mask(&ga, p);                  /* linked, then masked */
    assert_int_equal(take(&ga, 0), 0);
    assert_int_equal(evtchn_unmask(&ga.t, p, &hit), 0);
    assert_int_equal(take(&ga, 0), 1);
}

/* Events from before the change of ABI, before the control block and before the word, come through. */
static void test_fifo_keeps_events(void **state)
{
    uint32_t p = open_ipi(&ga, 0), q = open_ipi(&ga, 1), r;
    struct evtchn_hit hit;

    (void)state;
    send(&ga, p, &hit);
    assert_int_equal(guest_control(&ga, 0), 0);
    assert_false(ga.shared->evtchn_pending[0]);
    assert_true(evtchn_is_pending(&ga.t, p));
    send(&ga, p, &hit);
    assert_false(hit.fresh);
    audit();
    assert_int_equal(guest_expand(&ga, 0), 0);
    assert_int_equal(take(&ga, 0), 1);
    send(&ga, q, &hit);                      /* vCPU 1 has no control block */
    assert_null(hit.kick);
    audit();
    assert_int_equal(guest_control(&ga, 1), 0);
    assert_int_equal(take(&ga, 1), 1);
    assert_int_equal(seen[0], q);
    while ((r = open_ipi(&ga, 0)) < 1500)
        ;
    send(&ga, r, &hit);
    assert_true(hit.fresh);
    assert_null(hit.kick);
    audit();
    assert_int_equal(guest_expand(&ga, 1u << EVTCHN_FIFO_MASKED), 0);
    assert_int_equal(take(&ga, 0), 0);
    evtchn_unmask(&ga.t, r, &hit);
    assert_int_equal(take(&ga, 0), 1);
    assert_int_equal(seen[0], r);
}

/* A closed port that is still in a queue isn't given out again before the guest has seen it. */
static void test_fifo_lingering(void **state)
{
    uint32_t p, q;
    struct evtchn_hit hit;

    (void)state;
    fifo_start(&ga);
    p = open_ipi(&ga, 0);
    q = open_ipi(&ga, 0);
    send(&ga, p, &hit);
    send(&ga, q, &hit);
    port_close(&ga, p);
    assert_int_equal(ga.t.nr_linger, 1);
    assert_int_equal(status(&ga, p).status, EVTCHNSTAT_closed);
    assert_int_equal(port_close(&ga, p), -XEN_EINVAL);
    audit();
    assert_int_equal(open_ipi(&ga, 1), q + 1);
    assert_int_equal(take(&ga, 0), 1);
    assert_int_equal(seen[0], q);
    assert_int_equal(open_ipi(&ga, 1), p);
    send(&ga, p, &hit);
    assert_int_equal(take(&ga, 1), 1);
    audit();
}

static void test_wipe_resumes(void **state)
{
    struct evtchn_closed was;
    struct evtchn_hit hit;
    unsigned steps = 0;

    (void)state;
    fifo_start(&ga);
    for (unsigned i = 0; i < 100; i++) {
        uint32_t p = i % 2 ? open_unbound(&ga, 2) : open_ipi(&ga, 0), q;

        if (i % 2)
            assert_int_equal(bind(&gb, &ga, p, &q), 0);
        else
            send(&ga, p, &hit);
    }
    port_close(&ga, 1);
    while (evtchn_wipe_step(&ga.t, &was)) {
        steps++;
        audit();
    }
    assert_int_equal(steps, 100);
    assert_int_equal(status(&gb, 10).status, EVTCHNSTAT_unbound);
    assert_int_equal(ga.t.nr_open, 0);
    guest_reset(&ga);
    assert_int_equal(open_ipi(&ga, 0), 1);
    audit();
}

/* Whatever the guest writes into its words and control blocks: only its own events suffer. */
static void test_fifo_scribbles(void **state)
{
    struct evtchn_hit hit;

    (void)state;
    srandom(7);
    fifo_start(&ga);
    for (unsigned i = 0; i < 200; i++)
        open_ipi(&ga, (uint32_t)random() % GUEST_VCPUS);
    for (unsigned i = 0; i < 200000; i++) {
        ga.page[0][random() % 256] = (event_word_t)random() << 16 ^ (event_word_t)random();
        if (i % 16 == 0)
            memset(ga.cb[random() % GUEST_VCPUS], (int)random(), sizeof(*ga.cb[0]));
        send(&ga, (uint32_t)random() % 200 + 1, &hit);
        evtchn_set_priority(&ga.t, (uint32_t)random() % 200 + 1, (uint32_t)random() % 16);
        evtchn_unmask(&ga.t, (uint32_t)random() % 200 + 1, &hit);
        if (i % 64 == 0)
            audit();
    }
}

/* The audit itself must see what it is for. */
static void test_audit_sees(void **state)
{
    uint32_t p = open_unbound(&ga, 2), q;
    struct evtchn *e = &ga.t.group[0]->bucket[0][p];

    (void)state;
    bind(&gb, &ga, p, &q);
    audit();
#define BROKEN(change, undo) do { change; assert_non_null(evtchn_audit(&ga.t)); undo; audit(); } while (0)
    BROKEN(e->aux++, e->aux--);
    BROKEN(e->state = EVTCHNSTAT_virq, e->state = EVTCHNSTAT_interdomain);
    BROKEN(e->lock.next++, e->lock.next--);
    BROKEN(e->vcpu = 9, e->vcpu = 0);
    BROKEN(e->flags = EVTCHN_SAVED, e->flags = 0);
    BROKEN(ga.t.nr_open++, ga.t.nr_open--);
    BROKEN(ga.t.virq[3] = p, ga.t.virq[3] = 0);
    BROKEN(ga.vc[1]->virq[0] = p, ga.vc[1]->virq[0] = 0);
    BROKEN(ga.t.full[0] = 1, ga.t.full[0] = 0);
    BROKEN(ga.t.group[0]->used[0][0] ^= 4, ga.t.group[0]->used[0][0] ^= 4);
    BROKEN(ga.t.group[0]->used[0][0] ^= 2, ga.t.group[0]->used[0][0] ^= 2);
    BROKEN(ga.vc[0]->queue[7].tail = p, ga.vc[0]->queue[7].tail = 0);
    BROKEN(ga.t.nr_linger++, ga.t.nr_linger--);
    BROKEN(ga.t.lowest = 9, ga.t.lowest = 1);
#undef BROKEN
}

/* --- against a model ------------------------------------------------------------------------------------- */

#define MODEL_PORTS 2048

struct mport {
    uint32_t state, peer, virq, vcpu, was_vcpu;
    unsigned owner;  /* unbound: for whom; interdomain: with whom (index of guest) */
    bool owed;       /* an event has been sent and not been handled */
};

static struct mport model[2][MODEL_PORTS];

static unsigned pick(unsigned n)
{
    return (unsigned)random() % n;
}

/* A port number, mostly of a bound port. */
static uint32_t pick_port(unsigned g)
{
    uint32_t port = pick(24);

    for (unsigned i = 0; i < 8 && model[g][port].state == EVTCHNSTAT_closed; i++)
        port = pick(i < 4 ? 64 : MODEL_PORTS);
    return port;
}

static bool upcalls[2][GUEST_VCPUS];

static void upcalls_note(void)
{
    for (unsigned g = 0; g < 2; g++)
        for (unsigned v = 0; v < GUEST_VCPUS; v++)
            upcalls[g][v] = guests[g]->info[v]->evtchn_upcall_pending;
}

/* Each vCPU that got a new upcall, and only it, must be kicked. */
static void upcalls_check(const struct evtchn_hit *hit)
{
    for (unsigned g = 0; g < 2; g++)
        for (unsigned v = 0; v < GUEST_VCPUS; v++) {
            bool fresh = guests[g]->info[v]->evtchn_upcall_pending && !upcalls[g][v];

            assert_int_equal(fresh, hit->kick == guests[g]->vc[v]);
        }
}

static void model_open(unsigned g, int port, uint32_t state, uint32_t vcpu)
{
    struct mport *m = &model[g][port];

    assert_true(port > 0 && port < MODEL_PORTS);
    assert_int_equal(m->state, EVTCHNSTAT_closed);
    if (!guests[g]->t.nr_linger)
        for (int i = 1; i < port; i++)
            assert_int_not_equal(model[g][i].state, EVTCHNSTAT_closed);
    *m = (struct mport){ .state = state, .vcpu = vcpu, .was_vcpu = vcpu };
}

static int reserve(unsigned g)
{
    int port = evtchn_reserve(&guests[g]->t);

    if (port == -XEN_ENOSPC) {
        unsigned open = 0;

        for (unsigned i = 1; i < MODEL_PORTS; i++)
            open += model[g][i].state != EVTCHNSTAT_closed;
        assert_int_equal(open + guests[g]->t.nr_linger, guests[g]->t.limit - 1);
    } else
        assert_false(guests[g]->fifo && guest_sees(guests[g], (uint32_t)port, EVTCHN_FIFO_LINKED, NULL));
    return port;
}

static void do_open(unsigned g)
{
    struct evtchn_domain *t = &guests[g]->t;
    uint32_t vcpu = pick(GUEST_VCPUS);
    int port = reserve(g);

    if (port < 0)
        return;
    if (pick(2)) {
        evtchn_open_ipi(t, (uint32_t)port, vcpu);
        model_open(g, port, EVTCHNSTAT_ipi, vcpu);
    } else {
        evtchn_open_unbound(t, (uint32_t)port, (domid_t)(1 + (vcpu & 1)));
        model_open(g, port, EVTCHNSTAT_unbound, 0);
        model[g][port].owner = vcpu & 1;
    }
}

static void do_bind(unsigned g)
{
    unsigned r = pick(2);
    uint32_t rport = pick_port(r);
    int port = reserve(g), rc;
    struct mport *m = &model[r][rport];
    struct evtchn_hit hit = { 0 };

    if (port < 0)
        return;
    upcalls_note();
    rc = evtchn_open_interdomain(&guests[g]->t, (uint32_t)port, &guests[r]->t, rport, &hit);
    upcalls_check(&hit);
    assert_int_equal(rc, m->state == EVTCHNSTAT_unbound && m->owner == g ? 0 : -XEN_EINVAL);
    if (rc)
        return;
    model_open(g, port, EVTCHNSTAT_interdomain, 0);
    m->state = EVTCHNSTAT_interdomain;
    m->owner = g;
    m->peer = (uint32_t)port;
    model[g][port].owner = r;
    model[g][port].peer = rport;
    model[g][port].owed = true;
}

static uint32_t virq_port(unsigned g, uint32_t virq, uint32_t vcpu)
{
    for (uint32_t i = 1; i < MODEL_PORTS; i++)
        if (model[g][i].state == EVTCHNSTAT_virq && model[g][i].virq == virq &&
            (evtchn_virq_is_global(virq) || model[g][i].vcpu == vcpu))
            return i;
    return 0;
}

static uint32_t pirq_port(unsigned g, uint32_t pirq)
{
    for (uint32_t i = 1; i < MODEL_PORTS; i++)
        if (model[g][i].state == EVTCHNSTAT_pirq && model[g][i].virq == pirq)
            return i;
    return 0;
}

static void do_bind_virq(unsigned g)
{
    uint32_t virq = pick(4), vcpu = pick(GUEST_VCPUS + 1);
    int want = virq > VIRQ_DEBUG && vcpu ? -XEN_EINVAL : vcpu >= GUEST_VCPUS ? -XEN_ENOENT
        : virq_port(g, virq, vcpu) ? -XEN_EEXIST : 0, port;

    assert_int_equal(evtchn_virq_check(&guests[g]->t, virq, vcpu), want);
    if (want)
        return;
    port = reserve(g);
    if (port < 0)
        return;
    evtchn_open_virq(&guests[g]->t, (uint32_t)port, virq, vcpu);
    model_open(g, port, EVTCHNSTAT_virq, vcpu);
    model[g][port].virq = virq;
}

static void do_bind_pirq(unsigned g)
{
    uint32_t pirq = pick(4) * 1500;
    int port;

    assert_int_equal(evtchn_pirq_check(&guests[g]->t, pirq), pirq_port(g, pirq) ? -XEN_EEXIST : 0);
    if (pirq_port(g, pirq))
        return;
    port = reserve(g);
    if (port < 0)
        return;
    evtchn_open_pirq(&guests[g]->t, (uint32_t)port, pirq);
    model_open(g, port, EVTCHNSTAT_pirq, 0);
    model[g][port].virq = pirq;
}

static void do_raise(unsigned g)
{
    struct evtchn_hit hit = { 0 };
    uint32_t virq = pick(4), vcpu = pick(GUEST_VCPUS), port;
    bool got;

    upcalls_note();
    if (pick(2)) {
        port = pirq_port(g, virq * 1500);
        got = evtchn_raise_pirq(&guests[g]->t, virq * 1500, &hit);
    } else if (virq > VIRQ_DEBUG) {
        port = virq_port(g, virq, 0);
        got = evtchn_raise_global(&guests[g]->t, virq, &hit);
    } else {
        port = virq_port(g, virq, vcpu);
        got = evtchn_raise_virq(&guests[g]->t, guests[g]->vc[vcpu], virq, &hit);
    }
    upcalls_check(&hit);
    assert_int_equal(got, port != 0);
    if (port) {
        assert_int_equal(hit.fresh, !model[g][port].owed);
        model[g][port].owed = true;
    }
}

static void model_close(unsigned g, uint32_t port)
{
    struct mport *m = &model[g][port];

    if (m->state == EVTCHNSTAT_interdomain) {
        model[m->owner][m->peer].state = EVTCHNSTAT_unbound;
        model[m->owner][m->peer].owner = g;
    }
    memset(m, 0, sizeof(*m));
}

static void do_close(unsigned g)
{
    uint32_t port = pick_port(g);

    assert_int_equal(port_close(guests[g], port), model[g][port].state == EVTCHNSTAT_closed ? -XEN_EINVAL : 0);
    model_close(g, port);
    assert_false(guest_pending(guests[g], port));
}

static void do_send(unsigned g)
{
    uint32_t port = pick_port(g);
    struct mport *m = &model[g][port], *to = NULL;
    struct evtchn_hit hit;
    int rc;

    upcalls_note();
    rc = send(guests[g], port, &hit);
    upcalls_check(&hit);
    if (m->state == EVTCHNSTAT_ipi)
        to = m;
    else if (m->state == EVTCHNSTAT_interdomain)
        to = &model[m->owner][m->peer];
    assert_int_equal(rc, to || m->state == EVTCHNSTAT_unbound ? 0 : -XEN_EINVAL);
    assert_int_equal(hit.fresh, to && !to->owed);
    if (to)
        to->owed = true;
}

static void do_mask(unsigned g)
{
    uint32_t port = pick_port(g);

    if (model[g][port].state != EVTCHNSTAT_closed)
        guest_mask(guests[g], port);
}

static void unmask(unsigned g, uint32_t port)
{
    struct evtchn_hit hit = { 0 };

    upcalls_note();
    if (!guest_try_unmask(guests[g], port))
        (void)evtchn_unmask(&guests[g]->t, port, &hit);
    upcalls_check(&hit);
}

static void do_move(unsigned g)
{
    uint32_t port = pick_port(g), vcpu = pick(GUEST_VCPUS);
    struct mport *m = &model[g][port];
    bool may = m->state == EVTCHNSTAT_unbound || m->state == EVTCHNSTAT_interdomain || m->state == EVTCHNSTAT_pirq ||
               (m->state == EVTCHNSTAT_virq && m->virq > VIRQ_DEBUG);

    assert_int_equal(evtchn_bind_vcpu(&guests[g]->t, port, vcpu), may ? 0 : -XEN_EINVAL);
    if (may)
        m->vcpu = vcpu;
    (void)evtchn_set_priority(&guests[g]->t, pick_port(g), pick(17));
}

static void handled(struct guest *g, uint32_t port, unsigned vcpu, void *data)
{
    struct mport *m = &model[g == &gb][port];

    (void)data;
    assert_int_not_equal(m->state, EVTCHNSTAT_closed);
    assert_true(m->owed);
    if (g->fifo)
        assert_true(vcpu == m->vcpu || vcpu == m->was_vcpu || m->state != EVTCHNSTAT_ipi);
    m->owed = false;
}

static void do_take(unsigned g)
{
    guest_take(guests[g], pick(GUEST_VCPUS), handled, NULL);
}

/* After all upcalls nothing is owed but what is masked or can't be delivered yet. */
static void settle(void)
{
    for (unsigned g = 0; g < 2; g++) {
        for (unsigned v = 0; v < GUEST_VCPUS; v++)
            guest_take(guests[g], v, handled, NULL);
        for (uint32_t port = 1; port < MODEL_PORTS; port++) {
            struct mport *m = &model[g][port];
            bool deliverable = !guests[g]->fifo || guest_word(guests[g], port);

            for (unsigned v = 0; v < GUEST_VCPUS; v++) /* some vCPU's queue can't be seen yet */
                deliverable &= !guests[g]->fifo || guests[g]->cb[v];
            assert_int_equal(evtchn_is_pending(&guests[g]->t, port), m->owed);
            if (deliverable && !guest_masked(guests[g], port))
                assert_false(m->owed);
        }
    }
}

static void compare(void)
{
    for (unsigned g = 0; g < 2; g++)
        for (uint32_t port = 1; port < MODEL_PORTS; port++) {
            const struct mport *m = &model[g][port];
            struct evtchn_status s;

            if (evtchn_status(&guests[g]->t, port, &s)) {
                assert_int_equal(m->state, EVTCHNSTAT_closed);
                continue;
            }
            assert_int_equal(s.status, m->state);
            assert_int_equal(s.vcpu, m->vcpu);
            if (s.status == EVTCHNSTAT_unbound)
                assert_int_equal(s.u.unbound.dom, m->owner + 1);
            if (s.status == EVTCHNSTAT_interdomain) {
                assert_int_equal(s.u.interdomain.dom, m->owner + 1);
                assert_int_equal(s.u.interdomain.port, m->peer);
            }
            if (s.status == EVTCHNSTAT_virq || s.status == EVTCHNSTAT_pirq)
                assert_int_equal(s.u.virq, m->virq);
        }
}

static void do_rare(unsigned g)
{
    switch (pick(8)) {
    case 0:
        for (uint32_t port = 1; port < MODEL_PORTS; port++)
            model_close(g, port);
        guest_reset(guests[g]);
        break;
    case 1:
    case 2:
    case 3:
        (void)guest_control(guests[g], pick(GUEST_VCPUS));
        break;
    case 4:
        if (guests[g]->fifo && guests[g]->nr_pages < 2)
            (void)guest_expand(guests[g], pick(2) ? 1u << EVTCHN_FIFO_MASKED : 0);
        break;
    case 5:
        guests[g]->t.limit = pick(2) ? 64 : MODEL_PORTS;
        for (uint32_t i = 64; i < MODEL_PORTS; i++)
            if (model[g][i].state != EVTCHNSTAT_closed || guests[g]->t.nr_linger)
                guests[g]->t.limit = MODEL_PORTS;
        break;
    default:
        compare();
    }
}

static void step(unsigned g)
{
    switch (pick(24)) {
    case 0: case 1: do_open(g); break;
    case 2: do_bind(g); break;
    case 3: do_bind_virq(g); break;
    case 4: do_bind_pirq(g); break;
    case 5: do_close(g); break;
    case 6: case 7: do_raise(g); break;
    case 8: do_mask(g); break;
    case 9: case 10: unmask(g, pick_port(g)); break;
    case 11: do_move(g); break;
    case 12: case 13: do_take(g); break;
    case 14: if (!pick(20)) do_rare(g); break;
    case 15: if (!pick(4)) settle(); break;
    default: do_send(g);
    }
}

static void test_model(void **state)
{
    for (unsigned seed = 1; seed <= 60; seed++) {
        srandom(seed);
        memset(model, 0, sizeof(model));
        ga.t.limit = gb.t.limit = seed % 2 ? MODEL_PORTS : 64;
        for (unsigned i = 0; i < 4000; i++) {
            step(pick(2));
            if (i % 8 == 0)
                audit();
        }
        settle();
        compare();
        teardown(state);
        setup(state);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_lowest_free_first),
        CASE(test_bad_ports),
        CASE(test_limits),
        CASE(test_no_memory),
        CASE(test_interdomain),
        CASE(test_loopback),
        CASE(test_virq),
        CASE(test_pirq),
        CASE(test_level_mask),
        CASE(test_one_kick),
        CASE(test_info_moves),
        CASE(test_fifo_setup),
        CASE(test_fifo_order),
        CASE(test_fifo_tail_leaves),
        CASE(test_fifo_moves_while_linked),
        CASE(test_fifo_mask),
        CASE(test_fifo_keeps_events),
        CASE(test_fifo_lingering),
        CASE(test_wipe_resumes),
        CASE(test_fifo_scribbles),
        CASE(test_audit_sees),
        CASE(test_model),
    };

    return cmocka_run_group_tests_name("evtchn", tests, NULL, NULL);
}
