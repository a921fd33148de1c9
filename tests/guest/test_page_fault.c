/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page faults bounce to the guest's handler: error code (P, W, U, I as the processor would give them to a kernel that
 * runs in ring 3), CR2 in vcpu_info, the frame; a handler may repair and resume.
 */
#include "check.h"
#include "mem.h"
#include "trap.h"
#include "hypercall.h"

#define VA 0x0000100000000000ul
#define PF_P 1
#define PF_W 2
#define PF_U 4
#define PF_I 16

/*
 * Kernel mode of a 64-bit PV guest runs in ring 3, so the processor sets U; the hypervisor clears it in the
 * bounced code for faults of the guest's kernel.
 */
static void check_not_present(void)
{
    struct trap t;

    EXPECT_EQUAL(trap_catch(&t, insn_read8, UNMAPPED + 0x123), VEC_PF);
    EXPECT_EQUAL(t.regs.error, 0);
    EXPECT_EQUAL(t.cr2, UNMAPPED + 0x123);
    EXPECT_EQUAL(t.regs.rip, (unsigned long)insn_read8);
    EXPECT_EQUAL(REGS_CS(&t.regs) & 3, 0);
    EXPECT_EQUAL(t.regs.rdi, UNMAPPED + 0x123);
    EXPECT_EQUAL(trap_catch(&t, insn_write8, UNMAPPED + 0xfff), VEC_PF);
    EXPECT_EQUAL(t.regs.error, PF_W);
    EXPECT_EQUAL(t.cr2, UNMAPPED + 0xfff);
    EXPECT_EQUAL(t.regs.rip, (unsigned long)insn_write8);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, 0), VEC_PF);
    EXPECT_EQUAL(t.cr2, 0);
}

static void check_protection(void)
{
    void *page = page_alloc();
    struct trap t;

    EXPECT_OK(map_page(NULL, VA, virt_to_mfn(page), PTE_RO));
    EXPECT_EQUAL(trap_catch(&t, insn_read8, VA), VEC_NONE);
    EXPECT_EQUAL(trap_catch(&t, insn_write8, VA + 8), VEC_PF);
    EXPECT_EQUAL(t.regs.error, PF_P | PF_W);
    EXPECT_EQUAL(t.cr2, VA + 8);
}

static void check_no_execute(void)
{
    uint8_t *page = page_alloc();
    struct trap t;

    page[0] = 0xc3; /* ret */
    EXPECT_OK(hypercall(update_va_mapping, VA, pte_make(virt_to_mfn(page), PTE_RW), UVMF_INVLPG));
    EXPECT_EQUAL(trap_catch(&t, insn_call, VA), VEC_NONE);
    EXPECT_OK(hypercall(update_va_mapping, VA, pte_make(virt_to_mfn(page), PTE_RW | PTE_NX), UVMF_INVLPG));
    EXPECT_EQUAL(trap_catch(&t, insn_call, VA), VEC_PF);
    EXPECT_EQUAL(t.regs.error, PF_P | PF_I);
    EXPECT_EQUAL(t.cr2, VA);
    EXPECT_EQUAL(t.regs.rip, VA);
}

static unsigned repairs;

static bool repair(struct regs *r)
{
    repairs++;
    (void)r;
    return !hypercall(update_va_mapping, VA, pte_make(virt_to_mfn(page_alloc()), PTE_RW), UVMF_INVLPG);
}

/* Demand paging: the handler maps the page and the instruction runs again. */
static void check_resume(void)
{
    EXPECT_OK(hypercall(update_va_mapping, VA, 0, UVMF_INVLPG));
    trap_handle(VEC_PF, repair);
    *(volatile long *)VA = 77;
    EXPECT_EQUAL(*(volatile long *)VA, 77);
    trap_handle(VEC_PF, NULL);
    EXPECT_EQUAL(repairs, 1);
}

void test_main(void)
{
    check_not_present();
    check_protection();
    check_no_execute();
    check_resume();
}
