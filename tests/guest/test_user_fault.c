/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Faults of user mode bounce to the guest's kernel: page-fault codes with the user bit, CR2, the user's cs, ss and rsp; #UD, #DE, #BP, #GP;
 * the gate's mask flag; the kernel's memory, the machine-to-phys table and the hypervisor can not be read from user mode.
 */
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_read, "mov (%rdi), %al; ud2");
USER_ASM(user_write, "mov %al, (%rdi); ud2");
USER_ASM(user_jump, "jmp *%rdi");
USER_ASM(user_ud, "ud2");
USER_ASM(user_div, "xor %edx, %edx; xor %ecx, %ecx; div %ecx");
USER_ASM(user_bp, "int3");

static struct regs r;

static void run(const char *start, const char *end, unsigned long rdi)
{
    user_code_set(start, end);
    user_regs(&r);
    r.rdi = rdi;
    user_run(&r);
}

#define RUN(code, rdi) run(code, code##_end, rdi)

static void check_frame(unsigned long rip)
{
    EXPECT_EQUAL(r.rip, rip);
    EXPECT_EQUAL(REGS_CS(&r), FLAT_USER_CS64);
    EXPECT_EQUAL(r.ss, FLAT_USER_SS64);
    EXPECT_EQUAL(r.rsp, USER_STACK);
    EXPECT_EQUAL(REGS_MASK(&r), 0);
}

static void fault(int vector, uint64_t error, uint64_t cr2, unsigned long rip)
{
    EXPECT_EQUAL(r.vector, vector);
    EXPECT_EQUAL(r.error, error);
    if (vector == VEC_PF)
        EXPECT_EQUAL(vcpu_info_self()->arch.cr2, cr2);
    check_frame(rip);
}

static void check_page_faults(void)
{
    RUN(user_read, UNMAPPED + 5);
    fault(VEC_PF, 4, UNMAPPED + 5, USER_CODE);
    RUN(user_write, UNMAPPED + 6);
    fault(VEC_PF, 6, UNMAPPED + 6, USER_CODE);
    RUN(user_jump, UNMAPPED + 7);
    EXPECT_EQUAL(r.error & ~16ul, 4);
    EXPECT_EQUAL(r.rip, UNMAPPED + 7);
    EXPECT_OK(hypercall(update_va_mapping, USER_DATA, pte_make(virt_to_mfn(user_data), PTE_RO | PTE_NX), UVMF_INVLPG | UVMF_ALL));
    RUN(user_write, USER_DATA);
    fault(VEC_PF, 7, USER_DATA, USER_CODE);
    RUN(user_jump, USER_DATA);
    fault(VEC_PF, 0x15, USER_DATA, USER_DATA);
    RUN(user_read, NONCANON);
    fault(VEC_GP, 0, 0, USER_CODE);
}

static void check_hidden(void)
{
    static const unsigned long hidden[] = { MACH2PHYS_VIRT_START, HV_PRIVATE, HYPERVISOR_VIRT_END - 8, VIRT_BASE + 0x100000,
                                            0xffff82d040200000ul };

    for (unsigned i = 0; i < ARRAY_SIZE(hidden); i++) {
        RUN(user_read, hidden[i]);
        EXPECT_EQUAL(r.vector, VEC_PF);
        EXPECT_EQUAL(r.error & 6, 4);
        EXPECT_EQUAL(vcpu_info_self()->arch.cr2, hidden[i]);
        check_frame(USER_CODE);
        RUN(user_write, hidden[i]);
        EXPECT_EQUAL(r.vector, VEC_PF);
        EXPECT_EQUAL(r.error & 6, 6);
    }
}

static void check_others(void)
{
    RUN(user_ud, 0);
    fault(VEC_UD, 0, 0, USER_CODE);
    RUN(user_div, 0);
    fault(VEC_DE, 0, 0, USER_CODE + 4);
    RUN(user_bp, 0);
    fault(VEC_BP, 0, 0, USER_CODE + 1);
}

static uint8_t mask_in;

static bool on_ud(struct regs *f)
{
    (void)f;
    mask_in = vcpu_info_self()->evtchn_upcall_mask;
    return false;
}

static void check_gate_flag(void)
{
    trap_handle(VEC_UD, on_ud);
    RUN(user_ud, 0);
    EXPECT_EQUAL(mask_in, 0);
    EXPECT_OK(trap_gate(VEC_UD, 4));
    RUN(user_ud, 0);
    EXPECT_EQUAL(mask_in, 1);
    fault(VEC_UD, 0, 0, USER_CODE);
    EXPECT_OK(trap_gate(VEC_UD, 0));
    trap_handle(VEC_UD, NULL);
}

void test_main(void)
{
    user_init();
    check_page_faults();
    check_hidden();
    check_others();
    check_gate_flag();
}
