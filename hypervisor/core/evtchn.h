/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event channels: the port table of a domain and what its ports are bound to.  <xen/event_channel.h> says
 * what guests see of it.  How an event gets into guest memory is core/evtchn_abi.c.
 *
 * The shell (kern/event.c) provides one lock for each table, "the table lock" below.  Beside it each port has a
 * word lock of its own (core/ticket.h).  Interrupt handlers send events, so whoever may hold a port lock has
 * interrupts off: that is the shell's to do.  Functions say what they need:
 *   [table]  the table lock is held
 *   [quiet]  interrupts are off on this CPU
 * Order: table lock, then port locks (two: by ascending address), then one queue lock.
 *
 * Invariants (check/evtchn_audit.h checks them on a table that rests):
 *   E1  a port's bit in `used` is set exactly if it is bound, lingers (see E8) or is port 0; a bucket's bit in
 *       `full` exactly if all of the bucket's ports are used.
 *   E2  p->peer is set exactly if p's state is interdomain, and then p->peer->peer == p and each one's aux is the
 *       other's number.  Both change only under both port locks.
 *   E3  virq[n] of a table (global) or of a vCPU names a port exactly if that port is bound to VIRQ n (and, per vCPU,
 *       notifies that vCPU).
 *   E4  pirq n names a port exactly if that port is bound to pirq n.
 *   E5  a bound port notifies a vCPU number below nr_vcpus (vCPU 0 also before it exists).
 *   E6  an event is set pending only under the lock of a bound port.  So once every port of a table has been closed
 *       nobody is writing to its guest's memory.
 *   E7  a queue's tail is 0 or a port whose last queue this is and which has an event word.
 *   E8  a FIFO port closed while its event word is still linked in a queue lingers: it is not given out again until
 *       the guest has consumed it.  Lingering ports form a list through aux; their state is closed.
 *   E9  a saved event (EVTCHN_SAVED) exists only at a bound port of a FIFO table that has no word yet.
 *
 * Sending takes one port lock, the receiver's.  The sender's own port is only read: its peer pointer is one word, and
 * the receiver's port, once locked, says whether it still is the peer (E2).  The peer's memory may go only when every
 * CPU has had interrupts on since the peer's table was emptied: evtchn_domain_fini()'s caller sees to that.
 */
#pragma once

#include "core/nospec.h"
#include "core/ticket.h"
#include "core/types.h"
#include <xen/event_channel.h>

struct domain;
struct vcpu;
struct evtchn_domain;

#define EVTCHN_MAX_PORTS       ((uint32_t)EVTCHN_FIFO_NR_CHANNELS)
#define EVTCHN_MAX_PIRQS       32768u
#define EVTCHN_BUCKET_PORTS    128u  /* a page of struct evtchn */
#define EVTCHN_GROUP_BUCKETS   32u
#define EVTCHN_GROUP_PORTS     (EVTCHN_BUCKET_PORTS * EVTCHN_GROUP_BUCKETS)
#define EVTCHN_NR_GROUPS       (EVTCHN_MAX_PORTS / EVTCHN_GROUP_PORTS)
#define EVTCHN_NR_BUCKETS      (EVTCHN_MAX_PORTS / EVTCHN_BUCKET_PORTS)
#define EVTCHN_PIRQ_CHUNK      1024u /* a page of port numbers */
#define EVTCHN_WORDS_PER_PAGE  ((uint32_t)(PAGE_SIZE / sizeof(event_word_t)))
#define EVTCHN_FIFO_PAGES      (EVTCHN_MAX_PORTS / EVTCHN_WORDS_PER_PAGE)

/* One end of a channel. */
struct evtchn {
    struct ticket lock;
    uint32_t aux;                /* by state: remote domain, remote port, pirq, virq [lock; lingering: table] */
    struct evtchn *peer;         /* [lock of both; read anywhere] */
    struct evtchn_domain *table; /* [const] */
    uint8_t state;               /* EVTCHNSTAT_* [lock] */
    uint8_t flags;               /* EVTCHN_* below [lock] */
    uint8_t priority;            /* [lock] */
    uint8_t last_priority;       /* with last_vcpu: the queue that it was last put in [lock] */
    uint16_t vcpu;               /* to notify [lock] */
    uint16_t last_vcpu;
};

#define EVTCHN_SAVED   1 /* pending, but there is no event word yet to say so */
#define EVTCHN_CLOSING 2 /* takes no new peer */

struct evtchn_group {
    struct evtchn *bucket[EVTCHN_GROUP_BUCKETS];                     /* set once [table; read anywhere] */
    uint64_t used[EVTCHN_GROUP_BUCKETS][EVTCHN_BUCKET_PORTS / 64];   /* [table] */
};

/* A FIFO of one vCPU and priority; its head is the guest's. */
struct evtchn_queue {
    struct ticket lock;
    uint32_t tail; /* 0: none [lock] */
};

