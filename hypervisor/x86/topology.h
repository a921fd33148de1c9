/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs are threads of one core, and cores of one socket, by CPUID: the APIC id's low bits number the threads, the next ones the cores. */
#pragma once

#include "core/types.h"
#include "x86/cpu.h"

/* SDM 2A CPUID leaf 0BH, sub-leaf 0 (Intel, newer AMD); APM3 E.4.17, leaf 8000001EH (the first Zen). */
static inline unsigned topology_thread_bits(void)
{
    unsigned threads = 1;

    if (cpuid_count(0, 0).a >= 0xb && (cpuid_count(0xb, 0).b & 0xffff))
        return cpuid_count(0xb, 0).a & 0x1f;
    if (cpuid_count(0x80000000, 0).a >= 0x8000001e && (cpuid_count(0x80000001, 0).c & 1u << 22))
        threads = (cpuid_count(0x8000001e, 0).b >> 8 & 0xff) + 1;
    return threads > 1 ? 1 : 0;
}

/* A number that the threads of one core, and only they, have in common. */
static inline unsigned topology_core(uint32_t apic_id)
{
    return apic_id >> topology_thread_bits();
}

/* The level of packages is the one above the last that leaf 0BH names. */
static inline unsigned topology_leaf_b_bits(void)
{
    unsigned bits = 0;

    for (uint32_t sub = 0; sub < 8; sub++) {
        struct cpuid_leaf l = cpuid_count(0xb, sub);

        if (!(l.c & 0xff00))
            break;
        bits = l.a & 0x1f;
    }
    return bits;
}

/* Low bits of an APIC id that number the threads and cores of one package: 0BH as above, else APM3 E.4.7 (leaf 80000008H), else
 * leaf 1's count of logical processors. */
static inline unsigned topology_package_bits(void)
{
    struct cpuid_leaf l1 = cpuid_count(1, 0), e8;
    unsigned bits = cpuid_count(0, 0).a >= 0xb ? topology_leaf_b_bits() : 0;

    if (!bits && cpuid_count(0x80000000, 0).a >= 0x80000008) {
        e8 = cpuid_count(0x80000008, 0);
        bits = e8.c >> 12 & 15 ? e8.c >> 12 & 15 : LOG2_UP((e8.c & 0xff) + 1);
    }
    if (!bits && (l1.d & 1u << 28))
        bits = LOG2_UP(l1.b >> 16 & 0xff);
    return MAX(bits, topology_thread_bits());
}
