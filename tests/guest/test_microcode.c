/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENPF_microcode_update (platform.h): damaged files, files without an update for this processor, and one that looks
 * right but that the (emulated) processor doesn't take: each is refused, and the machine lives.  What a right file does
 * is for tests/host/test_microcode.c.
 */
/* qemu: -smp 2 -cpu qemu64,vendor=AuthenticAMD,-svm */
#include <xen/platform.h>
#include "check.h"
#include "hypercall.h"

static struct xen_platform_op op;
static uint32_t file[1024];

static long update(const void *data, uint32_t length)
{
    memset(&op, 0, sizeof(op));
    op.cmd = XENPF_microcode_update;
    op.interface_version = XENPF_INTERFACE_VERSION;
    set_xen_guest_handle(op.u.microcode.data, (void *)data);
    op.u.microcode.length = length;
    return hypercall(platform_op, &op);
}

/* An AMD container with one patch of `size` bytes for the signature. */
static uint32_t container(uint32_t signature, uint32_t revision, uint32_t size)
{
    static const uint32_t head[3] = { 0x00414d44, 0, 32 };

    memset(file, 0, sizeof(file));
    memcpy(file, head, sizeof(head));
    file[3] = signature;
    file[6] = 0x1234;
    file[11] = 1;
    file[12] = size;
    file[14] = revision;
    file[19] = 0x1234;
    return 12 + 32 + 8 + size;
}

static uint32_t signature(void)
{
    uint32_t a = 1, b, c = 0, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return a;
}

void test_main(void)
{
    uint32_t n;

    EXPECT_REFUSED(update(NULL, 0));
    EXPECT_REFUSED(update(file, 0));
    EXPECT_REFUSED(update(file, 8));
    EXPECT_REFUSED(update(file, sizeof(file)));
    EXPECT_REFUSED(update((void *)UNMAPPED, 4096));
    EXPECT_REFUSED(update((void *)HV_PRIVATE, 4096));
    EXPECT_REFUSED(update(file, 0xffffffff));
    n = container(signature() ^ 0x10, 0x7fffffff, 1024); /* another processor's */
    EXPECT_REFUSED(update(file, n));
    n = container(signature(), 0, 1024); /* nothing newer */
    EXPECT_REFUSED(update(file, n));
    n = container(signature(), 0x7fffffff, 1024);
    EXPECT_REFUSED(update(file, n - 1));
    EXPECT_REFUSED(update(file, n));
    file[2] = 0xfffffff0;
    EXPECT_REFUSED(update(file, n));
}
