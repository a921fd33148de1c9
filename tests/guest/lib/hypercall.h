/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hypercalls, by the page the hypervisor filled (arch-x86/xen-x86_64.h):
 *     hypercall(sched_op, SCHEDOP_yield)      one to five arguments, the rest are 0
 * and without the page, for numbers it has no slot for: hypercall_raw().
 */
#ifndef GUEST_HYPERCALL_H
#define GUEST_HYPERCALL_H

#include "types.h"

extern char hypercall_page[PAGE_SIZE];

static inline long hypercall5(unsigned nr, long a1, long a2, long a3, long a4, long a5)
{
    register long r10 __asm__("r10") = a4;
    register long r8 __asm__("r8") = a5;
    long ret = (long)(hypercall_page + nr * 32ul);

    __asm__ volatile("call *%%rax"
                     : "+a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     :
                     : "rcx", "r9", "r11", "memory", "cc");
    return ret;
}

static inline long hypercall_raw(unsigned long nr, long a1, long a2, long a3, long a4, long a5)
{
    register long r10 __asm__("r10") = a4;
    register long r8 __asm__("r8") = a5;
    long ret = (long)nr;

    __asm__ volatile("syscall"
                     : "+a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
                     :
                     : "rcx", "r9", "r11", "memory", "cc");
    return ret;
}

#define HYPERCALL_(nr, a, b, c, d, e, ...) \
    hypercall5(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))
#define hypercall(name, ...) \
    HYPERCALL_(__HYPERVISOR_##name, ##__VA_ARGS__, 0, 0, 0, 0, 0)

#endif
