/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain that does nothing but harm: it spins with events masked, or repeats one hypercall for ever (the longest that an
 * unprivileged domain can think of, timers that have passed, events for us or for a third, text for the console).  We keep our share of
 * the CPU, wake in time, can pause it at any moment, and destroying it in the middle gives all memory back.
 */
/* clock: virtual */
/* build: plain */
#include "domain.h"
#include "boot.h"
#include "check.h"
#include "console.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "sysctl.h"
#include "time.h"
#include <xen/sched.h>

#define MS        1000000ul
#define LATE_MAX  (5 * MS)
#define WINDOW    0x404000ul /* of the domain: one frame, over and over, to the end of its L1 */
#define PAGES     508u
#define WINDOW_VA 0x0000320000000000ul /* that frame, for us */

/* The call data[9](data[10], data[11]) once, data[1](data[2] to data[5]) for ever; data[0] counts, data[6] is the last answer. */
DOMAIN_ASM(caller,
    "mov $0x401000, %ebx\n movb $1, 0x403001\n"
    "mov 72(%rbx), %eax\n mov 80(%rbx), %rdi\n mov 88(%rbx), %rsi\n syscall\n mov %rax, 64(%rbx)\n"
    "1: mov 8(%rbx), %eax\n mov 16(%rbx), %rdi\n mov 24(%rbx), %rsi\n mov 32(%rbx), %rdx\n mov 40(%rbx), %r10\n xor %r8d, %r8d\n"
    "syscall\n mov %rax, 48(%rbx)\n incq (%rbx)\n jmp 1b\n");

DOMAIN_ASM(spinner, "mov $0x401000, %ebx\n movb $1, 0x403001\n 1: incq (%rbx)\n jmp 1b\n");

static struct domain d;

static uint64_t ran(void)
{
    struct vcpu_runstate_info r;

    EXPECT_OK(vcpu_op(VCPUOP_get_runstate_info, 0, &r));
    return r.time[RUNSTATE_running];
}

/* The longest that we slept beyond what we asked for. */
static uint64_t lateness(void)
{
    uint64_t worst = 0;

    for (unsigned i = 0; i < 50; i++) {
        struct sched_poll p = { .timeout = time_now() + MS };
        uint64_t now;

        EXPECT_OK(hypercall(sched_op, SCHEDOP_poll, &p));
        now = time_now();
        if (now > p.timeout && now - p.timeout > worst)
            worst = now - p.timeout;
    }
    return worst;
}

/* Our share of the CPU, in percent, while we could use all of it. */
static unsigned share(void)
{
    uint64_t start = time_now(), before = ran();

    time_spin(200 * MS);
    return (unsigned)((ran() - before) * 100 / (time_now() - start));
}

static unsigned long free_pages(void)
{
    struct sched_poll p = { .timeout = time_now() + 5 * MS }; /* what is left of a domain goes when a CPU looks up */

    EXPECT_OK(hypercall(sched_op, SCHEDOP_poll, &p));
    EXPECT_OK(SYSCTL(physinfo));
    return U.physinfo.free_pages;
}

static void window_make(void)
{
    static struct mmu_update u[PAGES];
    unsigned owner = d.id | (d.id + 1u) << 16;

    EXPECT_OK(domain_map(&d, WINDOW_VA, d.mfn[7], PTE_RW));
    for (unsigned i = 0; i < PAGES; i++) {
        u[i].ptr = (d.mfn[3] << PAGE_SHIFT) + ((WINDOW >> PAGE_SHIFT & 511) + i) * sizeof(uint64_t);
        u[i].val = pte_make(d.mfn[7], PTE_RW);
    }
    REQUIRE(!hypercall(mmu_update, u, PAGES, NULL, owner));
}

static void window_fill(const void *entry, unsigned size)
{
    for (unsigned at = 0; at < PAGE_SIZE; at += size)
        memcpy((void *)(WINDOW_VA + at), entry, size);
}

/* It is at it: we don't notice more than the rules allow. */
static void endure(const char *name)
{
    unsigned long n;
    uint64_t late;
    unsigned part;

    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 20), -1);
    late = lateness();
    part = share();
    n = d.data[0];
    printf("%s: %lu rounds, the last answered %ld; late by %lu us at most, our share %u %%\n", name, n, (long)d.data[6], late / 1000, part);
    EXPECT_TRUE(late < LATE_MAX);
    EXPECT_TRUE(part >= 40);
    for (unsigned i = 0; i < 20 && !d.data[0]; i++) /* one round may be long on a sanitized build */
        EXPECT_EQUAL(domain_wait(&d, 100), -1);
    EXPECT_OK(domctl(XEN_DOMCTL_pausedomain, d.id));
    n = d.data[0];
    EXPECT_TRUE(n > 0);
    EXPECT_EQUAL(domain_wait(&d, 20), -1);
    EXPECT_EQUAL(d.data[0], n);
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 3), -1);
}

static void end(void)
{
    EXPECT_OK(domain_map(&d, WINDOW_VA, 0, 0));
    EXPECT_OK(domain_destroy(&d));
}

static void call_set(unsigned nr, unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3)
{
    d.data[1] = nr;
    d.data[2] = a0;
    d.data[3] = a1;
    d.data[4] = a2;
    d.data[5] = a3;
    d.data[9] = __HYPERVISOR_xen_version;
    d.data[10] = 0;
}

