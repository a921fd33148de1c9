/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * setdebugging and gdbsx_* (domctl.h): with a debugger attached, breakpoints and steps of a domain's kernel stop the domain and are told; without,
 * they are the kernel's.  Its memory is read and written by its addresses, but its page tables aren't; single vCPUs are held.
 */
/* hv-only: hospes */
#include "domain.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "time.h"
#include <xen/memory.h>
#include <xen/sched.h>

/* A breakpoint, then a single step, then it counts; data[0] is how far it came, data[2] the count.  Without a trap table, exceptions
 * would end it. */
DOMAIN_ASM(stops,
    "mov $0x401000, %ebx\n incq (%rbx)\n int3\n incq (%rbx)\n pushfq\n orl $0x100, (%rsp)\n popfq\n"
    "mov $0x1234, %r12d\n incq (%rbx)\n andl $~0x100, (%rsp)\n popfq\n 1: incq 16(%rbx)\n jmp 1b\n");

static struct domain d;
static vcpu_guest_context_t ctx;
static unsigned long spare[4096];

static const struct xen_domctl_gdbsx_domstatus *status(void)
{
    domctl_clear();
    EXPECT_OK(domctl(XEN_DOMCTL_gdbsx_domstatus, d.id));
    return &domctl_op.u.gdbsx_domstatus;
}

static void attach(uint8_t on)
{
    domctl_clear();
    domctl_op.u.setdebugging.enable = on;
    EXPECT_OK(domctl(XEN_DOMCTL_setdebugging, d.id));
    EXPECT_OK(domctl(XEN_DOMCTL_getdomaininfo, d.id));
    EXPECT_EQUAL(!!(domctl_op.u.getdomaininfo.flags & XEN_DOMINF_debugged), on);
}

static long one_vcpu(uint32_t cmd, unsigned vcpu)
{
    domctl_clear();
    domctl_op.u.gdbsx_pauseunp_vcpu.vcpu = vcpu;
    return domctl(cmd, d.id);
}

static long memio(unsigned long gva, void *p, unsigned len, bool write, unsigned long pgd)
{
    struct xen_domctl_gdbsx_memio *m = &domctl_op.u.gdbsx_guest_memio;

    domctl_clear();
    *m = (struct xen_domctl_gdbsx_memio){ .gva = gva, .uva = (unsigned long)p, .len = len, .gwr = write, .pgd3val = pgd };
    return domctl(XEN_DOMCTL_gdbsx_guestmemio, d.id);
}

#define REMAIN (domctl_op.u.gdbsx_guest_memio.remain)

static void context(void)
{
    domctl_clear();
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &ctx);
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpucontext, d.id));
}

static void go(void)
{
    domctl_clear();
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
}

static void check_vcpus(void)
{
    EXPECT_TRUE(status()->paused);
    EXPECT_OK(one_vcpu(XEN_DOMCTL_gdbsx_pausevcpu, 0));
    EXPECT_OK(one_vcpu(XEN_DOMCTL_gdbsx_unpausevcpu, 0));
    EXPECT_ERR(one_vcpu(XEN_DOMCTL_gdbsx_unpausevcpu, 0), EINVAL);
    for (unsigned i = 0; i < 255; i++)
        EXPECT_OK(one_vcpu(XEN_DOMCTL_gdbsx_pausevcpu, 0));
    EXPECT_ERR(one_vcpu(XEN_DOMCTL_gdbsx_pausevcpu, 0), EOVERFLOW);
    for (unsigned i = 0; i < 255; i++)
        EXPECT_OK(one_vcpu(XEN_DOMCTL_gdbsx_unpausevcpu, 0));
    EXPECT_ERR(one_vcpu(XEN_DOMCTL_gdbsx_pausevcpu, 1), EINVAL);
    EXPECT_ERR(one_vcpu(XEN_DOMCTL_gdbsx_unpausevcpu, ~0u), EINVAL);
}

