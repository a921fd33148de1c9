/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A shadow of the direct map: a byte for 8 bytes, 0 if they may all be touched, 1 to 7 if only the first so many may, else why they may
 * not (enum shadow).  Code compiled with -fsanitize=kernel-address asks here before each load and store; the functions of
 * core/string.c and copies from and to guests ask for their whole range.  So redzones and freed memory are found by the first touch.
 * Assembly does not ask, nor does what lies outside the direct map: image, frame table, stack variables.
 *
 * It lies in an L4 slot that nothing else has.  Where there is no RAM all of it leads to one piece of zeroes.
 */
#include "boot/memory.h"
#include "check/heap.h"
#include "check/leak.h"
#include "core/frame.h"
#include "core/port.h"
#include "core/ptype.h"
#include "core/string.h"
#include "x86/layout.h"
#include "x86/paging.h"

#define SHADOW_START 0xffff820000000000ul /* slot 260 */
#define PIECE        0x200000ul           /* it is mapped by such */

static uint64_t covered; /* bytes of the direct map, from the first [const after boot] */

void __real_boot_memory_release(const struct boot_info *bi);
void __wrap_boot_memory_release(const struct boot_info *bi);

static uint8_t *shadow_of(uint64_t off)
{
    return (uint8_t *)(SHADOW_START + (off >> 3));
}

static bool is_direct(uint64_t addr, uint64_t *off)
{
    *off = addr - DIRECT_START;
    return *off < covered;
}

void shadow_set(const void *p, size_t n, enum shadow what)
{
    uint64_t off;

    if (!n || !is_direct((uint64_t)p, &off))
        return;
    if (what != SHADOW_GOOD && off % 8) {
        *shadow_of(off) = off % 8;
        n -= MIN(n, 8 - off % 8);
        off = ROUND_UP(off, 8);
    }
    for (uint64_t i = 0; i < n; i += 8)
        *shadow_of(off + i) = (uint8_t)what;
}

/* The shadow byte that forbids n bytes at off; 0: none does. */
static inline uint8_t forbidden(uint64_t off, size_t n)
{
    uint64_t last = off + n - 1;
    uint8_t s;

    for (; off >> 3 < last >> 3; off += 8)
        if (*shadow_of(off))
            return *shadow_of(off);
    s = *shadow_of(last);
    return s && (s >= 8 || last % 8 >= s) ? s : 0;
}

static __attribute__((noinline)) void report(uint64_t addr, size_t n, bool write, uint8_t why)
{
    panic("%s of %lu bytes at %#lx: %s (shadow %#x)\n", write ? "write" : "read", n, addr,
          why < 8 || why == SHADOW_REDZONE ? "past the end of an object" : why == SHADOW_FREE_OBJECT ? "in a freed object"
          : why == SHADOW_FREE_FRAME ? "in a free frame" : "?", why);
}

static inline void touch(uint64_t addr, size_t n, bool write)
{
    uint64_t off;
    uint8_t why;

    if (likely(!is_direct(addr, &off) || !n))
        return;
    why = forbidden(off, n);
    if (unlikely(why))
        report(addr, n, write, why);
}

#define TOUCH(n)                                                                                        \
    void __asan_load##n##_noabort(uint64_t addr);                                                       \
    void __asan_store##n##_noabort(uint64_t addr);                                                      \
    void __asan_load##n##_noabort(uint64_t addr)                                                        \
    {                                                                                                   \
        touch(addr, n, false);                                                                          \
    }                                                                                                   \
    void __asan_store##n##_noabort(uint64_t addr)                                                       \
    {                                                                                                   \
        touch(addr, n, true);                                                                           \
    }

TOUCH(1)
TOUCH(2)
TOUCH(4)
TOUCH(8)
TOUCH(16)

void __asan_loadN_noabort(uint64_t addr, size_t n);
void __asan_storeN_noabort(uint64_t addr, size_t n);
void __asan_handle_no_return(void);

void __asan_loadN_noabort(uint64_t addr, size_t n)
{
    touch(addr, n, false);
}

void __asan_storeN_noabort(uint64_t addr, size_t n)
{
    touch(addr, n, true);
}

void __asan_handle_no_return(void)
{
}

/* ---- Whole ranges: gcc calls these functions as usual, clang by names of its own ---- */

void *__real_memcpy(void *dst, const void *src, size_t n);
void *__real_memmove(void *dst, const void *src, size_t n);
void *__real_memset(void *dst, int c, size_t n);
void *__wrap_memcpy(void *dst, const void *src, size_t n);
void *__wrap_memmove(void *dst, const void *src, size_t n);
void *__wrap_memset(void *dst, int c, size_t n);
void *__asan_memcpy(void *dst, const void *src, size_t n);
void *__asan_memmove(void *dst, const void *src, size_t n);
void *__asan_memset(void *dst, int c, size_t n);

void *__wrap_memcpy(void *dst, const void *src, size_t n)
{
    touch((uint64_t)src, n, false);
    touch((uint64_t)dst, n, true);
    return __real_memcpy(dst, src, n);
}

void *__wrap_memmove(void *dst, const void *src, size_t n)
{
    touch((uint64_t)src, n, false);
    touch((uint64_t)dst, n, true);
    return __real_memmove(dst, src, n);
}

void *__wrap_memset(void *dst, int c, size_t n)
{
    touch((uint64_t)dst, n, true);
    return __real_memset(dst, c, n);
}

void *__asan_memcpy(void *dst, const void *src, size_t n)
{
    return __wrap_memcpy(dst, src, n);
}

void *__asan_memmove(void *dst, const void *src, size_t n)
{
    return __wrap_memmove(dst, src, n);
}

void *__asan_memset(void *dst, int c, size_t n)
{
    return __wrap_memset(dst, c, n);
}

void leak_range(const void *p, size_t n, bool write)
{
    touch((uint64_t)p, n, write);
}

/* ---- Boot ---- */

static bool piece_has_ram(uint64_t first)
{
    bool any = false;

    for (unsigned i = 0; i < nr_ram_ranges; i++)
        any |= ram_ranges[i].first < first + PIECE * 8 / PAGE_SIZE && ram_ranges[i].end > first;
    return any;
}

/* Before the first frame is free: all of memory may be touched until it is. */
void __wrap_boot_memory_release(const struct boot_info *bi)
{
    uint64_t none = virt_to_maddr(boot_alloc(PIECE / PAGE_SIZE)), size = MIN(nr_frames << PAGE_SHIFT, DIRECT_SIZE);

    for (uint64_t at = 0; at < size / 8; at += PIECE) {
        bool ram = piece_has_ram(at * 8 / PAGE_SIZE);

        hv_map(SHADOW_START + at, ram ? virt_to_maddr(boot_alloc(PIECE / PAGE_SIZE)) : none, PIECE,
               PTE_NX | (ram ? PTE_RW : 0));
    }
    covered = size;
    __real_boot_memory_release(bi);
}
