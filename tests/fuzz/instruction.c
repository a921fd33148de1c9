/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions: those that trap, those that the hypervisor emulates, those it must not let through, and bytes by chance; run in the
 * guest's kernel and in user mode with random registers; and frames for iret that nobody in his right mind would make.
 * Each piece of code ends in ud2.
 */
#include "check.h"
#include "grammar.h"
#include "hostile.h"
#include "hypercall.h"
#include "mem.h"
#include "random.h"
#include "trap.h"
#include "user.h"

#define CODE(...) { sizeof((const uint8_t[]){ __VA_ARGS__ }), { __VA_ARGS__ } }

static const struct piece { uint8_t n, bytes[11]; } pieces[] = {
    CODE(0xfa), CODE(0xfb), CODE(0x9c, 0x58), CODE(0x50, 0x9d),               /* cli sti pushfq popfq */
    CODE(0xf4), CODE(0x0f, 0x08), CODE(0x0f, 0x09),                         /* hlt invd wbinvd */
    CODE(0xec), CODE(0xed), CODE(0x66, 0xed), CODE(0xee), CODE(0xef),       /* in, out: dx */
    CODE(0xe4, 0x71), CODE(0xe6, 0x80), CODE(0x6c), CODE(0xf3, 0x6d), CODE(0x6e), CODE(0xf3, 0x6f),
    CODE(0x0f, 0x32), CODE(0x0f, 0x30), CODE(0x0f, 0x33),                   /* rdmsr wrmsr rdpmc */
    CODE(0x0f, 0x31), CODE(0x0f, 0x01, 0xf9), CODE(0x0f, 0xa2),             /* rdtsc rdtscp cpuid */
    CODE(0x0f, 0x20, 0xc0), CODE(0x0f, 0x20, 0xd0), CODE(0x0f, 0x20, 0xd8), CODE(0x0f, 0x20, 0xe0), CODE(0x44, 0x0f, 0x20, 0xc0),
    CODE(0x0f, 0x22, 0xc0), CODE(0x0f, 0x22, 0xd0), CODE(0x0f, 0x22, 0xd8), CODE(0x0f, 0x22, 0xe0), CODE(0x44, 0x0f, 0x22, 0xc0),
    CODE(0x0f, 0x21, 0xc0), CODE(0x0f, 0x21, 0xf8), CODE(0x0f, 0x23, 0xc0), CODE(0x0f, 0x23, 0xf8), CODE(0x0f, 0x21, 0xe0),
    CODE(0x0f, 0x06), CODE(0x0f, 0x01, 0xd8), CODE(0x0f, 0x01, 0xd9), CODE(0x0f, 0x01, 0xc8), CODE(0x0f, 0x01, 0xd1), /* clts svm monitor xsetbv */
    CODE(0x0f, 0x01, 0xd0), CODE(0x0f, 0x01, 0x38), CODE(0x0f, 0x01, 0xf8), CODE(0x0f, 0x01, 0xf0), /* xgetbv invlpg swapgs lmsw */
    CODE(0x0f, 0x01, 0x10), CODE(0x0f, 0x01, 0x18), CODE(0x0f, 0x01, 0x00), CODE(0x0f, 0x01, 0x08), CODE(0x0f, 0x00, 0xd0), CODE(0x0f, 0x00, 0xd8),
    CODE(0xcc), CODE(0xcd, 0x03), CODE(0xcd, 0x04), CODE(0xcd, 0x20), CODE(0xcd, 0x80), CODE(0xcd, 0x82), CODE(0xf1), CODE(0x0f, 0x0b),
    CODE(0x8e, 0xd8), CODE(0x8e, 0xc0), CODE(0x8e, 0xe0), CODE(0x8e, 0xe8), CODE(0x8e, 0xd0), /* mov to ds es fs gs ss */
    CODE(0x0f, 0x02, 0xc0), CODE(0x0f, 0x03, 0xc0), CODE(0x0f, 0x00, 0xe0), CODE(0x0f, 0x00, 0xe8),
    CODE(0x0f, 0x34), CODE(0x0f, 0x07), CODE(0x0f, 0x35),
    CODE(0x48, 0x89, 0x07), CODE(0x48, 0x8b, 0x06), CODE(0x48, 0x0f, 0xb1, 0x0f), CODE(0xf0, 0x48, 0x0f, 0xb1, 0x0f), /* to (rdi), from (rsi) */
    CODE(0x48, 0x0f, 0xc7, 0x0f), CODE(0xf3, 0x48, 0xa5), CODE(0x48, 0x87, 0x07), CODE(0xf0, 0x48, 0x0f, 0xba, 0x37, 0x01),
    CODE(0x48, 0xf7, 0xf1), CODE(0xdb, 0xe3), CODE(0x0f, 0xae, 0x07), CODE(0x0f, 0xae, 0x0f), CODE(0x0f, 0xae, 0x17), CODE(0x0f, 0x58, 0xc1),
    CODE(0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x9b), CODE(0x0f, 0xc7, 0xf0), CODE(0xf3, 0x48, 0x0f, 0xae, 0xd0), CODE(0xf3, 0x48, 0x0f, 0xae, 0xd8),
    CODE(0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2), CODE(0x48, 0x0f, 0x01, 0x00), CODE(0xeb, 0xfe),
    CODE(0x9b, 0xd9, 0x30), CODE(0x65, 0x48, 0x8b, 0x00), CODE(0x0f, 0xc7, 0xf8),
}, deadly[] = {                 /* in the kernel these lose its stack or its way */
    CODE(0x48, 0xcf), CODE(0xcf), CODE(0x48, 0xcb), CODE(0xff, 0xe0), CODE(0xff, 0xd0), CODE(0x50, 0xc3),
    CODE(0x48, 0xbc, 0, 0, 0, 0, 0, 0x90, 0, 0), CODE(0x0f, 0x05),
};

