/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Start of day (xen.h, "Start-of-day memory layout"): registers at entry, start_info fields, order and
 * alignment of the bootstrap elements, the p2m list and its inverse, page tables mapped read-only,
 * 512 kB of padding, and a shared info page with upcalls masked.
 */
/* cmd: one two=3 */
#include "boot.h"
#include "check.h"
#include "mem.h"

static uint8_t first_mask;
void test_early(void);

void test_early(void)
{
    first_mask = shared_info.vcpu_info[0].evtchn_upcall_mask;
}

static void check_registers(void)
{
    EXPECT_EQUAL(boot_regs.rsi, start_info);
    EXPECT_EQUAL(boot_regs.cs & 3, 3);
    EXPECT_EQUAL(boot_regs.cs, FLAT_KERNEL_CS);
    EXPECT_EQUAL(boot_regs.ss, FLAT_KERNEL_SS);
    EXPECT_EQUAL(boot_regs.rflags & (FLAG_TF | FLAG_DF | FLAG_NT | FLAG_AC), 0);
}

static void check_fields(void)
{
    /* "xen-<version>-<platform>"; Xen says xen-3.0-x86_64p. */
    EXPECT_TRUE(!strncmp(start_info->magic, "xen-3.", 6));
    EXPECT_EQUAL(start_info->magic[31], 0);
    EXPECT_EQUAL(start_info->flags & (SIF_PRIVILEGED | SIF_INITDOMAIN), SIF_PRIVILEGED | SIF_INITDOMAIN);
    EXPECT_EQUAL(start_info->shared_info & ~PAGE_MASK, 0);
    EXPECT_TRUE(start_info->nr_pages >= 1024);
    EXPECT_EQUAL(start_info->mod_len, 0);
    EXPECT_EQUAL(start_info->mod_start, 0);
    /* dom0 has no store and console rings of its own. */
    EXPECT_EQUAL(start_info->store_mfn, 0);
    EXPECT_EQUAL(start_info->store_evtchn, 0);
    EXPECT_TRUE(strstr((const char *)start_info->cmd_line, "one two=3"));
    EXPECT_EQUAL(start_info->cmd_line[MAX_GUEST_CMDLINE - 1], 0);
}

static void check_layout(void)
{
    unsigned long image_end = (unsigned long)guest_end;
    unsigned long p2m_end = start_info->mfn_list + start_info->nr_pages * 8;
    unsigned long info = (unsigned long)start_info;
    unsigned long pt_end = start_info->pt_base + start_info->nr_pt_frames * PAGE_SIZE;

    EXPECT_EQUAL(start_info->mfn_list & ~PAGE_MASK, 0);
    EXPECT_EQUAL(info & ~PAGE_MASK, 0);
    EXPECT_EQUAL(start_info->pt_base & ~PAGE_MASK, 0);
    EXPECT_TRUE(start_info->mfn_list >= image_end);
    EXPECT_TRUE(info >= p2m_end);
    EXPECT_TRUE(start_info->pt_base > info);
    EXPECT_TRUE(boot_regs.rsp > pt_end);
    EXPECT_TRUE(boot_regs.rsp <= pt_end + PAGE_SIZE);
    EXPECT_TRUE(start_info->nr_pt_frames >= 4);
}

static void check_padding(void)
{
    unsigned long end = (boot_regs.rsp + PAGE_SIZE - 1) & PAGE_MASK;
    unsigned long last = end + 512 * 1024;

    for (unsigned long va = VIRT_BASE + 0x100000; va < last; va += PAGE_SIZE) {
        uint64_t *e = pt_entry(NULL, va, 1);

        if (!e || !(*e & PTE_P)) {
            EXPECT_EQUAL(va, 0);
            return;
        }
    }
    /* The end of the mapped region is aligned to 4 MB: the page before the aligned end is there. */
    last = ((last + (4ul << 20) - 1) & ~((4ul << 20) - 1)) - PAGE_SIZE;
    EXPECT_TRUE(pt_entry(NULL, last, 1) && (*pt_entry(NULL, last, 1) & PTE_P));
    WRITE_ONCE(*(volatile long *)(last), 0x1234);
    EXPECT_EQUAL(*(volatile long *)last, 0x1234);
}

static void check_p2m(void)
{
    unsigned long bad = 0;

    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
        bad += mfn_to_pfn(pfn_to_mfn(pfn)) != pfn;
    EXPECT_EQUAL(bad, 0);
}

/* Each boot mapping is 1:1 to the first pseudo-physical pages; page tables and only they are read-only. */
static void check_mapping(void)
{
    unsigned long pt_end = start_info->pt_base + start_info->nr_pt_frames * PAGE_SIZE;
    unsigned long end = (boot_regs.rsp + PAGE_SIZE - 1) & PAGE_MASK;
    unsigned long wrong = 0, rights = 0;

    for (unsigned long va = VIRT_BASE + 0x100000; va < end; va += PAGE_SIZE) {
        uint64_t *e = pt_entry(NULL, va, 1);
        bool table = va >= start_info->pt_base && va < pt_end;

        if (va == (unsigned long)&shared_info)
            continue;
        wrong += !e || (*e & PTE_ADDR) >> PAGE_SHIFT != virt_to_mfn((void *)va);
        rights += !e || !(*e & PTE_W) != table;
    }
    EXPECT_EQUAL(wrong, 0);
    EXPECT_EQUAL(rights, 0);
}

static void check_shared_info(void)
{
    EXPECT_EQUAL(first_mask, 1);
    EXPECT_EQUAL(shared_info.vcpu_info[0].evtchn_pending_sel, 0);
    EXPECT_TRUE(shared_info.vcpu_info[0].time.tsc_to_system_mul != 0);
    EXPECT_TRUE(shared_info.vcpu_info[0].time.system_time != 0);
    EXPECT_TRUE(shared_info.wc_sec != 0);
}

void test_main(void)
{
    check_registers();
    check_fields();
    check_layout();
    check_padding();
    check_p2m();
    check_mapping();
    check_shared_info();
}
