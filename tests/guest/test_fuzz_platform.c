/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No platform_op, mca, hypfs_op or hvm_op with whatever arguments harms the hypervisor: pseudo-random calls (fixed
 * seed), with the versions right so that they come through to the operations.  Left out: power off, and machine checks
 * made up, which may be fatal ones.
 */
/* hv-only: hospes */
/* qemu: -smp 2 */
#define __XEN_TOOLS__ 1
#include <xen/hypfs.h>
#include <xen/memory.h>
#include <xen/platform.h>
#include <xen/version.h>
#include <xen/arch-x86/xen-mca.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "xorshift.h"

#define ROUNDS 20000

static uint64_t seed = 0x2545f4914f6cdd1d;
static uint64_t *scratch;

static uint64_t rnd(void)
{
    return xorshift(&seed);
}

static uint64_t number(void)
{
    static const uint64_t pool[] = { 0, 1, 2, 3, 5, 16, 255, 1024, 4096, 0xf0000, 0x7fffffff,
                                     0x80000000, 0xffffffff, 0x100000000, ~0ull };

    switch (rnd() % 6) {
    case 0: return rnd();
    case 1: return rnd() % 64;
    case 2: return (uint64_t)scratch + rnd() % 4096;
    case 3: return rnd() % 2 ? UNMAPPED : HV_PRIVATE + rnd() % 0x100000;
    default: return pool[rnd() % ARRAY_SIZE(pool)];
    }
}

static void words(void *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t v = rnd() % 2 ? number() : (uint32_t)number() | (uint64_t)(uint32_t)number() << 32;

        memcpy((char *)p + i * 8, &v, 8);
    }
}

static void one_platform(void)
{
    static struct xen_platform_op op;

    words(op.u.pad, sizeof(op.u.pad) / 8);
    op.cmd = (uint32_t)(rnd() % 66);
    op.interface_version = XENPF_INTERFACE_VERSION;
    if (op.cmd == XENPF_enter_acpi_sleep && op.u.enter_acpi_sleep.sleep_state == 5)
        return;
    if (op.cmd == XENPF_microcode_update && rnd() % 2)
        set_xen_guest_handle(op.u.microcode.data, scratch);
    hypercall(platform_op, rnd() % 16 ? (uint64_t)&op : number());
}

static void one_mca(void)
{
    static struct xen_mc op;

    words(&op, sizeof(op) / 8);
    op.cmd = (uint32_t)(rnd() % 8);
    op.interface_version = XEN_MCA_INTERFACE_VERSION;
    if (op.cmd == XEN_MC_msrinject)
        op.u.mc_msrinject.mcinj_count = rnd() % 2 ? 0 : 9;
    hypercall(mca, rnd() % 16 ? (uint64_t)&op : number());
}

static void one_hypfs(void)
{
    static const char *const paths[] = { "/", "/params", "/params/loglvl", "/buildinfo/version/major",
                                        "/buildinfo/", "//", "x", "" };
    const char *path = paths[rnd() % ARRAY_SIZE(paths)];
    uint64_t n = 0;

    while (path[n])
        n++;
    hypercall(hypfs_op, rnd() % 4, rnd() % 8 ? (uint64_t)path : number(), rnd() % 8 ? n + 1 : number(),
              rnd() % 4 ? (uint64_t)scratch : number(), rnd() % 4 ? rnd() % 4096 : number());
}

static void one_memory(void)
{
    static const uint8_t ops[] = {
        XENMEM_memory_map, XENMEM_set_memory_map, XENMEM_claim_pages, XENMEM_reserved_device_memory_map,
        XENMEM_get_pod_target, XENMEM_access_op, XENMEM_acquire_resource, XENMEM_machine_memory_map
    };
    static uint64_t arg[16];

    words(arg, 16);
    if (rnd() % 2)
        arg[0] = rnd() % 4 ? 0 : DOMID_SELF;
    hypercall(memory_op, ops[rnd() % ARRAY_SIZE(ops)], rnd() % 16 ? (uint64_t)arg : number());
}

void test_main(void)
{
    static void (*const kinds[])(void) = { one_platform, one_mca, one_hypfs, one_memory };
    struct xen_memory_reservation none = { .domid = 0 };

    scratch = page_alloc();
    page_alloc();
    for (unsigned i = 0; i < ROUNDS; i++)
        kinds[rnd() % ARRAY_SIZE(kinds)]();
    EXPECT_OK(hypercall(memory_op, XENMEM_claim_pages, &none));
    EXPECT_EQUAL(hypercall(xen_version, XENVER_pagesize, NULL), 4096);
    EXPECT_EQUAL(hypercall(hypfs_op, XEN_HYPFS_OP_get_version), 1);
}