static void check_stops(void)
{
    long virq = event_bind_virq(VIRQ_DEBUGGER, 0);

    REQUIRE(virq > 0);
    event_unmask((unsigned)virq);
    EXPECT_OK(domain_start(&d));
    attach(1);
    go();
    EXPECT_EQUAL(domain_wait(&d, 100), -1);
    EXPECT_TRUE(status()->paused);                      /* at the breakpoint */
    EXPECT_EQUAL(domctl_op.u.gdbsx_domstatus.vcpu_id, 0);
    EXPECT_EQUAL(domctl_op.u.gdbsx_domstatus.vcpu_ev, 3);
    EXPECT_EQUAL(status()->vcpu_id, ~0u);               /* told once */
    EXPECT_EQUAL(status()->vcpu_ev, 0);
    EXPECT_EQUAL(d.data[0], 1);
    context();
    EXPECT_EQUAL(((const uint8_t *)stops)[ctx.user_regs.rip - 1 - DOMAIN_CODE], 0xcc);
    EXPECT_EQUAL(event_count[virq], 0);
    go();
    EXPECT_TRUE(event_wait((unsigned)virq, 1, 5000));   /* the step */
    EXPECT_TRUE(status()->paused);
    EXPECT_EQUAL(domctl_op.u.gdbsx_domstatus.vcpu_ev, 0);
    context();
    EXPECT_EQUAL(ctx.user_regs.r12, 0x1234);
    EXPECT_EQUAL(ctx.debugreg[6] & 0x4000, 0x4000);
    EXPECT_EQUAL(d.data[0], 2);
    ctx.user_regs.rflags &= ~0x100ul;                   /* enough of that */
    domctl_clear();
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &ctx);
    EXPECT_OK(domctl(XEN_DOMCTL_setvcpucontext, d.id));
    EXPECT_OK(event_close((unsigned)virq));
}

static void check_memory(void)
{
    unsigned long w = 0, page[2] = { d.mfn[3], d.mfn[6] };

    EXPECT_OK(memio(DOMAIN_CODE, &w, 8, false, 0));
    EXPECT_EQUAL(w, *(const unsigned long *)stops);
    w = 0x5555;
    EXPECT_OK(memio(DOMAIN_DATA + 24, &w, 8, true, 0));
    EXPECT_EQUAL(d.data[3], 0x5555);
    EXPECT_OK(memio(DOMAIN_HIGH + DOMAIN_DATA + 24, &w, 1, false, 0));
    EXPECT_OK(memio(DOMAIN_CODE + 2048, &w, 8, true, 0)); /* read-only to itself */
    EXPECT_OK(memio(DOMAIN_CODE + 2048, spare, 8, false, 0));
    EXPECT_EQUAL(spare[0], 0x5555);
    EXPECT_OK(memio(DOMAIN_DATA - 4, spare, 8192, false, 0)); /* four pages, none of them whole */
    EXPECT_EQUAL(REMAIN, 0);
    EXPECT_EQUAL(((uint32_t *)spare)[1], (uint32_t)d.data[0]);
    EXPECT_OK(memio(DOMAIN_DATA, spare, 0, false, 0));
    EXPECT_ERR(memio(DOMAIN_STACK + 4096 - 8, spare, 24, false, 0), EFAULT); /* runs out of memory */
    EXPECT_EQUAL(REMAIN, 16);
    EXPECT_ERR(memio(DOMAIN_CODE, spare, ~0u, false, 0), EFAULT);
    EXPECT_EQUAL(REMAIN, ~0u - 4 * 4096u);
    EXPECT_ERR(memio(0x10000000, &w, 8, false, 0), EFAULT);
    EXPECT_EQUAL(REMAIN, 8);
    EXPECT_ERR(memio(DOMAIN_DATA, (void *)UNMAPPED, 8, false, 0), EFAULT);
    EXPECT_ERR(memio(DOMAIN_DATA, (void *)UNMAPPED, 8, true, 0), EFAULT);
    EXPECT_ERR(memio(0xffff800000000000ul, &w, 8, false, 0), EFAULT);
    EXPECT_ERR(memio(HV_PRIVATE, &w, 8, false, 0), EFAULT);
    EXPECT_ERR(memio(0x800000000000ul, &w, 8, false, 0), EFAULT);
    EXPECT_ERR(memio(~0ul - 3, &w, 8, false, 0), EFAULT);

    /* From an entry of an L3 on; one that is none, or leads elsewhere. */
    EXPECT_OK(memio(DOMAIN_DATA + 24, &w, 8, false, d.mfn[4] << 12 | 1));
    EXPECT_EQUAL(w, 0x5555);
    EXPECT_ERR(memio(DOMAIN_DATA, &w, 8, false, d.mfn[4] << 12), EFAULT);
    EXPECT_ERR(memio(DOMAIN_DATA, &w, 8, false, d.mfn[3] << 12 | 1), EFAULT);
    EXPECT_ERR(memio(DOMAIN_DATA, &w, 8, false, d.mfn[1] << 12 | 1), EFAULT);
    EXPECT_ERR(memio(DOMAIN_DATA, &w, 8, false, ~0ul), EFAULT);
    EXPECT_ERR(memio(DOMAIN_DATA, &w, 8, false, virt_to_mfn(&w) << 12 | 1), EFAULT);

    /* Its page tables, if it maps them: to be looked at only. */
    for (unsigned i = 0; i < 2; i++) {
        struct mmu_update u = {
            .ptr = (d.mfn[3] << 12) + ((DOMAIN_CODE >> 12 & 511) + 8 + i) * 8, .val = pte_make(page[i], PTE_RO),
        };

        EXPECT_OK(hypercall(mmu_update, &u, 1, NULL, (unsigned long)(d.id + 1) << 16 | d.id));
        EXPECT_OK(memio(DOMAIN_CODE + (8 + i) * 4096, spare, 4096, false, 0));
        EXPECT_TRUE(spare[i ? 0 : DOMAIN_CODE >> 12 & 511] & 1);
        EXPECT_ERR(memio(DOMAIN_CODE + (8 + i) * 4096, spare, 8, true, 0), EFAULT);
    }
}

