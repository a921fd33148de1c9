/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The toolstack's bitmaps and arrays: see bitmap.h. */
#include "ctl/bitmap.h"
#include "core/string.h"
#include "kern/guest.h"
#include <xen/xen.h>

int bitmap_from_guest(uint64_t *to, unsigned bits, const struct xenctl_bitmap *from)
{
    unsigned n = MIN(from->nr_bits, bits);

    if (!from->nr_bits)
        return -XEN_EINVAL;
    memset(to, 0, DIV_UP(bits, 64) * 8);
    if (copy_from_guest(to, guest_addr(from->bitmap), DIV_UP(n, 8)))
        return -XEN_EFAULT;
    if (n % 64)
        to[n / 64] &= (1ul << (n % 64)) - 1;
    return 0;
}

int bitmap_to_guest(const struct xenctl_bitmap *to, const uint64_t *from, unsigned bits)
{
    uint64_t gva = guest_addr(to->bitmap), bytes = DIV_UP((uint64_t)to->nr_bits, 8);
    uint64_t n = MIN(bytes, (uint64_t)DIV_UP(bits, 8)), whole = MIN(bytes, (uint64_t)bits / 8);
    uint8_t last = n > whole ? (uint8_t)(((const uint8_t *)from)[whole] & ((1u << bits % 8) - 1)) : 0;

    if (copy_to_guest(gva, from, whole) || copy_to_guest(gva + whole, &last, n - whole) ||
        (bytes > n && clear_guest(gva + n, MIN(bytes - n, (uint64_t)PAGE_SIZE))))
        return -XEN_EFAULT;
    return 0;
}

int array_to_guest(uint64_t to, uint32_t *nr, const void *from, uint32_t n, size_t size)
{
    uint32_t room = *nr;

    *nr = n;
    if (!to)
        return 0;
    if (copy_to_guest(to, from, MIN(room, n) * size))
        return -XEN_EFAULT;
    return room < n ? -XEN_ENOBUFS : 0;
}
