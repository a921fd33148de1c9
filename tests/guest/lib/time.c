/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System time: read the versioned structure until it is whole, then scale the TSC's advance. */
#include "boot.h"
#include "time.h"

uint64_t tsc_read(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (uint64_t)hi << 32 | lo;
}

uint64_t time_from(const struct vcpu_time_info *t)
{
    uint64_t ns;
    uint32_t version;

    do {
        uint64_t delta;

        version = READ_ONCE(t->version);
        barrier();
        delta = tsc_read() - READ_ONCE(t->tsc_timestamp);
        delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
        ns = READ_ONCE(t->system_time) + (uint64_t)(((unsigned __int128)delta * t->tsc_to_system_mul) >> 32);
        barrier();
    } while ((version & 1) || version != READ_ONCE(t->version));
    return ns;
}

uint64_t time_now(void)
{
    return time_from(&vcpu_info_self()->time);
}

void time_spin(uint64_t ns)
{
    uint64_t end = time_now() + ns;

    while (time_now() < end)
        __asm__ volatile("pause");
}
