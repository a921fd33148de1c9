/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI of QEMU's "edu" device as Linux sets it up: map_pirq (the hypervisor writes address and data), bind, then the guest
 * sets the enable bit.  Refusals of map_pirq.  (physdev.h.)
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

static long map(int type, int index, int pirq, unsigned devfn, int entry)
{
    struct physdev_map_pirq m = { .domid = DOMID_SELF, .type = type, .index = index, .pirq = pirq,
                                  .devfn = (int)devfn, .entry_nr = entry };

    return hypercall(physdev_op, PHYSDEVOP_map_pirq, &m);
}

static void refusals(unsigned devfn)
{
    struct physdev_map_pirq m = { .domid = 0x7000, .type = MAP_PIRQ_TYPE_MSI, .index = -1, .pirq = -1 };

    EXPECT_ERR(map(MAP_PIRQ_TYPE_UNKNOWN, -1, -1, devfn, 0), EINVAL);
    EXPECT_ERR(map(77, -1, -1, devfn, 0), EINVAL);
    EXPECT_ERR(map(MAP_PIRQ_TYPE_GSI, -1, -1, devfn, 0), EINVAL);
    EXPECT_ERR(map(MAP_PIRQ_TYPE_GSI, 1000000, -1, devfn, 0), EINVAL);
    EXPECT_ERR(map(MAP_PIRQ_TYPE_GSI, 5, 1000000, devfn, 0), EINVAL);
    EXPECT_ERR(map(MAP_PIRQ_TYPE_MSI, -1, 1000000, devfn, 0), EINVAL);
    EXPECT_ERR(map(MAP_PIRQ_TYPE_MULTI_MSI, -1, -1, devfn, 0), EDOM);
    EXPECT_ERR(map(MAP_PIRQ_TYPE_MULTI_MSI, -1, -1, devfn, 33), EDOM);
    EXPECT_REFUSED(map(MAP_PIRQ_TYPE_MSI, -1, -1, 0xf8, 0)); /* no such device */
    EXPECT_ERR(hypercall(physdev_op, PHYSDEVOP_map_pirq, &m), ESRCH);
    EXPECT_ERR(hypercall(physdev_op, PHYSDEVOP_map_pirq, HV_PRIVATE), EFAULT);
    EXPECT_REFUSED(pirq_unmap(1000000));
    EXPECT_REFUSED(pirq_unmap(200));
}

static void device_add(unsigned devfn)
{
    struct physdev_pci_device_add add = { .devfn = (uint8_t)devfn };

    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_pci_device_add, &add));
}

void test_main(void)
{
    volatile uint32_t *edu;
    unsigned devfn, cap;
    long pirq, port;
    int found;

    pci_init();
    found = pci_find(EDU_ID);
    REQUIRE(found >= 0);
    devfn = (unsigned)found;
    pci_enable(devfn);
    edu = pci_map(devfn, 0, UNMAPPED, 0, PAGE_SIZE);
    cap = pci_cap(devfn, 5);
    REQUIRE(cap != 0);
    device_add(devfn);
    refusals(devfn);

    pirq = pirq_map_msi(devfn, 0, 0);
    REQUIRE(pirq >= 16);
    if (!test_on_xen()) /* which lets the second take the message over */
        EXPECT_ERR(pirq_map_msi(devfn, 0, 0), EEXIST);
    EXPECT_TRUE((pci_read(devfn, cap + 4) & 0xfff00000) == 0xfee00000);
    port = pirq_bind((unsigned)pirq, false);
    REQUIRE(port > 0);
    events_on();

    /* Not before the guest enables it. */
    pci_write(devfn, cap, pci_read(devfn, cap) | 1u << 16);
    EXPECT_EQUAL(event_count[port], 0);
    for (unsigned i = 1; i <= 200; i++) {
        edu[EDU_RAISE] = 1;
        if (!event_wait((unsigned)port, i, 1000))
            break;
        edu[EDU_ACK] = 1;
        if (i % 2)
            pirq_eoi((unsigned)pirq); /* harmless */
    }
    EXPECT_EQUAL(event_count[port], 200);

    /* Unmapped under a bound port: silent; then all anew. */
    pci_write(devfn, cap, pci_read(devfn, cap) & ~(1u << 16));
    EXPECT_OK(event_close((unsigned)port));
    EXPECT_OK(pirq_unmap((unsigned)pirq));
    EXPECT_REFUSED(pirq_bind((unsigned)pirq, false));
    pirq = pirq_map_msi(devfn, 0, 0);
    REQUIRE(pirq >= 16);
    port = pirq_bind((unsigned)pirq, false);
    REQUIRE(port > 0);
    event_count[port] = 0;
    pci_write(devfn, cap, pci_read(devfn, cap) | 1u << 16);
    edu[EDU_RAISE] = 2;
    EXPECT_TRUE(event_wait((unsigned)port, 1, 1000));
    edu[EDU_ACK] = 2;
}
