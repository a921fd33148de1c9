/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: locks, hypercall, wake-ups around core/evtchn.c.
 *
 * Locks.  A domain's table lock (RANK_EVTCHN; interrupts stay on) is held by whoever opens or closes ports or changes
 * the ABI.  Ports and queues have word locks in the core, taken only with interrupts off, because interrupt
 * handlers send too; under them we take nothing.  Sending takes no ranked lock until it kicks a vCPU, so it may
 * be done under any lock that vcpu_kick() may be called under.
 *
 * Lifetime.  A sender goes from its own port to its peer's with interrupts off and holds nothing.  So a table, its FIFO
 * pages and the frames behind them go only after all_cpus_pass(): every CPU has had interrupts on since nobody could
 * find them any more.
 *
 * Next: core/evtchn.h for the ports' own rules.
 */
#include "kern/event.h"
#include "core/evtchn_abi.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "kern/hypercall.h"
#include "kern/pages.h"
#include "kern/pirq.h"
#include "kern/sched.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/cpumask.h"
#include "x86/irqline.h"
#include "x86/lock.h"
#include "x86/smp.h"

#define POLL_NOTHING 0u  /* a polling vCPU that named no port */
#define POLL_ANY     ~0u

struct event_domain {
    struct evtchn_domain table;
    spinlock_t lock;       /* RANK_EVTCHN: the table lock */
    bool dead;             /* event_domain_kill() is done [RANK_CTL lock] */
    uint32_t nr_pollers;   /* bits in poll_mask [atomic] */
    uint64_t poll_mask[];  /* by vCPU [atomic] */
};

struct event_vcpu {
    struct evtchn_vcpu ports;
    uint32_t poll_port;    /* while polling [its own vCPU; read anywhere] */
};

/* Who gets a global VIRQ of the machine; NULL: dom0.  Holds a reference. */
static struct domain *virq_handlers[NR_VIRQS]; /* [atomic] */

static struct event_domain *event_of(const struct domain *d)
{
    return container_of(d->evtchn, struct event_domain, table);
}

static struct event_domain *event_of_table(struct evtchn_domain *t)
{
    return container_of(t, struct event_domain, table);
}

static struct event_vcpu *event_of_vcpu(const struct vcpu *v)
{
    return container_of(v->evtchn, struct event_vcpu, ports);
}

static struct evtchn_domain *table_lock(struct domain *d)
{
    lock(&event_of(d)->lock);
    return d->evtchn;
}

static void table_unlock(struct domain *d)
{
    unlock(&event_of(d)->lock);
}

static void cpu_passes(void *unused)
{
}

/* When this returns, every CPU, in use or not, has had interrupts on since the call. */
static void all_cpus_pass(void)
{
    smp_call(&cpu_up, cpu_passes, NULL);
}

/* --- polling and kicking --------------------------------------------------------------------------------- */

static __attribute__((cold, noinline)) void pollers_wake(struct event_domain *e, uint32_t port)
{
    for (unsigned i = 0; i < DIV_UP(e->table.nr_vcpus, 64); i++)
        for (uint64_t left = READ_ONCE(e->poll_mask[i]); left; left &= left - 1) {
            struct evtchn_vcpu *vc = e->table.vcpu[i * 64 + (unsigned)__builtin_ctzll(left)];
            uint32_t wants = READ_ONCE(container_of(vc, struct event_vcpu, ports)->poll_port);

            if (wants == port || wants == POLL_ANY)
                vcpu_wake(vc->vcpu);
        }
}

/* Do what a sent event asks for, then interrupts as they were: off, they keep the target alive. */
static inline void hit_act(const struct evtchn_hit *hit, uint64_t flags)
{
    if (hit->kick)
        vcpu_kick(hit->kick->vcpu);
    if (hit->fresh && unlikely(__atomic_load_n(&event_of_table(hit->table)->nr_pollers, __ATOMIC_SEQ_CST)))
        pollers_wake(event_of_table(hit->table), hit->port);
    irq_restore(flags);
}

