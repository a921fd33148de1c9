/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vcpu_op initialise, up, down, is_up (vcpu.h): a second vCPU starts with the registers and segment bases given, goes down and up again from both
 * sides; initialised once; refusals.
 */
/* qemu: -smp 2 */
#include <xen/sched.h>
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"

static volatile unsigned stage, loops;
extern unsigned long regs_seen[4];
static unsigned long fs_page[2] = { 0xf5, 0xf6 }, gs_page[2] = { 0x65, 0x66 };
static volatile unsigned long fs_seen, gs_seen, flags_seen;
static volatile uint8_t mask_seen;
void second_main(void);

__asm__(".pushsection .bss\n.globl regs_seen\n.balign 8\nregs_seen: .skip 32\n.popsection\n"
        ".pushsection .text\n.globl second_start\n"
        "second_start:\n"
        "mov %rdi, regs_seen(%rip)\n mov %rsi, regs_seen+8(%rip)\n mov %r15, regs_seen+16(%rip)\n"
        "mov %rax, regs_seen+24(%rip)\n"
        "call second_main\n"
        ".popsection\n");
extern char second_start[];

void second_main(void)
{
    __asm__ volatile("mov %%fs:8, %0; mov %%gs:8, %1; pushfq; pop %2" : "=r"(fs_seen), "=r"(gs_seen), "=r"(flags_seen));
    mask_seen = vcpu_info_self()->evtchn_upcall_mask;
    stage = 1;
    while (stage < 2)
        loops++;
    stage = 3;
    vcpu_op(VCPUOP_down, 1, NULL);
    stage = 5;
    for (;;)
        loops++;
}

static void check_before(void)
{
    static struct vcpu_guest_context c;

    EXPECT_EQUAL(vcpu_op(VCPUOP_is_up, 0, NULL), 1);
    EXPECT_EQUAL(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    EXPECT_REFUSED(vcpu_op(VCPUOP_is_up, 2, NULL));
    EXPECT_REFUSED(vcpu_op(VCPUOP_is_up, 5000, NULL));
    EXPECT_REFUSED(vcpu_op(VCPUOP_is_up, ~0u, NULL));
    EXPECT_REFUSED(vcpu_op(VCPUOP_up, 1, NULL));                /* not initialised */
    EXPECT_REFUSED(vcpu_op(VCPUOP_down, 77, NULL));
    EXPECT_REFUSED(vcpu_op(VCPUOP_down, ~0u, NULL));
    EXPECT_REFUSED(vcpu_op(VCPUOP_initialise, 77, &c));
    EXPECT_ERR(vcpu_op(VCPUOP_initialise, 1, (void *)UNMAPPED), EFAULT);
    EXPECT_ERR(vcpu_op(VCPUOP_initialise, 1, (void *)HV_PRIVATE), EFAULT);
    vcpu_context(&c, 1, second_main);
    c.ctrlreg[3] = xen_pfn_to_cr3(0xffffffffful);
    EXPECT_REFUSED(vcpu_op(VCPUOP_initialise, 1, &c));
    c.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(page_alloc()));   /* writable */
    EXPECT_REFUSED(vcpu_op(VCPUOP_initialise, 1, &c));
    vcpu_context(&c, 1, second_main);
    c.gdt_ents = 512;
    c.gdt_frames[0] = 0xffffffffful;
    EXPECT_REFUSED(vcpu_op(VCPUOP_initialise, 1, &c));
    EXPECT_REFUSED(vcpu_op(99, 0, NULL));
}

static void check_start(void)
{
    static struct vcpu_guest_context c;

    vcpu_context(&c, 1, (void (*)(void))second_start);
    c.user_regs.rdi = 0x1111222233334444;
    c.user_regs.rsi = 0x5555;
    c.user_regs.r15 = 0x6666;
    c.user_regs.rax = 0x7777;
    c.fs_base = (unsigned long)fs_page;
    c.gs_base_kernel = (unsigned long)gs_page;
    REQUIRE(!vcpu_op(VCPUOP_initialise, 1, &c));
    EXPECT_EQUAL(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    time_spin(20000000);
    EXPECT_EQUAL(stage, 0);
    EXPECT_ERR(vcpu_op(VCPUOP_initialise, 1, &c), EEXIST);
    EXPECT_OK(vcpu_op(VCPUOP_up, 1, NULL));
    REQUIRE(wait_for(&stage, 1, PATIENT));
    EXPECT_EQUAL(vcpu_op(VCPUOP_is_up, 1, NULL), 1);
    EXPECT_EQUAL(regs_seen[0], 0x1111222233334444);
    EXPECT_EQUAL(regs_seen[1], 0x5555);
    EXPECT_EQUAL(regs_seen[2], 0x6666);
    EXPECT_EQUAL(regs_seen[3], 0x7777);
    EXPECT_EQUAL(fs_seen, 0xf6);
    EXPECT_EQUAL(gs_seen, 0x66);
    EXPECT_OK(vcpu_op(VCPUOP_up, 1, NULL));                     /* again: no harm */
}

/* Taken down from here it stops (soon); brought up it goes on where it was. */
static void check_down_by_other(void)
{
    uint64_t end = time_now() + PATIENT * 1000000ul;
    unsigned n;

    EXPECT_TRUE(loops > 0);
    EXPECT_OK(vcpu_op(VCPUOP_down, 1, NULL));
    EXPECT_EQUAL(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    do {
        n = loops;
        time_spin(10000000);
    } while (n != loops && time_now() < end);
    EXPECT_EQUAL(loops, n);
    EXPECT_OK(vcpu_op(VCPUOP_up, 1, NULL));
    while (loops == n && time_now() < end)
        ;
    EXPECT_TRUE(loops != n);
}

/* It goes down by itself: that is synchronous. */
static void check_down_by_self(void)
{
    uint64_t end = time_now() + PATIENT * 1000000ul;

    stage = 2;
    while (vcpu_op(VCPUOP_is_up, 1, NULL) == 1 && time_now() < end)
        ;
    EXPECT_EQUAL(stage, 3);
    time_spin(20000000);
    EXPECT_EQUAL(stage, 3);
    EXPECT_OK(vcpu_op(VCPUOP_up, 1, NULL));
    EXPECT_TRUE(wait_for(&stage, 5, PATIENT));
    EXPECT_OK(vcpu_op(VCPUOP_down, 1, NULL));
}

void test_main(void)
{
    REQUIRE(vcpu_count() == 2);
    check_before();
    check_start();
    check_down_by_other();
    check_down_by_self();
}
