/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler's shell: gives core/sched.c its locks, its clock and its CPUs.
 *
 * A vCPU is runnable if it is up, not blocked, and neither it nor its domain is paused.  Whoever changes one of
 * these flags then calls sched_reconsider(), which brings the queues in line with the flags as they are under
 * the queue's lock; so flags need no lock of their own, and it doesn't matter who comes last.
 *
 * A vCPU's registers are in one CPU at most: while `loaded` is set (from being chosen until vcpu_switch() has
 * left it) the policy does not let it change its home, so nobody else can choose it.  Nobody ever waits for a
 * vCPU to be unloaded, except vcpu_pause().
 *
 * Locks: one RANK_SCHED lock a queue (irq); two by lock_pair().  Slice timers are set under it (RANK_TIMER).
 * Read next: core/sched.h; pv/switch.c for the switch itself.
 */
#include "kern/sched.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/sched_state.h"
#include "kern/schedpool.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/smp.h"
#include "x86/softirq.h"
#include "x86/numa.h"
#include "x86/time.h"
#include "x86/topology.h"
#include "x86/trace.h"
#include <xen/sched.h>
#include <xen/vcpu.h>

struct cpu_sched {
    struct sched_rq rq;   /* [lock] */
    spinlock_t lock;      /* RANK_SCHED */
    struct timer slice;
    uint64_t until;       /* what slice is set for; SCHED_NEVER: not [lock] */
    struct vcpu *idle;    /* [const] */
    uint64_t nr_picks, nr_switches, nr_steals; /* [by its own CPU] */
};

static DEFINE_PERCPU(struct cpu_sched, cpu_sched);
struct sched_sys sched_sys;

static struct cpu_sched *cpu_of(struct sched_rq *rq)
{
    return container_of(rq, struct cpu_sched, rq);
}

static struct vcpu *vcpu_of(struct sched_ent *e)
{
    return container_of(e, struct sched_vcpu, ent)->v;
}

struct sched_rq *sched_lock(struct sched_vcpu *sv, uint64_t *flags)
{
    for (;;) {
        struct sched_rq *rq = READ_ONCE(sv->ent.rq);

        *flags = lock_irqsave(&cpu_of(rq)->lock);
        if (rq == __atomic_load_n(&sv->ent.rq, __ATOMIC_ACQUIRE)) /* sched_rehome() did not have this lock */
            return rq;
        unlock_irqrestore(&cpu_of(rq)->lock, *flags);
    }
}

void sched_unlock(struct sched_rq *rq, uint64_t flags)
{
    unlock_irqrestore(&cpu_of(rq)->lock, flags);
}

static bool runnable(const struct sched_vcpu *sv)
{
    return __atomic_load_n(&sv->up, __ATOMIC_SEQ_CST) && !__atomic_load_n(&sv->blocked, __ATOMIC_SEQ_CST) &&
           !__atomic_load_n(&sv->pause_count, __ATOMIC_SEQ_CST) &&
           !__atomic_load_n(&sv->v->domain->is_shut_down, __ATOMIC_SEQ_CST) &&
           !__atomic_load_n(&sv->v->domain->pause_count, __ATOMIC_SEQ_CST);
}

/* The runstate of a vCPU that is not on a CPU. */
static int waiting_state(const struct sched_vcpu *sv)
{
    if (sv->ent.state == SCHED_QUEUED || sv->ent.state == SCHED_PARKED)
        return RUNSTATE_runnable;
    if (READ_ONCE(sv->blocked))
        return RUNSTATE_blocked;
    return runnable(sv) ? RUNSTATE_runnable : RUNSTATE_offline;
}

/* ---- What the trace buffer hears (x86/trace.h) ---- */

static void __attribute__((cold)) trace_sleep_or_wake(const struct sched_vcpu *sv, bool wakes)
{
    const uint32_t word[] = { sv->v->domain->id, sv->v->id };

    trace_put(wakes ? TRC_SCHED_WAKE : READ_ONCE(sv->blocked) ? TRC_SCHED_BLOCK : TRC_SCHED_SLEEP, 2, word);
}

