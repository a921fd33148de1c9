/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The controller, dom0: makes the domains, ends hostile ones at random moments (and those that ended or hang by themselves), and
 * makes others with the next seed.  At the end all hostile domains go, and it looks whether everything is as it was before.
 *
 * On the command line: seed=, ms= (how long), vcpus= (of a hostile domain), control=1 (a vCPU makes the control domain's
 * calls at random meanwhile), xenstore=1 (the first hostile domain is one that xenstored runs in), share=1 (the bystander's share counts:
 * where the processors aren't threads of a busy host), late= (ms that it may be woken too late), from=, to= (only these lines of the
 * control domain's grammar).
 */
#include "build.h"
#include "boot.h"
#include "check.h"
#include "checks.h"
#include "console.h"
#include "event.h"
#include "grammar.h"
#include "hypercall.h"
#include "mem.h"
#include "pages.h"
#include "random.h"
#include "smp.h"
#include "time.h"
#include "trap.h"
#include <xen/sched.h>
#include <xen/sysctl.h>

#define HOSTILE    2u
#define QUIET      3u           /* looks at a vCPU that does nothing until it is woken */
#define STALLED    150u         /* looks at a domain in which no vCPU does anything until it is ended */
#define AUDIT_ONE_IN 16         /* looks */
#define HUNG       5000         /* ms, a quarter of those after which a bystander that has done nothing is stuck */
#define SHARE_LEAST 250         /* promille of the time that it wanted, of the bystander: one domain of three, and dom0 */

struct report report;

static struct subject subject[SLOTS] = { { .slot = 0 }, { .slot = 1 }, { .slot = 2 } };
#define BYSTANDER (&subject[HOSTILE])

static struct {
    unsigned lives, crashes, stalls, ended, failed, audits;
    uint64_t steps, traps, lost;
    uint64_t result[64][RESULTS], op[OPS_MAX][2], grant[GRANT_OPS][STATUSES];
} sum;

/* left: looks until its end, if it lives that long */
static struct { uint64_t steps, of[FUZZ_VCPUS]; unsigned quiet, left, quiet_of[FUZZ_VCPUS]; } seen[HOSTILE];
static uint64_t seed;

uint64_t option(const char *name, uint64_t otherwise)
{
    const char *at = strstr((const char *)start_info->cmd_line, name);
    uint64_t v = 0;

    if (!at || at[strlen(name)] != '=')
        return otherwise;
    for (at += strlen(name) + 1; *at >= '0' && *at <= '9'; at++)
        v = v * 10 + (uint64_t)(*at - '0');
    return v;
}

static void nap(uint64_t ns)
{
    struct sched_poll poll = { .timeout = time_now() + ns };

    hypercall(sched_op, SCHEDOP_poll, &poll);
}

/* ---- what a life left ---- */

static void sum_take(const struct report *r)
{
    if (r->magic != REPORT_MAGIC)   /* it has hit its own report, or hadn't begun yet */
        return;
    for (unsigned v = 0; v < FUZZ_VCPUS; v++) {
        sum.steps += r->vcpu[v].steps;
        sum.traps += r->vcpu[v].traps;
        sum.lost += r->vcpu[v].lost;
    }
    for (unsigned n = 0; n < 64; n++)
        for (unsigned k = 0; k < RESULTS; k++)
            sum.result[n][k] += r->result[n][k];
    for (unsigned i = 0; i < guest_grammar.nr; i++) {
        sum.op[i][0] += r->op[i][0];
        sum.op[i][1] += r->op[i][1];
    }
    for (unsigned n = 0; n < GRANT_OPS; n++)
        for (unsigned k = 0; k < STATUSES; k++)
            sum.grant[n][k] += r->grant[n][k];
}

static void results_print(void)
{
    printf("FUZZ: call         ok      EINVAL       EPERM      EFAULT      absent       other\n");
    for (unsigned n = 0; n < 64; n++) {
        uint64_t all = 0, *k = sum.result[n];

        for (unsigned i = 0; i < RESULTS; i++)
            all += k[i];
        if (all)
            printf("FUZZ: %4u %10lu  %10lu  %10lu  %10lu  %10lu  %10lu\n", n, k[0], k[1], k[2], k[3], k[4], k[5]);
    }
}

static void ops_print(const char *who, const struct grammar *g, const uint64_t op[][2])
{
    for (unsigned i = 0; i < g->nr; i++)
        printf("FUZZ: op %s %s %s %lu %lu\n", who, g->op[i].name, g->op[i].args, op[i][0], op[i][1]);
}

static void grants_print(void)
{
    for (unsigned n = 0; n < GRANT_OPS; n++)
        for (unsigned k = 0; k < STATUSES; k++)
            if (sum.grant[n][k])
                printf("FUZZ: grant %u -%u %lu\n", n, k, sum.grant[n][k]);
}

/* ---- lives ---- */

static void known_set(void)
{
    for (unsigned i = 0; i <= SLOTS; i++) {
        struct report *r = i < SLOTS ? subject[i].report : &report;

        for (unsigned j = 0; r && j < SLOTS; j++)
            r->known[j] = subject[j].id;
        if (r)
            r->known[SLOTS] = 0;
    }
}

/* Who grants to whom. */
static void met_set(void)
{
    for (unsigned i = 0; i < HOSTILE; i++)
        if (subject[i].report)
            subject[i].report->met = subject[1 - i].report && subject[1 - i].report->grants_to == subject[i].id;
}

static void text_add(char **at, const char *s)
{
    while (*s)
        *(*at)++ = *s++;
    **at = 0;
}

static void number_add(char **at, uint64_t v)
{
    char digits[24], *d = digits + sizeof(digits) - 1;

    *d = 0;
    do
        *--d = (char)('0' + v % 10);
    while ((v /= 10) != 0);
    text_add(at, d);
}

/* A new domain; false: it could not be made (for want of what dying ones still hold). */
static bool life_begin(struct subject *s, const char *role, unsigned vcpus)
{
    char cmd_line[64], *at = cmd_line;
    long rc;

    text_add(&at, role);
    text_add(&at, " seed=");
    number_add(&at, seed * 1000 + sum.lives);
    text_add(&at, " slot=");
    number_add(&at, s->slot);
    rc = build(s, vcpus, cmd_line);
    if (rc < 0) {
        sum.failed++;
        return false;
    }
    sum.lives++;
    known_set();
    return !control_call(XEN_DOMCTL_unpausedomain, s->id);
}

/* The last calls of each vCPU, the latest at the end. */
static void trail_print(const struct subject *s)
{
    for (unsigned v = 0; v < FUZZ_VCPUS; v++) {
        const struct report_vcpu *r = &s->report->vcpu[v];

        if (!r->calls)
            continue;
        printf("FUZZ: d%uv%u: %lu steps, %lu traps, %lu calls\n", s->id, v, r->steps, r->traps, r->calls);
        for (unsigned i = 1; i <= TRAIL; i++) {
            const struct trail *t = &r->trail[(r->calls + i) % TRAIL];

            printf("FUZZ:     %lu(%lx, %lx, %lx, %lx, %lx)\n", t->nr, t->arg[0], t->arg[1], t->arg[2], t->arg[3], t->arg[4]);
        }
    }
}

static void life_end(struct subject *s)
{
    if (option("verbose", 0) && s != BYSTANDER)
        trail_print(s);
    sum_take(s->report);
    build_destroy(s);
    known_set();
}

static bool hostile_begin(unsigned i)
{
    memset(&seen[i], 0, sizeof(seen[i]));
    seen[i].left = 1u << rnd(11);
    return life_begin(&subject[i], "hostile", (unsigned)option("vcpus", 3));
}

/* A vCPU that waits for what never comes, an event that it has lost: an NMI ends that. */
static void vcpu_wake(unsigned i, unsigned v)
{
    uint64_t steps = subject[i].report->vcpu[v].steps;

    seen[i].quiet_of[v] = steps && steps == seen[i].of[v] ? seen[i].quiet_of[v] + 1 : 0;
    seen[i].of[v] = steps;
    if (seen[i].quiet_of[v] < QUIET)
        return;
    control_clear();
    control.u.sendtrigger.trigger = XEN_DOMCTL_SENDTRIGGER_NMI;
    control.u.sendtrigger.vcpu = v;
    control_call(XEN_DOMCTL_sendtrigger, subject[i].id);
    seen[i].quiet_of[v] = 0;
}

static bool stalled(unsigned i)
{
    uint64_t steps = 0;

    for (unsigned v = 0; v < FUZZ_VCPUS; v++) {
        vcpu_wake(i, v);
        steps += subject[i].report->vcpu[v].steps;
    }
    seen[i].quiet = steps == seen[i].steps ? seen[i].quiet + 1 : 0;
    seen[i].steps = steps;
    return seen[i].quiet > STALLED;
}

/* Is its end due? */
static bool life_over(unsigned i)
{
    struct subject *s = &subject[i];

    if (control_call(XEN_DOMCTL_getdomaininfo, s->id) || control.domain != s->id ||
        control.u.getdomaininfo.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying)) {
        sum.crashes++;
        return true;
    }
    if (stalled(i)) {
        sum.stalls++;
        return true;
    }
    if (seen[i].left--)
        return false;
    sum.ended++;
    return true;
}

