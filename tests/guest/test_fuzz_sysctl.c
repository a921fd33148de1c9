/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No sysctl with whatever arguments harms the hypervisor: pseudo-random structs (fixed seed), with the version right so that they come through to
 * the operations.  Left out: debug keys, among which are those that end it.
 */
/* hv-only: hospes */
/* qemu: -smp 2 */
#define __XEN_TOOLS__ 1
#include <xen/sysctl.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "sysctl.h"
#include "xorshift.h"

#define ROUNDS 40000
#define ROOM   (128u << 10) /* more than any call writes */

static char scratch[ROOM] __attribute__((aligned(4096)));
static uint64_t seed = 0x2545f4914f6cdd1d;

static uint64_t rnd(void)
{
    return xorshift(&seed);
}

static uint64_t address(void)
{
    return rnd() % 4 ? (uint64_t)scratch + rnd() % 8192 : rnd() % 2 ? UNMAPPED : rnd() % 2 ? HV_PRIVATE + rnd() % 0x100000 : 0;
}

static uint64_t number(void)
{
    static const uint64_t pool[] = { 0, 1, 2, 3, 5, 6, 16, 19, 120, 255, 1024, 4096, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, ~0ull };

    switch (rnd() % 5) {
    case 0: return rnd();
    case 1: return rnd() % 64;
    case 2: return address();
    default: return pool[rnd() % ARRAY_SIZE(pool)];
    }
}

static void fill(void)
{
    sysctl_begin();
    for (unsigned i = 0; i < sizeof(s.u.pad) / 8; i++) {
        uint64_t v = rnd() % 2 ? number() : (uint32_t)number() | (uint64_t)(uint32_t)number() << 32;

        memcpy(s.u.pad + 8 * i, &v, 8);
    }
}

static void one(void)
{
    uint32_t cmd = (uint32_t)(rnd() % 32);

    fill();
    if (cmd == XEN_SYSCTL_debug_keys)
        return;
    if (cmd == XEN_SYSCTL_pcitopoinfo)
        U.pcitopoinfo.num_devs %= 1000; /* both its arrays would go on over our own memory */
    if (cmd == XEN_SYSCTL_readconsole || cmd == XEN_SYSCTL_getdomaininfolist)
        U.readconsole.buffer.p = (void *)address(); /* the list's is at the same place */
    sysctl_go(cmd);
}

void test_main(void)
{
    for (unsigned i = 0; i < ROUNDS; i++)
        one();
    EXPECT_OK(SYSCTL(scheduler_op, U.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2));
    EXPECT_OK(SYSCTL(sched_id));
    EXPECT_EQUAL(U.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
    EXPECT_OK(SYSCTL(cpupool_op, U.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO));
    EXPECT_EQUAL(U.cpupool_op.n_dom, 1);
}
