/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a domain that isn't the control domain may ask and what it is refused: a list of hypercalls that such a
 * domain makes and whose answers are looked at here. */
#include "domain.h"
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hypfs.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xen/arch-x86/xen-mca.h>
#include "check.h"
#include "console.h"
#include "hypercall.h"

/* data[0] entries from data[16] on: number, two arguments, and place for the answer. */
DOMAIN_ASM(caller,
    "mov $0x401000, %ebx\n mov (%rbx), %r12\n lea 128(%rbx), %r13\n"
    "1: test %r12, %r12\n jz 2f\n"
    "mov (%r13), %eax\n mov 8(%r13), %rdi\n mov 16(%r13), %rsi\n"
    "xor %edx, %edx\n xor %r10d, %r10d\n xor %r8d, %r8d\n syscall\n"
    "mov %rax, 24(%r13)\n add $32, %r13\n dec %r12\n jmp 1b\n"
    "2: push $0\n mov %rsp, %rsi\n mov $2, %edi\n mov $29, %eax\n syscall\n");

#define ARGS 2048u /* bytes into the data page: the structures */
#define SLOT 256u
#define SOME_ERROR 0x7fffffffl

static struct domain d;
static unsigned calls;
static const char *what[16];
static long want[16];

/* One call: its structure of n bytes goes into the domain's memory.  `expected`: the answer, or SOME_ERROR. */
static void call(const char *name, unsigned nr, unsigned long a0, const void *arg, unsigned n, bool arg_first,
                 long expected)
{
    volatile unsigned long *e = &d.data[16 + calls * 4];
    unsigned long at = DOMAIN_DATA + ARGS + (calls % 8) * SLOT;

    for (unsigned i = 0; i < n; i++)
        ((volatile char *)d.data)[ARGS + (calls % 8) * SLOT + i] = ((const char *)arg)[i];
    e[0] = nr;
    e[1] = arg_first ? at : a0;
    e[2] = arg_first ? 0 : n ? at : 0;
    what[calls] = name;
    want[calls++] = expected;
}

static void run(void)
{
    d.data[0] = calls;
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    REQUIRE(domain_wait(&d, 5000) == SHUTDOWN_poweroff);
    for (unsigned i = 0; i < calls; i++) {
        long answer = (long)d.data[16 + i * 4 + 3];

        if (!check_true(CHECK_WHERE, what[i], want[i] == SOME_ERROR ? answer < 0 : answer == want[i]))
            printf("  %ld instead of %ld\n", answer, want[i]);
    }
    EXPECT_OK(domain_destroy(&d));
    calls = 0;
}

#define STRUCT(name, nr, a0, s, expected) call(name, __HYPERVISOR_##nr, a0, &(s), sizeof(s), false, expected)
#define FIRST(name, nr, s, expected)      call(name, __HYPERVISOR_##nr, 0, &(s), sizeof(s), true, expected)

static void check_control(void)
{
    struct xen_platform_op p = { .cmd = XENPF_get_cpuinfo, .interface_version = XENPF_INTERFACE_VERSION };
    struct xen_mc m = { .cmd = XEN_MC_physcpuinfo, .interface_version = XEN_MCA_INTERFACE_VERSION };
    struct xen_domctl c = { .cmd = XEN_DOMCTL_pausedomain, .interface_version = XEN_DOMCTL_INTERFACE_VERSION };
    struct sched_remote_shutdown r = { .domain_id = 0 };
    struct physdev_pci_device_add add = { .devfn = 8 };
    struct evtchn_bind_virq mca = { .virq = VIRQ_MCA };

    domain_make(&d, DOMAIN_CODE_OF(caller));
    FIRST("platform_op", platform_op, p, -XEN_EPERM);
    FIRST("mca", mca, m, -XEN_EPERM);
    FIRST("domctl on dom0", domctl, c, -XEN_EPERM);
    STRUCT("remote_shutdown of dom0", sched_op, SCHEDOP_remote_shutdown, r, SOME_ERROR);
    STRUCT("pci_device_add", physdev_op, PHYSDEVOP_pci_device_add, add, -XEN_EPERM);
    STRUCT("VIRQ_MCA, its own", event_channel_op, EVTCHNOP_bind_virq, mca, 0);
    call("hypfs_op", __HYPERVISOR_hypfs_op, XEN_HYPFS_OP_get_version, NULL, 0, false, -XEN_EPERM);
    run();
}

