/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No hypercall with whatever arguments harms the hypervisor: tens of thousands of pseudo-random calls (fixed seed), arguments from a pool of numbers, good and bad
 * pointers, frame numbers and structures of random words.  Left out is only what ends or changes this guest's own execution.
 */
/* timeout: 120 */
#include <xen/callback.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include "check.h"
#include "console.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "trap.h"
#include "xorshift.h"

#define ROUNDS 30000

static uint64_t seed = 0x9e3779b97f4a7c15;
static uint64_t *scratch, *table;

static uint64_t rnd(void)
{
    return xorshift(&seed);
}

static uint64_t number(void)
{
    static const uint64_t pool[] = { 0, 1, 2, 3, 7, 8, 63, 64, 255, 4095, 4096, 0x7ff0, 0x7ff1, 0x7ff2, 0x7ff4, 0x7fffffff,
                                     0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff, ~0ull, NONCANON, UNMAPPED };

    switch (rnd() % 8) {
    case 0: return rnd();
    case 1: return rnd() % 64;
    case 2: return virt_to_mfn(scratch);
    case 3: return virt_to_mfn(table);
    case 4: return (uint64_t)scratch + rnd() % 4096;
    case 5: return HV_PRIVATE + rnd() % 0x100000;
    default: return pool[rnd() % ARRAY_SIZE(pool)];
    }
}

/* A structure of numbers in the scratch pages, at a random place. */
static uint64_t structure(void)
{
    uint64_t *p = scratch + rnd() % 1000;

    for (unsigned i = 0; i < 24; i++)
        ((volatile uint32_t *)p)[i * 2] = (uint32_t)number(), ((volatile uint32_t *)p)[i * 2 + 1] = rnd() % 3 ? 0 : (uint32_t)number();
    if (rnd() % 2)
        for (unsigned i = 0; i < 8; i++)
            p[i] = number();
    return (uint64_t)p;
}

static uint64_t argument(void)
{
    return rnd() % 2 ? structure() : number();
}

struct target { unsigned nr, cmds; uint32_t skip[2]; };

/* Per hypercall: how many subcommands, and which of the first 64 not to call. */
#define BIT(n) (1u << ((n) % 32))
static const struct target targets[] = {
    { __HYPERVISOR_set_debugreg, 9, { 1u << 5 | 1u << 7 } },    /* DR5 may be DR7: no breakpoints on ourselves */
    { __HYPERVISOR_get_debugreg, 9, { 0 } },
    { __HYPERVISOR_memory_op, 30, { BIT(XENMEM_decrease_reservation) | BIT(XENMEM_exchange) } },
    { __HYPERVISOR_xen_version, 12, { 0 } },
    { __HYPERVISOR_console_io, 3, { BIT(CONSOLEIO_write) } },
    { __HYPERVISOR_grant_table_op, 14, { BIT(GNTTABOP_dump_table) | BIT(GNTTABOP_copy) | BIT(GNTTABOP_transfer) } },
    { __HYPERVISOR_vm_assist, 3, { 0 } },
    { __HYPERVISOR_vcpu_op, 15, { BIT(VCPUOP_down) | BIT(VCPUOP_register_vcpu_info) | BIT(VCPUOP_register_runstate_memory_area) |
                                  BIT(VCPUOP_register_vcpu_time_memory_area) | BIT(VCPUOP_send_nmi) | BIT(VCPUOP_initialise) |
                                  BIT(VCPUOP_get_runstate_info) } },
    { __HYPERVISOR_mmuext_op, 0, { 0 } },
    { __HYPERVISOR_mmu_update, 0, { 0 } },
    { __HYPERVISOR_update_va_mapping, 0, { 0 } },
    { __HYPERVISOR_update_descriptor, 0, { 0 } },
    { __HYPERVISOR_xsm_op, 0, { 0 } },
    { __HYPERVISOR_nmi_op, 3, { BIT(0) } },
    { __HYPERVISOR_sched_op, 9, { BIT(SCHEDOP_block) | BIT(SCHEDOP_poll) | BIT(SCHEDOP_shutdown) | BIT(SCHEDOP_shutdown_code) |
                                   BIT(SCHEDOP_remote_shutdown) |
                                  BIT(SCHEDOP_watchdog) } },
    { __HYPERVISOR_event_channel_op, 15, { 0 } },
    { __HYPERVISOR_physdev_op, 32, { 0 } },
    { __HYPERVISOR_hvm_op, 26, { 0 } },
    { __HYPERVISOR_xenpmu_op, 8, { 0 } },
    { __HYPERVISOR_event_channel_op_compat, 0, { 0 } },
    { __HYPERVISOR_physdev_op_compat, 0, { 0 } },
    { __HYPERVISOR_set_segment_base, 5, { 0 } },
    { __HYPERVISOR_fpu_taskswitch, 2, { 0 } },
    { __HYPERVISOR_set_timer_op, 0, { 0 } },
    { __HYPERVISOR_callback_op, 3, { BIT(0) } },
    { __HYPERVISOR_set_gdt, 0, { 0 } },
};

/* What would unmap our own feet: only numbers that can not name a table or page of ours. */
static bool harmful(unsigned nr, const uint64_t *a)
{
    return (nr == __HYPERVISOR_update_va_mapping && (a[0] >> 39) != (UNMAPPED >> 39) && a[0] < HYPERVISOR_VIRT_START) ||
           (nr == __HYPERVISOR_update_va_mapping && a[0] >= HYPERVISOR_VIRT_END) ||
           /* Xen 4.17 dies of a null pointer in prepare_msix without such a device. */
           (nr == __HYPERVISOR_physdev_op && (a[0] == 30 || a[0] == 31) && test_on_xen()) ||
           (nr == __HYPERVISOR_physdev_op_compat && test_on_xen());
}

static void one(unsigned i)
{
    const struct target *t = &targets[rnd() % ARRAY_SIZE(targets)];
    uint64_t a[5];
    unsigned cmd = t->cmds ? (unsigned)(rnd() % t->cmds) : 0;

    for (unsigned j = 0; j < 5; j++)
        a[j] = argument();
    if (t->cmds) {
        if (t->skip[cmd / 32] >> (cmd % 32) & 1)
            return;
        a[0] = cmd;
    }
    if (harmful(t->nr, a))
        return;
    if (i % 5000 == 0)
        printf("%u\n", i);
    hypercall5(t->nr, (long)a[0], (long)a[1], (long)a[2], (long)a[3], (long)a[4]);
}

void test_main(void)
{
    unsigned long magic = 0x1234;
    struct trap t;

    scratch = page_alloc();
    page_alloc();
    page_alloc();
    table = page_alloc();
    REQUIRE(!page_make_ro(table));
    REQUIRE(!pin(1, virt_to_mfn(table)));
    for (unsigned i = 0; i < ROUNDS; i++)
        one(i);
    /* Still alive, and the rules still hold. */
    hypercall(fpu_taskswitch, 0);
    EXPECT_EQUAL(hypercall(xen_version, 0, NULL) >> 16, 4);
    EXPECT_EQUAL(magic, 0x1234);
    EXPECT_EQUAL(trap_catch(&t, insn_read8, UNMAPPED), VEC_PF);
    EXPECT_EQUAL(trap_catch(&t, insn_write8, (unsigned long)pt_root() + 300 * 8), VEC_PF);
    EXPECT_TRUE(event_bind_ipi(0) > 0);
}
