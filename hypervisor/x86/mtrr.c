/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Setting MTRRs: see mtrr.h.  All CPUs must have the same, and change them together with caches off (SDM3 11.11.8).
 * Lock: mtrr_lock (RANK_EFI) holds the registers and the use counts.
 */
#include "x86/mtrr.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/lock.h"
#include "x86/paging.h"
#include "x86/smp.h"
#include "x86/tlb.h"

#define MSR_MTRR_CAP      0xfe
#define MSR_MTRR_DEF_TYPE 0x2ff
#define MSR_MTRR_BASE(n)  (0x200u + 2u * (n))
#define MSR_MTRR_MASK(n)  (0x201u + 2u * (n))
#define CAP_WC            (1u << 10)
#define DEF_TYPE_E        0x800ul
#define MTRR_VALID        0x800ul
#define TYPE_UC           0u
#define TYPE_WC           1u
#define TYPE_MAX          6u
#define TYPES             0x73u /* UC, WC, WT, WP, WB: a bit each */

static spinlock_t mtrr_lock = LOCK_INIT(RANK_EFI);
static unsigned uses[256]; /* of each register since boot [mtrr_lock] */

struct change {
    unsigned reg;
    uint64_t base, mask;
};

static uint64_t maddr_mask(void)
{
    return (1ul << maddr_bits) - 1;
}

unsigned mtrr_count(void)
{
    return cpuid_count(1, 0).d >> 12 & 1 ? (unsigned)(rdmsr(MSR_MTRR_CAP) & 0xff) : 0;
}

/* The mask's lowest bit is the range's size. */
void mtrr_get(unsigned reg, struct mtrr_range *r)
{
    uint64_t base = rdmsr(MSR_MTRR_BASE(reg)), mask = rdmsr(MSR_MTRR_MASK(reg)), size;

    *r = (struct mtrr_range){ 0 };
    if (!(mask & MTRR_VALID))
        return;
    size = mask & PAGE_MASK & maddr_mask();
    size = size ? size & -size : 1ul << maddr_bits;
    r->mfn = (base & maddr_mask()) >> PAGE_SHIFT;
    r->nr_mfns = size >> PAGE_SHIFT;
    r->type = base & 0xff;
}

static void cache_flush(void)
{
    __asm__ volatile("wbinvd" ::: "memory");
}

/* On each CPU, all at once, interrupts off. */
static void change_here(void *p)
{
    const struct change *c = p;
    uint64_t cr0 = READ_CR(0), cr4 = READ_CR(4), def = rdmsr(MSR_MTRR_DEF_TYPE);

    WRITE_CR(0, (cr0 | CR0_CD) & ~CR0_NW);
    cache_flush();
    WRITE_CR(4, cr4 & ~CR4_PGE);
    tlb_flush_local();
    wrmsr(MSR_MTRR_DEF_TYPE, def & ~DEF_TYPE_E);
    wrmsr(MSR_MTRR_MASK(c->reg), 0);
    wrmsr(MSR_MTRR_BASE(c->reg), c->base);
    wrmsr(MSR_MTRR_MASK(c->reg), c->mask);
    wrmsr(MSR_MTRR_DEF_TYPE, def);
    cache_flush();
    tlb_flush_local();
    WRITE_CR(4, cr4);
    WRITE_CR(0, cr0);
}

static int range_check(const struct mtrr_range *r)
{
    uint64_t frames = 1ul << (maddr_bits - PAGE_SHIFT);

    if (r->type > TYPE_MAX || !(TYPES >> r->type & 1) || !r->nr_mfns || (r->nr_mfns & (r->nr_mfns - 1)))
        return -XEN_EINVAL;
    if ((r->mfn & (r->nr_mfns - 1)) || r->mfn >= frames || r->nr_mfns > frames - r->mfn)
        return -XEN_EINVAL;
    if (!mtrr_count() || (r->type == TYPE_WC && !(rdmsr(MSR_MTRR_CAP) & CAP_WC)))
        return -XEN_EOPNOTSUPP;
    return 0;
}

static bool ranges_meet(const struct mtrr_range *a, const struct mtrr_range *b)
{
    return a->mfn < b->mfn + b->nr_mfns && b->mfn < a->mfn + a->nr_mfns;
}

/* The register for a range: one that covers it already (*found) or a free one; or the error.  Of types that meet,
 * uncached wins; other mixtures are undefined. */
static int register_for(const struct mtrr_range *r, bool *found)
{
    int free = -XEN_ENOSPC;
    struct mtrr_range have;

    *found = false;
    for (unsigned reg = 0; reg < mtrr_count(); reg++) {
        mtrr_get(reg, &have);
        if (have.nr_mfns && ranges_meet(&have, r)) {
            if (have.type == r->type && have.mfn <= r->mfn && have.mfn + have.nr_mfns >= r->mfn + r->nr_mfns) {
                *found = true;
                return (int)reg;
            }
            if (have.type != r->type && have.type != TYPE_UC && r->type != TYPE_UC)
                return -XEN_EBUSY;
        }
        if (!have.nr_mfns && free < 0)
            free = (int)reg;
    }
    return free;
}

static void change_all(unsigned reg, uint64_t base, uint64_t mask)
{
    struct change c = { reg, base, mask };

    smp_call_together(change_here, &c);
}

int mtrr_add(const struct mtrr_range *r)
{
    int rc = range_check(r);
    bool found;

    if (rc)
        return rc;
    lock(&mtrr_lock);
    rc = register_for(r, &found);
    if (rc >= 0 && !found)
        change_all((unsigned)rc, r->mfn << PAGE_SHIFT | r->type,
                   (~((r->nr_mfns << PAGE_SHIFT) - 1) & maddr_mask()) | MTRR_VALID);
    if (rc >= 0)
        uses[rc] += found && !uses[rc] ? 2 : 1; /* the firmware's own is a use, too */
    unlock(&mtrr_lock);
    return rc;
}

int mtrr_del(unsigned reg)
{
    struct mtrr_range have;
    int rc = 0;

    if (reg >= mtrr_count())
        return -XEN_EINVAL;
    lock(&mtrr_lock);
    mtrr_get(reg, &have);
    if (!have.nr_mfns)
        rc = -XEN_EINVAL;
    else if (uses[reg] > 1)
        uses[reg]--;
    else
        change_all(reg, uses[reg] = 0, 0);
    unlock(&mtrr_lock);
    return rc;
}