struct evtchn_vcpu {
    struct vcpu *vcpu;                          /* the shell's; not looked at here [const] */
    struct vcpu_info *info;                     /* [atomic] */
    uint32_t virq[NR_VIRQS];                    /* per-vCPU VIRQs: port or 0 [table; read anywhere] */
    struct evtchn_fifo_control_block *control;  /* the guest's, or &early [any one queue's lock; all to change] */
    struct evtchn_fifo_control_block early;     /* stands in until the guest has given one */
    struct evtchn_queue queue[EVTCHN_FIFO_MAX_QUEUES];
};

struct evtchn_fifo {
    event_word_t *page[EVTCHN_FIFO_PAGES]; /* set once [table; read anywhere] */
    uint32_t nr_pages;                     /* [table] */
};

struct evtchn_domain {
    domid_t id;                          /* [const] */
    bool closed;                         /* no more ports are opened [table] */
    struct domain *domain;               /* the shell's; not looked at here [const] */
    struct shared_info *shared;          /* [const] */
    unsigned nr_vcpus;                   /* [const] */
    struct evtchn_vcpu **vcpu;           /* [nr_vcpus] [table; read anywhere] */
    uint32_t limit;                      /* port numbers are below it, whatever the ABI allows [table] */
    uint32_t nr_open;                    /* bound ports [table] */
    uint32_t lowest;                     /* no port below it is bound [table] */
    uint32_t linger_head, linger_tail, nr_linger; /* E8 [table] */
    struct evtchn_fifo *fifo;            /* NULL: 2-level ABI [table; read anywhere] */
    struct evtchn_group *group[EVTCHN_NR_GROUPS];            /* set once [table; read anywhere] */
    uint64_t full[EVTCHN_NR_BUCKETS / 64];                   /* [table] */
    uint32_t virq[NR_VIRQS];             /* global VIRQs: port or 0 [table; read anywhere] */
    uint32_t *pirq[EVTCHN_MAX_PIRQS / EVTCHN_PIRQ_CHUNK];    /* port or 0 [table; read anywhere] */
};

/* NULL: there is none of that number, which a guest gave. */
static inline struct evtchn_vcpu *evtchn_vcpu_at(const struct evtchn_domain *t, uint32_t vcpu)
{
    return vcpu < t->nr_vcpus ? __atomic_load_n(&t->vcpu[index_clamp(vcpu, t->nr_vcpus)], __ATOMIC_ACQUIRE) : NULL;
}

/* What sending an event asks the caller to do.  Starts as zeroes. */
struct evtchn_hit {
    struct evtchn_vcpu *kick;     /* this vCPU has a new upcall to take, or NULL */
    bool fresh;                   /* an event that wasn't pending before: who polls the port wants to know */
    uint32_t port;                /* where it went, if it is fresh */
    struct evtchn_domain *table;
};

/* --- life ---------------------------------------------------------------------------------------------- */

/* t is zeroed memory.  -XEN_ENOMEM. */
int evtchn_domain_init(struct evtchn_domain *t, domid_t id, struct shared_info *shared, unsigned nr_vcpus);
/* Free all memory behind an empty table (evtchn_wipe_step() gave 0, evtchn_fifo_off() done). */
void evtchn_domain_fini(struct evtchn_domain *t);
/* vc is zeroed memory; id < nr_vcpus.  [table] */
void evtchn_vcpu_init(struct evtchn_domain *t, unsigned id, struct evtchn_vcpu *vc, struct vcpu_info *info);
/* The vCPU's info is elsewhere from now on.  All is marked pending there: what was sent to the old place is not lost. */
void evtchn_info_move(struct evtchn_vcpu *vc, struct vcpu_info *info);

/* --- opening ports ------------------------------------------------------------------------------------- */

/* The lowest free port, with memory behind it; it stays free until it is opened under the same hold of the lock.
 * -XEN_ENOSPC, -XEN_ENOMEM, -XEN_EINVAL (table is closed).  Allocates.  [table] */
int evtchn_reserve(struct evtchn_domain *t);
/* The next bound port from `from` on, or 0.  [table] */
uint32_t evtchn_next(const struct evtchn_domain *t, uint32_t from);

/* Check before, and make room for, evtchn_open_virq(): 0, -XEN_EINVAL, -XEN_ENOENT (vCPU), -XEN_EEXIST.  [table] */
int evtchn_virq_check(const struct evtchn_domain *t, uint32_t virq, uint32_t vcpu);
/* Likewise: 0, -XEN_EINVAL, -XEN_EEXIST, -XEN_ENOMEM.  [table] */
int evtchn_pirq_check(struct evtchn_domain *t, uint32_t pirq);
bool evtchn_virq_is_global(uint32_t virq);
bool evtchn_has_vcpu(const struct evtchn_domain *t, uint32_t vcpu);

/* Open a reserved port.  All: [table] [quiet]; only interdomain can fail. */
void evtchn_open_unbound(struct evtchn_domain *t, uint32_t port, domid_t remote);
void evtchn_open_ipi(struct evtchn_domain *t, uint32_t port, uint32_t vcpu);
void evtchn_open_virq(struct evtchn_domain *t, uint32_t port, uint32_t virq, uint32_t vcpu);
void evtchn_open_pirq(struct evtchn_domain *t, uint32_t port, uint32_t pirq);
/* With rt's port `rport`, which must be unbound and waiting for t's domain: else -XEN_EINVAL.  The new port becomes
 * pending.  Only t's table lock is needed; rt (which may be t) is held by a reference. */
