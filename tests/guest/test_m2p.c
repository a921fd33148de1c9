/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's part of the address space (arch-x86/xen-x86_64.h) as the guest's kernel sees it: machine-to-phys readable, not writable; the rest
 * is a page fault like any other, for reads, writes and jumps, and as an operand of a hypercall it is -EFAULT.  A frame that is not ours
 * has no number of ours.
 */
#include <xen/version.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"

static void check_private(unsigned long va)
{
    struct trap t;

    EXPECT_EQUAL(trap_catch(&t, insn_read8, va), VEC_PF);
    EXPECT_EQUAL(t.cr2, va);
    EXPECT_EQUAL(t.regs.error & 2, 0);
    EXPECT_EQUAL(trap_catch(&t, insn_write8, va), VEC_PF);
    EXPECT_EQUAL(t.cr2, va);
    EXPECT_EQUAL(t.regs.error & 2, 2);
    EXPECT_EQUAL(trap_catch(&t, insn_call, va), VEC_PF);
    EXPECT_EQUAL(t.cr2, va);
    EXPECT_EQUAL(t.regs.rip, va);
    EXPECT_ERR(hypercall(xen_version, XENVER_extraversion, va), EFAULT);
}

static void check_entries(void)
{
    unsigned wrong = 0, ours = 0;

    for (unsigned long mfn = 0; mfn < 0x10000; mfn++) { /* 256 MiB */
        unsigned long pfn = machine_to_phys_mapping[mfn];
        bool is_ours = pfn < start_info->nr_pages && pfn_to_mfn(pfn) == mfn;

        ours += is_ours;
        wrong += !is_ours && pfn < ~0ul - 1;
    }
    EXPECT_EQUAL(wrong, 0);
    EXPECT_EQUAL(ours, start_info->nr_pages);
}

void test_main(void)
{
    static const unsigned long other[] = { HV_PRIVATE, 0xffff82d040000000ul, 0xffff830000000000ul, 0xffff830000100000ul,
                                           0xffff860000000000ul, HYPERVISOR_VIRT_END - PAGE_SIZE };
    unsigned long mfn = pfn_to_mfn(3);
    struct trap t;

    EXPECT_EQUAL(machine_to_phys_mapping[mfn], 3);
    EXPECT_EQUAL(trap_catch(&t, insn_write8, (unsigned long)&machine_to_phys_mapping[mfn]), VEC_PF);
    EXPECT_EQUAL(t.cr2, (unsigned long)&machine_to_phys_mapping[mfn]);
    EXPECT_EQUAL(machine_to_phys_mapping[mfn], 3);
    EXPECT_EQUAL(trap_catch(&t, insn_call, (unsigned long)&machine_to_phys_mapping[mfn]), VEC_PF);
    for (unsigned i = 0; i < ARRAY_SIZE(other); i++)
        check_private(other[i]);
    check_entries();
}
