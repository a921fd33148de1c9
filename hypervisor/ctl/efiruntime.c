/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENPF_efi_runtime_call (UEFI 2.9, ch. 8): each function copies what the guest points to into memory of
 * ours, calls the service (x86/efirt.c) and copies the results back.  The firmware's status goes to the guest as it is.
 *
 * Capsules are not passed on (-XEN_ENOSYS): the ABI's struct doesn't say how a guest's memory would be described to the
 * firmware.
 */
#include "ctl/platform.h"
#include "core/nospec.h"
#include "core/port.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "x86/efirt.h"

#define NAME_MAX   1024u      /* characters, the end included */
#define BUFFER_MAX (1u << 18) /* bytes of data passed in one call */
#define ALL_ACCESS \
    (XEN_EFI_VARIABLE_NON_VOLATILE | XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS | XEN_EFI_VARIABLE_RUNTIME_ACCESS)

_Static_assert(sizeof(struct xenpf_efi_time) == 16 && offsetof(struct xenpf_efi_time, ns) == 8, "it is the firmware's EFI_TIME");

struct efi_time_caps {
    uint32_t resolution, accuracy;
    bool sets_to_zero;
};

static struct {
    bool known;
    uint64_t max_store, remaining, max_size;
} at_boot; /* [const after boot] */

static uint64_t service(enum efirt_service s, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
    const uint64_t arg[6] = { a, b, c, d, e };

    return efirt_call(current ? current->fpu : NULL, s, arg);
}

#define PTR(p) ((uint64_t)(p))

/* ---- Clocks ---- */

static long get_time(struct xenpf_efi_runtime_call *c)
{
    struct efi_time_caps caps = { 0 };

    c->status = service(EFIRT_GET_TIME, PTR(&c->u.get_time.time), PTR(&caps), 0, 0, 0);
    if (c->status)
        return 0;
    c->u.get_time.resolution = caps.resolution;
    c->u.get_time.accuracy = caps.accuracy;
    c->misc = caps.sets_to_zero ? XEN_EFI_GET_TIME_SET_CLEARS_NS : 0;
    return 0;
}

static long set_time(struct xenpf_efi_runtime_call *c)
{
    c->status = service(EFIRT_SET_TIME, PTR(&c->u.set_time), 0, 0, 0, 0);
    return 0;
}

static long get_wakeup_time(struct xenpf_efi_runtime_call *c)
{
    uint8_t enabled = 0, pending = 0;

    c->status = service(EFIRT_GET_WAKEUP_TIME, PTR(&enabled), PTR(&pending), PTR(&c->u.get_wakeup_time), 0, 0);
    if (!c->status)
        c->misc = (enabled ? XEN_EFI_GET_WAKEUP_TIME_ENABLED : 0) | (pending ? XEN_EFI_GET_WAKEUP_TIME_PENDING : 0);
    return 0;
}

/* "Enable only": at the time that was set before. */
static long set_wakeup_time(struct xenpf_efi_runtime_call *c)
{
    bool with_time = c->misc == XEN_EFI_SET_WAKEUP_TIME_ENABLE;

    c->status = service(EFIRT_SET_WAKEUP_TIME, c->misc != 0, with_time ? PTR(&c->u.set_wakeup_time) : 0, 0, 0, 0);
    return 0;
}

static long monotonic_count(struct xenpf_efi_runtime_call *c)
{
    uint32_t high = 0;

    c->status = service(EFIRT_GET_NEXT_HIGH_MONOTONIC_COUNT, PTR(&high), 0, 0, 0, 0);
    if (!c->status)
        c->misc = high;
    return 0;
}

/* ---- Variables ---- */

/* A guest's string of 16-bit characters with its end, in fresh memory; NULL: *rc says why. */
static uint16_t *name_in(uint64_t gva, long *rc)
{
    uint16_t *name = mem_alloc(NAME_MAX * sizeof(*name));

    *rc = name ? 0 : -XEN_ENOMEM;
    for (unsigned i = 0; !*rc; i++) {
        if (i == NAME_MAX)
            *rc = -XEN_EINVAL;
        else if (copy_from_guest_at(&name[i], gva, i, sizeof(name[i])))
            *rc = -XEN_EFAULT;
        else if (!name[i])
            return name;
    }
    mem_free(name);
    return NULL;
}

static long variable_read(struct xenpf_efi_runtime_call *c, const uint16_t *name)
{
    uint64_t size = MIN(c->u.get_variable.size, (uint64_t)BUFFER_MAX);
    struct xenpf_efi_guid vendor = c->u.get_variable.vendor_guid;
    uint32_t attributes = 0;
    void *data = mem_alloc(MAX(size, 1ul));
    long rc = 0;

    if (!data)
        return -XEN_ENOMEM;
    c->status = service(EFIRT_GET_VARIABLE, PTR(name), PTR(&vendor), PTR(&attributes), PTR(&size),
                        c->u.get_variable.size ? PTR(data) : 0);
    if (!c->status && copy_to_guest(guest_addr(c->u.get_variable.data), data, size))
        rc = -XEN_EFAULT;
    if (!c->status || c->status == EFI_BUFFER_TOO_SMALL) {
        c->u.get_variable.size = size;
        c->misc = attributes;
    }
    mem_free(data);
    return rc;
}

