/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The iret hypercall (arch-x86/xen-x86_64.h, HYPERVISOR_iret) to the kernel: all registers, flags, the upcall mask from
 * IF, RPL 0 to 2 meaning kernel mode; by the page and by a bare syscall.
 */
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "trap.h"
#include "user.h"

static struct regs seen;
static struct context back;

/* A #BP in the target shows what it ran with. */
static bool on_bp(struct regs *r)
{
    seen = *r;
    context_load(&back);
}

static void target_bp(void)
{
    __asm__ volatile("int3");
}

static void fill(struct regs *r, uint64_t flags)
{
    uint64_t *p = &r->r15;

    for (int i = 0; i < 15; i++)
        p[i] = 0x0101010101010101ul * (unsigned)(i + 1);
    r->rip = (uint64_t)target_bp;
    r->cs = FLAT_KERNEL_CS & ~3;    /* RPL 3 would be user mode */
    r->rflags = flags;
    r->rsp = (uint64_t)user_trap_stack[0] + STACK_SIZE / 2;
    r->ss = FLAT_KERNEL_SS;
}

static void go(struct regs *r, uint64_t vgcf)
{
    memset(&seen, 0, sizeof(seen));
    trap_handle(VEC_BP, on_bp);
    if (!context_save(&back))
        regs_enter(r, vgcf);
    trap_handle(VEC_BP, NULL);
}

static void check_registers(void)
{
    struct regs r;
    uint64_t *p = &seen.r15;

    fill(&r, FLAG_IF | 2);
    go(&r, 0);
    for (int i = 0; i < 15; i++)
        EXPECT_EQUAL(p[i], 0x0101010101010101ul * (unsigned)(i + 1));
    EXPECT_EQUAL(seen.rsp, r.rsp);
    EXPECT_EQUAL(seen.rip, (uint64_t)target_bp + 1);
    EXPECT_EQUAL(REGS_CS(&seen) & ~3, FLAT_KERNEL_CS & ~3);
    EXPECT_EQUAL(REGS_CS(&seen) & 3, 0);
    EXPECT_EQUAL(seen.rflags & FLAG_IF, FLAG_IF);
    EXPECT_EQUAL(REGS_MASK(&seen), 0);
    EXPECT_EQUAL(seen.ss, FLAT_KERNEL_SS);
}

/* IF clear in the frame: the vCPU runs with upcalls masked, and its frames show IF clear. */
static void check_mask(void)
{
    struct regs r;

    fill(&r, 2);
    vcpu_info_self()->evtchn_upcall_mask = 0;
    go(&r, 0);
    EXPECT_EQUAL(seen.rflags & FLAG_IF, 0);
    EXPECT_EQUAL(REGS_MASK(&seen), 1);
    EXPECT_EQUAL(vcpu_info_self()->evtchn_upcall_mask, 1);
    fill(&r, FLAG_IF | 2);
    go(&r, 0);
    EXPECT_EQUAL(vcpu_info_self()->evtchn_upcall_mask, 0);
}

/* Arithmetic flags, DF and AC are the guest's; IOPL and VM are not. */
static void check_flags(void)
{
    struct regs r;

    fill(&r, FLAG_IF | FLAG_CF | FLAG_DF | FLAG_OF | FLAG_AC | FLAG_ID | FLAG_IOPL | FLAG_VM | 2);
    go(&r, 0);
    EXPECT_EQUAL(seen.rflags & (FLAG_CF | FLAG_DF | FLAG_OF), FLAG_CF | FLAG_DF | FLAG_OF);
    EXPECT_EQUAL(seen.rflags & FLAG_VM, 0);
    EXPECT_EQUAL(seen.rflags & FLAG_IOPL, 0);
    EXPECT_EQUAL(seen.rflags & FLAG_ID, FLAG_ID);
}

/* RPL 1 and 2 mean kernel mode as well; only the low 16 bits of the slot are the selector. */
static void check_rpl(void)
{
    struct regs r;

    for (unsigned rpl = 0; rpl < 3; rpl++) {
        fill(&r, FLAG_IF | 2);
        r.cs = (r.cs & ~3ul) | rpl | 0x0001000000000000;
        go(&r, 0);
        EXPECT_EQUAL(REGS_CS(&seen) & 3, 0);
        EXPECT_EQUAL(seen.rax, r.rax);
    }
}

static bool resume(struct regs *r)
{
    return r->vector == VEC_BP;
}

/* A trap that returns by the page's iret entry keeps every register (the stub in trap_entry.S). */
static void check_trap_return(void)
{
    unsigned long a = 0x1234567887654321, c = 0x55, r11;

    trap_handle(VEC_BP, resume);
    __asm__ volatile("mov $0xabcdef, %%r11; int3; mov %%r11, %0" : "=r"(r11), "+a"(a), "+c"(c) : : "r11");
    trap_handle(VEC_BP, NULL);
    EXPECT_EQUAL(a, 0x1234567887654321);
    EXPECT_EQUAL(c, 0x55);
    EXPECT_EQUAL(r11, 0xabcdef);
}

void test_main(void)
{
    check_registers();
    check_mask();
    check_flags();
    check_rpl();
    check_trap_return();
}
