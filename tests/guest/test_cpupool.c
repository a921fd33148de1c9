/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU pools (sysctl.h): made, given CPUs and domains, and taken apart; what may not be done with them.  Domains run on their pool's CPUs
 * only, also while these come and go, and lose no time by it; a CPU in no pool idles; affinity is what was asked for as far as the pool has it.
 */
/* qemu: -smp 4 */
/* hv: dom0_max_vcpus=4 */
/* timeout: 150 */
/* not-bochs: has two CPUs there */
#include "domain.h"
#include <xen/sched.h>
#include "check.h"
#include "cpu.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "sysctl.h"
#include "time.h"

#define MS  1000000ul
#define ANY XEN_SYSCTL_CPUPOOL_PAR_ANY

static uint64_t map; /* what an operation said of CPUs */

static long pool(unsigned op, unsigned id, unsigned domid, unsigned cpu)
{
    map = 0;
    return SYSCTL(cpupool_op, U.cpupool_op.op = op; U.cpupool_op.cpupool_id = id; U.cpupool_op.domid = domid;
                  U.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT2; U.cpupool_op.cpu = cpu;
                  U.cpupool_op.cpumap.bitmap.p = (void *)&map; U.cpupool_op.cpumap.nr_bits = 64);
}

/* Taking a CPU away while something runs there may need another try on Xen; so toolstacks do it. */
static long pool_patient(unsigned op, unsigned id, unsigned domid, unsigned cpu)
{
    uint64_t until = time_now() + 10000 * MS;
    long r;

    do
        r = pool(op, id, domid, cpu);
    while ((r == -XEN_EAGAIN || (test_on_xen() && r == -XEN_EBUSY)) && time_now() < until);
    return r;
}

#define POOL(op, ...)  pool(XEN_SYSCTL_CPUPOOL_OP_##op, __VA_ARGS__)
#define REMOVE(id, cpu) pool_patient(XEN_SYSCTL_CPUPOOL_OP_RMCPU, id, 0, cpu)

static uint64_t cpus_of(unsigned id)
{
    EXPECT_OK(POOL(INFO, id, 0, 0));
    EXPECT_EQUAL(U.cpupool_op.cpupool_id, id);
    EXPECT_EQUAL(U.cpupool_op.sched_id, XEN_SCHEDULER_CREDIT2);
    return map;
}

static unsigned domains_of(unsigned id)
{
    EXPECT_OK(POOL(INFO, id, 0, 0));
    return U.cpupool_op.n_dom;
}

static uint64_t free_cpus(void)
{
    EXPECT_OK(POOL(FREEINFO, 0, 0, 0));
    return map;
}

static long affinity(uint32_t cmd, domid_t id, unsigned vcpu, uint64_t *hard)
{
    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
    domctl_op.u.vcpuaffinity.vcpu = vcpu;
    domctl_op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    domctl_op.u.vcpuaffinity.cpumap_hard.bitmap.p = (void *)hard;
    domctl_op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    return domctl(cmd, id);
}

static uint64_t hard_of(domid_t id, unsigned vcpu)
{
    uint64_t hard = 0;

    EXPECT_OK(affinity(XEN_DOMCTL_getvcpuaffinity, id, vcpu, &hard));
    return hard;
}

/* What comes of it, or an error. */
static long hard_set(domid_t id, unsigned vcpu, uint64_t want)
{
    long r = affinity(XEN_DOMCTL_setvcpuaffinity, id, vcpu, &want);

    return r ? r : (long)want;
}

static long override(int cpu)
{
    struct sched_pin_override p = { .pcpu = cpu };

    return hypercall(sched_op, SCHEDOP_pin_override, &p);
}

static long create_in(unsigned id)
{
    struct xen_domctl_createdomain *c = &domctl_op.u.createdomain;

    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
    c->max_vcpus = 1;
    c->max_evtchn_port = 1023;
    c->max_grant_frames = c->max_maptrack_frames = 4;
    c->grant_opts = XEN_DOMCTL_GRANT_version(1);
    c->cpupool_id = id;
    return domctl(XEN_DOMCTL_createdomain, 0);
}

/* ---- Pools themselves ---- */

