/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set_gdt and update_descriptor (arch-x86/xen.h): a guest's own GDT in read-only frames, its descriptors usable; the frames are protected while
 * it is loaded; reserved entries, bad frames, and descriptors that would give power are refused.  (Call gates are not looked at:
 * Xen takes them with DPL 0, which makes them useless.)
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"

#define DATA3   0x00cff3000000ffffull   /* flat data, DPL 3, accessed */
#define CODE3   0x00affb000000ffffull   /* 64-bit code, DPL 3 */
#define ABSENT  0x00cf73000000ffffull
#define TSS     0x0000e9001000ffffull
#define LDT     0x0000e2001000ffffull
#define INTG    0x0000ee00e0331000ull

static uint64_t *gdt;
static unsigned long mfn;

static void load_es(unsigned long sel) { __asm__ volatile("mov %w0, %%es" : : "r"(sel)); }

static bool loads(unsigned sel)
{
    struct trap t;

    return trap_catch(&t, load_es, sel) == VEC_NONE;
}

/* A descriptor that is not present: #NP with its selector. */
static void check_absent(void)
{
    struct trap t;

    EXPECT_EQUAL(trap_catch(&t, load_es, 6 * 8 + 3), VEC_NP);
    EXPECT_EQUAL(t.regs.error, 6 * 8);
    EXPECT_EQUAL(trap_catch(&t, load_es, 7 * 8 + 3), VEC_GP);
    EXPECT_EQUAL(t.regs.error, 7 * 8);
}

static void check_load(void)
{
    unsigned long frames[16] = { mfn };

    EXPECT_TRUE(!loads(5 * 8 + 3));
    gdt[5] = DATA3;
    gdt[6] = ABSENT;
    EXPECT_REFUSED(hypercall(set_gdt, frames, 512));        /* writable */
    EXPECT_OK(page_make_ro(gdt));
    EXPECT_OK(hypercall(set_gdt, frames, 512));
    EXPECT_TRUE(loads(5 * 8 + 3));
    EXPECT_TRUE(!loads(6 * 8 + 3));
    EXPECT_TRUE(!loads(7 * 8 + 3));
    EXPECT_TRUE(!loads(512 * 8 + 3));
    EXPECT_TRUE(loads(FLAT_RING3_DS32));                    /* the hypervisor's own remain */
    EXPECT_REFUSED(page_make_rw(gdt));
    EXPECT_REFUSED(pin(1, mfn));
}

static void check_update(void)
{
    unsigned long ma = virt_to_maddr(gdt);

    EXPECT_OK(hypercall(update_descriptor, ma + 9 * 8, DATA3));
    EXPECT_EQUAL(gdt[9] & ~(1ull << 40), DATA3 & ~(1ull << 40));
    EXPECT_TRUE(loads(9 * 8 + 3));
    EXPECT_OK(hypercall(update_descriptor, ma + 9 * 8, 0));
    EXPECT_TRUE(!loads(9 * 8 + 3));
    EXPECT_OK(hypercall(update_descriptor, ma + 10 * 8, CODE3));
    EXPECT_OK(hypercall(update_descriptor, ma + 10 * 8, ABSENT));
    EXPECT_REFUSED(hypercall(update_descriptor, ma + 11 * 8, TSS));
    EXPECT_REFUSED(hypercall(update_descriptor, ma + 11 * 8, LDT));
    EXPECT_REFUSED(hypercall(update_descriptor, ma + 11 * 8, INTG));
    EXPECT_EQUAL(gdt[11], 0);
    EXPECT_REFUSED(hypercall(update_descriptor, ma + 11 * 8 + 4, DATA3));       /* not aligned */
    EXPECT_REFUSED(hypercall(update_descriptor, virt_to_maddr(pt_root()), DATA3));
    EXPECT_REFUSED(hypercall(update_descriptor, 0xffffffffful << PAGE_SHIFT, DATA3));
    EXPECT_REFUSED(hypercall(update_descriptor, ~7ul, DATA3));
}

static void check_bad_content(uint64_t descriptor)
{
    uint64_t *bad = page_alloc();
    unsigned long frames[1] = { virt_to_mfn(bad) };

    bad[20] = descriptor;
    EXPECT_OK(page_make_ro(bad));
    EXPECT_REFUSED(hypercall(set_gdt, frames, 512));
    EXPECT_TRUE(loads(5 * 8 + 3));                          /* the old one stays */
    EXPECT_OK(page_make_rw(bad));
}

static void check_refusals(void)
{
    unsigned long frames[16];

    for (unsigned i = 0; i < 16; i++)
        frames[i] = mfn;
    EXPECT_REFUSED(hypercall(set_gdt, frames, FIRST_RESERVED_GDT_ENTRY + 1));
    EXPECT_REFUSED(hypercall(set_gdt, frames, 8192));
    EXPECT_REFUSED(hypercall(set_gdt, frames, ~0u));
    EXPECT_OK(hypercall(set_gdt, frames, FIRST_RESERVED_GDT_ENTRY));
    EXPECT_TRUE(loads((13 * 512 + 5) * 8 + 3));
    EXPECT_ERR(hypercall(set_gdt, UNMAPPED, 512), EFAULT);
    EXPECT_ERR(hypercall(set_gdt, HV_PRIVATE, 512), EFAULT);
    frames[0] = 0xffffffffful;
    EXPECT_REFUSED(hypercall(set_gdt, frames, 512));
    frames[0] = virt_to_mfn(pt_root());
    EXPECT_REFUSED(hypercall(set_gdt, frames, 512));
    EXPECT_TRUE(loads(5 * 8 + 3));
}

void test_main(void)
{
    unsigned long frames[1];

    gdt = page_alloc();
    mfn = frames[0] = virt_to_mfn(gdt);
    check_load();
    check_absent();
    check_update();
    check_bad_content(TSS);
    check_bad_content(INTG);
    check_refusals();
    load_es(0);
    EXPECT_OK(hypercall(set_gdt, frames, 0));               /* none: the frames are free again */
    EXPECT_TRUE(!loads(5 * 8 + 3));
    EXPECT_OK(page_make_rw(gdt));
}