static void look_after(unsigned i)
{
    struct subject *s = &subject[i];

    if (!s->id) {
        hostile_begin(i);
        return;
    }
    if (!life_over(i))
        return;
    life_end(s);
    if (rnd(4))
        hostile_begin(i);
}

/* ---- the control domain's calls ---- */

/* The pool that it was done to, or -1: it was refused. */
static long pool_op(uint32_t op, uint32_t pool, uint32_t cpu)
{
    static struct xen_sysctl s;

    memset(&s, 0, sizeof(s));
    s.cmd = XEN_SYSCTL_cpupool_op;
    s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    s.u.cpupool_op.op = op;
    s.u.cpupool_op.cpupool_id = pool;
    s.u.cpupool_op.cpu = cpu;
    s.u.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT2;
    return hypercall(sysctl, &s) ? -1 : (long)s.u.cpupool_op.cpupool_id;
}

/* All processors back to the one pool there was. */
static void pools_end(void)
{
    long pool;

    while ((pool = pool_op(XEN_SYSCTL_CPUPOOL_OP_INFO, 1, 0)) > 0) { /* the first from 1 on */
        for (unsigned cpu = 0; cpu < 4; cpu++)
            pool_op(XEN_SYSCTL_CPUPOOL_OP_RMCPU, (uint32_t)pool, cpu);
        if (!EXPECT_TRUE(pool_op(XEN_SYSCTL_CPUPOOL_OP_DESTROY, (uint32_t)pool, 0) >= 0))
            break;
    }
    for (unsigned cpu = 0; cpu < 4; cpu++)
        pool_op(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 0, cpu);
}

