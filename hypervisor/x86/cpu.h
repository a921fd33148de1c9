/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single instructions of the processor as functions. */
#pragma once

#include "core/types.h"

static inline uint64_t rdmsr(uint32_t nr)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(nr));
    return (uint64_t)hi << 32 | lo;
}

static inline void wrmsr(uint32_t nr, uint64_t v)
{
    __asm__ volatile("wrmsr" :: "c"(nr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

/* rdtsc that is not executed before earlier loads have completed. */
static inline uint64_t rdtsc_ordered(void)
{
    __asm__ volatile("lfence" ::: "memory");
    return rdtsc();
}

static inline uint8_t inb(uint16_t port)
{
    uint8_t v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint16_t inw(uint16_t port)
{
    uint16_t v;

    __asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline uint32_t inl(uint16_t port)
{
    uint32_t v;

    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline void outb(uint16_t port, uint8_t v)
{
    __asm__ volatile("outb %0, %1" :: "a"(v), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t v)
{
    __asm__ volatile("outw %0, %1" :: "a"(v), "Nd"(port));
}

static inline void outl(uint16_t port, uint32_t v)
{
    __asm__ volatile("outl %0, %1" :: "a"(v), "Nd"(port));
}

struct cpuid_leaf {
    uint32_t a, b, c, d;
};

static inline struct cpuid_leaf cpuid_count(uint32_t leaf, uint32_t sub)
{
    struct cpuid_leaf r;

    __asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(sub));
    return r;
}

#define FLAG_CF   0x1ul
#define FLAG_TF   0x100ul
#define FLAG_IF   0x200ul
#define FLAG_DF   0x400ul
#define FLAG_IOPL 0x3000ul
#define FLAG_NT   0x4000ul
#define FLAG_RF   0x10000ul
#define FLAG_VM   0x20000ul
#define FLAG_AC   0x40000ul
#define FLAG_VIF  0x80000ul
#define FLAG_VIP  0x100000ul
#define FLAG_ID   0x200000ul

static inline uint64_t flags_read(void)
{
    uint64_t f;

    __asm__ volatile("pushfq; popq %0" : "=r"(f));
    return f;
}

static inline void irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline void irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline bool irq_enabled(void)
{
    return flags_read() & FLAG_IF;
}

static inline uint64_t irq_save(void)
{
    uint64_t f = flags_read();

    irq_disable();
    return f;
}

static inline void irq_restore(uint64_t flags)
{
    if (flags & FLAG_IF)
        irq_enable();
    else
        irq_disable();
}

/* This CPU does nothing any more. */
static inline _Noreturn void cpu_stop(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

#define mb()  __asm__ volatile("lock; addl $0, -4(%%rsp)" ::: "memory")
#define rmb() __asm__ volatile("" ::: "memory") /* x86 keeps loads in order */
#define wmb() __asm__ volatile("" ::: "memory") /* and stores */

#define READ_CR(n) \
    ({ uint64_t v_; __asm__ volatile("mov %%cr" #n ", %0" : "=r"(v_) :: "memory"); v_; })
#define WRITE_CR(n, v) \
    __asm__ volatile("mov %0, %%cr" #n :: "r"((uint64_t)(v)) : "memory")
#define READ_DR(n) \
    ({ uint64_t v_; __asm__ volatile("mov %%db" #n ", %0" : "=r"(v_)); v_; })
#define WRITE_DR(n, v) __asm__ volatile("mov %0, %%db" #n :: "r"((uint64_t)(v)))

static inline void invlpg(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" :: "r"(va) : "memory");
}

/* Write the cache line at p back to memory and drop it, on all CPUs. */
static inline void clflush(const void *p)
{
    __asm__ volatile("clflush %0" :: "m"(*(const char *)p) : "memory");
}
