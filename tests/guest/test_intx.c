/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device's level interrupt (QEMU's "edu" device, INTx) by GSI, pirq and event: comes once, not again until
 * PHYSDEVOP_eoi, and again after it while the device still asks.  (physdev.h, event_channel.h.)
 */
/* qemu: -device edu */
#include <xen/physdev.h>
#include "boot.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "pci.h"
#include "time.h"

#define EDU_ID     0x11e81234u
#define EDU_STATUS (0x24 / 4)
#define EDU_RAISE  (0x60 / 4)
#define EDU_ACK    (0x64 / 4)

void test_main(void)
{
    struct physdev_setup_gsi setup = { .triggering = 1 };
    struct physdev_irq_status_query q = { 0 };
    volatile uint32_t *edu;
    long port, port2;
    unsigned gsi, n;
    int devfn;

    pci_init();
    devfn = pci_find(EDU_ID);
    REQUIRE(devfn >= 0);
    pci_enable((unsigned)devfn);
    edu = pci_map((unsigned)devfn, 0, UNMAPPED, 0, PAGE_SIZE);
    EXPECT_EQUAL(edu[0], 0x010000edu);
    gsi = pci_read((unsigned)devfn, 0x3c) & 0xff;
    REQUIRE(gsi > 0 && gsi < 16);

    EXPECT_EQUAL(pirq_map_gsi(gsi), gsi);
    EXPECT_EQUAL(pirq_map_gsi(gsi), gsi); /* again: the same */
    setup.gsi = (int)gsi;
    hypercall(physdev_op, PHYSDEVOP_setup_gsi, &setup); /* may be known already */
    port = pirq_bind(gsi, true);
    REQUIRE(port > 0);
    EXPECT_ERR(pirq_bind(gsi, true), EEXIST);
    q.irq = gsi;
    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_irq_status_query, &q));
    EXPECT_TRUE(q.flags & XENIRQSTAT_needs_eoi);
    EXPECT_TRUE(!(q.flags & XENIRQSTAT_shared));
    events_on();
    EXPECT_OK(pirq_eoi(gsi));

    /* One interrupt; held back until the EOI (Xen waits 1 ms for that, then tells again). */
    EXPECT_EQUAL(event_count[port], 0);
    edu[EDU_RAISE] = 1;
    EXPECT_TRUE(event_wait((unsigned)port, 1, 1000));
    EXPECT_EQUAL(edu[EDU_STATUS], 1);
    if (!test_on_xen()) {
        time_spin(3000000);
        EXPECT_EQUAL(event_count[port], 1);
    }
    /* Not served: it comes again. */
    n = event_count[port];
    EXPECT_OK(pirq_eoi(gsi));
    EXPECT_TRUE(event_wait((unsigned)port, n + 1, 1000));
    /* Served: it doesn't. */
    edu[EDU_ACK] = 1;
    EXPECT_OK(pirq_eoi(gsi));
    n = event_count[port];
    time_spin(3000000);
    EXPECT_EQUAL(event_count[port], n);

    /* Many. */
    for (unsigned i = 0; i < 100; i++) {
        n = event_count[port];
        edu[EDU_RAISE] = 4;
        if (!EXPECT_TRUE(event_wait((unsigned)port, n + 1, 1000)))
            break;
        edu[EDU_ACK] = 4;
        pirq_eoi(gsi);
    }

    /* Raised while nobody listens; told when somebody does. */
    EXPECT_OK(event_close((unsigned)port));
    edu[EDU_RAISE] = 8;
    time_spin(1000000);
    port2 = pirq_bind(gsi, true);
    REQUIRE(port2 > 0);
    event_count[port2] = 0;
    pirq_eoi(gsi);
    EXPECT_TRUE(event_wait((unsigned)port2, 1, 1000));
    edu[EDU_ACK] = 8;
    EXPECT_OK(pirq_eoi(gsi));
    EXPECT_OK(event_close((unsigned)port2));
    EXPECT_OK(pirq_unmap(gsi));
    EXPECT_REFUSED(pirq_unmap(gsi));
}
