/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest for the tests of core/evtchn.c: its memory, and the guest's half of both ABIs as <xen/event_channel.h>
 * wants it (consume events, mask, unmask).  Written from the headers alone, as the other side's check.
 */
#ifndef EVTCHN_GUEST_H
#define EVTCHN_GUEST_H

#include <stdlib.h>
#include <string.h>
#include "check/evtchn_audit.h"
#include "port_host.h"

#define GUEST_VCPUS 3
#define GUEST_PAGES 128

struct guest {
    struct evtchn_domain t;
    struct shared_info *shared;
    struct vcpu_info *info[GUEST_VCPUS];
    struct evtchn_vcpu *vc[GUEST_VCPUS];
    bool fifo;                                       /* what the guest believes */
    event_word_t *page[GUEST_PAGES];
    unsigned nr_pages;
    struct evtchn_fifo_control_block *cb[GUEST_VCPUS];
    uint32_t head[GUEST_VCPUS][EVTCHN_FIFO_MAX_QUEUES]; /* next to consume; 0: look in the control block */
};

static inline void guest_init(struct guest *g, domid_t id)
{
    memset(g, 0, sizeof(*g));
    g->shared = calloc(1, PAGE_SIZE);
    if (evtchn_domain_init(&g->t, id, g->shared, GUEST_VCPUS))
        abort();
    for (unsigned i = 0; i < GUEST_VCPUS; i++) {
        g->info[i] = &g->shared->vcpu_info[i];
        g->vc[i] = mem_alloc(sizeof(*g->vc[i]));
        evtchn_vcpu_init(&g->t, i, g->vc[i], g->info[i]);
    }
}

/* The shell's part of EVTCHNOP_reset. */
static inline void guest_reset(struct guest *g)
{
    struct evtchn_closed was;
    struct evtchn_fifo *f;

    while (evtchn_wipe_step(&g->t, &was))
        ;
    f = evtchn_fifo_off(&g->t);
    for (unsigned i = 0; i < GUEST_VCPUS; i++)
        if (f && evtchn_control_take(&g->t, i) != g->cb[i])
            abort();
    mem_free(f);
    for (unsigned i = 0; i < GUEST_VCPUS; i++) {
        free(g->cb[i]);
        g->cb[i] = NULL;
    }
    while (g->nr_pages)
        free(g->page[--g->nr_pages]);
    memset(g->head, 0, sizeof(g->head));
    g->fifo = false;
}

static inline void guest_free(struct guest *g)
{
    guest_reset(g);
    evtchn_domain_fini(&g->t);
    for (unsigned i = 0; i < GUEST_VCPUS; i++)
        mem_free(g->vc[i]);
    free(g->shared);
}

static inline void guest_adopt(struct guest *g, uint32_t first, uint32_t n)
{
    for (uint32_t port = evtchn_next(&g->t, first); port && port - first < n; port = evtchn_next(&g->t, port + 1)) {
        struct evtchn_hit hit = { 0 };

        evtchn_adopt(&g->t, port, &hit);
    }
}

/* EVTCHNOP_init_control. */
static inline int guest_control(struct guest *g, uint32_t vcpu)
{
    struct evtchn_hit hit = { 0 };
    int rc = evtchn_control_free(&g->t, vcpu), turned;

    if (rc)
        return rc;
    turned = evtchn_fifo_on(&g->t);
    if (turned < 0)
        return turned;
    g->cb[vcpu] = calloc(1, sizeof(*g->cb[vcpu]));
    evtchn_control_set(&g->t, vcpu, g->cb[vcpu], &hit);
    g->fifo = true;
    if (turned)
        guest_adopt(g, 1, EVTCHN_2L_NR_CHANNELS);
    return 0;
}

/* EVTCHNOP_expand_array with a page whose words all are `fill`. */
static inline int guest_expand(struct guest *g, event_word_t fill)
{
    event_word_t *page = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    uint32_t first;
    int rc;

    for (unsigned i = 0; i < EVTCHN_WORDS_PER_PAGE; i++)
        page[i] = fill;
    rc = evtchn_array_add(&g->t, page, &first);
    if (rc) {
        free(page);
        return rc;
    }
    g->page[g->nr_pages] = page;
    __atomic_store_n(&g->nr_pages, g->nr_pages + 1, __ATOMIC_SEQ_CST);
    guest_adopt(g, first, EVTCHN_WORDS_PER_PAGE);
    return 0;
}

static inline event_word_t *guest_word(struct guest *g, uint32_t port)
{
    return port / EVTCHN_WORDS_PER_PAGE < __atomic_load_n(&g->nr_pages, __ATOMIC_SEQ_CST)
        ? &g->page[port / EVTCHN_WORDS_PER_PAGE][port % EVTCHN_WORDS_PER_PAGE] : NULL;
}

