/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs are threads of one core, by CPUID: the APIC id's low bits number the threads. */
#ifndef X86_TOPOLOGY_H
#define X86_TOPOLOGY_H

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

#endif
