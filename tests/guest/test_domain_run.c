/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains run beside the one that made them: they share the CPU and keep their registers, floating-point ones too; their
 * shutdown, or crash, is seen; what they may not do is refused; destroyed at any time, they give back all of their memory.
 */
/* qemu: -cpu max,-smap */
#include "domain.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "time.h"
#include <xen/memory.h>
#include <xen/sched.h>

#define STR_(x) #x
#define STR(x)  STR_(x)
/* hypercall nr, rdi, rsi; shutdown's argument is on the stack */
#define CALL(nr)      "mov $" STR(nr) ", %eax\n syscall\n"
#define SHUTDOWN(why) "push $" STR(why) "\n mov %rsp, %rsi\n mov $2, %edi\n" CALL(29)
#define YIELD         "xor %edi, %edi\n" CALL(29)

/* data[0] counts to 1000, yielding; all registers that the ABI keeps hold the domain's word, data[7]; data[1] counts what was lost. */
DOMAIN_ASM(counter,
    "mov $0x401000, %ebx\n"
    "mov 56(%rbx), %r12\n mov %r12, %r13\n mov %r12, %r14\n mov %r12, %r15\n mov %r12, %rbp\n"
    "movq %r12, %xmm3\n cvtsi2sd %r12, %xmm15\n movsd %xmm15, 64(%rbx)\n"
    "1: incq (%rbx)\n"
    YIELD
    "cmp 56(%rbx), %r12\n jne 2f\n cmp %r12, %r13\n jne 2f\n cmp %r12, %r14\n jne 2f\n cmp %r12, %r15\n jne 2f\n cmp %r12, %rbp\n jne 2f\n"
    "movq %xmm3, %rax\n cmp %rax, %r12\n jne 2f\n ucomisd 64(%rbx), %xmm15\n jne 2f\n"
    "3: cmpq $1000, (%rbx)\n jb 1b\n"
    SHUTDOWN(0)
    "2: incq 8(%rbx)\n jmp 3b\n");

/* Turns XSAVE on, as a kernel does, and leaves its word in xmm3. */
DOMAIN_ASM(holder,
    "mov $0x401000, %ebx\n mov %cr4, %rax\n or $0x40000, %eax\n mov %rax, %cr4\n"
    "xor %ecx, %ecx\n xor %edx, %edx\n mov $3, %eax\n xsetbv\n movq 56(%rbx), %xmm3\n" SHUTDOWN(0));

/* An iret to a process without a table for processes: the domain is crashed.  If its toolstack lets it go on all the same, it has the
 * flags of a guest: data[0] takes them. */
DOMAIN_ASM(bad_iret,
    "movabs $0xffffff8000402100, %rsp\n"
    "movq $0x3003, 40(%rsp)\n movq $0x200, 48(%rsp)\n movq $0x400000, 32(%rsp)\n movq $0, 24(%rsp)\n"
    "movq $0x55, 0x401008\n"
    "mov $23, %eax\n syscall\n"
    "pushfq\n pop %rax\n mov %rax, 0x401000\n" SHUTDOWN(0));

/* data[2]: what xmm3 holds when it starts. */
DOMAIN_ASM(reader, "mov $0x401000, %ebx\n movq %xmm3, 16(%rbx)\n" SHUTDOWN(0));

DOMAIN_ASM(spinner, "mov $0x401000, %ebx\n 1: incq (%rbx)\n jmp 1b\n");

/* Its control registers, as it sees them, and its code's selector, as the processor has it. */
DOMAIN_ASM(mirror,
    "mov $0x401000, %ebx\n mov %cr0, %rax\n mov %rax, (%rbx)\n mov %cr2, %rax\n mov %rax, 8(%rbx)\n"
    "mov %cr3, %rax\n mov %rax, 16(%rbx)\n mov %cr4, %rax\n mov %rax, 24(%rbx)\n mov %cs, %eax\n mov %rax, 32(%rbx)\n" SHUTDOWN(0));

DOMAIN_ASM(crasher, "mov 0, %rax\n");