static void check_memory(void)
{
    struct xen_memory_map map = { .nr_entries = 0 };
    struct xen_foreign_memory_map others = { .domid = 0 };
    struct xen_memory_reservation claim = { .domid = 0 };
    struct xen_pod_target pod = { .domid = DOMID_SELF };
    domid_t dom0 = 0;

    domain_make(&d, DOMAIN_CODE_OF(caller));
    STRUCT("machine_memory_map", memory_op, XENMEM_machine_memory_map, map, -XEN_EPERM);
    STRUCT("memory_map", memory_op, XENMEM_memory_map, map, -XEN_ENOSYS);
    STRUCT("set_memory_map of dom0", memory_op, XENMEM_set_memory_map, others, -XEN_EPERM);
    STRUCT("claim_pages", memory_op, XENMEM_claim_pages, claim, -XEN_EPERM);
    STRUCT("get_pod_target", memory_op, XENMEM_get_pod_target, pod, -XEN_EINVAL);
    STRUCT("current_reservation of dom0", memory_op, XENMEM_current_reservation, dom0, -XEN_EPERM);
    run();
}

static void check_allowed(void)
{
    struct xen_hvm_get_time t = { 0 };
    struct physdev_set_iopl iopl = { .iopl = 1 };

    domain_make(&d, DOMAIN_CODE_OF(caller));
    STRUCT("HVMOP_get_time", hvm_op, HVMOP_get_time, t, 0);
    STRUCT("set_iopl", physdev_op, PHYSDEVOP_set_iopl, iopl, 0);
    call("XENVER_pagesize", __HYPERVISOR_xen_version, XENVER_pagesize, NULL, 0, false, 4096);
    call("XENVER_version", __HYPERVISOR_xen_version, XENVER_version, NULL, 0, false,
         hypercall(xen_version, XENVER_version, NULL));
    run();
}

/* ---- Every number of the control interfaces, on itself and on dom0 ---- */

/* Xen looks at some arguments first. */
#define REFUSED (test_on_xen() ? SOME_ERROR : -XEN_EPERM)

static struct xen_domctl any_domctl(uint32_t cmd, domid_t id)
{
    return (struct xen_domctl){ .cmd = cmd, .interface_version = XEN_DOMCTL_INTERFACE_VERSION, .domain = id };
}

/* Eight calls fit one domain's life. */
static void full_house(void)
{
    if (calls < 8)
        return;
    run();
    domain_make(&d, DOMAIN_CODE_OF(caller));
}

static void check_domctl(uint32_t first, uint32_t last)
{
    domain_make(&d, DOMAIN_CODE_OF(caller));
    for (uint32_t cmd = first; cmd <= last; cmd++) {
        struct xen_domctl c = any_domctl(cmd, 0);

        full_house();
        FIRST("domctl on dom0", domctl, c, REFUSED);
        full_house();
        c = any_domctl(cmd, d.id);
        FIRST("domctl on itself", domctl, c, REFUSED);
    }
    run();
}

static void check_sysctl(void)
{
    domain_make(&d, DOMAIN_CODE_OF(caller));
    for (uint32_t cmd = 0; cmd <= 32; cmd++) {
        struct xen_sysctl s = { .cmd = cmd, .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

        full_house();
        FIRST("sysctl", sysctl, s, -XEN_EPERM);
    }
    run();
}

static void check_platform(void)
{
    domain_make(&d, DOMAIN_CODE_OF(caller));
    for (uint32_t cmd = 0; cmd <= 70; cmd++) {
        struct xen_platform_op p = { .cmd = cmd, .interface_version = XENPF_INTERFACE_VERSION };

        full_house();
        FIRST("platform_op", platform_op, p, -XEN_EPERM);
    }
    run();
}

void test_main(void)
{
    check_control();
    check_memory();
    check_allowed();
    check_domctl(0, 90);
    check_domctl(998, 1006);
    check_sysctl();
    check_platform();
}
