/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's clocks.
 *
 * System time is a straight line over the TSC.  While the CPUs' TSCs agree and run evenly there is ONE line for
 * all CPUs (`shared_line`), so time is the same everywhere and guests read it themselves for as long as they like.
 * Otherwise each CPU has its own line, corrected against the platform's counter every second, and time_now() never
 * gives less than it has given before on any CPU.
 *
 * The first measurement of the TSC takes 5 ms only; boot itself is the long measurement (time_init_late()).
 *
 * C1: a line's readers never see half of a change: a change is written to the copy that nobody reads.  So reading
 *     works in NMIs too.
 * C2: all_agree goes from true to false only, before the first guest; the lines are equal at that moment.
 * Locks: lines are written by their CPU with interrupts off (the shared one: by the BSP); `pit_lock` guards the PIT.
 */
#include "x86/time.h"
#include "core/pvclock.h"
#include "core/rtc.h"
#include "core/string.h"
#include "x86/apic.h"
#include "x86/cpu.h"
#include "x86/cpumask.h"
#include "x86/lock.h"
#include "x86/log.h"
#include "x86/paging.h"
#include "x86/smp.h"
#include "x86/timeline.h"
#include "x86/timer.h"

#define NS_PER_S    1000000000ul
#define QUICK_US    5000
#define BUS_US      3000
#define SYNC_NS     NS_PER_S  /* how often an unreliable TSC is corrected */
#define WARP_ROUNDS 1000

struct platform {
    const char *name;
    uint64_t hz, mask;
    uint64_t (*read)(void);
};

/* The TSC and the platform's counter at one moment. */
struct sample {
    uint64_t tsc, count;
};

struct latch {
    uint32_t seq; /* the readable copy is line[seq & 1] */
    struct clock_line line[2];
};

static struct platform platform;
static struct clock_scale platform_scale;
static struct sample first;             /* at system time 0 */
static uint64_t phase;                  /* system time is the platform's + this; from time_init_late() on */
static struct latch shared_line;
static struct clock_scale to_tsc;       /* from ns */
static bool all_agree = true;
static _Alignas(8) struct clock_scale to_bus; /* from ns to ticks of the APIC timer [atomic] */
static uint64_t bus_tsc, bus_ticks;     /* the measurement behind it: so many TSC ticks, so many of the APIC timer */
static uint64_t wall_base;              /* ns since 1970 at system time 0 [atomic] */
static uint64_t newest;                 /* highest time given, when the CPUs don't agree [atomic] */

struct local_clock {
    struct latch latch;
    struct sample last;   /* its last correction; count is without wrap-around */
    struct timer timer;
};
static DEFINE_PERCPU(struct local_clock, local);

static enum { TSC_AUTO, TSC_STABLE, TSC_UNSTABLE } opt_tsc;
static const char *opt_source = "";

/* ---- lines ---- */

static struct clock_line latch_read(const struct latch *l)
{
    struct clock_line line;
    uint32_t seq;

    do {
        seq = READ_ONCE(l->seq);
        rmb();
        line = l->line[seq & 1];
        rmb();
    } while (__builtin_expect(READ_ONCE(l->seq) != seq, 0));
    return line;
}

static void latch_write(struct latch *l, const struct clock_line *line)
{
    l->line[~l->seq & 1] = *line;
    wmb();
    WRITE_ONCE(l->seq, l->seq + 1);
    wmb();
    l->line[~l->seq & 1] = *line;
}

static struct clock_line line_here(void)
{
    return latch_read(all_agree ? &shared_line : &this_cpu(local).latch);
}

