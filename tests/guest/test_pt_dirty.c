/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Accessed and dirty bits are the processor's to set at any time, also while one of the kernel's own instructions on the entry is emulated: what
 * the other vCPU has written by an entry must show in it, or in what was exchanged for it.
 */
/* qemu: -smp 2 */
/* alone: CPUs wait for each other */
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"
#include "trap.h"

#define VA 0x0000100000000000ul
#define ROUNDS 12000
#define SECONDS 10       /* at most: on a busy computer the CPUs wait long for each other */

static void writer(void)
{
    struct trap t;

    for (;;)
        trap_catch(&t, insn_write8, VA);
}

static uint64_t exchange(uint64_t *entry, uint64_t value)
{
    __asm__ volatile("xchg %0, (%1)" : "+r"(value) : "r"(entry) : "memory");
    return value;
}

/* One round: the entry is there for a moment.  Did the other write by it? */
static bool round_written(volatile uint64_t *page, uint64_t *entry, unsigned n)
{
    uint64_t old;

    *page = 0;
    EXPECT_OK(pt_write(pt_entry_maddr(NULL, VA, 1), pte_make(virt_to_mfn(page), PTE_RW & ~PTE_D)));
    for (unsigned i = 0; i < n * 7 % 512; i++)
        __asm__ volatile("pause");
    if (n % 3 == 0)
        __asm__ volatile("lock btrq $5, %0" : "+m"(*entry) : : "memory", "cc");
    if (n % 3 == 1)
        __asm__ volatile("lock andb $0xdf, %0" : "+m"(*entry) : : "memory", "cc");
    old = exchange(entry, 0);
    EXPECT_OK(mmuext_one(MMUEXT_TLB_FLUSH_ALL, 0, 0));
    if (*page && !EXPECT_TRUE(old & PTE_D))
        printf("  round %u: entry %lx\n", n, old);
    return *page;
}

void test_main(void)
{
    uint64_t *page = page_alloc(), end;
    unsigned written = 0, n = 0;

    REQUIRE(vcpu_count() == 2);
    REQUIRE(!map_page(NULL, VA, virt_to_mfn(page), PTE_RW));
    REQUIRE(!pt_write(pt_entry_maddr(NULL, VA, 1), 0)); /* no round begins with an entry in anybody's TLB */
    REQUIRE(!vcpu_start(1, writer));
    for (end = time_now() + SECONDS * 1000000000ul; n < ROUNDS && time_now() < end; n++)
        written += round_written(page, pt_entry(NULL, VA, 1), n);
    printf("written by in %u of %u rounds\n", written, n);
    EXPECT_TRUE(written > 0);
}