/* A domain may not call what is the control domain's: data[0], data[1] are the answers to domctl and platform_op. */
DOMAIN_ASM(asker,
    "mov $0x401000, %ebx\n lea 128(%rbx), %rdi\n" CALL(36) "mov %rax, (%rbx)\n"
    "lea 128(%rbx), %rdi\n" CALL(7) "mov %rax, 8(%rbx)\n"
    SHUTDOWN(1));

static void check_run(void)
{
    struct domain d;

    domain_make(&d, DOMAIN_CODE_OF(counter));
    d.data[7] = 0x1234567;
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_poweroff);
    EXPECT_EQUAL(d.data[0], 1000);
    EXPECT_EQUAL(d.data[1], 0);
    EXPECT_OK(domain_destroy(&d));
}

static void check_two(void)
{
    struct domain d[3];

    for (unsigned i = 0; i < 3; i++) {
        domain_make(&d[i], DOMAIN_CODE_OF(counter));
        d[i].data[7] = 0x100 + i;
        EXPECT_OK(domain_start(&d[i]));
    }
    for (unsigned i = 0; i < 3; i++)
        EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d[i].id));
    for (unsigned i = 0; i < 3; i++) {
        EXPECT_EQUAL(domain_wait(&d[i], 5000), SHUTDOWN_poweroff);
        EXPECT_EQUAL(d[i].data[0], 1000);
        EXPECT_EQUAL(d[i].data[1], 0);
        EXPECT_OK(domain_destroy(&d[i]));
    }
}

/* One that never gives up the CPU: it shares it, stops when paused, and goes on. */
static void check_pause(void)
{
    struct domain d;
    unsigned long n;

    domain_make(&d, DOMAIN_CODE_OF(spinner));
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 100), -1);
    EXPECT_TRUE(d.data[0] > 0);
    EXPECT_OK(domctl(XEN_DOMCTL_pausedomain, d.id));
    n = d.data[0];
    EXPECT_EQUAL(domain_wait(&d, 50), -1);
    EXPECT_EQUAL(d.data[0], n);
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 100), -1);
    EXPECT_TRUE(d.data[0] > n);
    EXPECT_OK(domain_destroy(&d));
}

/* The toolstack sees the registers that the domain sees. */
static void check_registers(void)
{
    static vcpu_guest_context_t ctx;
    struct domain d;

    domain_make(&d, DOMAIN_CODE_OF(mirror));
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_poweroff);
    domctl_op.u.vcpucontext.vcpu = 0;
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &ctx);
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpucontext, d.id));
    EXPECT_EQUAL(ctx.ctrlreg[0], d.data[0]);
    EXPECT_EQUAL(ctx.ctrlreg[2], d.data[1]);
    EXPECT_EQUAL(ctx.ctrlreg[3], d.data[2]);
    EXPECT_EQUAL(ctx.ctrlreg[4], d.data[3]);
    EXPECT_EQUAL(ctx.user_regs.cs, d.data[4]);
    EXPECT_OK(domain_destroy(&d));
}

static void check_crash(void)
{
    struct domain d;

    domain_make(&d, DOMAIN_CODE_OF(crasher));
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_crash);
    EXPECT_OK(domain_destroy(&d));
}

static void check_asker(void)
{
    struct domain d;

    domain_make(&d, DOMAIN_CODE_OF(asker));
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_reboot);
    EXPECT_TRUE((long)d.data[0] < 0);
    EXPECT_TRUE((long)d.data[1] < 0);
    EXPECT_OK(domain_destroy(&d));
}

/* More memory in all than there is: each life must give back what it had. */
static void check_bad_iret(void)
{
    struct domain d;

    domain_make(&d, DOMAIN_CODE_OF(bad_iret));
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_crash);
    EXPECT_EQUAL(d.data[1], 0x55);
    EXPECT_EQUAL(d.data[0], 0);
    EXPECT_OK(domctl(XEN_DOMCTL_resumedomain, d.id));
    domain_wait(&d, 1000);
    EXPECT_EQUAL(d.data[0] & 0x3000, 0);
    if (d.data[0])
        EXPECT_EQUAL(d.data[0] & 0x200, 0x200);
    EXPECT_OK(domain_destroy(&d));
}

