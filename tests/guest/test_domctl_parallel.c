/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No control call holds up another domain's.  One vCPU of ours makes the longest calls on a big domain, another short ones on a small
 * domain: neither is slower than beside a vCPU that makes no calls at all.
 */
/* qemu: -smp 2 -m 512 */
/* hv-only: hospes */
/* build: plain */
/* clock: virtual */
/* timeout: 180 */
#include "domain.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "smp.h"
#include "time.h"
#include <xen/memory.h>

#define MS    1000000ul
#define BIG   8192u /* frames */
#define PER   1024u  /* frame numbers for one getpageframeinfo3 */
#define VCPUS 128u
#define ID    700    /* the big one's number */

enum stage { NONE, MAKE_VCPUS, POPULATE, TYPES, TAKE, DESTROY, STAGES };
static const char *const names[STAGES] = { "-", "max_vcpus", "populate", "page types", "decrease", "destroy" };

static volatile enum stage stage;    /* the long call that is going on */
static volatile bool asking;         /* is the second vCPU to make calls? */
static unsigned long passed[STAGES]; /* its calls, by the stage in which they ended */
static uint64_t took[2][STAGES];     /* the long calls' time, with and without it asking, ns */
static unsigned wrong;               /* calls of its that failed */
static struct domain small;

/* One short call on the small domain, the next kind each time.  (None that flushes TLBs: in this emulator the other CPU takes the
 * interrupt only when its turn comes.) */
static long short_call(unsigned turn)
{
    static struct xen_domctl op;
    static vcpu_guest_context_t context;
    static uint64_t frame;

    memset(&op.u, 0, sizeof(op.u));
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = small.id;
    switch (turn % 8) {
    case 0: op.cmd = XEN_DOMCTL_getdomaininfo; break;
    case 1: op.cmd = XEN_DOMCTL_pausedomain; break;
    case 2: op.cmd = XEN_DOMCTL_unpausedomain; break;
    case 3: op.cmd = XEN_DOMCTL_getvcpuinfo; break;
    case 4:
        op.cmd = XEN_DOMCTL_max_mem;
        op.u.max_mem.max_memkb = 400;
        break;
    case 5:
        op.cmd = XEN_DOMCTL_scheduler_op;
        op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
        op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
        op.u.scheduler_op.u.credit2.weight = (uint16_t)(100 + turn % 100);
        break;
    case 6:
        op.cmd = XEN_DOMCTL_getvcpucontext;
        set_xen_guest_handle(op.u.vcpucontext.ctxt, &context);
        break;
    default:
        op.cmd = XEN_DOMCTL_getpageframeinfo3;
        frame = small.mfn[1];
        op.u.getpageframeinfo3.num = 1;
        set_xen_guest_handle(op.u.getpageframeinfo3.array, &frame);
        break;
    }
    return hypercall(domctl, &op);
}

static void asker(void)
{
    for (unsigned turn = 0;; turn++) {
        while (!asking)
            barrier();
        wrong += short_call(turn) != 0;
        passed[stage]++;
    }
}

/* One long call: what it answers. */
#define LONG(what, call) ({                       \
    uint64_t start_ = time_now();                 \
    long answer_;                                 \
                                                  \
    stage = (what);                               \
    answer_ = (call);                             \
    stage = NONE;                                 \
    took[asking][what] += time_now() - start_;    \
    answer_;                                      \
})

static unsigned long list[BIG];

static long reserve(unsigned cmd, unsigned n)
{
    struct xen_memory_reservation r = { .nr_extents = n, .domid = ID };

    set_xen_guest_handle(r.extent_start, list);
    return hypercall(memory_op, cmd, &r);
}

static void big_make(void)
{
    struct xen_domctl_createdomain *c = &domctl_op.u.createdomain;
    uint64_t until = time_now() + PATIENT * 1000000ul;
    long rc;

    domctl_clear();
    c->max_vcpus = VCPUS;
    c->max_evtchn_port = 1023;
    c->max_grant_frames = c->max_maptrack_frames = 4;
    c->grant_opts = XEN_DOMCTL_GRANT_version(1);
    do { /* the former one's number is taken until the last of it is gone */
        rc = domctl(XEN_DOMCTL_createdomain, ID);
    } while (rc == -XEN_EEXIST && time_now() < until);
    REQUIRE(!rc);
    domctl_op.u.max_mem.max_memkb = 4 * (BIG + 16);
    EXPECT_OK(domctl(XEN_DOMCTL_max_mem, ID));
}

static void types(unsigned first)
{
    static uint64_t array[PER];

    memcpy(array, &list[first], sizeof(array));
    domctl_op.u.getpageframeinfo3.num = PER;
    set_xen_guest_handle(domctl_op.u.getpageframeinfo3.array, array);
    EXPECT_OK(LONG(TYPES, domctl(XEN_DOMCTL_getpageframeinfo3, ID)));
    EXPECT_EQUAL(array[7], XEN_DOMCTL_PFINFO_NOTAB);
}

static void life(void)
{
    big_make();
    domctl_op.u.max_vcpus.max = VCPUS;
    EXPECT_OK(LONG(MAKE_VCPUS, domctl(XEN_DOMCTL_max_vcpus, ID)));
    for (unsigned i = 0; i < BIG; i++)
        list[i] = i;
    REQUIRE(LONG(POPULATE, reserve(XENMEM_populate_physmap, BIG)) == BIG);
    for (unsigned i = 0; i < BIG; i += PER)
        types(i);
    EXPECT_EQUAL(LONG(TAKE, reserve(XENMEM_decrease_reservation, BIG / 4)), BIG / 4);
    EXPECT_OK(LONG(DESTROY, domctl(XEN_DOMCTL_destroydomain, ID)));
}

DOMAIN_ASM(nothing, "1: pause\n jmp 1b\n");

/* The emulator lets a CPU run until something is due. */
static void turns_short(void)
{
    struct vcpu_set_periodic_timer t = { .period_ns = MS };

    EXPECT_OK(vcpu_op(VCPUOP_set_periodic_timer, 0, &t));
}

static void compare(unsigned i, unsigned long per_ms)
{
    unsigned long rate = passed[i] * MS / (took[1][i] + 1);

    printf("%s: %lu us alone, %lu us beside the other's calls, of which %lu a ms passed\n", names[i], took[0][i] / 1000, took[1][i] / 1000,
           rate);
    EXPECT_TRUE(took[1][i] < took[0][i] * 3 / 2);
    EXPECT_TRUE(rate > per_ms / 4);
}

void test_main(void)
{
    unsigned long per_ms;

    REQUIRE(vcpu_count() == 2);
    domain_make(&small, DOMAIN_CODE_OF(nothing));
    EXPECT_OK(domain_start(&small)); /* (it stays paused) */
    REQUIRE(!vcpu_start(1, asker));
    turns_short();
    life();
    memset(took, 0, sizeof(took));
    for (unsigned i = 0; i < 2; i++)
        life();
    asking = true;
    for (uint64_t end = time_now() + 200 * MS; time_now() < end;)
        barrier();
    per_ms = passed[NONE] / 200;
    printf("%lu calls a ms while we do nothing\n", per_ms);
    for (unsigned i = 0; i < 2; i++)
        life();
    asking = false;
    EXPECT_EQUAL(wrong, 0);
    EXPECT_TRUE(per_ms > 0);
    for (unsigned i = NONE + 1; i < STAGES; i++)
        compare(i, per_ms);
}