/* Other CPUs may be ahead of us. */
static uint64_t time_monotone(uint64_t now)
{
    uint64_t seen = READ_ONCE(newest);

    while (now > seen)
        if (__atomic_compare_exchange_n(&newest, &seen, now, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
            return now;
    return seen;
}

uint64_t time_now(void)
{
    struct clock_line line = line_here();
    uint64_t now = clock_line_read(&line, rdtsc_ordered());

    return likely(all_agree) ? now : time_monotone(now);
}

uint64_t time_line(struct clock_line *line)
{
    *line = line_here();
    return all_agree ? shared_line.seq : (uint64_t)(cpu_id() + 1) << 32 | this_cpu(local).latch.seq;
}

uint64_t tsc_hz(void)
{
    struct clock_line line = line_here();

    return clock_scale_hz(line.scale);
}

bool tsc_is_stable(void)
{
    return all_agree;
}

void delay_us(unsigned us)
{
    uint64_t hz = tsc_hz(), start = rdtsc();
    uint64_t ticks = us * (hz ? hz / 1000000 + 1 : 5000);

    while (rdtsc() - start < ticks)
        cpu_relax();
}

/* ---- the platform's counters ---- */

static volatile uint32_t *hpet_regs;
static uint16_t pm_port;
static spinlock_t pit_lock = LOCK_INIT(RANK_CONSOLE);

#define HPET_PERIOD  1 /* registers, in 32-bit units */
#define HPET_CONFIG  4
#define HPET_COUNTER 60

static uint64_t hpet_read(void)
{
    return hpet_regs[HPET_COUNTER];
}

static bool hpet_start(const struct time_hw *hw)
{
    uint32_t period; /* 10^-15 s */

    if (!hw->hpet || !(hpet_regs = ioremap(hw->hpet, 1024)))
        return false;
    period = hpet_regs[HPET_PERIOD];
    if (period < 100000 || period > 100000000)
        return false;
    hpet_regs[HPET_CONFIG] = (hpet_regs[HPET_CONFIG] | 1) & ~2u; /* on, no legacy interrupts */
    platform = (struct platform){ "HPET", (1000000000000000ul + period / 2) / period, 0xffffffff, hpet_read };
    return true;
}

static uint64_t pm_read(void)
{
    return inl(pm_port);
}

static bool pm_start(const struct time_hw *hw)
{
    uint32_t was;

    if (!hw->pm_timer)
        return false;
    pm_port = hw->pm_timer;
    was = inl(pm_port);
    for (unsigned i = 0; i < 1000; i++)
        if (inl(pm_port) != was) {
            platform = (struct platform){ "ACPI PM timer", 3579545, hw->pm_timer_32 ? 0xffffffff : 0xffffff, pm_read };
            return true;
        }
    return false;
}

/* Channel 2 counts down from 0xffff, over and over. */
static uint64_t pit_read(void)
{
    uint64_t flags = lock_irqsave(&pit_lock);
    unsigned v;

    outb(0x43, 0x80); /* latch it */
    v = inb(0x42);
    v |= (unsigned)inb(0x42) << 8;
    unlock_irqrestore(&pit_lock, flags);
    return ~v & 0xffff;
}

static bool pit_start(const struct time_hw *hw)
{
    outb(0x61, (uint8_t)((inb(0x61) & ~2u) | 1)); /* gate on, speaker off */
    outb(0x43, 0xb4);                             /* channel 2, two bytes, mode 2 */
    outb(0x42, 0);
    outb(0x42, 0);
    platform = (struct platform){ "PIT", 1193182, 0xffff, pit_read };
    return true;
}

static void platform_choose(const struct time_hw *hw)
{
    static const struct {
        const char *option;
        bool (*start)(const struct time_hw *);
    } kinds[] = { { "hpet", hpet_start }, { "acpi", pm_start }, { "pit", pit_start } };
    bool found = false;

    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
        if (!found && !strcmp(opt_source, kinds[i].option))
            found = kinds[i].start(hw);
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
        if (!found)
            found = kinds[i].start(hw);
    platform_scale = clock_scale_make(platform.hz, NS_PER_S);
}

/* The reading that took the least time of a few: nothing came between. */
static struct sample sample_take(uint64_t (*read)(void))
{
    struct sample best = { 0, 0 };
    uint64_t least = UINT64_MAX, flags = irq_save();

    for (unsigned i = 0; i < 8; i++) {
        uint64_t before = rdtsc_ordered(), count = read(), after = rdtsc_ordered();

        if (after - before < least) {
            least = after - before;
            best = (struct sample){ before + (after - before) / 2, count };
        }
    }
    irq_restore(flags);
    return best;
}

/* Ticks of the platform's counter from `since` to s, when about `ns` have passed. */
static uint64_t platform_ticks(const struct sample *s, uint64_t since, uint64_t ns)
{
    return counter_unwrap((s->count - since) & platform.mask, platform.mask,
                          clock_scale_apply(clock_scale_invert(platform_scale), ns));
}

/* ---- measuring ---- */

/* Processors that say how fast their TSC is: SDM vol. 2, CPUID leaf 0x15. */
static uint64_t tsc_hz_by_cpuid(void)
{
    struct cpuid_leaf l;

    if (cpuid_count(0, 0).a < 0x15)
        return 0;
    l = cpuid_count(0x15, 0);
    return l.a && l.b && l.c ? (uint64_t)l.c * l.b / l.a : 0;
}

static void scale_set(uint64_t tsc, uint64_t ns, struct clock_scale s)
{
    struct clock_line line = { tsc, ns, s };

    to_tsc = clock_scale_invert(s);
    latch_write(&shared_line, &line);
    latch_write(&this_cpu(local).latch, &line);
}

static void tsc_measure_quickly(void)
{
    uint64_t hz = tsc_hz_by_cpuid(), count = 0, last = first.count;
    uint64_t enough = platform.hz * QUICK_US / 1000000;
    struct sample s;

    if (hz) {
        scale_set(first.tsc, 0, clock_scale_make(hz, NS_PER_S));
        return;
    }
    /* Bounded: a counter that stands still ends it too. */
    for (unsigned i = 0; i < 10000000 && count < enough; i++) {
        uint64_t now = platform.read();

        count += (now - last) & platform.mask;
        last = now;
    }
    s = sample_take(platform.read);
    count = counter_unwrap((s.count - first.count) & platform.mask, platform.mask, count);
    scale_set(first.tsc, 0, clock_scale_make(MAX(s.tsc - first.tsc, 1ul),
                                             MAX(clock_scale_apply(platform_scale, count), 1ul)));
}

/* ---- the CMOS clock ---- */

static uint8_t cmos_read(uint8_t index)
{
    outb(0x70, index);
    return inb(0x71);
}

static void rtc_read_regs(const struct time_hw *hw, struct rtc_regs *r)
{
    memset(r, 0, sizeof(*r));
    r->second = cmos_read(0);
    r->minute = cmos_read(2);
    r->hour = cmos_read(4);
    r->day = cmos_read(7);
    r->month = cmos_read(8);
    r->year = cmos_read(9);
    r->status_b = cmos_read(11);
    if (hw->cmos_century)
        r->century = cmos_read(hw->cmos_century);
}

/* Twice the same, and no update under way. */
static bool rtc_read(const struct time_hw *hw, uint64_t *seconds)
{
    struct rtc_regs a, b;

    for (unsigned i = 0; i < 5; i++) {
        for (unsigned us = 0; us < 3000 && (cmos_read(10) & 0x80); us += 100)
            delay_us(100);
        rtc_read_regs(hw, &a);
        rtc_read_regs(hw, &b);
        if (!memcmp(&a, &b, sizeof(a)))
            return rtc_decode(&a, seconds);
    }
    return false;
}

uint64_t wallclock_base(void)
{
    return READ_ONCE(wall_base);
}

void wallclock_base_set(uint64_t ns)
{
    WRITE_ONCE(wall_base, ns);
}

/* ---- start ---- */

void time_init(const struct time_hw *hw)
{
    uint64_t seconds = 0;

    platform_choose(hw);
    first = sample_take(platform.read);
    tsc_measure_quickly();
    if (hw->no_cmos_rtc || !rtc_read(hw, &seconds))
        log_warn("no valid date in the CMOS clock\n");
    else
        wallclock_base_set(seconds * NS_PER_S - time_now());
    this_cpu(local).last = (struct sample){ first.tsc, 0 };
}

/* What the platform says the time is, at the TSC given back; *count: its ticks since system time 0. */
static uint64_t platform_time(struct sample *s, uint64_t about)
{
    *s = sample_take(platform.read);
    s->count = platform_ticks(s, first.count, about);
    return clock_scale_apply(platform_scale, s->count) + phase;
}

/* The CPUs don't agree: from now on each has its own line. */
static void clocks_part(const char *why)
{
    if (all_agree)
        log_warn("TSC is not the same on all CPUs (%s): time is corrected every second\n", why);
    WRITE_ONCE(newest, time_now());
    all_agree = false;
}

void time_init_cpu(void)
{
    struct clock_line line = latch_read(&shared_line);
    struct local_clock *c = &this_cpu(local);
    uint64_t here = clock_line_read(&line, rdtsc_ordered()), true_ns, error;
    struct sample s;

    true_ns = platform_time(&s, here);
    here = clock_line_read(&line, s.tsc);
    error = here > true_ns ? here - true_ns : true_ns - here;
    c->last = s;
    line.tsc = s.tsc;
    line.ns = true_ns;
    latch_write(&c->latch, &line);
    /* The rough scale may be out by a part in 2000. */
    if (error > 50000 + true_ns / 1000)
        clocks_part("at start");
}

static struct {
    uint64_t last, worst; /* [atomic] */
    uint32_t arrived;     /* [atomic] */
} warp;

static void warp_round(void)
{
    uint64_t seen = __atomic_load_n(&warp.last, __ATOMIC_SEQ_CST), now = rdtsc_ordered();

    if (now < seen)
        __atomic_store_n(&warp.worst, seen - now, __ATOMIC_SEQ_CST);
    else
        __atomic_compare_exchange_n(&warp.last, &seen, now, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* All CPUs at once: does any read less than another has read before?  No locks: an emulator's CPUs may be stopped any time. */
static void warp_test(void *data)
{
    uint32_t all = *(uint32_t *)data;
    uint64_t start;

    __atomic_add_fetch(&warp.arrived, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < 100000 && __atomic_load_n(&warp.arrived, __ATOMIC_SEQ_CST) < all; i++)
        cpu_relax();
    start = rdtsc();
    for (unsigned i = 0; i < WARP_ROUNDS && rdtsc() - start < tsc_hz() / 2000; i++)
        warp_round();
}

static void warp_check(void)
{
    uint32_t all = 0;

    cpumask_each(cpu, &cpu_online)
        all++;
    if (all < 2 || !all_agree)
        return;
    smp_call(&cpu_online, warp_test, &all);
    if (warp.worst)
        clocks_part("backward steps");
}

/* May we build on it for good?  An emulator's TSC is its own clock; a real one must say that it never changes speed. */
static bool tsc_reliable(void)
{
    struct cpuid_leaf emu = cpuid_count(0x40000000, 0);

    if (opt_tsc != TSC_AUTO)
        return opt_tsc == TSC_STABLE;
    if (cpuid_count(0x80000000, 0).a >= 0x80000007 && (cpuid_count(0x80000007, 0).d >> 8 & 1))
        return true;
    return (cpuid_count(1, 0).c >> 31 & 1) && emu.b == 0x54474354; /* "TCGTCGTCGTCG" */
}

static void sync_timer(void *data)
{
    struct local_clock *c = data;
    struct clock_line line = latch_read(&c->latch);
    struct sample s;
    uint64_t flags = irq_save();
    uint64_t ns = platform_time(&s, clock_line_read(&line, rdtsc_ordered()) - phase);

    clock_line_steer(&line, c->last.tsc, clock_scale_apply(platform_scale, c->last.count) + phase, s.tsc, ns, SYNC_NS);
    c->last = s;
    latch_write(&c->latch, &line);
    irq_restore(flags);
    timer_set(&c->timer, time_now() + SYNC_NS);
}

/* On each CPU when they don't agree: the final scale, at the platform's time.  In an interrupt. */
static void sync_start(void *scale)
{
    struct local_clock *c = &this_cpu(local);
    struct clock_line line = latch_read(&c->latch);
    struct sample s;

    line.ns = platform_time(&s, clock_line_read(&line, rdtsc_ordered()) - phase);
    line.tsc = s.tsc;
    line.scale = *(struct clock_scale *)scale;
    c->last = s;
    latch_write(&c->latch, &line);
}

static void sync_arm(unsigned cpu)
{
    struct local_clock *c = &per_cpu(local, cpu);

    timer_init(&c->timer, sync_timer, c, cpu);
    timer_set(&c->timer, time_now() + SYNC_NS);
}

void time_leave_cpu(void)
{
    if (!all_agree)
        timer_stop(&this_cpu(local).timer);
}

void time_return_cpu(void)
{
    struct clock_scale scale = line_here().scale;

    if (all_agree)
        return;
    sync_start(&scale);
    sync_arm(cpu_id());
}

/* The TSC's scale is known, or known better: so is the APIC timer's. */
static void bus_scale_set(struct clock_scale tsc)
{
    struct clock_scale s = clock_scale_make(MAX(clock_scale_apply(tsc, bus_tsc), 1ul), MAX(bus_ticks, 1ul));

    __atomic_store(&to_bus, &s, __ATOMIC_RELAXED);
}

void time_init_late(void)
{
    struct clock_line line;
    struct clock_scale scale;
    struct sample s;
    uint64_t now, ns;

    warp_check();
    if (!tsc_reliable())
        clocks_part("it may change its speed");
    /* A few ppm need some time between the two samples. */
    while (time_now() < 20000000)
        cpu_relax();
    line = latch_read(&shared_line);
    ns = platform_time(&s, time_now());
    now = clock_line_read(&line, s.tsc);
    scale = clock_scale_make(MAX(s.tsc - first.tsc, 1ul), MAX(ns, 1ul));
    phase = now - ns;
    scale_set(s.tsc, now, scale);
    if (bus_tsc) {
        bus_scale_set(scale);
        timer_reprogram_all(); /* what was set by the rough scale may come much too late */
    }
    if (!all_agree) {
        smp_call(&cpu_online, sync_start, &scale);
        cpumask_each(cpu, &cpu_online)
            sync_arm(cpu);
    }
    log_info("Time: %s at %lu Hz; TSC at %lu Hz, %s\n", platform.name, platform.hz, tsc_hz(),
             all_agree ? "the same on all CPUs" : "corrected every second");
}

/* ---- the hardware timer ---- */

/* The APIC timer's count goes down. */
static uint64_t bus_count(void)
{
    return UINT32_MAX - apic_timer_count();
}

static void bus_measure(void)
{
    struct clock_line line = line_here();
    struct sample a, b;

    apic_timer_count_from(UINT32_MAX);
    a = sample_take(bus_count);
    delay_us(BUS_US);
    b = sample_take(bus_count);
    apic_timer_count_from(0);
    bus_tsc = b.tsc - a.tsc;
    bus_ticks = b.count - a.count;
    bus_scale_set(line.scale);
}

void hwtimer_init_cpu(void)
{
    apic_timer_init();
    if (apic_timer_is_deadline() || to_bus.mul)
        return;
    bus_measure();
    apic_timer_init();
}

static uint64_t bus_ticks_in(uint64_t ns)
{
    struct clock_scale s;

    __atomic_load(&to_bus, &s, __ATOMIC_RELAXED);
    return clock_scale_apply(s, ns);
}

bool hwtimer_set(uint64_t deadline)
{
    struct clock_line line = line_here();
    uint64_t tsc = rdtsc(), now = clock_line_read(&line, tsc);
    uint64_t delta = deadline - now;

    if (deadline <= now)
        return false;
    if (apic_timer_is_deadline())
        apic_timer_oneshot(tsc + clock_scale_apply(to_tsc, MIN(delta, 1ul << 50)) + 1);
    else
        apic_timer_oneshot(MIN(bus_ticks_in(MIN(delta, NS_PER_S * 4)) + 1, (uint64_t)UINT32_MAX));
    return true;
}

/* ---- options and debugging ---- */

bool time_option(const char *name, const char *value)
{
    if (!strcmp(name, "clocksource")) {
        opt_source = value;
        return !strcmp(value, "hpet") || !strcmp(value, "acpi") || !strcmp(value, "pit") || !strcmp(value, "tsc");
    }
    if (strcmp(name, "tsc"))
        return false;
    if (!strncmp(value, "stable", 6))
        opt_tsc = TSC_STABLE;
    else if (!strcmp(value, "unstable") || !strcmp(value, "skewed"))
        opt_tsc = TSC_UNSTABLE;
    else
        return false;
    return true;
}

void time_dump(void)
{
    struct clock_line line = line_here();
    struct sample s;
    uint64_t now = time_now(), ns = platform_time(&s, now - phase), here = clock_line_read(&line, s.tsc);

    log_always("system time %lu ns, wall clock at its start %lu ns\n", now, wallclock_base());
    log_always("%s: %lu Hz, %lu ticks; TSC %lu Hz (mul %x shift %d), %s\n", platform.name, platform.hz, s.count, tsc_hz(),
               line.scale.mul, line.scale.shift, all_agree ? "one line for all CPUs" : "a line a CPU");
    log_always("CPU%u is %ld ns ahead of the platform's counter\n", cpu_id(), (int64_t)(here - ns));
    log_always("APIC timer: %s, %lu ticks/s\n", apic_timer_is_deadline() ? "TSC deadline" : "counter",
               clock_scale_apply(to_bus, NS_PER_S));
}
