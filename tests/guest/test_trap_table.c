/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * set_trap_table (arch-x86/xen.h): handlers for the processor's exceptions, the frame and error code of each; the "clear event enable" flag
 * masks upcalls in the handler; no table entry is touched by a refused call.
 */
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "trap.h"

static void do_int3(unsigned long a) { (void)a; __asm__ volatile("int3"); }
static void do_ud2(unsigned long a) { (void)a; __asm__ volatile("ud2"); }
static void do_div(unsigned long a) { __asm__ volatile("xor %%edx, %%edx; div %%ecx" : "+a"(a) : "c"(0) : "rdx"); }
static void do_gp_canon(unsigned long a) { (void)*(volatile char *)a; }
static void do_sel(unsigned long a) { __asm__ volatile("mov %w0, %%es" : : "r"(a)); }

static void check_vectors(void)
{
    struct trap t;

    EXPECT_EQUAL(trap_catch(&t, do_int3, 0), VEC_BP);
    EXPECT_EQUAL(*(uint8_t *)(t.regs.rip - 1), 0xcc);           /* RIP behind it */
    EXPECT_EQUAL(trap_catch(&t, do_ud2, 0), VEC_UD);
    EXPECT_EQUAL(*(uint16_t *)t.regs.rip, 0x0b0f);              /* RIP on it */
    EXPECT_EQUAL(trap_catch(&t, do_div, 1), VEC_DE);
    EXPECT_EQUAL(*(uint8_t *)t.regs.rip, 0xf7);
    EXPECT_EQUAL(trap_catch(&t, do_gp_canon, NONCANON), VEC_GP);
    EXPECT_EQUAL(t.regs.error, 0);
    EXPECT_EQUAL(trap_catch(&t, do_sel, 0x123b), VEC_GP);       /* past our GDT: its selector is the error code */
    EXPECT_EQUAL(t.regs.error, 0x1238);
    EXPECT_EQUAL(trap_catch(&t, do_sel, 0x1237), VEC_GP);       /* we have no LDT */
    EXPECT_EQUAL(t.regs.error, 0x1234);
}

static void check_mask_flag(void)
{
    struct trap t;

    vcpu_info_self()->evtchn_upcall_mask = 0;
    EXPECT_EQUAL(trap_catch(&t, do_int3, 0), VEC_BP);
    EXPECT_EQUAL(t.mask, 0);
    EXPECT_EQUAL(REGS_MASK(&t.regs), 0);
    EXPECT_EQUAL(t.regs.rflags & FLAG_IF, FLAG_IF);
    EXPECT_OK(trap_gate(VEC_BP, 4));
    EXPECT_EQUAL(trap_catch(&t, do_int3, 0), VEC_BP);
    EXPECT_EQUAL(t.mask, 1);                                    /* in the handler */
    EXPECT_EQUAL(REGS_MASK(&t.regs), 0);                        /* where it happened */
    EXPECT_EQUAL(t.regs.rflags & FLAG_IF, FLAG_IF);
    vcpu_info_self()->evtchn_upcall_mask = 1;
    EXPECT_EQUAL(trap_catch(&t, do_int3, 0), VEC_BP);
    EXPECT_EQUAL(REGS_MASK(&t.regs), 1);
    EXPECT_EQUAL(t.regs.rflags & FLAG_IF, 0);
    EXPECT_OK(trap_gate(VEC_BP, 0));
}

static uint64_t other_hits;

static bool on_first(struct regs *r)
{
    other_hits = r->vector;
    return true;
}

/* Entries not named in a call stay; a call changes one vector's address. */
static void check_replace(void)
{
    struct trap_info one[2] = { { .vector = VEC_BP, .cs = FLAT_KERNEL_CS, .address = trap_entry(200) } };
    struct trap t;

    trap_handle(200, on_first);
    EXPECT_OK(hypercall(set_trap_table, one));
    __asm__ volatile("int3");
    EXPECT_EQUAL(other_hits, 200);
    EXPECT_EQUAL(trap_catch(&t, do_ud2, 0), VEC_UD);
    EXPECT_OK(trap_gate(VEC_BP, 0));
    trap_handle(200, NULL);
    EXPECT_EQUAL(trap_catch(&t, do_int3, 0), VEC_BP);
}

static void check_refusals(void)
{
    struct trap_info bad[2] = { { .vector = VEC_BP, .cs = FLAT_KERNEL_CS, .address = NONCANON } };
    struct trap t;

    EXPECT_ERR(hypercall(set_trap_table, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(set_trap_table, HV_PRIVATE), EFAULT);
    EXPECT_REFUSED(hypercall(set_trap_table, bad));
    EXPECT_EQUAL(trap_catch(&t, do_int3, 0), VEC_BP);
}

void test_main(void)
{
    check_vectors();
    check_mask_flag();
    check_replace();
    check_refusals();
}