int evtchn_open_interdomain(struct evtchn_domain *t, uint32_t port, struct evtchn_domain *rt, uint32_t rport,
                            struct evtchn_hit *hit);

/* --- closing ------------------------------------------------------------------------------------------- */

/* What a closed port was: a pirq is the caller's to release. */
struct evtchn_closed {
    uint32_t port, state, aux;
};

/* 0 or -XEN_EINVAL: not open.  [table] [quiet] */
int evtchn_close(struct evtchn_domain *t, uint32_t port, struct evtchn_closed *was);
/* One short step towards an empty table; 0: it is empty.  *was is as by evtchn_close(), port 0 if no port was closed.
 * [table] [quiet] */
int evtchn_wipe_step(struct evtchn_domain *t, struct evtchn_closed *was);

/* --- use ----------------------------------------------------------------------------------------------- */

/* EVTCHNOP_send is in core/evtchn_abi.h. */
/* Raise a VIRQ, a pirq: false if no port is bound to it.  [quiet] */
bool evtchn_raise_virq(struct evtchn_domain *t, struct evtchn_vcpu *vc, uint32_t virq, struct evtchn_hit *hit);
bool evtchn_raise_global(struct evtchn_domain *t, uint32_t virq, struct evtchn_hit *hit);
bool evtchn_raise_pirq(struct evtchn_domain *t, uint32_t pirq, struct evtchn_hit *hit);
/* EVTCHNOP_unmask: 0 or -XEN_EINVAL.  [quiet] */
int evtchn_unmask(struct evtchn_domain *t, uint32_t port, struct evtchn_hit *hit);
/* The same for the port that is bound to a pirq, if there is one.  [quiet] */
void evtchn_unmask_pirq(struct evtchn_domain *t, uint32_t pirq, struct evtchn_hit *hit);
/* EVTCHNOP_bind_vcpu: 0, -XEN_ENOENT (no such vCPU), -XEN_EINVAL.  [quiet] */
int evtchn_bind_vcpu(struct evtchn_domain *t, uint32_t port, uint32_t vcpu);
/* EVTCHNOP_set_priority: 0, -XEN_EINVAL, -XEN_ENOSYS (2-level ABI).  [quiet] */
int evtchn_set_priority(struct evtchn_domain *t, uint32_t port, uint32_t priority);
/* EVTCHNOP_status: fills all but dom and port.  0 or -XEN_EINVAL.  [quiet] */
int evtchn_status(struct evtchn_domain *t, uint32_t port, struct evtchn_status *out);

/* Ports are below this now, by ABI and limit. */
uint32_t evtchn_max_ports(const struct evtchn_domain *t);
/* The guest's own view of the port; false if it has none.  [quiet] */
bool evtchn_is_pending(const struct evtchn_domain *t, uint32_t port);
bool evtchn_is_masked(const struct evtchn_domain *t, uint32_t port);

/* --- the FIFO ABI: see core/evtchn_abi.c ------------------------------------------------------------------ */

/* Where a vCPU's control block may lie in its page: 0 or -XEN_EINVAL. */
int evtchn_control_check(uint32_t offset);
/* May vCPU get a control block (has none of its own)?  0, -XEN_ENOENT, -XEN_EINVAL.  [table] */
int evtchn_control_free(const struct evtchn_domain *t, uint32_t vcpu);
/* It is this one from now on (guest memory that stays mapped).  [table] [quiet] */
void evtchn_control_set(struct evtchn_domain *t, uint32_t vcpu, struct evtchn_fifo_control_block *cb,
                        struct evtchn_hit *hit);
/* Take vCPU's control block away: the pointer given before, or NULL.  After evtchn_fifo_off().  [table] */
struct evtchn_fifo_control_block *evtchn_control_take(struct evtchn_domain *t, uint32_t vcpu);
/* FIFO ABI from now on: 1 if it wasn't before, 0 if it was, -XEN_ENOMEM.  Then evtchn_adopt() each bound port. [table] */
int evtchn_fifo_on(struct evtchn_domain *t);
/* An event that waits in the former ABI's bit or in EVTCHN_SAVED goes where it belongs now.  [table] [quiet] */
void evtchn_adopt(struct evtchn_domain *t, uint32_t port, struct evtchn_hit *hit);
/* One more page of event words (mapped guest memory): 0, -XEN_EOPNOTSUPP (2-level), -XEN_ENOSPC.
 * Then evtchn_adopt() the bound ports from *first on, EVTCHN_WORDS_PER_PAGE of them.  [table] */
int evtchn_array_add(struct evtchn_domain *t, event_word_t *page, uint32_t *first);
/* Back to the 2-level ABI, on an empty table.  Gives what was, or NULL: when all CPUs have had interrupts on since, the
 * caller unmaps its pages and frees it with mem_free().  [table] */
struct evtchn_fifo *evtchn_fifo_off(struct evtchn_domain *t);
