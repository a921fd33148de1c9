/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of struct vcpu_guest_context (arch-x86/xen.h) that test_vcpu leaves out: start in user mode on ctrlreg[1], GDT, debug registers, FPU
 * content, the mask flags of the syscall callback; no state of vCPU 0 comes along.
 */
/* qemu: -smp 2 */
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_start, "mov %es, %ecx; mov $0x77, %eax; movq %xmm5, %rbx; syscall");

static volatile unsigned done;
static struct regs seen;
static volatile uint8_t mask_in;
static volatile unsigned long dr1;

static bool on_syscall(struct regs *r)
{
    seen = *r;
    mask_in = vcpu_info_self()->evtchn_upcall_mask;
    dr1 = (unsigned long)hypercall(get_debugreg, 1);
    __atomic_store_n(&done, cpu_self()->id, __ATOMIC_SEQ_CST);
    vcpu_stop();
}

static void dummy(void)
{
}

void test_main(void)
{
    static struct vcpu_guest_context c;
    uint64_t *gdt = page_alloc();
    uint64_t xmm5 = 0x1122334455667788;

    REQUIRE(vcpu_count() == 2);
    user_init();
    USER_CODE_SET(user_start);
    gdt[7] = 0x00cff3000000ffffull;
    EXPECT_OK(page_make_ro(gdt));
    trap_handle(VEC_SYSCALL, on_syscall);
    __asm__ volatile("movq %0, %%xmm5" : : "r"(0xbadbadul));
    vcpu_context(&c, 1, dummy);
    c.flags = VGCF_i387_valid | VGCF_syscall_disables_events;   /* user mode */
    c.ctrlreg[1] = xen_pfn_to_cr3(virt_to_mfn(user_l4));
    c.user_regs.cs = FLAT_USER_CS64;
    c.user_regs.ss = FLAT_USER_SS64;
    c.user_regs.rip = USER_CODE;
    c.user_regs.rsp = USER_STACK;
    c.user_regs.rflags = FLAG_IF | 2;
    c.user_regs.es = 7 * 8 + 3;
    c.gdt_ents = 512;
    c.gdt_frames[0] = virt_to_mfn(gdt);
    c.debugreg[1] = 0x5670;
    *(uint16_t *)&c.fpu_ctxt.x[0] = 0x37f;
    *(uint32_t *)&c.fpu_ctxt.x[24] = 0x1f80;
    memcpy(&c.fpu_ctxt.x[160 + 5 * 16], &xmm5, 8);
    vcpu_info_at[1]->evtchn_upcall_mask = 0;
    REQUIRE(!vcpu_op(VCPUOP_initialise, 1, &c));
    REQUIRE(!vcpu_op(VCPUOP_up, 1, NULL));
    REQUIRE(wait_for(&done, 1, PATIENT));
    EXPECT_EQUAL(seen.rax, 0x77);
    EXPECT_EQUAL(seen.rbx, xmm5);
    EXPECT_EQUAL(seen.rip, USER_CODE + user_start_end - user_start);
    EXPECT_EQUAL(seen.rsp, USER_STACK);
    EXPECT_EQUAL(REGS_CS(&seen), FLAT_USER_CS64);
    EXPECT_EQUAL(mask_in, 1);
    EXPECT_EQUAL(dr1, 0x5670);
    EXPECT_EQUAL(hypercall(get_debugreg, 1), 0);
    EXPECT_REFUSED(page_make_rw(gdt));
}
