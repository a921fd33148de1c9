/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where privileged instructions stand, and how they are written: across two pages; with the second page missing (a page
 * fault there, or #GP); with prefixes that mean nothing; with lock, which is an exception; and in 32-bit user code by
 * its own rules (ports by IOPL, the rest #GP).
 */
#include <xen/physdev.h>
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"
#include "user.h"

#define AREA 0x0000120000000000ul /* two pages of code */

USER_ASM(user32_in, ".code32; mov $0x0d, %al; outb %al, $0x70; inb $0x71, %al; int3; .code64");
USER_ASM(user32_in_dx, ".code32; mov $0x70, %edx; mov $0x0d, %al; outb %al, %dx; inc %edx; data16 inb %dx, %al; "
                       "int3; .code64");
USER_ASM(user32_cr0, ".code32; mov %cr0, %eax; int3; .code64");
USER_ASM(user32_rdmsr, ".code32; mov $0xc0000080, %ecx; rdmsr; int3; .code64");
USER_ASM(user32_hlt, ".code32; hlt; .code64");
USER_ASM(user32_cpuid, ".code32; mov $0x40000000, %eax; .byte 0x0f, 0x0b, 0x78, 0x65, 0x6e; cpuid; int3; .code64");

static const char mov_cr0[] = "\x0f\x20\xc0\xc3"; /* mov %cr0, %rax; ret */
static uint64_t result;

static void call(unsigned long va)
{
    __asm__ volatile("call *%1" : "=a"(result) : "r"(va) : "memory");
}

static char *first, *second;

/* The code so that `before` bytes of it are in the first page. */
static unsigned long place(const char *code, unsigned n, unsigned before)
{
    for (unsigned i = 0; i < n; i++)
        *(i < before ? first + 4096 - before + i : second + i - before) = code[i];
    return AREA + 4096 - before;
}

static void check_pages(void)
{
    struct trap t;

    first = page_alloc();
    second = page_alloc();
    REQUIRE(!map_page(NULL, AREA, virt_to_mfn(first), PTE_RO));
    REQUIRE(!map_page(NULL, AREA + 4096, virt_to_mfn(second), PTE_RO));
    for (unsigned before = 1; before <= 4; before++) {
        result = 0;
        EXPECT_EQUAL(trap_catch(&t, call, place(mov_cr0, 4, before)), VEC_NONE);
        EXPECT_EQUAL(result & 0x80000001, 0x80000001);
    }
    EXPECT_OK(hypercall(update_va_mapping, AREA + 4096, 0, UVMF_INVLPG | UVMF_ALL));
    for (unsigned before = 1; before <= 2; before++) {
        /* A processor fetches all of it first; the emulator may say #GP before. */
        EXPECT_TRUE(trap_catch(&t, call, place(mov_cr0, before, before)) == VEC_PF || t.vector == VEC_GP);
        EXPECT_TRUE(t.vector != VEC_PF || t.cr2 == AREA + 4096);
    }
    result = 0; /* the instruction ends with the page */
    EXPECT_EQUAL(trap_catch(&t, call, place(mov_cr0, 3, 3)), VEC_PF); /* ... and the next is the missing one */
    EXPECT_EQUAL(t.regs.rip, AREA + 4096);
}

static void check_prefixes(void)
{
    struct trap t;

    REQUIRE(!map_page(NULL, AREA + 4096, virt_to_mfn(second), PTE_RO));
    EXPECT_EQUAL(trap_catch(&t, call, place("\x26\x3e\x0f\x20\xc0\xc3", 6, 6)), VEC_NONE); /* segments */
    EXPECT_EQUAL(result & 0x80000001, 0x80000001);
    EXPECT_EQUAL(trap_catch(&t, call, place("\x48\x0f\x20\xc0\xc3", 5, 5)), VEC_NONE); /* rex.w */
    EXPECT_TRUE(trap_catch(&t, call, place("\xf0\x0f\x32\xc3", 4, 4)) == VEC_UD || t.vector == VEC_GP); /* lock rdmsr */
}

static int run(const char *start, const char *end, struct regs *r)
{
    user_code_set(start, end);
    user_regs32(r);
    return user_run(r);
}

#define RUN(name) run(name, name##_end, &r)

static void check_user32(void)
{
    struct physdev_set_iopl iopl = { .iopl = 3 };
    struct regs r;

    user_init();
    EXPECT_EQUAL(RUN(user32_in), VEC_GP);
    EXPECT_EQUAL(r.rip, USER_CODE + 2);
    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_set_iopl, &iopl));
    EXPECT_EQUAL(RUN(user32_in), VEC_BP);
    EXPECT_EQUAL(r.rax & 0xff, 0x80);
    EXPECT_EQUAL(RUN(user32_in_dx), VEC_BP);
    EXPECT_EQUAL(r.rax & 0xff, 0x80);
    EXPECT_EQUAL(RUN(user32_cr0), VEC_GP);
    EXPECT_EQUAL(RUN(user32_rdmsr), VEC_GP);
    EXPECT_EQUAL(RUN(user32_hlt), VEC_GP);
    EXPECT_EQUAL(RUN(user32_cpuid), VEC_BP);
    EXPECT_EQUAL(r.rbx, 0x566e6558); /* "XenV" */
}

void test_main(void)
{
    check_pages();
    check_prefixes();
    check_user32();
}
