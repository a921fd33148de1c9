/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMUEXT_NEW_USER_BASEPTR (xen.h): user mode runs on its own L4, changed at will; 0 takes it away; a frame that can not be an L4 is
 * refused; the L4 is held while in use.  The machine-to-phys table is hidden from user mode, with m2p_strict and without.
 */
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"
#include "user.h"

#define VA 0x0000200000000000ul

USER_ASM(user_read, "mov (%rdi), %rax; int3");

static struct regs r;

static int run(unsigned long rdi)
{
    user_regs(&r);
    r.rdi = rdi;
    return user_run(&r);
}

static uint64_t *l4_with(unsigned long value)
{
    uint64_t *l4 = page_alloc();
    unsigned long *page = page_alloc();

    *page = value;
    l4[0] = pt_root()[0];
    EXPECT_OK(page_make_ro(l4));
    EXPECT_OK(pin(4, virt_to_mfn(l4)));
    EXPECT_OK(map_page(l4, VA, virt_to_mfn(page), PTE_RO));
    return l4;
}

static void check_switch(void)
{
    uint64_t *a = l4_with(0xaaa), *b = l4_with(0xbbb);
    struct trap t;

    EXPECT_OK(mmuext_one(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(a), 0));
    EXPECT_EQUAL(run(VA), VEC_BP);
    EXPECT_EQUAL(r.rax, 0xaaa);
    EXPECT_OK(mmuext_one(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(b), 0));
    EXPECT_EQUAL(run(VA), VEC_BP);
    EXPECT_EQUAL(r.rax, 0xbbb);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, VA), VEC_PF);   /* not the kernel's */
    EXPECT_OK(unpin(virt_to_mfn(a)));
    EXPECT_OK(page_make_rw(a));
    EXPECT_OK(unpin(virt_to_mfn(b)));
    EXPECT_REFUSED(page_make_rw(b));                        /* still the user's */
    EXPECT_EQUAL(run(VA), VEC_BP);
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(a), 0));     /* writable now */
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0xffffffffful, 0));
    EXPECT_REFUSED(mmuext_one(MMUEXT_NEW_USER_BASEPTR, ~0ul, 0));
    EXPECT_EQUAL(run(VA), VEC_BP);
    EXPECT_EQUAL(r.rax, 0xbbb);
    EXPECT_OK(mmuext_one(MMUEXT_NEW_USER_BASEPTR, 0, 0));
    EXPECT_OK(page_make_rw(b));
}

/* Strict mode: the machine-to-phys slot is zapped in an L4 that is used as a user one, and comes back for a kernel one. */
static void check_strict(void)
{
    EXPECT_OK(hypercall(vm_assist, VMASST_CMD_enable, VMASST_TYPE_m2p_strict));
    EXPECT_OK(mmuext_one(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(user_l4), 0));
    EXPECT_EQUAL(run(MACH2PHYS_VIRT_START), VEC_PF);
    EXPECT_EQUAL(machine_to_phys_mapping[pfn_to_mfn(3)], 3);
    EXPECT_OK(hypercall(vm_assist, VMASST_CMD_disable, VMASST_TYPE_m2p_strict));
    EXPECT_EQUAL(run(USER_DATA), VEC_BP);
    EXPECT_EQUAL(run(MACH2PHYS_VIRT_START), VEC_PF);
    EXPECT_EQUAL(machine_to_phys_mapping[pfn_to_mfn(3)], 3);
}

void test_main(void)
{
    user_init();
    USER_CODE_SET(user_read);
    check_switch();
    check_strict();
}
