/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLB flushes, here and on other CPUs: see tlb.h for the clock.
 * One remote flush at a time (RANK_IPI lock); the requester waits for all, with interrupts on, so that two
 * requesters don't wait for each other.
 */
#include "x86/tlb.h"
#include "core/port.h"
#include "x86/counters.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/irq.h"
#include "x86/lock.h"
#include "x86/smp.h"

#define STAMP_MASK 0xfffffful

static uint64_t clock = 1;                  /* [atomic] */
static DEFINE_PERCPU(uint64_t, last_flush); /* the clock's value at this CPU's last flush [atomic] */

static spinlock_t flush_lock = LOCK_INIT(RANK_IPI);
static uint64_t flush_va;       /* ~0: everything [flush_lock] */
static cpumask_t flush_waiting; /* CPUs that have not answered [atomic] */

/* Before the flush itself: a frame stamped after this needs another flush. */
static void tick(void)
{
    __atomic_store_n(&this_cpu(last_flush), __atomic_add_fetch(&clock, 1, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}

uint32_t tlb_stamp(void)
{
    return (uint32_t)(__atomic_load_n(&clock, __ATOMIC_SEQ_CST) & STAMP_MASK);
}

/* ---- This CPU ---- */

#define CR3_KEEP    (1ul << 63)
#define PCID_USER   1u
#define PCID_SHIELD 2u
#define NR_PCIDS    4u

bool tlb_opt_pcid = true;
static bool use_pcid; /* the same on all CPUs [const after boot] */

bool tlb_use_pcid(bool has_pcid, bool has_invpcid)
{
    use_pcid = tlb_opt_pcid && has_pcid && has_invpcid;
    return use_pcid;
}

uint64_t tlb_keep(void)
{
    return use_pcid ? CR3_KEEP : 0;
}

uint64_t tlb_cr3(mfn_t l4, bool user)
{
    return mfn_to_maddr(l4) | (use_pcid ? CR3_KEEP | (user ? PCID_USER : 0) : 0);
}

uint64_t tlb_shield_pcid(uint64_t cr3)
{
    return use_pcid ? (cr3 & PCID_USER) | PCID_SHIELD : 0;
}

uint64_t tlb_last_flush(void)
{
    return this_cpu(last_flush);
}

enum invpcid { INVPCID_PAGE = 0, INVPCID_ALL_BUT_GLOBAL = 3 };

static void invpcid(enum invpcid type, uint64_t pcid, uint64_t va)
{
    const uint64_t desc[2] = { pcid, va };

    __asm__ volatile("invpcid %1, %0" :: "r"((uint64_t)type), "m"(desc) : "memory");
}

void tlb_load_cr3(uint64_t cr3)
{
    tick();
    WRITE_CR(3, cr3);
    if (use_pcid)
        invpcid(INVPCID_ALL_BUT_GLOBAL, 0, 0);
}

void tlb_toggle_cr3(uint64_t cr3)
{
    WRITE_CR(3, cr3);
}

void tlb_flush_local(void)
{
    COUNT(tlb_flush_local);
    tick();
    if (use_pcid)
        invpcid(INVPCID_ALL_BUT_GLOBAL, 0, 0);
    else
        WRITE_CR(3, READ_CR(3));
}

void tlb_flush_page_local(uint64_t va)
{
    COUNT(tlb_flush_page);
    invlpg(va);
    for (unsigned pcid = 0; use_pcid && pcid < NR_PCIDS; pcid++)
        invpcid(INVPCID_PAGE, pcid, va);
}

/* A change of CR4.PGE flushes everything (SDM3 4.10.4.1). */
void tlb_flush_all_local(void)
{
    uint64_t cr4 = READ_CR(4);

    tlb_flush_local();
    if (!(cr4 & CR4_PGE))
        return;
    WRITE_CR(4, cr4 & ~CR4_PGE);
    WRITE_CR(4, cr4);
}

/* ---- Other CPUs ---- */

static void flush_here(uint64_t va)
{
    if (va == ~0ul)
        tlb_flush_local();
    else
        tlb_flush_page_local(va);
}

static void flush_vector(void)
{
    if (!cpumask_test(&flush_waiting, cpu_id()))
        return;
    flush_here(flush_va);
    cpumask_clear(&flush_waiting, cpu_id());
}

static __attribute__((noinline)) void flush_others(const cpumask_t *mask, uint64_t va)
{
    bool any = false;

    COUNT(tlb_flush_remote);
    lock(&flush_lock);
    flush_va = va;
    cpumask_each(cpu, mask) {
        if (cpu == cpu_id() || !cpumask_test(&cpu_online, cpu))
            continue;
        cpumask_set(&flush_waiting, cpu);
        smp_send_ipi(cpu, VECTOR_TLB);
        any = true;
    }
    while (any) {
        any = false;
        cpumask_each(cpu, &flush_waiting)
            any = true;
        cpu_relax();
    }
    unlock(&flush_lock);
}

static void flush_mask(const cpumask_t *mask, uint64_t va)
{
    unsigned me = cpu_id();

    if (cpumask_test(mask, me))
        flush_here(va);
    if (cpumask_has_other(mask, me))
        flush_others(mask, va);
}

void tlb_flush_mask(const cpumask_t *mask)
{
    flush_mask(mask, ~0ul);
}

void tlb_flush_page_mask(const cpumask_t *mask, uint64_t va)
{
    flush_mask(mask, va);
}

void tlb_flush_older(const cpumask_t *mask, uint32_t stamp)
{
    uint64_t now = __atomic_load_n(&clock, __ATOMIC_SEQ_CST);
    uint64_t when = (now & ~STAMP_MASK) | stamp; /* the latest time that the stamp can mean */
    cpumask_t need = { { 0 } };
    bool any = false;

    if (when > now)
        when -= STAMP_MASK + 1;
    cpumask_each(cpu, mask)
        if (cpumask_test(&cpu_online, cpu) && __atomic_load_n(&per_cpu(last_flush, cpu), __ATOMIC_SEQ_CST) <= when) {
            need.bits[cpu / 64] |= 1ul << (cpu % 64);
            any = true;
        }
    if (any)
        tlb_flush_mask(&need);
}

void tlb_init(void)
{
    vector_register(VECTOR_TLB, flush_vector);
}