/* One vCPU is held although the domain goes on. */
static void check_held(void)
{
    unsigned long n = d.data[2];

    EXPECT_OK(one_vcpu(XEN_DOMCTL_gdbsx_pausevcpu, 0));
    go();
    EXPECT_EQUAL(domain_wait(&d, 50), -1);
    EXPECT_TRUE(!status()->paused);
    EXPECT_EQUAL(d.data[2], n);
    EXPECT_ERR(one_vcpu(XEN_DOMCTL_gdbsx_unpausevcpu, 0), EBUSY);
    EXPECT_ERR(one_vcpu(XEN_DOMCTL_gdbsx_pausevcpu, 0), EBUSY);
    domctl_clear();
    EXPECT_OK(domctl(XEN_DOMCTL_pausedomain, d.id));
    EXPECT_OK(one_vcpu(XEN_DOMCTL_gdbsx_unpausevcpu, 0));
    go();
    EXPECT_EQUAL(domain_wait(&d, 50), -1);
    EXPECT_TRUE(d.data[2] > n);
}

/* No debugger: a kernel without a handler for it is crashed by its breakpoint. */
static void check_detached(void)
{
    domain_make(&d, DOMAIN_CODE_OF(stops));
    EXPECT_OK(domain_start(&d));
    attach(1);
    attach(0);
    go();
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_crash);
    EXPECT_EQUAL(d.data[0], 1);
    EXPECT_EQUAL(status()->vcpu_ev, 0);
    EXPECT_OK(domain_destroy(&d));
}

void test_main(void)
{
    domctl_clear();
    EXPECT_ERR(domctl(XEN_DOMCTL_setdebugging, 0), EINVAL);
    EXPECT_ERR(domctl(XEN_DOMCTL_gdbsx_domstatus, 4321), ESRCH);
    EXPECT_ERR(domctl(XEN_DOMCTL_gdbsx_pausevcpu, 0), EBUSY);
    events_on();
    domain_make(&d, DOMAIN_CODE_OF(stops));
    EXPECT_ERR(memio(DOMAIN_DATA, spare, 8, false, 0), EFAULT); /* no tables yet */
    check_vcpus();
    check_stops();
    check_memory();
    check_held();
    EXPECT_OK(domain_destroy(&d));
    check_detached();
}
