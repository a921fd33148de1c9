/* SPDX-License-Identifier: GPL-2.0-or-later */
/* platform_op: what dom0 learns of the machine, and refusals.  (platform.h) */
/* qemu: -smp 2 */
/* timeout: 120 */
#include <xen/platform.h>
#include "boot.h"
#include "check.h"
#include "hypercall.h"
#include "mem.h"
#include "time.h"

static struct xen_platform_op op;

static long platform(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XENPF_INTERFACE_VERSION;
    return hypercall(platform_op, &op);
}

static void clear(void)
{
    memset(&op, 0, sizeof(op));
}

static void arguments(void)
{
    clear();
    EXPECT_ERR(platform(1), ENOSYS);
    EXPECT_ERR(platform(1000), ENOSYS);
    EXPECT_ERR(platform(0xffffffff), ENOSYS);
    op.cmd = XENPF_get_cpuinfo;
    op.interface_version = 1;
    EXPECT_ERR(hypercall(platform_op, &op), EACCES);
    EXPECT_ERR(hypercall(platform_op, UNMAPPED), EFAULT);
}

static void cpus(void)
{
    uint32_t first;

    clear();
    EXPECT_OK(platform(XENPF_get_cpuinfo));
    EXPECT_EQUAL(op.u.pcpu_info.max_present, 1);
    EXPECT_EQUAL(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_ONLINE);
    first = op.u.pcpu_info.apic_id;
    clear();
    op.u.pcpu_info.xen_cpuid = 1;
    EXPECT_OK(platform(XENPF_get_cpuinfo));
    EXPECT_EQUAL(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_ONLINE);
    EXPECT_TRUE(op.u.pcpu_info.apic_id != first);
    EXPECT_EQUAL(op.u.pcpu_info.acpi_id, 1);
    clear();
    op.u.pcpu_info.xen_cpuid = 0xffffffff;
    EXPECT_OK(platform(XENPF_get_cpuinfo));
    EXPECT_EQUAL(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_INVALID);
    clear();
    EXPECT_OK(platform(XENPF_get_cpu_version));
    EXPECT_TRUE(op.u.pcpu_version.vendor_id[0] != 0);
    EXPECT_TRUE(op.u.pcpu_version.family >= 6);
    clear();
    op.u.pcpu_version.xen_cpuid = 77;
    EXPECT_OK(platform(XENPF_get_cpu_version));
    EXPECT_EQUAL(op.u.pcpu_version.family, 0);
    clear();
    op.u.cpu_ol.cpuid = 99999;
    EXPECT_ERR(platform(XENPF_cpu_online), EINVAL);
    EXPECT_REFUSED(platform(XENPF_cpu_offline));
    op.u.cpu_ol.cpuid = 1;
    EXPECT_OK(platform(XENPF_cpu_online)); /* it is */
    op.u.cpu_ol.cpuid = 0;
    EXPECT_ERR(platform(XENPF_cpu_offline), EOPNOTSUPP); /* the one that booted stays */
}

static void plugging(void)
{
    uint32_t there;

    clear();
    EXPECT_OK(platform(XENPF_get_cpuinfo));
    there = op.u.pcpu_info.apic_id;
    clear();
    op.u.cpu_add.apic_id = there;
    EXPECT_ERR(platform(XENPF_cpu_hotadd), EEXIST);
    op.u.cpu_add.apic_id = 99999;
    EXPECT_ERR(platform(XENPF_cpu_hotadd), EINVAL);
    clear();
    op.u.mem_add.spfn = 0x100000;
    op.u.mem_add.epfn = 0xf8000;
    EXPECT_ERR(platform(XENPF_mem_hotadd), EINVAL);
    op.u.mem_add.epfn = 0x100001;
    EXPECT_ERR(platform(XENPF_mem_hotadd), EINVAL);
}