/* A decision for `next`, until then at most.  Before the runstates change. */
static void __attribute__((cold)) trace_choice(const struct vcpu *prev, const struct vcpu *next, uint64_t now, uint64_t until)
{
    const struct vcpu_runstate_info *p = &prev->sched->runstate, *n = &next->sched->runstate;
    uint32_t from = prev->domain->id, to = next->domain->id, slice = until == SCHED_NEVER ? ~0u : (uint32_t)(until - now);
    uint32_t ran = (uint32_t)(now - p->state_entry_time);
    uint32_t waited = n->state == RUNSTATE_runnable ? (uint32_t)(now - n->state_entry_time) : 0;

    if (prev == next) {
        TRACE(TRC_SCHED_SWITCH_INFCONT, to, next->id, ran, slice);
        TRACE(TRC_SCHED_CONTINUE_RUNNING, next->id | to << 16);
    } else {
        TRACE(TRC_SCHED_SWITCH_INFPREV, from, prev->id, ran);
        TRACE(TRC_SCHED_SWITCH_INFNEXT, to, next->id, waited, slice);
        TRACE(TRC_SCHED_SWITCH, from, prev->id, to, next->id);
    }
}

/* ---- */

/* Bring sv's place in line with its flags.  False: it has just been given another home, do it again there. */
static bool reconsider_at(struct sched_rq *rq, struct sched_vcpu *sv, bool may_move, bool *resched)
{
    struct sched_ent *e = &sv->ent;
    uint64_t now = time_now();

    bool run = runnable(sv);

    if (TRACE_WANTED(TRC_SCHED) && !run && e->state != SCHED_ASLEEP)
        trace_sleep_or_wake(sv, false);
    if (!run)
        *resched |= sched_sleep(e, now);
    else if (e->state == SCHED_ASLEEP) {
        struct sched_rq *to = may_move ? sched_place(e) : rq;

        if (to != rq) {
            sched_rehome(e, to, now);
            return false;
        }
        if (TRACE_WANTED(TRC_SCHED))
            trace_sleep_or_wake(sv, true);
        *resched |= sched_wake(e, now);
    }
    if (rq->curr != e)
        runstate_enter(sv, waiting_state(sv), now);
    else if (!sched_allowed(e, rq))
        *resched = true;
    return true;
}

void sched_reconsider(struct sched_vcpu *sv)
{
    bool resched = false, done = false;
    struct sched_rq *rq = NULL;

    for (unsigned i = 0; !done; i++) {
        uint64_t flags;

        rq = sched_lock(sv, &flags);
        done = reconsider_at(rq, sv, i == 0, &resched);
        sched_unlock(rq, flags);
    }
    if (resched)
        softirq_raise_cpu(rq->cpu, SOFTIRQ_SCHEDULE);
}

void vcpu_wake(struct vcpu *v)
{
    if (__atomic_exchange_n(&v->sched->blocked, false, __ATOMIC_SEQ_CST))
        sched_reconsider(v->sched);
}

void vcpu_block(struct vcpu *v)
{
    __atomic_store_n(&v->sched->blocked, true, __ATOMIC_SEQ_CST);
    mb();
    if (event_pending(v) || v->nmi_pending || v->mce_pending)
        __atomic_store_n(&v->sched->blocked, false, __ATOMIC_SEQ_CST);
    sched_reconsider(v->sched);
}

void vcpu_yield(void)
{
    uint64_t flags;
    struct sched_rq *rq = sched_lock(current->sched, &flags);

    sched_yield_curr(rq);
    sched_unlock(rq, flags);
    TRACE(TRC_SCHED_YIELD, current->domain->id, current->id);
    softirq_raise(SOFTIRQ_SCHEDULE);
}

static bool vcpu_loaded(const struct vcpu *v)
{
    return __atomic_load_n(&v->sched->ent.loaded, __ATOMIC_ACQUIRE);
}

void vcpu_kick(struct vcpu *v)
{
    unsigned cpu;

    vcpu_wake(v);
    mb();
    cpu = READ_ONCE(v->cpu);
    if (vcpu_loaded(v) && cpu != cpu_id())
        smp_send_ipi(cpu, VECTOR_KICK);
}

