/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENPF_efi_runtime_call and XENPF_firmware_info on UEFI firmware: the clock, variables (list, read, write, delete),
 * room in the store, refusals; and that the firmware's use of the FPU is not seen.  (platform.h; UEFI 2.9, ch. 8)
 */
/* boot: efi */
/* qemu: -m 512 */
/* timeout: 240 */
/* sites: ctl/efiruntime.c */
#include <xen/platform.h>
#include "boot.h"
#include "check.h"
#include "checks.h"
#include "console.h"
#include "hypercall.h"
#include "mem.h"

#define EFI_ERR(n)     ((long)(0x8000000000000000ul | (n)))
#define INVALID        EFI_ERR(2)
#define TOO_SMALL      EFI_ERR(5)
#define NOT_FOUND      EFI_ERR(14)
#define ACCESS \
    (XEN_EFI_VARIABLE_NON_VOLATILE | XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS | XEN_EFI_VARIABLE_RUNTIME_ACCESS)

static const struct xenpf_efi_guid ours = {
    0x4f3a1c22, 0x1b7d, 0x4e0a, { 0x9c, 0x31, 0x55, 0x0d, 0x7e, 0x18, 0x42, 0x66 }
};
static const uint16_t our_name[] = u"HospesTest";

static struct xen_platform_op op;
static uint8_t data[1024];

#define NOWHERE ((void *)UNMAPPED)
#define CALL (&op.u.efi_runtime_call)

static void clear(void)
{
    memset(&op, 0, sizeof(op));
}

static long call(uint32_t function)
{
    op.cmd = XENPF_efi_runtime_call;
    op.interface_version = XENPF_INTERFACE_VERSION;
    CALL->function = function;
    return hypercall(platform_op, &op);
}

static long info(uint32_t index)
{
    op.cmd = XENPF_firmware_info;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.firmware_info.type = XEN_FW_EFI_INFO;
    op.u.firmware_info.index = index;
    return hypercall(platform_op, &op);
}

static void facts(void)
{
    static uint16_t vendor[64];
    union xenpf_efi_info *i = &op.u.firmware_info.u.efi_info;

    clear();
    EXPECT_OK(info(XEN_FW_EFI_VERSION));
    EXPECT_TRUE(i->version >= 2u << 16);
    clear();
    EXPECT_OK(info(XEN_FW_EFI_RT_VERSION));
    EXPECT_TRUE(i->version >= 2u << 16);
    clear();
    EXPECT_OK(info(XEN_FW_EFI_CONFIG_TABLE));
    EXPECT_TRUE(i->cfg.addr && i->cfg.nent > 1);
    clear();
    i->vendor.bufsz = sizeof(vendor);
    set_xen_guest_handle(i->vendor.name, vendor);
    EXPECT_OK(info(XEN_FW_EFI_VENDOR));
    EXPECT_TRUE(vendor[0] >= 'A');
    clear();
    i->mem.addr = 0x100000;
    i->mem.size = ~0ul - 0x100000;
    EXPECT_OK(info(XEN_FW_EFI_MEM_INFO));
    EXPECT_EQUAL(i->mem.addr, 0x100000);
    EXPECT_TRUE(i->mem.size && i->mem.size < 512ul << 20);
    clear();
    i->mem.addr = 0x100000;
    i->mem.size = 0x1000;
    EXPECT_OK(info(XEN_FW_EFI_MEM_INFO));
    EXPECT_EQUAL(i->mem.size, 0x1000);
    clear();
    i->mem.addr = 1ul << 50;
    i->mem.size = 0x1000;
    EXPECT_REFUSED(info(XEN_FW_EFI_MEM_INFO));
    clear();
    EXPECT_REFUSED(info(XEN_FW_EFI_PCI_ROM));
    clear();
    EXPECT_REFUSED(info(XEN_FW_EFI_APPLE_PROPERTIES));
    clear();
    EXPECT_ERR(info(99), EINVAL);
    clear();
    op.cmd = XENPF_firmware_info;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.firmware_info.type = XEN_FW_KBD_SHIFT_FLAGS;
    EXPECT_OK(hypercall(platform_op, &op)); /* a BIOS keeps those */
    EXPECT_EQUAL(op.u.firmware_info.u.kbd_shift_flags, 0);
}

