/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bind_pirq to numbers that no interrupt has (event_channel.h): refused, and nothing is kept for them. */
#define __XEN_TOOLS__
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "sysctl.h"

static long pages_free(void)
{
    EXPECT_OK(SYSCTL(availheap, U.availheap.node = -1));
    return (long)(U.availheap.avail_bytes >> PAGE_SHIFT);
}

static void refused(uint32_t pirq)
{
    struct evtchn_bind_pirq b = { .pirq = pirq };

    EXPECT_REFUSED(hypercall(event_channel_op, EVTCHNOP_bind_pirq, &b));
}

void test_main(void)
{
    long before;

    refused(4096); /* makes what a domain has once, with the first */
    before = pages_free();
    for (uint32_t pirq = 16384; pirq < 65536; pirq += 1024)
        refused(pirq);
    EXPECT_EQUAL(pages_free(), before);
}
