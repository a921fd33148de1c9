/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The current guest's memory, through its own page tables, which are the ones loaded.  The hypervisor's
 * address range is refused, so a guest can't make us read or write ourselves; any other address at worst faults,
 * which ends the copy.
 */
#include "kern/guest.h"
#include "core/nospec.h"
#include "x86/layout.h"
#include "x86/uaccess.h"

#define M2P_SIZE (M2P_START - M2P_RO_START)

/* The M2P, too, is memory that a guest may read, though it lies in our range. */
static bool in_m2p(uint64_t gva, uint64_t n)
{
    uint64_t at = gva - M2P_RO_START;

    return at < M2P_SIZE && n <= M2P_SIZE - at;
}

int copy_from_guest(void *dst, uint64_t gva, size_t n)
{
    uint64_t left;

    if (likely(guest_range_ok(gva, n)))
        gva = guest_clamp(gva);
    else if (in_m2p(gva, n))
        gva = M2P_RO_START + index_clamp(gva - M2P_RO_START, M2P_SIZE);
    else
        return -XEN_EFAULT;
    guest_access_begin();
    left = uaccess_read(dst, (const void __guest *)gva, n);
    guest_access_end();
    return left ? -XEN_EFAULT : 0;
}

inline int word_from_guest(uint32_t *v, uint64_t gva)
{
    if (!guest_range_ok(gva, sizeof(*v)))
        return -XEN_EFAULT;
    guest_access_begin();
    guest_get(*v, guest_clamp(gva), fault);
    guest_access_end();
    return 0;
fault:
    guest_access_end();
    return -XEN_EFAULT;
}

int copy_to_guest(uint64_t gva, const void *src, size_t n)
{
    uint64_t left;

    if (!guest_range_ok(gva, n))
        return -XEN_EFAULT;
    guest_access_begin();
    left = uaccess_write((void __guest *)gva, src, n);
    guest_access_end();
    return left ? -XEN_EFAULT : 0;
}

int clear_guest(uint64_t gva, size_t n)
{
    uint64_t left;

    if (!guest_range_ok(gva, n))
        return -XEN_EFAULT;
    guest_access_begin();
    left = uaccess_clear((void __guest *)gva, n);
    guest_access_end();
    return left ? -XEN_EFAULT : 0;
}

static bool element_address(uint64_t gva, uint64_t index, size_t size, uint64_t *at)
{
    uint64_t off;

    return !__builtin_mul_overflow(index, size, &off) && !__builtin_add_overflow(gva, off, at);
}

int copy_from_guest_at(void *dst, uint64_t gva, uint64_t index, size_t size)
{
    uint64_t at;

    return element_address(gva, index, size, &at) ? copy_from_guest(dst, at, size) : -XEN_EFAULT;
}

int copy_to_guest_at(uint64_t gva, uint64_t index, const void *src, size_t size)
{
    uint64_t at;

    return element_address(gva, index, size, &at) ? copy_to_guest(at, src, size) : -XEN_EFAULT;
}
