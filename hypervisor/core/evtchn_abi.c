/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events in guest memory: the 2-level ABI (bitmaps in shared_info, a selector word in vcpu_info) and the
 * FIFO ABI (event words in pages of the guest's, linked to queues whose heads are in a control block).
 * Layouts and bits: <xen/event_channel.h>, <xen/xen.h>.  Invariants and locks: core/evtchn.h.
 *
 * Nothing in guest memory is believed: links and heads are written, never followed; a queue's tail is kept
 * here.  A guest that breaks the protocol loses events of its own and nothing else.  Every access is one
 * instruction but for fifo_link(), a compare-and-swap loop of FIFO_LINK_TRIES at most.
 *
 * FIFO.  A port's word has PENDING, MASKED, LINKED and the number of the next port in its queue.  We set LINKED and
 * append; the guest takes from the head, clearing LINKED and link at once.  The guest reads a queue's
 * head from the control block only when it has consumed all that it knew of; so we write the head exactly if the last
 * tail is no longer linked, and then set the queue's bit in `ready`.
 * A port whose vCPU or priority changed stays in its old queue while it is linked there.  When it is put in
 * another queue later, the old queue must forget it as its tail (E7): else the next event of the old queue would be
 * appended to the new one.
 *
 * While BUSY is set in a word the guest doesn't unmask it; that leaves it few ways to change the word under us.
 */
#include "core/evtchn_abi.h"
#include "core/port.h"
#include "core/sharedbits.h"

#define FIFO_LINK_TRIES 64

#define WORD_BIT(w, bit) ((w) >> (bit) & 1)

void evtchn_info_move(struct evtchn_vcpu *vc, struct vcpu_info *info)
{
    __atomic_store_n(&vc->info, info, __ATOMIC_SEQ_CST);
    __atomic_store_n(&info->evtchn_pending_sel, ~0ul, __ATOMIC_SEQ_CST);
    __atomic_store_n(&info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
}

/* --- 2-level --------------------------------------------------------------------------------------------- */

static void level_unmask(const struct evtchn *p, uint32_t port, struct evtchn_hit *hit)
{
    struct shared_info *s = p->table->shared;

    shared_clear64(level_word(s->evtchn_mask, port), port % 64);
    if (p->state != EVTCHNSTAT_closed && shared_test64(level_word(s->evtchn_pending, port), port % 64))
        hit->kick = level_select(p, port);
}

/* --- FIFO ------------------------------------------------------------------------------------------------ */

static event_word_t *fifo_word(const struct evtchn_fifo *f, uint32_t port)
{
    event_word_t *page = __atomic_load_n(&f->page[port / EVTCHN_WORDS_PER_PAGE % EVTCHN_FIFO_PAGES],
                                         __ATOMIC_ACQUIRE);

    return page ? &page[port % EVTCHN_WORDS_PER_PAGE] : NULL;
}

/* Before p is put in another queue: leave the one it was last in.  False if it is still linked there. */
static bool fifo_leave(struct evtchn *p, uint32_t port, const event_word_t *word)
{
    struct evtchn_vcpu *vc = vcpu_find(p->table, p->last_vcpu);
    struct evtchn_queue *q;
    bool linked;

    if (!vc)
        return true;
    q = &vc->queue[p->last_priority];
    ticket_lock(&q->lock);
    linked = shared_test32(word, EVTCHN_FIFO_LINKED);
    if (!linked && q->tail == port)
        q->tail = 0;
    ticket_unlock(&q->lock);
    return !linked;
}

/* Make `next` follow the queue's tail.  False if the tail was consumed: then it has no follower. */
static bool fifo_link(event_word_t *word, uint32_t next)
{
    event_word_t w = __atomic_load_n(word, __ATOMIC_SEQ_CST), link;

    if (!WORD_BIT(w, EVTCHN_FIFO_LINKED))
        return false;
    for (unsigned i = 0; i < FIFO_LINK_TRIES && WORD_BIT(w, EVTCHN_FIFO_LINKED); i++) {
        link = (w & ~((event_word_t)EVTCHN_FIFO_LINK_MASK | 1u << EVTCHN_FIFO_BUSY)) | next;
        if (__atomic_compare_exchange_n(word, &w, link, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
            return true;
        if (i == 0) {
            (void)shared_set32(word, EVTCHN_FIFO_BUSY);
            w = __atomic_load_n(word, __ATOMIC_SEQ_CST);
        }
    }
    shared_clear32(word, EVTCHN_FIFO_BUSY);
    return false;
}

/* The queue was empty: it starts with `port`.  The queue's lock is held. */
static struct evtchn_vcpu *fifo_start(struct evtchn_vcpu *vc, unsigned priority, uint32_t port)
{
    __atomic_store_n(&vc->control->head[priority], port, __ATOMIC_RELEASE);
    return !shared_set32(&vc->control->ready, priority) && vc->control != &vc->early ? upcall(vc) : NULL;
}

static struct evtchn_vcpu *fifo_append(const struct evtchn_fifo *f, struct evtchn_vcpu *vc, unsigned priority,
                                       uint32_t port, event_word_t *word)
{
    struct evtchn_queue *q = &vc->queue[priority];
    struct evtchn_vcpu *kick = NULL;
    uint32_t tail;

    ticket_lock(&q->lock);
    if (!shared_set32(word, EVTCHN_FIFO_LINKED)) {
        tail = q->tail;
        q->tail = port;
        if (!tail || tail == port || !fifo_link(fifo_word(f, tail), port))
            kick = fifo_start(vc, priority, port);
    }
    ticket_unlock(&q->lock);
    return kick;
}

static struct evtchn_vcpu *fifo_enqueue(const struct evtchn_fifo *f, struct evtchn *p, uint32_t port, event_word_t *word)
{
    struct evtchn_vcpu *vc = vcpu_find(p->table, p->vcpu);

    if (!vc)
        return NULL;
    if (p->vcpu != p->last_vcpu || p->priority != p->last_priority) {
        if (!fifo_leave(p, port, word))
            return NULL;
        p->last_vcpu = p->vcpu;
        p->last_priority = p->priority;
    }
    return fifo_append(f, vc, p->priority, port, word);
}

struct evtchn_pended evtchn_fifo_pend(const struct evtchn_fifo *f, struct evtchn *p, uint32_t port)
{
    event_word_t *word = fifo_word(f, port), w;
    struct evtchn_pended r = { NULL, !(p->flags & EVTCHN_SAVED) };

    if (!word) {
        p->flags |= EVTCHN_SAVED;
        return r;
    }
    r.fresh = !shared_set32(word, EVTCHN_FIFO_PENDING);
    w = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    if (!(w & (1u << EVTCHN_FIFO_MASKED | 1u << EVTCHN_FIFO_LINKED)))
        r.kick = fifo_enqueue(f, p, port, word);
    return r;
}

static void fifo_unmask(const struct evtchn_fifo *f, struct evtchn *p, uint32_t port, struct evtchn_hit *hit)
{
    event_word_t *word = fifo_word(f, port), w;

    if (!word)
        return;
    shared_clear32(word, EVTCHN_FIFO_MASKED);
    w = __atomic_load_n(word, __ATOMIC_SEQ_CST);
    if (p->state != EVTCHNSTAT_closed && WORD_BIT(w, EVTCHN_FIFO_PENDING) && !WORD_BIT(w, EVTCHN_FIFO_LINKED))
        hit->kick = fifo_enqueue(f, p, port, word);
}

/* --- both ------------------------------------------------------------------------------------------------ */

void evtchn_unmask_locked(struct evtchn *p, uint32_t port, struct evtchn_hit *hit)
{
    const struct evtchn_fifo *f = fifo_of(p->table);

    if (f)
        fifo_unmask(f, p, port, hit);
    else if (level_has(port))
        level_unmask(p, port, hit);
}

void evtchn_forget(struct evtchn *p, uint32_t port)
{
    const struct evtchn_fifo *f = fifo_of(p->table);
    event_word_t *word = f ? fifo_word(f, port) : NULL;

    p->flags = 0;
    if (word)
        shared_clear32(word, EVTCHN_FIFO_PENDING);
    else if (!f && level_has(port))
        shared_clear64(level_word(p->table->shared->evtchn_pending, port), port % 64);
}

bool evtchn_is_linked(const struct evtchn_domain *t, uint32_t port)
{
    const struct evtchn_fifo *f = fifo_of(t);
    const event_word_t *word = f ? fifo_word(f, port) : NULL;

    return word && shared_test32(word, EVTCHN_FIFO_LINKED);
}

/* A bit of the FIFO ABI's event word, or of the 2-level bitmap. */
static bool view_test(const struct evtchn_domain *t, uint32_t port, unsigned bit, xen_ulong_t *map, bool unborn)
{
    const struct evtchn_fifo *f = fifo_of(t);
    const event_word_t *word = f && port < EVTCHN_MAX_PORTS ? fifo_word(f, port) : NULL;

    if (word)
        return shared_test32(word, bit);
    if (f)
        return unborn;
    return level_has(port) && shared_test64(level_word(map, port), port % 64);
}

bool evtchn_is_pending(const struct evtchn_domain *t, uint32_t port)
{
    const struct evtchn *p = evtchn_find(t, port);
    bool saved = p && __atomic_load_n(&p->flags, __ATOMIC_RELAXED) & EVTCHN_SAVED;

    return p && view_test(t, port, EVTCHN_FIFO_PENDING, t->shared->evtchn_pending, saved);
}

bool evtchn_is_masked(const struct evtchn_domain *t, uint32_t port)
{
    return view_test(t, port, EVTCHN_FIFO_MASKED, t->shared->evtchn_mask, false);
}

/* --- switching between the ABIs --------------------------------------------------------------------------- */

int evtchn_control_check(uint32_t offset)
{
    if (offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || offset % 8)
        return -XEN_EINVAL;
    return 0;
}

int evtchn_control_free(const struct evtchn_domain *t, uint32_t vcpu)
{
    const struct evtchn_vcpu *vc = evtchn_vcpu_at(t, vcpu);

    if (!vc)
        return -XEN_ENOENT;
    return vc->control == &vc->early ? 0 : -XEN_EINVAL;
}

void evtchn_control_set(struct evtchn_domain *t, uint32_t vcpu, struct evtchn_fifo_control_block *cb,
                        struct evtchn_hit *hit)
{
    struct evtchn_vcpu *vc = evtchn_vcpu_at(t, vcpu);
    bool ready;

    for (unsigned i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
        ticket_lock(&vc->queue[i].lock);
    for (unsigned i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
        if (WORD_BIT(vc->early.ready, i)) {
            __atomic_store_n(&cb->head[i], vc->early.head[i], __ATOMIC_RELEASE);
            (void)shared_set32(&cb->ready, i);
        }
    ready = vc->early.ready != 0;
    vc->early = (struct evtchn_fifo_control_block){ 0 };
    vc->control = cb;
    if (ready)
        hit->kick = upcall(vc);
    for (unsigned i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
        ticket_unlock(&vc->queue[i].lock);
}

struct evtchn_fifo_control_block *evtchn_control_take(struct evtchn_domain *t, uint32_t vcpu)
{
    struct evtchn_vcpu *vc = evtchn_vcpu_at(t, vcpu);
    struct evtchn_fifo_control_block *cb;

    if (!vc)
        return NULL;
    cb = vc->control;
    vc->control = &vc->early;
    vc->early = (struct evtchn_fifo_control_block){ 0 };
    for (unsigned i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
        vc->queue[i].tail = 0;
    /* A selector left from before the FIFO ABI would hold back the first upcall after it. */
    __atomic_store_n(&vc->info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    return cb == &vc->early ? NULL : cb;
}

int evtchn_fifo_on(struct evtchn_domain *t)
{
    struct evtchn_fifo *f;

    if (t->fifo)
        return 0;
    f = mem_alloc(sizeof(*f));
    if (!f)
        return -XEN_ENOMEM;
    __atomic_store_n(&t->fifo, f, __ATOMIC_SEQ_CST);
    return 1;
}

void evtchn_adopt(struct evtchn_domain *t, uint32_t port, struct evtchn_hit *hit)
{
    struct evtchn *p = evtchn_find(t, port);
    xen_ulong_t *bits = level_has(port) ? level_word(t->shared->evtchn_pending, port) : NULL;
    bool waits;

    ticket_lock(&p->lock);
    waits = p->flags & EVTCHN_SAVED;
    if (fifo_word(t->fifo, port))
        p->flags &= (uint8_t)~EVTCHN_SAVED;
    else if (bits && shared_test64(bits, port % 64)) {
        shared_clear64(bits, port % 64);
        waits = true;
    }
    if (waits)
        evtchn_pend(p, port, hit);
    ticket_unlock(&p->lock);
}

int evtchn_array_add(struct evtchn_domain *t, event_word_t *page, uint32_t *first)
{
    struct evtchn_fifo *f = t->fifo;

    if (!f)
        return -XEN_EOPNOTSUPP;
    if (f->nr_pages == EVTCHN_FIFO_PAGES)
        return -XEN_ENOSPC;
    *first = f->nr_pages * EVTCHN_WORDS_PER_PAGE;
    __atomic_store_n(&f->page[f->nr_pages], page, __ATOMIC_SEQ_CST);
    f->nr_pages++;
    return 0;
}

struct evtchn_fifo *evtchn_fifo_off(struct evtchn_domain *t)
{
    assert(!t->nr_open && !t->nr_linger);
    return __atomic_exchange_n(&t->fifo, NULL, __ATOMIC_SEQ_CST);
}
