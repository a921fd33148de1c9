/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * callback_op and set_callbacks (callback.h): register every type, the new entry is used, the mask_events flag; what can not be unregistered
 * says -EINVAL; unknown types and commands.
 */
#include <xen/callback.h>
#include "boot.h"
#include "check.h"
#include "cpu.h"
#include "event.h"
#include "hypercall.h"
#include "trap.h"
#include "user.h"

USER_ASM(user_syscall, "mov $0x1234, %eax; syscall; ud2");

static long set(unsigned type, unsigned flags, uint64_t address)
{
    struct callback_register r = { .type = (uint16_t)type, .flags = (uint16_t)flags, .address = address };

    return hypercall(callback_op, CALLBACKOP_register, &r);
}

static long drop(unsigned type)
{
    struct callback_unregister u = { .type = (uint16_t)type };

    return hypercall(callback_op, CALLBACKOP_unregister, &u);
}

static uint8_t mask_seen;
static uint64_t vector_seen;

static bool on_syscall(struct regs *r)
{
    mask_seen = vcpu_info_self()->evtchn_upcall_mask;
    vector_seen = r->vector;
    return false;
}

static void check_syscall(void)
{
    struct regs r;

    for (unsigned flags = 0; flags < 2; flags++) {
        EXPECT_OK(set(CALLBACKTYPE_syscall, flags, trap_entry(VEC_SYSCALL)));
        trap_handle(VEC_SYSCALL, on_syscall);
        USER_CODE_SET(user_syscall);
        user_regs(&r);
        EXPECT_EQUAL(user_run(&r), VEC_SYSCALL);
        EXPECT_EQUAL(mask_seen, flags);
        EXPECT_EQUAL(REGS_MASK(&r), 0);
        EXPECT_EQUAL(r.rax, 0x1234);
        EXPECT_EQUAL(r.rip, USER_CODE + 7);
        EXPECT_EQUAL(r.rcx, USER_CODE + 7);
        EXPECT_EQUAL(r.rsp, USER_STACK);
        EXPECT_EQUAL(REGS_CS(&r), FLAT_USER_CS64);
        EXPECT_EQUAL(r.ss, FLAT_USER_SS64);
        vcpu_info_self()->evtchn_upcall_mask = 0;
    }
    trap_handle(VEC_SYSCALL, NULL);
}

static bool on_200(struct regs *r)
{
    vector_seen = r->vector;
    event_upcall();
    return true;
}

/* Another event entry; the hypervisor masks events there always. */
static void check_event(void)
{
    long port = event_bind_ipi(0);

    REQUIRE(port > 0);
    event_unmask(port);
    EXPECT_OK(set(CALLBACKTYPE_event, 0, trap_entry(200)));
    trap_handle(200, on_200);
    events_on();
    EXPECT_OK(event_send(port));
    EXPECT_EQUAL(event_count[port], 1);
    EXPECT_EQUAL(vector_seen, 200);
    EXPECT_OK(set(CALLBACKTYPE_event, 0, trap_entry(VEC_EVENT)));
    EXPECT_OK(event_send(port));
    EXPECT_EQUAL(event_count[port], 2);
    EXPECT_EQUAL(cpu_self()->upcalls, 2);
    trap_handle(200, NULL);
}

static void check_types(void)
{
    EXPECT_OK(set(CALLBACKTYPE_failsafe, 0, trap_entry(VEC_FAILSAFE)));
    EXPECT_OK(set(CALLBACKTYPE_failsafe, CALLBACKF_mask_events, trap_entry(VEC_FAILSAFE)));
    EXPECT_OK(set(CALLBACKTYPE_syscall32, CALLBACKF_mask_events, trap_entry(VEC_SYSCALL32)));
    EXPECT_OK(set(CALLBACKTYPE_sysenter, CALLBACKF_mask_events, trap_entry(VEC_SYSENTER)));
    EXPECT_OK(set(CALLBACKTYPE_nmi, 0, trap_entry(VEC_NMI_CB)));
    EXPECT_OK(drop(CALLBACKTYPE_nmi));
    EXPECT_ERR(drop(CALLBACKTYPE_event), EINVAL);
    EXPECT_ERR(drop(CALLBACKTYPE_failsafe), EINVAL);
    EXPECT_ERR(drop(CALLBACKTYPE_syscall), EINVAL);
    EXPECT_ERR(drop(CALLBACKTYPE_syscall32), EINVAL);
    EXPECT_ERR(drop(CALLBACKTYPE_sysenter), EINVAL);
    EXPECT_REFUSED(set(8, 0, trap_entry(200)));
    EXPECT_REFUSED(set(999, 0, trap_entry(200)));
    EXPECT_REFUSED(drop(8));
    EXPECT_REFUSED(set(CALLBACKTYPE_event, 0, NONCANON));
    EXPECT_REFUSED(set(CALLBACKTYPE_syscall, 0, NONCANON));
    EXPECT_REFUSED(set(CALLBACKTYPE_failsafe, 0, NONCANON));
    EXPECT_ERR(hypercall(callback_op, CALLBACKOP_register, UNMAPPED), EFAULT);
    EXPECT_ERR(hypercall(callback_op, CALLBACKOP_unregister, HV_PRIVATE), EFAULT);
    EXPECT_ERR(hypercall(callback_op, 2, NULL), ENOSYS);
}

void test_main(void)
{
    events_on();
    user_init();
    check_syscall();
    check_event();
    check_types();
}
