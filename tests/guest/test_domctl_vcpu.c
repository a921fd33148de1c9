/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * domctl (domctl.h) on running domains: a vCPU is reset and given registers anew, gets an NMI; a suspended domain tells whom it concerns, and goes
 * on; its wall clock is moved; callbacks, nodes, interrupts and global VIRQs are set and read.
 */
#include "domain.h"
#include "boot.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "pci.h"
#include <xen/callback.h>
#include <xen/memory.h>
#include <xen/sched.h>

#define INFO_VA 0x0000380000000000ul

DOMAIN_ASM(counter, "mov $0x401000, %ebx\n 1: incq (%rbx)\n jmp 1b\n");

/* data[0] counts; data[4] is how many NMIs came. */
DOMAIN_ASM(nmi_taker,
    "mov $0x401000, %ebx\n lea 2f(%rip), %rax\n movl $4, 128(%rbx)\n mov %rax, 136(%rbx)\n"
    "lea 128(%rbx), %rsi\n xor %edi, %edi\n mov $30, %eax\n syscall\n mov %rax, 8(%rbx)\n"
    "1: incq (%rbx)\n jmp 1b\n"
    "2: incq 32(%rbx)\n pop %rcx\n pop %r11\n push $0\n push %rcx\n push %r11\n push %rax\n mov $23, %eax\n syscall\n");

/* Suspends, and counts when it is let go on. */
DOMAIN_ASM(suspender, "mov $0x401000, %ebx\n" DOMAIN_SHUTDOWN(2) "mov %rax, 8(%rbx)\n 1: incq (%rbx)\n jmp 1b\n");

static struct domain d;

static void make(const char *code, const char *end)
{
    domain_make(&d, code, end);
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
}

static long reset(domid_t id, unsigned vcpu)
{
    domctl_clear();
    domctl_op.u.vcpucontext.vcpu = vcpu;
    return domctl(XEN_DOMCTL_setvcpucontext, id);
}

static unsigned online(void)
{
    domctl_clear();
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpuinfo, d.id));
    return domctl_op.u.getvcpuinfo.online;
}

static bool counts(void)
{
    unsigned long n = d.data[0];

    EXPECT_EQUAL(domain_wait(&d, 50), -1);
    return d.data[0] != n;
}

static void check_reset(void)
{
    static vcpu_guest_context_t ctx;

    make(DOMAIN_CODE_OF(counter));
    EXPECT_TRUE(counts());
    EXPECT_EQUAL(online(), 1);
    for (unsigned i = 0; i < 2; i++) {                  /* of one that runs, and of one that was just reset */
        EXPECT_OK(reset(d.id, 0));
        EXPECT_EQUAL(online(), 0);
        EXPECT_TRUE(!counts());
        domctl_clear();
        set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &ctx);
        EXPECT_ERR(domctl(XEN_DOMCTL_getvcpucontext, d.id), ENODATA);
    }
    EXPECT_OK(domain_mmuext(&d, MMUEXT_UNPIN_TABLE, d.mfn[6])); /* nothing else needs its tables any more ... */
    EXPECT_OK(domain_map(&d, INFO_VA, d.mfn[6], PTE_RW));       /* ... so they are plain memory */
    EXPECT_OK(domain_map(&d, INFO_VA, 0, 0));
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, INFO_VA, 0));
    EXPECT_OK(domain_start(&d));
    EXPECT_EQUAL(online(), 1);
    EXPECT_TRUE(counts());
    EXPECT_ERR(reset(d.id, 9), EINVAL);
    EXPECT_ERR(reset(0, 0), EINVAL);
    EXPECT_ERR(reset(4321, 0), ESRCH);
    EXPECT_OK(domain_destroy(&d));
    for (unsigned i = 0; i < 50; i++) {                 /* nothing is lost by it */
        make(DOMAIN_CODE_OF(counter));
        EXPECT_OK(reset(d.id, 0));
        if (i & 1)
            EXPECT_OK(domain_start(&d));
        EXPECT_OK(domain_destroy(&d));
    }
}

static long trigger(unsigned what, unsigned vcpu, domid_t id)
{
    domctl_clear();
    domctl_op.u.sendtrigger.trigger = what;
    domctl_op.u.sendtrigger.vcpu = vcpu;
    return domctl(XEN_DOMCTL_sendtrigger, id);
}