static void frequencies(void)
{
    static uint64_t idle[16];
    static uint8_t map[2] = { 0x07, 0 };
    uint64_t before;

    clear();
    EXPECT_ERR(platform(XENPF_change_freq), ENOSYS);
    clear();
    op.u.getidletime.cpumap_nr_cpus = 16;
    set_xen_guest_handle(op.u.getidletime.cpumap_bitmap, map);
    set_xen_guest_handle(op.u.getidletime.idletime, idle);
    idle[2] = idle[3] = 99;
    if (test_on_xen()) {
        EXPECT_ERR(platform(XENPF_getidletime), ENOSYS); /* there dom0 must govern frequencies */
        return;
    }
    EXPECT_OK(platform(XENPF_getidletime));
    EXPECT_EQUAL(map[0], 3);    /* there are two */
    EXPECT_EQUAL(idle[2], 0);   /* asked for, not there */
    EXPECT_EQUAL(idle[3], 99);  /* not asked for */
    EXPECT_TRUE(idle[1] > 0 && idle[1] <= op.u.getidletime.now);
    before = idle[1];
    time_spin(5000000);         /* CPU 1 has nothing to do meanwhile */
    EXPECT_OK(platform(XENPF_getidletime));
    EXPECT_TRUE(idle[1] >= before + 4000000);
    op.u.getidletime.cpumap_nr_cpus = 0xffffffff;
    EXPECT_REFUSED(platform(XENPF_getidletime));
    op.u.getidletime.cpumap_nr_cpus = 16;
    set_xen_guest_handle(op.u.getidletime.idletime, (uint64_t *)UNMAPPED);
    EXPECT_ERR(platform(XENPF_getidletime), EFAULT);
}

static void memtypes(void)
{
    unsigned reg;

    for (reg = 0; reg < 255; reg++) {
        clear();
        op.u.read_memtype.reg = reg;
        op.u.read_memtype.type = 99;
        if (platform(XENPF_read_memtype))
            break;
        EXPECT_TRUE(op.u.read_memtype.type <= 6);
        if (op.u.read_memtype.nr_mfns)
            EXPECT_EQUAL(op.u.read_memtype.mfn & (op.u.read_memtype.nr_mfns - 1), 0);
    }
    EXPECT_TRUE(reg > 0 && reg < 64);
    EXPECT_ERR(platform(XENPF_read_memtype), EINVAL);
    clear();
    op.u.del_memtype.reg = 254;
    op.u.del_memtype.handle = 99;
    EXPECT_REFUSED(platform(XENPF_del_memtype));
}

static void firmware(void)
{
    clear();
    op.u.firmware_info.type = XEN_FW_DISK_INFO;
    op.u.firmware_info.index = 1000;
    EXPECT_ERR(platform(XENPF_firmware_info), ESRCH);
    clear();
    op.u.firmware_info.type = XEN_FW_DISK_MBR_SIGNATURE;
    op.u.firmware_info.index = 1000;
    EXPECT_ERR(platform(XENPF_firmware_info), ESRCH);
    clear();
    op.u.firmware_info.type = XEN_FW_EFI_INFO;
    EXPECT_REFUSED(platform(XENPF_firmware_info)); /* a BIOS machine */
    clear();
    op.u.firmware_info.type = XEN_FW_KBD_SHIFT_FLAGS;
    EXPECT_OK(platform(XENPF_firmware_info));
    op.u.firmware_info.type = 99;
    EXPECT_ERR(platform(XENPF_firmware_info), EINVAL);
    clear();
    op.u.platform_quirk.quirk_id = 99;
    EXPECT_ERR(platform(XENPF_platform_quirk), EINVAL);
    op.u.efi_runtime_call.function = XEN_EFI_get_time;
    EXPECT_REFUSED(platform(XENPF_efi_runtime_call));
}

static void power(void)
{
    clear();
    op.u.enter_acpi_sleep.sleep_state = 5;
    op.u.enter_acpi_sleep.flags = 2;
    EXPECT_ERR(platform(XENPF_enter_acpi_sleep), EINVAL);
    clear();
    op.u.enter_acpi_sleep.sleep_state = 9;
    op.u.enter_acpi_sleep.val_a = op.u.enter_acpi_sleep.val_b = 0x2000;
    EXPECT_ERR(platform(XENPF_enter_acpi_sleep), EINVAL);
    if (!test_on_xen()) { /* Xen would do it */
        clear();
        op.u.enter_acpi_sleep.sleep_state = 3;
        op.u.enter_acpi_sleep.val_a = 0x2000;
        EXPECT_ERR(platform(XENPF_enter_acpi_sleep), EOPNOTSUPP);
    }
    clear();
    op.u.core_parking.type = XEN_CORE_PARKING_GET;
    EXPECT_OK(platform(XENPF_core_parking));
    EXPECT_EQUAL(op.u.core_parking.idle_nums, 0);
    clear();
    op.u.core_parking.type = 9;
    EXPECT_REFUSED(platform(XENPF_core_parking));
    clear();
    op.u.set_pminfo.type = 9;
    EXPECT_REFUSED(platform(XENPF_set_processor_pminfo));
    op.u.set_pminfo.type = XEN_PM_TX;
    EXPECT_ERR(platform(XENPF_set_processor_pminfo), ENOSYS);
}