static void vcpu_pause_nosync(struct vcpu *v)
{
    __atomic_add_fetch(&v->sched->pause_count, 1, __ATOMIC_SEQ_CST);
    sched_reconsider(v->sched);
}

void vcpu_unpause(struct vcpu *v)
{
    __atomic_sub_fetch(&v->sched->pause_count, 1, __ATOMIC_SEQ_CST);
    sched_reconsider(v->sched);
}

/*
 * Wait until v is in no CPU.  Two CPUs may each wait for the other's vCPU, and neither gets to its exit path:
 * then the one with the lower number gives way.  In any ring of waiting CPUs there is one whose number is below
 * that of the CPU it waits for, and its own vCPU is wanted by another in the ring.
 */
static bool wait_unloaded(struct vcpu *v)
{
    while (vcpu_loaded(v) && v != current) {
        if (!current->is_idle && !runnable(current->sched) && cpu_id() < READ_ONCE(v->cpu))
            return false;
        cpu_relax();
    }
    return true;
}

int vcpu_pause(struct vcpu *v)
{
    vcpu_pause_nosync(v);
    if (wait_unloaded(v))
        return 0;
    vcpu_unpause(v);
    return -XEN_EAGAIN;
}

void domain_reconsider(struct domain *d)
{
    domain_each_vcpu(d, v)
        if (v->sched)
            sched_reconsider(v->sched);
}

void domain_pause_nosync(struct domain *d)
{
    __atomic_add_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    domain_reconsider(d);
}

void domain_unpause(struct domain *d)
{
    __atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    domain_reconsider(d);
}

int domain_pause(struct domain *d)
{
    bool ok = true;

    domain_pause_nosync(d);
    domain_each_vcpu(d, v)
        ok = ok && (!v->sched || wait_unloaded(v));
    if (ok)
        return 0;
    domain_unpause(d);
    return -XEN_EAGAIN;
}

void vcpu_set_up(struct vcpu *v, bool up)
{
    __atomic_store_n(&v->sched->up, up, __ATOMIC_SEQ_CST);
    sched_reconsider(v->sched);
}

void vcpu_down(struct vcpu *v)
{
    bool others = false;

    vcpu_set_up(v, false);
    domain_each_vcpu(v->domain, o)
        others |= vcpu_is_up(o);
    if (!others)
        domain_shutdown(v->domain, SHUTDOWN_poweroff);
}

bool vcpu_is_blocked(const struct vcpu *v)
{
    return __atomic_load_n(&v->sched->blocked, __ATOMIC_SEQ_CST);
}

bool vcpu_is_up(const struct vcpu *v)
{
    return v->sched && __atomic_load_n(&v->sched->up, __ATOMIC_SEQ_CST);
}

/* Take work from other CPUs if we have none, or from the one that asked for help. */
static void pull_work(struct cpu_sched *q, uint64_t now)
{
    unsigned helps = __atomic_exchange_n(&q->rq.helps, 0, __ATOMIC_ACQUIRE);
    bool idle = sched_rq_empty(&q->rq); /* a hint: without the lock */
    unsigned cursor = 0, cpu;
    struct sched_ent *got = NULL;

    if (!helps && !idle)
        return;
    cpu = helps ? helps - 1 : sched_victim(&q->rq, &cursor);
    for (unsigned i = 0; cpu < SCHED_CPUS && !got && i <= sched_sys.nr_cpus + 1; i++) {
        struct cpu_sched *from = &per_cpu(cpu_sched, cpu);
        uint64_t flags = irq_save();

        lock_pair(&q->lock, &from->lock);
        got = sched_steal(&q->rq, &from->rq, now);
        unlock_pair(&q->lock, &from->lock);
        irq_restore(flags);
        cpu = idle ? sched_victim(&q->rq, &cursor) : SCHED_CPUS;
    }
    q->nr_steals += got != NULL;
}

static void slice_program(struct cpu_sched *q, uint64_t until)
{
    if (q->until == until)
        return;
    q->until = until;
    if (until == SCHED_NEVER)
        timer_stop(&q->slice);
    else
        timer_set(&q->slice, until);
}

