/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segment descriptors of para-virtual guests.  Code and data segments of any base and limit are harmless in
 * long mode (the hypervisor is protected by paging); system descriptors (TSS, LDT, gates) are not: a gate
 * leads into our ring.  So: not present, or code/data with DPL 3 made so.  (SDM 3A 3.4.5, APM2 4.7, 4.8)
 */
#include "core/segdesc.h"

#define SD_TYPE_CODE  (1ul << 43)
#define SD_CONFORMING (1ul << 42)
#define SD_ACCESSED   (1ul << 40)
#define SD_S          (1ul << 44) /* code or data */
#define SD_DPL_SHIFT  45
#define SD_P          (1ul << 47)
#define SD_L          (1ul << 53)
#define SD_DB         (1ul << 54)

bool segdesc_check(uint64_t *desc)
{
    uint64_t d = *desc;

    if (!(d & SD_P))
        return true;
    if (!(d & SD_S))
        return false;
    if ((d & SD_TYPE_CODE) && (d & SD_L) && (d & SD_DB))
        return false; /* reserved */
    if ((d & SD_TYPE_CODE) && (d & SD_CONFORMING) && (d >> SD_DPL_SHIFT & 3) != 3)
        return false;
    /* Accessed, so that loading it writes nothing; DPL 3, so that a selector of ours is never meant. */
    *desc = d | SD_ACCESSED | 3ul << SD_DPL_SHIFT;
    return true;
}

bool segdesc_page_check(uint64_t *page)
{
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++) {
        uint64_t d = page[i];

        if (!segdesc_check(&d))
            return false;
        if (d != page[i])
            page[i] = d;
    }
    return true;
}