static void check_making(void)
{
    EXPECT_EQUAL(cpus_of(0), 15);
    EXPECT_EQUAL(free_cpus(), 0);
    EXPECT_OK(POOL(CREATE, ANY, 0, 0));
    EXPECT_EQUAL(U.cpupool_op.cpupool_id, 1);
    EXPECT_OK(POOL(CREATE, 5, 0, 0));
    EXPECT_OK(POOL(CREATE, ANY, 0, 0));
    EXPECT_EQUAL(U.cpupool_op.cpupool_id, 6);
    EXPECT_ERR(POOL(CREATE, 5, 0, 0), EEXIST);
    EXPECT_ERR(POOL(CREATE, 0, 0, 0), EEXIST);
    EXPECT_OK(POOL(CREATE, 0xfffffff0, 0, 0));
    EXPECT_OK(POOL(CREATE, 3, 0, 0));
    EXPECT_OK(POOL(INFO, 2, 0, 0)); /* that, or the next */
    EXPECT_EQUAL(U.cpupool_op.cpupool_id, 3);
    EXPECT_EQUAL(U.cpupool_op.n_dom, 0);
    EXPECT_EQUAL(map, 0);
    EXPECT_OK(POOL(INFO, 7, 0, 0));
    EXPECT_EQUAL(U.cpupool_op.cpupool_id, 0xfffffff0);
    EXPECT_ERR(POOL(INFO, 0xfffffff1, 0, 0), ENOENT);
    EXPECT_OK(POOL(DESTROY, 3, 0, 0));
    EXPECT_ERR(POOL(DESTROY, 3, 0, 0), ENOENT);
    EXPECT_OK(POOL(DESTROY, 0xfffffff0, 0, 0));
    EXPECT_OK(POOL(DESTROY, 5, 0, 0));
    EXPECT_OK(POOL(DESTROY, 6, 0, 0));
    EXPECT_ERR(POOL(DESTROY, 0, 0, 0), EBUSY);
    EXPECT_ERR(POOL(INFO, 2, 0, 0), ENOENT);
    EXPECT_ERR(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE; U.cpupool_op.cpupool_id = ANY;
                      U.cpupool_op.sched_id = 4), ENOENT);
    if (!test_on_xen()) /* which has it */
        EXPECT_ERR(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_CREATE; U.cpupool_op.cpupool_id = ANY;
                          U.cpupool_op.sched_id = XEN_SCHEDULER_CREDIT), ENOENT);
}

/* Pool 1 is there, and empty; is left with CPU 2, and CPU 3 is free. */
static void check_cpus(void)
{
    EXPECT_ERR(POOL(ADDCPU, 1, 0, 3), ENODEV);
    EXPECT_ERR(POOL(ADDCPU, 1, 0, ANY), ENODEV);
    EXPECT_ERR(POOL(ADDCPU, 1, 0, 99), EINVAL);
    EXPECT_ERR(POOL(ADDCPU, 9, 0, 99), ENOENT);
    EXPECT_ERR(REMOVE(1, 3), EADDRNOTAVAIL);
    EXPECT_ERR(REMOVE(1, 99), EINVAL);
    EXPECT_ERR(REMOVE(1, ANY), EINVAL);
    EXPECT_ERR(REMOVE(9, ANY), ENOENT);
    EXPECT_ERR(REMOVE(0, 0), EINVAL); /* CPU 0 stays in pool 0 */
    EXPECT_OK(REMOVE(0, 3));
    EXPECT_EQUAL(free_cpus(), 8);
    EXPECT_ERR(REMOVE(0, 3), EADDRNOTAVAIL);
    EXPECT_OK(REMOVE(0, ANY));
    EXPECT_EQUAL(free_cpus(), 12);
    EXPECT_EQUAL(cpus_of(0), 3);
    EXPECT_OK(POOL(ADDCPU, 1, 0, ANY));
    EXPECT_EQUAL(cpus_of(1), 4);
    EXPECT_ERR(POOL(ADDCPU, 0, 0, 2), ENODEV);
    EXPECT_ERR(POOL(ADDCPU, 1, 0, 2), ENODEV);
    EXPECT_ERR(POOL(DESTROY, 1, 0, 0), EBUSY);
}