static char *code_page[CPUS_MAX];

void instruction_init(unsigned vcpus)
{
    for (unsigned i = 0; i < vcpus; i++)
        code_page[i] = page_alloc();
    user_init();
}

/* A piece, or bytes by chance, now and then behind a prefix; gives the length. */
static unsigned piece(uint8_t *at, unsigned deadly_one_in)
{
    static const uint8_t prefix[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x48, 0x4c, 0x2e, 0x64 };
    const struct piece *p = one_in(deadly_one_in) ? &deadly[rnd(ARRAY_SIZE(deadly))] : &pieces[rnd(ARRAY_SIZE(pieces))];
    unsigned n = 0;

    if (one_in(8))
        at[n++] = prefix[rnd(ARRAY_SIZE(prefix))];
    if (one_in(deadly_one_in)) {
        uint64_t bytes = rnd64();

        memcpy(at + n, &bytes, 8);
        return n + 8;
    }
    memcpy(at + n, p->bytes, p->n);
    return n + p->n;
}

/*
 * QEMU 10 lets a mov to segment registers 1, 6 and 7 pass, which are CS and none, and takes REX.R for a bit of the number: so it writes
 * over CS, LDTR, TR, its CR3 and CR4.
 */
static void spare_emulator(uint8_t *from, const uint8_t *to)
{
    for (; from < to; from++) {
        if ((*from & 0xf4) == 0x44 && from[1] == 0x8e)
            *from &= (uint8_t)~4;
        if (*from == 0x8e && ((from[1] & 0x38) == 0x08 || (from[1] & 0x38) >= 0x30))
            from[1] ^= 0x10;
    }
}

static void code_write(char *page, unsigned deadly_one_in)
{
    uint8_t *at = (uint8_t *)page;

    for (unsigned n = 1 + rnd(3); n; n--)
        at += piece(at, deadly_one_in);
    spare_emulator((uint8_t *)page, at);
    at[0] = 0x0f;
    at[1] = 0x0b;
}

static uint64_t msr_any(void)
{
    static const uint32_t msrs[] = { 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0x10, 0x1b,
                                     0x174, 0x175, 0x176, 0x277, 0x2ff, 0x200, 0x1a0, 0x17a, 0x179, 0x400, 0x6e0, 0xc0010015, 0xc001001f, 0x48, 0x49,
                                     0x10b, 0xcd, 0xce, 0x40000000, 0x40000100, 0xc0011020, 0x8b, 0x79, 0x1d9, 0x38f, 0xc1 };

    return msrs[rnd(ARRAY_SIZE(msrs))];
}

static uint64_t port_any(void)
{
    static const uint16_t ports[] = { 0x80, 0x84, 0x87, 0x3f8, 0x60, 0x61, 0xcf8, 0xcfc, 0x70, 0x71, 0x40, 0x20 };

    return ports[rnd(ARRAY_SIZE(ports))];
}

static uint64_t register_value(void)
{
    switch (rnd(4)) {
    case 0:  return rnd(4) ? msr_any() : port_any();
    case 1:  return value('v');
    case 2:  return value('u');
    default: return wild();
    }
}

static void regs_random(struct regs *r)
{
    uint64_t *reg = (uint64_t *)r;

    for (unsigned i = 0; i < 15; i++)
        reg[i] = register_value();
    if (rnd(2))
        r->rcx = msr_any();
    if (rnd(2))
        r->rdx = rnd(2) ? 0x80 + rnd(16) : port_any();
}

static void in_kernel(void)
{
    struct regs r;

    code_write(code_page[cpu_self()->id], 150);
    regs_random(&r);
    r.rip = (uint64_t)code_page[cpu_self()->id];
    r.cs = FLAT_KERNEL_CS & ~3;    /* the ABI's sign of a kernel's frame */
    r.ss = FLAT_KERNEL_SS;
    r.rflags = 2 | (one_in(4) ? rnd64() & 0x3f7fd5 : 0);
    r.rsp = (uint64_t)&r - 256;
    regs_enter(&r, VGCF_in_syscall * rnd(2));
}

static void in_user(void)
{
    struct regs r;

    code_write(user_code, 8);
    user_regs(&r);
    if (one_in(4))
        user_regs32(&r);
    regs_random(&r);
    r.rflags |= one_in(4) ? rnd64() & 0x3f7fd5 : 0;
    hypercall(stack_switch, FLAT_KERNEL_SS, (unsigned long)user_trap_stack[cpu_self()->id] + STACK_SIZE);
    regs_enter(&r, VGCF_in_syscall * rnd(2));
}

static void wild_iret(void)
{
    struct regs r;

    user_regs(&r);
    regs_random(&r);
    r.rip = rnd(2) ? (uint64_t)value('v') : r.rip;
    r.cs = rnd(2) ? value('u') | 3 : one_in(24) ? value('u') : r.cs;   /* without the 3 it is the kernel's, which needs a stack */
    r.ss = rnd(2) ? value('u') : r.ss;
    r.rsp = rnd(2) ? value('v') : r.rsp;
    r.rflags = rnd(2) ? rnd64() : r.rflags;
    regs_enter(&r, rnd(2) ? wild() : 0);
}

void instruction_step(void)
{
    unsigned n = rnd(16);

    if (n < 7)
        in_kernel();
    if (n < 14)
        in_user();
    wild_iret();
}
