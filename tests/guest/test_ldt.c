/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMUEXT_SET_LDT (xen.h): an LDT at a page-aligned linear address, its pages read-only; descriptors usable from kernel and user mode;
 * entries past the end, absent ones, and bad addresses or sizes refused.
 */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"
#include "user.h"

#define DATA3  0x00cff3000000ffffull
#define DATA_BASED 0x00c0f3410000ffffull    /* base 0x410000 = USER_DATA, limit 4 GB */

static uint64_t *ldt;

USER_ASM(user_ldt, "mov $0x1f, %eax; mov %eax, %es; mov %es:0, %ebx; int3");

USER_ASM(user_gs, "mov %gs, %eax; int3");

static void load_es(unsigned long sel) { __asm__ volatile("mov %w0, %%es" : : "r"(sel)); }

static int load(unsigned sel, uint64_t *error)
{
    struct trap t;
    int v = trap_catch(&t, load_es, sel);

    *error = t.regs.error;
    return v;
}

static void check_kernel(void)
{
    uint64_t error;

    EXPECT_EQUAL(load(2 * 8 + 7, &error), VEC_GP);
    EXPECT_EQUAL(error, 2 * 8 + 4);
    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, (unsigned long)ldt, 600));
    EXPECT_EQUAL(load(2 * 8 + 7, &error), VEC_NONE);
    EXPECT_EQUAL(load(4 * 8 + 7, &error), VEC_GP);          /* empty */
    EXPECT_EQUAL(error, 4 * 8 + 4);
    EXPECT_EQUAL(load(599 * 8 + 7, &error), VEC_NONE);      /* second page */
    EXPECT_EQUAL(load(600 * 8 + 7, &error), VEC_GP);        /* past the end */
    load_es(0);
    EXPECT_REFUSED(page_make_rw(ldt));                      /* in use as descriptors */
}

/* A user's selector into the LDT: the base applies in 32-bit code. */
static void check_user(void)
{
    struct regs r;

    user_init();
    *(uint32_t *)user_data = 0x12345678;
    USER_CODE_SET(user_ldt);
    user_regs32(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rax, 0x1f);
    load_es(0);
}

/* The kernel gives a user's gs a selector of a page of the LDT that has not been used since it was set; and one of no descriptor. */
static void check_user_gs(void)
{
    struct regs r;

    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, 0, 0));
    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, (unsigned long)ldt, 600));
    USER_CODE_SET(user_gs);
    for (unsigned sel = 599 * 8 + 7; sel; sel = sel > 0x1f ? 0x1f : 0) {
        EXPECT_OK(hypercall(set_segment_base, SEGBASE_GS_USER_SEL, sel));
        user_regs(&r);
        EXPECT_EQUAL(user_run(&r), VEC_BP);
        EXPECT_EQUAL(r.rax & 0xffff, sel);
    }
    (void)hypercall(set_segment_base, SEGBASE_GS_USER_SEL, 4 * 8 + 7);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rax & 0xffff, 0);
}

static void check_refusals(void)
{
    EXPECT_REFUSED(mmuext_one(MMUEXT_SET_LDT, (unsigned long)ldt + 8, 4));
    EXPECT_REFUSED(mmuext_one(MMUEXT_SET_LDT, (unsigned long)ldt, 8193));
    EXPECT_REFUSED(mmuext_one(MMUEXT_SET_LDT, (unsigned long)ldt, 0xffffffff));
    EXPECT_REFUSED(mmuext_one(MMUEXT_SET_LDT, HV_PRIVATE, 4));
    EXPECT_REFUSED(mmuext_one(MMUEXT_SET_LDT, NONCANON, 4));
}

/* No LDT any more: the selectors die and the pages are free. */
static void check_drop(void)
{
    uint64_t error;

    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, 0, 0));
    EXPECT_EQUAL(load(2 * 8 + 7, &error), VEC_GP);
    EXPECT_OK(page_make_rw(ldt));
    /* An address where nothing is mapped: the load faults when it needs it, and nothing breaks. */
    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, UNMAPPED, 16));
    EXPECT_TRUE(load(2 * 8 + 7, &error) != VEC_NONE);
    /* Writable pages do not become descriptor tables. */
    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, (unsigned long)ldt, 16));
    EXPECT_TRUE(load(2 * 8 + 7, &error) != VEC_NONE);
    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, 0, 0));
}

USER_ASM(user_stop, "int3");

/* The first use of a page of the LDT may be the hypervisor's own iret; and nobody reads it as data. */
static void check_first_use(void)
{
    struct { uint16_t limit; uint64_t base; } __attribute__((packed)) gdt;
    struct regs r;
    struct trap t;

    ldt[5] = 0x00affb000000fffful;
    EXPECT_OK(page_make_ro(ldt));
    USER_CODE_SET(user_stop);
    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, (unsigned long)ldt, 512));
    user_regs(&r);
    r.cs = 5 * 8 + 7;
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    EXPECT_EQUAL(r.rip, USER_CODE + 1);
    EXPECT_EQUAL(REGS_CS(&r), 5 * 8 + 7);
    __asm__ volatile("sgdt %0" : "=m"(gdt));
    EXPECT_EQUAL(trap_catch(&t, insn_read8, gdt.base + 0x10000), VEC_PF);
    EXPECT_OK(mmuext_one(MMUEXT_SET_LDT, 0, 0));
}

void test_main(void)
{
    uint64_t *second;

    ldt = page_alloc();
    second = page_alloc();
    ldt[2] = DATA3;
    ldt[3] = DATA_BASED;
    second[599 - 512] = DATA3;
    EXPECT_OK(page_make_ro(ldt));
    EXPECT_OK(page_make_ro(second));
    check_kernel();
    check_user();
    check_user_gs();
    check_refusals();
    check_drop();
    check_first_use();
}
