/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What mispredicted paths could read is cleared on the way to a guest (VERW) and between domains (the stack of returns), and neither is seen:
 * registers and flags of a process and of two domains that take turns stay theirs, by each way out.
 */
/* hv: spec-ctrl=verw,rsb */
/* console: Speculation: retpolines; SPEC_CTRL \S+; between domains: RSB; to guests: VERW */
/* hv-only: hospes */
#include "domain.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"
#include <xen/sched.h>

#define TURNS 200

/* The ways to a process: from a system call, an interrupt, a fault. Its registers and flags (ZF, which VERW would set, is clear) are kept. */
USER_ASM(by_iret, "int3");
USER_ASM(by_syscall, "xor %ebp, %ebp; inc %ebp; syscall; pushfq; pop %rdx; int3");

/* Yields with known registers, and counts in data[0] how often they were others afterwards, in data[1] the turns. */
DOMAIN_ASM(taking_turns,
    "mov $0x401000, %ebx\n"
    "1: mov $0x1111, %ebp\n mov $0x2222, %r12d\n mov $0x3333, %r15d\n xor %edi, %edi\n mov $29, %eax\n test %rsp, %rsp\n syscall\n"
    "cmp $0x1111, %rbp\n jne 2f\n cmp $0x2222, %r12\n jne 2f\n cmp $0x3333, %r15\n je 3f\n"
    "2: incq (%rbx)\n"
    "3: incq 8(%rbx)\n jmp 1b\n");

static void check_process(void)
{
    struct regs r;
    uint64_t *p = &r.r15;

    user_regs(&r);
    for (unsigned i = 0; i < 15; i++)
        p[i] = 0x0101010101010101ul * (i + 1);
    USER_CODE_SET(by_iret);
    EXPECT_EQUAL(user_run(&r), VEC_BP);
    for (unsigned i = 0; i < 15; i++)
        EXPECT_EQUAL(p[i], 0x0101010101010101ul * (i + 1));
    EXPECT_EQUAL(r.rflags & FLAG_ZF, 0);
    USER_CODE_SET(by_syscall);
    user_regs(&r);
    EXPECT_EQUAL(user_run(&r), VEC_SYSCALL);
    EXPECT_EQUAL(user_run_flags(&r, VGCF_in_syscall), VEC_BP);
    EXPECT_EQUAL(r.rdx & FLAG_ZF, 0);
    EXPECT_EQUAL(r.rbp, 1);
}

static void check_domains(void)
{
    struct domain d;

    domain_make(&d, DOMAIN_CODE_OF(taking_turns));
    EXPECT_OK(domain_start(&d));
    EXPECT_OK(domctl(XEN_DOMCTL_unpausedomain, d.id));
    while (d.data[1] < TURNS)
        EXPECT_OK(hypercall(sched_op, SCHEDOP_yield));
    EXPECT_EQUAL(d.data[0], 0);
    EXPECT_OK(domain_destroy(&d));
}

static void check_events(void)
{
    unsigned port = (unsigned)event_bind_ipi(0);

    event_unmask(port);
    for (unsigned i = 1; i <= TURNS; i++) {
        EXPECT_OK(event_send(port));
        EXPECT_EQUAL(event_count[port], i);
    }
}

void test_main(void)
{
    user_init();
    events_on();
    check_process();
    check_events();
    check_domains();
}
