/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control and debug registers by their own instructions: a guest kernel may read CR0, CR2, CR3, CR4, change TS by CR0, clts and lmsw, load CR3, use DR0 to
 * DR7; what would change the machine is #GP or ignored; user mode may nothing.
 */
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"
#include "user.h"

#define CR0_TS 8ul
#define CR0_PE_PG 0x80000001ul
#define CR4_PAE 0x20ul

static unsigned long value;

static unsigned long cr0(void) { unsigned long v; __asm__ volatile("mov %%cr0, %0" : "=r"(v)); return v; }
static unsigned long cr2(void) { unsigned long v; __asm__ volatile("mov %%cr2, %0" : "=r"(v)); return v; }
static unsigned long cr3(void) { unsigned long v; __asm__ volatile("mov %%cr3, %0" : "=r"(v)); return v; }
static unsigned long cr4(void) { unsigned long v; __asm__ volatile("mov %%cr4, %0" : "=r"(v)); return v; }
static void cr0_set(unsigned long v) { __asm__ volatile("mov %0, %%cr0" : : "r"(v)); }
static void cr3_set(unsigned long v) { __asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory"); }
static void cr4_set(unsigned long v) { __asm__ volatile("mov %0, %%cr4" : : "r"(v)); }
static void fp(unsigned long a) { (void)a; __asm__ volatile("fldz; fstp %st(0)"); }
static void clts(unsigned long a) { (void)a; __asm__ volatile("clts"); }
static void lmsw(unsigned long v) { __asm__ volatile("lmsw %w0" : : "r"(v)); }
static void dr0_set(unsigned long v) { __asm__ volatile("mov %0, %%db0" : : "r"(v)); }
static void dr7_get(unsigned long a) { (void)a; __asm__ volatile("mov %%db7, %0" : "=r"(value)); }
static void dr0_get(unsigned long a) { (void)a; __asm__ volatile("mov %%db0, %0" : "=r"(value)); }

static void check_cr0(void)
{
    struct trap t;
    unsigned long v = cr0();

    EXPECT_EQUAL(v & CR0_PE_PG, CR0_PE_PG);
    EXPECT_EQUAL(v & CR0_TS, 0);
    EXPECT_EQUAL(trap_catch(&t, cr0_set, v | CR0_TS), VEC_NONE);
    EXPECT_EQUAL(cr0() & CR0_TS, CR0_TS);
    EXPECT_EQUAL(trap_catch(&t, fp, 0), VEC_NM);
    EXPECT_EQUAL(trap_catch(&t, cr0_set, v | CR0_TS), VEC_NONE);
    EXPECT_EQUAL(trap_catch(&t, clts, 0), VEC_NONE);
    EXPECT_EQUAL(cr0() & CR0_TS, 0);
    EXPECT_EQUAL(trap_catch(&t, fp, 0), VEC_NONE);
    /* lmsw: Xen does not emulate it (#GP). */
    EXPECT_TRUE(trap_catch(&t, lmsw, (v & 0xffff) | CR0_TS) == VEC_GP || (cr0() & CR0_TS));
    EXPECT_EQUAL(trap_catch(&t, clts, 0), VEC_NONE);
    (void)trap_catch(&t, cr0_set, v & ~0x80000000ul);       /* paging off: not for us */
    EXPECT_EQUAL(cr0() & CR0_PE_PG, CR0_PE_PG);
    EXPECT_TRUE(trap_catch(&t, cr0_set, v & ~1ul) == VEC_GP || cr0() == v);
    EXPECT_OK(hypercall(fpu_taskswitch, 1));
    EXPECT_EQUAL(cr0() & CR0_TS, CR0_TS);
    EXPECT_OK(hypercall(fpu_taskswitch, 0));
}

static void check_cr2(void)
{
    struct trap t;

    EXPECT_EQUAL(trap_catch(&t, insn_read8, UNMAPPED + 0x456), VEC_PF);
    EXPECT_EQUAL(vcpu_info_self()->arch.cr2, UNMAPPED + 0x456);
    EXPECT_EQUAL(cr2(), UNMAPPED + 0x456);
}

static void check_cr3(void)
{
    uint64_t *l4 = page_alloc();
    unsigned long v = cr3(), bad = virt_to_mfn(page_alloc()) << PAGE_SHIFT;
    struct trap t;

    EXPECT_EQUAL(v >> PAGE_SHIFT, virt_to_mfn(pt_root()));
    for (int i = 272; i < 512; i++)
        l4[i] = pt_root()[i];
    EXPECT_OK(page_make_ro(l4));
    EXPECT_EQUAL(trap_catch(&t, cr3_set, virt_to_maddr(l4)), VEC_NONE);
    EXPECT_EQUAL(cr3() >> PAGE_SHIFT, virt_to_mfn(l4));
    EXPECT_EQUAL(trap_catch(&t, cr3_set, v), VEC_NONE);
    EXPECT_EQUAL(cr3(), v);
    EXPECT_OK(page_make_rw(l4));
    EXPECT_EQUAL(trap_catch(&t, cr3_set, bad), VEC_GP);
    EXPECT_EQUAL(trap_catch(&t, cr3_set, 0xffffffffful << PAGE_SHIFT), VEC_GP);
    EXPECT_EQUAL(cr3(), v);
}

static void check_cr4(void)
{
    unsigned long v = cr4();
    struct trap t;

    EXPECT_EQUAL(v & CR4_PAE, CR4_PAE);
    EXPECT_EQUAL(trap_catch(&t, cr4_set, v), VEC_NONE);
    EXPECT_EQUAL(cr4(), v);
    (void)trap_catch(&t, cr4_set, v & ~CR4_PAE);
    EXPECT_EQUAL(cr4() & CR4_PAE, CR4_PAE);
    (void)trap_catch(&t, cr4_set, v | 1ul << 13);           /* VMXE */
    EXPECT_EQUAL(cr4() & 1ul << 13, 0);
}

static void check_dr(void)
{
    struct trap t;

    EXPECT_EQUAL(trap_catch(&t, dr0_set, 0x12340), VEC_NONE);
    EXPECT_EQUAL(trap_catch(&t, dr0_get, 0), VEC_NONE);
    EXPECT_EQUAL(value, 0x12340);
    EXPECT_EQUAL(hypercall(get_debugreg, 0), 0x12340);
    EXPECT_EQUAL(trap_catch(&t, dr7_get, 0), VEC_NONE);
    EXPECT_EQUAL(value & 0xff, 0);
    (void)trap_catch(&t, dr0_set, HV_PRIVATE);              /* no breakpoint on the hypervisor */
    EXPECT_EQUAL(hypercall(get_debugreg, 0), 0x12340);
    EXPECT_OK(hypercall(set_debugreg, 0, 0));
}

USER_ASM(user_cr0, "mov %cr0, %rax; ud2");
USER_ASM(user_cr3, "mov %cr3, %rax; ud2");
USER_ASM(user_clts, "clts; ud2");
USER_ASM(user_dr, "mov %db7, %rax; ud2");
USER_ASM(user_hlt, "hlt; ud2");
USER_ASM(user_invlpg, "invlpg (%rax); ud2");
USER_ASM(user_rdmsr, "mov $0xc0000100, %ecx; rdmsr; ud2");
USER_ASM(user_wbinvd, "wbinvd; ud2");

static void check_user(void)
{
    static const struct { const char *start, *end; } codes[] = {
        { user_cr0, user_cr0_end }, { user_cr3, user_cr3_end }, { user_clts, user_clts_end }, { user_dr, user_dr_end },
        { user_hlt, user_hlt_end }, { user_invlpg, user_invlpg_end },
    };
    struct regs r;

    user_init();
    for (unsigned i = 0; i < ARRAY_SIZE(codes); i++) {
        user_code_set(codes[i].start, codes[i].end);
        user_regs(&r);
        EXPECT_EQUAL(user_run(&r), VEC_GP);
        EXPECT_EQUAL(r.rip, USER_CODE);
        EXPECT_EQUAL(r.error, 0);
    }
    /* QEMU 10 lets user mode execute wbinvd. */
    USER_CODE_SET(user_wbinvd);
    user_regs(&r);
    EXPECT_TRUE(user_run(&r) == VEC_GP ? r.rip == USER_CODE : r.rip == USER_CODE + 2);
    USER_CODE_SET(user_rdmsr);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_GP);
    EXPECT_EQUAL(r.rip, USER_CODE + 5);
}

void test_main(void)
{
    check_cr0();
    check_cr2();
    check_cr3();
    check_cr4();
    check_dr();
    check_user();
}