/* What a restored domain had asked for, it has. */
static void check_assist(void)
{
    static vcpu_guest_context_t ctx;
    unsigned long types = 1ul << VMASST_TYPE_writable_pagetables | 1ul << VMASST_TYPE_runstate_update_flag;
    struct domain d;

    domain_make(&d, DOMAIN_CODE_OF(spinner));
    EXPECT_OK(domain_start(&d));
    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &ctx);
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpucontext, d.id));
    EXPECT_EQUAL(ctx.vm_assist, 0);
    ctx.vm_assist = types;
    EXPECT_OK(domctl(XEN_DOMCTL_setvcpucontext, d.id));
    ctx.vm_assist = 0;
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpucontext, d.id));
    EXPECT_EQUAL(ctx.vm_assist, types);
    EXPECT_OK(domain_destroy(&d));
}

/* A context that can't be: refused, and the vCPU goes on as it was. */
static void check_bad_context(void)
{
    static vcpu_guest_context_t ctx;
    struct domain d;
    unsigned long n;

    domain_make(&d, DOMAIN_CODE_OF(spinner));
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 50), -1);
    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &ctx);
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpucontext, d.id));
    ctx.flags &= ~(unsigned long)VGCF_in_kernel;
    ctx.ctrlreg[1] = 0;
    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
    set_xen_guest_handle(domctl_op.u.vcpucontext.ctxt, &ctx);
    EXPECT_REFUSED(domctl(XEN_DOMCTL_setvcpucontext, d.id));
    n = d.data[0];
    EXPECT_EQUAL(domain_wait(&d, 200), -1);
    EXPECT_TRUE(d.data[0] > n);
    EXPECT_OK(domain_destroy(&d));
}

/* The floating-point state of a paused domain is read, and another domain goes on with it. */
static void check_state(void)
{
    static uint64_t state[1024];
    struct domain d, e;
    uint64_t size;

    domain_make(&d, DOMAIN_CODE_OF(holder));
    domain_make(&e, DOMAIN_CODE_OF(reader));
    d.data[7] = 0x987654321;
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domain_start(&e));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    EXPECT_EQUAL(domain_wait(&d, 5000), SHUTDOWN_poweroff);
    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpuextstate, d.id));
    size = domctl_op.u.vcpuextstate.size;
    REQUIRE(size <= sizeof(state));
    set_xen_guest_handle(domctl_op.u.vcpuextstate.buffer, state);
    EXPECT_OK(domctl(XEN_DOMCTL_getvcpuextstate, d.id));
    EXPECT_EQUAL(state[1] & 3, 3);
    EXPECT_OK(domctl(XEN_DOMCTL_setvcpuextstate, e.id));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, e.id));
    EXPECT_EQUAL(domain_wait(&e, 5000), SHUTDOWN_poweroff);
    EXPECT_EQUAL(e.data[2], 0x987654321);
    memset(&domctl_op.u, 0, sizeof(domctl_op.u));
    domctl_op.u.vcpuextstate.size = size;
    set_xen_guest_handle(domctl_op.u.vcpuextstate.buffer, state);
    state[0] = ~0ul;
    EXPECT_ERR(domctl(XEN_DOMCTL_setvcpuextstate, e.id), EINVAL);
    EXPECT_OK(domain_destroy(&d));
    EXPECT_OK(domain_destroy(&e));
}

static void check_many(void)
{
    for (unsigned i = 0; i < 200; i++) {
        struct domain d;

        domain_make(&d, DOMAIN_CODE_OF(spinner));
        EXPECT_OK(domain_start(&d));
        if (i & 1)
            EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
        EXPECT_OK(domain_destroy(&d));
    }
}

void test_main(void)
{
    check_run();
    check_two();
    check_pause();
    check_registers();
    check_crash();
    check_asker();
    check_state();
    check_bad_iret();
    if (!test_on_xen()) /* Xen goes on with half of it */
        check_assist();
    check_bad_context();
    check_many();
}
