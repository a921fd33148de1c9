/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENPF_settime64 is seen by all: by a domain that runs on another CPU at once, though it never leaves it, and by one that
 * waits for a CPU as soon as it has one.
 */
/* qemu: -smp 2 */
#include "domain.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"
#include <xen/platform.h>
#include <xen/sched.h>

enum { CLOCK, ROUNDS }; /* words of a domain's data */

#define LOOK "mov 0x403c04, %eax\n mov %rax, (%rbx)\n incq 8(%rbx)\n"

_Static_assert(offsetof(struct shared_info, wc_sec) == 0xc04, "LOOK");

DOMAIN_ASM(runs, "mov $0x401000, %ebx\n 1:" LOOK "pause\n jmp 1b\n");
DOMAIN_ASM(yields, "mov $0x401000, %ebx\n 1:" LOOK "xor %edi, %edi\n mov $29, %eax\n syscall\n jmp 1b\n");

static void pin_to(domid_t id, unsigned cpu)
{
    static uint64_t set;

    set = 1ul << cpu;
    domctl_clear();
    domctl_op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    set_xen_guest_handle(domctl_op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)&set);
    domctl_op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    EXPECT_OK(domctl(XEN_DOMCTL_setvcpuaffinity, id));
}

static long set_clock(uint64_t seconds)
{
    static struct xen_platform_op op;

    memset(&op, 0, sizeof(op));
    op.cmd = XENPF_settime64;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.settime64.secs = seconds;
    return hypercall(platform_op, &op);
}

/* What d sees in a look that began after this was called. */
static unsigned long sees(struct domain *d)
{
    uint64_t end = time_now() + PATIENT * 1000000ul;
    unsigned long n = d->data[ROUNDS];

    while (d->data[ROUNDS] < n + 2 && time_now() < end)
        hypercall(sched_op, SCHEDOP_yield, 0);
    EXPECT_TRUE(d->data[ROUNDS] >= n + 2);
    return d->data[CLOCK];
}

void test_main(void)
{
    struct domain there, here;

    pin_to(0, 0);
    domain_make(&there, DOMAIN_CODE_OF(runs));
    domain_make(&here, DOMAIN_CODE_OF(yields));
    EXPECT_OK(domain_start(&there));
    EXPECT_OK(domain_start(&here));
    pin_to(there.id, 1);
    pin_to(here.id, 0);
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, there.id));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, here.id));
    for (unsigned i = 0; i < 100; i++) {
        EXPECT_OK(set_clock(1000000000 + i));
        EXPECT_EQUAL(shared_info.wc_sec, 1000000000 + i);
        EXPECT_EQUAL(sees(&there), 1000000000 + i);
        EXPECT_EQUAL(sees(&here), 1000000000 + i);
    }
    EXPECT_OK(domain_destroy(&there));
    EXPECT_OK(domain_destroy(&here));
}