/* Choose who runs here, account it, set the slice's timer.  *helper: a CPU to be asked to take work. */
static struct vcpu *choose(struct cpu_sched *q, struct vcpu *prev, uint64_t now, unsigned *helper)
{
    bool had_work = !sched_rq_empty(&q->rq);
    uint64_t flags = lock_irqsave(&q->lock);
    struct sched_choice c = sched_pick(&q->rq, now);
    struct vcpu *next;

    if (!c.ent && had_work) { /* it is parked, all of it: others' work is welcome now */
        unlock_irqrestore(&q->lock, flags);
        pull_work(q, now);
        flags = lock_irqsave(&q->lock);
        c = sched_pick(&q->rq, now);
    }
    next = c.ent ? vcpu_of(c.ent) : q->idle;
    if (TRACE_WANTED(TRC_SCHED))
        trace_choice(prev, next, now, c.until);
    if (next != prev)
        runstate_enter(prev->sched, prev->is_idle ? RUNSTATE_runnable : waiting_state(prev->sched), now);
    runstate_enter(next->sched, RUNSTATE_running, now);
    slice_program(q, c.until);
    *helper = sched_helper(&q->rq, now);
    unlock_irqrestore(&q->lock, flags);
    return next;
}

/* prev's registers have been left.  It may have been refused a place while they had not: look again.  (Whoever changes
 * its flags sees it unloaded, or we see the flags.)  sched_vcpu_destroy() waits for `leaving`. */
static void leave(struct sched_vcpu *sv)
{
    __atomic_store_n(&sv->leaving, true, __ATOMIC_RELAXED);
    sched_unloaded(&sv->ent);
    mb();
    if (READ_ONCE(sv->ent.state) == SCHED_ASLEEP && runnable(sv))
        sched_reconsider(sv);
    __atomic_store_n(&sv->leaving, false, __ATOMIC_RELEASE);
}

static void switch_to(struct vcpu *prev, struct vcpu *next)
{
    struct sched_vcpu *sv = prev->sched;

    if (next->cpu != cpu_id())
        WRITE_ONCE(next->cpu, cpu_id());
    irq_disable();
    vcpu_switch(prev, next);
    irq_enable();
    if (!prev->is_idle)
        leave(sv);
}

static void schedule(void)
{
    struct cpu_sched *q = &this_cpu(cpu_sched);
    struct vcpu *prev = current, *next;
    uint64_t now = time_now();
    unsigned helper;

    pull_work(q, now);
    next = choose(q, prev, now, &helper);
    q->nr_picks++;
    if (next != prev) {
        q->nr_switches++;
        switch_to(prev, next);
        runstate_publish(next);
    }
    if (helper < SCHED_CPUS) /* now that prev is unloaded and may be taken */
        softirq_raise_cpu(helper, SOFTIRQ_SCHEDULE);
    if (next->sched->polling)
        sched_poll_finish(next->sched);
}

static void slice_over(void *data)
{
    struct cpu_sched *q = data;

    WRITE_ONCE(q->until, SCHED_NEVER);
    softirq_raise(SOFTIRQ_SCHEDULE);
}

void sched_init(void)
{
    softirq_register(SOFTIRQ_SCHEDULE, schedule);
}

void sched_init_cpu(void)
{
    struct cpu_sched *q = &this_cpu(cpu_sched);

    softirq_init_cpu();
    lock_init(&q->lock, RANK_SCHED);
    q->idle = current;
    q->until = SCHED_NEVER;
    timer_init(&q->slice, slice_over, q, cpu_id());
    sched_rq_init(&sched_sys, &q->rq, cpu_id());
    sched_topology(&q->rq, topology_core(smp_apic_id(cpu_id())), numa_node_of_cpu(cpu_id()));
    pool_cpu_init(&q->rq);
    current->sched->ent.rq = &q->rq;
    runstate_enter(current->sched, RUNSTATE_running, time_now());
}

void sched_return_cpu(unsigned cpu)
{
    struct cpu_sched *q = &per_cpu(cpu_sched, cpu);
    uint64_t flags = lock_irqsave(&q->lock);

    timer_stop(&q->slice);
    q->until = SCHED_NEVER;
    unlock_irqrestore(&q->lock, flags);
    timer_migrate(&q->slice, cpu);
}