static struct context control_home;
static volatile unsigned control_stop, control_stopped, control_hold, control_held;

static bool control_trap(struct regs *r)
{
    (void)r;
    if (cpu_self()->id != 1)
        return false;
    context_load(&control_home);
}

static struct xen_domctl bounced;
static uint64_t bounce_buffer[2][1024];

static long bounce_call(uint32_t cmd, domid_t id)
{
    bounced.cmd = cmd;
    bounced.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    bounced.domain = id;
    return hypercall(domctl, &bounced);
}

/* What a domain's saving and restoring reads and writes, while it stands still: mostly as it was, else with a word changed. */
static void domain_bounce(void)
{
    static const struct { uint32_t get, set; } calls[] = {
        { XEN_DOMCTL_getvcpucontext, XEN_DOMCTL_setvcpucontext }, { XEN_DOMCTL_get_cpu_policy, XEN_DOMCTL_set_cpu_policy },
        { XEN_DOMCTL_get_ext_vcpucontext, XEN_DOMCTL_set_ext_vcpucontext }, { XEN_DOMCTL_gettscinfo, XEN_DOMCTL_settscinfo },
    };
    unsigned n = rnd(ARRAY_SIZE(calls));
    domid_t id = (domid_t)value('D');

    if (bounce_call(XEN_DOMCTL_pausedomain, id))
        return;
    memset(&bounced.u, 0, sizeof(bounced.u));
    if (calls[n].get == XEN_DOMCTL_get_cpu_policy) {
        bounced.u.cpu_policy.nr_leaves = bounced.u.cpu_policy.nr_msrs = 64;
        set_xen_guest_handle(bounced.u.cpu_policy.leaves, (void *)bounce_buffer[0]);
        set_xen_guest_handle(bounced.u.cpu_policy.msrs, (void *)bounce_buffer[1]);
    } else if (calls[n].get != XEN_DOMCTL_gettscinfo) {
        bounced.u.vcpucontext.vcpu = rnd(FUZZ_VCPUS);
    }
    if (calls[n].get == XEN_DOMCTL_getvcpucontext)
        set_xen_guest_handle(bounced.u.vcpucontext.ctxt, (void *)bounce_buffer);
    if (!bounce_call(calls[n].get, id)) {
        if (one_in(3))
            bounce_buffer[0][rnd(640)] = wild();
        bounce_call(calls[n].set, id);
    }
    bounce_call(XEN_DOMCTL_unpausedomain, id);
}