int event_poll_begin(struct vcpu *v, const evtchn_port_t *ports, unsigned n)
{
    struct event_domain *e = event_of(v->domain);
    bool pending = false;
    uint64_t flags;

    for (unsigned i = 0; i < n; i++)
        if (!ports[i] || ports[i] >= evtchn_max_ports(&e->table))
            return -XEN_EINVAL;
    WRITE_ONCE(event_of_vcpu(v)->poll_port, n == 1 ? ports[0] : n ? POLL_ANY : POLL_NOTHING);
    if (!(__atomic_fetch_or(&e->poll_mask[v->id / 64], 1ul << v->id % 64, __ATOMIC_SEQ_CST) >> v->id % 64 & 1))
        __atomic_add_fetch(&e->nr_pollers, 1, __ATOMIC_SEQ_CST);
    flags = irq_save();
    for (unsigned i = 0; i < n && !pending; i++)
        pending = evtchn_is_pending(&e->table, ports[i]);
    irq_restore(flags);
    return pending;
}

void event_poll_end(struct vcpu *v)
{
    struct event_domain *e = event_of(v->domain);
    uint64_t bit = 1ul << v->id % 64;

    if (__atomic_fetch_and(&e->poll_mask[v->id / 64], ~bit, __ATOMIC_SEQ_CST) & bit)
        __atomic_sub_fetch(&e->nr_pollers, 1, __ATOMIC_SEQ_CST);
}

bool event_pending(const struct vcpu *v)
{
    const struct vcpu_info *info = READ_ONCE(v->info);

    return READ_ONCE(info->evtchn_upcall_pending) && !READ_ONCE(info->evtchn_upcall_mask);
}

void event_info_moved(struct vcpu *v)
{
    evtchn_info_move(v->evtchn, v->info);
    vcpu_kick(v);
}

/* --- raising --------------------------------------------------------------------------------------------- */

static ALWAYS_INLINE int send(struct domain *d, evtchn_port_t port, uint64_t flags)
{
    struct evtchn_hit hit = { 0 };
    int rc = evtchn_send(d->evtchn, port, &hit);

    hit_act(&hit, flags);
    return rc;
}

int event_send(struct domain *d, evtchn_port_t port)
{
    return send(d, port, irq_save());
}

void virq_raise_vcpu(struct vcpu *v, unsigned virq)
{
    struct evtchn_hit hit = { 0 };
    uint64_t flags;

    if (!v->evtchn)
        return;
    flags = irq_save();
    COUNT(virq);
    evtchn_raise_virq(v->domain->evtchn, v->evtchn, virq, &hit);
    hit_act(&hit, flags);
}

static void virq_raise_domain(struct domain *d, unsigned virq)
{
    struct evtchn_hit hit = { 0 };
    uint64_t flags;

    if (!d->evtchn)
        return;
    flags = irq_save();
    COUNT(virq);
    evtchn_raise_global(d->evtchn, virq, &hit);
    hit_act(&hit, flags);
}

void virq_raise_global(unsigned virq)
{
    uint64_t flags = irq_save();
    struct domain *d = __atomic_load_n(&virq_handlers[virq], __ATOMIC_SEQ_CST);

    if (!d)
        d = dom0;
    if (d)
        virq_raise_domain(d, virq);
    irq_restore(flags);
}

/* A domain that no slot of virq_handlers names any more loses the slot's reference. */
static void handler_drop(struct domain *d)
{
    all_cpus_pass();
    domain_put(d);
}

