/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machine checks: see mce.h.  (SDM3 ch. 15, APM2 ch. 9.)
 *
 * Records are written by the exception, where no lock may be taken: each slot's `state` is claimed with a
 * compare-and-swap and tells who may touch the rest.  Messages, the event for dom0 and clearing up follow in a softirq.
 */
#include "kern/mce.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/event.h"
#include "kern/sched.h"
#include "x86/cpu.h"
#include "x86/cpumask.h"
#include "x86/smp.h"
#include "x86/softirq.h"
#include "x86/time.h"
#include "x86/timer.h"
#include "x86/traps.h"
#include "x86/uaccess.h"
#include <xen/arch-x86/xen-mca.h>

#define MSR_MCG_CAP    0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MCG_CTL    0x17b
#define MSR_MC_CTL(b)    (0x400 + 4 * (b))
#define MSR_MC_STATUS(b) (0x401 + 4 * (b))
#define MSR_MC_ADDR(b)   (0x402 + 4 * (b))
#define MSR_MC_MISC(b)   (0x403 + 4 * (b))
#define MCG_CTL_P      (1ul << 8)
#define MCG_SER_P      (1ul << 24)
#define MCG_RIPV       1ul
#define MC_VALID       (1ul << 63)
#define MC_UC          (1ul << 61)
#define MC_EN          (1ul << 60)
#define MC_MISCV       (1ul << 59)
#define MC_ADDRV       (1ul << 58)
#define MC_PCC         (1ul << 57)
#define MC_S           (1ul << 56) /* if MCG_SER_P */
#define MC_AR          (1ul << 55)

#define POLL_PERIOD (30 * 1000000000ul)
#define RECORDS 16

enum slot_state { SLOT_FREE, SLOT_FILLING, SLOT_NEW, SLOT_KNOWN };

static struct {
    uint32_t state;       /* enum slot_state [atomic] */
    struct mce_record r;  /* of whoever made it FILLING; then constant until FREE */
} slots[RECORDS];

static uint64_t capabilities;   /* [const after boot] */
static uint64_t last_id;        /* [atomic] */
static unsigned lost;           /* [atomic] records that found no room */
static struct timer poll_timer;

uint64_t mce_capabilities(void)
{
    return capabilities;
}

/* ---- Registers, and values made up for tests ---- */

#define INJECTED_MAX 24

struct injected {
    unsigned n;
    struct {
        uint32_t reg;
        uint64_t value;
    } e[INJECTED_MAX];
};

static DEFINE_PERCPU(struct injected, injected); /* of the CPU itself, interrupts off; the exception may come between */

/* Its place in the list, or -1. */
static int injected_find(const struct injected *in, uint32_t reg)
{
    for (unsigned i = 0; i < in->n; i++)
        if (in->e[i].reg == reg)
            return (int)i;
    return -1;
}

static void injected_drop(struct injected *in, uint32_t reg)
{
    int i = injected_find(in, reg);

    if (i >= 0)
        in->e[i] = in->e[--in->n];
}

static uint64_t mc_read(uint32_t reg)
{
    int i = injected_find(&this_cpu(injected), reg);

    return i >= 0 ? this_cpu(injected).e[i].value : rdmsr(reg);
}

static void global_status_clear(void)
{
    if (injected_find(&this_cpu(injected), MSR_MCG_STATUS) >= 0)
        injected_drop(&this_cpu(injected), MSR_MCG_STATUS);
    else
        wrmsr(MSR_MCG_STATUS, 0);
}

static void bank_clear(unsigned b)
{
    struct injected *in = &this_cpu(injected);

    if (injected_find(in, MSR_MC_STATUS(b)) < 0)
        wrmsr(MSR_MC_STATUS(b), 0);
    for (uint32_t reg = MSR_MC_CTL(b); reg <= MSR_MC_MISC(b); reg++)
        injected_drop(in, reg);
}

/* ---- Finding ---- */

static int slot_claim(void)
{
    for (int i = 0; i < RECORDS; i++) {
        uint32_t is_free = SLOT_FREE;

        if (__atomic_compare_exchange_n(&slots[i].state, &is_free, SLOT_FILLING, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST))
            return i;
    }
    __atomic_add_fetch(&lost, 1, __ATOMIC_RELAXED);
    return -1;
}