/* The bystander is going to be held up: it does not count that as late. */
static void bystander_excuse(void)
{
    __atomic_add_fetch(&BYSTANDER->report->bystander.stills, 1, __ATOMIC_SEQ_CST);
}

/* vCPU 1. Its structures and the places where it lets answers be written are its own; what traps is a bad pointer of its own making. */
static void control_run(void)
{
    context_save(&control_home);
    while (!control_stop) {
        struct call c;

        while (control_hold) {
            control_held = 1;
            nap(1000000);
        }
        control_held = 0;
        report.vcpu[1].steps++;
        call_make(&control_grammar, &c, true);
        if (c.nr == __HYPERVISOR_sysctl && control_grammar.op[c.op].cmd == XEN_SYSCTL_debug_keys)
            bystander_excuse();     /* what they print, or look at, takes its time */
        if (c.op >= option("from", 0) && c.op < option("to", OPS_MAX))
            call_do(&c);
        if (one_in(16))
            domain_bounce();
        if (one_in(3))
            nap(1000000 * rnd(8));
    }
    control_stopped = 1;
    vcpu_stop();
}

static void control_begin(void)
{
    random_seed(1, seed);
    for (int v = 0; v < VEC_EVENT; v++)
        if (v != VEC_NMI)
            trap_handle(v, control_trap);
    REQUIRE(!vcpu_start(1, control_run));
}

/* Between two of its calls. */
static bool control_wait(bool hold)
{
    control_hold = hold;
    return !option("control", 0) || control_stopped || EXPECT_TRUE(wait_for(&control_held, hold, 20000));
}

/* What it mapped of others' frames, which hold their dead domains. */
static void window_clear(void)
{
    for (unsigned i = 0; i < WINDOW_SLOTS; i++)
        EXPECT_OK(pt_write(pt_entry_maddr(NULL, WINDOW + i * PAGE_SIZE, 1), 0));
}

/* Domains that it made, too. */
static void strangers_end(void)
{
    static xen_domctl_getdomaininfo_t info[64];
    static struct xen_sysctl s;

    s.cmd = XEN_SYSCTL_getdomaininfolist;
    s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    s.u.getdomaininfolist.first_domain = 1;
    s.u.getdomaininfolist.max_domains = ARRAY_SIZE(info);
    set_xen_guest_handle(s.u.getdomaininfolist.buffer, info);
    do {
        if (!EXPECT_OK(hypercall(sysctl, &s)))
            return;
        for (unsigned i = 0; i < s.u.getdomaininfolist.num_domains; i++)
            if (info[i].domain != BYSTANDER->id)
                control_call(XEN_DOMCTL_destroydomain, info[i].domain);
        s.u.getdomaininfolist.first_domain = info[ARRAY_SIZE(info) - 1].domain + 1u;
    } while (s.u.getdomaininfolist.num_domains == ARRAY_SIZE(info));
}

/* ---- the end ---- */

static uint64_t free_pages(void)
{
    static struct xen_sysctl s;

    s.cmd = XEN_SYSCTL_physinfo;
    s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    if (hypercall(sysctl, &s))
        test_abort("physinfo");
    return s.u.physinfo.free_pages;
}

/* Debug keys: what they say goes to the console, where the runner reads it. */
static void keys_press(const char *keys)
{
    static struct xen_sysctl s;

    s.cmd = XEN_SYSCTL_debug_keys;
    s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    s.u.debug_keys.nr_keys = (uint32_t)strlen(keys);
    set_xen_guest_handle(s.u.debug_keys.keys, (char *)(uintptr_t)keys);
    EXPECT_OK(hypercall(sysctl, &s));
}

