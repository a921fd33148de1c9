/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MSI-X of a network device (e1000e), three messages, as Linux sets it up.  The interrupts are caused by writing the device's
 * "interrupt cause set" register.  The table itself the guest can map only to look at.  (physdev.h; 82574 manual 10.2.4.)
 */
/* qemu: -M q35 -device e1000e,addr=4 -smp 2 */
#include <xen/event_channel.h>
#include <xen/physdev.h>
#include "boot.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "pci.h"
#include "time.h"

#define E1000E   0x10d38086u
#define REG_ICR  (0xc0 / 4)
#define REG_ICS  (0xc8 / 4)
#define REG_IMS  (0xd0 / 4)
#define REG_EIAC (0xdc / 4)
#define REG_IVAR (0xe4 / 4)
#define MESSAGES 3

static const uint32_t causes[MESSAGES] = { 1u << 20, 1u << 22, 1u << 24 }; /* receive 0, transmit 0, other */

static volatile uint32_t *regs, *table;
static long pirqs[MESSAGES], ports[MESSAGES];

static void device_setup(void)
{
    regs[REG_IVAR] = (8u | 0) | (8u | 1) << 8 | (8u | 2) << 16;
    regs[REG_EIAC] = causes[0] | causes[1] | causes[2];
    (void)regs[REG_ICR];
}

static void raise(unsigned i)
{
    regs[REG_IMS] = causes[0] | causes[1] | causes[2];
    regs[REG_ICS] = causes[i];
}

static bool comes(unsigned i)
{
    unsigned n = event_count[ports[i]];

    raise(i);
    return event_wait((unsigned)ports[i], n + 1, 1000);
}

/* The first time, message i comes and no other.  (The emulated device, which throttles, repeats some.) */
static void first(unsigned i)
{
    EXPECT_TRUE(comes(i));
    time_spin(10000000);
    for (unsigned k = 0; k < MESSAGES; k++)
        EXPECT_EQUAL(event_count[ports[k]] > 0, k <= i);
}

static void table_is_read_only(unsigned devfn, unsigned bar, unsigned long offset)
{
    volatile uint32_t *view = pci_map(devfn, bar, UNMAPPED + 0x200000, offset & PAGE_MASK, PAGE_SIZE);
    uint64_t *pte = pt_entry(NULL, UNMAPPED + 0x200000, 1);
    uint32_t before;

    EXPECT_TRUE(view[(offset & ~PAGE_MASK) / 4] >> 20 == 0xfee);
    REQUIRE(pte != NULL);
    EXPECT_TRUE(*pte & PTE_P);
    EXPECT_TRUE(!(*pte & PTE_W));
    /* The guest's writes have no effect. */
    before = view[(offset & ~PAGE_MASK) / 4];
    view[(offset & ~PAGE_MASK) / 4] = 0x12345678;
    view[(offset & ~PAGE_MASK) / 4 + 3] = 1;
    EXPECT_EQUAL(view[(offset & ~PAGE_MASK) / 4], before);
    EXPECT_EQUAL(view[(offset & ~PAGE_MASK) / 4 + 3] & 1, 0);
}

void test_main(void)
{
    struct physdev_pci_device_add add = { 0 };
    unsigned devfn, cap, bar;
    unsigned long offset, base;
    int found;

    pci_init();
    found = pci_find(E1000E);
    REQUIRE(found >= 0);
    devfn = (unsigned)found;
    pci_enable(devfn);
    add.devfn = (uint8_t)devfn;
    EXPECT_OK(hypercall(physdev_op, PHYSDEVOP_pci_device_add, &add));
    regs = pci_map(devfn, 0, UNMAPPED, 0, PAGE_SIZE);
    cap = pci_cap(devfn, 0x11);
    REQUIRE(cap != 0);
    bar = pci_read(devfn, cap + 4) & 7;
    offset = pci_read(devfn, cap + 4) & ~7ul;
    base = pci_read(devfn, 0x10 + 4 * bar) & ~15ul;

    pci_write16(devfn, cap + 2, (uint16_t)(pci_read(devfn, cap) >> 16 | 0xc000)); /* enabled, all masked: as Linux */
    for (unsigned i = 0; i < MESSAGES; i++) {
        pirqs[i] = pirq_map_msi(devfn, i, base);
        REQUIRE(pirqs[i] >= 16);
        ports[i] = pirq_bind((unsigned)pirqs[i], false);
        REQUIRE(ports[i] > 0);
    }
    EXPECT_REFUSED(pirq_map_msi(devfn, 77, base)); /* no such entry */
    pci_write16(devfn, cap + 2, (pci_read(devfn, cap) >> 16 & 0xbfff));
    table = pci_map(devfn, bar, UNMAPPED + 0x100000, offset & PAGE_MASK, PAGE_SIZE) + (offset & ~PAGE_MASK) / 4;
    EXPECT_EQUAL(table[3] & 1, 0); /* unmasked by bind */
    table_is_read_only(devfn, bar, offset);
    events_on();
    device_setup();
    for (unsigned i = 0; i < MESSAGES; i++)
        first(i);
    for (unsigned n = 0; n < 60; n++)
        if (!EXPECT_TRUE(comes(n % MESSAGES)))
            break;

    /* A closed port's message is masked; the others go on. */
    EXPECT_OK(event_close((unsigned)ports[1]));
    EXPECT_EQUAL(table[4 + 3] & 1, 1);
    ports[1] = pirq_bind((unsigned)pirqs[1], false);
    REQUIRE(ports[1] > 0);
    event_count[ports[1]] = 0;
    for (unsigned i = 0; i < MESSAGES; i++)
        EXPECT_TRUE(comes(i));

    time_spin(50000000); /* QEMU 7.2 aborts if its throttle still runs */
    pci_write16(devfn, cap + 2, (pci_read(devfn, cap) >> 16 & 0x7fff));
    for (unsigned i = 0; i < MESSAGES; i++) {
        EXPECT_OK(event_close((unsigned)ports[i]));
        EXPECT_OK(pirq_unmap((unsigned)pirqs[i]));
    }
}
