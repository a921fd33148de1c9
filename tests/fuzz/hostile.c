/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hostile domain.  Each vCPU does one random step after the other for as long as it lives.  Whatever traps comes back to
 * the loop; a periodic timer's event ends what doesn't end by itself; now and then the vCPU's state is put in order.  Where
 * that does not help the domain crashes or hangs, and the controller makes another.
 */
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "fuzz.h"
#include "grammar.h"
#include "grants.h"
#include "hostile.h"
#include "hypercall.h"
#include "mem.h"
#include "pages.h"
#include "random.h"
#include "smp.h"
#include "time.h"
#include "trap.h"

#define TICK    10000000ul     /* ns between the timer's events */
#define PATIENCE 4             /* events until a step counts as lost */

extern struct trap_info trap_table[257];
static struct context home[CPUS_MAX];
static unsigned ticks[CPUS_MAX];

static bool on_trap(struct regs *r)
{
    (void)r;
    report.vcpu[cpu_self()->id % FUZZ_VCPUS].traps++;
    context_load(&home[cpu_self()->id]);
}

static bool on_event(struct regs *r)
{
    struct cpu *c = cpu_self();

    (void)r;
    event_upcall();
    if (++ticks[c->id] < PATIENCE)
        return true;
    report.vcpu[c->id % FUZZ_VCPUS].lost++;
    context_load(&home[c->id]);
}

static void repair(void)
{
    unsigned id = cpu_self()->id;
    struct vcpu_set_periodic_timer timer = { TICK };

    hypercall(set_trap_table, trap_table);
    event_callbacks_set();
    hypercall(stack_switch, FLAT_KERNEL_SS, (unsigned long)user_trap_stack[id] + STACK_SIZE);
    hypercall(fpu_taskswitch, 0);
    hypercall(set_debugreg, 7, 0);
    pages_repair();
    vcpu_op(VCPUOP_set_periodic_timer, id, &timer);
    event_bind_virq(VIRQ_TIMER, id);
    if (one_in(4))
        hypercall(set_gdt, NULL, 0);
    for (unsigned w = 0; w < ARRAY_SIZE(shared_info.evtchn_mask); w++)
        WRITE_ONCE(shared_info.evtchn_mask[w], 0);
}

/* The calls that change how we get on from a trap: mostly mended at once, or every life were a short one. */
static void mend(unsigned long nr)
{
    if ((nr == __HYPERVISOR_set_trap_table || nr == __HYPERVISOR_set_callbacks || nr == __HYPERVISOR_stack_switch ||
         nr == __HYPERVISOR_callback_op) && rnd(32))
        repair();
}

void call_random(void)
{
    struct call c;

    call_make(&guest_grammar, &c, true);
    call_do(&c);
    mend(c.nr);
}

static void multicall_step(void)
{
    static multicall_entry_t entries[CPUS_MAX][8];
    multicall_entry_t *e = entries[cpu_self()->id];
    unsigned n = 1 + rnd(8);
    struct call c[8];

    for (unsigned i = 0; i < n; i++) {
        call_make(&guest_grammar, &c[i], !i);
        e[i].op = c[i].nr;
        e[i].result = (xen_ulong_t)-XEN_EAGAIN;
        memcpy(e[i].args, c[i].arg, sizeof(e[i].args));
    }
    /* Too long a list runs into whatever lies behind: zeroes are calls, too, which clear the trap table. */
    if (hypercall(multicall, one_in(100) ? value('v') : (uint64_t)e, one_in(200) ? wild() : n)) {
        mend(__HYPERVISOR_set_trap_table);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        call_done(&c[i], (long)e[i].result);
        mend(c[i].nr);
    }
}

static void step(void)
{
    unsigned n = rnd(100);

    if (n < 56)
        call_random();
    else if (n < 64)
        multicall_step();
    else if (n < 82)
        pages_step();
    else if (n < 90)
        grant_step();
    else if (n < 93)
        state_step();
    else
        instruction_step();
}

_Noreturn void hostile_run(void)
{
    unsigned id = cpu_self()->id;

    context_save(&home[id]);
    for (;;) {
        ticks[id] = 0;
        if (report.vcpu[id % FUZZ_VCPUS].steps++ % 64 == 0)
            repair();
        WRITE_ONCE(vcpu_info_self()->evtchn_upcall_mask, 0);
        grants_follow();
        if (one_in(16))             /* the other domain keeps step: what it grants is for whom it knows */
            hypercall(sched_op, SCHEDOP_yield);
        step();
    }
}

/* A vCPU that traps before its first step begins it all the same. */
static void homes_init(unsigned vcpus)
{
    static struct vcpu_guest_context c;

    for (unsigned i = 0; i < vcpus; i++) {
        vcpu_context(&c, i, hostile_run);
        home[i] = (struct context){ .rsp = c.user_regs.rsp, .rip = (uint64_t)hostile_run };
    }
}

/* Time for the other domain to begin, and to hear of us. */
static void peer_await(void)
{
    for (unsigned i = 0; i < 20 && (i < 5 || !report.met); i++) {
        struct sched_poll poll = { .timeout = time_now() + 5000000 };

        hypercall(sched_op, SCHEDOP_poll, &poll);
    }
}

void hostile_main(void)
{
    unsigned vcpus = vcpu_count();

    report.seed = option("seed", 1);
    for (unsigned i = 0; i < vcpus; i++)
        random_seed(i, report.seed);
    grammar_init(vcpus);
    pages_init();
    grants_init();
    instruction_init(vcpus);
    grammar_check(&guest_grammar);
    homes_init(vcpus);
    for (int v = 0; v < VEC_COUNT; v++)
        trap_handle(v, on_trap);
    trap_handle(VEC_EVENT, on_event);
    report.magic = REPORT_MAGIC;
    peer_await();
    for (unsigned i = 1; i < vcpus && i < FUZZ_VCPUS - 1; i++)      /* the last one is for vcpu_begin() */
        if (vcpu_start(i, hostile_run))
            test_abort("hostile: a vCPU doesn't start");
    hostile_run();
}
