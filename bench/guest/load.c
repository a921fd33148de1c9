/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest among many (bench/many.sh), as its command line says: "idle" wakes ten times a second by its timer, as a kernel without
 * work does, "busy" runs all the time.
 */
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "time.h"

#define PERIOD 100000000ul      /* ns */

void test_main(void)
{
    long timer = event_bind_virq(VIRQ_TIMER, 0);

    event_unmask((unsigned)timer);
    events_on();
    while (!strstr((const char *)start_info->cmd_line, "idle"))
        barrier();
    for (uint64_t next = time_now() + PERIOD;; next += PERIOD) {
        hypercall(set_timer_op, next);
        hypercall(sched_op, SCHEDOP_block, NULL);
    }
}