static void all_end(void)
{
    for (unsigned i = 0; i < HOSTILE; i++)
        if (subject[i].id)
            life_end(&subject[i]);
}

static void bystander_check(void)
{
    const struct report *r = BYSTANDER->report;

    printf("FUZZ: bystander: %lu rounds, %lu promille of the time it wanted, woken up to %lu us late\n", r->bystander.rounds,
           r->bystander.share, r->bystander.late / 1000);
    EXPECT_TRUE(r->bystander.rounds > 0);
    EXPECT_EQUAL(r->bystander.bad_words, 0);
    EXPECT_EQUAL(r->bystander.back, 0);
    EXPECT_EQUAL(r->bystander.early, 0);
    EXPECT_TRUE(r->bystander.late <= option("late", 5000) * 1000000);
    if (option("share", 0))
        EXPECT_TRUE(r->bystander.share >= SHARE_LEAST);
}

/* The hypervisor's small objects, in checking builds. */
static void objects_print(const char *when)
{
    struct check_state s = { .domid = 0 };

    if (!check_call(CHECK_STATE, (unsigned long)&s, NULL))
        printf("FUZZ: %s: %lu objects, %lu bytes, %lu pages free\n", when, s.objects, s.bytes, s.free_frames);
}

/* What has been freed comes back at once, but for what other CPUs must let go of first. */
static void memory_check(uint64_t before)
{
    uint64_t until = time_now() + 10000000000ul;

    while (free_pages() != before && time_now() < until)
        nap(10000000);
    objects_print("after");
    if (!EXPECT_EQUAL(free_pages(), before))
        keys_press("qeg");
}

/* The control domain's event channels: the controller itself has none. */
static void ports_end(void)
{
    for (evtchn_port_t p = 1; p < 512; p++) {
        struct evtchn_close c = { .port = p };

        hypercall(event_channel_op, EVTCHNOP_close, &c);
    }
}

/* What it is told of the machine, its trace buffers, the memory of CPU pools, and the table of domains where there was a high number,
 * the hypervisor keeps for ever. */
static void machine_told(void)
{
    struct call c;

    for (unsigned i = 1; i < 48; i++)
        pool_op(XEN_SYSCTL_CPUPOOL_OP_CREATE, i, 0);
    pools_end();
    control_clear();
    control.u.createdomain.max_vcpus = 1;
    control.u.createdomain.max_evtchn_port = 4095;
    control.u.createdomain.max_grant_frames = control.u.createdomain.max_maptrack_frames = 4;
    control.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(2);
    EXPECT_OK(control_call(XEN_DOMCTL_createdomain, VICTIM_HIGH));
    EXPECT_OK(control_call(XEN_DOMCTL_destroydomain, VICTIM_HIGH));
    for (unsigned i = 0; i < 32; i++) {
        struct evtchn_bind_pirq b = { .pirq = i * 1024 };

        hypercall(event_channel_op, EVTCHNOP_bind_pirq, &b);    /* room for its number is kept, bound or not */
    }
    for (unsigned i = 0; i < 400; i++) {
        call_make(&machine_grammar, &c, true);
        hypercall5((unsigned)c.nr, (long)c.arg[0], (long)c.arg[1], (long)c.arg[2], (long)c.arg[3], (long)c.arg[4]);
    }
    ports_end();
}

/* One life of each kind, so that what is made once and kept is there when memory is counted. */
static uint64_t warm_up(void)
{
    for (unsigned round = 0; round < 2; round++) {
        REQUIRE(hostile_begin(0) && hostile_begin(1));
        while (!stalled(0) && seen[0].steps < 500)
            nap(10000000);
        all_end();
    }
    if (option("control", 0))
        machine_told();
    nap(200000000);
    objects_print("before");
    return free_pages();
}

