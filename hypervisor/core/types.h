/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Basic types every room shares: typed frame numbers, page constants and the
 * few macros without which C code is noise.  No state, no functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/errno.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ul << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

/* A machine frame: a page of the real machine's memory. */
typedef struct { uint64_t n; } mfn_t;
/* A guest frame: the guest's own number for one of its pages. */
typedef struct { uint64_t n; } gfn_t;

#define MFN(x) ((mfn_t){ (x) })
#define GFN(x) ((gfn_t){ (x) })
#define MFN_NONE MFN(~0ul)

static inline bool mfn_eq(mfn_t a, mfn_t b)
{
    return a.n == b.n;
}

static inline uint64_t mfn_to_maddr(mfn_t m)
{
    return m.n << PAGE_SHIFT;
}

static inline mfn_t maddr_to_mfn(uint64_t maddr)
{
    return MFN(maddr >> PAGE_SHIFT);
}

/* A pointer into a guest's address space, for uaccess.S alone to follow; sparse (`make lint`) reports any other use. */
#ifdef __CHECKER__
#define __guest __attribute__((noderef, address_space(guest)))
#define __force __attribute__((force))
#else
#define __guest
#define __force
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) \
    ((type *)(void *)((char *)(p) - offsetof(type, member)))
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define POINT __attribute__((noinline)) /* tests/guest/bounds.py looks for it in the image */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define ROUND_UP(x, to)   ((((x) + (to) - 1) / (to)) * (to))
#define ROUND_DOWN(x, to) (((x) / (to)) * (to))
#define LOG2_UP(n) ((n) > 1 ? 64 - (unsigned)__builtin_clzl((n) - 1ul) : 0) /* the least k for which 1 << k is n or more */
#define DIV_UP(x, by)     (((x) + (by) - 1) / (by))

/* A value that another CPU or a guest may change: read or write it exactly once. */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
