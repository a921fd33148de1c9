/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * settscinfo, gettscinfo (domctl.h): a domain's TSC as its toolstack wants it, and as it goes on after a restore: it counts from where
 * it was, at the frequency asked for, never backwards, and the domain's clock in vcpu_info gives system time from it all the same.
 */
/* qemu: -cpu max,-smap */
/* alone: a domain and its toolstack share the clock */
#include "domain.h"
#include "boot.h"
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"
#include "time.h"
#include <xen/sched.h>

#define TSC "rdtsc\n shl $32, %rdx\n or %rdx, %rax\n"
#define CPUID(sub, at) \
    "mov $0x40000003, %eax\n mov $" #sub ", %ecx\n push %rbx\n ud2a\n .ascii \"xen\"\n cpuid\n" \
    "mov %ebx, %r8d\n pop %rbx\n mov %eax, " #at "(%rbx)\n mov %r8d, " #at "+4(%rbx)\n mov %ecx, " #at "+8(%rbx)\n mov %edx, " #at "+12(%rbx)\n"

/* data[0]: how often the next was less than the last; 1, 2: first and last of many; 3: by rdtscp; 4: by rdmsr; 5, 6 and 7, 8: the leaf of time;
 * 9 to 12: the vCPU's time; 13: the TSC after that. */
DOMAIN_ASM(reader,
    "mov $0x401000, %ebx\n" TSC "mov %rax, 8(%rbx)\n mov %rax, %rsi\n mov $20000, %r12d\n"
    "1:" TSC "cmp %rsi, %rax\n jae 2f\n incq (%rbx)\n 2: mov %rax, %rsi\n dec %r12d\n jnz 1b\n mov %rsi, 16(%rbx)\n"
    "rdtscp\n shl $32, %rdx\n or %rdx, %rax\n mov %rax, 24(%rbx)\n"
    "mov $0x10, %ecx\n rdmsr\n shl $32, %rdx\n or %rdx, %rax\n mov %rax, 32(%rbx)\n" CPUID(0, 40) CPUID(1, 56)
    "mov $0x403020, %esi\n lea 72(%rbx), %rdi\n mov $32, %ecx\n rep movsb\n" TSC "mov %rax, 104(%rbx)\n" DOMAIN_SHUTDOWN(0));

struct run {
    uint64_t first, last, sample; /* its TSC */
    uint64_t begin, end;          /* our time before it ran, and after */
    struct vcpu_time_info t;
    uint32_t leaf[4], line[4];
};

static struct domain d;
static struct xen_domctl_tsc_info *const info = &domctl_op.u.tsc_info;

static long set(unsigned mode, unsigned khz, unsigned incarnation, uint64_t elapsed)
{
    domctl_clear();
    *info = (struct xen_domctl_tsc_info){ .tsc_mode = mode, .gtsc_khz = khz, .incarnation = incarnation, .elapsed_nsec = elapsed };
    return domctl(XEN_DOMCTL_settscinfo, d.id);
}

static void get(void)
{
    domctl_clear();
    EXPECT_OK(domctl(XEN_DOMCTL_gettscinfo, d.id));
}

static void run(struct run *r)
{
    r->begin = time_now();
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    REQUIRE(domain_wait(&d, 20000) == SHUTDOWN_poweroff);
    r->end = time_now();
    r->first = d.data[1];
    r->last = d.data[2];
    r->sample = d.data[13];
    memcpy(r->leaf, (const void *)&d.data[5], sizeof(r->leaf));
    memcpy(r->line, (const void *)&d.data[7], sizeof(r->line));
    memcpy(&r->t, (const void *)&d.data[9], sizeof(r->t));
    EXPECT_EQUAL(d.data[0], 0);
    EXPECT_TRUE(r->last > r->first);
    EXPECT_TRUE(d.data[3] >= r->last && d.data[4] >= d.data[3] && r->sample >= d.data[4]);
}

/* What a guest computes (xen.h) from a TSC; which may have been read before the hypervisor renewed the structure. */
static uint64_t time_at(const struct vcpu_time_info *t, uint64_t tsc)
{
    bool before = (int64_t)(tsc - t->tsc_timestamp) < 0;
    uint64_t delta = before ? t->tsc_timestamp - tsc : tsc - t->tsc_timestamp;

    delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
    delta = (uint64_t)(((unsigned __int128)delta * t->tsc_to_system_mul) >> 32);
    return before ? t->system_time - delta : t->system_time + delta;
}

/* Its clock is ours. */
static void check_clock(const struct run *r)
{
    uint64_t slack = 2000000, now = time_at(&r->t, r->sample), first = time_at(&r->t, r->first);

    if (!EXPECT_TRUE(first + slack >= r->begin && now <= r->end + slack && now >= first))
        printf("  from %lu to %lu, seen from %lu to %lu\n", r->begin, r->end, first, now);
    EXPECT_EQUAL(r->t.version & 1, 0);
}

static uint64_t ns_of(uint64_t ticks, uint64_t khz)
{
    return ticks / khz * 1000000 + ticks % khz * 1000000 / khz;
}

/* It counts at khz, and had counted for `elapsed` at some moment between `from` and `to`. */
static void check_counts(const struct run *r, uint64_t khz, uint64_t elapsed, uint64_t from, uint64_t to)
{
    uint64_t slack = 2000000;
    uint64_t ns = ns_of(r->first, khz);
    uint64_t last = ns_of(r->sample, khz);

    if (!EXPECT_TRUE(ns + slack >= elapsed + r->begin - to && last <= elapsed + r->end - from + slack))
        printf("  counted %lu to %lu ns, %lu and then %lu to %lu\n", ns, last, elapsed, r->begin - to, r->end - from);
}

