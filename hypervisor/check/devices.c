/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mappings of devices lie one behind the other, with a page between that is not mapped: one that failed took no addresses and left nothing. */
#include "check/audits.h"
#include "core/types.h"
#include "x86/layout.h"
#include "x86/log.h"
#include "x86/paging.h"

void *__real_ioremap(uint64_t maddr, size_t size);
void *__wrap_ioremap(uint64_t maddr, size_t size);

static uint64_t taken; /* [atomic] the sum of what they took */

void *__wrap_ioremap(uint64_t maddr, size_t size)
{
    void *p = __real_ioremap(maddr, size);

    if (p)
        __atomic_add_fetch(&taken, ROUND_UP((maddr & ~PAGE_MASK) + size, PAGE_SIZE) + PAGE_SIZE, __ATOMIC_SEQ_CST);
    return p;
}

static bool is_mapped(uint64_t va)
{
    return hv_translate(va) != ~0ul;
}

unsigned devices_audit(void)
{
    uint64_t next = IOREMAP_START + __atomic_load_n(&taken, __ATOMIC_SEQ_CST);

    if (is_mapped(next - 2 * PAGE_SIZE) && !is_mapped(next - PAGE_SIZE) && !is_mapped(next))
        return 0;
    log_err("devices: the last mapping does not end before %#lx\n", next);
    return 1;
}
