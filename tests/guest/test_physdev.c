/* SPDX-License-Identifier: GPL-2.0-or-later */
/* physdev_op: answers and refusals of the operations that need no device.  (physdev.h) */
#include <xen/physdev.h>
#include <xen/sched.h>
#include "boot.h"
#include "check.h"
#include "event.h"
#include "hypercall.h"
#include "mem.h"
#include "pci.h"

#define IOAPIC 0xfec00000ul

#define physdev(cmd, arg) hypercall(physdev_op, PHYSDEVOP_##cmd, arg)

static void arguments(void)
{
    struct physdev_eoi eoi = { .irq = 5 };

    EXPECT_ERR(hypercall(physdev_op, 0, &eoi), ENOSYS);
    EXPECT_ERR(hypercall(physdev_op, 3, &eoi), ENOSYS);
    EXPECT_ERR(hypercall(physdev_op, 22, &eoi), ENOSYS);
    EXPECT_ERR(hypercall(physdev_op, 1000, &eoi), ENOSYS);
    EXPECT_ERR(hypercall(physdev_op, 0xffffffff, &eoi), ENOSYS);
    EXPECT_ERR(physdev(eoi, HV_PRIVATE), EFAULT);
    EXPECT_ERR(physdev(eoi, UNMAPPED), EFAULT);
    EXPECT_ERR(physdev(map_pirq, NONCANON), EFAULT);
    eoi.irq = 0xffffffff;
    EXPECT_ERR(physdev(eoi, &eoi), EINVAL);
}

static void ports(void)
{
    struct physdev_set_iopl iopl = { .iopl = 4 };
    struct physdev_set_iobitmap map = { .nr_ports = 65537 };

    EXPECT_ERR(physdev(set_iopl, &iopl), EINVAL);
    iopl.iopl = 0xffffffff;
    EXPECT_ERR(physdev(set_iopl, &iopl), EINVAL);
    for (iopl.iopl = 0; iopl.iopl < 4; iopl.iopl++)
        EXPECT_OK(physdev(set_iopl, &iopl));
    EXPECT_ERR(physdev(set_iobitmap, &map), EINVAL);
    map.nr_ports = 0;
    EXPECT_OK(physdev(set_iobitmap, &map));
    map.nr_ports = 65536;
    EXPECT_OK(physdev(set_iobitmap, &map));
}

static void ioapic(void)
{
    struct physdev_apic a = { .apic_physbase = IOAPIC, .reg = 1 };

    EXPECT_OK(physdev(apic_read, &a));
    EXPECT_TRUE((a.value & 0xff) >= 0x11);
    EXPECT_TRUE((a.value >> 16 & 0xff) >= 15);
    a.apic_physbase += 0x1000;
    EXPECT_ERR(physdev(apic_read, &a), EINVAL);
    EXPECT_REFUSED(physdev(apic_write, &a));
}

static void irq_vector(void)
{
    struct physdev_irq irq = { .irq = 5 };

    EXPECT_OK(physdev(alloc_irq_vector, &irq));
    irq.irq = 100000; /* the vector is the hypervisor's business: any number will do */
    EXPECT_OK(physdev(alloc_irq_vector, &irq));
}

static void free_pirqs(void)
{
    struct physdev_get_free_pirq f = { .type = MAP_PIRQ_TYPE_GSI };
    uint32_t first;

    EXPECT_OK(physdev(get_free_pirq, &f));
    EXPECT_TRUE(f.pirq >= 16);
    f.type = MAP_PIRQ_TYPE_MSI;
    EXPECT_OK(physdev(get_free_pirq, &f));
    EXPECT_TRUE(f.pirq >= 16);
    first = f.pirq;
    EXPECT_OK(physdev(get_free_pirq, &f));
    EXPECT_TRUE(f.pirq != first);
}

static void status(void)
{
    struct physdev_irq_status_query q = { .irq = 1000000 };
    struct physdev_setup_gsi g = { .gsi = -1 };

    EXPECT_ERR(physdev(irq_status_query, &q), EINVAL);
    EXPECT_REFUSED(physdev(setup_gsi, &g));
    g.gsi = 100000;
    EXPECT_REFUSED(physdev(setup_gsi, &g));
    EXPECT_REFUSED(pirq_bind(1000000, true));
}

static void devices(void)
{
    struct physdev_manage_pci_ext ext = { .devfn = 0, .is_extfn = 2 };
    struct physdev_pci_device dev = { .seg = 0, .bus = 200, .devfn = 0x58 };
    struct physdev_dbgp_op dbgp = { .op = PHYSDEVOP_DBGP_RESET_PREPARE, .bus = PHYSDEVOP_DBGP_BUS_UNKNOWN };

    EXPECT_ERR(physdev(manage_pci_add_ext, &ext), EINVAL);
    EXPECT_ERR(physdev(pci_device_remove, &dev), ENODEV);
    EXPECT_ERR(physdev(restore_msi_ext, &dev), ENODEV);
    EXPECT_REFUSED(physdev(prepare_msix, &dev));
    EXPECT_REFUSED(physdev(release_msix, &dev));
    EXPECT_OK(physdev(dbgp_op, &dbgp));
}

static void compat(void)
{
    struct physdev_op op = { .cmd = PHYSDEVOP_set_iopl, .u.set_iopl.iopl = 1 };

    EXPECT_OK(hypercall(physdev_op_compat, &op));
    op.u.set_iopl.iopl = 9;
    EXPECT_ERR(hypercall(physdev_op_compat, &op), EINVAL);
    op.cmd = PHYSDEVOP_map_pirq; /* newer operations too: this one for domain 9 */
    EXPECT_ERR(hypercall(physdev_op_compat, &op), ESRCH);
    op.cmd = 1000;
    EXPECT_ERR(hypercall(physdev_op_compat, &op), ENOSYS);
    op = (struct physdev_op){ .cmd = PHYSDEVOP_apic_read, .u.apic_op = { .apic_physbase = IOAPIC, .reg = 1 } };
    EXPECT_OK(hypercall(physdev_op_compat, &op));
    EXPECT_TRUE(op.u.apic_op.value != 0);
    EXPECT_ERR(hypercall(physdev_op_compat, UNMAPPED), EFAULT);
}

/* The page where the hypervisor says which pirqs need an EOI. */
static void eoi_page(void)
{
    struct physdev_pirq_eoi_gmfn g = { .gmfn = ~0ul };
    uint64_t *page = page_alloc();
    long port;

    EXPECT_REFUSED(physdev(pirq_eoi_gmfn_v2, &g));
    g.gmfn = virt_to_mfn(page);
    EXPECT_OK(physdev(pirq_eoi_gmfn_v2, &g));
    EXPECT_ERR(physdev(pirq_eoi_gmfn_v2, &g), EBUSY);
    EXPECT_ERR(physdev(pirq_eoi_gmfn_v1, &g), EBUSY);
    EXPECT_EQUAL(pirq_map_gsi(11), 11); /* PCI's: level */
    port = pirq_bind(11, true);
    REQUIRE(port > 0);
    EXPECT_TRUE(page[0] >> 11 & 1);
    EXPECT_OK(event_close((unsigned)port));
}

void test_main(void)
{
    arguments();
    ports();
    ioapic();
    irq_vector();
    free_pirqs();
    status();
    devices();
    compat();
    eoi_page();
}