static void clocks(void)
{
    struct xenpf_efi_time t;

    clear();
    EXPECT_OK(call(XEN_EFI_get_time));
    EXPECT_OK(CALL->status);
    t = CALL->u.get_time.time;
    printf("firmware's clock: %u-%u-%u %u:%u:%u\n", t.year, t.month, t.day, t.hour, t.min, t.sec);
    EXPECT_TRUE(t.year >= 2020 && t.year < 2100 && t.month >= 1 && t.month <= 12 && t.day >= 1 && t.day <= 31);
    clear();
    CALL->u.set_time = t;
    CALL->u.set_time.year = 2031;
    CALL->u.set_time.min = 17;
    CALL->u.set_time.sec = 3;
    EXPECT_OK(call(XEN_EFI_set_time));
    EXPECT_OK(CALL->status);
    clear();
    EXPECT_OK(call(XEN_EFI_get_time));
    EXPECT_EQUAL(CALL->u.get_time.time.year, 2031);
    EXPECT_EQUAL(CALL->u.get_time.time.min, 17);
    clear();
    CALL->u.set_time = t;
    CALL->u.set_time.month = 13;
    EXPECT_OK(call(XEN_EFI_set_time));
    EXPECT_EQUAL(CALL->status, INVALID);
    clear();
    CALL->misc = 1;
    EXPECT_ERR(call(XEN_EFI_get_time), EINVAL);
    CALL->misc = 1;
    EXPECT_ERR(call(XEN_EFI_set_time), EINVAL);
    clear();
    EXPECT_OK(call(XEN_EFI_get_wakeup_time));
    clear();
    EXPECT_OK(call(XEN_EFI_set_wakeup_time)); /* off */
    clear();
    CALL->misc = 8;
    EXPECT_ERR(call(XEN_EFI_set_wakeup_time), EINVAL);
    clear();
    EXPECT_OK(call(XEN_EFI_get_next_high_monotonic_count));
}