static void poll_timeout(void *data)
{
    vcpu_wake(data);
}

struct sched_rq *sched_home(const struct sched_pool *pool, unsigned n)
{
    unsigned cpu = sched_mask_next(&pool->cpus, &pool->cpus, n % MAX(sched_sys.nr_cpus, 1u));

    if (cpu == SCHED_CPUS)
        cpu = sched_mask_next(&pool->cpus, &pool->cpus, 0);
    return &per_cpu(cpu_sched, cpu).rq;
}

static void idle_create(struct sched_vcpu *sv)
{
    sched_ent_init(&sv->ent, NULL, NULL, &per_cpu(cpu_sched, sv->v->cpu).rq, SCHED_WEIGHT_DEFAULT);
    sv->runstate.state = RUNSTATE_running;
}

/* At home on one of its domain's CPUs, so that the vCPUs start spread. */
static void member_create(struct sched_vcpu *sv, struct sched_domain *sd)
{
    struct vcpu *v = sv->v;
    struct sched_rq *home;

    lock(&sched_config);
    home = sched_home(sd->pool, v->id);
    sched_ent_init(&sv->ent, sd->pool, &sd->group, home, sd->weight);
    sv->runstate.state = RUNSTATE_offline;
    v->cpu = home->cpu;
    timer_init(&sv->poll_timer, poll_timeout, v, home->cpu);
    sv->next = sd->vcpus;
    sd->vcpus = sv;
    WRITE_ONCE(sd->nodes, 0);
    unlock(&sched_config);
}

int sched_vcpu_create(struct vcpu *v)
{
    struct sched_vcpu *sv = mem_alloc(sizeof(*sv));

    if (!sv)
        return -XEN_ENOMEM;
    sv->v = v;
    sv->runstate.state_entry_time = time_now();
    if (v->is_idle)
        idle_create(sv);
    else
        member_create(sv, v->domain->sched);
    v->sched = sv;
    return 0;
}

static void member_forget(struct sched_vcpu *sv, struct sched_domain *sd)
{
    struct sched_vcpu **at = &sd->vcpus;

    lock(&sched_config);
    sched_unreserve(sv);
    while (*at != sv)
        at = &(*at)->next;
    *at = sv->next;
    unlock(&sched_config);
}

void sched_vcpu_destroy(struct vcpu *v)
{
    struct sched_vcpu *sv = v->sched;

    if (!sv)
        return;
    __atomic_store_n(&sv->up, false, __ATOMIC_SEQ_CST);
    sched_reconsider(sv);
    while (vcpu_loaded(v) || __atomic_load_n(&sv->leaving, __ATOMIC_ACQUIRE))
        cpu_relax();
    if (!v->is_idle) {
        member_forget(sv, v->domain->sched);
        timer_kill(&sv->poll_timer);
    }
    v->sched = NULL;
    mem_free(sv);
}

static void dump_vcpu(struct sched_ent *e, const char *how)
{
    const struct vcpu *v = vcpu_of(e);

    log_info("    d%dv%u %s%s weight %u vtime %lu\n", v->domain->id, v->id, how, e->rt ? " reserved" : "", e->weight,
             e->vtime);
}

static void dump_queue(struct cpu_sched *q)
{
    uint64_t flags = lock_irqsave(&q->lock);
    unsigned shown = 0;

    log_info("  CPU %u (core %u): %u+%u waiting, vtime %lu, picks %lu, switches %lu, steals %lu\n", q->rq.cpu, q->rq.core,
             q->rq.rt.count, q->rq.fair.count, q->rq.vtime, q->nr_picks, q->nr_switches, q->nr_steals);
    if (q->rq.curr)
        dump_vcpu(q->rq.curr, "runs");
    for (struct lheap_node *n = q->rq.fair.top; n && shown < 16; n = lheap_walk(n, false), shown++)
        dump_vcpu(container_of(n, struct sched_ent, run), "waits");
    unlock_irqrestore(&q->lock, flags);
}

void sched_dump(void)
{
    log_info("Run queues at %lu ns\n", time_now());
    cpumask_each(cpu, &cpu_online)
        dump_queue(&per_cpu(cpu_sched, cpu));
    pool_dump();
}
