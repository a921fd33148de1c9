/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Option efi=no-rs: UEFI's facts are there, its runtime services are not used. */
/* boot: efi */
/* qemu: -m 512 */
/* hv: efi=no-rs */
/* timeout: 240 */
#include <xen/platform.h>
#include "check.h"
#include "hypercall.h"

static struct xen_platform_op op = { .interface_version = XENPF_INTERFACE_VERSION };

void test_main(void)
{
    op.cmd = XENPF_firmware_info;
    op.u.firmware_info.type = XEN_FW_EFI_INFO;
    op.u.firmware_info.index = XEN_FW_EFI_CONFIG_TABLE;
    EXPECT_OK(hypercall(platform_op, &op));
    EXPECT_TRUE(op.u.firmware_info.u.efi_info.cfg.nent > 1);
    op.u.firmware_info.index = XEN_FW_EFI_RT_VERSION;
    EXPECT_ERR(hypercall(platform_op, &op), EOPNOTSUPP);
    memset(&op.u, 0, sizeof(op.u));
    op.cmd = XENPF_efi_runtime_call;
    op.u.efi_runtime_call.function = XEN_EFI_get_time;
    EXPECT_REFUSED(hypercall(platform_op, &op));
}