static bool same(const uint16_t *a, const uint16_t *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* How many variables there are, and whether one has our name. */
static unsigned list(bool *has_ours)
{
    static uint16_t name[512];
    unsigned n = 0;

    *has_ours = false;
    clear();
    name[0] = 0;
    for (; n < 500; n++) {
        CALL->misc = 0;
        CALL->u.get_next_variable_name.size = sizeof(name);
        set_xen_guest_handle(CALL->u.get_next_variable_name.name, name);
        if (!EXPECT_OK(call(XEN_EFI_get_next_variable_name)))
            break;
        if (CALL->status) {
            EXPECT_EQUAL(CALL->status, NOT_FOUND);
            break;
        }
        *has_ours |= same(name, our_name);
    }
    return n;
}

static long get(const void *name, void *to, unsigned long size)
{
    clear();
    CALL->u.get_variable.vendor_guid = ours;
    CALL->u.get_variable.size = size;
    set_xen_guest_handle(CALL->u.get_variable.name, (void *)name);
    set_xen_guest_handle(CALL->u.get_variable.data, to);
    return call(XEN_EFI_get_variable);
}

static long set(const void *name, const void *from, unsigned long size)
{
    clear();
    CALL->misc = ACCESS;
    CALL->u.set_variable.vendor_guid = ours;
    CALL->u.set_variable.size = size;
    set_xen_guest_handle(CALL->u.set_variable.name, (void *)name);
    set_xen_guest_handle(CALL->u.set_variable.data, (void *)from);
    return call(XEN_EFI_set_variable);
}

static void variables(void)
{
    static const char text[] = "twelve bytes";
    bool has;
    unsigned before = list(&has);

    printf("%u variables\n", before);
    EXPECT_TRUE(before > 5 && before < 500 && !has);
    EXPECT_OK(get(our_name, data, sizeof(data)));
    EXPECT_EQUAL(CALL->status, NOT_FOUND);
    EXPECT_OK(set(our_name, text, 12));
    EXPECT_OK(CALL->status);
    EXPECT_EQUAL(list(&has), before + 1);
    EXPECT_TRUE(has);
    EXPECT_OK(get(our_name, data, sizeof(data)));
    EXPECT_OK(CALL->status);
    EXPECT_EQUAL(CALL->u.get_variable.size, 12);
    EXPECT_EQUAL(CALL->misc, ACCESS);
    for (unsigned i = 0; i < 12; i++)
        EXPECT_EQUAL(data[i], text[i]);
    EXPECT_OK(get(our_name, data, 5));
    EXPECT_EQUAL(CALL->status, TOO_SMALL);
    EXPECT_EQUAL(CALL->u.get_variable.size, 12);
    EXPECT_OK(get(our_name, NULL, 0));
    EXPECT_EQUAL(CALL->status, TOO_SMALL);
    EXPECT_OK(set(our_name, text, 0)); /* of no size: deleted */
    EXPECT_OK(CALL->status);
    EXPECT_EQUAL(list(&has), before);
    EXPECT_TRUE(!has);
}

static void room(void)
{
    uint64_t max;

    clear();
    CALL->u.query_variable_info.attr = ACCESS;
    EXPECT_OK(call(XEN_EFI_query_variable_info));
    EXPECT_OK(CALL->status);
    max = CALL->u.query_variable_info.max_store_size;
    EXPECT_TRUE(max > 4096 && CALL->u.query_variable_info.remain_store_size <= max);
    clear();
    CALL->misc = XEN_EFI_VARINFO_BOOT_SNAPSHOT;
    CALL->u.query_variable_info.attr = ACCESS;
    EXPECT_OK(call(XEN_EFI_query_variable_info));
    EXPECT_EQUAL(CALL->u.query_variable_info.max_store_size, max);
    clear();
    CALL->misc = 2;
    EXPECT_ERR(call(XEN_EFI_query_variable_info), EINVAL);
}

static void refusals(void)
{
    static uint16_t endless[2048];

    EXPECT_ERR(get(NOWHERE, data, 10), EFAULT);
    EXPECT_ERR(get((void *)HV_PRIVATE, data, 10), EFAULT);
    EXPECT_ERR(set(NOWHERE, data, 10), EFAULT);
    EXPECT_ERR(set(our_name, NOWHERE, 10), EFAULT);
    memset(endless, 'x', sizeof(endless));
    (void)get(endless, data, 10); /* no such variable, or a name too long */
    clear();
    CALL->misc = 1;
    EXPECT_ERR(call(XEN_EFI_get_variable), EINVAL);
    CALL->misc = 1;
    EXPECT_ERR(call(XEN_EFI_get_next_variable_name), EINVAL);
    clear();
    CALL->u.get_next_variable_name.size = 64;
    set_xen_guest_handle(CALL->u.get_next_variable_name.name, NOWHERE);
    EXPECT_ERR(call(XEN_EFI_get_next_variable_name), EFAULT);
    clear();
    EXPECT_ERR(call(XEN_EFI_query_capsule_capabilities), ENOSYS);
    EXPECT_ERR(call(XEN_EFI_update_capsule), ENOSYS);
    EXPECT_ERR(call(0), ENOSYS);
    EXPECT_ERR(call(12), ENOSYS);
    EXPECT_ERR(call(0xffffffff), ENOSYS);
}

static long failing_read(void)
{
    return get(our_name, data, sizeof(data));
}

static long failing_write(void)
{
    return set(our_name, data, 12);
}

static long failing_list(void)
{
    static uint16_t name[512];

    clear();
    CALL->u.get_next_variable_name.size = sizeof(name);
    set_xen_guest_handle(CALL->u.get_next_variable_name.name, name);
    return call(XEN_EFI_get_next_variable_name);
}

/* In a checking build: each allocation fails once (as in test_fail_alloc.c), and nothing is lost. */
static void failing(long (*fn)(void), unsigned allocations)
{
    struct check_state before = { .domid = 0 }, after = { .domid = 0 };
    unsigned n = 0;
    long rc, fired;

    REQUIRE(!check_call(CHECK_STATE, (unsigned long)&before, NULL));
    do {
        REQUIRE(!check_call(CHECK_FAIL, ++n, NULL));
        rc = fn();
        fired = check_call(CHECK_FAIL, 0, NULL);
        if (fired)
            printf("failed at %lx\n", (unsigned long)fired);
        EXPECT_EQUAL(rc, fired ? -XEN_ENOMEM : 0);
        REQUIRE(!check_call(CHECK_STATE, (unsigned long)&after, NULL));
        EXPECT_EQUAL(after.free_frames, before.free_frames);
        EXPECT_EQUAL(after.objects, before.objects);
        EXPECT_EQUAL(after.bytes, before.bytes);
    } while (fired && n < 10);
    EXPECT_EQUAL(n, allocations + 1);
}

static void fpu(void)
{
    uint64_t in = 0x1122334455667788, out0 = 0, out9 = 0;
    bool has;

    __asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm9" :: "r"(in));
    list(&has);
    __asm__ volatile("movq %%xmm0, %0; movq %%xmm9, %1" : "=r"(out0), "=r"(out9));
    EXPECT_EQUAL(out0, in);
    EXPECT_EQUAL(out9, in);
}

void test_main(void)
{
    facts();
    clocks();
    variables();
    room();
    refusals();
    fpu();
    if (check_call(CHECK_BUILD, 0, NULL) < 0)
        return;
    failing(failing_read, 2);
    failing(failing_write, 2);
    failing(failing_list, 1);
}
