/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Isolated page tables (xpti=yes): while the guest runs, the hypervisor's memory is not mapped at all, which the fault of a
 * read shows: its error code says "not present", not "not allowed".  What an L4 gains or loses is seen at once, on each CPU,
 * and the accessed bits of its entries are set.
 */
/* hv: xpti=yes */
/* qemu: -smp 2 */
/* alone: CPUs wait for each other */
/* hv-only: hospes */
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"
#include "trap.h"
#include "user.h"

#define M2P_WRITABLE 0xffff808000000000ul
#define FRAME_TABLE  0xffff818000000000ul
#define TEXT         0xffff82d080000000ul
#define DIRECT_MAP   0xffff830000100000ul
#define PROBE        0x0000100000000000ul

static volatile unsigned asked, answered;
static volatile int second_vector;

static void second(void)
{
    for (unsigned last = 0;;) {
        struct trap t;

        while (asked == last)
            __asm__ volatile("pause");
        last = asked;
        second_vector = trap_catch(&t, insn_read8, PROBE);
        __atomic_store_n(&answered, last, __ATOMIC_SEQ_CST);
    }
}

static int read_by_second(void)
{
    unsigned next = asked + 1;

    __atomic_store_n(&asked, next, __ATOMIC_SEQ_CST);
    EXPECT_TRUE(wait_for(&answered, next, 5000));
    return second_vector;
}

static unsigned long code_of_read(unsigned long va)
{
    struct trap t;

    EXPECT_EQUAL(trap_catch(&t, insn_read8, va), VEC_PF);
    return t.regs.error;
}

static void check_hidden(void)
{
    EXPECT_EQUAL(code_of_read(DIRECT_MAP) & 1, 0);
    EXPECT_EQUAL(code_of_read(FRAME_TABLE) & 1, 0);
    EXPECT_EQUAL(code_of_read(M2P_WRITABLE) & 1, 0);
    EXPECT_EQUAL(code_of_read(TEXT + 0x1000) & 1, 1); /* ours, but without secrets */
    EXPECT_EQUAL(machine_to_phys_mapping[pfn_to_mfn(3)], 3);
}

/* Nor by a linear entry, whose walk comes by the hypervisor's slots of the guest's own L4 one level lower. */
static void check_linear(void)
{
    unsigned long slot = 300, direct = 262, linear = 0xffff000000000000ul | slot << 39, e = virt_to_maddr(&pt_root()[slot]);
    struct trap t;

    EXPECT_OK(pt_write(e, pte_make(virt_to_mfn(pt_root()), PTE_RO)));
    EXPECT_EQUAL(code_of_read(linear | direct << 30) & 1, 0);
    EXPECT_EQUAL(code_of_read(linear | direct << 30 | 1 << 12) & 1, 0);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, linear | slot << 30 | slot << 21 | slot << 12), VEC_NONE);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, linear | ((unsigned long)check_hidden & 0x0000fffffffff000ul) >> 9), VEC_NONE);
    EXPECT_OK(pt_write(e, 0));
}

static void check_slot(void)
{
    struct trap t;
    unsigned long entry;

    EXPECT_EQUAL(trap_catch(&t, insn_read8, PROBE), VEC_PF);
    EXPECT_EQUAL(read_by_second(), VEC_PF);
    REQUIRE(!map_page(NULL, PROBE, virt_to_mfn(page_alloc()), PTE_RW));
    EXPECT_EQUAL(trap_catch(&t, insn_read8, PROBE), VEC_NONE);
    EXPECT_EQUAL(read_by_second(), VEC_NONE);
    entry = *pt_entry(NULL, PROBE, 4);
    EXPECT_OK(pt_write(pt_entry_maddr(NULL, PROBE, 4), 0));
    EXPECT_EQUAL(trap_catch(&t, insn_read8, PROBE), VEC_PF);
    EXPECT_EQUAL(read_by_second(), VEC_PF);
    EXPECT_OK(pt_write(pt_entry_maddr(NULL, PROBE, 4), entry & ~PTE_A));
    EXPECT_EQUAL(trap_catch(&t, insn_read8, PROBE), VEC_NONE);
    EXPECT_EQUAL(read_by_second(), VEC_NONE);
    EXPECT_EQUAL(*pt_entry(NULL, PROBE, 4) & PTE_A, PTE_A);
}

USER_ASM(user_peek, "mov (%rdi), %rax; int3");

static unsigned long code_of_user(unsigned long va)
{
    struct regs r;

    user_regs(&r);
    r.rdi = va;
    EXPECT_EQUAL(user_run(&r), VEC_PF);
    return r.error;
}

static void check_user(void)
{
    user_init();
    USER_CODE_SET(user_peek);
    EXPECT_EQUAL(code_of_user(DIRECT_MAP) & 1, 0);
    EXPECT_EQUAL(code_of_user(FRAME_TABLE) & 1, 0);
    EXPECT_EQUAL(code_of_user(MACH2PHYS_VIRT_START) & 1, 0);
    EXPECT_EQUAL(code_of_user(TEXT + 0x1000) & 1, 1);
}

void test_main(void)
{
    REQUIRE(vcpu_count() == 2);
    REQUIRE(!vcpu_start(1, second));
    check_hidden();
    check_linear();
    check_slot();
    check_user();
}
