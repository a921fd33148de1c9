/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Instructions that may fault on a guest's account: see uaccess.S. */
#pragma once

#include "core/types.h"
#include "x86/layout.h"

uint64_t uaccess_read(void *dst, const void __guest *src, size_t n);
uint64_t uaccess_write(void __guest *dst, const void *src, size_t n);
uint64_t uaccess_clear(void __guest *dst, size_t n);
int rdmsr_safe(uint32_t nr, uint64_t *v);
int wrmsr_safe(uint32_t nr, uint64_t v);
int xsetbv_safe(uint32_t nr, uint64_t v);
int seg_load_ds(unsigned sel);
int seg_load_es(unsigned sel);
int seg_load_fs(unsigned sel);
int seg_load_gs(unsigned sel);
int fpu_restore_safe(const void *area, uint64_t mask, int xsave);

static inline bool is_canonical(uint64_t a)
{
    return (int64_t)(a << 16) >> 16 == (int64_t)a;
}

/* May the current guest mean this range?  (Not ours, no wrap-around, canonical.) */
static inline bool guest_range_ok(uint64_t gva, uint64_t n)
{
    uint64_t end;

    return !__builtin_add_overflow(gva, n, &end) && (end <= 1ul << 47 || gva >= HV_END);
}

/* Behind that check, before memory is read: where the processor mispredicts it, ours becomes the last byte of the address space. */
static inline uint64_t guest_clamp(uint64_t gva)
{
    int64_t ours = (int64_t)(gva - HV_END); /* negative from HV_START to HV_END */

    __asm__("" : "+r"(ours)); /* the compiler must not remember what was checked */
    return gva | (uint64_t)(ours >> 63);
}

/* The same places in C as GUEST_OPEN and GUEST_CLOSE in uaccess_asm.h. */
#define SMAP_SITE(list) \
    __asm__ volatile("661: .byte 0x0f, 0x1f, 0x00\n.pushsection " list ", \"a\"\n.long 661b - .\n.popsection" ::: "memory")

static inline void guest_access_begin(void)
{
    SMAP_SITE(".smap_open");
}

static inline void guest_access_end(void)
{
    SMAP_SITE(".smap_close");
}

/* Boot, before guest memory is touched: on a processor with SMAP, make stac and clac of all these places. */
void smap_init(void);

/* A word of guest memory (guest_put: 64 bits), at an address in a range that is good, between guest_access_begin() and
 * guest_access_end().  If that faults we go on at the label. */
#define EXTABLE(at, to) ".pushsection .extable, \"a\"\n.balign 4\n.long " at " - .\n.long " to " - .\n.popsection\n"
#define guest_put(gva, value, label)                                                \
    __asm__ goto("1: movq %0, %1\n" EXTABLE("1b", "%l2")                            \
                 :: "er"((uint64_t)(value)), "m"(*(uint64_t *)(gva)) : "memory" : label)
#define guest_get(var, gva, label)                                                  \
    __asm__ goto("1: mov %1, %0\n" EXTABLE("1b", "%l2")                             \
                 : "=r"(var) : "m"(*(const __typeof__(var) *)(gva)) : "memory" : label)

/* Where to go on after a fault at rip; 0: no fix-up. */
uint64_t extable_find(uint64_t rip);
