/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * XENPF_efi_runtime_call (UEFI 2.9, ch. 8): each function checks `misc`, copies what the guest points to into memory of
 * ours, calls the service (x86/efirt.c) and copies the results back.  The firmware's status goes to the guest as it is.
 *
 * Capsules are not passed on (-XEN_ENOSYS): the ABI's struct doesn't say how a guest's memory would be described to the
 * firmware.
 */
#include "ctl/efiruntime.h"
#include "core/port.h"
#include "core/string.h"
#include "kern/domain.h"
#include "kern/guest.h"
#include "x86/efirt.h"

#define NAME_MAX   1024u      /* characters, the end included */
#define BUFFER_MAX (1u << 18) /* bytes of data passed in one call */
#define ALL_ACCESS \
    (XEN_EFI_VARIABLE_NON_VOLATILE | XEN_EFI_VARIABLE_BOOTSERVICE_ACCESS | XEN_EFI_VARIABLE_RUNTIME_ACCESS)

struct efi_time {
    uint16_t year;
    uint8_t month, day, hour, minute, second, pad1;
    uint32_t nanosecond;
    int16_t zone;
    uint8_t daylight, pad2;
};

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

static struct efi_time time_in(const struct xenpf_efi_time *t)
{
    return (struct efi_time){ .year = t->year, .month = t->month, .day = t->day, .hour = t->hour, .minute = t->min,
                              .second = t->sec, .nanosecond = t->ns, .zone = t->tz, .daylight = t->daylight };
}

static void time_out(struct xenpf_efi_time *to, const struct efi_time *t)
{
    memset(to, 0, sizeof(*to));
    to->year = t->year;
    to->month = t->month;
    to->day = t->day;
    to->hour = t->hour;
    to->min = t->minute;
    to->sec = t->second;
    to->ns = t->nanosecond;
    to->tz = t->zone;
    to->daylight = t->daylight;
}

static long get_time(struct xenpf_efi_runtime_call *c)
{
    struct efi_time_caps caps = { 0 };
    struct efi_time t = { 0 };

    if (c->misc)
        return -XEN_EINVAL;
    c->status = service(EFIRT_GET_TIME, PTR(&t), PTR(&caps), 0, 0, 0);
    if (c->status)
        return 0;
    time_out(&c->u.get_time.time, &t);
    c->u.get_time.resolution = caps.resolution;
    c->u.get_time.accuracy = caps.accuracy;
    c->misc = caps.sets_to_zero ? XEN_EFI_GET_TIME_SET_CLEARS_NS : 0;
    return 0;
}

static long set_time(struct xenpf_efi_runtime_call *c)
{
    struct efi_time t = time_in(&c->u.set_time);

    if (c->misc)
        return -XEN_EINVAL;
    c->status = service(EFIRT_SET_TIME, PTR(&t), 0, 0, 0, 0);
    return 0;
}

static long get_wakeup_time(struct xenpf_efi_runtime_call *c)
{
    uint8_t enabled = 0, pending = 0;
    struct efi_time t = { 0 };

    if (c->misc)
        return -XEN_EINVAL;
    c->status = service(EFIRT_GET_WAKEUP_TIME, PTR(&enabled), PTR(&pending), PTR(&t), 0, 0);
    if (c->status)
        return 0;
    time_out(&c->u.get_wakeup_time, &t);
    c->misc = (enabled ? XEN_EFI_GET_WAKEUP_TIME_ENABLED : 0) | (pending ? XEN_EFI_GET_WAKEUP_TIME_PENDING : 0);
    return 0;
}

/* "Enable only": at the time that was set before. */
static long set_wakeup_time(struct xenpf_efi_runtime_call *c)
{
    struct efi_time t = time_in(&c->u.set_wakeup_time);
    bool with_time = c->misc == XEN_EFI_SET_WAKEUP_TIME_ENABLE;

    if (c->misc & ~(XEN_EFI_SET_WAKEUP_TIME_ENABLE | XEN_EFI_SET_WAKEUP_TIME_ENABLE_ONLY))
        return -XEN_EINVAL;
    c->status = service(EFIRT_SET_WAKEUP_TIME, c->misc != 0, with_time ? PTR(&t) : 0, 0, 0, 0);
    return 0;
}

static long monotonic_count(struct xenpf_efi_runtime_call *c)
{
    uint32_t high = 0;

    if (c->misc)
        return -XEN_EINVAL;
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

static long get_variable(struct xenpf_efi_runtime_call *c)
{
    uint16_t *name;
    long rc;

    if (c->misc)
        return -XEN_EINVAL;
    name = name_in(guest_addr(c->u.get_variable.name), &rc);
    if (!name)
        return rc;
    rc = variable_read(c, name);
    mem_free(name);
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

/* The firmware judges the attributes. */
static long set_variable(struct xenpf_efi_runtime_call *c)
{
    uint16_t *name;
    long rc;

    if (c->u.set_variable.size > BUFFER_MAX)
        return -XEN_ENOMEM;
    name = name_in(guest_addr(c->u.set_variable.name), &rc);
    if (!name)
        return rc;
    rc = variable_write(c, name);
    mem_free(name);
    return rc;
}

static long next_name(struct xenpf_efi_runtime_call *c)
{
    uint64_t size = c->u.get_next_variable_name.size, gva = guest_addr(c->u.get_next_variable_name.name);
    struct xenpf_efi_guid vendor = c->u.get_next_variable_name.vendor_guid;
    uint64_t room = MIN(size, (uint64_t)BUFFER_MAX);
    uint16_t *name;
    long rc = 0;

    if (c->misc || size < sizeof(*name))
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

    if (c->misc & ~XEN_EFI_VARINFO_BOOT_SNAPSHOT)
        return -XEN_EINVAL;
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

long efiruntime_call(struct xenpf_efi_runtime_call *c)
{
    static long (*const functions[])(struct xenpf_efi_runtime_call *) = {
        [XEN_EFI_get_time] = get_time, [XEN_EFI_set_time] = set_time, [XEN_EFI_get_wakeup_time] = get_wakeup_time,
        [XEN_EFI_set_wakeup_time] = set_wakeup_time, [XEN_EFI_get_next_high_monotonic_count] = monotonic_count,
        [XEN_EFI_get_variable] = get_variable, [XEN_EFI_set_variable] = set_variable,
        [XEN_EFI_get_next_variable_name] = next_name, [XEN_EFI_query_variable_info] = query_variable_info,
    };

    if (!efirt_revision() || c->function >= ARRAY_SIZE(functions) || !functions[c->function])
        return -XEN_ENOSYS;
    return functions[c->function](c);
}