static void check_trigger(void)
{
    make(DOMAIN_CODE_OF(nmi_taker));
    EXPECT_TRUE(counts());
    EXPECT_EQUAL(d.data[1], 0);
    for (unsigned i = 1; i < 4; i++) {
        EXPECT_OK(trigger(XEN_DOMCTL_SENDTRIGGER_NMI, 0, d.id));
        EXPECT_TRUE(counts());
        EXPECT_EQUAL(d.data[4], i);
    }
    EXPECT_ERR(trigger(XEN_DOMCTL_SENDTRIGGER_NMI, 7, d.id), ESRCH);
    EXPECT_ERR(trigger(XEN_DOMCTL_SENDTRIGGER_NMI, ~0u, d.id), ESRCH);
    EXPECT_ERR(trigger(XEN_DOMCTL_SENDTRIGGER_NMI, 0, 4321), ESRCH);
    EXPECT_ERR(trigger(XEN_DOMCTL_SENDTRIGGER_RESET, 0, d.id), ENOSYS);
    EXPECT_ERR(trigger(XEN_DOMCTL_SENDTRIGGER_INIT, 0, d.id), ENOSYS);
    EXPECT_ERR(trigger(XEN_DOMCTL_SENDTRIGGER_POWER, 0, d.id), EINVAL);
    EXPECT_ERR(trigger(XEN_DOMCTL_SENDTRIGGER_SLEEP, 0, d.id), EINVAL);
    EXPECT_ERR(trigger(5, 0, d.id), ENOSYS);
    EXPECT_OK(domain_destroy(&d));
}

static void check_ext(void)
{
    struct xen_domctl_ext_vcpucontext *e = &domctl_op.u.ext_vcpucontext;

    domctl_clear();
    EXPECT_OK(domctl(XEN_DOMCTL_get_ext_vcpucontext, d.id));
    EXPECT_TRUE(e->size >= 32 && e->size <= 128);
    EXPECT_EQUAL(e->sysenter_callback_eip, 0);
    e->sysenter_callback_eip = 0x401000;
    e->syscall32_callback_eip = 0xffffff8000401000;
    e->syscall32_disables_events = 1;
    EXPECT_OK(domctl(XEN_DOMCTL_set_ext_vcpucontext, d.id));
    domctl_clear();
    EXPECT_OK(domctl(XEN_DOMCTL_get_ext_vcpucontext, d.id));
    EXPECT_EQUAL(e->sysenter_callback_eip, 0x401000);
    EXPECT_EQUAL(e->syscall32_callback_eip, 0xffffff8000401000);
    EXPECT_TRUE(!e->sysenter_disables_events && e->syscall32_disables_events);
    e->sysenter_callback_eip = 1ul << 63;
    EXPECT_ERR(domctl(XEN_DOMCTL_set_ext_vcpucontext, d.id), EINVAL);
    e->sysenter_callback_eip = 0;
    e->size = 4;
    EXPECT_ERR(domctl(XEN_DOMCTL_set_ext_vcpucontext, d.id), EINVAL);
    e->vcpu = 9;
    EXPECT_ERR(domctl(XEN_DOMCTL_get_ext_vcpucontext, d.id), ESRCH);
    EXPECT_ERR(domctl(XEN_DOMCTL_set_ext_vcpucontext, d.id), ESRCH);
}

/* The domain's port tells the toolstack, and nobody else hears of it. */
static void check_suspend(void)
{
    long theirs, ours, virq = event_bind_virq(VIRQ_DOM_EXC, 0);
    unsigned before;

    REQUIRE(virq > 0);
    event_unmask((unsigned)virq);
    domain_make(&d, DOMAIN_CODE_OF(suspender));
    EXPECT_OK(domain_start(&d));
    check_ext();
    theirs = event_alloc_unbound(d.id, 0);
    REQUIRE(theirs > 0);
    ours = event_bind_interdomain(d.id, (unsigned)theirs);
    REQUIRE(ours > 0);
    event_unmask((unsigned)ours);
    domctl_clear();
    domctl_op.u.subscribe.port = (uint32_t)theirs;
    EXPECT_OK(domctl(XEN_DOMCTL_subscribe, d.id));
    EXPECT_ERR(domctl(XEN_DOMCTL_subscribe, 4321), ESRCH);
    event_wait((unsigned)ours, ~0u, 10);                /* what binding raised is over */
    before = event_count[ours];
    domctl_clear();
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_suspend);
    EXPECT_TRUE(event_wait((unsigned)ours, before + 1, 1000));
    EXPECT_EQUAL(d.data[0], 0);
    domctl_clear();
    EXPECT_OK(domctl(XEN_DOMCTL_resumedomain, d.id));
    EXPECT_TRUE(counts());
    EXPECT_EQUAL(d.data[1], 0);
    EXPECT_OK(domctl(XEN_DOMCTL_resumedomain, d.id));   /* of one that runs: nothing */
    EXPECT_TRUE(counts());
    EXPECT_ERR(domctl(XEN_DOMCTL_resumedomain, 0), EINVAL);
    EXPECT_ERR(domctl(XEN_DOMCTL_resumedomain, 4321), ESRCH);
    EXPECT_OK(event_close((unsigned)ours));
    EXPECT_OK(domain_destroy(&d));
    EXPECT_TRUE(event_wait((unsigned)virq, 1, 1000));
    EXPECT_OK(event_close((unsigned)virq));
}

static uint64_t wall(const struct shared_info *info)
{
    return (uint64_t)info->wc_sec_hi << 32 | info->wc_sec;
}

static long offset(int64_t seconds)
{
    domctl_clear();
    domctl_op.u.settimeoffset.time_offset_seconds = seconds;
    return domctl(XEN_DOMCTL_settimeoffset, d.id);
}

