/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page typing under random use (fixed seed): a handful of frames become data, tables of any level and back by random calls.  After every few steps the
 * guest itself walks what it can see: no frame that is a pinned or linked table has a writable mapping, and every refusal left things as they were.
 */
/* timeout: 120 */
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"
#include "xorshift.h"

#define FRAMES 12
#define VA     0x0000100000000000ul
#define STEPS  30000

static uint64_t *page[FRAMES];
static unsigned long mfn[FRAMES];
static bool pinned[FRAMES];
static uint64_t seed = 0x123456789abcdef;
static unsigned accepted;

static unsigned rnd(unsigned n)
{
    return (unsigned)(xorshift(&seed) % n);
}

static unsigned long flags(void)
{
    return rnd(2) ? PTE_RW : rnd(2) ? PTE_RO : rnd(4) ? PTE_TABLE : 0;
}

static void step(void)
{
    unsigned i = rnd(FRAMES), j = rnd(FRAMES);
    long rc = 0;

    switch (rnd(8)) {
    case 0:
        rc = page_protect(page[i], rnd(2) ? PTE_RW : PTE_RO);
        break;
    case 1:
        rc = hypercall(update_va_mapping, VA + rnd(16) * PAGE_SIZE, pte_make(mfn[i], flags()), UVMF_INVLPG);
        break;
    case 2:
        rc = mmuext_one(MMUEXT_PIN_L1_TABLE + rnd(4), mfn[i], 0);
        if (!rc)
            pinned[i] = true;
        break;
    case 3:
        rc = unpin(mfn[i]);
        EXPECT_EQUAL(!rc, pinned[i]);
        if (!rc)
            pinned[i] = false;
        break;
    case 4:
    case 5:
        rc = pt_write_cmd((mfn[i] << PAGE_SHIFT) + rnd(6) * 8, pte_make(mfn[j], flags()), rnd(2) * 2);
        break;
    case 6:
        rc = pt_write(pt_entry_maddr(NULL, VA, 2) + 8 * (1 + rnd(4)), rnd(2) ? pte_make(mfn[i], flags()) : 0);
        break;
    default:
        if (*pt_entry(NULL, (unsigned long)page[i], 1) & PTE_W)
            page[i][rnd(6)] = rnd(3) ? pte_make(mfn[j], flags()) : 0;
        else
            rc = mmuext_one(MMUEXT_CLEAR_PAGE, mfn[i], 0);
        break;
    }
    accepted += !rc;
}

/* Is frame f mapped writable by the boot mapping, or by an entry below VA's L2? */
static bool writable(unsigned f)
{
    uint64_t *l1 = pt_entry(NULL, VA, 1);

    if (*pt_entry(NULL, (unsigned long)page[f], 1) & PTE_W)
        return true;
    for (unsigned k = 0; k < 16; k++)
        if ((l1[k] & (PTE_P | PTE_W)) == (PTE_P | PTE_W) && (l1[k] & PTE_ADDR) >> PAGE_SHIFT == mfn[f])
            return true;
    return false;
}

static unsigned audit(void)
{
    uint64_t *l2 = pt_entry(NULL, VA, 2);
    unsigned bad = 0;

    for (unsigned f = 0; f < FRAMES; f++)
        bad += pinned[f] && writable(f);
    for (unsigned k = 1; k < 5; k++)
        for (unsigned f = 0; f < FRAMES; f++)
            bad += (l2[k] & PTE_P) && (l2[k] & PTE_ADDR) >> PAGE_SHIFT == mfn[f] && writable(f);
    return bad;
}

/* Everything let go, every frame can be plain memory again: nothing leaked a count. */
static void check_release(void)
{
    for (unsigned k = 1; k < 5; k++)
        EXPECT_OK(pt_write(pt_entry_maddr(NULL, VA, 2) + 8 * k, 0));
    for (unsigned k = 0; k < 16; k++)
        EXPECT_OK(hypercall(update_va_mapping, VA + k * PAGE_SIZE, 0, UVMF_INVLPG));
    for (unsigned f = 0; f < FRAMES; f++)
        if (pinned[f])
            EXPECT_OK(unpin(mfn[f]));
    /* A table may be held by a boot-mapped page's old content only through another pin: none is left. */
    for (unsigned f = 0; f < FRAMES; f++) {
        EXPECT_OK(page_make_rw(page[f]));
        memset(page[f], 0, PAGE_SIZE);
        EXPECT_OK(page_make_ro(page[f]));
        EXPECT_OK(pin(1, mfn[f]));
        EXPECT_OK(unpin(mfn[f]));
    }
}

void test_main(void)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < FRAMES; i++) {
        page[i] = page_alloc();
        mfn[i] = virt_to_mfn(page[i]);
    }
    REQUIRE(!map_page(NULL, VA, 0, 0));
    for (unsigned i = 0; i < STEPS && !bad; i++) {
        step();
        if (i % 16 == 0)
            bad = audit();
    }
    EXPECT_EQUAL(bad, 0);
    printf("%u of %u steps accepted\n", accepted, STEPS);
    EXPECT_TRUE(accepted > STEPS / 10);
    check_release();
}
