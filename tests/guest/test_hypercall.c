/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypercall interface itself (arch-x86/xen-x86_64.h): by the page and by a bare syscall the same; unknown and
 * unimplemented numbers answer -ENOSYS; all registers but rax, rcx, r11 and the argument registers are kept.
 */
#include <xen/memory.h>
#include <xen/version.h>
#include "check.h"
#include "console.h"
#include "hypercall.h"

static void check_version(void)
{
    long v = hypercall(xen_version, XENVER_version, NULL);

    printf("version %ld.%ld\n", v >> 16, v & 0xffff);
    EXPECT_EQUAL(v >> 16, 4);
    EXPECT_TRUE((v & 0xffff) >= 17);
    EXPECT_EQUAL(hypercall_raw(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0), v);
}

static void check_unknown(void)
{
    static const unsigned numbers[] = { 11, 43, 44, 45, 46, 47, 50, 53, 56, 63, 64, 100, 127 };

    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++)
        if (!EXPECT_ERR(hypercall5(numbers[i], 0, 0, 0, 0, 0), ENOSYS))
            printf("  number %u\n", numbers[i]);
    EXPECT_ERR(hypercall_raw(128, 0, 0, 0, 0, 0), ENOSYS);
    EXPECT_ERR(hypercall_raw(255, 0, 0, 0, 0, 0), ENOSYS);
    EXPECT_ERR(hypercall_raw(4096, 0, 0, 0, 0, 0), ENOSYS);
    EXPECT_ERR(hypercall_raw(0x7fffffff, 0, 0, 0, 0, 0), ENOSYS);
    EXPECT_ERR(hypercall_raw(0xffffffff, 0, 0, 0, 0, 0), ENOSYS);
    EXPECT_ERR(hypercall_raw(~0ul, 0, 0, 0, 0, 0), ENOSYS);
}

/* Call xen_version(0) with a pattern in each register and see which come back. */
static void check_registers(void)
{
    unsigned long out[8] = { 0 };

    __asm__ volatile(
        "push %%rbp; push %%rbx\n\t"
        "mov $0x1111, %%rbx; mov $0x2222, %%rbp; mov $0x3333, %%r12; mov $0x4444, %%r13\n\t"
        "mov $0x5555, %%r14; mov $0x6666, %%r15\n\t"
        "push %%rsi\n\t"
        "xor %%edi, %%edi; xor %%esi, %%esi\n\t"
        "call hypercall_page + 17*32\n\t"
        "pop %%rsi\n\t"
        "mov %%rbx, 0(%%rsi); mov %%rbp, 8(%%rsi); mov %%r12, 16(%%rsi); mov %%r13, 24(%%rsi)\n\t"
        "mov %%r14, 32(%%rsi); mov %%r15, 40(%%rsi); mov %%rax, 48(%%rsi)\n\t"
        "pop %%rbx; pop %%rbp"
        : : "S"(out) : "rax", "rcx", "rdx", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "memory", "cc");
    EXPECT_EQUAL(out[0], 0x1111);
    EXPECT_EQUAL(out[1], 0x2222);
    EXPECT_EQUAL(out[2], 0x3333);
    EXPECT_EQUAL(out[3], 0x4444);
    EXPECT_EQUAL(out[4], 0x5555);
    EXPECT_EQUAL(out[5], 0x6666);
    EXPECT_EQUAL(out[6] >> 16, 4);
}

/* Addresses that are not the guest's, or nothing of it: nothing is read from there, nothing written. */
static void check_addresses(void)
{
    static const unsigned long addresses[] = {
        0, 8, 0x0000800000000000, 0x00007ffffffffff8, 0x7fffffffffffffff, 0x8000000000000000, 0xffff7fffffffffff, 0xffff800000000000 - 8, /* no addresses */
        0xffff808000000000, 0xffff80c000000000, 0xffff810000000000, 0xffff818000000000, 0xffff82d080000000, 0xffff82d080200000,
        0xffff830000000000, 0xffff830000100000, 0xffff87fffffffff8, 0xffff880000000000 - 1,                  /* the hypervisor's */
        ~0ul - 7, ~0ul,                                                                                      /* round the end */
    };

    for (unsigned i = 0; i < ARRAY_SIZE(addresses); i++) {
        /* a 16-byte string is written; structures are read; a multicall reads and writes */
        if (!EXPECT_ERR(hypercall(xen_version, XENVER_extraversion, addresses[i]), EFAULT) ||
            !EXPECT_ERR(hypercall(memory_op, XENMEM_add_to_physmap, addresses[i]), EFAULT) ||
            !EXPECT_ERR(hypercall(mmu_update, addresses[i], 1, NULL, DOMID_SELF), EFAULT) ||
            !EXPECT_ERR(hypercall(multicall, addresses[i], 1), EFAULT))
            printf("  address %lx\n", addresses[i]);
    }
}

void test_main(void)
{
    check_version();
    check_unknown();
    check_registers();
    check_addresses();
}