static void make(void)
{
    domain_make(&d, DOMAIN_CODE_OF(caller));
    window_make();
}

static void check_spin(void)
{
    domain_make(&d, DOMAIN_CODE_OF(spinner));
    EXPECT_OK(domain_map(&d, WINDOW_VA, d.mfn[7], PTE_RW));
    endure("spinning");
    end();
}

/* Hundreds of thousands of steps a call. */
static void check_long_calls(void)
{
    struct mmu_update u;
    struct multicall_entry m = { .op = __HYPERVISOR_xen_version };

    make();
    u.ptr = d.mfn[7] << PAGE_SHIFT | MMU_MACHPHYS_UPDATE;
    u.val = 7;
    window_fill(&u, sizeof(u));
    call_set(__HYPERVISOR_mmu_update, WINDOW, PAGES * PAGE_SIZE / sizeof(u), 0, DOMID_SELF);
    endure("mmu_update");
    EXPECT_EQUAL(d.data[6], 0);
    end();

    make();
    window_fill(&m, sizeof(m));
    call_set(__HYPERVISOR_multicall, WINDOW, PAGES * PAGE_SIZE / sizeof(m), 0, 0);
    endure("multicall");
    EXPECT_EQUAL(d.data[6], 0);
    end();
}

/* The hypervisor's log is not theirs: refused (Xen), or a few lines only. */
static void check_console(void)
{
    make();
    memset((void *)WINDOW_VA, 'x', PAGE_SIZE);
    ((char *)WINDOW_VA)[PAGE_SIZE - 1] = '\n';
    call_set(__HYPERVISOR_console_io, CONSOLEIO_write, PAGES * PAGE_SIZE, WINDOW, 0);
    endure("console_io");
    EXPECT_EQUAL((long)d.data[6], -XEN_EPERM);
    end();
}

static void check_timers(void)
{
    make();
    call_set(__HYPERVISOR_set_timer_op, 1, 0, 0, 0);
    endure("set_timer_op");
    end();
    make();
    call_set(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0);
    endure("yield");
    end();
}

/* It binds itself to `port` of domain `to` first. */
static void flood(const char *name, domid_t to, unsigned port)
{
    struct evtchn_bind_interdomain *b = (void *)(uintptr_t)&d.data[16];

    b->remote_dom = to;
    b->remote_port = port;
    call_set(__HYPERVISOR_event_channel_op, EVTCHNOP_send, DOMAIN_DATA + 128 + offsetof(struct evtchn_bind_interdomain, local_port), 0, 0);
    d.data[9] = __HYPERVISOR_event_channel_op;
    d.data[10] = EVTCHNOP_bind_interdomain;
    d.data[11] = DOMAIN_DATA + 128;
    endure(name);
    EXPECT_EQUAL(d.data[8], 0);
    EXPECT_EQUAL(d.data[6], 0);
}

static void check_events_to_us(void)
{
    unsigned n;
    long port;

    make();
    port = event_alloc_unbound(DOMID_SELF, d.id);
    REQUIRE(port > 0);
    event_count[port] = 0;
    event_mask((unsigned)port);
    flood("events for us, masked", 0, (unsigned)port);
    EXPECT_EQUAL(event_count[port], 0);
    event_unmask((unsigned)port);
    event_clear((unsigned)port);
    EXPECT_TRUE(event_wait((unsigned)port, 100, 5000));
    printf("events for us, taken: our share %u %%\n", share());
    EXPECT_EQUAL(domain_wait(&d, 3), -1);
    end();
    n = event_count[port];
    EXPECT_OK(event_send((unsigned)port)); /* nobody is there any more */
    EXPECT_EQUAL(event_count[port], n);
    EXPECT_OK(event_close((unsigned)port));
}

static void check_events_to_third(void)
{
    struct domain third;
    struct evtchn_alloc_unbound a;
    unsigned long n;

    domain_make(&third, DOMAIN_CODE_OF(spinner));
    EXPECT_OK(domain_start(&third));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, third.id));
    make();
    a = (struct evtchn_alloc_unbound){ .dom = third.id, .remote_dom = d.id };
    REQUIRE(!hypercall(event_channel_op, EVTCHNOP_alloc_unbound, &a));
    EXPECT_OK(domctl(XEN_DOMCTL_pausedomain, third.id)); /* of two, we get a half */
    flood("events for a third", third.id, a.port);
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, third.id));
    n = third.data[0];
    EXPECT_EQUAL(domain_wait(&third, 50), -1);
    EXPECT_TRUE(third.data[0] > n);
    EXPECT_OK(domain_destroy(&third));
    n = d.data[0];
    EXPECT_EQUAL(domain_wait(&d, 20), -1);
    EXPECT_TRUE(d.data[0] > n);
    end();
}

static void check_all(void)
{
    check_spin();
    check_long_calls();
    check_console();
    check_timers();
    check_events_to_us();
    check_events_to_third();
}

void test_main(void)
{
    unsigned long before;

    events_on();
    check_events_to_us(); /* our own tables grow once */
    check_events_to_third();
    before = free_pages();
    check_all();
    EXPECT_EQUAL(free_pages(), before);
}
