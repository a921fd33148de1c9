/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PHYSDEVOP_* about PCI functions that dom0 names by bus and devfn only (physdev.h): add, restore the messages, remove;
 * and the word about memory-mapped configuration space.
 */
/* qemu: -M q35 */
#include <xen/physdev.h>
#include "check.h"
#include "hypercall.h"
#include "pci.h"

#define physdev(op, arg) hypercall(physdev_op, PHYSDEVOP_##op, (arg))

static void check_manage(void)
{
    struct physdev_manage_pci p = { .bus = 0, .devfn = 0x1f << 3 }; /* q35's bridge to the old bus */

    EXPECT_OK(physdev(manage_pci_add, &p));
    EXPECT_OK(physdev(restore_msi, &p));
    EXPECT_OK(physdev(manage_pci_remove, &p));
    EXPECT_ERR(physdev(manage_pci_remove, &p), ENODEV);
    EXPECT_ERR(physdev(restore_msi, &p), ENODEV);
    EXPECT_OK(physdev(manage_pci_add, &p));
    EXPECT_ERR(physdev(manage_pci_add, UNMAPPED), EFAULT);
    EXPECT_ERR(physdev(manage_pci_remove, UNMAPPED), EFAULT);
    EXPECT_ERR(physdev(restore_msi, UNMAPPED), EFAULT);
}

/* Where the chip set says it is: PCIEXBAR of function 0. */
static uint64_t config_address(void)
{
    return pci_read(0, 0x60) & 0xf0000000u;
}

static void check_mmcfg(void)
{
    struct physdev_pci_mmcfg_reserved m = {
        .address = config_address(), .end_bus = 255, .flags = XEN_PCI_MMCFG_RESERVED
    };

    REQUIRE(m.address);
    EXPECT_OK(physdev(pci_mmcfg_reserved, &m));
    EXPECT_OK(physdev(pci_mmcfg_reserved, &m)); /* as it is */
    m.flags = 4;
    EXPECT_ERR(physdev(pci_mmcfg_reserved, &m), EINVAL);
    EXPECT_ERR(physdev(pci_mmcfg_reserved, UNMAPPED), EFAULT);
    m = (struct physdev_pci_mmcfg_reserved){ .address = 1ul << 51, .segment = 1, .flags = XEN_PCI_MMCFG_RESERVED };
    if (!test_on_xen()) /* where no processor's addresses reach; there that is not asked */
        EXPECT_ERR(physdev(pci_mmcfg_reserved, &m), EINVAL);
}

void test_main(void)
{
    pci_init();
    check_manage();
    check_mmcfg();
}