static void check_offset(void)
{
    const struct shared_info *info = (const struct shared_info *)INFO_VA;
    uint64_t utc;

    EXPECT_OK(domctl(XEN_DOMCTL_getdomaininfo, d.id));
    REQUIRE(!domain_map(&d, INFO_VA, domctl_op.u.getdomaininfo.shared_info_frame, PTE_RO));
    EXPECT_OK(offset(0));
    utc = wall(info);
    EXPECT_EQUAL(utc, wall(&shared_info));
    EXPECT_OK(offset(3600));
    EXPECT_EQUAL(wall(info), utc + 3600);
    EXPECT_OK(offset(-7200));
    EXPECT_EQUAL(wall(info), utc - 7200);
    EXPECT_EQUAL(info->wc_version & 1, 0);
    EXPECT_ERR(domctl(XEN_DOMCTL_settimeoffset, 4321), ESRCH);
    EXPECT_OK(domain_map(&d, INFO_VA, 0, 0));
    EXPECT_OK(mmuext_one(MMUEXT_INVLPG_LOCAL, INFO_VA, 0));
}

static long nodes(uint32_t cmd, uint64_t *map)
{
    domctl_clear();
    domctl_op.u.nodeaffinity.nodemap.nr_bits = 64;
    set_xen_guest_handle(domctl_op.u.nodeaffinity.nodemap.bitmap, (uint8_t *)map);
    return domctl(cmd, d.id);
}

static void check_nodes(void)
{
    uint64_t map = 0;

    EXPECT_OK(nodes(XEN_DOMCTL_getnodeaffinity, &map));
    EXPECT_TRUE(map & 1);
    map = 0;
    EXPECT_ERR(nodes(XEN_DOMCTL_setnodeaffinity, &map), EINVAL);
    map = 1;
    EXPECT_OK(nodes(XEN_DOMCTL_setnodeaffinity, &map));
    map = ~0ul;
    EXPECT_OK(nodes(XEN_DOMCTL_getnodeaffinity, &map));
    EXPECT_EQUAL(map, 1);
    EXPECT_ERR(nodes(XEN_DOMCTL_setnodeaffinity, (uint64_t *)UNMAPPED), EFAULT);
    EXPECT_ERR(nodes(XEN_DOMCTL_getnodeaffinity, (uint64_t *)UNMAPPED), EFAULT);
}

static long irq(uint32_t pirq, uint8_t allow)
{
    domctl_clear();
    domctl_op.u.irq_permission.pirq = pirq;
    domctl_op.u.irq_permission.allow_access = allow;
    return domctl(XEN_DOMCTL_irq_permission, d.id);
}

static void check_irq(void)
{
    REQUIRE(pirq_map_gsi(5) == 5);
    EXPECT_OK(irq(5, 1));
    EXPECT_OK(irq(5, 1));
    EXPECT_OK(irq(5, 0));
    EXPECT_ERR(irq(7, 1), EPERM);                       /* not the caller's own */
    EXPECT_REFUSED(irq(1u << 20, 1));
    EXPECT_ERR(irq(~0u, 1), EINVAL);
    EXPECT_ERR(domctl(XEN_DOMCTL_irq_permission, 4321), ESRCH);
}

static long handler(domid_t id, uint32_t virq)
{
    domctl_clear();
    domctl_op.u.set_virq_handler.virq = virq;
    return domctl(XEN_DOMCTL_set_virq_handler, id);
}

/* Who hears of domains' ends. */
static void check_handler(void)
{
    long virq = event_bind_virq(VIRQ_DOM_EXC, 0);
    struct domain other;
    unsigned n;

    REQUIRE(virq > 0);
    event_unmask((unsigned)virq);
    EXPECT_ERR(handler(d.id, VIRQ_TIMER), EINVAL);      /* each vCPU has its own */
    EXPECT_ERR(handler(d.id, 99), EINVAL);
    EXPECT_ERR(handler(4321, VIRQ_DOM_EXC), ESRCH);
    domain_make(&other, DOMAIN_CODE_OF(counter));
    EXPECT_OK(domain_destroy(&other));
    EXPECT_TRUE(event_wait((unsigned)virq, 1, 1000));
    EXPECT_OK(handler(d.id, VIRQ_DOM_EXC));
    n = event_count[virq];
    domain_make(&other, DOMAIN_CODE_OF(counter));
    EXPECT_OK(domain_destroy(&other));
    EXPECT_TRUE(!event_wait((unsigned)virq, n + 1, 50));
    EXPECT_OK(handler(0, VIRQ_DOM_EXC));
    domain_make(&other, DOMAIN_CODE_OF(counter));
    EXPECT_OK(domain_destroy(&other));
    EXPECT_TRUE(event_wait((unsigned)virq, n + 1, 1000));
    EXPECT_OK(event_close((unsigned)virq));
}

void test_main(void)
{
    events_on();
    check_reset();
    check_trigger();
    check_suspend();
    domain_make(&d, DOMAIN_CODE_OF(counter));
    check_offset();
    check_nodes();
    check_irq();
    check_handler();
    EXPECT_OK(domain_destroy(&d));
}
