/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware that is broken: dom0 overwrites the code of its runtime services (it may: it is trusted with all that is not
 * RAM).  The call ends with EFI_DEVICE_ERROR, the services are gone from then on, and hypervisor and guest live.
 */
/* hv-only: hospes */
/* boot: efi */
/* qemu: -m 512 */
/* timeout: 240 */
/* console: EFI firmware faulted */
#include <xen/platform.h>
#include <xen/version.h>
#include "check.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"

#define RUNTIME_CODE 5
#define DEVICE_ERROR ((long)0x8000000000000007)
#define VA           0x0000140000000000ul

static struct xen_platform_op op;

static long platform(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XENPF_INTERFACE_VERSION;
    return hypercall(platform_op, &op);
}

static long get_time(void)
{
    memset(&op, 0, sizeof(op));
    op.u.efi_runtime_call.function = XEN_EFI_get_time;
    return platform(XENPF_efi_runtime_call);
}

/* The type of the memory at addr, and where its region ends. */
static uint32_t region(uint64_t addr, uint64_t *end)
{
    memset(&op, 0, sizeof(op));
    op.u.firmware_info.type = XEN_FW_EFI_INFO;
    op.u.firmware_info.index = XEN_FW_EFI_MEM_INFO;
    op.u.firmware_info.u.efi_info.mem.addr = addr;
    op.u.firmware_info.u.efi_info.mem.size = ~0ul - addr;
    *end = addr + 4096;
    if (platform(XENPF_firmware_info))
        return ~0u;
    *end = addr + op.u.firmware_info.u.efi_info.mem.size;
    return op.u.firmware_info.u.efi_info.mem.type;
}

static unsigned code_break(void)
{
    unsigned pages = 0;
    uint64_t end;

    for (uint64_t addr = 0; addr < 512ul << 20; addr = end) {
        if (region(addr, &end) != RUNTIME_CODE)
            continue;
        for (uint64_t a = addr; a < end; a += 4096, pages++) {
            REQUIRE(!map_page(NULL, VA + pages * 4096ul, a >> 12, PTE_RW));
            memset((void *)(VA + pages * 4096ul), 0xcc, 4096);
        }
    }
    return pages;
}

void test_main(void)
{
    EXPECT_OK(get_time());
    EXPECT_OK(op.u.efi_runtime_call.status);
    EXPECT_TRUE(code_break() > 0);
    EXPECT_OK(get_time());
    EXPECT_EQUAL(op.u.efi_runtime_call.status, DEVICE_ERROR);
    EXPECT_ERR(get_time(), ENOSYS);
    EXPECT_TRUE(hypercall(xen_version, XENVER_version, NULL) > 0);
}