/* All domains but ours stand still: those that we have paused for it, dying ones, and those that have been paused as often as it goes. */
static unsigned all_pause(domid_t paused[], unsigned max)
{
    unsigned n = 0;

    control_clear();
    for (domid_t id = 1; !control_call(XEN_DOMCTL_getdomaininfo, id) && n < max; id = control.domain + 1u) {
        long rc = control_call(XEN_DOMCTL_pausedomain, control.domain);

        if (!rc)
            paused[n++] = control.domain;
        else
            EXPECT_TRUE(rc == -XEN_EOVERFLOW || rc == -XEN_ESRCH || rc == -XEN_EINVAL);
    }
    EXPECT_TRUE(n < max);
    return n;
}

/* All that is kept of domains must fit together while nothing happens.  Key A looks at all memory; E is soon done. */
static void still_audit(const char *keys)
{
    static domid_t paused[256];
    unsigned n;

    if (!control_wait(true))
        return;
    bystander_excuse();
    n = all_pause(paused, ARRAY_SIZE(paused));
    keys_press(keys);
    while (n) {
        long rc = control_call(XEN_DOMCTL_unpausedomain, paused[--n]);

        EXPECT_TRUE(!rc || rc == -XEN_ESRCH);   /* it was a dying one */
    }
    control_wait(false);
    sum.audits++;
}

static void run(uint64_t ms)
{
    const uint64_t longest = (option("late", 5000) > HUNG ? option("late", 5000) : HUNG) * 4000000;
    uint64_t until = time_now() + ms * 1000000, rounds = 0, round_due = time_now() + longest;

    while (time_now() < until) {
        for (unsigned i = 0; i < HOSTILE; i++)
            look_after(i);
        met_set();
        nap(1000000 * (1 + rnd(8)));
        if (one_in(AUDIT_ONE_IN))
            still_audit(one_in(24) ? "AE" : "E");
        if (BYSTANDER->report->bystander.rounds != rounds) {
            rounds = BYSTANDER->report->bystander.rounds;
            round_due = time_now() + longest;
        }
        if (!EXPECT_TRUE(time_now() < round_due))
            break;
    }
}

static void report_print(void)
{
    results_print();
    grants_print();
    ops_print("guest", &guest_grammar, (const uint64_t (*)[2])sum.op);
    for (unsigned i = 0; i < control_grammar.nr && option("control", 0); i++)
        printf("FUZZ: op control %s %s %u %u\n", control_grammar.op[i].name, control_grammar.op[i].args, report.op[i][0], report.op[i][1]);
    printf("FUZZ: seed %lu: %u lives, %u crashed, %u stalled, %u ended, %u not made, %u audits, ", seed, sum.lives, sum.crashes, sum.stalls,
           sum.ended, sum.failed, sum.audits);
    printf("%lu steps, %lu traps, %lu dead ends\n", sum.steps, sum.traps, sum.lost);
}

/* Whatever weights the control domain's calls give to others, nobody's is greater. */
static void bystander_weigh(void)
{
    control_clear();
    control.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
    control.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    control.u.scheduler_op.u.credit2.weight = 65535;
    EXPECT_OK(control_call(XEN_DOMCTL_scheduler_op, BYSTANDER->id));
}

static void controller_main(void)
{
    uint64_t before;

    seed = option("seed", 1);
    random_seed(0, seed);
    printf("FUZZ: seed %lu begins\n", seed);
    build_init();
    pages_init();
    grammar_init(2);
    grammar_check(&control_grammar);
    grammar_check(&machine_grammar);
    grammar_check(&guest_grammar);
    subject[0].flags = option("xenstore", 0) ? XEN_DOMCTL_CDF_xs_domain : 0;
    before = warm_up();
    REQUIRE(life_begin(BYSTANDER, "bystander", 1));
    nap(200000000);
    if (option("control", 0)) {
        bystander_weigh();
        control_begin();
    }
    run(option("ms", 10000));
    if (option("control", 0)) {
        control_stop = 1;
        EXPECT_TRUE(wait_for(&control_stopped, 1, 20000));
    }
    still_audit("AE");
    all_end();
    strangers_end();
    ports_end();
    window_clear();
    pools_end();
    bystander_check();
    build_destroy(BYSTANDER);
    memory_check(before);
    keys_press("AE");
    report_print();
}

void test_main(void)
{
    if (start_info->flags & SIF_PRIVILEGED)
        controller_main();
    else if (strstr((const char *)start_info->cmd_line, "bystander"))
        bystander_main();
    else
        hostile_main();
}
