/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run states (vcpu.h): get_runstate_info for oneself, for a vCPU that blocks and for one never started; times add up to system time; the
 * registered memory area says the same and is kept up to date; its update flag only appears when asked for; refusals.
 */
/* qemu: -smp 2 */
/* clock: virtual */
#include <xen/sched.h>
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "smp.h"
#include "time.h"

static struct vcpu_runstate_info area;

static long get(unsigned id, struct vcpu_runstate_info *r)
{
    memset(r, 0xff, sizeof(*r));
    return vcpu_op(VCPUOP_get_runstate_info, id, r);
}

static uint64_t total(const struct vcpu_runstate_info *r)
{
    return r->time[0] + r->time[1] + r->time[2] + r->time[3];
}

static void sleep_ms(unsigned ms)
{
    struct sched_poll p = { .nr_ports = 0, .timeout = time_now() + ms * 1000000ul };

    EXPECT_OK(hypercall(sched_op, SCHEDOP_poll, &p));
}

static void check_self(void)
{
    struct vcpu_runstate_info a, b;
    uint64_t t[4];

    t[0] = time_now();
    EXPECT_OK(get(0, &a));
    t[1] = time_now();
    EXPECT_EQUAL(a.state, RUNSTATE_running);
    EXPECT_TRUE(a.state_entry_time <= t[1]);
    time_spin(20000000);
    sleep_ms(50);
    t[2] = time_now();
    EXPECT_OK(get(0, &b));
    t[3] = time_now();
    EXPECT_EQUAL(b.state, RUNSTATE_running);
    EXPECT_TRUE(b.time[RUNSTATE_blocked] - a.time[RUNSTATE_blocked] >= 40000000);
    EXPECT_TRUE(b.time[RUNSTATE_running] - a.time[RUNSTATE_running] + b.time[RUNSTATE_runnable] -
                a.time[RUNSTATE_runnable] >= 19000000);
    EXPECT_TRUE(b.state_entry_time >= a.state_entry_time);
    /* No drift between the sum and system time. */
    EXPECT_TRUE(total(&b) - total(&a) <= t[3] - t[0] + 1000000);
    EXPECT_TRUE(total(&b) - total(&a) + 1000000 >= t[2] - t[1]);
}

static void blocker(void)
{
    for (;;)
        sleep_ms(1000);
}

static void check_other(void)
{
    struct vcpu_runstate_info r;
    uint64_t end;

    EXPECT_OK(get(1, &r));
    EXPECT_EQUAL(r.state, RUNSTATE_offline);
    REQUIRE(!vcpu_start(1, blocker));
    end = time_now() + PATIENT * 1000000ul;
    do
        EXPECT_OK(get(1, &r));
    while (r.state != RUNSTATE_blocked && time_now() < end);
    EXPECT_EQUAL(r.state, RUNSTATE_blocked);
    EXPECT_TRUE(r.time[RUNSTATE_offline] > 0);
    EXPECT_OK(vcpu_op(VCPUOP_down, 1, NULL));
}

static void check_area(void)
{
    struct vcpu_register_runstate_memory_area a;
    struct vcpu_runstate_info r;

    a.addr.v = &area;
    EXPECT_OK(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &a));
    sleep_ms(30);
    EXPECT_OK(get(0, &r));
    EXPECT_EQUAL(area.state, RUNSTATE_running);
    EXPECT_TRUE(area.time[RUNSTATE_blocked] >= 20000000);
    EXPECT_EQUAL(area.time[RUNSTATE_blocked], r.time[RUNSTATE_blocked]);
    EXPECT_EQUAL(area.state_entry_time, r.state_entry_time);
    EXPECT_OK(hypercall(vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag));
    sleep_ms(30);
    EXPECT_EQUAL(area.state_entry_time & XEN_RUNSTATE_UPDATE, 0);   /* set only while it is written */
    EXPECT_EQUAL(area.state, RUNSTATE_running);
    EXPECT_OK(hypercall(vm_assist, VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag));
}

/* An area that is taken away or never there does no harm. */
static void check_bad_area(void)
{
    struct vcpu_register_runstate_memory_area a;

    a.addr.p = HV_PRIVATE;
    EXPECT_REFUSED(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &a));
    a.addr.p = NONCANON;
    EXPECT_REFUSED(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &a));
    a.addr.p = UNMAPPED;
    (void)vcpu_op(VCPUOP_register_runstate_memory_area, 0, &a);
    sleep_ms(5);
    EXPECT_ERR(vcpu_op(VCPUOP_register_runstate_memory_area, 0, (void *)UNMAPPED), EFAULT);
    EXPECT_ERR(vcpu_op(VCPUOP_get_runstate_info, 0, (void *)UNMAPPED), EFAULT);
    EXPECT_REFUSED(vcpu_op(VCPUOP_get_runstate_info, 77, &a));
}

void test_main(void)
{
    REQUIRE(vcpu_count() == 2);
    check_self();
    check_other();
    check_area();
    check_bad_area();
}