static void check_emulated(unsigned mode, unsigned khz, unsigned incarnation, uint64_t elapsed)
{
    uint64_t from, to, saved;
    struct run r;

    domain_make(&d, DOMAIN_CODE_OF(reader));
    from = time_now();
    EXPECT_OK(set(mode, khz, incarnation, elapsed));
    to = time_now();
    run(&r);
    check_clock(&r);
    if (!test_on_xen() || elapsed < from) /* it is wrong where a counter is older than the machine */
        check_counts(&r, khz, elapsed, from, to);
    get();
    EXPECT_EQUAL(info->tsc_mode, mode);
    EXPECT_EQUAL(info->gtsc_khz, khz);
    EXPECT_EQUAL(info->incarnation, incarnation + 1);
    EXPECT_TRUE(info->elapsed_nsec >= elapsed + r.end - to);
    EXPECT_EQUAL(r.leaf[0] & 1, 1);
    EXPECT_EQUAL(r.leaf[1], mode);
    EXPECT_EQUAL(r.leaf[2], khz);
    EXPECT_EQUAL(r.leaf[3], incarnation + 1);
    EXPECT_EQUAL(r.line[2], r.t.tsc_to_system_mul);
    EXPECT_EQUAL((int8_t)r.line[3], r.t.tsc_shift);
    saved = info->elapsed_nsec;
    EXPECT_OK(domain_destroy(&d));

    /* The other half of its life: the counter goes on. */
    from = saved / 1000000 * khz + saved % 1000000 * khz / 1000000;
    domain_make(&d, DOMAIN_CODE_OF(reader));
    EXPECT_OK(set(mode, khz, incarnation + 1, saved));
    run(&r);
    if (!test_on_xen() || saved < r.begin)
        EXPECT_TRUE(r.first >= from - 1);
    check_clock(&r);
    EXPECT_OK(domain_destroy(&d));
}

/* The processor's, if that is asked for. */
static void check_native(void)
{
    uint64_t before, after;
    struct run r;

    domain_make(&d, DOMAIN_CODE_OF(reader));
    EXPECT_OK(set(2, 500000, 4, 1000));
    get();
    EXPECT_EQUAL(info->tsc_mode, 2);
    EXPECT_EQUAL(info->incarnation, 5);
    EXPECT_EQUAL(info->gtsc_khz, 0);
    EXPECT_EQUAL(info->elapsed_nsec, 0);
    before = tsc_read();
    run(&r);
    after = tsc_read();
    EXPECT_TRUE(r.first > before && r.sample < after);
    EXPECT_EQUAL(r.leaf[0] & 1, 0);
    check_clock(&r);
    EXPECT_OK(domain_destroy(&d));
}

/* As a domain comes, or told nothing: the clock is right, and the frequency the machine's. */
static void check_default(void)
{
    uint32_t khz;
    struct run r;

    domain_make(&d, DOMAIN_CODE_OF(reader));
    get();
    EXPECT_EQUAL(info->tsc_mode, 0);
    EXPECT_EQUAL(info->incarnation, 1);
    khz = info->gtsc_khz;
    EXPECT_TRUE(khz > 10000 && khz < 20000000);
    EXPECT_OK(set(0, 0, 0, 0));
    get();
    EXPECT_EQUAL(info->gtsc_khz, khz);
    run(&r);
    check_clock(&r);
    EXPECT_EQUAL(r.leaf[2], khz);
    EXPECT_EQUAL(r.leaf[0] & 1, test_on_xen()); /* the emulator doesn't promise Xen that its TSCs can be relied on; we look */
    EXPECT_OK(domain_destroy(&d));
}

/* Changed while the domain is there: what it reads next is by the new mode. */
static void check_change(void)
{
    struct run r;

    domain_make(&d, DOMAIN_CODE_OF(reader));
    EXPECT_OK(set(1, 3000000, 0, 5000000000));
    EXPECT_OK(set(2, 0, 0, 0));
    EXPECT_OK(set(1, 1000000, 0, 300000000));
    EXPECT_ERR(set(3, 0, 0, 0), EINVAL);
    EXPECT_ERR(set(4, 0, 0, 0), EINVAL);
    EXPECT_ERR(set(~0u, 0, 0, 0), EINVAL);
    run(&r);
    check_clock(&r);
    EXPECT_TRUE(r.first >= 300000000 && r.sample < 60000000000);
    EXPECT_OK(domain_destroy(&d));
}

void test_main(void)
{
    domctl_clear();
    EXPECT_ERR(domctl(XEN_DOMCTL_gettscinfo, 0), EINVAL);
    EXPECT_ERR(domctl(XEN_DOMCTL_settscinfo, 0), EINVAL);
    EXPECT_ERR(domctl(XEN_DOMCTL_settscinfo, 4321), ESRCH);
    check_default();
    check_native();
    check_emulated(1, 500000, 7, 1000000000000);
    check_emulated(1, 3999999, 0, 0);
    check_emulated(0, 1234567, 2, 86400000000000);
    check_emulated(0, 2345678, 0, 300000000);
    check_emulated(1, 1000, 2, 86400000000000);
    check_change();
}