static void bank_read(struct mce_record *r, unsigned bank, uint64_t status)
{
    struct mce_bank *b = &r->bank[r->nr_banks++];

    *b = (struct mce_bank){ .bank = bank, .status = status };
    if (status & MC_ADDRV)
        b->address = mc_read(MSR_MC_ADDR(bank));
    if (status & MC_MISCV)
        b->misc = mc_read(MSR_MC_MISC(bank));
}

/* Read the banks that have something and, if `clear`, make room for the next.  Nothing of what it touches can be
 * locked. */
static void banks_read(struct mce_record *r, bool urgent, bool clear)
{
    struct vcpu *v = current;
    unsigned banks = capabilities & 0xff;

    *r = (struct mce_record){ .urgent = urgent, .cpu = cpu_id(), .tsc = rdtsc(), .domid = DOMID_INVALID,
                              .vcpu = XEN_MC_VCPUID_INVALID };
    if (v && !v->is_idle) {
        r->domid = v->domain->id;
        r->vcpu = (uint16_t)v->id;
    }
    r->global_status = mc_read(MSR_MCG_STATUS);
    for (unsigned i = 0; i < banks && r->nr_banks < MCE_RECORD_BANKS; i++) {
        uint64_t status = mc_read(MSR_MC_STATUS(i));

        /* A look in passing leaves what an exception is about to bring. */
        if (!(status & MC_VALID) || (!urgent && (status & MC_UC) && (status & MC_EN)))
            continue;
        r->uncorrected |= (status & MC_UC) != 0;
        bank_read(r, i, status);
        if (clear)
            bank_clear(i);
    }
}

static void record_keep(const struct mce_record *r)
{
    int i = r->nr_banks ? slot_claim() : -1;

    if (i < 0)
        return;
    slots[i].r = *r;
    slots[i].r.id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&slots[i].state, SLOT_NEW, __ATOMIC_SEQ_CST);
    softirq_raise(SOFTIRQ_MCE);
}

/* ---- The exception ---- */

enum verdict { GO_ON, GUEST_LOST, ALL_LOST };

static enum verdict judge(const struct mce_record *r)
{
    enum verdict worst = GO_ON;

    if (!(r->global_status & MCG_RIPV))
        return ALL_LOST;
    for (unsigned i = 0; i < r->nr_banks; i++) {
        uint64_t s = r->bank[i].status;
        bool consumed = !(capabilities & MCG_SER_P) || ((s & MC_S) && (s & MC_AR));

        if (s & MC_PCC)
            return ALL_LOST;
        if ((s & MC_UC) && (s & MC_EN) && consumed)
            worst = GUEST_LOST;
    }
    return worst;
}

static void record_print(const struct mce_record *r)
{
    log_err("Machine check on CPU %u (%s), global status %lx, domain %u vcpu %u\n", r->cpu,
            r->urgent ? "exception" : "found in passing", r->global_status, r->domid, r->vcpu);
    for (unsigned i = 0; i < r->nr_banks; i++)
        log_err("  bank %u: status %016lx address %016lx misc %016lx\n", r->bank[i].bank, r->bank[i].status,
                r->bank[i].address, r->bank[i].misc);
}

void mce_handle(struct cpu_user_regs *regs)
{
    bool from_guest = regs->cs & 3;
    struct mce_record r;
    enum verdict verdict;

    banks_read(&r, true, true);
    verdict = judge(&r);
    if (verdict == ALL_LOST || (verdict == GUEST_LOST && !from_guest)) {
        record_print(&r);
        regs_print(regs);
        panic("machine check: can't go on\n");
    }
    record_keep(&r);
    global_status_clear();
    if (verdict == GUEST_LOST)
        domain_crash(current->domain, "machine check: it has used lost data\n");
}

/* ---- In passing ---- */

static void poll_cpu(void *unused)
{
    struct mce_record r;

    banks_read(&r, false, true);
    record_keep(&r);
}

static void poll(void *unused)
{
    smp_call(&cpu_online, poll_cpu, NULL);
    timer_set(&poll_timer, time_now() + POLL_PERIOD);
}

/* New records: tell the log and dom0. */
static void mce_softirq(void)
{
    unsigned n = __atomic_exchange_n(&lost, 0, __ATOMIC_RELAXED);
    bool any = false;

    for (unsigned i = 0; i < RECORDS; i++) {
        uint32_t is_new = SLOT_NEW;

        if (!__atomic_compare_exchange_n(&slots[i].state, &is_new, SLOT_KNOWN, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST))
            continue;
        record_print(&slots[i].r);
        any = true;
    }
    if (n)
        log_warn("Machine checks: no room for %u records, dom0 has not fetched the earlier ones\n", n);
    if (any)
        virq_raise_global(VIRQ_MCA);
}

