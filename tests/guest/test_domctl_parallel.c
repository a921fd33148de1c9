/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No control call holds up another domain's: while one vCPU of ours is in the longest calls on a big domain, another gets on with
 * short calls on a small one.  Counted, not timed: a lock held over a call would let about one short call pass for each long one.
 */
/* qemu: -smp 2 -m 512 */
/* hv-only: hospes */
/* alone: two CPUs at a time */
/* timeout: 180 */
#include "domain.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "smp.h"
#include "time.h"
#include <xen/memory.h>

#define BIG     32768u /* frames */
#define PER     1024u  /* frame numbers for one getpageframeinfo3 */
#define VCPUS   128u
#define ID      700    /* the big one's number */
#define PASSING 20u    /* short calls for one long one, at least */

enum stage { NONE, POPULATE, TYPES, MAKE_VCPUS, CONTEXTS, TAKE, DESTROY, STAGES };
static const char *const names[STAGES] = { "-", "populate", "page types", "max_vcpus", "vCPU contexts", "decrease", "destroy" };

static volatile enum stage stage; /* the long call that is going on */
static volatile bool stop;
static volatile unsigned stopped;
static unsigned long passed[STAGES]; /* short calls that began and ended within one and the same */
static unsigned long calls[STAGES];  /* long ones */
static struct domain small;

/* One short call on the small domain, the next kind each time.  (None that flushes TLBs: it would wait until the other CPU takes an
 * interrupt, which on a busy host is when its thread gets its turn.) */
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
    static unsigned wrong;

    for (unsigned turn = 0; !stop; turn++) {
        enum stage before = stage;

        wrong += short_call(turn) != 0;
        if (before == stage)
            passed[before]++;
    }
    EXPECT_EQUAL(wrong, 0);
    __atomic_store_n(&stopped, 1, __ATOMIC_SEQ_CST);
    vcpu_stop();
}

/* One long call: what it answers. */
#define LONG(what, call) ({             \
    long answer_;                       \
                                        \
    stage = (what);                     \
    answer_ = (call);                   \
    stage = NONE;                       \
    calls[what]++;                      \
    answer_;                            \
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
    static vcpu_guest_context_t context;

    big_make();
    domctl_op.u.max_vcpus.max = VCPUS;
    EXPECT_OK(LONG(MAKE_VCPUS, domctl(XEN_DOMCTL_max_vcpus, ID)));
    for (unsigned i = 0; i < BIG; i++)
        list[i] = i;
    REQUIRE(LONG(POPULATE, reserve(XENMEM_populate_physmap, BIG)) == BIG);
    for (unsigned i = 0; i < BIG; i += PER)
        types(i);
    for (unsigned i = 0; i < VCPUS; i++) {
        domctl_op.u.vcpucontext.vcpu = i;
        set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &context);
        EXPECT_ERR(LONG(CONTEXTS, domctl(XEN_DOMCTL_getvcpucontext, ID)), ENODATA);
    }
    EXPECT_EQUAL(LONG(TAKE, reserve(XENMEM_decrease_reservation, BIG / 4)), BIG / 4);
    EXPECT_OK(LONG(DESTROY, domctl(XEN_DOMCTL_destroydomain, ID)));
}

DOMAIN_ASM(nothing, "1: pause\n jmp 1b\n");

void test_main(void)
{
    REQUIRE(vcpu_count() == 2);
    domain_make(&small, DOMAIN_CODE_OF(nothing));
    EXPECT_OK(domain_start(&small)); /* (it stays paused) */
    REQUIRE(!vcpu_start(1, asker));
    for (unsigned i = 0; i < 3; i++)
        life();
    stop = true;
    EXPECT_TRUE(wait_for(&stopped, 1, PATIENT));
    for (unsigned i = POPULATE; i < STAGES; i++) {
        printf("%s: %lu calls, %lu others passed\n", names[i], calls[i], passed[i]);
        if (i != CONTEXTS) /* too short to tell */
            EXPECT_TRUE(passed[i] >= PASSING * calls[i]);
    }
    EXPECT_OK(domain_destroy(&small));
}