/* CPU 3 is free. */
static void check_affinity(void)
{
    EXPECT_OK(POOL(ADDCPU, 0, 0, 3));
    EXPECT_EQUAL(hard_set(0, 1, 8), 8);
    EXPECT_OK(REMOVE(0, 3));
    EXPECT_EQUAL(hard_of(0, 1), 15); /* its affinity is broken for good */
    EXPECT_EQUAL(hard_set(0, 1, 8), -XEN_EINVAL);
    EXPECT_EQUAL(hard_set(0, 1, 10), 2);
    EXPECT_EQUAL(hard_of(0, 1), 10);
    EXPECT_ERR(override(3), EINVAL);
    EXPECT_OK(POOL(ADDCPU, 0, 0, 3));
    EXPECT_EQUAL(hard_set(0, 1, 15), 11);
    if (test_on_xen()) { /* there it is half done, and said to have failed */
        EXPECT_OK(REMOVE(0, 3));
        return;
    }
    EXPECT_OK(override(3));
    EXPECT_ERR(REMOVE(0, 3), EADDRINUSE);
    EXPECT_EQUAL(cpus_of(0), 11);
    EXPECT_OK(override(-1));
    EXPECT_OK(REMOVE(0, 3));
    EXPECT_EQUAL(cpus_of(0), 3);
}

/* A rate limit is the pool's. */
static void check_ratelimit(void)
{
    EXPECT_OK(SYSCTL(scheduler_op, U.scheduler_op.cpupool_id = 1; U.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
                     U.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_putinfo; U.scheduler_op.u.sched_credit2.ratelimit_us = 3000));
    EXPECT_OK(SYSCTL(scheduler_op, U.scheduler_op.cpupool_id = 1; U.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
                     U.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo));
    EXPECT_EQUAL(U.scheduler_op.u.sched_credit2.ratelimit_us, 3000);
    EXPECT_OK(SYSCTL(scheduler_op, U.scheduler_op.cpupool_id = 0; U.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
                     U.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo));
    EXPECT_TRUE(U.scheduler_op.u.sched_credit2.ratelimit_us <= 1000);
}

/* ---- Domains ---- */

/* Counts in data[0]. */
DOMAIN_ASM(counter, "mov $0x401000, %ebx\n 1: incq (%rbx)\n jmp 1b");

static void check_creating(void)
{
    domid_t id;

    EXPECT_OK(POOL(CREATE, 2, 0, 0));
    EXPECT_ERR(create_in(2), ENODEV); /* it has no CPU */
    EXPECT_ERR(create_in(9), ESRCH);
    EXPECT_OK(create_in(1));
    id = domctl_op.domain;
    EXPECT_EQUAL(domains_of(1), 1);
    EXPECT_OK(domctl(XEN_DOMCTL_getdomaininfo, id));
    EXPECT_EQUAL(domctl_op.u.getdomaininfo.cpupool, 1);
    EXPECT_OK(domctl(XEN_DOMCTL_destroydomain, id));
    EXPECT_EQUAL(domains_of(1), 0);
    EXPECT_OK(POOL(DESTROY, 2, 0, 0));
}

static unsigned cpu_of(const struct domain *d)
{
    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpuinfo, d->id));
    return domctl_op.u.getvcpuinfo.cpu;
}

static uint64_t time_of(const struct domain *d)
{
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpuinfo, d->id));
    return domctl_op.u.getvcpuinfo.cpu_time;
}

/* It goes on counting, on that CPU. */
static void counts_on(const struct domain *d, unsigned cpu)
{
    unsigned long was = d->data[0];
    uint64_t until = time_now() + PATIENT * MS;

    while (d->data[0] - was < 1000 && time_now() < until)
        ;
    EXPECT_TRUE(d->data[0] - was >= 1000);
    EXPECT_EQUAL(cpu_of(d), cpu);
}

/* Pool 1 has CPU 2, CPU 3 is free. */
static void check_moving(struct domain *d)
{
    uint64_t ran;

    domain_make(d, DOMAIN_CODE_OF(counter));
    EXPECT_EQUAL(hard_set(d->id, 0, 2), 2);
    EXPECT_OK(domain_start(d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d->id));
    counts_on(d, 1);
    ran = time_of(d);
    EXPECT_ERR(POOL(MOVEDOMAIN, 9, d->id, 0), ENOENT);
    EXPECT_ERR(POOL(MOVEDOMAIN, 1, d->id + 1u, 0), ESRCH);
    EXPECT_ERR(POOL(MOVEDOMAIN, 1, 0, 0), EPERM);
    EXPECT_OK(POOL(MOVEDOMAIN, 1, d->id, 0));
    counts_on(d, 2);
    EXPECT_TRUE(time_of(d) >= ran);
    EXPECT_EQUAL(hard_of(d->id, 0), 15); /* it may use all of its new pool */
    EXPECT_EQUAL(domains_of(1), 1);
    EXPECT_ERR(REMOVE(1, 2), EBUSY);
    EXPECT_EQUAL(hard_set(d->id, 0, 2), -XEN_EINVAL);
    EXPECT_EQUAL(hard_set(d->id, 0, 6), 4);
    EXPECT_OK(POOL(ADDCPU, 1, 0, 3));
    EXPECT_OK(REMOVE(1, 2));
    counts_on(d, 3);
    EXPECT_ERR(REMOVE(1, 3), EBUSY);
}