static long variable_write(struct xenpf_efi_runtime_call *c, const uint16_t *name)
{
    uint64_t size = c->u.set_variable.size;
    struct xenpf_efi_guid vendor = c->u.set_variable.vendor_guid;
    void *data = mem_alloc(MAX(size, 1ul));
    long rc = 0;

    if (!data)
        return -XEN_ENOMEM;
    if (copy_from_guest(data, guest_addr(c->u.set_variable.data), size))
        rc = -XEN_EFAULT;
    else
        c->status = service(EFIRT_SET_VARIABLE, PTR(name), PTR(&vendor), c->misc, size, PTR(data));
    mem_free(data);
    return rc;
}

/* The variable whose name is at gva. */
static long with_name(struct xenpf_efi_runtime_call *c, uint64_t gva, long (*fn)(struct xenpf_efi_runtime_call *, const uint16_t *))
{
    long rc;
    uint16_t *name = name_in(gva, &rc);

    if (name)
        rc = fn(c, name);
    mem_free(name);
    return rc;
}

static long get_variable(struct xenpf_efi_runtime_call *c)
{
    return with_name(c, guest_addr(c->u.get_variable.name), variable_read);
}

/* The firmware judges the attributes. */
static long set_variable(struct xenpf_efi_runtime_call *c)
{
    return c->u.set_variable.size > BUFFER_MAX ? -XEN_ENOMEM : with_name(c, guest_addr(c->u.set_variable.name), variable_write);
}

static long next_name(struct xenpf_efi_runtime_call *c)
{
    uint64_t size = c->u.get_next_variable_name.size, gva = guest_addr(c->u.get_next_variable_name.name);
    struct xenpf_efi_guid vendor = c->u.get_next_variable_name.vendor_guid;
    uint64_t room = MIN(size, (uint64_t)BUFFER_MAX);
    uint16_t *name;
    long rc = 0;

    if (size < sizeof(*name))
        return -XEN_EINVAL;
    name = mem_alloc(ROUND_UP(room, sizeof(*name)) + sizeof(*name)); /* it ends, whatever the guest wrote */
    if (!name)
        return -XEN_ENOMEM;
    if (copy_from_guest(name, gva, room))
        rc = -XEN_EFAULT;
    else
        c->status = service(EFIRT_GET_NEXT_VARIABLE_NAME, PTR(&room), PTR(name), PTR(&vendor), 0, 0);
    if (!rc && !c->status && copy_to_guest(gva, name, MIN(room, size)))
        rc = -XEN_EFAULT;
    if (!rc && !c->status)
        c->u.get_next_variable_name.vendor_guid = vendor;
    if (!rc && (!c->status || c->status == EFI_BUFFER_TOO_SMALL))
        c->u.get_next_variable_name.size = room;
    mem_free(name);
    return rc;
}

static bool has_2_0(void)
{
    return efirt_revision() >= 2u << 16;
}

static long query_variable_info(struct xenpf_efi_runtime_call *c)
{
    uint64_t max_store = 0, remaining = 0, max_size = 0;

    if (c->misc) {
        if ((c->u.query_variable_info.attr & ~ALL_ACCESS) || !at_boot.known)
            return -XEN_EINVAL;
        max_store = at_boot.max_store, remaining = at_boot.remaining, max_size = at_boot.max_size;
        c->status = 0;
    } else if (!has_2_0()) {
        return -XEN_EOPNOTSUPP;
    } else {
        c->status = service(EFIRT_QUERY_VARIABLE_INFO, c->u.query_variable_info.attr, PTR(&max_store), PTR(&remaining),
                            PTR(&max_size), 0);
    }
    c->u.query_variable_info.max_store_size = max_store;
    c->u.query_variable_info.remain_store_size = remaining;
    c->u.query_variable_info.max_size = max_size;
    return 0;
}

/* ---- */

void efiruntime_init(void)
{
    if (has_2_0())
        at_boot.known = !service(EFIRT_QUERY_VARIABLE_INFO, ALL_ACCESS, PTR(&at_boot.max_store),
                                 PTR(&at_boot.remaining), PTR(&at_boot.max_size), 0);
}

/* `misc`: the bits that may be set when a function is called. */
static const struct function {
    long (*fn)(struct xenpf_efi_runtime_call *);
    uint32_t misc;
} functions[] = {
    [XEN_EFI_get_time] = { get_time, 0 },
    [XEN_EFI_set_time] = { set_time, 0 },
    [XEN_EFI_get_wakeup_time] = { get_wakeup_time, 0 },
    [XEN_EFI_set_wakeup_time] = { set_wakeup_time, XEN_EFI_SET_WAKEUP_TIME_ENABLE | XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY },
    [XEN_EFI_get_next_high_monotonic_count] = { monotonic_count, 0 },
    [XEN_EFI_get_variable] = { get_variable, 0 },
    [XEN_EFI_set_variable] = { set_variable, ~0u },
    [XEN_EFI_get_next_variable_name] = { next_name, 0 },
    [XEN_EFI_query_variable_info] = { query_variable_info, XEN_EFI_VARINFO_BOOT_SNAPSHOT },
};

long efiruntime_call(struct xen_platform_op *op)
{
    struct xenpf_efi_runtime_call *c = &op->u.efi_runtime_call;
    const struct function *f = &functions[index_clamp(c->function, ARRAY_SIZE(functions))];

    if (!efirt_revision() || c->function >= ARRAY_SIZE(functions) || !f->fn)
        return -XEN_ENOSYS;
    return c->misc & ~f->misc ? -XEN_EINVAL : f->fn(c);
}
