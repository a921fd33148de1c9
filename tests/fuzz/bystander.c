/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bystander: has nothing to do with anybody.  Its memory must keep what it wrote there, its clock must not go
 * backwards, a timer must wake it when asked, and it must get its share of the processors: that is what it looks at, and reports.
 */
#include <xen/sched.h>
#include <xen/vcpu.h>
#include "boot.h"
#include "cpu.h"
#include "fuzz.h"
#include "hypercall.h"
#include "mem.h"
#include "time.h"

#define PAGES 256

static uint64_t *page[PAGES];

static uint64_t pattern(unsigned i, unsigned word)
{
    return (i * 512ul + word + 1) * 0x9e3779b97f4a7c15ul;
}

static uint64_t check_memory(unsigned i)
{
    uint64_t bad = 0;

    for (unsigned w = 0; w < 512; w++)
        bad += page[i][w] != pattern(i, w);
    return bad;
}

static void time_check(void)
{
    static uint64_t latest;
    uint64_t now = time_now();

    report.bystander.back += now < latest;
    latest = now;
}

static void sleep_check(void)
{
    uint64_t stills = READ_ONCE(report.bystander.stills), until = time_now() + 1000000, now;
    struct sched_poll poll = { .timeout = until };

    hypercall(sched_op, SCHEDOP_poll, &poll);
    now = time_now();
    if (now < until)
        report.bystander.early++;
    else if (now - until > report.bystander.late && READ_ONCE(report.bystander.stills) == stills)
        report.bystander.late = now - until;
}

/* Of the time that it wanted to run, the promille that it did. */
static void share_take(void)
{
    struct vcpu_runstate_info r;

    if (hypercall(vcpu_op, VCPUOP_get_runstate_info, 0, &r))
        return;
    report.bystander.share = r.time[RUNSTATE_running] * 1000 / (r.time[RUNSTATE_running] + r.time[RUNSTATE_runnable] + 1);
}

void bystander_main(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        page[i] = page_alloc();
        for (unsigned w = 0; w < 512; w++)
            page[i][w] = pattern(i, w);
    }
    report.magic = REPORT_MAGIC;
    for (unsigned i = 0;; i = (i + 1) % PAGES) {
        report.bystander.bad_words += check_memory(i);
        time_check();
        if (i % 16 == 0)
            sleep_check();
        share_take();
        report.bystander.rounds++;
    }
}