/* Its only CPU goes to and fro, and dom0 takes what is left. */
static void check_restless(const struct domain *d)
{
    uint64_t from = time_now(), ran = time_of(d), since;

    for (unsigned i = 0; i < 50; i++) {
        EXPECT_OK(POOL(ADDCPU, 1, 0, 2 + i % 2));
        EXPECT_OK(REMOVE(1, 3 - i % 2));
        EXPECT_EQUAL(cpus_of(1), 4 << i % 2);
        counts_on(d, 2 + i % 2);
    }
    since = time_now() - from;
    ran = time_of(d) - ran;
    EXPECT_TRUE(ran <= since + MS);
    EXPECT_TRUE(ran + 50 * 10 * MS >= since); /* nothing else was there: only the moves took time */
}

static uint64_t idle_time(unsigned cpu)
{
    static struct xen_sysctl_cpuinfo info[4];

    EXPECT_OK(SYSCTL(getcpuinfo, U.getcpuinfo.max_cpus = 4; U.getcpuinfo.info.p = info));
    return info[cpu].idletime;
}

static volatile unsigned spinning, stop;

static void spinner(void)
{
    __atomic_add_fetch(&spinning, 1, __ATOMIC_SEQ_CST);
    while (!stop)
        ;
    __atomic_sub_fetch(&spinning, 1, __ATOMIC_SEQ_CST);
    vcpu_stop();
}

/* Three vCPUs of ours spin on two CPUs, while one is free: that does nothing. */
static void check_free_idles(unsigned cpu)
{
    uint64_t from, idle;

    for (unsigned i = 1; i < 4; i++)
        EXPECT_OK(vcpu_start(i, spinner));
    EXPECT_TRUE(wait_for(&spinning, 3, PATIENT));
    from = time_now();
    idle = idle_time(cpu);
    time_spin(200 * MS);
    idle = idle_time(cpu) - idle;
    from = time_now() - from;
    EXPECT_TRUE(idle <= from + 10 * MS);
    EXPECT_TRUE(idle >= from - from / 4);
    for (unsigned i = 0; i < 20; i++) { /* and it comes and goes under them */
        EXPECT_OK(POOL(ADDCPU, 0, 0, cpu));
        time_spin(2 * MS);
        EXPECT_OK(REMOVE(0, cpu));
        EXPECT_OK(REMOVE(0, 1));
        EXPECT_OK(POOL(ADDCPU, 0, 0, 1));
    }
    stop = 1;
    for (uint64_t until = time_now() + PATIENT * MS; spinning && time_now() < until;)
        ;
    EXPECT_EQUAL(spinning, 0);
}

/* A dying domain holds up no pool. */
static void check_end(struct domain *d)
{
    EXPECT_OK(domain_destroy(d));
    EXPECT_EQUAL(domains_of(1), 0);
    EXPECT_OK(REMOVE(1, ANY));
    EXPECT_ERR(REMOVE(1, ANY), EINVAL);
    EXPECT_OK(POOL(DESTROY, 1, 0, 0));
    EXPECT_EQUAL(free_cpus(), 12);
    EXPECT_OK(POOL(ADDCPU, 0, 0, ANY));
    EXPECT_OK(POOL(ADDCPU, 0, 0, ANY));
    EXPECT_EQUAL(cpus_of(0), 15);
}

void test_main(void)
{
    struct domain d;

    check_making();
    check_cpus();
    check_affinity();
    check_ratelimit();
    check_creating();
    check_moving(&d);
    if (!test_on_xen()) { /* which does not survive it */
        check_restless(&d);
        check_free_idles(free_cpus() & 4 ? 2 : 3);
    }
    check_end(&d);
}