/* ---- dom0's side ---- */

/* The known record of the kind with the lowest number (id != 0: with that number); -1: none. */
static int record_find(bool urgent, uint64_t id)
{
    int best = -1;

    for (int i = 0; i < RECORDS; i++) {
        if (__atomic_load_n(&slots[i].state, __ATOMIC_SEQ_CST) != SLOT_KNOWN || slots[i].r.urgent != urgent)
            continue;
        if (id ? slots[i].r.id == id : best < 0 || slots[i].r.id < slots[best].r.id)
            best = i;
    }
    return best;
}

bool mce_record_get(bool urgent, struct mce_record *r)
{
    int i = record_find(urgent, 0);

    if (i < 0)
        return false;
    *r = slots[i].r;
    return true;
}

bool mce_record_done(bool urgent, uint64_t id)
{
    int i = id ? record_find(urgent, id) : -1;
    uint32_t known = SLOT_KNOWN;

    return i >= 0 && __atomic_compare_exchange_n(&slots[i].state, &known, SLOT_FREE, false, __ATOMIC_SEQ_CST,
                                                 __ATOMIC_SEQ_CST);
}

/* ---- Errors made up ---- */

bool mce_is_register(uint32_t reg)
{
    unsigned banks = capabilities & 0xff;

    return banks && (reg == MSR_MCG_STATUS || (reg >= MSR_MC_CTL(0) && reg < MSR_MC_CTL(banks)));
}

struct injection {
    uint32_t reg;
    uint64_t value;
    bool interpose;
    int rc;
};

static void inject_here(void *data)
{
    struct injection *x = data;
    struct injected *in = &this_cpu(injected);
    int i = injected_find(in, x->reg);

    if (!x->interpose) {
        x->rc = wrmsr_safe(x->reg, x->value) ? -XEN_EINVAL : 0;
    } else if (i < 0 && in->n == INJECTED_MAX) {
        x->rc = -XEN_ENOSPC;
    } else if (i >= 0) {
        in->e[i].value = x->value;
    } else {
        in->e[in->n].reg = x->reg;
        in->e[in->n].value = x->value;
        wmb();
        in->n++;
    }
}

int mce_inject_register(unsigned cpu, uint32_t reg, uint64_t value, bool interpose)
{
    struct injection x = { reg, value, interpose, 0 };
    cpumask_t one = { { 0 } };

    cpumask_set(&one, cpu);
    smp_call(&one, inject_here, &x);
    return x.rc;
}

/* Whether there is something to find: an exception without a reason would mean that nothing can be relied on. */
static void exception_here(void *found_none)
{
    struct mce_record r;

    banks_read(&r, true, false);
    if (!r.nr_banks || !(r.global_status & MCG_RIPV))
        __atomic_store_n((bool *)found_none, true, __ATOMIC_SEQ_CST);
    else
        __asm__ volatile("int $18" ::: "memory");
}

int mce_inject_exception(const cpumask_t *cpus)
{
    bool found_none = false;

    smp_call(cpus, exception_here, &found_none);
    return found_none ? -XEN_EINVAL : 0;
}

void mce_look(const cpumask_t *cpus)
{
    if (capabilities & 0xff)
        smp_call(cpus, poll_cpu, NULL);
}

/* ---- Boot ---- */

void mce_init_cpu(void)
{
    uint64_t cap;

    if (!(cpuid_count(1, 0).d >> 14 & 1) || rdmsr_safe(MSR_MCG_CAP, &cap))
        return;
    capabilities = cap;
    if (cap & MCG_CTL_P)
        wrmsr(MSR_MCG_CTL, ~0ul);
    for (unsigned i = 0; i < (cap & 0xff); i++) {
        wrmsr_safe(MSR_MC_CTL(i), ~0ul);
        wrmsr_safe(MSR_MC_STATUS(i), 0);
    }
}

void mce_init(void)
{
    softirq_register(SOFTIRQ_MCE, mce_softirq);
    if (!(capabilities & 0xff))
        return;
    timer_init(&poll_timer, poll, NULL, 0);
    timer_set(&poll_timer, time_now() + POLL_PERIOD);
}