static inline bool guest_sees(struct guest *g, uint32_t port, unsigned bit, const xen_ulong_t *map)
{
    event_word_t *w = g->fifo ? guest_word(g, port) : NULL;

    if (g->fifo)
        return w && (__atomic_load_n(w, __ATOMIC_SEQ_CST) >> bit & 1);
    return port < 4096 && (__atomic_load_n(&map[port / 64], __ATOMIC_SEQ_CST) >> port % 64 & 1);
}

static inline bool guest_pending(struct guest *g, uint32_t port)
{
    return guest_sees(g, port, EVTCHN_FIFO_PENDING, g->shared->evtchn_pending);
}

static inline bool guest_masked(struct guest *g, uint32_t port)
{
    return guest_sees(g, port, EVTCHN_FIFO_MASKED, g->shared->evtchn_mask);
}

static inline void guest_mask(struct guest *g, uint32_t port)
{
    if (!g->fifo)
        __atomic_fetch_or(&g->shared->evtchn_mask[port / 64], 1ul << port % 64, __ATOMIC_SEQ_CST);
    else if (guest_word(g, port))
        __atomic_fetch_or(guest_word(g, port), 1u << EVTCHN_FIFO_MASKED, __ATOMIC_SEQ_CST);
}

/* True: done.  False: EVTCHNOP_unmask has to do it. */
static inline bool guest_try_unmask(struct guest *g, uint32_t port)
{
    event_word_t *word = g->fifo ? guest_word(g, port) : NULL, w, old;

    if (!word)
        return false;
    w = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    for (;;) {
        if (!(w >> EVTCHN_FIFO_MASKED & 1))
            return true;
        if (w >> EVTCHN_FIFO_PENDING & 1)
            return false;
        old = w & ~(1u << EVTCHN_FIFO_BUSY);
        if (__atomic_compare_exchange_n(word, &old, old & ~(1u << EVTCHN_FIFO_MASKED), false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return true;
        w = old;
    }
}

typedef void guest_handler(struct guest *g, uint32_t port, unsigned vcpu, void *data);

static inline void guest_clear_pending(struct guest *g, uint32_t port)
{
    if (g->fifo)
        __atomic_fetch_and(guest_word(g, port), ~(1u << EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);
    else
        __atomic_fetch_and(&g->shared->evtchn_pending[port / 64], ~(1ul << port % 64), __ATOMIC_SEQ_CST);
}

static inline void guest_take_level(struct guest *g, unsigned v, guest_handler *fn, void *data)
{
    uint64_t sel = __atomic_exchange_n(&g->info[v]->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST), bits;

    for (; sel; sel &= sel - 1) {
        uint32_t w = (uint32_t)__builtin_ctzll(sel);

        bits = __atomic_load_n(&g->shared->evtchn_pending[w], __ATOMIC_SEQ_CST) &
               ~__atomic_load_n(&g->shared->evtchn_mask[w], __ATOMIC_SEQ_CST);
        for (; bits; bits &= bits - 1) {
            uint32_t port = w * 64 + (uint32_t)__builtin_ctzll(bits);

            guest_clear_pending(g, port);
            fn(g, port, v, data);
        }
    }
}

/* Take the first event off a queue; false if that was the last. */
static inline bool guest_take_one(struct guest *g, unsigned v, unsigned q, guest_handler *fn, void *data)
{
    uint32_t port = g->head[v][q];
    event_word_t *word, w;

    if (!port)
        port = __atomic_load_n(&g->cb[v]->head[q], __ATOMIC_SEQ_CST);
    word = guest_word(g, port);
    if (!port || !word)
        abort();
    w = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    while (!__atomic_compare_exchange_n(word, &w, w & ~(1u << EVTCHN_FIFO_LINKED | EVTCHN_FIFO_LINK_MASK), false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    g->head[v][q] = w & EVTCHN_FIFO_LINK_MASK;
    w = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    if (w >> EVTCHN_FIFO_PENDING & 1 && !(w >> EVTCHN_FIFO_MASKED & 1)) {
        guest_clear_pending(g, port);
        fn(g, port, v, data);
    }
    return g->head[v][q];
}

static inline void guest_take_fifo(struct guest *g, unsigned v, guest_handler *fn, void *data)
{
    uint32_t ready = __atomic_exchange_n(&g->cb[v]->ready, 0, __ATOMIC_SEQ_CST);

    while (ready) {
        unsigned q = (unsigned)__builtin_ctz(ready);

        if (!guest_take_one(g, v, q, fn, data))
            ready &= ~(1u << q);
        ready |= __atomic_exchange_n(&g->cb[v]->ready, 0, __ATOMIC_SEQ_CST);
    }
}

/* Take the upcall, if there is one, and all events. */
static inline void guest_take(struct guest *g, unsigned v, guest_handler *fn, void *data)
{
    while (__atomic_exchange_n(&g->info[v]->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST)) {
        if (!g->fifo)
            guest_take_level(g, v, fn, data);
        else if (g->cb[v])
            guest_take_fifo(g, v, fn, data);
    }
}

#endif