/* d loses the VIRQ if it has it. */
static void handler_leave(struct domain *d, unsigned virq)
{
    struct domain *had = d;

    if (__atomic_compare_exchange_n(&virq_handlers[virq], &had, NULL, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        handler_drop(d);
}

int virq_set_handler(struct domain *d, unsigned virq)
{
    struct domain *old;

    if (virq >= NR_VIRQS || !evtchn_virq_is_global(virq))
        return -XEN_EINVAL;
    if (d != dom0)
        domain_hold(d);
    old = __atomic_exchange_n(&virq_handlers[virq], d == dom0 ? NULL : d, __ATOMIC_SEQ_CST);
    if (old)
        handler_drop(old);
    if (READ_ONCE(d->is_dying))
        handler_leave(d, virq);
    return 0;
}

bool event_send_pirq(struct domain *d, unsigned pirq)
{
    struct evtchn_hit hit = { 0 };
    uint64_t flags = irq_save();
    bool bound = evtchn_raise_pirq(d->evtchn, pirq, &hit);

    hit_act(&hit, flags);
    return bound;
}

void event_unmask_pirq(struct domain *d, unsigned pirq)
{
    struct evtchn_hit hit = { 0 };
    uint64_t flags = irq_save();

    evtchn_unmask_pirq(d->evtchn, pirq, &hit);
    hit_act(&hit, flags);
}

/* --- life ------------------------------------------------------------------------------------------------ */

int event_domain_create(struct domain *d)
{
    struct event_domain *e = mem_alloc(sizeof(*e) + DIV_UP(d->max_vcpus, 64) * sizeof(e->poll_mask[0]));

    if (!e)
        return -XEN_ENOMEM;
    if (evtchn_domain_init(&e->table, d->id, d->shared, d->max_vcpus)) {
        mem_free(e);
        return -XEN_ENOMEM;
    }
    lock_init(&e->lock, RANK_EVTCHN);
    e->table.domain = d;
    d->evtchn = &e->table;
    return 0;
}

void event_set_max_port(struct domain *d, uint32_t max_port)
{
    table_lock(d)->limit = max_port < EVTCHN_MAX_PORTS ? max_port + 1 : EVTCHN_MAX_PORTS;
    table_unlock(d);
}

int event_vcpu_create(struct vcpu *v)
{
    struct event_vcpu *e = mem_alloc(sizeof(*e));

    if (!e)
        return -XEN_ENOMEM;
    e->ports.vcpu = v;
    v->evtchn = &e->ports;
    evtchn_vcpu_init(table_lock(v->domain), v->id, &e->ports, v->info);
    table_unlock(v->domain);
    return 0;
}

void event_vcpu_free(struct vcpu *v)
{
    if (!v->evtchn)
        return;
    event_poll_end(v);
    v->domain->evtchn->vcpu[v->id] = NULL;
    mem_free(event_of_vcpu(v));
    v->evtchn = NULL;
}

static void control_unmap(struct domain *d, struct evtchn_fifo_control_block *cb)
{
    guest_frame_unmap_shared(d, (void *)((uintptr_t)cb & PAGE_MASK));
}

/* The table is locked and empty: give the guest its FIFO pages back. */
static void fifo_drop(struct domain *d)
{
    struct evtchn_fifo *f = evtchn_fifo_off(d->evtchn);

    if (!f)
        return;
    all_cpus_pass();
    for (unsigned i = 0; i < d->max_vcpus; i++) {
        struct evtchn_fifo_control_block *cb = evtchn_control_take(d->evtchn, i);

        if (cb)
            control_unmap(d, cb);
    }
    for (unsigned i = 0; i < f->nr_pages; i++)
        guest_frame_unmap_shared(d, f->page[i]);
    mem_free(f);
}

static void pirq_leave(struct domain *d, const struct evtchn_closed *was)
{
    if (was->port && was->state == EVTCHNSTAT_pirq)
        pirq_unbind(d, was->aux);
}

/* Close all ports; the table is locked.  -XEN_EAGAIN: not all yet. */
static int table_wipe(struct domain *d)
{
    struct evtchn_closed was;

    for (;;) {
        uint64_t flags = irq_save();
        int more = evtchn_wipe_step(d->evtchn, &was);

        irq_restore(flags);
        if (!more)
            return 0;
        pirq_leave(d, &was);
        if (preempt_needed())
            return -XEN_EAGAIN;
    }
}

/* Close all ports and go back to the 2-level ABI: EVTCHNOP_reset, soft reset.  Preemptible: -XEN_EAGAIN = call again. */
static int event_domain_reset(struct domain *d)
{
    int rc;

    table_lock(d);
    rc = table_wipe(d);
    if (!rc)
        fifo_drop(d);
    table_unlock(d);
    return rc;
}

int event_domain_kill(struct domain *d)
{
    int rc;

    if (!d->evtchn || event_of(d)->dead)
        return 0;
    table_lock(d)->closed = true;
    table_unlock(d);
    rc = event_domain_reset(d);
    if (rc)
        return rc;
    for (unsigned i = 0; i < NR_VIRQS; i++)
        handler_leave(d, i);
    all_cpus_pass();
    event_of(d)->dead = true;
    return 0;
}

void event_domain_free(struct domain *d)
{
    struct event_domain *e;

    if (!d->evtchn)
        return;
    e = event_of(d);
    evtchn_domain_fini(&e->table);
    d->evtchn = NULL;
    mem_free(e);
}

/* --- the hypercall's operations --------------------------------------------------------------------------- */

union op_arg {
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_pirq bind_pirq;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
    struct evtchn_init_control init_control;
    struct evtchn_expand_array expand_array;
    struct evtchn_set_priority set_priority;
};

static int op_alloc_unbound(struct domain *caller, union op_arg *a)
{
    domid_t remote = a->alloc_unbound.remote_dom == DOMID_SELF ? caller->id : a->alloc_unbound.remote_dom;
    int port;
    struct domain *d = domain_target(a->alloc_unbound.dom, &port);

    if (!d)
        return port;
    port = evtchn_reserve(table_lock(d));
    if (port > 0) {
        uint64_t flags = irq_save();

        evtchn_open_unbound(d->evtchn, (uint32_t)port, remote);
        irq_restore(flags);
        a->alloc_unbound.port = (uint32_t)port;
    }
    table_unlock(d);
    domain_put(d);
    return MIN(port, 0);
}

/* rd is held by a reference. */
static int interdomain_open(struct domain *d, struct domain *rd, struct evtchn_bind_interdomain *b)
{
    int port = evtchn_reserve(table_lock(d)), rc = port;

    if (port > 0) {
        struct evtchn_hit hit = { 0 };
        uint64_t flags = irq_save();

        rc = evtchn_open_interdomain(d->evtchn, (uint32_t)port, rd->evtchn, b->remote_port, &hit);
        hit_act(&hit, flags);
        b->local_port = (uint32_t)port;
    }
    table_unlock(d);
    return rc;
}

static int op_bind_interdomain(struct domain *caller, union op_arg *a)
{
    struct domain *rd = domain_get(a->bind_interdomain.remote_dom);
    int rc = -XEN_EINVAL;

    if (!rd)
        return -XEN_ESRCH;
    if (rd->evtchn)
        rc = interdomain_open(caller, rd, &a->bind_interdomain);
    domain_put(rd);
    return rc;
}

static int op_bind_virq(struct domain *caller, union op_arg *a)
{
    struct evtchn_domain *t = table_lock(caller);
    int port = evtchn_virq_check(t, a->bind_virq.virq, a->bind_virq.vcpu);

    if (!port)
        port = evtchn_reserve(t);
    if (port > 0) {
        uint64_t flags = irq_save();

        evtchn_open_virq(t, (uint32_t)port, a->bind_virq.virq, a->bind_virq.vcpu);
        irq_restore(flags);
        a->bind_virq.port = (uint32_t)port;
    }
    table_unlock(caller);
    return MIN(port, 0);
}

static int op_bind_ipi(struct domain *caller, union op_arg *a)
{
    struct evtchn_domain *t = table_lock(caller);
    int port = evtchn_has_vcpu(t, a->bind_ipi.vcpu) ? evtchn_reserve(t) : -XEN_ENOENT;

    if (port > 0) {
        uint64_t flags = irq_save();

        evtchn_open_ipi(t, (uint32_t)port, a->bind_ipi.vcpu);
        irq_restore(flags);
        a->bind_ipi.port = (uint32_t)port;
    }
    table_unlock(caller);
    return MIN(port, 0);
}

static int port_close(struct domain *d, uint32_t port, struct evtchn_closed *was)
{
    uint64_t flags = irq_save();
    int rc = evtchn_close(d->evtchn, port, was);

    irq_restore(flags);
    return rc;
}

/* The table is locked.  The port is open first: an interrupt may come before pirq_bind() returns. */
static int pirq_open(struct domain *d, uint32_t port, const struct evtchn_bind_pirq *b)
{
    uint64_t flags = irq_save();
    struct evtchn_closed was;
    int rc;

    evtchn_open_pirq(d->evtchn, port, b->pirq);
    irq_restore(flags);
    rc = pirq_bind(d, b->pirq, b->flags & BIND_PIRQ__WILL_SHARE);
    if (rc)
        (void)port_close(d, port, &was);
    return rc;
}

static int op_bind_pirq(struct domain *caller, union op_arg *a)
{
    struct evtchn_domain *t = table_lock(caller);
    int rc = a->bind_pirq.pirq < pirq_count(caller) ? evtchn_pirq_check(t, a->bind_pirq.pirq) : -XEN_EINVAL;

    if (!rc)
        rc = evtchn_reserve(t);
    if (rc > 0) {
        a->bind_pirq.port = (uint32_t)rc;
        rc = pirq_open(caller, a->bind_pirq.port, &a->bind_pirq);
    }
    table_unlock(caller);
    return rc;
}

static int op_close(struct domain *caller, union op_arg *a)
{
    struct evtchn_closed was = { 0 };
    int rc;

    table_lock(caller);
    rc = port_close(caller, a->close.port, &was);
    pirq_leave(caller, &was);
    table_unlock(caller);
    return rc;
}

static int op_send(struct domain *caller, union op_arg *a)
{
    return event_send(caller, a->send.port);
}

static int op_status(struct domain *caller, union op_arg *a)
{
    int rc;
    struct domain *d = domain_target(a->status.dom, &rc);
    uint64_t flags;

    if (!d)
        return rc;
    flags = irq_save();
    rc = evtchn_status(d->evtchn, a->status.port, &a->status);
    irq_restore(flags);
    domain_put(d);
    return rc;
}

static int op_bind_vcpu(struct domain *caller, union op_arg *a)
{
    uint64_t flags = irq_save();
    int rc = evtchn_bind_vcpu(caller->evtchn, a->bind_vcpu.port, a->bind_vcpu.vcpu);
    struct evtchn_status s;

    /* A device's interrupt follows, as a hint, to where that vCPU runs. */
    if (!rc && !evtchn_status(caller->evtchn, a->bind_vcpu.port, &s) && s.status == EVTCHNSTAT_pirq)
        pirq_move(caller, s.u.pirq, READ_ONCE(domain_vcpu(caller, a->bind_vcpu.vcpu)->cpu));
    irq_restore(flags);
    return rc;
}

static int op_unmask(struct domain *caller, union op_arg *a)
{
    struct evtchn_hit hit = { 0 };
    uint64_t flags = irq_save();
    int rc = evtchn_unmask(caller->evtchn, a->unmask.port, &hit);

    hit_act(&hit, flags);
    return rc;
}

static int op_reset(struct domain *caller, union op_arg *a)
{
    int rc;
    struct domain *d = domain_target(a->reset.dom, &rc);

    if (!d)
        return rc;
    rc = event_domain_reset(d);
    domain_put(d);
    return rc;
}

/* Events that wait at `n` ports from `first` on go where the ABI in force has them.  The table is locked. */
static void ports_adopt(struct domain *d, uint32_t first, uint32_t n)
{
    struct evtchn_domain *t = d->evtchn;

    for (uint32_t port = evtchn_next(t, first); port && port - first < n; port = evtchn_next(t, port + 1)) {
        struct evtchn_hit hit = { 0 };
        uint64_t flags = irq_save();

        evtchn_adopt(t, port, &hit);
        hit_act(&hit, flags);
    }
}

/* The table is locked. */
static int control_install(struct domain *d, uint32_t vcpu, struct evtchn_fifo_control_block *cb)
{
    struct evtchn_hit hit = { 0 };
    int rc = evtchn_control_free(d->evtchn, vcpu), turned;
    uint64_t flags;

    if (rc)
        return rc;
    turned = evtchn_fifo_on(d->evtchn);
    if (turned < 0)
        return turned;
    flags = irq_save();
    evtchn_control_set(d->evtchn, vcpu, cb, &hit);
    hit_act(&hit, flags);
    if (turned)
        ports_adopt(d, 1, EVTCHN_2L_NR_CHANNELS);
    return 0;
}

static int op_init_control(struct domain *caller, union op_arg *a)
{
    struct evtchn_init_control *c = &a->init_control;
    void *page;
    int rc;

    c->link_bits = EVTCHN_FIFO_LINK_BITS;
    if (!evtchn_has_vcpu(caller->evtchn, c->vcpu))
        return -XEN_ENOENT;
    if (evtchn_control_check(c->offset))
        return -XEN_EINVAL;
    page = guest_frame_map_shared(caller, GFN(c->control_gfn));
    if (!page)
        return -XEN_EINVAL;
    table_lock(caller);
    rc = control_install(caller, c->vcpu, (void *)((char *)page + c->offset));
    table_unlock(caller);
    if (rc)
        guest_frame_unmap_shared(caller, page);
    return rc;
}

static int op_expand_array(struct domain *caller, union op_arg *a)
{
    uint32_t first;
    void *page;
    int rc;

    if (!READ_ONCE(caller->evtchn->fifo))
        return -XEN_EOPNOTSUPP;
    page = guest_frame_map_shared(caller, GFN(a->expand_array.array_gfn));
    if (!page)
        return -XEN_EINVAL;
    rc = evtchn_array_add(table_lock(caller), page, &first);
    if (!rc)
        ports_adopt(caller, first, EVTCHN_WORDS_PER_PAGE);
    table_unlock(caller);
    if (rc)
        guest_frame_unmap_shared(caller, page);
    return rc;
}

static int op_set_priority(struct domain *caller, union op_arg *a)
{
    uint64_t flags = irq_save();
    int rc = evtchn_set_priority(caller->evtchn, a->set_priority.port, a->set_priority.priority);

    irq_restore(flags);
    return rc;
}

/* --- the hypercall --------------------------------------------------------------------------------------- */

struct op {
    int (*fn)(struct domain *caller, union op_arg *a);
    uint8_t size;
    bool gives; /* the structure goes back to the guest */
};

#define OP(name, out) [EVTCHNOP_##name] = { op_##name, sizeof(struct evtchn_##name), out }

static const struct op ops[16] = {
    OP(bind_interdomain, true),
    OP(bind_virq, true),
    OP(bind_pirq, true),
    OP(close, false),
    OP(send, false),
    OP(status, true),
    OP(alloc_unbound, true),
    OP(bind_ipi, true),
    OP(bind_vcpu, false),
    OP(unmask, false),
    OP(reset, false),
    OP(init_control, true),
    OP(expand_array, false),
    OP(set_priority, false),
};

static long op_do(struct hcall *c, uint32_t cmd, uint64_t gva)
{
    const struct op *op = &ops[cmd % ARRAY_SIZE(ops)];
    union op_arg a;
    int rc;

    if (cmd >= ARRAY_SIZE(ops) || !op->fn)
        return -XEN_ENOSYS;
    if (copy_from_guest(&a, gva, op->size))
        return -XEN_EFAULT;
    rc = op->fn(current->domain, &a);
    if (rc == -XEN_EAGAIN && cmd == EVTCHNOP_reset)
        return hcall_again(c);
    if (!rc && op->gives && copy_to_guest(gva, &a, op->size))
        return -XEN_EFAULT;
    return rc;
}

long do_event_channel_op(struct hcall *c)
{
    uint32_t cmd = (uint32_t)c->arg[0];
    evtchn_port_t port;

    if (cmd != EVTCHNOP_send || word_from_guest(&port, c->arg[1]))
        return op_do(c, cmd, c->arg[1]);
    assert(irq_enabled()); /* as in any hypercall */
    irq_disable();
    return send(current->domain, port, FLAG_IF);
}

/* The command is the first word of the structure in guest memory; it knows the first ten. */
long do_event_channel_op_compat(struct hcall *c)
{
    uint32_t cmd;

    if (copy_from_guest(&cmd, c->arg[0], sizeof(cmd)))
        return -XEN_EFAULT;
    if (cmd > EVTCHNOP_unmask)
        return -XEN_ENOSYS;
    return op_do(c, cmd, c->arg[0] + offsetof(struct evtchn_op, u));
}

/* --- debug key ------------------------------------------------------------------------------------------- */

static const char *const state_names[] = {
    [EVTCHNSTAT_unbound] = "unbound, for domain:port",
    [EVTCHNSTAT_interdomain] = "interdomain, domain:port",
    [EVTCHNSTAT_pirq] = "domain:pirq",
    [EVTCHNSTAT_virq] = "domain:virq",
    [EVTCHNSTAT_ipi] = "domain:ipi",
};

static void port_dump(const struct domain *d, uint32_t port)
{
    struct evtchn_domain *t = d->evtchn;
    struct evtchn_status s = { 0 };
    uint64_t flags = irq_save();
    bool pending = evtchn_is_pending(t, port), masked = evtchn_is_masked(t, port);
    int rc = evtchn_status(t, port, &s);

    irq_restore(flags);
    if (rc || s.status == EVTCHNSTAT_closed)
        return;
    log_info("  %5u %c%c vcpu %u %s %d:%u\n", port, pending ? 'p' : '-', masked ? 'm' : '-', s.vcpu,
             state_names[s.status], s.status <= EVTCHNSTAT_interdomain ? s.u.unbound.dom : d->id,
             s.status == EVTCHNSTAT_interdomain ? s.u.interdomain.port : s.status > EVTCHNSTAT_interdomain ? s.u.virq : 0);
}

/* Takes no lock: it must work when something hangs.  Lookup is safe without (core/evtchn.c). */
void event_dump(struct domain *d)
{
    struct evtchn_domain *t = d->evtchn;

    if (!t)
        return;
    log_info("d%d: %u event channels, %s ABI, %u lingering, %u vCPUs polling\n", d->id, t->nr_open,
             READ_ONCE(t->fifo) ? "FIFO" : "2-level", t->nr_linger, event_of(d)->nr_pollers);
    for (uint32_t port = evtchn_next(t, 1); port; port = evtchn_next(t, port + 1))
        port_dump(d, port);
}