static void resources(void)
{
    struct xenpf_resource_entry e[3] = { { .u.cmd = XEN_RESOURCE_OP_MSR_READ, .idx = 0x10 } };
    uint64_t before;

    /* The TSC "MSR" is system time, with an offset that may be hidden. */
    clear();
    op.u.resource_op.nr_entries = 1;
    set_xen_guest_handle(op.u.resource_op.entries, e);
    EXPECT_EQUAL(platform(XENPF_resource_op), 1);
    before = e[0].val;
    time_spin(1000000);
    e[0] = (struct xenpf_resource_entry){ .u.cmd = XEN_RESOURCE_OP_MSR_READ, .idx = 0x10 };
    EXPECT_EQUAL(platform(XENPF_resource_op), 1);
    EXPECT_TRUE(e[0].val >= before + 1000000 && e[0].val < before + 10000000000);
    e[0] = (struct xenpf_resource_entry){ .u.cmd = XEN_RESOURCE_OP_MSR_READ, .idx = 0x1b }; /* not for dom0 */
    EXPECT_EQUAL(platform(XENPF_resource_op), 0);
    EXPECT_EQUAL(e[0].u.ret, -XEN_EPERM);
    e[0] = (struct xenpf_resource_entry){ .u.cmd = 7 };
    EXPECT_EQUAL(platform(XENPF_resource_op), 0);
    EXPECT_EQUAL(e[0].u.ret, -XEN_EOPNOTSUPP);
    e[0] = (struct xenpf_resource_entry){ .rsvd = 1, .idx = 0x10 };
    EXPECT_EQUAL(platform(XENPF_resource_op), 0);
    EXPECT_EQUAL(e[0].u.ret, -XEN_EINVAL);
    op.u.resource_op.nr_entries = 1000;
    EXPECT_REFUSED(platform(XENPF_resource_op));
    e[0] = (struct xenpf_resource_entry){ .u.cmd = XEN_RESOURCE_OP_MSR_READ, .idx = 0x10 };
    op.u.resource_op.nr_entries = 1;
    op.u.resource_op.cpu = 5000;
    EXPECT_ERR(platform(XENPF_resource_op), ENODEV);
}

static void symbols(void)
{
    static char name[128];
    uint64_t last = 0;
    unsigned n = 0;

    clear();
    for (;;) {
        uint32_t before = op.u.symdata.symnum;

        op.u.symdata.namelen = sizeof(name);
        set_xen_guest_handle(op.u.symdata.name, name);
        if (!EXPECT_OK(platform(XENPF_get_symbol)))
            return;
        if (op.u.symdata.symnum == before)
            break;
        if (!EXPECT_EQUAL(op.u.symdata.symnum, before + 1) || !EXPECT_TRUE(op.u.symdata.address >= last))
            return;
        last = op.u.symdata.address;
        n++;
    }
    EXPECT_TRUE(n > 100);
}

static void wallclock(void)
{
    struct shared_info *s = &shared_info;

    clear();
    op.u.settime64.mbz = 1;
    EXPECT_ERR(platform(XENPF_settime64), EINVAL);
    clear();
    op.u.settime64.secs = 2000000000;
    op.u.settime64.nsecs = 5;
    op.u.settime64.system_time = 0;
    EXPECT_OK(platform(XENPF_settime64));
    EXPECT_EQUAL(s->wc_sec, 2000000000);
    EXPECT_EQUAL(s->wc_nsec, 5);
    clear();
    op.u.settime32.secs = 1000000000;
    op.u.settime32.system_time = 1000000000;
    EXPECT_OK(platform(XENPF_settime32));
    EXPECT_EQUAL(s->wc_sec, 999999999);
}

void test_main(void)
{
    arguments();
    cpus();
    plugging();
    frequencies();
    memtypes();
    firmware();
    power();
    resources();
    symbols();
    wallclock();
}
