/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz-options: -max_len=384 */
/*
 * Any sequence of operations by two domains that also write whatever they like into their shared memory; the audit
 * after each.  Each operation is four bytes: what, who, two arguments.
 */
#include <stdio.h>
#include "evtchn_guest.h"

static struct guest g[2];

/* Small numbers are ports of the first bucket; the last ones are far away or impossible. */
static uint32_t port_of(uint8_t a)
{
    static const uint32_t far[] = { 128, 4095, 4096, 4097, 131071, 131072, 0x7fffffff, 0xffffffff };

    return a < 248 ? a % 64u : far[a - 248];
}

static void do_open(struct guest *me, struct guest *other, uint8_t a, uint8_t b)
{
    struct evtchn_hit hit = { 0 };
    int port = evtchn_reserve(&me->t);

    if (port < 0)
        return;
    switch (a % 5) {
    case 0:
        evtchn_open_unbound(&me->t, (uint32_t)port, b % 4);
        break;
    case 1:
        evtchn_open_ipi(&me->t, (uint32_t)port, b % GUEST_VCPUS);
        break;
    case 2:
        if (!evtchn_virq_check(&me->t, b % 32u, b / 32u))
            evtchn_open_virq(&me->t, (uint32_t)port, b % 32u, b / 32u);
        break;
    case 3:
        if (!evtchn_pirq_check(&me->t, b * 40u))
            evtchn_open_pirq(&me->t, (uint32_t)port, b * 40u);
        break;
    default:
        (void)evtchn_open_interdomain(&me->t, (uint32_t)port, &other->t, port_of(b), &hit);
    }
}

static void do_raise(struct guest *me, uint8_t a, uint8_t b)
{
    struct evtchn_hit hit = { 0 };

    (void)evtchn_raise_virq(&me->t, me->vc[a % GUEST_VCPUS], b, &hit);
    (void)evtchn_raise_global(&me->t, b, &hit);
    (void)evtchn_raise_pirq(&me->t, b * 40u, &hit);
    evtchn_unmask_pirq(&me->t, a * 40u, &hit);
}

static void do_fifo(struct guest *me, uint8_t a, uint8_t b)
{
    struct evtchn_status s;

    if (a % 4 == 0)
        guest_reset(me);
    else if (a % 4 == 1)
        (void)guest_control(me, b % (GUEST_VCPUS + 1));
    else if (a % 4 == 2 && me->nr_pages < 2)
        (void)guest_expand(me, (event_word_t)b << 24);
    else
        (void)evtchn_status(&me->t, port_of(b), &s);
}

/* The guest writes to its own memory. */
static void do_scribble(struct guest *me, uint8_t a, uint8_t b)
{
    event_word_t *w = guest_word(me, a % 64u);

    if (a & 0x80 && w)
        *w = (event_word_t)b << 24 | (event_word_t)(b ^ a);
    else if (a & 0x40 && me->cb[a % GUEST_VCPUS])
        memset(me->cb[a % GUEST_VCPUS], b, sizeof(*me->cb[0]));
    else if (a & 0x20)
        memset(me->shared->evtchn_pending, b, 8);
    else if (a & 0x10)
        memset(me->shared->evtchn_mask, b, 8);
    else
        memset(me->info[a % GUEST_VCPUS], b, 16);
}

static void step(const uint8_t *op)
{
    struct guest *me = &g[op[1] & 1], *other = &g[op[1] >> 1 & 1];
    struct evtchn_hit hit = { 0 };
    struct evtchn_closed was;

    switch (op[0] % 12) {
    case 0: case 1: do_open(me, other, op[2], op[3]); break;
    case 2: (void)evtchn_close(&me->t, port_of(op[2]), &was); break;
    case 3: case 4: (void)evtchn_send(&me->t, port_of(op[2]), &hit); break;
    case 5: do_raise(me, op[2], op[3]); break;
    case 6: (void)evtchn_unmask(&me->t, port_of(op[2]), &hit); break;
    case 7: (void)evtchn_bind_vcpu(&me->t, port_of(op[2]), op[3] % (GUEST_VCPUS + 1u)); break;
    case 8: (void)evtchn_set_priority(&me->t, port_of(op[2]), op[3] % 17u); break;
    case 9: do_fifo(me, op[2], op[3]); break;
    case 10: (void)evtchn_is_pending(&me->t, port_of(op[2])); me->t.limit = op[3] ? EVTCHN_MAX_PORTS : 40; break;
    default: do_scribble(me, op[2], op[3]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    host_reset();
    guest_init(&g[0], 0);
    guest_init(&g[1], 1);
    for (; size >= 4; data += 4, size -= 4) {
        step(data);
        for (unsigned i = 0; i < 2; i++) {
            const char *bad = evtchn_audit(&g[i].t);

            if (bad) {
                fprintf(stderr, "domain %u: %s\n", i, bad);
                abort();
            }
        }
    }
    guest_free(&g[0]);
    guest_free(&g[1]);
    if (host_mem_live())
        abort();
    return 0;
}
